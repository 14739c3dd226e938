//! Error codes with advice, and the rows of what failed.

use super::markup::Markup;
use super::{UNKNOWN, columns, section};
use crate::model::{Audit, FailedRow};
use crate::ui::audit::provider_of;
use crate::ui::{advice, human_bytes, human_count};

/// Error codes that get a row of their own, the commonest first.
const MOST_CODES: usize = 50;

pub(super) fn put(main: &mut Markup, audit: &Audit) {
    section(main, "failures", "What failed", |section| {
        codes(section, audit);
        rows(section, audit);
    });
}

fn codes(section: &mut Markup, audit: &Audit) {
    let (codes, provider) = (audit.codes(), provider_of(audit));
    section.within("table", &[("class", "codes")], |table| {
        table.leaf("caption", &[], "Failures by error code, and what to do about them");
        columns(table, &[("Code and advice", false), ("Objects", true)]);
        table.within("tbody", &[], |body| {
            for (code, count) in codes.iter().take(MOST_CODES) {
                body.within("tr", &[], |row| {
                    row.within("th", &[("scope", "row")], |head| {
                        head.within("strong", &[], |strong| strong.name(code));
                        if let Some(advice) = advice(provider, code) {
                            head.leaf("p", &[("class", "advice")], advice);
                        }
                        head.within("p", &[("class", "more")], |p| {
                            p.text("first: ");
                            p.name(&count.first_key);
                            if !count.first_request_id.is_empty() {
                                p.text(", request id ");
                                p.name(&count.first_request_id);
                            }
                        });
                    });
                    row.leaf("td", &[("class", "number")], &human_count(count.count.objects));
                });
            }
        });
    });
    if codes.len() > MOST_CODES {
        let more = format!("{} more error codes are not listed here.", codes.len() - MOST_CODES);
        section.leaf("p", &[("class", "more")], &more);
    }
}

/// A column of the rows: its name, how it is sorted, and what stands in it.
type Column = (&'static str, &'static str, fn(&FailedRow) -> &str);

const COLUMNS: [Column; 7] = [
    ("Code", "text", |row| &row.code),
    ("Reason", "text", |row| &row.reason),
    ("Status", "number", |row| &row.http_status),
    ("Class", "text", |row| &row.storage_class),
    ("Size", "number", |_| ""),
    ("Tries", "number", |row| &row.attempts),
    ("Request id", "text", |row| &row.request_id),
];

fn rows(section: &mut Markup, audit: &Audit) {
    let failures = &audit.failures;
    let has_buckets = audit.buckets.len() > 1;
    section.leaf("h3", &[("id", "rows-title")], "Object by object");
    if failures.left_out > 0 {
        let told = format!(
            "{} rows are shown: the first, and some of each code; {} more are left out. The report has all of them.",
            human_count(failures.rows.len() as u64),
            human_count(failures.left_out)
        );
        section.leaf("p", &[("class", "lead")], &told);
    }
    // Shown by the script that makes them work.
    section.within("form", &[("class", "tools"), ("id", "tools"), ("hidden", "hidden")], |tools| {
        tools.within("label", &[], |label| {
            label.text("Show rows with ");
            label.empty("input", &[("type", "search"), ("id", "filter"), ("autocomplete", "off")]);
        });
        tools.within("label", &[], |label| {
            label.text("of code ");
            label.within("select", &[("id", "code")], |select| {
                select.leaf("option", &[("value", "")], "any");
                for (code, _) in audit.codes() {
                    select.leaf("option", &[("value", code)], code);
                }
            });
        });
        tools.leaf("p", &[("id", "shown"), ("role", "status")], "");
    });
    // Long as it is, it scrolls by itself, for the keyboard, too.
    let region = [("class", "box"), ("role", "region"), ("aria-labelledby", "rows-title"), ("tabindex", "0")];
    section.within("div", &region, |section| {
        section.within("table", &[("class", "rows"), ("id", "rows")], |table| {
            table.leaf("caption", &[], "Objects that failed");
            table.within("thead", &[], |head| {
                head.within("tr", &[], |row| {
                    row.leaf("th", &[("scope", "col"), ("data-sort", "text")], "Key");
                    for (name, sort, _) in COLUMNS {
                        row.leaf("th", &[("scope", "col"), ("data-sort", sort)], name);
                    }
                });
            });
            table.within("tbody", &[], |body| {
                for row in &failures.rows {
                    one(body, row, has_buckets);
                    body.line();
                }
            });
        });
    });
    section.leaf("p", &[("class", "more printed")], "On paper, only the first hundred rows are shown.");
}

fn one(body: &mut Markup, failed: &FailedRow, has_buckets: bool) {
    body.within("tr", &[], |row| {
        row.within("th", &[("scope", "row")], |head| {
            if has_buckets {
                head.name(&format!("{}/", failed.bucket));
            }
            head.name(&failed.key);
            if !failed.version_id.is_empty() {
                head.within("span", &[("class", "more")], |more| {
                    more.text(" version ");
                    more.name(&failed.version_id);
                });
            }
        });
        for (name, sort, of) in COLUMNS {
            let size = failed.size.filter(|_| name == "Size");
            let shown = size.map_or_else(|| of(failed).to_owned(), human_bytes);
            let exact = size.map(|size| size.to_string()).unwrap_or_default();
            let class = if sort == "number" { "number" } else { "text" };
            let mut attributes = vec![("class", class), ("data-label", name)];
            if size.is_some() {
                attributes.push(("data-value", &exact));
            }
            row.within("td", &attributes, |td| td.name(if shown.is_empty() { UNKNOWN } else { &shown }));
        }
    });
}
