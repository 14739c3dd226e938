//! Every command of README, of the guide and of `jobs/README.md`, run as a reader pastes it.
//!
//! A page is pasted into one shell, block after block, in a folder that holds `jobs/`, with a store
//! behind it that is a simulator with its built-in seed. What a page may do, and what it means:
//!
//! | in a page | here |
//! | --- | --- |
//! | fence `sh` | is run; each line ends with 0 |
//! | `# exit code N` behind a line | it ends with N |
//! | `NAME=…` | what the reader puts there: a value of [`GIVEN`] |
//! | `127.0.0.1:9000`, `:9001` | the same address with a port that is free |
//! | a line that ends in `&` | goes on in the background; the next block waits for its address |
//! | fence `toml` whose first line is `# NAME.toml` | is saved under that name |
//! | another fence `toml` | is part of a job file: `defrost check` takes it |
//! | fence `text` | what the `sh` block before it printed, both streams |
//! | `…` there, within a line | anything |
//! | `…` there, alone in a line | any lines, or none |
//! | fence `json` | a policy: see `rights.rs` |
//! | a line of [`NOT_RUN`] | is not run here; the table says why, and who does it |

mod columns;
mod not_run;

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use defrost::sim::Config;

use self::not_run::{By, NOT_RUN};
use crate::support::{ACCESS_KEY, Ran, Rig, SECRET_KEY};

/// What stands for `…` behind a variable.
const GIVEN: &[(&str, &str)] = &[
    ("OSS_ACCESS_KEY_ID", ACCESS_KEY),
    ("OSS_ACCESS_KEY_SECRET", SECRET_KEY),
    ("TENCENTCLOUD_SECRET_ID", ACCESS_KEY),
    ("TENCENTCLOUD_SECRET_KEY", SECRET_KEY),
    ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
    ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
];

/// Which of [`NOT_RUN`] says that `line` is not run here.
fn excused(line: &str) -> Option<usize> {
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    NOT_RUN.iter().position(|(not_run, ..)| *not_run == line)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    language: String,
    /// Line of its fence, from 1.
    line: usize,
    lines: Vec<String>,
}

/// The fenced blocks of a page, in order.
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), line: number, lines: Vec::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is left open");
    found
}

/// `text` with ports that are free instead of those that it names.
fn with_free_ports(text: &str) -> String {
    let mut text = text.to_owned();
    let mut held = Vec::new();
    for named in ["127.0.0.1:9000", "127.0.0.1:9001"] {
        // All are held until all are found, so that no port is found twice.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        text = text.replace(named, &free.local_addr().unwrap().to_string());
        held.push(free);
    }
    text
}

/// The lines of a block as a shell reads them: those that end in `\\` go on.
fn whole_lines(lines: &[String]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in lines {
        match whole.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => whole.push(line.clone()),
        }
        goes_on = line.ends_with('\\');
    }
    whole
}

/// `line` as the shell gets it.
fn line(text: &str, at: &str) -> String {
    if excused(text).is_some() {
        return ":".to_owned();
    }
    let mut text = text.to_owned();
    while let Some((before, _)) = text.split_once("=…") {
        let name = before.rsplit(' ').next().unwrap_or_default();
        let value = GIVEN.iter().find(|(given, _)| *given == name);
        let value = value.unwrap_or_else(|| panic!("{at}: nobody knows what to put for `{name}`")).1;
        text = text.replacen("=…", &format!("='{value}'"), 1);
    }
    match text.split_once("# exit code ") {
        None => text,
        Some((command, code)) => {
            let code: u8 = code.parse().unwrap_or_else(|_| panic!("{at}: `{code}` is no exit code"));
            format!("if {command}; then echo 'ended with 0'; false; else test $? -eq {code}; fi")
        }
    }
}

/// The shell script that is the page; what each block prints is kept in a file.
fn script(name: &str, blocks: &[Block]) -> String {
    let mut script = String::from("set -e -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n");
    // What talks to a store by its own name is led to the simulator, unless the page does that by itself.
    let leads =
        !blocks.iter().any(|block| block.lines.iter().any(|line| line.contains("DEFROST_ENDPOINT_URL")));
    for (number, block) in blocks.iter().enumerate() {
        let at = format!("{name}:{}", block.line);
        let has_store = simulated(block, blocks);
        if leads {
            let lead = if has_store {
                "unset DEFROST_ENDPOINT_URL"
            } else {
                "export DEFROST_ENDPOINT_URL=\"$STORE\""
            };
            writeln!(script, "{lead}").unwrap();
        }
        let body: Vec<String> = match block.language.as_str() {
            "sh" => whole_lines(&block.lines).iter().map(|text| line(text, &at)).collect(),
            "toml" => toml(block),
            "text" | "json" => continue,
            other => panic!("{at}: nobody knows what to do with `{other}`"),
        };
        writeln!(script, "{{\n{}\n}} >.pasted/{number} 2>&1", body.join("\n")).unwrap();
        if let Some(line) = body.last().filter(|line| line.ends_with('&')) {
            let (_, port) = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("{at}: no address"));
            let port: String = port.chars().take_while(char::is_ascii_digit).collect();
            let look = format!("(: </dev/tcp/127.0.0.1/{port}) 2>/dev/null");
            writeln!(script, "for look in $(seq 600); do {look} && break; sleep 0.05; done").unwrap();
        }
    }
    script
}

/// Whether `block` runs a job that brings its store along, and so must not be led to another.
fn simulated(block: &Block, all: &[Block]) -> bool {
    let brings = |text: &str| text.lines().any(|line| line == "[simulator]");
    let words = block.lines.iter().flat_map(|line| line.split_whitespace());
    words.filter(|word| is_toml(word)).any(|word| {
        let own =
            all.iter().find(|block| block.lines.first().is_some_and(|line| *line == format!("# {word}")));
        match own {
            Some(block) => brings(&block.lines.join("\n")),
            None => fs::read_to_string(root().join(word)).is_ok_and(|text| brings(&text)),
        }
    })
}

fn is_toml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// Saves a file, or checks a part of one.
fn toml(block: &Block) -> Vec<String> {
    let named = block.lines.first().and_then(|line| line.strip_prefix("# ")).filter(|name| is_toml(name));
    let mut lines = vec![format!("cat >'{}' <<'END OF FILE'", named.unwrap_or("part.toml"))];
    let has = |table: &str| block.lines.iter().any(|line| line == table);
    let whole = named.is_some();
    if !whole && !has("[[source]]") {
        lines.extend(
            ["[[source]]", "url = \"oss://logs-archive/\"", "region = \"cn-hangzhou\""].map(str::to_owned),
        );
    }
    lines.extend(block.lines.iter().cloned());
    if !whole && !has("[restore]") {
        lines.extend(["[restore]", "days = 7"].map(str::to_owned));
    }
    lines.push("END OF FILE".to_owned());
    if !whole {
        lines.push("defrost check part.toml".to_owned());
    }
    lines
}

/// Whether `line` is what `pattern` says, `…` being anything.
fn line_fits(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.trim_end().split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.trim_end().strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Whether `lines` are what `pattern` says, a line of `…` being any lines or none.
fn fits(pattern: &[String], lines: &[&str]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => (0..=lines.len()).any(|skip| fits(rest, &lines[skip..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, more)| line_fits(first, line) && fits(rest, more))
        }
    }
}

/// The folder in which a page is pasted: `jobs/`, and the program on the path.
fn prepare(rig: &Rig) {
    for folder in [".bin", ".pasted", "jobs"] {
        fs::create_dir(rig.path(folder)).unwrap();
    }
    for entry in fs::read_dir(root().join("jobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, rig.path("jobs").join(path.file_name().unwrap())).unwrap();
        }
    }
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_defrost"), rig.path(".bin/defrost")).unwrap();
}

/// Pastes the page `name`.
#[track_caller]
fn paste(name: &str) {
    let text = with_free_ports(&fs::read_to_string(root().join(name)).unwrap());
    let blocks = blocks(&text);
    let seed = root().join("src/sim/seed.toml");
    let rig = Rig::new(Config::from_toml(&seed, &fs::read_to_string(&seed).unwrap()).unwrap());
    prepare(&rig);
    let script = script(name, &blocks);
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .env_clear()
        .env("HOME", rig.folder())
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", rig.path(".bin").display()))
        .env("STORE", rig.server.url())
        .env("DEFROST_NO_METADATA", "1")
        .env("LC_ALL", "C.UTF-8")
        .envs(GIVEN.iter().copied())
        .current_dir(rig.folder())
        .stdin(Stdio::null());
    let ran = Ran::of(&shell.output().expect("there is a bash"));
    let said = |number: usize| fs::read_to_string(rig.path(&format!(".pasted/{number}"))).ok();
    if ran.code != 0 {
        let last = (0..blocks.len()).rev().find(|number| said(*number).is_some()).unwrap_or_default();
        let Block { line, lines, .. } = &blocks[last];
        panic!(
            "{name}:{line}: exit code {}\n{}\n--- printed\n{}\n--- shell\n{}",
            ran.code,
            lines.join("\n"),
            said(last).unwrap_or_default(),
            ran.stderr
        );
    }
    let mut before = None;
    for (number, block) in blocks.iter().enumerate() {
        match block.language.as_str() {
            "sh" => before = Some(number),
            "text" => {
                let number = before.unwrap_or_else(|| panic!("{name}:{}: what printed this?", block.line));
                let printed = said(number).unwrap_or_default();
                assert!(
                    fits(&block.lines, &printed.lines().collect::<Vec<_>>()),
                    "{name}:{}: printed is\n{printed}--- and not\n{}",
                    block.line,
                    block.lines.join("\n")
                );
            }
            _ => {}
        }
    }
}

macro_rules! pages {
    ($($test:ident $name:literal)*) => {
        const PAGES: &[&str] = &[$($name),*];
        $(#[test] fn $test() { paste($name); })*
    };
}

pages! {
    readme "README.md"
    jobs "jobs/README.md"
    benches "benches/README.md"
    first_audit "src/guide/first-audit.md"
    first_campaign "src/guide/first-campaign.md"
    costs "src/guide/costs.md"
    resume "src/guide/resume.md"
    waiting "src/guide/waiting.md"
    rights "src/guide/rights.md"
    troubleshooting "src/guide/troubleshooting.md"
    rehearsing "src/guide/rehearsing.md"
    columns "src/guide/columns.md"
    reports "src/guide/reports.md"
    deploying "src/guide/deploying.md"
    promises "src/guide/promises.md"
}

#[test]
fn every_page_is_pasted() {
    let mut there: Vec<PathBuf> = fs::read_dir(root().join("src/guide"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    there.extend(["README.md", "jobs/README.md", "benches/README.md"].map(|name| root().join(name)));
    there.sort();
    let mut pasted: Vec<PathBuf> = PAGES.iter().map(|name| root().join(name)).collect();
    pasted.sort();
    assert_eq!(there, pasted);
}

#[test]
fn what_is_not_run_here_is_on_a_page_and_run_where_it_is_said() {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let mut lines = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap();
        lines.extend(
            blocks(&text).into_iter().filter(|block| block.language == "sh").flat_map(|block| block.lines),
        );
    }
    for (number, (line, reason, by)) in NOT_RUN.iter().enumerate() {
        assert!(lines.iter().any(|text| excused(text) == Some(number)), "`{line}` stands on no page");
        assert!(reason.len() > 10, "`{line}`");
        if let By::Ci(text) = by {
            assert!(ci.contains(text), "`.ci/run` has no `{text}`");
        }
    }
}

#[test]
fn dots_are_anything_and_nothing_else_is() {
    for (pattern, line, wanted) in [
        ("elapsed   …", "elapsed   0.1s", true),
        ("a … c … e", "a b c d e", true),
        ("a … c", "a b d", false),
        ("…/r.csv", "/tmp/r.csv", true),
        ("rows 3", "rows 30", false),
        ("rows 3", " rows 3", false),
    ] {
        assert_eq!(line_fits(pattern, line), wanted, "{pattern} | {line}");
    }
    let pattern = ["a", "…", "z"].map(str::to_owned);
    assert!(fits(&pattern, &["a", "z"]) && fits(&pattern, &["a", "b", "c", "z"]));
    assert!(!fits(&pattern, &["a", "b"]) && !fits(&pattern, &["a", "z", "b"]));
}
