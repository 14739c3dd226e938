//! The range planner in virtual time: how near listing over many ranges comes to pages × latency ÷
//! requests in flight, and what it costs.
//!
//! Driver, store and clock are arithmetic (the files of the planner's own tests), so everything but
//! the planner's processor time is the same in every run. A page takes 50 ms, unless `tail` is asked
//! for: then half of that and an exponential tail of the other half on average.
//!
//! `cargo bench --bench split [-- [KEYS…] [tail] [NAME…]]`; default: one and ten million keys, all
//! key spaces. Hints: `-` none; `exact` quantiles of the same keys; `older` those which a run over a
//! tenth fewer keys left.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../src/pipeline/source/split/trial/mod.rs"]
mod trial;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

// The trial's files find the planner here.
use defrost::model::Position;
use defrost::pipeline::source::split::{Kept, Landmarks, Planner, RangeId, Seen, Span};
use trial::drive::{Keys, Latency, Setup, drive};
use trial::space::{EIGHT, MORE, Space};

/// Hints that a run leaves.
const HINTS: u64 = 1024;

#[expect(clippy::disallowed_methods, reason = "a bench measures real processor time")]
fn clock() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut sizes: Vec<u64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000_000, 10_000_000];
    }
    let latency = if args.iter().any(|arg| arg == "tail") { Latency::Tail } else { Latency::Even };
    let all: Vec<&str> = EIGHT.into_iter().chain(MORE).collect();
    let chosen: Vec<&str> = all.iter().copied().filter(|name| args.iter().any(|arg| arg == name)).collect();
    let names = if chosen.is_empty() { all } else { chosen };
    for keys in sizes {
        println!("\n{keys} keys, 1000 a page, 50 ms a page");
        println!(
            "{:<10} {:>9} {:>6} {:>8} {:>8} {:>7} {:>9} {:>8} {:>7} {:>9}",
            "keys",
            "in flight",
            "hints",
            "time s",
            "speed-up",
            "ideal",
            "requests",
            "/ ideal",
            "empty",
            "us / page"
        );
        for name in &names {
            table(name, keys, latency);
        }
    }
}

/// All settings over one key space.
fn table(name: &'static str, keys: u64, latency: Latency) {
    let setup = Setup { latency, clock, ..Setup::default() };
    let space = Space::new(name, keys);
    let older = drive(&Space::new(name, keys / 10 * 9), planner(64, &[]), &setup).marks.spaced(1024);
    let exact: Vec<Vec<u8>> = (1..HINTS).map(|n| space.owned(space.count() * n / HINTS)).collect();
    let pages = space.count().div_ceil(1000) as f64;
    for in_flight in [1, 8, 64, 256] {
        for (label, hints) in [("-", &[][..]), ("exact", &exact), ("older", &older)] {
            let out = drive(&space, planner(in_flight, hints), &setup);
            out.check(space.count());
            let ideal = 100.0 * pages / in_flight as f64 / out.rounds;
            println!(
                "{name:<10} {in_flight:>9} {label:>6} {:>8.2} {:>7.1}x {ideal:>6.1}% {:>9} {:>8.3} {:>7} {:>9.1}",
                out.rounds * 0.05,
                pages / out.rounds,
                out.requests,
                out.requests as f64 / pages,
                out.empty,
                out.cpu.as_secs_f64() * 1e6 / out.requests as f64,
            );
        }
    }
}

fn planner(in_flight: usize, hints: &[Vec<u8>]) -> Planner {
    Planner::new(Span::default(), in_flight, hints)
}
