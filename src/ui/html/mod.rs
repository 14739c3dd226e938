//! The audit of a report as one page that holds all it needs: `defrost report --html`.
//!
//! The page loads nothing: no font, style, script or picture, and its policy forbids it. Style and script
//! are known to the policy by their checksums, so nothing that a key may hold could run. It can be read
//! without the script, which does no more than sort and filter the rows of what failed. Colours follow the
//! reader's choice of light and dark; no figure is told by colour alone.
//!
//! | file | |
//! | --- | --- |
//! | `page.html`, `page.css`, `page.js` | what all pages share |
//! | `markup` | elements and text, escaped |
//! | `overview` | head, figures at a glance, states, classes |
//! | `calendar` | when readable copies lapse |
//! | `folders` | states by folder, and the largest that are archived still |
//! | `run`, `chart` | what the run did, and when |
//! | `failed` | error codes with advice, and the rows of what failed |
//! | `bar` | one bar of states |

mod bar;
mod calendar;
mod chart;
mod failed;
mod folders;
mod markup;
mod overview;
mod run;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use self::markup::Markup;
use super::audit::stamp;
use super::{human_bytes, human_count};
use crate::model::{Audit, Count};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page. Its size is bounded as the figures are: some MB at most, whatever the report holds.
#[must_use]
pub fn audit_page(audit: &Audit) -> String {
    let mut title = Markup::default();
    title.text(&format!("{}: audit", overview::subject(audit)));
    let mut body = Markup::default();
    overview::head(&mut body, audit);
    contents(&mut body, audit);
    body.within("main", &[("id", "main")], |main| {
        overview::notes(main, audit);
        overview::figures(main, audit);
        for section in sections(audit) {
            (section.put)(main, audit);
            main.line();
        }
    });
    foot(&mut body, audit);
    let (style, script) = (checksum(STYLE), checksum(SCRIPT));
    filled(&[
        ("title", &title.finish()),
        ("body", &body.finish()),
        ("style", STYLE),
        ("script", SCRIPT),
        ("style-checksum", &style),
        ("script-checksum", &script),
        ("version", env!("CARGO_PKG_VERSION")),
    ])
}

/// A part of the page with a heading.
struct Section {
    id: &'static str,
    name: &'static str,
    put: fn(&mut Markup, &Audit),
}

/// The sections that have something to tell.
fn sections(audit: &Audit) -> Vec<Section> {
    let all = [
        (overview::has_classes(audit), Section { id: "classes", name: "States", put: overview::classes }),
        (!audit.lapses.is_empty(), Section { id: "expiry", name: "Expiry", put: calendar::put }),
        (audit.total.objects > 0, Section { id: "folders", name: "Folders", put: folders::put }),
        (run::is_told(audit), Section { id: "run", name: "Run", put: run::put }),
        (!audit.errors.is_empty(), Section { id: "failures", name: "Failures", put: failed::put }),
    ];
    all.into_iter().filter(|(is_told, _)| *is_told).map(|(_, section)| section).collect()
}

fn contents(body: &mut Markup, audit: &Audit) {
    body.within("nav", &[("aria-label", "On this page"), ("class", "wide")], |nav| {
        nav.within("ul", &[], |list| {
            for section in sections(audit) {
                let link = format!("#{}", section.id);
                list.within("li", &[], |item| item.leaf("a", &[("href", &link)], section.name));
            }
        });
    });
    body.line();
}

/// A section with its heading, which also names it for who does not see it.
fn section(markup: &mut Markup, id: &'static str, heading: &str, inner: impl FnOnce(&mut Markup)) {
    let title = format!("{id}-title");
    markup.within("section", &[("id", id), ("aria-labelledby", &title)], |section| {
        section.leaf("h2", &[("id", &title)], heading);
        inner(section);
    });
}

fn foot(body: &mut Markup, audit: &Audit) {
    body.within("footer", &[("class", "wide")], |foot| {
        foot.within("p", &[], |p| {
            p.text(concat!("Made by defrost ", env!("CARGO_PKG_VERSION"), " on "));
            p.text(&stamp(audit.made_at));
            p.text(" from ");
            p.name(&audit.file);
            p.text(". Days and times are UTC; sizes count 1,024 bytes to the KiB. This page loads nothing.");
        });
    });
}

/// What stands for a figure that is not known.
const UNKNOWN: &str = "\u{2013}";

/// The size as text, or a dash where sizes are not known.
fn size(count: Count, audit: &Audit) -> String {
    if audit.has("size") { human_bytes(count.bytes) } else { UNKNOWN.to_owned() }
}

/// Cells of a number of objects and of their size.
fn cells(row: &mut Markup, count: Count, audit: &Audit) {
    row.leaf("td", &[("class", "number")], &human_count(count.objects));
    row.leaf("td", &[("class", "number")], &size(count, audit));
}

/// A head of columns: names, and whether numbers stand below them.
fn columns(table: &mut Markup, names: &[(&str, bool)]) {
    table.within("thead", &[], |head| {
        head.within("tr", &[], |row| {
            for (name, is_number) in names {
                let class = if *is_number { "number" } else { "text" };
                row.leaf("th", &[("scope", "col"), ("class", class)], name);
            }
        });
    });
}

/// A share in per cent: `<1 %` where it is small, but something.
fn percent(part: u64, whole: u64) -> String {
    match u128::from(part) * 1_000 / u128::from(whole.max(1)) {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        0..10 => "<1 %".to_owned(),
        990.. => ">99 %".to_owned(),
        tenths => format!("{} %", (tenths + 5) / 10),
    }
}

/// The checksum by which a content policy knows a style or a script.
fn checksum(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// The page with `{{name}}` replaced; what is put in is not looked at again.
fn filled(values: &[(&str, &str)]) -> String {
    let mut page =
        String::with_capacity(PAGE.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut parts = PAGE.split("{{");
    page.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, after) = part.split_once("}}").unwrap_or((part, ""));
        page.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        page.push_str(after);
    }
    page
}

#[cfg(test)]
mod tests;
