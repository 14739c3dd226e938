//! Going on with a scan of a hundred million keys: from the process's start to its first request.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Scale;
use super::child::{Line, room};
use super::keys::Spec;
use super::remote::Remote;
use super::store::now;
use super::table::{Book, Cell};

/// Keys of the job, whatever part of them is listed before it is interrupted.
const KEYS: u64 = 100_000_000;
const IN_FLIGHT: u32 = 64;
const LATENCY_MS: u64 = 10;
/// Between looks at the store.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes of disk that a key may take, in the report or set aside, and some to spare.
const ROOM: u64 = 300;
/// The exit code of a run that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let (done, rounds) = match scale {
        Scale::Short => (300_000, 1),
        // Nearly all of them: the report and the checkpoint are as large as they become.
        Scale::Long if room().is_none_or(|room| room > KEYS * ROOM) => (KEYS / 100 * 97, 3),
        Scale::Normal | Scale::Long => (5_000_000, 3),
    };
    let title = format!("a scan of {KEYS} keys, interrupted and gone on with, {IN_FLIGHT} in flight");
    let columns = ["listed before", "state files B", "set aside B", "round", "first request ms"];
    let mut table = book.table(&title, &columns);
    let mut store = Remote::start(Spec::Numbered(KEYS))?;
    store.begin(LATENCY_MS)?;
    let line = Line::scan(&store.url(), "resume", IN_FLIGHT);
    let mut going = line.start()?;
    while store.stats()?.keys < done {
        ensure!(!going.ended(false)?, "the scan ended too early");
        std::thread::sleep(LOOK);
    }
    going.interrupt()?;
    let code = going.code()?;
    ensure!(code == Some(INTERRUPTED), "an interrupted scan ended with {code:?}");
    let listed = store.stats()?.keys;
    let (kept, aside) = line.state_bytes()?;
    for round in 1..=rounds {
        store.begin(LATENCY_MS)?;
        let began = now();
        let mut going = line.start()?;
        let first = loop {
            let stats = store.stats()?;
            if stats.first > 0 {
                break stats.first;
            }
            ensure!(!going.ended(false)?, "the resumed scan asked for nothing");
            std::thread::sleep(LOOK);
        };
        // As a crash would, so that the next round goes on from about the same place.
        drop(going);
        table.row([
            Cell::word(listed.to_string()),
            Cell::Count(kept),
            Cell::Count(aside),
            Cell::Count(round),
            Cell::Number(first.saturating_sub(began) as f64 / 1e6, 1, ""),
        ]);
    }
    line.forget()
}
