//! `[limits]` of a campaign: what restores may take, and when they may be asked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::fault::{Place, Problem};
use super::super::flags::Overrides;
use super::super::hours::{self, Hours};
use super::super::layers::{Layers, Picked};
use super::super::read;
use super::super::spec::{Bounds, Budget, Outside, Verb, Window};
use super::{file_path, from_folder, text_flag};
use crate::model::Money;

/// What a campaign of many nights is held to.
pub(in super::super) struct Campaign {
    pub(in super::super) zone: TimeZone,
    pub(in super::super) prices: Option<PathBuf>,
    pub(in super::super) budget: Budget,
    pub(in super::super) window: Option<Window>,
    pub(in super::super) stop_after: Option<Duration>,
}

/// Zone, prices, budgets, window and the longest time of work.
pub(in super::super) fn campaign(
    layers: &mut Layers<'_>,
    over: &Overrides,
    folder: &Path,
    verb: Verb,
) -> Campaign {
    let zone = layers
        .value("job.time_zone", text_flag(over.time_zone.as_ref()), hours::zone)
        .unwrap_or(TimeZone::UTC);
    let prices = layers
        .pick("job.prices", text_flag(over.prices.as_ref()), file_path)
        .map(|Picked { value, at }| from_folder(folder, &value, &at));
    let stop_after = layers
        .value("limits.stop_after", text_flag(over.stop_after.as_ref()), |value| {
            read::unless_none(value, read::some_time)
        })
        .flatten();
    let (run, run_cost) = bounds(
        layers,
        "limits.run",
        over.run_objects.as_ref(),
        over.run_bytes.as_ref(),
        over.run_cost.as_ref(),
    );
    let (day, day_cost) = bounds(
        layers,
        "limits.daily",
        over.daily_objects.as_ref(),
        over.daily_bytes.as_ref(),
        over.daily_cost.as_ref(),
    );
    if let (Some(run), Some(day)) = (run_cost, day_cost)
        && run.value.currency != day.value.currency
    {
        let problem = Problem::new(
            format!("is in another currency than `run_cost` ({})", run.value.currency),
            "write both in the currency of the price table",
        );
        layers.fault(problem, day.at);
    }
    let window = window(layers, over, &zone);
    // An audit spends nothing; what a file or the line says of it is a fault, told elsewhere.
    let (budget, window) = if verb == Verb::Scan {
        (Budget::default(), None)
    } else {
        (Budget { run, day, plan: None }, window)
    };
    Campaign { zone, prices, budget, window, stop_after }
}

fn bounds(
    layers: &mut Layers<'_>,
    of: &str,
    objects: Option<&String>,
    bytes: Option<&String>,
    cost: Option<&String>,
) -> (Bounds, Option<Picked<Money>>) {
    let objects = layers
        .value(&format!("{of}_objects"), text_flag(objects), |value| {
            read::unless_none(value, |value| read::whole(value, 1..=u64::MAX, "objects"))
        })
        .flatten();
    let bytes = layers
        .value(&format!("{of}_bytes"), text_flag(bytes), |value| read::unless_none(value, read::some_size))
        .flatten();
    let cost = layers
        .pick(&format!("{of}_cost"), text_flag(cost), |value| read::unless_none(value, read::money))
        .and_then(|Picked { value, at }| Some(Picked { value: value?, at }));
    (Bounds { objects, bytes, cost: cost.as_ref().map(|cost| cost.value) }, cost)
}

fn window(layers: &mut Layers<'_>, over: &Overrides, zone: &TimeZone) -> Option<Window> {
    let written = layers.value("limits.window", text_flag(over.window.as_ref()), |value| {
        read::unless_none(value, hours::hours)
    });
    let outside = layers.pick("limits.outside_window", text_flag(over.outside_window.as_ref()), |value| {
        read::word(value, &[("wait", Outside::Wait), ("end", Outside::End)])
    });
    if let Some(outside) = &outside
        && !layers.written("limits.window", over.window.is_some())
        && !matches!(outside.at.place, Place::Env(_))
    {
        let problem = Problem::new(
            "has no meaning without a window",
            "add `window = \"22:00-06:00\"` to `[limits]`, or leave it out",
        );
        layers.fault(problem, outside.at.clone());
    }
    let Hours { from, to, zone: own, text } = written.flatten()?;
    Some(Window {
        from,
        to,
        zone: own.unwrap_or_else(|| zone.clone()),
        text,
        outside: outside.map(|outside| outside.value).unwrap_or_default(),
    })
}
