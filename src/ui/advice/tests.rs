//! The table against everything that knows a code or a word: dialects, simulator, report, exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::table::WIDTH;
use super::*;
use crate::model::{Action, Flag, State};

const PROVIDERS: [Option<Provider>; 4] = [None, Some(Provider::Oss), Some(Provider::Cos), Some(Provider::S3)];

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Words in quotes that look like a vendor's error code.
fn codes(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let camel = |word: &&str| {
        word.len() > 6
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
            && word.chars().any(|c| c.is_ascii_lowercase())
    };
    quoted.filter(camel).map(str::to_owned).collect()
}

fn vendors_of(code: &str) -> &'static [Provider] {
    let of = |entry: &'static Entry| entry.names.iter().find(|name| name.code == code);
    entries().find_map(of).unwrap_or_else(|| panic!("{code} is not explained")).of
}

#[test]
fn every_code_that_a_dialect_knows_is_explained_for_its_vendor() {
    for provider in Provider::ALL {
        let text = source(&format!("store/dialect/{}.rs", provider.scheme()));
        let (_, table) = text.split_once("\nfn kind(code: &str").expect("the table of codes");
        let table = table.split("\n}\n").next().unwrap();
        let mut known = codes(table);
        assert!(table.contains("ALREADY_RUNNING") && known.len() > 15, "{provider}: {known:?}");
        known.insert("RestoreAlreadyInProgress".to_owned());
        for code in known {
            assert!(vendors_of(&code).contains(&provider), "{code} is sent by {provider}, too");
        }
    }
}

#[test]
fn every_code_that_the_simulator_sends_is_explained() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/sim/wire")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text: String =
                fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            for call in text.split("fail(").skip(1) {
                let arguments = call.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
                if let Some(code) = arguments.strip_prefix(", \"").and_then(|rest| rest.split('"').next()) {
                    found.insert(code.to_owned());
                }
            }
        }
    }
    assert!(found.len() > 30, "{found:?}");
    for code in found {
        assert!(!vendors_of(&code).is_empty(), "{code}");
    }
}

#[test]
fn every_code_of_the_golden_tables_is_explained() {
    for provider in Provider::ALL {
        let path = format!("{}/tests/wire/{provider}/errors.txt", env!("CARGO_MANIFEST_DIR"));
        for line in fs::read_to_string(path).unwrap().lines().filter(|line| !line.starts_with('#')) {
            let code = line.split(' ').nth(1).unwrap();
            assert!(code == "-" || vendors_of(code).contains(&provider), "{provider}: {code}");
        }
    }
}

#[test]
fn every_word_of_a_report_is_explained() {
    let is = |sort: Sort, word: &str| entry(word).is_some_and(|(entry, _)| entry.sort == sort);
    for word in Reason::ALL {
        // `refused` stands for itself; a word of two columns is explained once.
        assert!(is(Sort::Reason, word.as_str()), "{word}");
    }
    for word in State::ALL {
        assert!(is(Sort::State, word.as_str()), "{word}");
    }
    for word in Action::ALL {
        assert!(is(Sort::Action, word.as_str()), "{word}");
    }
    for word in Flag::ALL {
        assert!(is(Sort::Flag, word.as_str()), "{word}");
    }
}

#[test]
fn the_right_that_is_missing_is_named_as_the_vendor_names_it() {
    for (provider, right) in [
        (Provider::Oss, "oss:RestoreObject"),
        (Provider::Cos, "name/cos:PostObjectRestore"),
        (Provider::S3, "s3:RestoreObject"),
    ] {
        assert!(advice(Some(provider), "AccessDenied").unwrap().contains(right));
        assert!(advice(Some(provider), "denied").unwrap().contains(right));
        assert!(advice(None, "AccessDenied").unwrap().contains(right));
    }
}

#[test]
fn every_reason_that_can_fail_an_object_has_a_line() {
    for &reason in Reason::ALL {
        let silent = matches!(reason, Reason::Class | Reason::StillValid);
        assert_eq!(advice(None, reason.as_str()).is_none(), silent, "{reason}");
    }
    assert_eq!(advice(None, "SomethingNew"), None);
    // Neither a number nor a state is an error code of a row.
    assert_eq!(advice(None, "503"), None);
    assert_eq!(advice(None, "archived"), None);
}

#[test]
fn a_line_of_advice_is_one_line_of_ascii() {
    for entry in entries() {
        for text in PROVIDERS.iter().filter_map(|provider| entry.line.text(*provider)) {
            assert!(text.is_ascii() && !text.ends_with('.') && text.len() <= WIDTH - 2, "{text}");
        }
    }
}

#[test]
fn entries_are_whole_and_names_stand_once() {
    let mut seen = BTreeSet::new();
    for entry in entries() {
        let name = entry.names[0].code;
        assert!(entry.means.ends_with('.') && entry.act.ends_with('.'), "{name}");
        assert!(entry.sort == Sort::Exit || entry.defrost.ends_with('.'), "{name}");
        let vendor = matches!(entry.sort, Sort::Code | Sort::Status);
        assert_eq!(entry.source.is_empty(), !vendor, "{name}: a vendor's fact has its page");
        for text in [entry.means, entry.defrost, entry.act].iter().chain(entry.on.iter().map(|(_, t)| t)) {
            assert!(text.is_ascii() && !text.contains("  "), "{name}: {text}");
        }
        for one in entry.names {
            assert!(seen.insert(one.code.to_ascii_lowercase()), "{} twice", one.code);
            assert_eq!(entry.sort == Sort::Code, !one.of.is_empty(), "{}: who sends it?", one.code);
        }
    }
}

#[test]
fn what_an_entry_refers_to_is_there() {
    for known in entries() {
        for text in [known.means, known.defrost, known.act] {
            for rest in text.split("`defrost explain ").skip(1) {
                let name = rest.split('`').next().unwrap();
                assert!(entry(name).is_some(), "{name}");
            }
        }
    }
}

#[test]
fn a_page_fits_a_terminal_and_names_are_found_in_any_letter_case() {
    for name in names() {
        let (known, spelt) = entry(&name.to_uppercase()).unwrap();
        assert_eq!(spelt, name);
        for line in explained(known, spelt).lines() {
            assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{name}: {line}");
        }
        let told: serde_json::Value = serde_json::from_str(&explained_json(known, spelt)).unwrap();
        assert_eq!(told["name"], name);
        assert!(!told["means"].as_str().unwrap().is_empty());
    }
    for line in listed().lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
    assert_eq!(listed_json().lines().count(), names().count());
    assert!(entry("nothing like it").is_none());
}
