//! The guide: pages for people, shown by `defrost guide TOPIC`, and here.
//!
//! Pages are text and nothing else: they are read as they stand in a terminal 100 columns wide. A
//! new page is a file `NAME.md` beside this one and a line in the table below. The tests at the end
//! of this file hold the pages against what is there: verbs, flags, tests, bounds.

/// A page of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name, as typed.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// The page, in Markdown that reads well as it stands.
    pub text: &'static str,
}

impl Topic {
    /// The topic of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }
}

macro_rules! topics {
    ($($module:ident $name:literal $about:literal)*) => {
        /// All topics, in the order in which they are listed.
        pub const TOPICS: &[Topic] =
            &[$(Topic { name: $name, about: $about, text: include_str!(concat!($name, ".md")) }),*];
        $(#[doc = include_str!(concat!($name, ".md"))] pub mod $module {})*
    };
}

topics! {
    first_audit "first-audit" "which objects are archived, which are readable, and until when"
    first_campaign "first-campaign" "make them readable, once and every night"
    costs "costs" "what a restore costs, and how that is bounded"
    resume "resume" "what happens when a run is stopped, and how it goes on"
    waiting "waiting" "until all is readable; hand it on; give copies back"
    rights "rights" "credentials, and the smallest policy for each cloud"
    deploying "deploying" "cron, systemd, Kubernetes"
    reports "reports" "look at a report, compare two, be told"
    columns "columns" "every column of the CSV, every word in it, every field of the summary"
    rehearsing "rehearsing" "try a campaign without an account, faults included"
    troubleshooting "troubleshooting" "by exit code, by error code, by symptom"
    promises "promises" "what is promised, how each promise is tested, and what is not promised"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::Cli;

    /// Columns of the terminal that pages are written for.
    const COLUMNS: usize = 100;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    fn sources(folder: &str) -> Vec<(PathBuf, String)> {
        let mut folders = vec![root().join(folder)];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    found.push((path, text));
                }
            }
        }
        found
    }

    /// What a page has in backticks and in fenced blocks, line by line.
    fn code(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for (number, block) in text.split("```").enumerate() {
            if number % 2 == 1 {
                // Behind the fence stands the language.
                found.extend(block.lines().skip(1));
            } else {
                found.extend(block.split('`').skip(1).step_by(2));
            }
        }
        found
    }

    /// Every command of a page: what begins with a variable, `defrost`, `cargo` or a script of `.ci`.
    fn commands(text: &str) -> Vec<Vec<&str>> {
        let words = |line: &str| line.split('#').next().unwrap_or_default().trim().is_empty();
        code(text)
            .into_iter()
            .filter(|line| !words(line))
            .map(|line| {
                line.split(" #")
                    .next()
                    .unwrap()
                    .split(['|', '>'])
                    .next()
                    .unwrap()
                    .split_whitespace()
                    .collect()
            })
            .filter(|line: &Vec<&str>| {
                let program = line.iter().find(|word| !is_variable(word));
                program.is_some_and(|p| ["defrost", "cargo", "python3"].contains(p)) && line.len() > 1
            })
            .collect()
    }

    fn is_variable(word: &str) -> bool {
        word.split_once('=')
            .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    }

    #[test]
    fn pages_can_be_read_as_they_stand() {
        for topic in TOPICS {
            assert_eq!(Topic::named(topic.name), Some(topic));
            assert!(topic.about.len() < 80, "{}", topic.about);
            assert!(topic.text.starts_with("# ") && topic.text.ends_with(".\n"), "{}", topic.name);
            assert!(!topic.text.contains('\t'), "{}", topic.name);
            for (number, line) in topic.text.lines().enumerate() {
                let columns = line.chars().count();
                assert!(columns <= COLUMNS, "{}:{}: {columns} columns", topic.name, number + 1);
                assert_eq!(line.trim_end(), line, "{}:{}", topic.name, number + 1);
            }
            // Neither a terminal nor rustdoc can follow them.
            assert!(!topic.text.contains("](") && !topic.text.contains("]:"), "{} has links", topic.name);
        }
    }

    #[test]
    fn every_page_is_in_the_table() {
        for entry in fs::read_dir(root().join("src/guide")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(name) = name.strip_suffix(".md") {
                assert!(Topic::named(name).is_some(), "{name} is in no line of `topics!`");
            }
        }
    }

    #[test]
    fn every_path_that_a_page_names_is_there() {
        let mut paths = 0;
        for topic in TOPICS {
            for word in topic.text.split(|c: char| c.is_whitespace() || "`|(),;".contains(c)) {
                let path = word.trim_end_matches(['.', ':', '/']);
                if ["tests/", "src/", "jobs/", "benches/", ".ci/"].iter().any(|top| path.starts_with(top)) {
                    assert!(root().join(path).exists(), "{}: `{path}` is not there", topic.name);
                    paths += 1;
                }
            }
        }
        assert!(paths > 40, "only {paths} paths; this test would pass on nothing");
    }

    #[test]
    fn every_command_of_a_page_is_real() {
        let mut cli = Cli::command();
        cli.build();
        let tests = sources("tests");
        let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
        for topic in TOPICS {
            let lines = commands(topic.text);
            assert!(!lines.is_empty(), "{}: no commands; this test would pass on nothing", topic.name);
            for line in lines {
                let at = format!("{}: `{}`", topic.name, line.join(" "));
                let split = line.iter().take_while(|word| is_variable(word)).count();
                let (variables, line) = line.split_at(split);
                for name in variables.iter().filter_map(|word| word.split('=').next()) {
                    assert!(
                        tests.iter().any(|(_, text)| text.contains(&format!("\"{name}\""))),
                        "{at}: {name}"
                    );
                }
                match *line {
                    ["defrost", verb, ..] => {
                        let verb = cli.find_subcommand(verb).unwrap_or_else(|| panic!("{at}: no such verb"));
                        for flag in line.iter().filter_map(|word| word.strip_prefix("--")) {
                            let flag = flag.split('=').next();
                            let known = verb.get_arguments().any(|arg| arg.get_long() == flag);
                            assert!(known || flag == Some("help"), "{at}: no such flag");
                        }
                    }
                    ["cargo", "install", "--path", ".", "--locked"] => {}
                    ["cargo", "test", "--test", "it", name, ..] => {
                        let module = format!("mod {};", name.trim_end_matches("::"));
                        assert!(main.lines().any(|line| line == module), "{at}: no such tests");
                    }
                    ["cargo", "test", "--test", name] => {
                        assert!(root().join(format!("tests/{name}.rs")).exists(), "{at}: no such tests");
                    }
                    ["cargo", "bench", "--", ref sections @ ..] => {
                        for section in sections {
                            let file = root().join(format!("benches/suite/{section}.rs"));
                            assert!(file.exists(), "{at}: no section {section}");
                        }
                    }
                    ["python3", script, ..] => assert!(root().join(script).exists(), "{at}: no such script"),
                    _ => panic!("{at}: nothing checks such a command"),
                }
            }
        }
    }

    #[test]
    fn every_flag_that_a_page_names_is_known() {
        let mut cli = Cli::command();
        cli.build();
        let flags: Vec<&str> = cli
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .filter_map(clap::Arg::get_long)
            .collect();
        for topic in TOPICS {
            for span in code(topic.text) {
                let named = span.split_whitespace().next().and_then(|word| word.strip_prefix("--"));
                assert!(named.is_none_or(|flag| flags.contains(&flag)), "{}: `{span}`", topic.name);
            }
        }
    }

    /// A constant's value as a page writes it.
    fn told(value: &str) -> Option<String> {
        let number = |text: &str| text.replace('_', "").parse::<u64>().ok();
        if let Some((number_of, shift)) = value.split_once(" << ") {
            let unit = ["KiB", "MiB", "GiB"].get(shift.parse::<usize>().ok()?.checked_div(10)? - 1)?;
            return Some(format!("{} {unit}", number(number_of)?));
        }
        if let Some((unit, count)) = value.strip_prefix("Duration::from_")?.split_once('(') {
            let unit = match unit {
                "millis" => "ms",
                "secs" => "s",
                "mins" => "min",
                "hours" => "h",
                _ => return None,
            };
            return Some(format!("{} {unit}", number(count.trim_end_matches(')'))?));
        }
        None
    }

    /// The same for a bare number, with a comma behind the thousands.
    fn counted(value: &str) -> Option<String> {
        let count = value.replace('_', "").parse::<u64>().ok()?;
        Some(if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) })
    }

    /// The same for a share in hundredths.
    fn shared(value: &str) -> Option<String> {
        let hundredths = value.strip_prefix("0.").filter(|digits| digits.len() == 2)?;
        Some(format!("{} %", hundredths.parse::<u64>().ok()?))
    }

    /// Rows of the form `| NAME | value | file | what |` are bounds: the file declares NAME with that value.
    #[test]
    fn bounds_are_what_a_page_says() {
        let mut rows = 0;
        for topic in TOPICS {
            for line in topic.text.lines() {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                let [name, value, file, ..] = cells[..] else { continue };
                let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
                if !named || Path::new(file).extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let path = Path::new("src").join(file);
                let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{file}: {e}"));
                let declared = text
                    .lines()
                    .find_map(|line| line.split_once(&format!("const {name}: ")))
                    .and_then(|(_, rest)| rest.split_once(" = "))
                    .unwrap_or_else(|| panic!("{file} declares no {name}"));
                let source = declared.1.trim_end_matches(';');
                let so = told(source).or_else(|| counted(source)).or_else(|| shared(source));
                assert_eq!(so.as_deref(), Some(value), "{name} in {file}");
                rows += 1;
            }
        }
        assert!(rows > 20, "only {rows} bounds; this test would pass on nothing");
    }
}
