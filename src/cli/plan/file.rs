//! The plan file: what somebody has looked at and agreed to, and what a run is held to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::told::{Plan, identity};
use crate::cli::exit::{Exit, Failure};
use crate::job::Job;
use crate::model::{Count, hex};
use crate::pipeline::checkpoint::publish_file;

/// What a plan file says it is.
const KIND: &str = "defrost plan";
/// The layout of the file; it grows when a field changes its meaning.
const FORMAT: u32 = 1;
/// Largest plan file, in bytes; 256 classes at three tiers have some 400 KB.
const MAX_PLAN: u64 = 4 << 20;
/// A plan older than this is told: buckets change.
const OLD: Duration = Duration::from_hours(7 * 24);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    kind: String,
    format: u32,
    written_by: String,
    sha256: String,
    plan: Box<RawValue>,
}

/// Writes `plan` to `path`, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn save(plan: &Plan, path: &Path) -> Result<(), Failure> {
    let text = || -> std::io::Result<Vec<u8>> {
        let plan = RawValue::from_string(serde_json::to_string(plan)?)?;
        let sha256 = hex(&Sha256::digest(plan.get().as_bytes()));
        let written_by = concat!("defrost ", env!("CARGO_PKG_VERSION")).to_owned();
        let whole = Envelope { kind: KIND.to_owned(), format: FORMAT, written_by, sha256, plan };
        let mut text = serde_json::to_vec(&whole)?;
        text.push(b'\n');
        Ok(text)
    };
    text().and_then(|text| publish_file(path, &text)).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot write the plan `{}`", path.display()));
        Failure::new(Exit::OwnFiles, error, "name another file with --out, in a folder that is there")
    })
}

/// The plan that the file at `path` holds.
///
/// # Errors
/// If it cannot be read, is damaged, or is no plan file of this version.
fn read(path: &Path) -> Result<Plan, Failure> {
    const WAY: &str = "name a file that `defrost plan --out` wrote, or make a new one";
    let wrong =
        |what: String| Failure::usage(format!("`{}` cannot be used as a plan: {what}", path.display()), WAY);
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PLAN + 1).read_to_end(&mut text))
        .map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > MAX_PLAN {
        return Err(wrong("it is larger than any plan".to_owned()));
    }
    let foreign = || wrong("it is not a plan file of defrost, or is damaged".to_owned());
    let head: serde_json::Value = serde_json::from_slice(&text).map_err(|_| foreign())?;
    if head.get("kind").and_then(serde_json::Value::as_str) != Some(KIND) {
        return Err(foreign());
    }
    let format = head.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        let by = head.get("written_by").and_then(serde_json::Value::as_str).unwrap_or("another program");
        let by: String = by.chars().take(40).filter(|c| !c.is_control()).collect();
        return Err(wrong(format!("it is of another layout than this version reads; {by} wrote it")));
    }
    let envelope: Envelope = serde_json::from_slice(&text).map_err(|_| foreign())?;
    if hex(&Sha256::digest(envelope.plan.get().as_bytes())) != envelope.sha256 {
        return Err(wrong("it was changed after it was written (its checksum does not match)".to_owned()));
    }
    serde_json::from_str(envelope.plan.get()).map_err(|_| foreign())
}

/// Holds `job` to the plan at `path`: no more objects, and no more bytes, than it says of each class. A remark comes
/// back if the plan is old.
///
/// # Errors
/// If the plan cannot be read, or is that of another job; the differences are told.
pub(super) fn hold(job: &mut Job, path: &Path, now: Timestamp) -> Result<Option<String>, Failure> {
    let plan = read(path)?;
    let differences = differences(&plan.identity, &identity(job));
    if !differences.is_empty() {
        return Err(Failure::usage(
            format!("`{}` is the plan of another job:\n{}", path.display(), differences.join("\n")),
            "make a plan of this job with `defrost plan --out`, or run the job that the plan is of",
        ));
    }
    let run = &mut job.budget.run;
    let least = |bound: Option<u64>, most: u64| Some(bound.map_or(most, |bound| bound.min(most)));
    run.objects = least(run.objects, plan.forecast.objects);
    run.bytes = least(run.bytes, plan.forecast.bytes);
    let mut classes: BTreeMap<String, Count> = BTreeMap::new();
    for row in &plan.forecast.rows {
        let of_class = classes.entry(row.class.to_ascii_lowercase()).or_default();
        of_class.merge(Count { objects: row.objects, bytes: row.bytes });
    }
    job.budget.plan = Some(classes);
    let age = now.duration_since(plan.created_at);
    let old = u64::try_from(age.as_secs()).is_ok_and(|seconds| seconds > OLD.as_secs());
    Ok(old.then(|| {
        let days = age.as_hours() / 24;
        format!(
            "the plan `{}` is {days} days old: the bucket and the prices may have changed",
            path.display()
        )
    }))
}

/// What differs between two identities, a line each.
fn differences(plan: &[(String, String)], job: &[(String, String)]) -> Vec<String> {
    let value = |of: &[(String, String)], field: &str| {
        of.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.as_str()).to_owned()
    };
    let mut fields: Vec<&str> = plan.iter().chain(job).map(|(field, _)| field.as_str()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
        .into_iter()
        .filter_map(|field| {
            let (planned, wanted) = (value(plan, field), value(job, field));
            (planned != wanted).then(|| format!("  {field}: planned {planned:?}, now {wanted:?}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Overrides, Prices, Verb, from_url};
    use crate::model::{RequestCounts, Tally};
    use crate::pipeline::Ended;
    use crate::pipeline::account::Fees;

    fn job(verb: Verb, days: &str) -> Job {
        let over = Overrides { days: Some(days.to_owned()), ..Overrides::default() };
        from_url(verb, "oss://bucket/p/", &over, &crate::job::Env::new()).unwrap()
    }

    fn saved(folder: &Path, at: Timestamp) -> std::path::PathBuf {
        let job = job(Verb::Plan, "7");
        let mut ended = Ended {
            verdict: None,
            tally: Tally::default(),
            requests: RequestCounts::default(),
            elapsed: Duration::ZERO,
            fees: Fees::default(),
            report: None,
            summary: None,
            over_budget_alone: 0,
            spending: None,
            why: None,
        };
        let mut bill = crate::model::Bill::default();
        bill.restores.taken = 1;
        ended.tally.account.add("Archive", 1000, &bill);
        let path = folder.join("p.json");
        save(&super::super::told::plan(&job, &ended, &Prices::default(), at), &path).unwrap();
        path
    }

    #[test]
    fn a_run_is_held_to_its_plan_and_keeps_smaller_bounds_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let path = saved(folder.path(), at);
        let mut run = job(Verb::Restore, "7");
        assert_eq!(hold(&mut run, &path, at).unwrap(), None);
        assert_eq!((run.budget.run.objects, run.budget.run.bytes), (Some(1), Some(1000)));
        assert_eq!(run.budget.plan.as_ref().unwrap()["archive"], Count { objects: 1, bytes: 1000 });
        run.budget.run.bytes = Some(10);
        hold(&mut run, &path, at).unwrap();
        assert_eq!((run.budget.run.objects, run.budget.run.bytes), (Some(1), Some(10)));
    }

    #[test]
    fn an_old_plan_is_told_and_one_of_another_job_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let path = saved(folder.path(), at);
        let later = at + jiff::SignedDuration::from_hours(8 * 24);
        let remark = hold(&mut job(Verb::Restore, "7"), &path, later).unwrap().unwrap();
        assert!(remark.contains("8 days old"), "{remark}");
        let failure = hold(&mut job(Verb::Restore, "8"), &path, at).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.error.to_string().contains("days: planned \"7\", now \"8\""), "{:?}", failure.error);
    }
}
