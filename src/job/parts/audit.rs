//! What only a restore can mean, said of an audit.

use super::super::fault::Problem;
use super::super::flags::Overrides;
use super::super::layers::{Layers, typed};
use super::super::read::Value;

/// Keys that say what a restore asks for, spends, or waits for.
const CAMPAIGN_KEYS: [&str; 18] = [
    "job.prices",
    "limits.run_objects",
    "limits.run_bytes",
    "limits.run_cost",
    "limits.daily_objects",
    "limits.daily_bytes",
    "limits.daily_cost",
    "limits.window",
    "limits.outside_window",
    "safety.max_failures",
    "safety.max_same_refusals",
    "safety.confirm_over",
    "wait.until",
    "wait.poll",
    "wait.timeout",
    "wait.ready_file",
    "wait.on_ready",
    "wait.batch",
];

/// Notes everything that an audit was told of a restore, on the line or in its file. Variables are
/// meant for all jobs and are let be.
pub(in super::super) fn no_campaign(layers: &mut Layers<'_>, over: &Overrides) {
    let problem = || {
        Problem::new(
            "has no meaning in an audit, which restores nothing",
            "leave it out, or add a `[restore]` table to the job file",
        )
    };
    for (key, value) in flags(over) {
        layers.fault(problem(), typed(key, value).at);
    }
    for key in CAMPAIGN_KEYS {
        if let Some(at) = layers.in_file(key) {
            layers.fault(problem(), at);
        }
    }
}

/// The flags of a restore that were typed, by key.
fn flags(over: &Overrides) -> Vec<(&'static str, Value)> {
    let text = [
        ("restore.days", &over.days),
        ("restore.tier", &over.tier),
        ("restore.fit", &over.fit),
        ("restore.extend_when_left", &over.extend_when_left),
        ("job.prices", &over.prices),
        ("limits.run_objects", &over.run_objects),
        ("limits.run_bytes", &over.run_bytes),
        ("limits.run_cost", &over.run_cost),
        ("limits.daily_objects", &over.daily_objects),
        ("limits.daily_bytes", &over.daily_bytes),
        ("limits.daily_cost", &over.daily_cost),
        ("limits.window", &over.window),
        ("limits.outside_window", &over.outside_window),
        ("safety.max_failures", &over.max_failures),
        ("safety.max_same_refusals", &over.max_same_refusals),
        ("safety.confirm_over", &over.confirm_over),
        ("wait.until", &over.until),
        ("wait.poll", &over.poll),
        ("wait.timeout", &over.wait_timeout),
        ("wait.ready_file", &over.ready_file),
        ("wait.batch", &over.batch),
    ]
    .into_iter()
    .filter_map(|(key, text)| Some((key, Value::Typed(text.clone()?))));
    let switches =
        [("restore.raise_tier", over.raise_tier), ("restore.expedited_fallback", over.expedited_fallback)]
            .into_iter()
            .filter_map(|(key, on)| Some((key, Value::Switch(on?))));
    let command = over.on_ready.first().map(|word| ("wait.on_ready", Value::Typed(word.clone())));
    text.chain(switches).chain(command).collect()
}
