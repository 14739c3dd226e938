//! `[filter]`: which of the objects.

use super::super::fault::{Place, Problem};
use super::super::flags::{Overrides, TypedGlob};
use super::super::layers::{Layers, Picked, typed};
use super::super::read::{self, Value};
use super::super::spec::{ClassFilter, Filter, GlobRule};
use super::text_flag;
use crate::model::State;

/// Most include and exclude patterns; each is tried on every key.
const MOST_GLOBS: usize = 1000;

/// `[filter]`.
///
/// Of `named` objects those of every class are looked at, unless classes are said: each name gets its row.
pub(in super::super) fn filter(layers: &mut Layers<'_>, over: &Overrides, named: bool) -> Filter {
    let said = layers.written("filter.storage_class", !over.storage_class.is_empty());
    let storage_class = match classes(layers, over) {
        ClassFilter::Archived if named && !said => ClassFilter::Any,
        class => class,
    };
    let globs = globs(layers, over);
    let min_size = layers.value("filter.min_size", text_flag(over.min_size.as_ref()), read::size);
    let max_size = layers.pick("filter.max_size", text_flag(over.max_size.as_ref()), read::size);
    let older_than = layers.value("filter.older_than", text_flag(over.older_than.as_ref()), read::span);
    let newer_than = layers.pick("filter.newer_than", text_flag(over.newer_than.as_ref()), read::span);
    let words: Vec<(&str, State)> = State::ALL.iter().map(|state| (state.as_str(), *state)).collect();
    let mut state: Vec<State> = layers
        .list("filter.state", &over.state, true, |value| read::word(value, &words))
        .into_iter()
        .map(|state| state.value)
        .collect();
    // One order, one identity, however they were written.
    state.sort_unstable();
    state.dedup();
    let max_objects = layers.value("filter.max_objects", text_flag(over.max_objects.as_ref()), |value| {
        read::whole(value, 0..=u64::MAX, "objects (0 for no cap)")
    });
    if let (Some(min), Some(max)) = (min_size, &max_size)
        && max.value < min
    {
        let problem = Problem::new(
            format!("is below `min_size` ({min} bytes), so no object passes"),
            "swap the two, or leave one out",
        );
        layers.fault(problem, max.at.clone());
    }
    if let (Some(older), Some(newer)) = (older_than, &newer_than)
        && newer.value < older
    {
        let problem = Problem::new(
            "is a shorter time than `older_than`, so no object passes",
            "swap the two, or leave one out",
        );
        layers.fault(problem, newer.at.clone());
    }
    Filter {
        storage_class,
        globs,
        min_size,
        max_size: max_size.map(|max| max.value),
        older_than,
        newer_than: newer_than.map(|newer| newer.value),
        state,
        max_objects: max_objects.unwrap_or(0),
    }
}

fn classes(layers: &mut Layers<'_>, over: &Overrides) -> ClassFilter {
    let named = layers.list("filter.storage_class", &over.storage_class, true, class_name);
    let is = |wanted: &str| named.iter().position(|class| class.value.eq_ignore_ascii_case(wanted));
    let whole =
        [(is("any").or_else(|| is("all")), ClassFilter::Any), (is("archived"), ClassFilter::Archived)];
    for (found, meaning) in whole {
        let Some(index) = found else { continue };
        if named.len() > 1 {
            let problem = Problem::new(
                "stands for a whole group, and others stand beside it",
                "name it alone, or name classes only",
            );
            let at = named.into_iter().nth(index).map(|class| class.at);
            if let Some(at) = at {
                layers.fault(problem, at);
            }
        }
        return meaning;
    }
    let mut chosen: Vec<String> = Vec::new();
    for Picked { value, .. } in named {
        if !chosen.iter().any(|name| name.eq_ignore_ascii_case(&value)) {
            chosen.push(value);
        }
    }
    if chosen.is_empty() { ClassFilter::Archived } else { ClassFilter::Named(chosen) }
}

pub(super) fn class_name(value: &Value) -> Result<String, Problem> {
    let text = read::text(value)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
        return Ok(text);
    }
    Err(Problem::new(
        "is not a storage class",
        "write the vendor's name for it, such as `ColdArchive` or `DEEP_ARCHIVE`; `archived` for every class that needs a restore, `any` for all",
    ))
}

/// In a file excludes come after includes, wherever they stand in it: TOML gives the keys of a
/// table no order. On the line the order typed counts.
fn globs(layers: &mut Layers<'_>, over: &Overrides) -> Vec<GlobRule> {
    let mut globs: Vec<GlobRule> = Vec::new();
    for (key, include) in [("filter.include", true), ("filter.exclude", false)] {
        let rules = layers.list(key, &[], false, |value| match value {
            // An empty pattern is told in the words for patterns.
            Value::Text(pattern) => GlobRule::compile(include, pattern),
            other => read::text(other).and_then(|pattern| GlobRule::compile(include, &pattern)),
        });
        globs.extend(rules.into_iter().map(|rule| rule.value));
    }
    if !over.globs.is_empty() {
        globs.clear();
        for TypedGlob { include, pattern, from } in &over.globs {
            let key = if *include { "filter.include" } else { "filter.exclude" };
            match GlobRule::compile(*include, pattern) {
                Ok(rule) => globs.push(rule),
                Err(problem) => {
                    let mut at = typed(key, Value::Typed(pattern.clone())).at;
                    if let Some((path, line)) = from {
                        at.place = Place::File { path: path.clone(), line: *line, column: 1 };
                    }
                    layers.fault(problem, at);
                }
            }
        }
    }
    if globs.len() > MOST_GLOBS {
        let at = layers.table("filter").unwrap_or_else(|| typed("filter.include", Value::Table).at);
        layers.fault(
            Problem::new(format!("has more than {MOST_GLOBS} patterns"), "join some of them: `*.{a,b,c}`"),
            at,
        );
    }
    globs
}
