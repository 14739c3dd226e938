//! What the run did: facts, requests over time, actions and reasons.

use super::markup::Markup;
use super::{cells, chart, columns, section};
use crate::model::{Action, Audit, RunFacts};
use crate::ui::audit::{action_words, request_words, stamp};
use crate::ui::closing::spent_words;
use crate::ui::{human_count, human_rate, human_span};

/// Whether anything is known of what was done.
pub(super) fn is_told(audit: &Audit) -> bool {
    audit.run.is_some() || has_actions(audit)
}

fn has_actions(audit: &Audit) -> bool {
    // In an audit nothing is done to anything: no table is needed to say so.
    audit.actions.keys().any(|action| *action != Action::None)
}

pub(super) fn put(main: &mut Markup, audit: &Audit) {
    section(main, "run", "What the run did", |section| {
        if let Some(run) = &audit.run {
            facts(section, run);
            chart::put(section, &run.timeline);
        }
        if has_actions(audit) {
            actions(section, audit);
        }
    });
}

fn facts(section: &mut Markup, run: &RunFacts) {
    let span = run.span().map_or(String::new(), |span| format!("{} of work", human_span(span)));
    let sessions = if run.sessions > 1 { format!(" in {} sessions", run.sessions) } else { String::new() };
    let mut facts = vec![
        ("Job", run.job.clone()),
        ("Target", run.target.clone()),
        ("Started", stamp(run.started_at)),
        ("Ended", stamp(run.finished_at)),
        ("Took", format!("{span}{sessions}")),
        ("Exit", format!("{}, code {}", run.exit_reason.replace('_', " "), run.exit_code)),
    ];
    let markers = (run.delete_markers > 0)
        .then(|| format!(", {} delete markers among them", human_count(run.delete_markers)));
    let listed = format!("{} keys{}", human_count(run.listed), markers.unwrap_or_default());
    facts.push(("Listed", format!("{listed}; {} matched", human_count(run.matched))));
    facts.push(("Requests", request_words(run).join(" \u{b7} ")));
    let rates = [(run.listed_per_second, "keys"), (run.restores_per_second, "restores")];
    let mut rates: Vec<String> = rates
        .iter()
        .filter(|(rate, _)| *rate > 0.0)
        .map(|(rate, what)| format!("{} {what}/s", human_rate(Some(*rate))))
        .collect();
    if let Some(lowest) = run.requests.lowest_restore_rate {
        rates.push(format!("slowed to {} restores/s at the lowest", human_count(u64::from(lowest))));
    }
    facts.push(("Mean rates", rates.join(" \u{b7} ")));
    let mut fees = run.fees.clone();
    if !run.fees_unknown.is_empty() {
        for sum in &mut fees {
            sum.insert_str(0, "at least ");
        }
        fees.push(format!("not known: {}", run.fees_unknown.join("; ")));
    }
    facts.push((if run.verb == "plan" { "Would cost" } else { "Fees" }, fees.join(" \u{b7} ")));
    if let Some(spending) = &run.spending {
        facts.push(("Budget", spent_words(spending).join(" \u{b7} ")));
    }
    facts.push(("Run", format!("{}, by defrost {}", run.run_id, run.defrost)));
    section.within("dl", &[("class", "facts")], |list| {
        for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
            list.within("div", &[], |pair| {
                pair.leaf("dt", &[], name);
                pair.within("dd", &[], |dd| dd.name(fact));
            });
        }
    });
}

fn actions(section: &mut Markup, audit: &Audit) {
    section.within("table", &[], |table| {
        table.leaf("caption", &[], "What was done, object by object");
        columns(table, &[("Action", false), ("Objects", true), ("Size", true)]);
        table.within("tbody", &[], |body| {
            for (&action, &count) in &audit.actions {
                body.within("tr", &[], |row| {
                    row.within("th", &[("scope", "row")], |head| {
                        head.leaf("strong", &[], action.as_str());
                        head.leaf("span", &[("class", "more")], &format!(", {}", action_words(action)));
                    });
                    cells(row, count, audit);
                });
            }
        });
    });
    if !audit.reasons.is_empty() {
        let reasons = audit.reasons.iter().map(|(reason, &n)| format!("{reason} {}", human_count(n)));
        let reasons: Vec<String> = reasons.collect();
        section.leaf("p", &[("class", "more")], &format!("Reasons: {}.", reasons.join(" \u{b7} ")));
    }
}
