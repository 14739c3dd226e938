//! `[simulator]`: an embedded store to run against.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::fault::{At, Problem};
use super::super::layers::Layers;
use super::super::read;
use super::super::spec::SimulatorSpec;

/// Fastest simulated clock: a year a second is 31.5 million.
const MOST_SPEED: f64 = 1e9;

/// `[simulator]`; its state folder is not known yet.
pub(in super::super) fn simulator(layers: &mut Layers<'_>, folder: &Path) -> SimulatorSpec {
    let seed = layers.value("simulator.seed", None, read::text);
    let faster = layers.value("simulator.speed", None, |value| read::factor(value, MOST_SPEED));
    let between_runs = layers.value("simulator.between_runs", None, read::span);
    let written = layers.document.as_ref().is_some_and(|d| d.values.contains_key("simulator.seed"));
    if !written && let Some(at) = layers.table("simulator") {
        layers.missing(
            Problem::new("is missing", "name the file that describes the buckets: `seed = \"seed.toml\"`"),
            At { key: "simulator.seed".to_owned(), ..at },
        );
    }
    SimulatorSpec {
        seed: folder.join(seed.unwrap_or_default()),
        speed: faster.unwrap_or(1.0),
        between_runs: between_runs.unwrap_or(Duration::ZERO),
        state_dir: PathBuf::new(),
    }
}
