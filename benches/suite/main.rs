//! All benches: `cargo bench` runs everything, `cargo bench -- pages memory` these sections only.
//!
//! Each section prints its tables and writes them to `target/bench/SECTION.json`. Figures are for
//! reading, nothing is compared with a bound: a slow machine fails no bench. A listing that does not
//! bring exactly the keys that there are does.
//!
//! `DEFROST_BENCH_SHORT=1` makes everything small (for CI: it shows that the suite works);
//! `DEFROST_BENCH_LONG=1` adds what takes minutes and many gigabytes of disk.
//!
//! Clients under measurement are processes of their own (the release binary), and so is the store
//! that they list ([`store`]), so that each one's processor time and memory can be told apart. They
//! share the machine's cores all the same: seconds are a floor for the client, ratios within one run
//! are what compares.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

mod bodies;
mod child;
mod keys;
mod latency;
mod list;
mod memory;
mod pages;
mod peers;
mod plain;
mod planner;
mod remote;
mod restores;
mod resume;
mod rows;
mod simulator;
mod store;
mod table;
mod turns;
mod wait;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use table::Book;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Short,
    Normal,
    Long,
}

impl Scale {
    fn of_environment() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| value != "0");
        if is_set("DEFROST_BENCH_SHORT") {
            Self::Short
        } else if is_set("DEFROST_BENCH_LONG") {
            Self::Long
        } else {
            Self::Normal
        }
    }

    /// The one for a short run, or the other.
    pub(crate) fn pick<T>(self, short: T, else_: T) -> T {
        if self == Self::Short { short } else { else_ }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Normal => "normal",
            Self::Long => "long",
        }
    }
}

/// A section's name and what runs it.
type Section = (&'static str, fn(Scale, &mut Book) -> Result<()>);

/// In the order in which they run.
const SECTIONS: [Section; 8] = [
    ("pages", pages::run),
    ("rows", rows::run),
    ("list", list::run),
    ("latency", latency::run),
    ("restores", restores::run),
    ("memory", memory::run),
    ("resume", resume::run),
    ("peers", peers::run),
];

fn main() -> ExitCode {
    // `cargo bench` puts `--bench` before what the caller says.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let done = match args.split_first() {
        Some((first, rest)) if first == store::SERVE => store::serve(rest),
        _ => measure(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| SECTIONS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        bail!("there is no section `{unknown}`; the sections are {}", known.join(", "));
    }
    let scale = Scale::of_environment();
    child::clear()?;
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let mut book = Book::new(name);
            run(scale, &mut book).with_context(|| format!("section {name}"))?;
            book.save(scale.name())?;
        }
    }
    child::clear()?;
    println!("\nall figures: {}", table::folder().join("*.json").display());
    Ok(())
}
