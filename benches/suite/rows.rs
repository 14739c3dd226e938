//! Answer → rows of the report, in keys a second on one core, decoding and CSV included: the
//! product's reader, classifier and renderer against [`plain`].
//!
//! Both must make the same bytes before anything is timed. They take turns, see [`Turns`].

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
use super::plain;
use super::table::{Book, Cell};
use super::turns::{Turns, time};

/// The hour at which the listing came, before the expiry of the answers' readable copies.
const NOW: &str = "2026-11-21T01:00:00Z";
const BUCKET: &str = "examplebucket";

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let turns = scale.pick(100, 1000);
    let title = format!("answer to CSV rows, million keys a second, one core, median of {turns} pages");
    let columns = ["dialect", "B/row", "ours", "quick-xml", "ratio", "10th", "90th", "undisturbed"];
    let mut table = book.table(&title, &columns);
    let now: Timestamp = NOW.parse()?;
    for body in bodies::all() {
        let dialect =
            for_provider(body.provider, Options { request_payer: false, archive_direct_read: false });
        let plus_is_space = body.provider == Provider::S3;
        let ours = |body: Vec<u8>| rows(&*dialect, body, now);
        let plain = || plain::rows(&body.bytes, BUCKET, plus_is_space, NOW);
        let text = ours(body.bytes.clone())?;
        ensure!(text == plain()?, "{}: the two sides do not make the same rows", body.name);
        ensure!(memchr::memchr_iter(b'\n', &text).count() == KEYS, "{}: a row for each key", body.name);

        let taken = Turns::take(
            turns,
            [
                &mut || {
                    let body = body.bytes.clone();
                    time(|| ours(body))
                },
                &mut || time(plain),
            ],
        );
        let [low, ratio, high] = taken.ratios(1, 0).map(Cell::times);
        let quiet = Cell::times(taken.undisturbed(1, 0));
        let [ours, plain] = [0, 1].map(|side| Cell::Number(taken.rate(side, KEYS), 2, ""));
        let size = Cell::Count((text.len() / KEYS) as u64);
        table.row([Cell::word(body.name), size, ours, plain, ratio, low, high, quiet]);
    }
    table.note("quick-xml: borrowed events, decoding, csv crate; both sides make the same bytes");
    table.note("ratio: median and tenths of all pages, one against one; undisturbed: of the quickest tenths");
    Ok(())
}

/// What the pipeline does with an answer in a scan that filters nothing.
fn rows(dialect: &dyn Dialect, body: Vec<u8>, now: Timestamp) -> Result<Vec<u8>> {
    let listing = Listing { prefix: Vec::new(), api: ListApi::V2, page_size: 1000 };
    let reply = Reply { status: 200, headers: HeaderMap::new(), body };
    let page =
        dialect.read_page(&listing, reply, Vec::new()).map_err(|_| anyhow!("the answer is no page"))?;
    let mut render = Render::new(BUCKET, Vec::with_capacity(Render::room(page.len())));
    for object in page.iter() {
        let outcome = match classify(object.kind, object.access, object.restore, now) {
            Standing::Known(state, expires_at) => Outcome::seen(state, expires_at, now),
            Standing::Unsaid => Outcome::seen(State::Unknown, None, now),
        };
        render.row(&object, &outcome, None);
    }
    Ok(render.finish())
}
