//! What a killed run had on disk: every answer that it may not forget.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Rig, Row, hex, key_of};
use crate::trial::{json, rows_of};

/// Key and version, both in hexadecimal.
pub(super) type Id = (String, String);

/// What a run had on disk when it was killed.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Request ids of all restores that were recorded as answered.
    pub(super) answered: BTreeMap<Id, String>,
    /// Whether the mark says that the run is finished.
    pub(super) finished: bool,
}

impl Record {
    /// Reads mark, journal, report and waiting rows, as the next session will.
    pub(super) fn of(rig: &Rig) -> Self {
        let mut record = Self::default();
        let Some(state) = state(rig) else { return record };
        let mark = &json(&state.join("checkpoint.json"))["mark"];
        record.finished = !mark["finished"].is_null();
        if record.finished {
            return record;
        }
        let (report, partial) = (PathBuf::from(mark["report"].as_str().unwrap()), partial(mark));
        if mark["sealed"] == true && !partial.exists() {
            record.take(rows_of(&report));
            return record;
        }
        let rows = std::fs::read(partial).unwrap();
        let header = rows.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let header = &rows[..header];
        record.take(csv_rows(&rows[..length(&mark["written"]["len"])]));
        for range in mark["ranges"].as_array().unwrap() {
            for extent in range["aside"].as_array().into_iter().flatten() {
                let aside = std::fs::read(state.join("aside.csv.zst")).unwrap();
                let start = length(&extent["start"]);
                let rows = zstd::decode_all(&aside[start..start + length(&extent["len"])]).unwrap();
                record.take(csv_rows(&[header, &rows].concat()));
            }
        }
        let journal = std::fs::read_to_string(state.join("journal.jsonl")).unwrap();
        for line in journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let answer = &line["said"]["answered"];
            if !answer["outcome"]["http_status"].is_null() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let id = (text(&answer["key"]["hex"]), text(&answer["version"]["hex"]));
                record.answered.insert(id, text(&answer["outcome"]["request_id"]));
            }
        }
        record
    }

    fn take(&mut self, rows: Vec<Row>) {
        for row in rows.into_iter().filter(|row| !row["http_status"].is_empty()) {
            self.answered.insert(id_of(&row), row["request_id"].clone());
        }
    }
}

fn csv_rows(text: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(text).deserialize().map(Result::unwrap).collect()
}

/// The unfinished report that a mark names.
pub(super) fn partial(mark: &Value) -> PathBuf {
    PathBuf::from(format!("{}.partial", mark["report"].as_str().unwrap()))
}

/// The state folder, if there is a mark in it.
pub(super) fn state(rig: &Rig) -> Option<PathBuf> {
    let folder = std::fs::read_dir(rig.path("state")).ok()?.next()?.unwrap().path();
    folder.join("checkpoint.json").exists().then_some(folder)
}

fn length(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Which object a row is about.
pub(super) fn id_of(row: &Row) -> Id {
    (hex(&key_of(row)), hex(row["version_id"].as_bytes()))
}

/// How often each object was asked for, and how often the store accepted.
pub(super) fn ledger(rig: &Rig) -> BTreeMap<Id, (u32, u32)> {
    let mut posts = BTreeMap::new();
    for post in rig.server.ledger().restores() {
        let id = (hex(&post.key), hex(post.version_id.as_bytes()));
        let (asked, accepted) = posts.entry(id).or_default();
        *asked += 1;
        *accepted += u32::from(matches!(post.status, 200 | 202));
    }
    posts
}
