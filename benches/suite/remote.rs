//! A [`store`](super::store) in another process, from where it was started.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

use super::keys::Spec;
use super::store::{SERVE, Stats};

/// A running store; it ends when this is dropped.
pub(crate) struct Remote {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Remote {
    /// Starts a store of these keys that answers as fast as it can.
    pub(crate) fn start(keys: Spec) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([SERVE, &keys.word()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the store")?;
        let commands = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().context("the store has no stdout")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let port = line.trim().parse().context("the store told no port")?;
        Ok(Self { child, commands, answers, port })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn command(&mut self, line: &str) -> Result<()> {
        let commands = self.commands.as_mut().context("the store has no stdin")?;
        writeln!(commands, "{line}").context("the store has gone")
    }

    /// Forgets what was asked so far, and sets what a page takes from now on.
    pub(crate) fn begin(&mut self, latency_ms: u64) -> Result<()> {
        self.command(&format!("latency {latency_ms}"))?;
        self.command("reset")?;
        // Commands are carried out in order, so the answer tells that these are.
        self.stats().map(|_| ())
    }

    /// What was asked since.
    pub(crate) fn stats(&mut self) -> Result<Stats> {
        self.command("stats")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the store told no figures")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Both fail if it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
