//! The head of the page, the figures at a glance, and objects and bytes by state and class.

use std::collections::BTreeMap;

use super::markup::Markup;
use super::{UNKNOWN, bar, cells, columns, section, size};
use crate::model::{Action, Audit, Count, Flag, Seal, State};
use crate::ui::audit::{SIMULATED, flag_words, lacking, seal_words, stamp, state_words, unread_words};
use crate::ui::{human_bytes, human_count, human_objects};

/// What the page is about: the job, or the file.
pub(super) fn subject(audit: &Audit) -> String {
    match &audit.run {
        Some(run) => run.job.clone(),
        None if audit.file == "-" => "standard input".to_owned(),
        None => audit.file.rsplit(['/', '\\']).next().unwrap_or(&audit.file).to_owned(),
    }
}

/// How good or bad a mark is.
#[derive(Clone, Copy)]
enum Tone {
    Good,
    Plain,
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "chip good",
            Self::Plain => "chip",
            Self::Bad => "chip bad",
        }
    }

    /// What says the same to who does not see the colour.
    const fn sign(self) -> &'static str {
        match self {
            Self::Good => "\u{2713} ",
            Self::Plain => "",
            Self::Bad => "\u{26a0}\u{fe0e} ",
        }
    }
}

pub(super) fn head(body: &mut Markup, audit: &Audit) {
    body.within("header", &[("class", "wide")], |head| {
        head.within("p", &[("class", "brand")], |p| {
            flake(p);
            p.text("defrost audit");
        });
        head.within("h1", &[], |h1| h1.name(&subject(audit)));
        head.within("p", &[("class", "target")], |p| {
            match &audit.run {
                Some(run) => {
                    p.text(&format!("{} of ", run.verb));
                    p.name(&run.target);
                }
                None => p.name(&audit.file),
            }
            if let Some((_, last)) = audit.checked {
                p.text(" \u{b7} ");
                p.leaf("span", &[("class", "whole")], &format!("as of {}", stamp(last)));
            }
        });
        head.within("ul", &[("class", "chips")], |list| {
            for (tone, text) in marks(audit) {
                list.leaf("li", &[("class", tone.class())], &format!("{}{text}", tone.sign()));
            }
        });
    });
    body.line();
}

fn marks(audit: &Audit) -> Vec<(Tone, String)> {
    let mut marks = Vec::new();
    if audit.unfinished {
        marks.push((Tone::Bad, "unfinished: the run that writes it has not ended".to_owned()));
    }
    if audit.run.as_ref().is_some_and(|run| run.simulated) {
        marks.push((Tone::Plain, SIMULATED.to_owned()));
    }
    if let Some(run) = &audit.run {
        let tone = if run.exit_code == 0 { Tone::Good } else { Tone::Bad };
        marks.push((tone, format!("{}, exit code {}", run.exit_reason.replace('_', " "), run.exit_code)));
    }
    match &audit.seal {
        Seal::NoSummary if audit.unfinished || audit.file == "-" => {}
        seal => {
            let tone = match seal {
                Seal::Intact { .. } => Tone::Good,
                Seal::Changed { .. } => Tone::Bad,
                _ => Tone::Plain,
            };
            marks.push((tone, seal_words(seal)));
        }
    }
    marks
}

/// A snow crystal.
fn flake(markup: &mut Markup) {
    let svg = [("class", "flake"), ("viewBox", "0 0 24 24"), ("aria-hidden", "true"), ("focusable", "false")];
    markup.within("svg", &svg, |svg| {
        for turn in ["rotate(0 12 12)", "rotate(60 12 12)", "rotate(120 12 12)"] {
            svg.empty("path", &[("d", "M12 2v20M9 4l3 3 3-3M9 20l3-3 3 3"), ("transform", turn)]);
        }
    });
}

/// What must be known to read the figures right.
pub(super) fn notes(main: &mut Markup, audit: &Audit) {
    let mut notes = lacking(audit);
    notes.extend(unread_words(audit));
    if audit.torn {
        notes.push("the last row is cut off and not counted".to_owned());
    }
    if audit.lapses.by_now.objects > 0 {
        let gone = human_objects(audit.lapses.by_now.objects);
        notes.push(format!("of {gone} the readable copy has lapsed since the states were learnt"));
    }
    if let Seal::Changed { told, found } = &audit.seal {
        notes.push(format!("SHA-256 told by the summary: {told}"));
        notes.push(format!("SHA-256 of the file: {found}"));
    }
    if notes.is_empty() {
        return;
    }
    main.within("aside", &[("class", "notes"), ("aria-label", "Notes")], |aside| {
        aside.within("ul", &[], |list| notes.iter().for_each(|note| list.leaf("li", &[], note)));
    });
}

/// The figures at a glance.
pub(super) fn figures(main: &mut Markup, audit: &Audit) {
    let states = audit.states();
    let of = |wanted: &[State]| {
        let mut sum = Count::default();
        wanted.iter().filter_map(|state| states.get(state)).for_each(|&count| sum.merge(count));
        sum
    };
    let part = |count: Count| {
        let share = bar::part_of(count, audit);
        if audit.has("size") { format!("{} \u{b7} {share}", human_bytes(count.bytes)) } else { share }
    };
    main.within("section", &[("class", "figures"), ("aria-label", "At a glance")], |figures| {
        let mut tile = |class: &str, name: &str, number: &str, more: &str| {
            figures.within("div", &[("class", class)], |tile| {
                tile.leaf("h2", &[], name);
                tile.leaf("p", &[("class", "big")], number);
                tile.leaf("p", &[("class", "more")], more);
            });
        };
        tile("tile", "Objects", &human_count(audit.total.objects), &size(audit.total, audit));
        if audit.has("state") {
            for (name, wanted) in [
                ("Readable now", &[State::Readable, State::Restored][..]),
                ("Restoring", &[State::Restoring]),
                ("Archived still", &[State::Archived, State::Expired]),
            ] {
                let count = of(wanted);
                tile("tile", name, &human_count(count.objects), &part(count));
            }
        }
        if let Some((day, count)) = audit.lapses.days.first_key_value() {
            let (year, day) = (day.year(), day.strftime("%-d %b").to_string());
            tile(
                "tile",
                "First copies lapse",
                &day,
                &format!("{year} \u{b7} {}", human_objects(count.objects)),
            );
        }
        if audit.has("action") {
            let failed = audit.actions.get(&Action::Failed).copied().unwrap_or_default();
            let class = if failed.objects > 0 { "tile bad" } else { "tile" };
            let codes = audit.errors.len();
            let more = match codes {
                0 => "nothing failed".to_owned(),
                1 => "one error code".to_owned(),
                _ => format!("{codes} error codes"),
            };
            tile(class, "Failed", &human_count(failed.objects), &more);
        }
        for (&flag, flagged) in &audit.flags {
            let (class, name) = match flag {
                Flag::Stuck => ("tile bad", "Stuck"),
                Flag::Expiring => ("tile", "Lapsing soon"),
            };
            tile(class, name, &human_count(flagged.count.objects), flag_words(flag));
        }
    });
    main.line();
}

pub(super) fn has_classes(audit: &Audit) -> bool {
    audit.total.objects > 0 && (audit.has("state") || audit.has("storage_class"))
}

/// States of the whole, and of each class.
pub(super) fn classes(main: &mut Markup, audit: &Audit) {
    section(main, "classes", "Where the objects stand", |section| {
        if audit.has("state") {
            let states = audit.states();
            bar::put(section, &states, bar::length(audit.total, audit), audit);
            section.within("ul", &[("class", "legend")], |legend| {
                for (&state, &count) in &states {
                    let share = bar::part_of(count, audit);
                    legend.within("li", &[], |item| {
                        bar::swatch(item, state);
                        item.leaf("strong", &[], state.as_str());
                        item.text(&format!(" {share}"));
                        item.leaf("span", &[("class", "more")], &format!(", {}", state_words(state)));
                    });
                }
            });
        }
        section.within("table", &[("class", "classes")], |table| {
            table.leaf("caption", &[], "Objects and bytes by storage class and state");
            columns(table, &[("Class and state", false), ("Objects", true), ("Size", true)]);
            let whole = |states: &BTreeMap<State, Count>| {
                states.values().map(|&c| bar::length(c, audit)).fold(0, u64::saturating_add)
            };
            let longest = audit.classes.values().map(whole).max().unwrap_or_default();
            for (class, states) in &audit.classes {
                of_class(table, class, states, longest, audit);
            }
            table.within("tfoot", &[], |foot| {
                foot.within("tr", &[], |row| {
                    row.leaf("th", &[("scope", "row")], "All");
                    cells(row, audit.total, audit);
                });
            });
        });
    });
}

fn of_class(table: &mut Markup, class: &str, states: &BTreeMap<State, Count>, longest: u64, audit: &Audit) {
    let name = match class {
        _ if !audit.has("storage_class") => UNKNOWN,
        "" => "(none)",
        class => class,
    };
    let mut total = Count::default();
    for &count in states.values() {
        total.merge(count);
    }
    table.within("tbody", &[], |body| {
        body.within("tr", &[("class", "group")], |row| {
            row.within("th", &[("scope", "rowgroup")], |head| {
                head.name(name);
                bar::put(head, states, longest, audit);
            });
            cells(row, total, audit);
        });
        if !audit.has("state") {
            return;
        }
        for (&state, &count) in states {
            body.within("tr", &[], |row| {
                row.within("th", &[("scope", "row"), ("class", "state")], |head| {
                    bar::swatch(head, state);
                    head.text(state.as_str());
                });
                cells(row, count, audit);
            });
        }
    });
}
