//! How many connections this process may hold: each is an open file, and systems count those.

use super::exit::{Exit, Failure};

/// Open files that are no connections: report, mark, journal, rows set aside, lock, their folders,
/// the runtime's own, stdin to stderr, with room to spare.
const OTHERS: u64 = 32;
/// With fewer connections than this a run is not worth starting.
const FEWEST: u64 = 8;

/// Connections in flight at once, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// List requests.
    pub(super) list: u32,
    /// HEAD requests.
    pub(super) head: u32,
    /// Restore POSTs.
    pub(super) restore: u32,
}

/// Lets this process open as many files as the system allows it, where shells set it a lower limit
/// to begin with. If that is refused, [`fit`] reckons with what there is.
pub(super) fn open_up() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// Open files that this process may have; `None` for any number.
fn open_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// As many requests in flight as wished, or as this process may have connections for; with a remark
/// if these are fewer.
///
/// # Errors
/// If it may have hardly any.
pub(super) fn fit(wish: Lanes) -> Result<(Lanes, Option<String>), Failure> {
    match open_files() {
        Some(files) => fit_into(wish, files),
        None => Ok((wish, None)),
    }
}

fn fit_into(wish: Lanes, files: u64) -> Result<(Lanes, Option<String>), Failure> {
    let room = files.saturating_sub(OTHERS);
    if room < FEWEST {
        let least = OTHERS + FEWEST;
        return Err(Failure::new(
            Exit::OwnFiles,
            anyhow::anyhow!(
                "this process may open {files} files only, of which a run needs at least {least}"
            ),
            "raise the limit: `ulimit -n 1024` in the shell, LimitNOFILE= in a systemd unit",
        ));
    }
    // HEADs and restores of a page follow each other; pages under way at the same time may be at both.
    let all = u64::from(wish.list) + u64::from(wish.head) + u64::from(wish.restore);
    if all <= room {
        return Ok((wish, None));
    }
    let third = u32::try_from(room / 3).unwrap_or(u32::MAX).max(1);
    let list = wish.list.min(third);
    let rest = room - u64::from(list);
    let head = wish.head.min(u32::try_from(rest / 2).unwrap_or(u32::MAX).max(1));
    let rest = u32::try_from(rest - u64::from(head)).unwrap_or(u32::MAX).max(1);
    let fit = Lanes { list, head, restore: wish.restore.min(rest) };
    let remark = format!(
        "this process may open {files} files only: at most {} list requests, {} HEADs and {} restores are in \
         flight; `ulimit -n` or LimitNOFILE= raises that",
        fit.list, fit.head, fit.restore
    );
    Ok((fit, Some(remark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_flight_fit_into_the_open_files() {
        let wish = Lanes { list: 16, head: 100, restore: 100 };
        assert_eq!(fit_into(wish, 1024).unwrap(), (wish, None));
        assert_eq!(fit_into(wish, OTHERS + 16 + 200).unwrap(), (wish, None));
        for files in OTHERS + FEWEST..OTHERS + 16 + 200 {
            let (fit, remark) = fit_into(wish, files).unwrap();
            assert!(fit.list >= 1 && fit.head >= 1 && fit.restore >= 1);
            assert!(fit.list <= wish.list && fit.head <= wish.head && fit.restore <= wish.restore);
            assert!(u64::from(fit.list + fit.head + fit.restore) <= files - OTHERS, "{files}: {fit:?}");
            assert!(remark.unwrap().contains(&files.to_string()));
        }
        for files in [0, 3, OTHERS + FEWEST - 1] {
            assert_eq!(fit_into(wish, files).unwrap_err().exit, Exit::OwnFiles);
        }
    }
}
