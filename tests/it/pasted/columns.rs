//! The page on columns has every column, word and field that is written, and no other.

use std::collections::BTreeSet;
use std::fs;

use defrost::model::{Action, Flag, Reason, State};
use defrost::sim::Config;

use super::root;
use crate::support::{Rig, S3};

/// The words in backticks of the first cells below the table head `head`.
fn first_cells(page: &str, head: &str) -> Vec<String> {
    let (_, table) = page.split_once(&format!("| {head} |")).unwrap_or_else(|| panic!("no table {head}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cell = row.trim_matches('|').split('|').next().unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_page_on_columns_has_every_column_word_and_field() {
    let page = fs::read_to_string(root().join("src/guide/columns.md")).unwrap();
    let rig = Rig::new(Config::default().with_bucket(S3.bucket()));
    rig.run(S3, &["scan", "s3://test-archive/", "--report", "r.csv"]).expect(0);
    let header = fs::read_to_string(rig.path("r.csv")).unwrap();
    let header: Vec<&str> = header.lines().next().unwrap().split(',').collect();
    assert_eq!(first_cells(&page, "column"), header);
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(rig.path("r.summary.json")).unwrap()).unwrap();
    let written: BTreeSet<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    let told = first_cells(&page, "field");
    assert_eq!(told.iter().map(String::as_str).collect::<BTreeSet<_>>(), written);
    let words = |head: &str| first_cells(&page, head).into_iter().collect::<BTreeSet<_>>();
    let all = |words: &[&'static str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    let known: Vec<&str> = State::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words("in `state`"), all(&known));
    let known: Vec<&str> = Action::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words("in `action`"), all(&known));
    let known: Vec<&str> = Reason::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words("in `reason`"), all(&known));
    let known: Vec<&str> = Flag::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words("in `flags`"), all(&known));
}
