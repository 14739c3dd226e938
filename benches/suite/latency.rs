//! Listing under latency: scans, with the report and without, of the eight key spaces and of one key
//! with 10,000 versions, where each page takes 50 ms, and with 64 requests in flight where it takes 200; in
//! a long run the eight with ten million keys as well.
//!
//! Sequential is computed: pages × latency, and the time of a scan with one request in flight at a
//! store without latency; the first key space is measured so as well, if that takes no longer than a
//! minute. Ideal is pages ÷ requests in flight × latency. Beside the measured share of it stands the
//! planner's in virtual time, where nothing but round trips takes time: what lies between the two is
//! the machine.

use anyhow::Result;

use super::Scale;
use super::child::Line;
use super::keys::Spec;
use super::planner::{self, EIGHT, Keys as _, Space};
use super::remote::Remote;
use super::table::{Book, Cell, Table};

/// What a page takes, in milliseconds.
const LATENCY: u64 = 50;
/// What it takes across regions: here two cores are not what a scan waits for.
const FAR: u64 = 200;
const IN_FLIGHT: &[u32] = &[8, 64, 256];
/// With so many in flight what the report takes shows, and scans are measured without one, too.
const BUSY: u32 = 64;
/// Listing page after page is measured up to this many seconds.
const LONGEST: f64 = 60.0;
/// Versions of the one key.
const VERSIONS: u64 = 10_000;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let keys = scale.pick(50_000, 1_000_000);
    table(book, keys, &EIGHT, IN_FLIGHT, LATENCY)?;
    table(book, keys, &EIGHT, &[BUSY], FAR)?;
    if scale == Scale::Long {
        table(book, 10_000_000, &EIGHT, &[BUSY], LATENCY)?;
    }
    Ok(())
}

/// One key space of the table.
struct Case {
    name: &'static str,
    keys: u64,
    /// What listing it page after page takes.
    sequential: f64,
    /// What a page takes, in milliseconds.
    latency: u64,
}

impl Case {
    fn pages(&self) -> u64 {
        self.keys.div_ceil(1000)
    }

    /// What a page takes, in seconds.
    fn latency(&self) -> f64 {
        self.latency as f64 / 1000.0
    }
}

fn table(book: &mut Book, keys: u64, names: &[&'static str], in_flight: &[u32], latency: u64) -> Result<()> {
    let title = format!("scan of {keys} keys, {latency} ms a page");
    let columns = [
        "keys",
        "in flight",
        "hints",
        "report",
        "seconds",
        "speed-up",
        "of ideal",
        "requests",
        "by pages",
        "listing s",
        "cpu s",
        "virtual ideal",
        "virtual by pages",
        "planner us",
    ];
    let mut table = book.table(&title, &columns);
    for (n, name) in names.iter().enumerate() {
        let space = Space::new(name, keys);
        let case = Case { name, keys: space.count(), sequential: 0.0, latency };
        let mut in_flight = in_flight.to_vec();
        if n == 0 && case.pages() as f64 * case.latency() < LONGEST {
            in_flight.insert(0, 1);
        }
        one(&mut table, case, Spec::Space(name, keys), Some(&space), &in_flight)?;
    }
    if latency == LATENCY {
        let case = Case { name: "10,000 versions", keys: VERSIONS, sequential: 0.0, latency };
        one(&mut table, case, Spec::Versions(VERSIONS), None, &[1, 8, 64, 256])?;
    }
    table.note("computed: one request at a time, pages x latency + a scan at 1 in flight without latency");
    table.note("speed-up: computed / seconds; of ideal: pages / in flight x latency / seconds");
    table.note(
        "seconds: the process's whole life; listing s: first to last request as the store saw them, + latency",
    );
    table.note(
        "virtual: the planner alone where only round trips take time, and its processor time a request",
    );
    Ok(())
}

/// All lines of one key space.
fn one(
    table: &mut Table<'_>,
    mut case: Case,
    spec: Spec,
    space: Option<&Space>,
    in_flight: &[u32],
) -> Result<()> {
    let mut store = Remote::start(spec)?;
    let scan = |store: &Remote, in_flight: u32| {
        let line = Line::scan(&store.url(), &format!("latency-{in_flight}"), in_flight);
        if space.is_none() { line.with(&["--versions"]) } else { line }
    };
    let line = scan(&store, 1);
    let cost = line.run(case.keys)?.seconds;
    line.forget()?;
    case.sequential = case.pages() as f64 * case.latency() + cost;
    let head = [Cell::word(case.name), Cell::Count(1), Cell::word("computed"), Cell::None];
    let sequential = Cell::seconds(case.sequential);
    let rest = [sequential, Cell::times(1.0), Cell::None, Cell::Count(case.pages()), Cell::times(1.0)];
    table.row(head.into_iter().chain(rest).chain([const { Cell::None }; 5]));
    for &in_flight in in_flight {
        let listed = |hints: &[Vec<u8>]| space.map(|space| planner::listed(space, in_flight as usize, hints));
        let first = listed(&[]);
        let again = first.as_ref().and_then(|first| listed(&first.hints));
        for (report, more) in [("rows", &[][..]), ("no rows", &["--rows", "failed"][..])] {
            if report == "no rows" && in_flight < BUSY {
                continue;
            }
            let line = scan(&store, in_flight).with(more);
            measured(table, &case, &mut store, &line, (in_flight, "none", report), first.as_ref())?;
            if in_flight > 1 {
                // It finds what the first one has left in the job's state.
                measured(table, &case, &mut store, &line, (in_flight, "last run", report), again.as_ref())?;
            }
            line.forget()?;
        }
    }
    Ok(())
}

fn measured(
    table: &mut Table<'_>,
    case: &Case,
    store: &mut Remote,
    line: &Line,
    (in_flight, hints, report): (u32, &str, &str),
    trial: Option<&planner::Trial>,
) -> Result<()> {
    store.begin(case.latency)?;
    let usage = line.run(case.keys)?;
    let stats = store.stats()?;
    let pages = case.pages() as f64;
    let ideal = pages / f64::from(in_flight);
    table.row([
        Cell::word(case.name),
        Cell::Count(u64::from(in_flight)),
        Cell::word(hints),
        Cell::word(report),
        Cell::seconds(usage.seconds),
        Cell::Number(case.sequential / usage.seconds, 1, "x"),
        Cell::share(ideal * case.latency() / usage.seconds),
        Cell::Count(stats.lists),
        Cell::times(stats.lists as f64 / pages),
        Cell::seconds(stats.seconds() + case.latency()),
        Cell::maybe(usage.cpu, Cell::seconds),
        Cell::maybe(trial, |trial| Cell::share(ideal / trial.rounds)),
        Cell::maybe(trial, |trial| Cell::times(trial.requests as f64 / pages)),
        Cell::maybe(trial, |trial| Cell::Number(trial.cost, 1, "")),
    ]);
    Ok(())
}
