//! One bar of states, drawn so that its width follows the page.

use std::collections::BTreeMap;

use super::markup::Markup;
use super::percent;
use crate::model::{Audit, Count, State};

/// What a bar is long by: bytes, or objects where sizes are not known, or all objects are empty.
pub(super) fn length(count: Count, audit: &Audit) -> u64 {
    if audit.total.bytes > 0 { count.bytes } else { count.objects }
}

/// What part of all objects `count` is, and of what: `78 % of bytes`.
pub(super) fn part_of(count: Count, audit: &Audit) -> String {
    let unit = if audit.total.bytes > 0 { "bytes" } else { "objects" };
    format!("{} of {unit}", percent(length(count, audit), length(audit.total, audit)))
}

/// A bar of `states`. It would be as long as the page lets it be if they were `whole`.
pub(super) fn put(markup: &mut Markup, states: &BTreeMap<State, Count>, whole: u64, audit: &Audit) {
    let total: u64 = states.values().map(|&count| length(count, audit)).fold(0, u64::saturating_add);
    let label: Vec<String> = states
        .iter()
        .map(|(state, &count)| format!("{state} {}", percent(length(count, audit), total)))
        .collect();
    let label = if audit.has("state") { label.join(", ") } else { "states are not known".to_owned() };
    markup.within("svg", &[("class", "bar"), ("role", "img"), ("aria-label", &label)], |bar| {
        let mut from = 0;
        for (&state, &count) in states {
            let length = length(count, audit);
            let (at, width) = (share(from, whole), share(length, whole));
            let rect = [("class", state.as_str()), ("x", &at), ("width", &width), ("height", "100%")];
            bar.empty("rect", &rect);
            from += length;
        }
    });
}

/// The mark of a state that stands before its name.
pub(super) fn swatch(markup: &mut Markup, state: State) {
    markup.within("svg", &[("class", "swatch"), ("aria-hidden", "true")], |svg| {
        svg.empty("rect", &[("class", state.as_str()), ("width", "100%"), ("height", "100%")]);
    });
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.3}%", part as f64 * 100.0 / whole.max(1) as f64)
}
