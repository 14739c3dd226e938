//! `man [VERB]`.

use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, ValueHint};

use super::Cli;

/// `man [VERB]`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Page of this verb; without it, that of defrost itself
    #[arg(value_name = "VERB")]
    pub verb: Option<String>,
    /// Write the pages of defrost and of all verbs into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "verb")]
    pub out: Option<PathBuf>,
}

/// Every page: its file's name and its text.
///
/// # Errors
/// Those of writing to memory, which cannot fail.
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![(format!("{}.1", command.get_name()), page(command.clone())?)];
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let file = format!("{}-{}.1", command.get_name(), verb.get_name());
        pages.push((file, page(verb.clone().version(env!("CARGO_PKG_VERSION")))?));
    }
    Ok(pages)
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let source = concat!("defrost ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).manual("defrost").render(&mut text)?;
    // What stands behind the flags of the help has a section of its own in a manual.
    let text = String::from_utf8_lossy(&text)
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n")
        .replace(".SH EXTRA\nExit codes:\n", ".SH \"EXIT STATUS\"\n");
    Ok(text.into_bytes())
}
