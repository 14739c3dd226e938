//! The `defrost` binary: hands the command line to [`defrost::cli`] and its answer to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    defrost::cli::main(std::env::args_os())
}
