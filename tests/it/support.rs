//! A simulator, a working folder, and the binary run in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use defrost::model::{Clock as _, SystemClock};
use defrost::sim::{BucketConfig, Config, Credential, Dialect, Server};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const ACCESS_KEY: &str = "AKIDtest0123456789";
pub(crate) const SECRET_KEY: &str = "TopSecret/Key+0123456789abcdef";

/// Simulated seconds per real one in a store whose hour stands still: restores end and copies lapse when
/// a test says so, however long its runs take.
pub(crate) const STILL: f64 = 1e-9;

/// The hour of this machine, standing still, for every store made of it, so that dates in two reports are
/// equal.
pub(crate) fn dated(mut config: Config) -> Config {
    let now = Timestamp::from_second(SystemClock::new().now().as_second()).unwrap();
    (config.clock.start, config.clock.speed) = (Some(now), STILL);
    config
}

/// One row of a report, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// What a vendor's scheme, bucket and classes are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vendor {
    pub(crate) dialect: Dialect,
    pub(crate) scheme: &'static str,
    pub(crate) bucket: &'static str,
    pub(crate) region: &'static str,
    pub(crate) standard: &'static str,
    /// A class whose restore takes hours and that offers all three tiers.
    pub(crate) cold: &'static str,
}

pub(crate) const OSS: Vendor = Vendor {
    dialect: Dialect::Oss,
    scheme: "oss",
    bucket: "test-archive",
    region: "cn-hangzhou",
    standard: "Standard",
    cold: "ColdArchive",
};
pub(crate) const COS: Vendor = Vendor {
    dialect: Dialect::Cos,
    scheme: "cos",
    bucket: "test-1250000000",
    region: "ap-guangzhou",
    standard: "STANDARD",
    cold: "ARCHIVE",
};
pub(crate) const S3: Vendor = Vendor {
    dialect: Dialect::S3,
    scheme: "s3",
    bucket: "test-archive",
    region: "us-east-1",
    standard: "STANDARD",
    cold: "GLACIER",
};
pub(crate) const VENDORS: [Vendor; 3] = [OSS, COS, S3];

impl Vendor {
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("{}://{}/{prefix}", self.scheme, self.bucket)
    }

    /// The vendor's empty test bucket.
    pub(crate) fn bucket(&self) -> BucketConfig {
        let mut bucket = BucketConfig::new(self.dialect, self.bucket);
        bucket.region = Some(self.region.to_owned());
        bucket
    }
}

/// What a finished process said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// One error that begins a line, and a way out: in a hint, or behind the fault itself.
    #[track_caller]
    pub(crate) fn in_one_error(self) -> Self {
        let begun = |head: &str| self.stderr.lines().filter(|line| line.starts_with(head)).count();
        assert_eq!(begun("error: "), 1, "{}", self.stderr);
        let way_out = ["hint: ", "; ", "tip: ", "--help", "not valid TOML"];
        assert!(way_out.iter().any(|way| self.stderr.contains(way)), "no way out:\n{}", self.stderr);
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("\\u{"), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, pieces: &[&str]) -> Self {
        for piece in pieces {
            assert!(self.stderr.contains(piece), "no `{piece}` in stderr:\n{}", self.stderr);
        }
        self
    }
}

/// An access key as a user would have it in the environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) token: Option<&'static str>,
}

impl Keys {
    /// Those that every simulator of a [`Rig`] knows.
    pub(crate) const GOOD: Self = Self { id: ACCESS_KEY, secret: SECRET_KEY, token: None };

    /// Sets the variables of all three vendors.
    pub(crate) fn put(self, command: &mut Command) {
        for (id, secret, token) in [
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
            ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
            ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_SECURITY_TOKEN"),
        ] {
            command.env(id, self.id).env(secret, self.secret);
            if let Some(value) = self.token {
                command.env(token, value);
            }
        }
    }
}

/// A running simulator and a folder of its own.
pub(crate) struct Rig {
    pub(crate) server: Server,
    /// Where the simulator runs, for as long as the rig lives.
    _runtime: Runtime,
    folder: TempDir,
}

impl Rig {
    /// A simulator that holds `config`'s buckets and knows the test's keys.
    pub(crate) fn new(mut config: Config) -> Self {
        config.credentials.push(Credential::new(ACCESS_KEY, SECRET_KEY));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime
            .block_on(Server::start(config, Arc::new(SystemClock::new()), any))
            .expect("the simulator starts");
        Self { server, _runtime: runtime, folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The binary with nothing in its environment but what the test gives it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(self.folder.path(), args);
        Keys::GOOD.put(&mut command);
        command
    }

    /// Runs the binary against the simulator: `args`, the vendor's region, the endpoint.
    pub(crate) fn run(&self, vendor: Vendor, args: &[&str]) -> Ran {
        Ran::of(&self.line(vendor, args).output().expect("the binary runs"))
    }

    /// What [`Rig::run`] runs.
    pub(crate) fn line(&self, vendor: Vendor, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.args(["--region", vendor.region, "--endpoint-url", &self.server.url()]);
        command
    }

    /// Starts what [`Rig::run`] runs, and lets it go.
    pub(crate) fn start(&self, vendor: Vendor, args: &[&str]) -> Going {
        Going::spawn(self.line(vendor, args), &self.path("stderr"))
    }

    /// Where `vendor`'s bucket is found: region and endpoint, to be put behind a line.
    pub(crate) fn place(&self, vendor: Vendor) -> [String; 4] {
        ["--region".into(), vendor.region.into(), "--endpoint-url".into(), self.server.url()]
    }

    /// The rows of the report at `name`.
    pub(crate) fn rows(&self, name: &str) -> Vec<Row> {
        rows(&self.path(name))
    }
}

/// A run that goes on; it is killed if the test forgets it.
pub(crate) struct Going {
    child: Child,
    stderr: PathBuf,
}

impl Going {
    pub(crate) fn spawn(mut command: Command, stderr: &Path) -> Self {
        let file = File::create(stderr).expect("a file for stderr");
        let child = command.stdout(Stdio::null()).stderr(file).spawn().expect("the binary starts");
        Self { child, stderr: stderr.to_owned() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `INT`. The shell's own `kill` is used: it is always there.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(sent.expect("there is a shell").success(), "no process to signal");
    }

    /// What stands in stderr so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).expect("stderr is text")
    }

    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        until("the run ends", || self.ended());
        let status = self.child.wait().expect("a child can be waited for");
        Ran { code: status.code().unwrap_or(-1), stdout: String::new(), stderr: self.said() }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // Both fail if it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until `holds`; gives up after half a minute or so.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    const LOOKS: u32 = 15_000;
    const BETWEEN: Duration = Duration::from_millis(2);
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        std::thread::sleep(BETWEEN);
    }
    panic!("waited in vain until {what}");
}

/// The binary in `folder`, with an empty environment.
pub(crate) fn bare(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_defrost"));
    command
        .args(args)
        .env_clear()
        .env("HOME", folder)
        .env("DEFROST_NO_METADATA", "1")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// The rows of the CSV at `path`, after checking its header.
#[track_caller]
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("the report is there");
    let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| {
            let record = record.expect("a row of as many fields as the header");
            header.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
        })
        .collect()
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// Percent-decoding by the book.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).expect("two hexadecimal digits"));
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// The key of a row, exact bytes.
pub(crate) fn key_of(row: &Row) -> Vec<u8> {
    match row["key_encoding"].as_str() {
        "" => row["key"].clone().into_bytes(),
        "url" => decoded(&row["key"]),
        other => panic!("unknown key_encoding `{other}`"),
    }
}
