//! Every fault × call × vendor, once and for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use defrost::model::SystemClock;
use defrost::sim::{Config, Server};
use futures::StreamExt as _;

use super::cell::check;
use super::fault::{CALLS, cases};
use super::ground::Calm;
use crate::support::VENDORS;

/// Cells that are worked on at a time: most of their time is waiting.
const AT_ONCE: usize = 24;

const WRONG: &str = "WRONG";

#[test]
fn every_fault_comes_to_what_it_should() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(8).enable_all().build().unwrap();
    let printed = runtime.block_on(async {
        // A place that no request may be led to.
        let any = ([127, 0, 0, 1], 0).into();
        let trap = Server::start(Config::default(), Arc::new(SystemClock::new()), any).await.unwrap();
        let calms = Calm::default();
        let mut cells = Vec::new();
        for vendor in VENDORS {
            for call in CALLS {
                let rows = calms.of(vendor, call).await;
                // The order of the cases is that of the table.
                for (number, case) in cases(call, "http://127.0.0.1:1", &trap.url()).into_iter().enumerate() {
                    for for_good in [false, true] {
                        cells.push((number, vendor, call, case.clone(), for_good, Arc::clone(&rows)));
                    }
                }
            }
        }
        let words =
            futures::stream::iter(cells).map(|(number, vendor, call, case, for_good, rows)| async move {
                let name = case.name;
                let word = match &case.fault {
                    None => None,
                    Some(_) => {
                        let cell = async move { check(&case, vendor, call, for_good, rows).await };
                        // All cells are seen before any fails the test; the panic has told what is wrong.
                        Some(tokio::spawn(cell).await.unwrap_or_else(|_| WRONG.to_owned()))
                    }
                };
                ((number, name, CALLS.iter().position(|c| *c == call)), (vendor.scheme, for_good, word))
            });
        let words: Vec<_> = words.buffer_unordered(AT_ONCE).collect().await;
        assert_eq!(trap.ledger().counts().total, 0, "a request was led astray");
        words
    });
    let mut table: BTreeMap<usize, (&str, BTreeMap<Option<usize>, BTreeMap<&str, [String; 2]>>)> =
        BTreeMap::new();
    for ((number, name, call), (vendor, for_good, word)) in printed {
        let row = table.entry(number).or_insert_with(|| (name, BTreeMap::new()));
        let cell = row.1.entry(call).or_default().entry(vendor).or_default();
        cell[usize::from(for_good)] = word.unwrap_or_else(|| "–".to_owned());
    }
    println!("| fault | list | list versions | HEAD | restore |\n| --- | --- | --- | --- | --- |");
    let mut wrong = 0;
    for (name, calls) in table.values() {
        let cells: Vec<String> = calls.values().map(cell).collect();
        wrong += cells.iter().filter(|cell| cell.contains(WRONG)).count();
        println!("| {name} | {} |", cells.join(" | "));
    }
    assert_eq!(wrong, 0, "cells are not as they should be");
}

/// Once and for good; by vendor where they differ.
fn cell(vendors: &BTreeMap<&str, [String; 2]>) -> String {
    let words = |[once, good]: &[String; 2]| {
        if once == good { once.clone() } else { format!("{once}; {good}") }
    };
    let mut by_words: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (vendor, both) in vendors {
        by_words.entry(words(both)).or_default().push(vendor);
    }
    if by_words.len() == 1 {
        return by_words.into_keys().next().unwrap_or_default();
    }
    let parts: Vec<String> =
        by_words.into_iter().map(|(words, vendors)| format!("{}: {words}", vendors.join(", "))).collect();
    parts.join(" / ")
}
