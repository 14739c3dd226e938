//! Answer → page, in keys a second: the page reader against a plain borrowed event reader.
//!
//! The plain reader keeps slices of the answer and decodes nothing; ours delivers the finished
//! [`Page`], decoding, dates, access and restore state included. They take turns, see [`Turns`].

use anyhow::{Result, ensure};
use defrost::model::{Access, Page, Provider, RestoreMark};
use defrost::store::ListApi;
use defrost::store::dialect::xml::{self, Form};

use super::Scale;
use super::bodies::{self, KEYS};
use super::plain;
use super::table::{Book, Cell};
use super::turns::{Turns, time};

const S3: Form = Form {
    plus_is_space: true,
    token_is_encoded: false,
    markers_only: false,
    last_key_is_marker: true,
    silence: RestoreMark::Absent,
    access,
};

const OSS: Form = Form { plus_is_space: false, token_is_encoded: true, last_key_is_marker: false, ..S3 };

const COS: Form = Form { plus_is_space: false, markers_only: true, ..S3 };

fn access(class: &[u8], _tier: &[u8]) -> Access {
    if matches!(class, b"GLACIER" | b"ColdArchive" | b"ARCHIVE") { Access::Archived } else { Access::Online }
}

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let turns = scale.pick(100, 1000);
    let title = format!("answer to page, million keys a second, one core, median of {turns} pages");
    let columns =
        ["dialect", "B/key", "ours", "our events", "quick-xml", "ratio", "10th", "90th", "undisturbed"];
    let mut table = book.table(&title, &columns);
    for body in bodies::all() {
        let form = match body.provider {
            Provider::S3 => &S3,
            Provider::Oss => &OSS,
            Provider::Cos => &COS,
        };
        let bytes = body.bytes;
        let by_events = keys(xml::read_by_events(form, ListApi::V2, bytes.clone()).ok().as_ref());
        let by_scan = xml::read_by_scan(form, ListApi::V2, bytes.clone());
        ensure!(by_scan.is_ok(), "{}: the documented form is handed over by the fast reader", body.name);
        ensure!(
            by_events.len() == KEYS && keys(by_scan.ok().and_then(Result::ok).as_ref()) == by_events,
            "{}",
            body.name
        );
        ensure!(plain::entries(&bytes).len() == KEYS, "{}", body.name);

        let taken = Turns::take(
            turns,
            [
                &mut || {
                    let body = bytes.clone();
                    time(|| xml::read_by_scan(form, ListApi::V2, body))
                },
                &mut || {
                    let body = bytes.clone();
                    time(|| xml::read_by_events(form, ListApi::V2, body))
                },
                &mut || time(|| plain::entries(&bytes)),
            ],
        );
        let [ours, events, plain] = [0, 1, 2].map(|side| Cell::Number(taken.rate(side, KEYS), 2, ""));
        let size = Cell::Count((bytes.len() / KEYS) as u64);
        let [low, ratio, high] = taken.ratios(2, 0).map(Cell::times);
        let quiet = Cell::times(taken.undisturbed(2, 0));
        table.row([Cell::word(body.name), size, ours, events, plain, ratio, low, high, quiet]);
    }
    table.note("quick-xml: a plain borrowed event reader that decodes nothing");
    table.note("ratio: median and tenths of all pages, one against one; undisturbed: of the quickest tenths");
    Ok(())
}

fn keys(page: Option<&Page>) -> Vec<Vec<u8>> {
    page.iter().flat_map(|page| page.iter().map(|entry| entry.key.to_vec()).collect::<Vec<_>>()).collect()
}
