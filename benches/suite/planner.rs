//! The range planner in virtual time: the files of its own tests, and the key spaces made there.

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../src/pipeline/source/split/trial/mod.rs"]
mod trial;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

// The trial's files find the planner here.
use defrost::model::Position;
use defrost::pipeline::source::split::{Kept, Landmarks, Planner, RangeId, Seen, Span};
use trial::drive::{Setup, drive};

pub(crate) use trial::drive::Keys;
pub(crate) use trial::space::{EIGHT, Space};

/// Hints that a listing leaves for the next one.
const HINTS: usize = 1024;

/// What a listing takes where nothing but the round trips takes time.
pub(crate) struct Trial {
    /// Round trips one after the other.
    pub(crate) rounds: f64,
    pub(crate) requests: u64,
    /// Processor time that the planner takes for a request, in microseconds.
    pub(crate) cost: f64,
    /// Keys that it leaves as hints.
    pub(crate) hints: Vec<Vec<u8>>,
}

/// Lists `space` with so many requests in flight.
pub(crate) fn listed(space: &Space, in_flight: usize, hints: &[Vec<u8>]) -> Trial {
    let setup = Setup { clock, ..Setup::default() };
    let out = drive(space, Planner::new(Span::default(), in_flight, hints), &setup);
    out.check(space.count());
    let cost = out.cpu.as_secs_f64() * 1e6 / out.requests as f64;
    Trial { rounds: out.rounds, requests: out.requests, cost, hints: out.marks.spaced(HINTS) }
}

fn clock() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
