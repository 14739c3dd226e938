//! Flags over environment over file over defaults → [`Job`].

use std::path::{Path, PathBuf};

use super::fault::{At, Fault, Faults, Place};
use super::flags::Overrides;
use super::spec::{Job, Verb};

/// Looks a variable up in the environment; passed in so that resolving stays pure.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The job that the file at `path`, holding `text`, describes.
///
/// A file with a `[restore]` table is a restore (a plan under `over.dry_run`), one without is a
/// scan. Relative paths in the file start at the file's folder, those of flags at the working
/// folder. Reads nothing but its arguments.
///
/// # Errors
/// Everything that is wrong with the file, the flags and the variables that are looked at, at once.
pub fn from_file(path: &Path, text: &str, over: &Overrides, env: Env<'_>) -> Result<Job, Faults> {
    let _ = (text, over, env);
    Err(Faults::new(vec![Fault {
        at: At {
            place: Place::File { path: path.to_owned(), line: 1, column: 1 },
            key: String::new(),
            value: None,
        },
        what: "cannot be read yet".to_owned(),
        way_out: None,
    }]))
}

/// The job that a bucket URL and flags describe.
///
/// Its name is made from the verb, the bucket and eight hex digits of the URL's SHA-256, so the
/// same line finds the same state again.
///
/// # Errors
/// Everything that is wrong with the URL, the flags and the variables that are looked at, at once.
pub fn from_url(verb: Verb, url: &str, over: &Overrides, env: Env<'_>) -> Result<Job, Faults> {
    let _ = (verb, url, over, env);
    Err(Faults::new(vec![Fault {
        at: At { place: Place::Url, key: "url".to_owned(), value: None },
        what: "cannot be read yet".to_owned(),
        way_out: None,
    }]))
}

/// The state folder of the job that [`from_url`] would make; for `status URL`, which needs no
/// other flag than `--state-dir`.
///
/// # Errors
/// What is wrong with the URL.
pub fn url_state_dir(verb: Verb, url: &str, state_dir: Option<&str>) -> Result<PathBuf, Faults> {
    from_url(
        verb,
        url,
        &Overrides { state_dir: state_dir.map(str::to_owned), ..Overrides::default() },
        &|_| None,
    )
    .map(|job| job.state_dir)
}
