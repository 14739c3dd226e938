//! Restore requests: how many a second can be had, what one costs the client, and how exactly a rate
//! is kept.

use anyhow::{Context as _, Result, ensure};
use defrost::sim::{Call, Fault, FaultKind};

use super::Scale;
use super::child::{Line, Usage};
use super::keys::Spec;
use super::remote::Remote;
use super::simulator::{COS, OSS, S3, Simulator};
use super::table::{Book, Cell, Table};

/// The rate that is to be kept.
const RATE: u64 = 1000;
/// A rate that never holds anything back.
const UNBOUNDED: &str = "100000";
const IN_FLIGHT: [&str; 2] = ["256", "1024"];
/// Of the requests under faults, each so many-th is answered so.
const EVERY: u64 = 50;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    ceiling(scale.pick(5_000, 50_000), book)?;
    pace(scale.pick(5, 30), book)
}

fn ceiling(posts: u64, book: &mut Book) -> Result<()> {
    let title = format!("{posts} restore requests without a limit, store on the same cores");
    let columns = ["store", "in flight", "POSTs/s", "client cpu us/POST", "seconds"];
    let mut table = book.table(&title, &columns);
    for in_flight in IN_FLIGHT {
        for vendor in [S3, OSS, COS] {
            let simulator = Simulator::start(vendor, posts)?;
            let line = simulator.line("restore", "ceiling").with(&["--concurrency", in_flight]);
            let usage = unlimited(line, posts)?;
            let times = arrivals(&simulator);
            let span = times.last().zip(times.first()).map_or(0.0, |(last, first)| last - first);
            let name = format!("simulator {}", vendor.name);
            row(&mut table, &name, in_flight, (times.len() as u64, span), (posts, usage))?;
        }
        let mut store = Remote::start(Spec::Numbered(posts))?;
        let line = Line::new("restore", "s3://bench", "us-east-1", &store.url(), "ceiling");
        store.begin(0)?;
        let usage = unlimited(line.with(&["--concurrency", in_flight]), posts)?;
        let stats = store.stats()?;
        row(&mut table, "bench's store", in_flight, (stats.posts, stats.seconds()), (posts, usage))?;
    }
    table.note("POSTs/s: from the first request to the last, as the store saw them");
    table.note("client cpu: the whole process, so listing, journal and report are in it");
    table.note("cos: its listing does not tell the state, so there is a HEAD for each POST");
    Ok(())
}

fn unlimited(line: Line, posts: u64) -> Result<Usage> {
    let line =
        line.with(&["--yes", "--days", "1", "--rate-limit", UNBOUNDED, "--head-rate-limit", UNBOUNDED]);
    let usage = line.run(posts)?;
    line.forget()?;
    Ok(usage)
}

fn row(
    table: &mut Table<'_>,
    store: &str,
    in_flight: &str,
    (requests, span): (u64, f64),
    (objects, usage): (u64, Usage),
) -> Result<()> {
    // More only if one was not answered in time and sent again.
    ensure!(requests >= objects, "{requests} requests for {objects} objects");
    table.row([
        Cell::word(store),
        Cell::word(in_flight),
        Cell::Number(requests as f64 / span, 0, ""),
        Cell::maybe(usage.cpu, |cpu| Cell::Number(1e6 * cpu / requests as f64, 1, "")),
        Cell::seconds(usage.seconds),
    ]);
    Ok(())
}

fn pace(seconds: u64, book: &mut Book) -> Result<()> {
    let title = format!("{RATE} POST/s asked for, over {seconds} s, by arrival at the simulator");
    let columns = [
        "faults",
        "POSTs",
        "retries",
        "mean error",
        "slowest second",
        "fastest second",
        "most in 10 ms",
        "cpu s",
    ];
    let mut table = book.table(&title, &columns);
    let kinds =
        [("none", None), ("2 % 503", Some(FaultKind::SlowDown)), ("2 % 500", Some(FaultKind::Internal))];
    for (name, kind) in kinds {
        // Enough for the time that is looked at and a bit more, so that its end is not in it.
        let objects = RATE * (seconds + 1);
        let simulator = Simulator::start(S3, objects)?;
        if let Some(kind) = kind {
            simulator.server.add_fault(Fault::new(kind).on(Call::Restore).every(EVERY));
        }
        let rate = RATE.to_string();
        let line = simulator.line("restore", "pace").with(&["--yes", "--days", "1"]);
        let line = line.with(&["--rate-limit", &rate, "--concurrency", IN_FLIGHT[0]]);
        let usage = line.run(objects)?;
        line.forget()?;
        let times = arrivals(&simulator);
        let first = *times.first().context("no request arrived")?;
        let until = first + seconds as f64;
        let looked_at = &times[..times.partition_point(|at| *at < until)];
        let wanted = RATE as f64;
        let off = |count: usize, of: f64| Cell::Number(100.0 * (count as f64 / of - 1.0), 2, "%");
        let (least, most) = windows(looked_at, first, until, 1.0);
        table.row([
            Cell::word(name),
            Cell::Count(times.len() as u64),
            Cell::Count((times.len() as u64).saturating_sub(objects)),
            off(looked_at.len(), wanted * seconds as f64),
            off(least, wanted),
            off(most, wanted),
            Cell::Count(windows(looked_at, first, until, 0.01).1 as u64),
            Cell::maybe(usage.cpu, Cell::seconds),
        ]);
    }
    table.note("retries are paid from the same rate");
    table.note("503: the first one brings the rate down by a fifth for ten seconds; the same share goes on, so no more");
    table.note("slowest and fastest of all seconds that begin with a request, against the rate");
    Ok(())
}

/// When each restore request was answered, in seconds, in order. The simulator adds no latency, so
/// that is when it arrived.
fn arrivals(simulator: &Simulator) -> Vec<f64> {
    let restores = simulator.server.ledger().restores();
    let Some(first) = restores.first().map(|record| record.at) else { return Vec::new() };
    let mut times: Vec<f64> =
        restores.iter().map(|record| record.at.duration_since(first).as_secs_f64()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// Fewest and most of `times` in any window of `length` that begins with one of them and ends
/// before `until`.
fn windows(times: &[f64], first: f64, until: f64, length: f64) -> (usize, usize) {
    let (mut least, mut most) = (usize::MAX, 0);
    for (from, at) in times.iter().enumerate() {
        if at + length > until && *at > first {
            break;
        }
        let count = times[from..].partition_point(|time| *time < at + length);
        least = least.min(count);
        most = most.max(count);
    }
    (if least == usize::MAX { 0 } else { least }, most)
}
