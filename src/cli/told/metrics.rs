//! The end of a run as a textfile for Prometheus.
//!
//! The collector of node_exporter reads such files, and Prometheus scrapes them: text format 0.0.4, no
//! times. Names and units follow its conventions: base units, and gauges, since a run that has ended counts
//! nothing on. Source: Prometheus "Exposition formats" and "Metric and label naming" pages, read 2026-11.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::ending::{Ending, Figures};
use crate::job::Bounds;
use crate::model::{Action, Spent, State};

/// The hour of the last success, which outlives the runs after it.
const LAST_SUCCESS: &str = "defrost_last_success_timestamp_seconds";

/// The text being written.
struct Page {
    text: String,
    job: String,
}

impl Page {
    /// A metric with its samples, each with labels besides `job`; nothing without samples.
    fn gauge<'l>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let mut sample = format!("{name}{{job=\"{}\"", self.job);
            for (label, text) in labels {
                let _ = write!(sample, ",{label}=\"{}\"", escaped(text));
            }
            let _ = writeln!(self.text, "{sample}}} {value}");
        }
    }

    /// One without labels of its own.
    fn single(&mut self, name: &str, help: &str, value: f64) {
        self.gauge(name, help, [(Vec::new(), value)]);
    }
}

/// A label's value between its quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The file of `ending`; `before` is when the job last succeeded before it.
pub(super) fn text(ending: &Ending, before: Option<f64>) -> String {
    let mut page = Page { text: String::new(), job: escaped(&ending.job) };
    let info = vec![
        ("verb", ending.verb),
        ("target", ending.target.as_str()),
        ("reason", ending.reason.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    page.gauge("defrost_last_run_info", "What was run, and how it ended in one word.", [(info, 1.0)]);
    page.single(
        "defrost_last_run_start_timestamp_seconds",
        "When the last session began.",
        seconds(ending.began),
    );
    page.single("defrost_last_run_timestamp_seconds", "When it ended.", seconds(ending.at));
    let success = ending.exit_code == 0;
    page.single("defrost_last_run_success", "Whether its exit code was 0.", f64::from(u8::from(success)));
    page.single(
        "defrost_last_run_exit_code",
        "Its exit code, see defrost --help.",
        f64::from(ending.exit_code),
    );
    page.single(
        "defrost_last_run_complete",
        "Whether it has worked through its listing; if not, the same line goes on.",
        f64::from(u8::from(ending.complete)),
    );
    if let Some(at) = if success { Some(seconds(ending.at)) } else { before } {
        page.single(LAST_SUCCESS, "When a run of the job last ended with exit code 0.", at);
    }
    if let Some(figures) = &ending.figures {
        counts(&mut page, figures);
        requests(&mut page, figures);
        fees(&mut page, figures);
        spent(&mut page, figures);
    }
    bounds(&mut page, ending);
    page.text
}

fn counts(page: &mut Page, figures: &Figures) {
    let tally = &figures.tally;
    page.single(
        "defrost_last_run_duration_seconds",
        "Time spent working, over all sessions of the run.",
        figures.elapsed.as_secs_f64(),
    );
    page.single("defrost_last_run_listed_objects", "Entries of the listing.", tally.listed as f64);
    let states = || {
        tally.classes.iter().flat_map(|(class, states)| {
            states.iter().map(move |(state, count)| {
                (vec![("storage_class", class.as_str()), ("state", state.as_str())], count)
            })
        })
    };
    let objects = states().map(|(labels, count)| (labels, count.objects as f64));
    page.gauge("defrost_last_run_objects", "Objects by storage class and by state after the run.", objects);
    let bytes = states().map(|(labels, count)| (labels, count.bytes as f64));
    page.gauge("defrost_last_run_size_bytes", "Their sizes.", bytes);
    // Every action, so that a rule need not ask whether there is such a line.
    let actions =
        || Action::ALL.iter().map(|action| (vec![("action", action.as_str())], tally.action(*action)));
    let objects = actions().map(|(labels, count)| (labels, count.objects as f64));
    page.gauge("defrost_last_run_action_objects", "Objects by what the run did to them.", objects);
    let bytes = actions().map(|(labels, count)| (labels, count.bytes as f64));
    page.gauge("defrost_last_run_action_size_bytes", "Their sizes.", bytes);
    let codes =
        tally.errors.iter().map(|(code, count)| (vec![("code", code.as_str())], count.objects as f64));
    page.gauge("defrost_last_run_failed_objects", "Objects that failed, by the store's error code.", codes);
    let flags = tally.flags.iter().map(|(flag, count)| (vec![("flag", flag.as_str())], count.objects as f64));
    page.gauge("defrost_last_run_flagged_objects", "Objects that deserve a second look.", flags);
    let open = tally.state(State::Restoring);
    page.single(
        "defrost_last_run_restoring_objects",
        "Objects whose restore is running.",
        open.objects as f64,
    );
}

fn requests(page: &mut Page, figures: &Figures) {
    let requests = figures.requests;
    let kinds = [("list", requests.list), ("head", requests.head), ("restore", requests.restore)];
    let samples = kinds.map(|(kind, n)| (vec![("kind", kind)], n as f64));
    page.gauge("defrost_last_run_requests", "Requests by kind, every attempt counted.", samples);
    page.single("defrost_last_run_retries", "Attempts beyond the first.", requests.retries as f64);
    page.single(
        "defrost_last_run_throttled_requests",
        "Answers that asked to slow down.",
        requests.throttled as f64,
    );
    page.single(
        "defrost_last_run_slow_downs",
        "How often a rate was brought down for that.",
        requests.slow_downs as f64,
    );
}

fn fees(page: &mut Page, figures: &Figures) {
    let Some(fees) = &figures.fees else { return };
    let sums = fees
        .sums
        .iter()
        .filter_map(|sum| Some((vec![("currency", sum.currency.as_str())], sum.amount.parse().ok()?)));
    page.gauge(
        "defrost_last_run_fees",
        "What its requests cost by the price table, in units of the currency; in a plan, what a run would cost.",
        sums,
    );
    page.single(
        "defrost_last_run_fees_complete",
        "Whether the price table knows all of that; if not, the fees are too low.",
        f64::from(u8::from(fees.complete)),
    );
}

fn spent(page: &mut Page, figures: &Figures) {
    let Some(spending) = &figures.spending else { return };
    let mut scopes: Vec<(&str, &Spent)> = vec![("run", &spending.run)];
    scopes.extend(spending.day.as_ref().map(|(_, spent)| ("day", spent)));
    let objects = scopes.iter().map(|(scope, spent)| (vec![("scope", *scope)], spent.objects as f64));
    page.gauge("defrost_budget_spent_objects", "Objects asked for, of the budgets of run and day.", objects);
    let bytes = scopes.iter().map(|(scope, spent)| (vec![("scope", *scope)], spent.bytes as f64));
    page.gauge("defrost_budget_spent_bytes", "Bytes asked for, of the budgets of run and day.", bytes);
    let costs = scopes.iter().filter_map(|(scope, spent)| {
        // An amount is told with its currency behind it.
        let (amount, currency) = spent.cost.as_deref()?.split_once(' ')?;
        Some((vec![("scope", *scope), ("currency", currency)], amount.parse().ok()?))
    });
    page.gauge("defrost_budget_spent_fees", "Money spent, of the budgets of run and day.", costs);
}

fn bounds(page: &mut Page, ending: &Ending) {
    let scopes: [(&str, &Bounds); 2] = [("run", &ending.budget.run), ("day", &ending.budget.day)];
    let objects =
        scopes.iter().filter_map(|(scope, bounds)| Some((vec![("scope", *scope)], bounds.objects? as f64)));
    page.gauge("defrost_budget_limit_objects", "Objects that run and day may ask for.", objects);
    let bytes =
        scopes.iter().filter_map(|(scope, bounds)| Some((vec![("scope", *scope)], bounds.bytes? as f64)));
    page.gauge("defrost_budget_limit_bytes", "Bytes that run and day may ask for.", bytes);
    let costs = scopes.iter().filter_map(|(scope, bounds)| {
        let cost = bounds.cost.as_ref()?;
        Some((vec![("scope", *scope), ("currency", cost.currency.as_str())], cost.micros as f64 / 1e6))
    });
    page.gauge("defrost_budget_limit_fees", "Money that run and day may spend.", costs);
}

/// When `job` last succeeded, by an earlier file of its own.
pub(super) fn last_success(text: &str, job: &str) -> Option<f64> {
    let head = format!("{LAST_SUCCESS}{{job=\"{}\"}} ", escaped(job));
    text.lines().find_map(|line| line.strip_prefix(&head)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::Budget;
    use crate::model::{Count, ErrorCount, RequestCounts, Spending, Tally};
    use crate::pipeline::account::FeesTold;

    fn ending() -> Ending {
        let mut tally = Tally { listed: 12, ..Tally::default() };
        tally
            .classes
            .entry("GLACIER".to_owned())
            .or_default()
            .insert(State::Restoring, Count { objects: 5, bytes: 50 });
        tally.actions.insert(Action::Failed, Count { objects: 2, bytes: 20 });
        tally.errors.insert("Odd\"Code\\\n".to_owned(), ErrorCount { objects: 2, ..ErrorCount::default() });
        let run = Spent { objects: 5, bytes: 50, cost: Some("1.50 USD".to_owned()) };
        Ending {
            job: "night.1".to_owned(),
            verb: "restore",
            target: "s3://b/p/".to_owned(),
            began: "2026-11-21T01:00:00Z".parse().unwrap(),
            at: "2026-11-21T01:00:02.5Z".parse().unwrap(),
            exit_code: 1,
            reason: "some_failed".to_owned(),
            error: None,
            complete: true,
            figures: Some(Figures {
                tally,
                requests: RequestCounts { list: 3, restore: 7, retries: 1, ..RequestCounts::default() },
                elapsed: Duration::from_millis(2250),
                fees: Some(FeesTold::default()),
                spending: Some(Spending { run, day: None }),
            }),
            budget: Budget { run: Bounds { objects: Some(9), ..Bounds::default() }, ..Budget::default() },
            report: None,
            summary: None,
            way_on: None,
        }
    }

    fn value(text: &str, sample: &str) -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
    }

    #[test]
    fn every_sample_has_its_help_type_and_job() {
        let text = text(&ending(), Some(77.0));
        let mut last = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.split(' ');
                let (kind, name) = (words.next().unwrap(), words.next().unwrap());
                assert!(["HELP", "TYPE"].contains(&kind), "{line}");
                if kind == "HELP" {
                    assert!(
                        rest.ends_with('.') && !text.contains(&format!("# HELP {name} {name}")),
                        "{line}"
                    );
                } else {
                    assert!(line.ends_with(" gauge") && !name.ends_with("_total"), "{line}");
                    assert_eq!(text.matches(&format!("# TYPE {name} ")).count(), 1, "{name} twice");
                }
                name.clone_into(&mut last);
            } else {
                assert!(
                    line.starts_with(&format!("{last}{{job=\"night.1\"")),
                    "{line} is not below its head"
                );
            }
        }
        for (sample, wanted) in [
            ("defrost_last_run_timestamp_seconds{job=\"night.1\"}", 1_795_222_802.5),
            ("defrost_last_run_success{job=\"night.1\"}", 0.0),
            ("defrost_last_run_exit_code{job=\"night.1\"}", 1.0),
            ("defrost_last_success_timestamp_seconds{job=\"night.1\"}", 77.0),
            ("defrost_last_run_duration_seconds{job=\"night.1\"}", 2.25),
            ("defrost_last_run_objects{job=\"night.1\",storage_class=\"GLACIER\",state=\"restoring\"}", 5.0),
            (
                "defrost_last_run_size_bytes{job=\"night.1\",storage_class=\"GLACIER\",state=\"restoring\"}",
                50.0,
            ),
            ("defrost_last_run_action_objects{job=\"night.1\",action=\"failed\"}", 2.0),
            ("defrost_last_run_action_objects{job=\"night.1\",action=\"requested\"}", 0.0),
            (r#"defrost_last_run_failed_objects{job="night.1",code="Odd\"Code\\\n"}"#, 2.0),
            ("defrost_last_run_requests{job=\"night.1\",kind=\"restore\"}", 7.0),
            ("defrost_budget_spent_fees{job=\"night.1\",scope=\"run\",currency=\"USD\"}", 1.5),
            ("defrost_budget_limit_objects{job=\"night.1\",scope=\"run\"}", 9.0),
        ] {
            assert_eq!(value(&text, sample), Some(wanted), "{sample}\n{text}");
        }
    }

    #[test]
    fn the_last_success_outlives_the_failures_after_it() {
        let good = Ending { exit_code: 0, ..ending() };
        let first = text(&good, None);
        let at = last_success(&first, "night.1").unwrap();
        assert!((at - 1_795_222_802.5).abs() < 1e-3);
        // Of another job, the file tells nothing.
        assert_eq!(last_success(&first, "night"), None);
        let second = text(&ending(), Some(at));
        assert_eq!(last_success(&second, "night.1"), Some(at));
        assert_eq!(last_success(&text(&ending(), None), "night.1"), None, "there was none");
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        let text = text(&Ending { figures: None, budget: Budget::default(), ..ending() }, None);
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 6, "{text}");
    }
}
