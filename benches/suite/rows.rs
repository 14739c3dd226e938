//! Answer → rows of the report, in keys a second on one core, decoding and CSV included: the
//! product's reader, classifier and renderer against [`plain`].
//!
//! Both must make the same bytes before anything is timed. They take turns, page set by page set,
//! and the ratio told is the median of the rounds' ratios.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use defrost::model::{Outcome, Provider, State};
use defrost::pipeline::classify::{Standing, classify};
use defrost::pipeline::report::Render;
use defrost::store::dialect::{Dialect, Options, Reply, for_provider};
use defrost::store::{ListApi, Listing};
use http::HeaderMap;
use jiff::Timestamp;

use super::Scale;
use super::bodies::{self, KEYS};
use super::pages::{PAGES, rate, ratios};
use super::plain;
use super::table::{Book, Cell};

/// The hour at which the listing came, before the expiry of the answers' readable copies.
const NOW: &str = "2026-11-21T01:00:00Z";
const BUCKET: &str = "examplebucket";

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let rounds = scale.pick(5, 31);
    let title = format!(
        "answer to CSV rows, million keys a second, one core, median of {rounds} rounds of {PAGES} pages"
    );
    let columns = ["dialect", "B/row", "ours", "quick-xml", "ratio", "lowest", "highest"];
    let mut table = book.table(&title, &columns);
    let now: Timestamp = NOW.parse()?;
    for body in bodies::all() {
        let dialect = for_provider(body.provider, Options { request_payer: false });
        let plus_is_space = body.provider == Provider::S3;
        let ours = || rows(&*dialect, body.bytes.clone(), now);
        let plain = || plain::rows(&body.bytes, BUCKET, plus_is_space, NOW);
        let text = ours()?;
        ensure!(text == plain()?, "{}: the two sides do not make the same rows", body.name);
        ensure!(memchr::memchr_iter(b'\n', &text).count() == KEYS, "{}: a row for each key", body.name);

        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let copies: Vec<Vec<u8>> = vec![body.bytes.clone(); PAGES];
            let began = Instant::now();
            for copy in copies {
                black_box(rows(&*dialect, copy, now)?);
            }
            fast.push(began.elapsed());
            let began = Instant::now();
            for _ in 0..PAGES {
                black_box(plain()?);
            }
            slow.push(began.elapsed());
        }
        let [lowest, ratio, highest] = ratios(&slow, &fast).map(Cell::times);
        let [fast, slow] = [fast, slow].map(|times| Cell::Number(rate(times), 2, ""));
        let size = Cell::Count((text.len() / KEYS) as u64);
        table.row([Cell::word(body.name), size, fast, slow, ratio, lowest, highest]);
    }
    table.note("quick-xml: borrowed events, decoding, csv crate; both sides make the same bytes");
    Ok(())
}

/// What the pipeline does with an answer in a scan that filters nothing.
fn rows(dialect: &dyn Dialect, body: Vec<u8>, now: Timestamp) -> Result<Vec<u8>> {
    let listing = Listing { prefix: Vec::new(), api: ListApi::V2, page_size: 1000 };
    let reply = Reply { status: 200, headers: HeaderMap::new(), body };
    let page = dialect.read_page(&listing, reply).map_err(|_| anyhow!("the answer is no page"))?;
    let mut render = Render::new(BUCKET);
    for object in page.iter() {
        let outcome = match classify(object.kind, object.access, object.restore, now) {
            Standing::Known(state, expires_at) => Outcome::seen(state, expires_at, now),
            Standing::Unsaid => Outcome::seen(State::Unknown, None, now),
        };
        render.row(&object, &outcome)?;
    }
    Ok(render.finish()?)
}
