//! Answer → page, in keys a second: the page reader against a plain borrowed event reader.
//!
//! Each round times every reader once, one after the other; the ratio told is the median of the
//! rounds' ratios. The plain reader keeps slices of the answer and decodes nothing; ours delivers
//! the finished [`Page`], decoding, dates, access and restore state included.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use defrost::model::{Access, Page, Provider, RestoreMark};
use defrost::store::ListApi;
use defrost::store::dialect::xml::{self, Form};

use super::Scale;
use super::bodies::{self, KEYS};
use super::plain;
use super::table::{Book, Cell};

/// Pages read by each side in a round.
pub(crate) const PAGES: usize = 20;

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
    let rounds = scale.pick(5, 31);
    let title = format!(
        "answer to page, million keys a second, one core, median of {rounds} rounds of {PAGES} pages"
    );
    let columns = ["dialect", "B/key", "ours", "our events", "quick-xml", "ratio", "lowest", "highest"];
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

        let mut times = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            times[0].push(time(&bytes, |body| xml::read_by_scan(form, ListApi::V2, body)));
            times[1].push(time(&bytes, |body| xml::read_by_events(form, ListApi::V2, body)));
            times[2].push(time(&bytes, plain::entries));
        }
        let [lowest, ratio, highest] = ratios(&times[2], &times[0]);
        let [ours, events, plain] = times.map(|times| Cell::Number(rate(times), 2, ""));
        let size = Cell::Count((bytes.len() / KEYS) as u64);
        let [ratio, lowest, highest] = [ratio, lowest, highest].map(Cell::times);
        table.row([Cell::word(body.name), size, ours, events, plain, ratio, lowest, highest]);
    }
    table.note("quick-xml: a plain borrowed event reader that decodes nothing; ratio: ours against it");
    Ok(())
}

fn keys(page: Option<&Page>) -> Vec<Vec<u8>> {
    page.iter().flat_map(|page| page.iter().map(|entry| entry.key.to_vec()).collect::<Vec<_>>()).collect()
}

/// Time to read the answer [`PAGES`] times. Making the copies and dropping the results is not in it,
/// so every reader finds the allocator warm.
fn time<'b, B: From<&'b [u8]>, R>(body: &'b [u8], read: impl Fn(B) -> R) -> Duration {
    let mut sum = Duration::ZERO;
    for _ in 0..PAGES {
        let body = B::from(body);
        let start = Instant::now();
        let page = read(body);
        sum += start.elapsed();
        black_box(page);
    }
    sum
}

/// Lowest, median and highest of slow ÷ fast, round by round, since the machine may change its pace
/// between rounds.
pub(crate) fn ratios(slow: &[Duration], fast: &[Duration]) -> [f64; 3] {
    let mut ratios: Vec<f64> =
        slow.iter().zip(fast).map(|(slow, fast)| slow.as_secs_f64() / fast.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    [ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]]
}

/// Million keys a second, by the median.
pub(crate) fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    (KEYS * PAGES) as f64 / times[times.len() / 2].as_secs_f64() / 1e6
}
