//! `defrost sim`: the simulator as a command, for rehearsals.

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::exit::{Exit, Failure};
use crate::model::{Clock, SystemClock};
use crate::sim::{
    BucketConfig, Config, ConfigError, Counts, Dialect, Generate, Server, Shape, SimError, State,
};

/// The seed that is served when none is named.
const BUILT_IN: &str = include_str!("../sim/seed.toml");
/// How often the state is saved while the simulator runs, in real time.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// Name of the bucket of `--keys`; COS wants an APPID behind it.
const MADE: &str = "rehearsal";

const LONG_HELP: &str = "\
A rehearsal from end to end:

  1. Start the simulator; an hour passes each second, so that restores are ready soon:
       defrost sim --speed 3600
  2. In another terminal, paste the credential lines that it prints, such as
       export AWS_ACCESS_KEY_ID=defrost-sim AWS_SECRET_ACCESS_KEY=not-a-secret
  3. See what is there, then restore it:
       defrost scan s3://s3-archive --endpoint-url http://127.0.0.1:9000
       defrost restore s3://s3-archive --days 7 --tier Bulk --endpoint-url http://127.0.0.1:9000
  4. Scan again: restoring, restored and, a week of simulated time later, archived once more.

The built-in seed has buckets of all three vendors with every archive class, versions, delete
markers, odd keys, and restores that are running or done. Print it with --print-seed, change it,
and name the file. Seeds can also script faults:
       [[fault]]
       kind = \"slow-down\"      # also: internal, bare503, reset, lost-answer, cut, stall, slow, drip,
       calls = [\"restore\"]     #   torn, utf16, oversize, overstated, understated, repeat-token,
       every = 10              #   empty-page, disorder, stray, error-in200, no-capacity, skewed,
       retry_after = 1         #   expired-token; each tenth restore request here, or chance = 0.3

       [[fault]]
       kind = \"edit\"           # an answer with something else in it; also: error (status, code),
       find = \"GLACIER\"        #   answer (status, body, headers), redirect (location)
       replace = \"GLACIER_2\"
       first = 1

A campaign of 10 million objects, spread unevenly over folders:
       defrost sim --keys 10000000 --shape zipf --provider oss --class ColdArchive

Restores outlive the process with --state FILE.";

/// Arguments of `defrost sim`.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = LONG_HELP)]
pub struct SimArgs {
    /// What the simulator holds, as TOML [default: a small built-in seed]
    #[arg(value_name = "SEED.toml", conflicts_with = "keys")]
    pub seed: Option<PathBuf>,

    /// Where to listen; port 0 finds a free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9000")]
    pub addr: SocketAddr,

    /// Allow an address that other machines can reach
    #[arg(long)]
    pub expose: bool,

    /// Simulated seconds per real second
    #[arg(long, value_name = "N")]
    pub speed: Option<f64>,

    /// The store's hour at the start, such as 2026-01-02T00:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<Timestamp>,

    /// Serve one bucket with so many generated keys instead of a seed
    #[arg(long, value_name = "N")]
    pub keys: Option<u64>,

    /// How generated keys are spread
    #[arg(long, value_enum, default_value_t, requires = "keys")]
    pub shape: KeyShape,

    /// Whose dialect the generated bucket speaks
    #[arg(long, value_enum, default_value_t, requires = "keys")]
    pub provider: Vendor,

    /// Storage class of the generated objects; repeat for an even mix [default: all that archive]
    #[arg(long = "class", value_name = "CLASS", requires = "keys")]
    pub classes: Vec<String>,

    /// Keep restores and the clock in this file, across processes; once it is there, its hour wins
    /// over --start
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Print the built-in seed and exit
    #[arg(long)]
    pub print_seed: bool,
}

/// How generated keys are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum KeyShape {
    /// One stretch of numbers.
    #[default]
    Sequential,
    /// Evenly over all first letters.
    Uuid,
    /// Year, month, day, hour.
    Dated,
    /// A thousand folders, a few of which hold most keys.
    Zipf,
}

/// A vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Vendor {
    /// Alibaba Cloud OSS.
    Oss,
    /// Tencent COS.
    Cos,
    /// Amazon S3.
    #[default]
    S3,
}

impl Vendor {
    const fn dialect(self) -> Dialect {
        match self {
            Self::Oss => Dialect::Oss,
            Self::Cos => Dialect::Cos,
            Self::S3 => Dialect::S3,
        }
    }

    /// The classes that need a restore.
    const fn archives(self) -> &'static [&'static str] {
        match self {
            Self::Oss => &["Archive", "ColdArchive", "DeepColdArchive"],
            Self::Cos => &["ARCHIVE", "DEEP_ARCHIVE"],
            Self::S3 => &["GLACIER", "DEEP_ARCHIVE"],
        }
    }
}

/// Serves until `stop` comes true. Prints the endpoint and credentials on stdout.
///
/// # Errors
/// If the seed or the state cannot be read, or the address cannot be bound or is refused.
pub(super) async fn run(args: SimArgs, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    if args.print_seed {
        return print(BUILT_IN);
    }
    if !args.addr.ip().is_loopback() && !args.expose {
        anyhow::bail!("`{}` can be reached by other machines; add --expose if that is meant", args.addr);
    }
    let config = config(&args)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let server = Server::start(config.clone(), Arc::clone(&clock), args.addr).await?;
    print(&welcome(&config, &server.url()))?;
    serve(&server, &*clock, args.state.as_deref(), stop).await?;
    print(&farewell(&server.ledger().counts()))?;
    server.stop().await;
    Ok(())
}

/// The exit code and the way out of what [`run`] failed by.
pub(super) fn failure(error: anyhow::Error) -> Failure {
    if error.is::<StateError>() {
        return Failure::new(
            Exit::OwnFiles,
            error,
            "name another file with --state, or make room or rights for it",
        );
    }
    let hint = if error.is::<ConfigError>() || matches!(error.downcast_ref(), Some(SimError::Config(_))) {
        "`defrost sim --help` describes the seed, `defrost sim --print-seed` shows one"
    } else if error.is::<SimError>() {
        "choose another place with --addr; port 0 finds a free one"
    } else {
        "see `defrost sim --help`"
    };
    Failure::new(Exit::Usage, error, hint)
}

/// Why the state of `--state` could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} the simulator's state `{path}`")]
pub(super) struct StateError {
    what: &'static str,
    path: String,
    #[source]
    cause: std::io::Error,
}

impl StateError {
    pub(super) fn new(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |cause| Self { what, path, cause }
    }
}

/// Waits for `stop`, saving the state from time to time and at the end.
async fn serve(
    server: &Server,
    clock: &dyn Clock,
    state: Option<&Path>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let save = |path: &Path| server.save(path).map_err(StateError::new("write", path));
    let mut stop = std::pin::pin!(stop);
    let mut saved = 0;
    loop {
        let due = tokio::select! {
            biased;
            () = &mut stop => false,
            () = clock.sleep(SAVE_EVERY), if state.is_some() => true,
        };
        let restores = server.ledger().counts().restore;
        if let Some(path) = state.filter(|_| !due || restores != saved) {
            save(path)?;
            saved = restores;
        }
        if !due {
            return Ok(());
        }
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has seen enough is no fault.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

fn config(args: &SimArgs) -> anyhow::Result<Config> {
    let mut config = match (&args.seed, args.keys) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the seed `{}`", path.display()))?;
            Config::from_toml(path, &text)?
        }
        (None, keys) => {
            let mut config = Config::from_toml(Path::new("the built-in seed"), BUILT_IN)?;
            if let Some(count) = keys {
                config.buckets = vec![generated(args, count)];
            }
            config
        }
    };
    if let Some(speed) = args.speed {
        config.clock.speed = speed;
    }
    if args.start.is_some() {
        config.clock.start = args.start;
    }
    let state = match &args.state {
        Some(path) => State::load(path).map_err(StateError::new("read", path))?,
        None => None,
    };
    Ok(config.with_state(state))
}

fn generated(args: &SimArgs, count: u64) -> BucketConfig {
    let name = if args.provider == Vendor::Cos { format!("{MADE}-1250000000") } else { MADE.to_owned() };
    let mut bucket = BucketConfig::new(args.provider.dialect(), name);
    let classes: Vec<&str> = if args.classes.is_empty() {
        args.provider.archives().to_vec()
    } else {
        args.classes.iter().map(String::as_str).collect()
    };
    bucket.generate = Some(Generate {
        count,
        shape: match args.shape {
            KeyShape::Sequential => Shape::Sequential,
            KeyShape::Uuid => Shape::Uuid,
            KeyShape::Dated => Shape::Dated,
            KeyShape::Zipf => Shape::Zipf,
        },
        classes: classes.into_iter().map(|class| (class.to_owned(), 1)).collect(),
        ..Generate::default()
    });
    bucket
}

/// What is printed once the simulator listens: lines to paste.
fn welcome(config: &Config, url: &str) -> String {
    let mut lines = vec![format!("listening on {url}")];
    for (dialect, scheme, id, secret) in [
        (Dialect::Oss, "oss", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"),
        (Dialect::Cos, "cos", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
        (Dialect::S3, "s3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ] {
        let buckets: Vec<_> = config.buckets.iter().filter(|b| b.provider == dialect).collect();
        if buckets.is_empty() {
            continue;
        }
        lines.push(String::new());
        if let Some(pair) = config.credentials.first() {
            let (key, word) = (quoted(&pair.access_key_id), quoted(&pair.secret_key));
            lines.push(format!("export {id}={key} {secret}={word}"));
        }
        for bucket in buckets {
            let (name, region) = (&bucket.name, bucket.region());
            lines.push(format!("defrost scan {scheme}://{name} --endpoint-url {url} --region {region}"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What is printed at the end: what was asked, and how it was answered.
fn farewell(counts: &Counts) -> String {
    let mut lines = vec![String::new()];
    lines.push(format!(
        "{} requests: {} listings, {} heads, {} restores, {} others; at most {} at a time",
        counts.total,
        counts.list + counts.versions,
        counts.head,
        counts.restore,
        counts.other,
        counts.peak
    ));
    let answer =
        |(status, n): (&u16, &u64)| if *status == 0 { format!("none {n}") } else { format!("{status} {n}") };
    let answers: Vec<String> = counts.by_status.iter().map(answer).collect();
    if !answers.is_empty() {
        lines.push(format!("answers: {}; scripted faults: {}", answers.join(", "), counts.faults));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// `word` as a shell takes it literally.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./+=:@%,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SimArgs,
    }

    fn args(line: &str) -> SimArgs {
        Cli::try_parse_from(std::iter::once("sim").chain(line.split_whitespace())).unwrap().args
    }

    #[test]
    fn the_built_in_seed_is_sound() {
        let config = config(&args("")).unwrap();
        let start = "2026-01-02T00:00:00Z".parse().unwrap();
        for bucket in &config.buckets {
            assert!(config.expected_at(&bucket.name, start).unwrap().count() > 2, "{}", bucket.name);
        }
        let text = welcome(&config, "http://127.0.0.1:9000");
        assert!(
            text.contains("export AWS_ACCESS_KEY_ID=defrost-sim AWS_SECRET_ACCESS_KEY=not-a-secret\n"),
            "{text}"
        );
        assert!(text.contains(
            "defrost scan oss://oss-archive --endpoint-url http://127.0.0.1:9000 --region cn-hangzhou\n"
        ));
    }

    #[test]
    fn flags_shape_the_generated_bucket() {
        let config = config(&args("--keys 100000000 --shape zipf --provider cos --speed 60")).unwrap();
        assert_eq!(config.buckets.len(), 1);
        assert_eq!(config.buckets[0].name, "rehearsal-1250000000");
        assert_eq!(config.buckets[0].generate.as_ref().unwrap().count, 100_000_000);
        assert!((config.clock.speed - 60.0).abs() < 1e-9);
    }

    #[tokio::test]
    async fn listens_at_home_only_unless_told() {
        let refused = run(args("--addr 0.0.0.0:0"), async {}).await.unwrap_err();
        assert!(refused.to_string().contains("--expose"), "{refused}");
        run(args("--addr 127.0.0.1:0"), async {}).await.unwrap();
    }

    #[tokio::test]
    async fn state_is_saved_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim.json");
        let line = format!("--addr 127.0.0.1:0 --start 2026-01-02T00:00:00Z --state {}", path.display());
        run(args(&line), async {}).await.unwrap();
        let state = State::load(&path).unwrap().unwrap();
        assert_eq!(state.start.to_string(), "2026-01-02T00:00:00Z");
        run(args(&line), async {}).await.unwrap();
    }

    #[test]
    fn says_what_was_asked() {
        let counts = Counts {
            total: 6,
            list: 1,
            versions: 1,
            restore: 4,
            faults: 1,
            peak: 2,
            by_status: [(0, 1), (200, 2), (202, 3)].into(),
            ..Counts::default()
        };
        let text = "\n6 requests: 2 listings, 0 heads, 4 restores, 0 others; at most 2 at a time\n\
                    answers: none 1, 200 2, 202 3; scripted faults: 1\n";
        assert_eq!(farewell(&counts), text);
    }

    #[test]
    fn secrets_are_quoted_for_the_shell() {
        assert_eq!(quoted("not-a-secret"), "not-a-secret");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
