//! The same job once more, for what failed.

use std::path::PathBuf;

use super::spec::{Job, KeyList, Versions};

impl Job {
    /// The state folder of this job's retries.
    #[must_use]
    pub fn retry_state_dir(&self) -> PathBuf {
        self.state_dir.with_file_name(format!("{}-retry", self.name))
    }

    /// The state folder of the job that this one is a retry of; `None` if it is no retry.
    #[must_use]
    pub fn retried_state_dir(&self) -> Option<PathBuf> {
        let Some(KeyList::Csv { failed: true, .. }) = self.source.key_list else { return None };
        Some(self.state_dir.with_file_name(self.name.strip_suffix("-retry")?))
    }

    /// The job that looks again at the objects whose rows in `report` say `failed`, and does with them what
    /// this job would. It has `-retry` behind its name, so that it meets neither state nor report of this
    /// job; a report whose path does not hold `{job}` gets another name as well, unless `named` says that
    /// the path was chosen for this very run.
    #[must_use]
    pub fn retry(mut self, report: PathBuf, named: bool) -> Self {
        self.state_dir = self.retry_state_dir();
        self.name.push_str("-retry");
        if !named {
            self.report = self.report.beside("retry");
            // A second retry asks for less than the first, whose report is the only record of what it asked for.
            self.report.keep = true;
        }
        self.metrics = self.metrics.map(|metrics| metrics.beside("retry"));
        // The rows name versions themselves, and were within these bounds.
        self.source.versions = Versions::Current;
        (self.source.start_after, self.source.end_with) = (None, None);
        self.source.key_list = Some(KeyList::Csv { file: Some(report), failed: true });
        self
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::job::{Overrides, from_file, is_of_retry};

    #[test]
    fn a_retry_never_meets_the_run_that_it_repeats() {
        for (path, kept) in [("out/x.csv", "out/x.retry.csv"), ("{job}.csv", "{job}.csv")] {
            let text = format!(
                "[[source]]\nurl = \"s3://b/p/\"\nversions = \"all\"\nstart_after = \"p/a\"\n[restore]\ndays = 1\n\
                 [report]\npath = \"{path}\"\n"
            );
            let job =
                from_file(Path::new("jobs/n.toml"), &text, &Overrides::default(), &crate::job::Env::new())
                    .unwrap();
            let retry = job.clone().retry("last.csv".into(), false);
            assert_eq!((retry.name.as_str(), retry.report.path.as_deref()), ("n-retry", Some(kept)));
            assert_eq!(retry.state_dir, Path::new("jobs/.defrost/n-retry"));
            assert_eq!(retry.shared_dir, job.shared_dir);
            assert_eq!(
                (retry.retried_state_dir(), job.retried_state_dir()),
                (Some(job.state_dir.clone()), None)
            );
            assert!(is_of_retry(&retry.identity()) && !is_of_retry(&job.identity()));
            assert_eq!((retry.source.versions, &retry.source.start_after), (Versions::Current, &None));
            assert_eq!(job.clone().retry("last.csv".into(), true).report, job.report);
        }
    }
}
