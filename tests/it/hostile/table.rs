//! Every fault × call × vendor, once and for good.

use std::fmt;
use std::sync::Arc;

use defrost::model::SystemClock;
use defrost::sim::{Config, Server};
use futures::StreamExt as _;

use super::cell::check;
use super::fault::{CALLS, cases};
use super::ground::calm;
use crate::support::VENDORS;

/// Cells that are worked on at a time: most of their time is waiting.
const AT_ONCE: usize = 24;
const WRONG: &str = "WRONG";

/// What became of a fault in one call: by vendor, once and for good.
type Cell = [[String; 2]; VENDORS.len()];

/// The table: by fault, by call.
#[derive(Default)]
struct Table(Vec<(&'static str, [Cell; CALLS.len()])>);

impl Table {
    fn put(&mut self, fault: usize, name: &'static str, at: [usize; 3], word: String) {
        let [call, vendor, for_good] = at;
        while self.0.len() <= fault {
            self.0.push(("", std::array::from_fn(|_| Cell::default())));
        }
        self.0[fault].0 = name;
        self.0[fault].1[call][vendor][for_good] = word;
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | list | list versions | HEAD | restore |\n| --- | --- | --- | --- | --- |")?;
        for (name, calls) in &self.0 {
            writeln!(f, "| {name} | {} |", calls.each_ref().map(words).join(" | "))?;
        }
        Ok(())
    }
}

/// Once and for good; by vendor where they differ.
fn words(cell: &Cell) -> String {
    let both = |[once, good]: &[String; 2]| {
        if once == good { once.clone() } else { format!("{once}; {good}") }
    };
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for (vendor, words) in VENDORS.iter().zip(cell) {
        let words = both(words);
        match said.iter_mut().find(|(known, _)| *known == words) {
            Some((_, vendors)) => vendors.push(vendor.scheme),
            None => said.push((words, vec![vendor.scheme])),
        }
    }
    if let [(words, _)] = said.as_slice() {
        return words.clone();
    }
    said.iter().map(|(words, of)| format!("{}: {words}", of.join(", "))).collect::<Vec<_>>().join(" / ")
}

#[test]
fn every_fault_comes_to_what_it_should() {
    // The report's files are waited for on these threads, too.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(8).enable_all().build().unwrap();
    let table = runtime.block_on(async {
        // A place that no request may be led to.
        let any = ([127, 0, 0, 1], 0).into();
        let trap = Server::start(Config::default(), Arc::new(SystemClock::new()), any).await.unwrap();
        let mut table = Table::default();
        let mut cells = Vec::new();
        for (v, vendor) in VENDORS.into_iter().enumerate() {
            for (c, call) in CALLS.into_iter().enumerate() {
                let usual = calm(vendor, call).await;
                let all = cases(call, "http://127.0.0.1:1", &trap.url());
                for (number, case) in all.into_iter().enumerate() {
                    for for_good in [false, true] {
                        let at = [c, v, usize::from(for_good)];
                        if case.fault.is_none() {
                            table.put(number, case.name, at, "–".to_owned());
                            continue;
                        }
                        let (case, usual) = (case.clone(), Arc::clone(&usual));
                        cells.push(async move {
                            let name = case.name;
                            let cell =
                                tokio::spawn(
                                    async move { check(&case, vendor, call, for_good, usual).await },
                                );
                            // All cells are seen before any fails the test; the panic has told why.
                            (number, name, at, cell.await.unwrap_or_else(|_| WRONG.to_owned()))
                        });
                    }
                }
            }
        }
        let mut cells = futures::stream::iter(cells).buffer_unordered(AT_ONCE);
        while let Some((number, name, at, word)) = cells.next().await {
            table.put(number, name, at, word);
        }
        assert_eq!(trap.ledger().counts().total, 0, "a request was led astray");
        table
    });
    let text = table.to_string();
    println!("{text}");
    assert!(!text.contains(WRONG), "cells are not as they should be");
}
