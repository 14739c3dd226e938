//! The table of a plan: what would be asked for, what it would cost, and when it would be readable.

use std::time::Duration;

use super::escape::clipped;
use super::table::{Align, Table, wrapped};
use super::{Look, human_bytes, human_count, human_span};
use crate::model::{Count, Money, Tier, Usual};

/// Longest storage class that is shown whole, in columns.
const LONGEST_CLASS: usize = 20;

/// What would be asked for of one class at one tier.
#[derive(Clone, Debug)]
pub struct PlanRow<'a> {
    /// Storage class.
    pub class: &'a str,
    /// The tier; `None` where the class has a single speed.
    pub tier: Option<Tier>,
    /// Objects and bytes.
    pub count: Count,
    /// How long one restore usually takes.
    pub usual: Option<Usual>,
    /// How long it takes until all of these are readable.
    pub all: Option<Duration>,
}

/// How much there is of what is paid for.
#[derive(Clone, Copy, Debug)]
pub enum Quantity {
    /// So many requests.
    Requests(u128),
    /// So many bytes.
    Bytes(u128),
    /// Bytes times seconds.
    ByteSeconds(u128),
}

/// One line of the bill.
#[derive(Clone, Debug)]
pub struct PlanFee {
    /// What is paid for, in words.
    pub what: String,
    /// How much of it.
    pub quantity: Quantity,
    /// What it costs; `None` if no price is known.
    pub cost: Option<Money>,
}

/// A plan, to be shown.
#[derive(Clone, Debug)]
pub struct PlanView<'a> {
    /// What would be asked for.
    pub rows: Vec<PlanRow<'a>>,
    /// What it would cost.
    pub fees: Vec<PlanFee>,
    /// The sums of what is known, in each currency.
    pub sums: Vec<Money>,
    /// What else there is to say, a sentence each.
    pub notes: Vec<String>,
}

/// The table of a plan, at most 80 columns wide. Ends with a line break.
#[must_use]
pub fn plan_table(plan: &PlanView<'_>, look: Look) -> String {
    let mut lines = Vec::new();
    if plan.rows.is_empty() {
        lines.push(look.bold("nothing would be asked for"));
    } else {
        lines.push(look.bold("would be asked for"));
        lines.extend(wishes(plan, look));
        lines.push(String::new());
        lines.push(look.bold("would cost"));
        lines.extend(bill(plan, look));
    }
    if !plan.notes.is_empty() {
        lines.push(String::new());
    }
    for note in &plan.notes {
        lines.extend(wrapped(look.width(), "", note.split(' '), " "));
    }
    lines.join("\n") + "\n"
}

fn wishes(plan: &PlanView<'_>, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 6] =
        [Align::Left, Align::Left, Align::Right, Align::Right, Align::Right, Align::Right];
    let mut table = Table::new(&ALIGNS, &["class", "tier", "objects", "size", "one takes", "all within"]);
    let mut total = Count::default();
    for row in &plan.rows {
        total.merge(row.count);
        table.row([
            clipped(row.class, LONGEST_CLASS, look.charset),
            row.tier.map_or_else(String::new, |tier| tier.to_string()),
            human_count(row.count.objects),
            human_bytes(row.count.bytes),
            row.usual.map_or_else(|| "unknown".to_owned(), usual),
            row.all.map_or_else(|| "unknown".to_owned(), span),
        ]);
    }
    if plan.rows.len() > 1 {
        let longest = plan.rows.iter().map(|row| row.all).collect::<Option<Vec<_>>>();
        let all = longest.and_then(|all| all.into_iter().max());
        table.row([
            "total".to_owned(),
            String::new(),
            human_count(total.objects),
            human_bytes(total.bytes),
            String::new(),
            all.map_or_else(|| "unknown".to_owned(), span),
        ]);
    }
    table.lines(look)
}

fn bill(plan: &PlanView<'_>, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 3] = [Align::Left, Align::Right, Align::Right];
    let mut table = Table::new(&ALIGNS, &["for", "quantity", "fee"]);
    for fee in &plan.fees {
        let quantity = match fee.quantity {
            Quantity::Requests(n) => human_count(u64::try_from(n).unwrap_or(u64::MAX)),
            Quantity::Bytes(n) => human_bytes(u64::try_from(n).unwrap_or(u64::MAX)),
            Quantity::ByteSeconds(n) => byte_days(n),
        };
        let cost = match fee.cost {
            None => "unknown".to_owned(),
            Some(cost) if cost.micros == 0 => "free".to_owned(),
            Some(cost) => cost.to_string(),
        };
        table.row([clipped(&fee.what, look.width() - 36, look.charset), quantity, cost]);
    }
    let unknown = plan.fees.iter().any(|fee| fee.cost.is_none());
    let mut sums: Vec<String> = plan.sums.iter().map(ToString::to_string).collect();
    if sums.is_empty() && !unknown {
        sums.push("nothing".to_owned());
    }
    for (index, sum) in sums.into_iter().enumerate() {
        table.row([if index == 0 { "total" } else { "" }.to_owned(), String::new(), sum]);
    }
    if unknown {
        table.row(["and what is unknown".to_owned(), String::new(), "unknown".to_owned()]);
    }
    table.lines(look)
}

/// `2h to 5h`, or `up to 5m`.
fn usual(usual: Usual) -> String {
    if usual.soonest.is_zero() || usual.soonest == usual.latest {
        format!("up to {}", span(usual.latest))
    } else {
        format!("{} to {}", span(usual.soonest), span(usual.latest))
    }
}

/// A span in its two largest units: `5h`, `3d4h`, `12m`.
fn span(span: Duration) -> String {
    let minutes = span.as_secs().div_ceil(60);
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        (0, 0, _) => human_span(Duration::from_mins(minutes)).replace("m00s", "m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, rest) => format!("{hours}h{rest:02}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d{hours:02}h"),
    }
}

/// Bytes times days: `6,923 GiB-days`.
fn byte_days(byte_seconds: u128) -> String {
    let days = byte_seconds.div_ceil(86_400);
    for (bytes, unit) in [(1_u128 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")] {
        if days >= bytes * 10 || unit == "MiB" {
            let number = u64::try_from(days.div_ceil(bytes)).unwrap_or(u64::MAX);
            return format!("{} {unit}-days", human_count(number));
        }
    }
    String::new()
}
