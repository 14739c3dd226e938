//! `[[source]]` by name: a list of keys, or a CSV, instead of a listing.

use std::path::Path;

use super::super::fault::{At, Place, Problem};
use super::super::flags::Overrides;
use super::super::layers::{Layers, Picked, typed};
use super::super::read::{self, Value};
use super::super::spec::KeyList;
use super::{file_path, from_folder, text_flag};

/// A file that can be standard input: `None` for `-`.
fn list_path(value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) if text == "-" => Ok(None),
        _ => file_path(value).map(Some),
    }
}

/// The names of the objects, if they are named.
pub(in super::super) fn key_list(
    layers: &mut Layers<'_>,
    over: &Overrides,
    folder: &Path,
) -> Option<KeyList> {
    let keys = layers.pick("source.key_list", text_flag(over.files_from.as_ref()), list_path);
    let csv = layers.pick("source.from_csv", text_flag(over.from_csv.as_ref()), list_path);
    let nul = layers.pick("source.key_list_nul", over.null.map(Value::Switch), read::switch);
    let typed_at = |at: &At| matches!(at.place, Place::Flag(_));
    // A list on the line is taken instead of the file's, of whichever kind that is.
    let (keys, csv) = match (keys, csv) {
        (Some(keys), Some(csv)) => match (typed_at(&keys.at), typed_at(&csv.at)) {
            (true, false) => (Some(keys), None),
            (false, true) => (None, Some(csv)),
            _ => {
                let problem = Problem::new(
                    "names the objects, and so does the list of keys",
                    "take one of the two out: `key_list` (--files-from) or `from_csv` (--from-csv)",
                );
                layers.fault(problem, csv.at);
                (Some(keys), None)
            }
        },
        lists => lists,
    };
    // How the file's list of keys is parted is no matter where a CSV on the line stands for it.
    let replaced = csv.as_ref().is_some_and(|csv| typed_at(&csv.at));
    if let Some(nul) = &nul
        && keys.is_none()
        && (!replaced || typed_at(&nul.at))
        && !layers.written("source.key_list", over.files_from.is_some())
    {
        let problem = Problem::new(
            "has no meaning without a list of keys",
            "name one: `key_list` in `[[source]]`, or --files-from; or leave it out",
        );
        layers.fault(problem, nul.at.clone());
    }
    let list = match (&keys, &csv) {
        (Some(Picked { value, at }), _) => KeyList::Keys {
            file: value.as_ref().map(|text| from_folder(folder, text, at)),
            nul: nul.is_some_and(|nul| nul.value),
        },
        (None, Some(Picked { value, at })) => {
            KeyList::Csv { file: value.as_ref().map(|text| from_folder(folder, text, at)), failed: false }
        }
        (None, None) => return None,
    };
    for (key, flag) in [
        ("source.start_after", &over.start_after),
        ("source.end_with", &over.end_with),
        ("source.list_api", &over.list_api),
        ("source.versions", &over.versions),
    ] {
        let typed = flag.as_ref().map(|text| typed(key, Value::Typed(text.clone())).at);
        if let Some(at) = typed.or_else(|| layers.in_file(key)) {
            let way_out = if key == "source.versions" {
                "leave it out; a CSV names versions in its column `version_id`"
            } else {
                "take one of the two out"
            };
            let problem =
                Problem::new("has no meaning beside a list of keys, for which nothing is listed", way_out);
            layers.fault(problem, at);
        }
    }
    Some(list)
}
