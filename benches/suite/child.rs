//! The release binary as a process of its own: what it took, and whether it brought every key.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::table;

/// A rate that never holds anything back.
const UNBOUNDED: &str = "100000";
/// Between looks at a running process.
const LOOK: Duration = Duration::from_millis(2);
/// Looks for each look at its memory.
const MEMORY: u32 = 5;
/// Clock ticks a second in `/proc`; Linux shows 100 on every machine.
const TICKS: f64 = 100.0;
/// Reports up to this size are counted row by row.
const COUNTED: u64 = 4 << 30;

/// Where reports and checkpoints of the runs go: `target/bench/tmp`.
pub(crate) fn scratch() -> PathBuf {
    table::folder().join("tmp")
}

/// Empties the scratch folder.
pub(crate) fn clear() -> Result<()> {
    let folder = scratch();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Bytes of disk left for the scratch folder, by `df`; `None` where there is none.
pub(crate) fn room() -> Option<u64> {
    let said = Command::new("df").args(["-Pk"]).arg(scratch()).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_ascii_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes << 10)
}

/// A line of the binary.
pub(crate) struct Line {
    args: Vec<String>,
    state: PathBuf,
    report: PathBuf,
}

impl Line {
    /// `verb` on the bucket at `endpoint`; state and report are called `name`.
    pub(crate) fn new(verb: &str, url: &str, region: &str, endpoint: &str, name: &str) -> Self {
        let (state, report) = (scratch().join(name), scratch().join(format!("{name}.csv")));
        let mut args: Vec<String> = [verb, url, "--region", region, "--endpoint-url", endpoint]
            .into_iter()
            .chain(["--storage-class", "any", "--list-rate-limit", UNBOUNDED, "-qq"])
            .map(str::to_owned)
            .collect();
        for (flag, path) in [("--state-dir", &state), ("--report", &report)] {
            args.extend([flag.to_owned(), path.display().to_string()]);
        }
        Self { args, state, report }
    }

    /// A scan of the bench's own store with so many list requests in flight.
    pub(crate) fn scan(endpoint: &str, name: &str, in_flight: u32) -> Self {
        Self::new("scan", "s3://bench", "us-east-1", endpoint, name)
            .with(&["--list-concurrency", &in_flight.to_string()])
    }

    pub(crate) fn with(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Starts it, and lets it go.
    pub(crate) fn start(&self) -> Result<Going> {
        let errors = self.report.with_extension("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_defrost"));
        command
            .args(&self.args)
            .env_clear()
            .current_dir(scratch())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.env("HOME", scratch()).env("DEFROST_NO_METADATA", "1").stderr(File::create(&errors)?);
        for vendor in ["AWS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_ID", "TENCENTCLOUD_SECRET_ID"].into_iter().zip([
            "AWS_SECRET_ACCESS_KEY",
            "OSS_ACCESS_KEY_SECRET",
            "TENCENTCLOUD_SECRET_KEY",
        ]) {
            command.env(vendor.0, "id").env(vendor.1, "secret");
        }
        let began = Instant::now();
        let child = command.spawn().context("cannot start defrost")?;
        Ok(Going { child, began, errors, usage: Usage::default() })
    }

    /// Runs it to its end. It must have listed exactly `keys` entries.
    pub(crate) fn run(&self, keys: u64) -> Result<Usage> {
        let usage = self.start()?.wait()?;
        let path = self.report.with_extension("summary.json");
        let text = fs::read(&path).with_context(|| format!("no summary at {}", path.display()))?;
        let summary: Value = serde_json::from_slice(&text)?;
        for listed in [&summary["tally"]["listed"], &summary["tally"]["matched"]["objects"]] {
            ensure!(listed.as_u64() == Some(keys), "{listed} keys were listed where there are {keys}");
        }
        let rows = self.rows()?;
        let expected = if self.args.iter().any(|arg| arg == "--rows") { 0 } else { keys };
        ensure!(
            rows.is_none_or(|rows| rows == expected),
            "the report has {rows:?} rows instead of {expected}"
        );
        fs::remove_file(&self.report)?;
        Ok(usage)
    }

    /// Rows of the report, its header left out; `None` if it is too long to be counted. The keys of
    /// the bench hold no line ends.
    fn rows(&self) -> Result<Option<u64>> {
        let mut file = File::open(&self.report)?;
        if file.metadata()?.len() > COUNTED {
            return Ok(None);
        }
        let (mut lines, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Some(u64::saturating_sub(lines, 1))),
                n => lines += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64,
            }
        }
    }

    /// Bytes of the state that it left: what a run reads to go on, and rows that wait for their turn.
    pub(crate) fn state_bytes(&self) -> Result<(u64, u64)> {
        let (mut state, mut aside) = (0, 0);
        let mut folders = vec![self.state.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let (length, name) = (entry.metadata()?.len(), entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if name.to_string_lossy().contains("aside") {
                    aside += length;
                } else {
                    state += length;
                }
            }
        }
        Ok((state, aside))
    }

    /// Forgets everything that it left.
    pub(crate) fn forget(&self) -> Result<()> {
        let mut partial = self.report.clone().into_os_string();
        partial.push(".partial");
        for path in [&self.report, Path::new(&partial), &self.report.with_extension("summary.json")] {
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        if self.state.exists() {
            fs::remove_dir_all(&self.state)?;
        }
        Ok(())
    }
}

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) seconds: f64,
    /// Processor time, user and system; `None` where there is no `/proc`.
    pub(crate) cpu: Option<f64>,
    /// Peak of its resident memory; `None` where there is no `/proc`.
    pub(crate) peak: Option<u64>,
}

impl Usage {
    /// Its peak in MiB.
    pub(crate) fn mebibytes(self) -> Option<f64> {
        self.peak.map(|bytes| bytes as f64 / f64::from(1 << 20))
    }
}

/// A process that goes on; it is killed if it is forgotten.
pub(crate) struct Going {
    child: Child,
    began: Instant,
    errors: PathBuf,
    usage: Usage,
}

impl Going {
    /// Asks it to stop as Ctrl-C does. The shell's own `kill` is used: it is always there.
    pub(crate) fn interrupt(&self) -> Result<()> {
        let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", self.child.id())]).status()?;
        ensure!(sent.success(), "no process to interrupt");
        Ok(())
    }

    /// Whether it has ended; takes note of what it took until now.
    pub(crate) fn ended(&mut self, with_memory: bool) -> Result<bool> {
        let pid = self.child.id();
        if with_memory && let Some(peak) = peak(pid) {
            self.usage.peak = self.usage.peak.max(Some(peak));
        }
        let Some((state, cpu)) = processor(pid) else {
            return Ok(self.child.try_wait()?.is_some());
        };
        self.usage.cpu = Some(cpu);
        // Ended, but not yet asked for its end: the figures are final.
        Ok(state == 'Z')
    }

    /// Waits until it ends by itself, and for code 0.
    pub(crate) fn wait(mut self) -> Result<Usage> {
        let code = self.code()?;
        if code != Some(0) {
            let said = fs::read_to_string(&self.errors).unwrap_or_default();
            bail!("defrost ended with {code:?}: {}", said.trim());
        }
        Ok(self.usage)
    }

    /// Waits until it ends by itself, with whatever code.
    pub(crate) fn code(&mut self) -> Result<Option<i32>> {
        let mut look = 0_u32;
        while !self.ended(look.is_multiple_of(MEMORY))? {
            std::thread::sleep(LOOK);
            look += 1;
        }
        self.usage.seconds = self.began.elapsed().as_secs_f64();
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // Both fail if it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Peak of the resident memory of a process in bytes.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
}

/// State and processor seconds of a process, those of its threads included.
fn processor(pid: u32) -> Option<(char, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything: count from behind it.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((fields.first()?.chars().next()?, (ticks(11)? + ticks(12)?) / TICKS))
}
