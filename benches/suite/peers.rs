//! Other listers on the same bucket, where they are installed.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::Scale;
use super::child::{Line, scratch};
use super::keys::Spec;
use super::remote::Remote;
use super::table::{Book, Cell};

/// What a page takes, so that the way of listing counts and not the machine alone.
const LATENCY_MS: u64 = 50;

pub(crate) fn run(scale: Scale, book: &mut Book) -> Result<()> {
    let keys: u64 = scale.pick(50_000, 500_000);
    let title = format!("one bucket of {keys} numbered keys, {LATENCY_MS} ms a page");
    let mut table = book.table(&title, &["lister", "seconds", "keys/s", "requests", "times ours"]);
    let mut store = Remote::start(Spec::Numbered(keys))?;
    let url = store.url();
    let mut ours = None;
    let remote = format!(
        ":s3,provider=Other,list_version=2,access_key_id=id,secret_access_key=secret,endpoint='{url}':bench"
    );
    let peers: [(&str, Vec<&str>); 2] = [
        ("rclone", vec!["lsf", "-R", "--fast-list", "--files-only", &remote]),
        ("s5cmd", vec!["--endpoint-url", &url, "ls", "s3://bench/*"]),
    ];
    store.begin(LATENCY_MS)?;
    let line = Line::scan(&url, "peers", 64);
    let seconds = line.run(keys)?.seconds;
    line.forget()?;
    let mut add = |name: &str, seconds: f64, requests: u64| {
        let ours = *ours.get_or_insert(seconds);
        table.row([
            Cell::word(name),
            Cell::seconds(seconds),
            Cell::Number(keys as f64 / seconds, 0, ""),
            Cell::Count(requests),
            Cell::times(seconds / ours),
        ]);
    };
    add("defrost, 64", seconds, store.stats()?.lists);
    let mut missed = Vec::new();
    for (name, args) in peers {
        let Some(program) = found(name) else {
            missed.push(format!("{name} is not installed"));
            continue;
        };
        store.begin(LATENCY_MS)?;
        match listed(&program, &args, keys) {
            Ok(seconds) => add(name, seconds, store.stats()?.lists),
            // It is for reading, like all figures: what another lister cannot do is no fault of ours.
            Err(error) => missed.push(format!("{name} failed: {error:#}")),
        }
    }
    if !missed.is_empty() {
        table.note(&missed.join("; "));
    }
    Ok(())
}

/// Where `program` is installed.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a lister that prints a line for each key.
fn listed(program: &Path, args: &[&str], keys: u64) -> Result<f64> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        // Certificates, proxies and profiles of this machine are of no use here, and may do harm.
        .env_clear()
        .envs([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")])
        .env("HOME", scratch())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().context("no stdout")?).split(b'\n').count() as u64;
    let status = child.wait()?;
    let seconds = began.elapsed().as_secs_f64();
    ensure!(status.success() && lines == keys, "{status}, {lines} keys where there are {keys}");
    Ok(seconds)
}
