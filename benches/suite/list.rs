//! Store → CSV without latency, in keys a second: the whole way, the process's start and the
//! report's last sync included.

use anyhow::Result;

use super::Scale;
use super::child::{Line, Usage};
use super::keys::Spec;
use super::remote::Remote;
use super::simulator::{COS, OSS, S3, Simulator};
use super::table::{Book, Cell, Table};

/// List requests in flight: the product's default, and more.
const IN_FLIGHT: [u32; 2] = [16, 64];

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let (keys, rounds) = scale.pick((100_000, 1), (1_000_000, 3));
    let simulated = keys / 4;
    let title = format!(
        "scan of {keys} keys ({simulated} on the simulator) without latency, median of {rounds} rounds"
    );
    let columns = [
        "store",
        "in flight",
        "to CSV keys/s",
        "no rows keys/s",
        "ratio",
        "client cpu us/key",
        "keys/s/core",
    ];
    let mut table = book.table(&title, &columns);
    for vendor in [S3, OSS, COS] {
        let simulator = Simulator::start(vendor, simulated)?;
        let line = |name: &str, in_flight: u32| {
            simulator.line("scan", name).with(&["--list-concurrency", &in_flight.to_string()])
        };
        figures(&mut table, &format!("simulator {}", vendor.name), IN_FLIGHT[0], simulated, rounds, line)?;
    }
    let store = Remote::start(Spec::Numbered(keys))?;
    for in_flight in IN_FLIGHT {
        let line = |name: &str, in_flight| Line::scan(&store.url(), name, in_flight);
        figures(&mut table, "bench's store", in_flight, keys, rounds, line)?;
    }
    table.note("no rows: the same scan with --rows failed, so reading and classifying alone");
    table.note("client and store share the cores; keys/s/core counts the client's processor time only");
    Ok(())
}

fn figures(
    table: &mut Table<'_>,
    store: &str,
    in_flight: u32,
    keys: u64,
    rounds: usize,
    line: impl Fn(&str, u32) -> Line,
) -> Result<()> {
    let (mut csv, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (into, more) in [(&mut csv, &[][..]), (&mut bare, &["--rows", "failed"][..])] {
            let line = line("list", in_flight).with(more);
            into.push(line.run(keys)?);
            line.forget()?;
        }
    }
    let (csv, bare) = (median(csv), median(bare));
    let rate = |usage: &Usage| keys as f64 / usage.seconds;
    table.row([
        Cell::word(store),
        Cell::Count(u64::from(in_flight)),
        Cell::Number(rate(&csv), 0, ""),
        Cell::Number(rate(&bare), 0, ""),
        Cell::times(rate(&csv) / rate(&bare)),
        Cell::maybe(csv.cpu, |cpu| Cell::Number(1e6 * cpu / keys as f64, 2, "")),
        Cell::maybe(csv.cpu, |cpu| Cell::Number(keys as f64 / cpu, 0, "")),
    ]);
    Ok(())
}

/// The run that took the median time.
fn median(mut runs: Vec<Usage>) -> Usage {
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    runs[runs.len() / 2]
}
