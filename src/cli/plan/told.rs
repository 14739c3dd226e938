//! What a plan tells: for people as a table, for machines as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cli::connect;
use crate::cli::context::Context;
use crate::job::{Item, Job, Prices};
use crate::model::{Action, Provider, Quota, Reason, Tier, Usual};
use crate::pipeline::Ended;
use crate::pipeline::account::Fees;
use crate::pipeline::forecast::{Forecast, Promise};
use crate::store::dialect::{self, Dialect};
use crate::ui::{self, PlanFee, PlanRow, PlanView, Quantity};

/// A plan, as it stands on stdout and in a plan file. Fields may be added, never taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Plan {
    /// When the listing that it is made from was complete.
    pub(in crate::cli) created_at: Timestamp,
    /// The bucket URL.
    pub(in crate::cli) target: String,
    /// Everything in a job that decides what is asked for.
    pub(in crate::cli) identity: Vec<(String, String)>,
    /// What a run would come to.
    pub(in crate::cli) forecast: Forecast,
    /// Entries that were listed.
    pub(in crate::cli) listed: u64,
    /// Objects by action.
    pub(in crate::cli) actions: BTreeMap<Action, u64>,
    /// Objects by reason, where they would not be asked for.
    pub(in crate::cli) reasons: BTreeMap<Reason, u64>,
}

/// What in a job's identity decides what is asked for: not what becomes of the report, and not that this
/// is a dry run.
pub(super) fn identity(job: &Job) -> Vec<(String, String)> {
    const ASIDE: [&str; 3] = ["verb", "report", "rows"];
    job.identity().into_iter().filter(|(field, _)| !ASIDE.contains(&field.as_str())).collect()
}

struct Vendor {
    provider: Provider,
    dialect: Box<dyn Dialect>,
}

impl Promise for Vendor {
    fn usual(&self, class: &str, tier: Option<Tier>) -> Option<Usual> {
        // Where the access tier decides, its slower one is told.
        let of = |access_tier: &[u8]| self.dialect.usual(class.as_bytes(), access_tier, tier);
        of(b"DEEP_ARCHIVE_ACCESS").or_else(|| of(b"ARCHIVE_ACCESS"))
    }

    fn quota(&self, class: &str) -> Quota {
        dialect::quota(self.provider, class)
    }
}

/// The plan that a dry run of `job` has come to.
pub(super) fn plan(job: &Job, ended: &Ended, prices: &Prices, now: Timestamp) -> Plan {
    let vendor = Vendor { provider: job.source.provider, dialect: connect::dialect(job) };
    Plan {
        created_at: now,
        target: job.source.url(),
        identity: identity(job),
        forecast: Forecast::of(job, &ended.tally, ended.requests, prices, &vendor),
        listed: ended.tally.listed,
        actions: ended.tally.actions.iter().map(|(action, count)| (*action, count.objects)).collect(),
        reasons: ended.tally.reasons.clone(),
    }
}

/// Shows the plan to people.
pub(super) fn show(plan: &Plan, fees: &Fees, context: &Context) {
    if context.look.json || context.look.verbosity < -1 {
        return;
    }
    let forecast = &plan.forecast;
    let rows = forecast.rows.iter().map(|row| PlanRow {
        class: &row.class,
        tier: row.tier,
        count: crate::model::Count { objects: row.objects, bytes: row.bytes },
        usual: row.usual_soonest_s.zip(row.usual_latest_s).map(|(soonest, latest)| Usual {
            soonest: Duration::from_secs(soonest),
            latest: Duration::from_secs(latest),
        }),
        all: row.all_readable_s.map(Duration::from_secs),
    });
    let lines = fees.lines.iter().map(|fee| PlanFee {
        what: fee.words(),
        quantity: match fee.item {
            Item::Retrieval => Quantity::Bytes(fee.quantity),
            Item::Copy => Quantity::ByteSeconds(fee.quantity),
            _ => Quantity::Requests(fee.quantity),
        },
        cost: fee.cost,
    });
    let view =
        PlanView { rows: rows.collect(), fees: lines.collect(), sums: fees.sums(), notes: notes(plan, fees) };
    context.sink.write(&format!("\n{}", ui::plan_table(&view, context.look)));
}

/// What else a reader has to know before giving money for it.
fn notes(plan: &Plan, fees: &Fees) -> Vec<String> {
    let mut notes = Vec::new();
    let forecast = &plan.forecast;
    if forecast.objects > 0 {
        notes.push(pace(plan));
        let mut sources: Vec<&str> =
            fees.lines.iter().map(|fee| fee.source.as_str()).filter(|source| !source.is_empty()).collect();
        sources.sort_unstable();
        sources.dedup();
        for source in sources {
            notes.push(format!("price: {source}"));
        }
        if !fees.unknown().is_empty() {
            notes.push(
                "No price is known for what says unknown: the total is too low by that. Put it into a price table \
                 of your own (prices in [job], or --prices)."
                    .to_owned(),
            );
        }
        notes.push(
            "Copies are reckoned for the days asked for. A request that has to be repeated may cost again."
                .to_owned(),
        );
    }
    notes
}

fn pace(plan: &Plan) -> String {
    let pace = &plan.forecast.pace;
    let requests = ui::human_count(plan.forecast.objects);
    let span = ui::human_span(Duration::from_secs(pace.seconds));
    if pace.bound_by == "run_budget" {
        let runs = ui::human_count(pace.runs);
        return format!(
            "Asking takes {runs} runs ({requests} requests within the budget of a run); the time within which all \
             are readable counts from the last of them."
        );
    }
    let why = match pace.bound_by.as_str() {
        "quota" => format!("at the vendor's quota of {}/s", pace.requests_per_second),
        "window" => format!("in the job's window, on {} days", ui::human_count(pace.days)),
        "day_budget" => format!("within the job's daily budget, on {} days", ui::human_count(pace.days)),
        _ => format!("at {}/s", pace.requests_per_second),
    };
    format!(
        "Asking takes {span} ({requests} requests {why}); the time within which all are readable counts from the first."
    )
}
