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
/// and half as much to spare for whoever else uses the disk.
const ROOM: u64 = 400;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let sizes: &[u64] = match scale {
        Scale::Short => &[100_000, 1_000_000],
        Scale::Normal => &[1_000_000, 10_000_000],
        Scale::Long => &[1_000_000, 10_000_000, 100_000_000],
    };
    let title = format!("scan to CSV, {LATENCY_MS} ms a page, peak resident memory");
    let columns = ["keys", "in flight", "peak MiB", "seconds", "listing s", "keys/s", "cpu s"];
    let mut table = book.table(&title, &columns);
    for in_flight in IN_FLIGHT {
        let mut peaks = Vec::new();
        for &keys in sizes {
            let mut store = Remote::start(Spec::Numbered(keys))?;
            store.begin(LATENCY_MS)?;
            let mut line = Line::scan(&store.url(), "memory", in_flight);
            let fits = room().is_none_or(|room| room > keys * ROOM);
            if !fits {
                line = line.with(&["--rows", "failed"]);
            }
            let usage = line.run(keys)?;
            line.forget()?;
            let listing = store.stats()?.seconds() + LATENCY_MS as f64 / 1e3;
            peaks.extend(usage.mebibytes());
            if !fits {
                table.note("*: without rows, since the disk has no room for them");
            }
            table.row([
                Cell::word(format!("{keys}{}", if fits { "" } else { " *" })),
                Cell::Count(u64::from(in_flight)),
                Cell::maybe(usage.mebibytes(), |mib| Cell::Number(mib, 1, "")),
                Cell::seconds(usage.seconds),
                Cell::seconds(listing),
                Cell::Number(keys as f64 / usage.seconds, 0, ""),
                Cell::maybe(usage.cpu, Cell::seconds),
            ]);
        }
        if let (Some(first), Some(last)) = (peaks.first(), peaks.last()) {
            table.note(&format!(
                "{in_flight} in flight: the largest takes {:.2} of the smallest",
                last / first
            ));
        }
    }
    Ok(())
}
