//! What a run needs of this machine: nobody else at work on the job, folders that can be written, room.

use std::path::{Path, PathBuf};

use super::Findings;
use crate::cli::exit::{Exit, Failure};
use crate::job::Job;
use crate::model::{Clock as _, SystemClock};
use crate::pipeline::checkpoint::StateDir;
use crate::ui::{human_bytes, human_count};

/// Less room than this and a run is not begun: its first page may not fit.
const LEAST_ROOM: u64 = 1 << 20;
/// What a row takes on disk, reckoned generously: about 200 bytes in the report, and once more while it
/// waits for its turn.
const ROW: u64 = 500;
/// Where nobody knows how many rows there will be, room for so many is thought enough.
const ROWS_UNKNOWN: u64 = 1_000_000;

/// Looks at lock, paths and disk.
pub(super) fn look(job: &Job, findings: &mut Findings) {
    match StateDir::holder(&job.state_dir) {
        Ok(None) => findings.ok("lock", "no run of this job is under way"),
        Ok(Some(process)) => findings.warn(
            "lock",
            format!("a run of this job is under way (process {process}): another one would be refused"),
            "let it end first",
        ),
        Err(error) => findings.failed("lock", &error.into()),
    }
    let last = StateDir::peek(&job.state_dir);
    match &last {
        Err(_) => {
            if let Err(error) = last {
                findings.failed("state", &error.into());
            }
        }
        Ok(mark) => {
            let left = mark.as_ref().is_some_and(|mark| mark.finished.is_none());
            let what = if left { "an unfinished run is gone on with" } else { "a run starts anew" };
            written(findings, "state", &job.state_dir, what);
        }
    }
    match report(job) {
        None => findings.ok("report", "goes to stdout: such a run cannot be gone on with"),
        Some(path) if path.is_dir() => findings.fault(
            "report",
            Exit::OwnFiles,
            format!("`{}` is a folder", path.display()),
            Some("name another file with --report, or `path` in [report]".to_owned()),
        ),
        Some(path) => {
            let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
            written(findings, "report", &folder, &format!("`{}`", path.display()));
        }
    }
    disk(job, findings);
}

fn report(job: &Job) -> Option<PathBuf> {
    let path = job.report.file(&job.name, SystemClock::new().now())?;
    std::path::absolute(path).ok()
}

/// The nearest folder above `path`, or itself, that there is.
fn ground(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|above| above.exists()).map(Path::to_owned)
}

/// Whether a folder, or the nearest one above it in which it would be made, can be written.
fn written(findings: &mut Findings, about: &'static str, folder: &Path, what: &str) {
    let Some(ground) = ground(folder) else { return };
    if !ground.is_dir() {
        let text = format!("`{}` is not a folder", ground.display());
        return findings.fault(about, Exit::OwnFiles, text, Some("name another path".to_owned()));
    }
    match writable(&ground) {
        Ok(()) => findings.ok(about, format!("{what}; `{}` can be written", ground.display())),
        Err(error) => findings.fault(
            about,
            Exit::OwnFiles,
            format!("`{}` cannot be written: {error}", ground.display()),
            Some("give the user that runs defrost the right to write there, or name another path".to_owned()),
        ),
    }
}

#[cfg(unix)]
fn writable(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn writable(folder: &Path) -> std::io::Result<()> {
    match std::fs::metadata(folder)?.permissions().readonly() {
        true => Err(std::io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

/// Bytes that are free to this user where `folder` is; `None` where the system does not tell.
fn free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let told = rustix::fs::statvfs(folder).ok()?;
        // What is no disk (`/proc`, say) has no blocks, and no room to tell of.
        (told.f_blocks > 0).then(|| told.f_bavail.saturating_mul(told.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Rows of the job's last run, if there was one.
fn rows(job: &Job) -> Option<u64> {
    let mark = StateDir::peek(&job.state_dir).ok()??;
    Some(mark.tally.matched.objects.max(mark.rows)).filter(|rows| *rows > 0)
}

/// The folders that a run of `job` writes into, where they are now.
fn grounds(job: &Job) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        [report(job), Some(job.state_dir.clone())].iter().flatten().filter_map(|path| ground(path)).collect();
    all.dedup();
    all
}

fn disk(job: &Job, findings: &mut Findings) {
    let known = rows(job);
    let need = known.unwrap_or(ROWS_UNKNOWN).saturating_mul(ROW);
    let what = match known {
        Some(rows) => format!("the {} rows of the last run", human_count(rows)),
        None => "a million rows".to_owned(),
    };
    for ground in grounds(job) {
        let Some(free) = free(&ground) else { continue };
        let text = format!(
            "{} free at `{}`; {what} take about {}",
            human_bytes(free),
            ground.display(),
            human_bytes(need)
        );
        let way_out = "make room, or put report and state elsewhere";
        if free < LEAST_ROOM || (known.is_some() && free < need) {
            findings.fault("disk", Exit::OwnFiles, text, Some(way_out.to_owned()));
        } else if free < need.saturating_mul(2) {
            findings.warn("disk", text, way_out);
        } else {
            findings.ok("disk", text);
        }
    }
}

/// Whether there is any room for a run of `job` to begin with. Sends and changes nothing.
///
/// # Errors
/// If a disk that it writes to is as good as full.
pub(in crate::cli) fn room(job: &Job) -> Result<(), Failure> {
    for ground in grounds(job) {
        if let Some(free) = free(&ground).filter(|free| *free < LEAST_ROOM) {
            let what = anyhow::anyhow!("only {} are free at `{}`", human_bytes(free), ground.display());
            let way_out = "make room, or put report and state elsewhere (--report, --state-dir)";
            return Err(Failure::new(Exit::OwnFiles, what, way_out));
        }
    }
    Ok(())
}
