//! `[restore]`: what to ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::fault::{At, Place, Problem};
use super::super::file::Class;
use super::super::flags::Overrides;
use super::super::layers::{Layers, Picked};
use super::super::read::{self, Value};
use super::super::spec::{ClassWish, Fit, Verb, Wish};
use super::filter::class_name;
use super::{small, text_flag};
use crate::model::Tier;

/// Days of a plan that names none, from the samples of all three vendors. A restore must name
/// them: they are paid for, and each vendor's own default is a day, which is gone unnoticed.
const PLAN_DAYS: u32 = 7;
/// Most days that any class of the three stores is asked for here; each class has its own bounds.
const MAX_DAYS: u64 = 365;

const TIERS: [(&str, Tier); 3] =
    [("Expedited", Tier::Expedited), ("Standard", Tier::Standard), ("Bulk", Tier::Bulk)];

fn days(value: &Value) -> Result<u32, Problem> {
    small(value, 1, MAX_DAYS, "days")
}

fn tier(value: &Value) -> Result<Tier, Problem> {
    read::word(value, &TIERS)
}

/// `[restore]`; `None` in a scan.
pub(in super::super) fn wish(layers: &mut Layers<'_>, over: &Overrides, verb: Verb) -> Option<Wish> {
    if verb == Verb::Scan {
        return None;
    }
    let wished = layers.value("restore.days", text_flag(over.days.as_ref()), days);
    let tier = layers.value("restore.tier", text_flag(over.tier.as_ref()), tier);
    let fit = layers.value("restore.fit", text_flag(over.fit.as_ref()), |value| {
        read::word(value, &[("fail", Fit::Fail), ("skip", Fit::Skip), ("clamp", Fit::Clamp)])
    });
    let class = class_wishes(layers);
    let left = layers.pick("restore.extend_when_left", text_flag(over.extend_when_left.as_ref()), left);
    if let (Some(left), Some(days)) = (&left, wished) {
        not_always(layers, left, days, &class);
    }
    let raise_tier = layers.value("restore.raise_tier", over.raise_tier.map(Value::Switch), read::switch);
    let fallback =
        layers.value("restore.expedited_fallback", over.expedited_fallback.map(Value::Switch), read::switch);
    let table = layers.table("restore");
    let needed = verb == Verb::Restore || table.is_some();
    if needed && over.days.is_none() && !layers.has("restore.days") {
        let way_out =
            if table.is_some() { "add `days = 7`, or give `--days 7`" } else { "give it: `--days 7`" };
        let place = table.map_or(Place::Flag("--days"), |at| at.place);
        layers.missing(
            Problem::new("is missing: a restore must say how many days the copies stay readable", way_out),
            At { place, key: "restore.days".to_owned(), value: None },
        );
    }
    Some(Wish {
        days: wished.unwrap_or(PLAN_DAYS),
        tier: tier.unwrap_or(Tier::Standard),
        fit: fit.unwrap_or_default(),
        class,
        extend_when_left: left.and_then(|left| left.value),
        raise_tier: raise_tier.unwrap_or(false),
        expedited_fallback: fallback.unwrap_or(false),
    })
}

/// A span above nothing; `None` for no text at all, or `never`.
fn left(value: &Value) -> Result<Option<Duration>, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text)
            if text.trim().is_empty() || text.trim().eq_ignore_ascii_case("never") =>
        {
            Ok(None)
        }
        _ => read::unless_none(value, read::some_time),
    }
}

/// Copies that are always within `left` of their end would be extended, and paid for, at every run.
fn not_always(
    layers: &mut Layers<'_>,
    left: &Picked<Option<Duration>>,
    days: u32,
    class: &BTreeMap<String, ClassWish>,
) {
    let shortest = class.values().filter_map(|wish| wish.days).chain([days]).min().unwrap_or(days);
    let life = Duration::from_hours(24 * u64::from(shortest));
    if left.value.is_some_and(|left| left >= life) {
        let problem = Problem::new(
            format!(
                "is not shorter than the copies live ({shortest} days): each run would extend all of them"
            ),
            "name a shorter span, such as \"36h\", or more days",
        );
        layers.fault(problem, left.at.clone());
    }
}

fn class_wishes(layers: &mut Layers<'_>) -> BTreeMap<String, ClassWish> {
    let classes: Vec<Class> =
        layers.document.as_mut().map(|document| std::mem::take(&mut document.classes)).unwrap_or_default();
    let mut wishes = BTreeMap::new();
    for Class { name, at, values } in classes {
        let mut wish = ClassWish::default();
        for (key, written) in values {
            let read = match key.as_str() {
                "days" => days(&written.value).map(|days| wish.days = Some(days)),
                _ => tier(&written.value).map(|tier| wish.tier = Some(tier)),
            };
            if let Err(problem) = read {
                layers.fault(problem, written.at);
            }
        }
        if let Err(problem) = class_name(&Value::Text(name.clone())) {
            layers.fault(problem, at.clone());
        }
        if wishes.insert(name.to_ascii_lowercase(), wish).is_some() {
            layers
                .fault(Problem::new("stands here twice, in other letter case", "leave one of them out"), at);
        }
    }
    wishes
}
