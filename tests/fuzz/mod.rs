//! Bytes from outside, changed at random, against everything that reads them: no panic, no
//! overflow, and what is said of them stays true.
//!
//! Everything runs in this process and needs no nightly compiler: a seeded [`mutation`](mutate) of
//! known inputs, a [`Target`] that reads them and checks what must hold, and a pool that keeps some of
//! what was accepted, so that later inputs go deeper.
//!
//! `cargo test --test it fuzz` does a few thousand executions of each target with a fixed seed.
//! `DEFROST_FUZZ_SECONDS=60 cargo test --release --test it fuzz -- --nocapture` goes on for a minute,
//! each time with another seed, which is printed; `DEFROST_FUZZ_SEED` sets it.

mod jobs;
mod keys;
mod mutate;
mod pages;
mod replies;
mod state;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use defrost::model::{Clock as _, SystemClock};

use mutate::{Rng, mutate};

/// Executions of a target in the short run.
const SHORT: u64 = 3000;
/// Findings of a target that are kept.
const MOST_FINDINGS: usize = 5;
/// Inputs of a target's pool, and the size beyond which an input is not kept.
const POOL: usize = 256;
const LARGEST: usize = 64 << 10;
/// Targets that run at a time.
const THREADS: usize = 2;

/// Something that reads bytes from outside.
pub(crate) trait Target: Send {
    fn name(&self) -> String;

    /// Inputs that are as they should be.
    fn corpus(&self) -> Vec<Vec<u8>>;

    /// Pieces that inputs are made of.
    fn words(&self) -> &'static [&'static str];

    /// Reads `input`, whether it is accepted. Panics if something does not hold that must.
    fn run(&mut self, input: &[u8]) -> bool;
}

/// What a target was found to do.
struct Told {
    name: String,
    executions: u64,
    accepted: u64,
    findings: Vec<(String, Vec<u8>)>,
}

fn targets() -> VecDeque<Box<dyn Target>> {
    let pages = pages::all().into_iter().map(|t| Box::new(t) as Box<dyn Target>);
    let replies = replies::all().into_iter().map(|t| Box::new(t) as Box<dyn Target>);
    let state = state::all().into_iter().map(|t| Box::new(t) as Box<dyn Target>);
    let others: [Box<dyn Target>; 3] = [Box::new(jobs::Files), Box::new(jobs::Lines), Box::new(keys::Keys)];
    pages.chain(replies).chain(state).chain(others).collect()
}

/// Runs `target` until `go_on` says no.
fn run(mut target: Box<dyn Target>, seed: u64, go_on: impl Fn(u64) -> bool) -> Told {
    let mut rng = Rng::new(seed);
    let mut pool = target.corpus();
    let words = target.words();
    let mut told = Told { name: target.name(), executions: 0, accepted: 0, findings: Vec::new() };
    for whole in pool.clone() {
        assert!(target.run(&whole), "{}: {}", told.name, whole.escape_ascii());
    }
    while go_on(told.executions) {
        let one = &pool[rng.below(pool.len())];
        let other = &pool[rng.below(pool.len())];
        let input = mutate(&mut rng, one, other, words);
        told.executions += 1;
        match catch_unwind(AssertUnwindSafe(|| target.run(&input))) {
            Ok(false) => {}
            Ok(true) => {
                told.accepted += 1;
                if input.len() <= LARGEST && rng.below(16) == 0 {
                    if pool.len() < POOL {
                        pool.push(input);
                    } else {
                        // What was there from the first stays.
                        let at = pool.len() / 2 + rng.below(pool.len() / 2);
                        pool[at] = input;
                    }
                }
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                if told.findings.len() < MOST_FINDINGS {
                    told.findings.push((text.unwrap_or_default(), input));
                }
            }
        }
    }
    told
}

#[test]
fn no_bytes_from_outside_do_harm() {
    let clock = SystemClock::new();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("DEFROST_FUZZ_SECONDS");
    let fresh = || u64::try_from(clock.now().as_nanosecond() & i128::from(u64::MAX)).unwrap_or(1);
    let seed = number("DEFROST_FUZZ_SEED").unwrap_or_else(|| if seconds.is_some() { fresh() } else { 1 });
    let queue = Mutex::new(targets());
    let count = u32::try_from(queue.lock().unwrap().len()).unwrap();
    let share = seconds.map(|s| Duration::from_secs(s) * u32::try_from(THREADS).unwrap() / count);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(target) = queue.lock().unwrap().pop_front() else { return };
                    let began = clock.monotonic();
                    let told = run(target, seed, |executions| match share {
                        Some(share) => clock.monotonic().saturating_sub(began) < share,
                        None => executions < SHORT,
                    });
                    done.lock().unwrap().push(told);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|a, b| a.name.cmp(&b.name));
    println!("seed {seed}\n| target | executions | accepted | findings |\n| --- | ---: | ---: | ---: |");
    for Told { name, executions, accepted, findings } in &done {
        println!("| {name} | {executions} | {accepted} | {} |", findings.len());
    }
    let found: Vec<String> = done
        .iter()
        .flat_map(|told| told.findings.iter().map(move |found| (&told.name, found)))
        .map(|(name, (text, input))| format!("{name}: {text}\n  by b\"{}\"", input.escape_ascii()))
        .collect();
    assert!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
    assert!(done.iter().all(|told| told.accepted > 0 && told.executions >= 100), "nothing was learnt");
}

/// The engine finds what is planted.
#[test]
fn the_search_finds_what_is_planted() {
    struct Planted;
    impl Target for Planted {
        fn name(&self) -> String {
            "planted".to_owned()
        }
        fn corpus(&self) -> Vec<Vec<u8>> {
            vec![b"<a>1</a>".to_vec(), b"<b>255</b>".to_vec()]
        }
        fn words(&self) -> &'static [&'static str] {
            &["<a>", "&amp;"]
        }
        fn run(&mut self, input: &[u8]) -> bool {
            let deep = input.windows(6).filter(|w| w == b"<a><a>").count();
            assert!(deep < 2 || !input.contains(&b'&'), "planted");
            input.starts_with(b"<")
        }
    }
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let told = run(Box::new(Planted), 1, |executions| executions < 50_000);
    std::panic::set_hook(quiet);
    assert!(told.accepted > 1000 && !told.findings.is_empty());
    assert!(told.findings.iter().all(|(text, _)| text == "planted"));
}
