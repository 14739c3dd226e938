//! The end of a run as JSON: for a web server, and for a command's standard input.
//!
//! The envelope (`type`, `timestamp`, `data`) is that of Standard Webhooks 1.0.0; `text` is the one line that
//! chat servers show. Fields may be added, never taken away.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::ending::{Ending, Figures};
use crate::model::{Action, Count, ErrorCount, Flag, Reason, RequestCounts, Spending, State};
use crate::pipeline::account::FeesTold;
use crate::ui;

/// Failures by code that are told; a message should stay small.
const MOST_CODES: usize = 20;

#[derive(Serialize)]
struct Message<'m> {
    r#type: &'static str,
    timestamp: Timestamp,
    text: String,
    data: Data<'m>,
}

#[derive(Serialize)]
struct Data<'m> {
    job: &'m str,
    verb: &'static str,
    target: &'m str,
    exit_code: u8,
    exit_reason: &'m str,
    complete: bool,
    error: Option<&'m str>,
    hint: Option<&'m str>,
    began_at: Timestamp,
    ended_at: Timestamp,
    report: Option<&'m PathBuf>,
    summary: Option<&'m PathBuf>,
    way_on: Option<&'m str>,
    counts: Option<Counts<'m>>,
}

#[derive(Serialize)]
struct Counts<'m> {
    elapsed_seconds: f64,
    listed: u64,
    matched: Count,
    classes: &'m BTreeMap<String, BTreeMap<State, Count>>,
    actions: &'m BTreeMap<Action, Count>,
    reasons: &'m BTreeMap<Reason, u64>,
    flags: &'m BTreeMap<Flag, Count>,
    errors: BTreeMap<&'m str, &'m ErrorCount>,
    requests: RequestCounts,
    fees: Option<Fees<'m>>,
    spending: Option<&'m Spending>,
}

#[derive(Serialize)]
struct Fees<'m> {
    complete: bool,
    sums: BTreeMap<&'m str, &'m str>,
    unknown: &'m [String],
}

/// What is sent of `ending`.
pub(super) fn body(ending: &Ending) -> Vec<u8> {
    let message = Message {
        r#type: "run.finished",
        timestamp: ending.at,
        text: text(ending),
        data: Data {
            job: &ending.job,
            verb: ending.verb,
            target: &ending.target,
            exit_code: ending.exit_code,
            exit_reason: &ending.reason,
            complete: ending.complete,
            error: ending.error.as_ref().map(|(error, _)| error.as_str()),
            hint: ending.error.as_ref().and_then(|(_, hint)| hint.as_deref()),
            began_at: ending.began,
            ended_at: ending.at,
            report: ending.report.as_ref(),
            summary: ending.summary.as_ref(),
            way_on: ending.way_on.as_deref(),
            counts: ending.figures.as_ref().map(counts),
        },
    };
    // Only a path that is not UTF-8 cannot be written; the line of text says what there is to say.
    serde_json::to_vec(&message).unwrap_or_else(|_| {
        serde_json::json!({ "type": "run.finished", "text": message.text }).to_string().into()
    })
}

fn counts(figures: &Figures) -> Counts<'_> {
    let Figures { tally, requests, elapsed, fees, spending } = figures;
    let mut errors: Vec<(&str, &ErrorCount)> =
        tally.errors.iter().map(|(code, count)| (code.as_str(), count)).collect();
    errors.sort_by(|(a, x), (b, y)| y.objects.cmp(&x.objects).then_with(|| a.cmp(b)));
    Counts {
        elapsed_seconds: elapsed.as_secs_f64(),
        listed: tally.listed,
        matched: tally.matched,
        classes: &tally.classes,
        actions: &tally.actions,
        reasons: &tally.reasons,
        flags: &tally.flags,
        errors: errors.into_iter().take(MOST_CODES).collect(),
        requests: *requests,
        fees: fees.as_ref().map(told),
        spending: spending.as_ref(),
    }
}

fn told(fees: &FeesTold) -> Fees<'_> {
    let sums = fees.sums.iter().map(|sum| (sum.currency.as_str(), sum.amount.as_str()));
    Fees { complete: fees.complete, sums: sums.collect(), unknown: &fees.unknown }
}

/// The end of a run in one line.
fn text(ending: &Ending) -> String {
    let Ending { job, verb, target, reason, exit_code, .. } = ending;
    let mut parts = vec![format!("{job}: {verb} of {target} ended with exit code {exit_code} ({reason})")];
    if let Some(figures) = &ending.figures {
        let matched = figures.tally.matched;
        let mut counted = vec![ui::human_objects(matched.objects), ui::human_bytes(matched.bytes)];
        let actions = figures.tally.actions.iter().filter(|(action, _)| **action != Action::None);
        counted.extend(actions.map(|(action, count)| format!("{} {action}", ui::human_count(count.objects))));
        parts.push(counted.join(", "));
    }
    parts.extend(ending.error.as_ref().map(|(error, _)| error.clone()));
    parts.extend(ending.report.as_ref().map(|report| format!("report {}", report.display())));
    parts.join("; ")
}
