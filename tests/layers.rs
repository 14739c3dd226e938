//! The arrows between the layers, held by reading the source: see `src/lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// What a part of `src/` may not name, and why the arrow is forbidden.
struct Rule {
    part: &'static str,
    never: &'static [&'static str],
    because: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        part: "model",
        never: &[
            "crate::job",
            "crate::store",
            "crate::pipeline",
            "crate::ui",
            "crate::cli",
            "crate::sim",
            "reqwest",
            "clap",
            "quick_xml",
            "std::fs",
            "hyper",
        ],
        because: "the nouns know nothing of what is done with them",
    },
    Rule {
        part: "job",
        never: &[
            "crate::store",
            "crate::pipeline",
            "crate::ui",
            "crate::cli",
            "crate::sim",
            "reqwest",
            "tokio",
            "std::fs",
            "std::env",
            "clap",
        ],
        because: "a job is made from text, with no I/O",
    },
    Rule {
        part: "store",
        never: &[
            "crate::job",
            "crate::pipeline",
            "crate::ui",
            "crate::cli",
            "crate::sim",
            "clap",
            "indicatif",
        ],
        because: "a store serves any pipeline",
    },
    Rule {
        part: "store/dialect",
        never: &["reqwest", "tokio", "Clock", "Timestamp::now", "super::super::client", "super::transport"],
        because: "a dialect is pure",
    },
    Rule {
        part: "store/sign",
        never: &["reqwest", "tokio", "Clock", "Timestamp::now", "rand::"],
        because: "a signature is pure and takes the time as an argument",
    },
    Rule {
        part: "pipeline",
        never: &[
            "clap",
            "indicatif",
            "reqwest",
            "quick_xml",
            "hyper",
            "crate::review",
            "crate::ui",
            "crate::cli",
            "crate::sim",
            "crate::store::dialect",
            "store::sign",
            "Provider::Oss",
            "Provider::Cos",
            "Provider::S3",
        ],
        because: "the pipeline knows no vendor, no terminal and no wire",
    },
    Rule {
        part: "review",
        never: &[
            "clap",
            "indicatif",
            "reqwest",
            "tokio",
            "crate::job",
            "crate::store",
            "crate::ui",
            "crate::cli",
            "crate::sim",
        ],
        because: "a report is looked at without a store, a job or a terminal",
    },
    Rule {
        part: "ui",
        never: &[
            "crate::job",
            "crate::store",
            "crate::pipeline",
            "crate::review",
            "crate::cli",
            "crate::sim",
            "reqwest",
        ],
        because: "the outside is told by events",
    },
    Rule {
        part: "sim",
        never: &[
            "crate::store",
            "crate::pipeline",
            "crate::job",
            "crate::ui",
            "crate::cli",
            "reqwest",
            "quick_xml",
        ],
        because: "client and server must not share a bug",
    },
    Rule {
        part: "guide",
        never: &[
            "crate::model",
            "crate::job",
            "crate::store",
            "crate::pipeline",
            "crate::ui",
            "crate::cli",
            "crate::sim",
            "std",
            "tokio",
            "clap",
            "serde",
        ],
        because: "the guide is text",
    },
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is part of the repository") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_of(part: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    sources(&src().join(part), &mut files);
    assert!(!files.is_empty(), "src/{part} holds no source; this test would pass on nothing");
    files
}

/// The code of a file line by line, without comments and without the unit tests at its end, which
/// may hold it against anything.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("readable");
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.to_owned()))
        .take_while(|(_, line)| line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

/// Whether `word` stands in `line` with no name character in front of it.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            && !line[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn no_arrow_points_the_wrong_way() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for file in files_of(rule.part) {
            for (number, line) in code(&file) {
                for word in rule.never.iter().filter(|word| names(&line, word)) {
                    wrong.push(format!("{}:{number} names `{word}`: {}", file.display(), rule.because));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `use super::super::…` could climb out of a part without naming `crate`.
#[test]
fn no_part_is_left_by_the_back_door() {
    let mut wrong = Vec::new();
    for rule in RULES.iter().filter(|rule| !rule.part.contains('/')) {
        for file in files_of(rule.part) {
            let inside = file.strip_prefix(src()).expect("below src");
            // Steps up that stay inside the part: folders below it, one less in a `mod.rs`.
            let depth = inside.components().count() - 1;
            let allowed = if file.ends_with("mod.rs") { depth - 1 } else { depth };
            for (number, line) in code(&file) {
                let mut climbs = 0;
                let mut rest = line.as_str();
                if let Some(at) = rest.find("super::") {
                    rest = &rest[at..];
                    while let Some(next) = rest.strip_prefix("super::") {
                        climbs += 1;
                        rest = next;
                    }
                }
                // Unit tests sit one module deeper than their file.
                if climbs > allowed + 1 {
                    wrong.push(format!("{}:{number} climbs out of {}", file.display(), rule.part));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The pipeline's files are the six stages, plus what holds them together.
#[test]
fn the_six_stages_are_where_a_reader_looks() {
    for stage in ["source", "filter", "classify", "act", "report", "checkpoint"] {
        let file = src().join("pipeline").join(format!("{stage}.rs"));
        let folder = src().join("pipeline").join(stage).join("mod.rs");
        assert!(file.exists() || folder.exists(), "stage `{stage}` has no file in src/pipeline");
    }
    let main = fs::read_to_string(src().join("main.rs")).expect("readable");
    assert!(main.lines().count() <= 30, "main.rs is more than a door");
}
