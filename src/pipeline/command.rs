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
/// What the command writes to its stdout comes out of our stderr: ours may be a report. At the time limit, and
/// when the future is dropped, it is killed with all that it has started; what it leaves behind when it ends by
/// itself is let be.
///
/// # Errors
/// What became of the command, in words that begin with its name.
pub async fn run_command(call: Call<'_>, clock: &dyn Clock) -> Result<(), String> {
    let fill = |word: &String| {
        call.filled.iter().fold(word.clone(), |word, (place, value)| word.replace(place, value))
    };
    let mut words = call.line.iter().map(fill);
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::from(io::stderr())).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    // Declared behind the child, so that the group goes first, while the child still holds its number.
    #[cfg(unix)]
    let mut group = Group::of(&child);
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
    #[cfg(unix)]
    group.let_be();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` ended with {status}")),
        Err(error) => Err(format!("`{program}` cannot be waited for: {error}")),
    }
}

/// A command with all that it has started, killed when this is dropped.
#[cfg(unix)]
#[derive(Debug)]
struct Group(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    /// That of a `child` which leads it.
    fn of(child: &tokio::process::Child) -> Self {
        let number = child.id().and_then(|number| i32::try_from(number).ok());
        Self(number.and_then(rustix::process::Pid::from_raw))
    }

    /// Once the child has been waited for its number may be that of another.
    const fn let_be(&mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended in this very moment.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
