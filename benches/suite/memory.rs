//! Peak resident memory of a scan, by keys and by requests in flight.

use anyhow::Result;

use super::Scale;
use super::child::{Line, room};
use super::keys::Spec;
use super::remote::Remote;
use super::table::{Book, Cell};

/// What a page takes, so that as many requests are in flight as may be.
const LATENCY_MS: u64 = 50;
const IN_FLIGHT: [u32; 2] = [64, 256];

/// Bytes of disk that a key may take: its row in the report, once more while it waits for its turn,
/// and some to spare for whoever else uses the disk.
const ROOM: u64 = 400;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let sizes: &[u64] = match scale {
        Scale::Short => &[100_000, 1_000_000],
        Scale::Normal => &[1_000_000, 10_000_000],
        Scale::Long => &[1_000_000, 10_000_000, 100_000_000],
    };
    let title = format!("scan, {LATENCY_MS} ms a page, peak resident memory");
    let columns = ["keys", "in flight", "report", "peak MiB", "seconds", "listing s", "keys/s", "cpu s"];
    let mut table = book.table(&title, &columns);
    for in_flight in IN_FLIGHT {
        for (report, more) in [("rows", &[][..]), ("no rows", &["--rows", "failed"][..])] {
            let mut peaks = Vec::new();
            for &keys in sizes {
                if more.is_empty() && room().is_some_and(|room| room < keys * ROOM) {
                    table.note(&format!("{keys} keys with rows: the disk has no room for them"));
                    continue;
                }
                let mut store = Remote::start(Spec::Numbered(keys))?;
                store.begin(LATENCY_MS)?;
                let line = Line::scan(&store.url(), "memory", in_flight).with(more);
                let usage = line.run(keys)?;
                line.forget()?;
                let listing = store.stats()?.seconds() + LATENCY_MS as f64 / 1e3;
                peaks.extend(usage.mebibytes());
                table.row([
                    Cell::word(keys.to_string()),
                    Cell::Count(u64::from(in_flight)),
                    Cell::word(report),
                    Cell::maybe(usage.mebibytes(), |mib| Cell::Number(mib, 1, "")),
                    Cell::seconds(usage.seconds),
                    Cell::seconds(listing),
                    Cell::Number(keys as f64 / usage.seconds, 0, ""),
                    Cell::maybe(usage.cpu, Cell::seconds),
                ]);
            }
            if let (Some(first), Some(last)) = (peaks.first(), peaks.last()) {
                let times = last / first;
                table.note(&format!(
                    "{in_flight} in flight, {report}: the largest takes {times:.2} of the smallest"
                ));
            }
        }
    }
    table.note("listing s: from the first request to the last, as the store saw them, + 50 ms");
    Ok(())
}
