//! Flags over environment over file over defaults → [`Job`].

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::fault::{At, Fault, Faults, Place, Problem, shown};
use super::file::Document;
use super::flags::Overrides;
use super::layers::{Layers, typed};
use super::parts;
use super::read::{self, Value, Written};
use super::spec::{Job, MetricsSpec, Safety, SecretPlace, SimulatorSpec, Verb, WaitSpec};
use super::url::BucketUrl;
use super::variables::Env;

/// Where state lies unless told otherwise: beside the job file, or in the working folder.
const STATE_DIR: &str = ".defrost";
/// Where the report goes unless told otherwise.
const REPORT: &str = "{job}-{date}-{time}.csv";
/// Longest name of a job, in characters: it names folders and files.
const MAX_NAME: usize = 64;
/// Characters of the bucket that the name of a job made from a URL shows.
const MAX_BUCKET_IN_NAME: usize = 40;

/// The job that the file at `path`, holding `text`, describes, which has a single source.
///
/// A file with a `[restore]` table is a restore (a plan under `over.dry_run`), one without is a
/// scan. Relative paths in the file start at the file's folder, those of flags and of the
/// environment at the working folder. The name is `job.name`, else the file's name without
/// `.toml`; a plan's has `-plan` behind it, so that a dry run never meets the state or the report
/// of the real one. Reads nothing but its arguments.
///
/// # Errors
/// Everything that is wrong with the file, the flags and the variables that are looked at, at
/// once. Behind a syntax error only flags, variables and further syntax errors are looked at. Several
/// sources are a fault here: see [`all_from_file`].
pub fn from_file(path: &Path, text: &str, over: &Overrides, env: &Env) -> Result<Job, Faults> {
    let document = Document::read(path, text);
    if let Some(second) = document.sources.get(1) {
        let problem = Problem::new(
            "is the second source, and one is wanted here",
            "leave one of them in the file, or name a file with one source",
        );
        return Err(Faults::new(vec![problem.at(second.at.clone())]));
    }
    of_source(path, &document, 0, over, env)
}

/// The jobs that the file at `path`, holding `text`, describes: one for each source, in order.
///
/// As in [`from_file`]; where there are several, the name of each has a point behind it and the
/// `name` of its source, else the source's number from 1. The runs of all of them share what
/// [`Job::shared_dir`] holds.
///
/// # Errors
/// As in [`from_file`], and if two of the jobs would write to the same place.
pub fn all_from_file(path: &Path, text: &str, over: &Overrides, env: &Env) -> Result<Vec<Job>, Faults> {
    let document = Document::read(path, text);
    let (mut jobs, mut faults): (Vec<Job>, Vec<Fault>) = (Vec::new(), Vec::new());
    for index in 0..document.sources.len().max(1) {
        match of_source(path, &document, index, over, env) {
            Ok(job) => jobs.push(job),
            Err(found) => faults.extend(found.as_slice().iter().cloned()),
        }
    }
    if !faults.is_empty() {
        return Err(Faults::new(faults));
    }
    for (later, job) in jobs.iter().enumerate() {
        if jobs[..later].iter().any(|earlier| earlier.name == job.name) {
            let at = document.sources.get(later).and_then(|source| source.values.get("source.name"));
            let at = at
                .map(|written| written.at.clone())
                .or_else(|| document.sources.get(later).map(|s| s.at.clone()));
            let problem = Problem::new(
                "has the name of another source, and would share its checkpoint",
                "give each source its own `name`",
            );
            faults.extend(at.map(|at| problem.at(at)));
        }
    }
    if faults.is_empty() { Ok(jobs) } else { Err(Faults::new(faults)) }
}

fn of_source(
    path: &Path,
    document: &Document,
    index: usize,
    over: &Overrides,
    env: &Env,
) -> Result<Job, Faults> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let several = document.sources.len() > 1;
    let document = document.of_source(index);
    let head = At {
        place: Place::File { path: path.to_owned(), line: 1, column: 1 },
        key: String::new(),
        value: None,
    };
    let url = document.values.get("source.url").cloned();
    let verb = match (document.tables.contains_key("restore"), over.dry_run) {
        (true, true) => Verb::Plan,
        (true, false) => Verb::Restore,
        (false, _) => Verb::Scan,
    };
    let mut layers = Layers::new(env, Some(document));

    if url.is_none() {
        let at = layers.table("source").unwrap_or_else(|| head.clone());
        let at = At { key: "source.url".to_owned(), ..at };
        layers.missing(
            Problem::new("is missing", "say where the objects are: `url = \"oss://bucket/prefix\"`"),
            at,
        );
    }
    let own_name = layers.value("job.name", None, name).or_else(|| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match name(&Value::Text(stem)) {
            Ok(stem) => Some(stem),
            // A name that is written and wrong has been told already.
            Err(_) if layers.document.as_ref().is_some_and(|d| d.values.contains_key("job.name")) => None,
            Err(_) => {
                let at = layers.table("job").unwrap_or(head);
                layers.missing(
                    Problem::new("is missing, and the file's name cannot stand for it", NAME_FORM),
                    At { key: "job.name".to_owned(), ..at },
                );
                None
            }
        }
    });
    let source_name = layers.pick("source.name", None, name);
    let source = SourceName {
        text: source_name.as_ref().map_or_else(|| (index + 1).to_string(), |name| name.value.clone()),
        several,
    };
    if several {
        let whole = own_name.as_ref().map_or(0, String::len) + 1 + source.text.len();
        if whole > MAX_NAME
            && let Some(at) = source_name.map(|name| name.at).or_else(|| layers.table("source"))
        {
            let problem = Problem::new(
                format!("makes the name of its run longer than {MAX_NAME} characters"),
                "give the job or the source a shorter `name`",
            );
            layers.fault(problem, at);
        }
        for (key, flag) in [("source.key_list", &over.files_from), ("source.from_csv", &over.from_csv)] {
            if let Some(flag) = flag {
                let problem = Problem::new(
                    "names objects of one bucket, and the file has several sources",
                    "write it into the `[[source]]` that is meant",
                );
                layers.fault(problem, typed(key, Value::Typed(flag.clone())).at);
            }
        }
    }
    let parts = Parts { verb, folder: &folder, url, source };
    let job = parts.assemble(&mut layers, over, |_| own_name);
    layers.finish(job)
}

/// What tells a source from the others of its file.
struct SourceName {
    /// Its name, else its number.
    text: String,
    /// Whether there are others.
    several: bool,
}

/// The job that a bucket URL and flags describe.
///
/// Its name is made from the verb, the bucket and eight hex digits of the URL's SHA-256, so the
/// same line finds the same state again. Under `over.dry_run` a restore becomes a plan.
///
/// # Errors
/// Everything that is wrong with the URL, the flags and the variables that are looked at, at once.
pub fn from_url(verb: Verb, url: &str, over: &Overrides, env: &Env) -> Result<Job, Faults> {
    let verb = if over.dry_run && verb == Verb::Restore { Verb::Plan } else { verb };
    let mut layers = Layers::new(env, None);
    let source = SourceName { text: "1".to_owned(), several: false };
    let parts = Parts { verb, folder: Path::new(""), url: Some(from_line(url)), source };
    let job = parts.assemble(&mut layers, over, |source| Some(url_name(verb, source?)));
    layers.finish(job)
}

/// The state folder of the job that [`from_url`] would make; for `status URL`, which needs no
/// other flag than `--state-dir`.
///
/// # Errors
/// What is wrong with the URL or with the state folder.
pub fn url_state_dir(verb: Verb, url: &str, state_dir: Option<&str>, env: &Env) -> Result<PathBuf, Faults> {
    let mut layers = Layers::new(env, None);
    let written = from_line(url);
    let base = parts::state_dir(&mut layers, state_dir, Path::new(""), STATE_DIR);
    let dir = match BucketUrl::parse(url) {
        Ok(at) => Some(base.join(url_name(verb, &at))),
        Err(problem) => {
            layers.fault(problem, written.at);
            None
        }
    };
    layers.slips(None);
    layers.finish(dir)
}

fn from_line(url: &str) -> Written {
    let at = At { place: Place::Url, key: "source.url".to_owned(), value: Some(shown(url)) };
    Written { at, value: Value::Typed(url.to_owned()) }
}

fn url_name(verb: Verb, at: &BucketUrl) -> String {
    let bucket: String = at.bucket.chars().take(MAX_BUCKET_IN_NAME).collect();
    let digest = Sha256::digest(format!("{}://{}/{}", at.provider, at.bucket, at.prefix));
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    format!("{}-{bucket}-{a:02x}{b:02x}{c:02x}{d:02x}", verb.as_str())
}

const NAME_FORM: &str =
    "set `name` in `[job]`: a letter or digit first, then letters, digits, `-`, `_` or `.`, at most 64";

/// A job's name, which names files and folders.
fn name(value: &Value) -> Result<String, Problem> {
    let text = read::text(value)?;
    let sound = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && text.len() <= MAX_NAME;
    if sound { Ok(text) } else { Err(Problem::new("cannot name files and folders", NAME_FORM)) }
}

/// What differs between a job from a file and one from a URL.
struct Parts<'p> {
    verb: Verb,
    folder: &'p Path,
    url: Option<Written>,
    source: SourceName,
}

impl Parts<'_> {
    fn assemble(
        self,
        layers: &mut Layers<'_>,
        over: &Overrides,
        own_name: impl FnOnce(Option<&BucketUrl>) -> Option<String>,
    ) -> Option<Job> {
        let Self { verb, folder, url, source: which } = self;
        let url = url.and_then(|written| match parts::bucket_url(&written.value) {
            Ok(url) => Some(url),
            Err(problem) => {
                layers.fault(problem, written.at);
                None
            }
        });
        let simulated = layers.table("simulator").is_some();
        let source = parts::source(layers, over, url.clone(), simulated, folder);
        let named = source.as_ref().is_some_and(|source| source.key_list.is_some());
        let filter = parts::filter(layers, over, named);
        let wish = parts::wish(layers, over, verb);
        let limits = parts::limits(layers, over, url.as_ref().map(|url| url.provider));
        if verb == Verb::Scan {
            parts::no_campaign(layers, over);
        }
        let parts::Campaign { zone, prices, budget, window, stop_after } =
            parts::campaign(layers, over, folder, verb);
        let (safety, wait) = if verb == Verb::Scan {
            (Safety::default(), WaitSpec::default())
        } else {
            (parts::safety(layers, over), parts::wait(layers, over, folder))
        };
        let mut report = parts::report(layers, over, folder, REPORT);
        if which.several
            && report
                .value
                .path
                .as_ref()
                .is_none_or(|path| !["{job}", "{source}"].iter().any(|p| path.contains(p)))
            && let Some(at) = report.at.clone()
        {
            let problem = Problem::new(
                "would be the report of several sources",
                "put `{source}` or `{job}` into it, such as `{source}.csv`: each source has a report of its own",
            );
            layers.fault(problem, at);
        }
        report.value.path = report.value.path.map(|path| path.replace("{source}", &which.text));
        let metrics = parts::metrics(layers, over, folder).map(|(metrics, at)| {
            if which.several && !["{job}", "{source}"].iter().any(|p| metrics.path.contains(p)) {
                let problem = Problem::new(
                    "would hold the figures of several sources",
                    "put `{source}` or `{job}` into it, such as `{job}.prom`: each source has figures of its own",
                );
                layers.fault(problem, at.clone());
            }
            let by_flag = matches!(at.place, Place::Flag(_));
            (MetricsSpec { path: metrics.path.replace("{source}", &which.text), ..metrics }, by_flag)
        });
        let notify = parts::notify(layers, over, folder);
        let secret = notify.webhook.as_ref().and_then(|webhook| webhook.secret.as_ref());
        layers.slips(match secret {
            Some(SecretPlace::Variable(name)) => Some(name),
            Some(SecretPlace::File(_)) | None => None,
        });
        let base = parts::state_dir(layers, over.state_dir.as_deref(), folder, STATE_DIR);
        let simulator = simulated.then(|| parts::simulator(layers, folder));

        let whole_name = own_name(url.as_ref())?;
        let shared_dir = base.join(&whole_name);
        let own_name = if which.several { format!("{whole_name}.{}", which.text) } else { whole_name };
        let dry_file = verb == Verb::Plan && layers.document.is_some();
        let name = if dry_file { format!("{own_name}-plan") } else { own_name.clone() };
        // Only a report that was named on this very line is taken as it is.
        let by_flag = report.at.is_some_and(|at| matches!(at.place, Place::Flag(_)));
        Some(Job {
            verb,
            source: source?,
            filter,
            wish,
            limits,
            budget,
            window,
            stop_after,
            zone,
            safety,
            wait,
            prices,
            metrics: metrics.map(
                |(metrics, by_flag)| {
                    if dry_file && !by_flag { metrics.beside("plan") } else { metrics }
                },
            ),
            notify,
            report: if dry_file && !by_flag { report.value.beside("plan") } else { report.value },
            state_dir: base.join(&name),
            simulator: simulator.map(|s| SimulatorSpec { state_dir: shared_dir.clone(), ..s }),
            shared_dir,
            name,
        })
    }
}

#[cfg(test)]
mod tests;
