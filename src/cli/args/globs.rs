//! `--include` and `--exclude`, and files of them, whose order among each other counts.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, ValueHint};

use crate::job::TypedGlob;

/// Patterns in the order typed, those of a file in its order where the file was named.
///
/// Written by hand, since the derive of clap keeps the order of each flag but not between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globs(pub Vec<TypedGlob>);

/// Each flag, and whether its patterns include.
const FLAGS: [(&str, bool); 2] = [("include", true), ("exclude", false)];
/// The same for files.
const FILES: [(&str, bool); 2] = [("include-from", true), ("exclude-from", false)];
/// Longest file of patterns that is read, in bytes: far more than the patterns that a job may have.
const LONGEST: u64 = 8 << 20;

impl FromArgMatches for Globs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut globs: Vec<(usize, TypedGlob)> = Vec::new();
        for (flag, include) in FLAGS {
            let patterns = matches.get_many::<String>(flag).into_iter().flatten();
            let places = matches.indices_of(flag).into_iter().flatten();
            globs.extend(places.zip(patterns).map(|(place, pattern)| {
                (place, TypedGlob { include, pattern: pattern.clone(), from: None })
            }));
        }
        for (flag, include) in FILES {
            let files = matches.get_many::<PathBuf>(flag).into_iter().flatten();
            let places = matches.indices_of(flag).into_iter().flatten();
            for (place, path) in places.zip(files) {
                let lines = lines(path).map_err(|error| {
                    let text =
                        format!("cannot read the patterns of --{flag} `{}`: {error}\n", path.display());
                    Error::raw(ErrorKind::ValueValidation, text)
                })?;
                globs.extend(lines.into_iter().map(|(line, pattern)| {
                    (place, TypedGlob { include, pattern, from: Some((path.clone(), line)) })
                }));
            }
        }
        // Stable: the lines of a file stay in their order.
        globs.sort_by_key(|(place, _)| *place);
        Ok(Self(globs.into_iter().map(|(_, glob)| glob).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The patterns of a file with their lines, from 1: one a line, without the blanks around it; empty lines
/// and those that begin with `#` are left out, and `\#` is a pattern that begins with `#`.
fn lines(path: &Path) -> io::Result<Vec<(usize, String)>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.len() > LONGEST {
        return Err(io::Error::other("it is larger than any file of patterns"));
    }
    let mut patterns = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line?;
        let pattern = line.trim();
        if !pattern.is_empty() && !pattern.starts_with('#') {
            patterns.push((number + 1, pattern.to_owned()));
        }
    }
    if patterns.is_empty() {
        // It would mean that every key is taken.
        return Err(io::Error::other("it has no pattern: write one a line, or leave the flag out"));
    }
    Ok(patterns)
}

impl Args for Globs {
    fn augment_args(command: Command) -> Command {
        let include = Arg::new("include")
            .long("include")
            .value_name("GLOB")
            .action(ArgAction::Append)
            .help("Take keys that match; may be repeated, and mixed with --exclude")
            .long_help(
                "Take keys that match GLOB; may be repeated, and mixed with --exclude: the last match decides. \
                 A key that nothing matches is taken, unless the first pattern is an include. GLOB is matched \
                 against the key after the URL's prefix: `*` and `?` stop at `/`, `**` crosses it, `[a-z]` and \
                 `{a,b}` choose, `\\` takes the next character as it is; without `/` it is tried at any depth. \
                 Quote it, so that the shell leaves it alone. Any pattern on the line replaces all of a job file",
            );
        let exclude = Arg::new("exclude")
            .long("exclude")
            .value_name("GLOB")
            .action(ArgAction::Append)
            .help("Leave out keys that match; may be repeated, and mixed with --include");
        let file = |name: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .value_parser(ValueParser::path_buf())
                .action(ArgAction::Append)
        };
        let include_from = file("include-from").help("Take patterns for --include from a file, one a line").long_help(
            "Take patterns for --include from FILE, one a line; empty lines and those that begin with `#` are left \
             out. They count where the flag stands among the other patterns; may be repeated",
        );
        let exclude_from = file("exclude-from").help("Take patterns for --exclude from a file, one a line");
        command.arg(include).arg(exclude).arg(include_from).arg(exclude_from)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
