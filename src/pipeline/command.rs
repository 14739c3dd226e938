//! Starting a command of the user's, without a shell.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::model::Clock;

/// A command of the user's.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The program and its arguments, handed over as they are.
    pub line: &'c [String],
    /// Placeholders, braces included, and what stands for them in every word.
    pub filled: &'c [(&'c str, &'c str)],
    /// What it reads from its standard input.
    pub input: &'c [u8],
    /// The longest that it may take; then it is killed.
    pub time_limit: Duration,
}

/// Runs `call`, and says why it did not end with exit code 0, if it did not.
///
/// What the command writes to its stdout comes out of our stderr: ours may be a report. It is killed when the
/// future is dropped.
///
/// # Errors
/// What became of the command, in words that begin with its name.
pub async fn run_command(call: Call<'_>, clock: &dyn Clock) -> Result<(), String> {
    let fill = |word: &String| {
        call.filled.iter().fold(word.clone(), |word, (place, value)| word.replace(place, value))
    };
    let mut words = call.line.iter().map(fill);
    let program = words.next().unwrap_or_default();
    let child = Command::new(&program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::from(io::stderr()))
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let stdin = child.stdin.take();
    let taken = async {
        if let Some(mut stdin) = stdin {
            // One that ends without having read all of it tells by its status whether that is well.
            let _ = stdin.write_all(call.input).await;
            let _ = stdin.shutdown().await;
        }
        child.wait().await
    };
    let ended = tokio::select! {
        ended = taken => ended,
        () = clock.sleep(call.time_limit) => {
            return Err(format!("`{program}` took longer than {} s", call.time_limit.as_secs()));
        }
    };
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` ended with {status}")),
        Err(error) => Err(format!("`{program}` cannot be waited for: {error}")),
    }
}
