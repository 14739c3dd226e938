//! `[restore]`: what to ask for.

use std::collections::BTreeMap;

use super::super::fault::{At, Place, Problem};
use super::super::file::Class;
use super::super::flags::Overrides;
use super::super::layers::{Layers, typed};
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
        no_wish_in_an_audit(layers, over);
        return None;
    }
    let wished = layers.value("restore.days", text_flag(over.days.as_ref()), days);
    let tier = layers.value("restore.tier", text_flag(over.tier.as_ref()), tier);
    let fit = layers.value("restore.fit", text_flag(over.fit.as_ref()), |value| {
        read::word(value, &[("fail", Fit::Fail), ("skip", Fit::Skip), ("clamp", Fit::Clamp)])
    });
    let class = class_wishes(layers);
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
        extend_when_left: None,
        raise_tier: false,
        expedited_fallback: false,
    })
}

fn no_wish_in_an_audit(layers: &mut Layers<'_>, over: &Overrides) {
    for (key, flag) in
        [("restore.days", &over.days), ("restore.tier", &over.tier), ("restore.fit", &over.fit)]
    {
        let Some(text) = flag else { continue };
        let problem = Problem::new(
            "has no meaning in an audit, which restores nothing",
            "leave it out, or add a `[restore]` table to the job file",
        );
        layers.fault(problem, typed(key, Value::Typed(text.clone())).at);
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
