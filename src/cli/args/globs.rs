//! `--include` and `--exclude`, whose order among each other counts.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// `--include` (true) and `--exclude` (false) patterns in the order typed.
///
/// Written by hand, since the derive of clap keeps the order of each flag but not between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globs(pub Vec<(bool, String)>);

const FLAGS: [(&str, bool); 2] = [("include", true), ("exclude", false)];

impl FromArgMatches for Globs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut globs: Vec<(usize, bool, String)> = Vec::new();
        for (flag, include) in FLAGS {
            let patterns = matches.get_many::<String>(flag).into_iter().flatten();
            let places = matches.indices_of(flag).into_iter().flatten();
            globs.extend(places.zip(patterns).map(|(place, pattern)| (place, include, pattern.clone())));
        }
        globs.sort_by_key(|(place, ..)| *place);
        Ok(Self(globs.into_iter().map(|(_, include, pattern)| (include, pattern)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
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
        command.arg(include).arg(exclude)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
