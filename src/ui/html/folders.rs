//! States by folder, and the largest folders that are archived still.

use super::markup::Markup;
use super::{bar, cells, columns, percent, section, size};
use crate::model::{Audit, Share, State};
use crate::ui::audit::{AT_LEAST, share_name};
use crate::ui::human_count;

pub(super) fn put(main: &mut Markup, audit: &Audit) {
    let folders = &audit.folders;
    section(main, "folders", "Where they are", |section| {
        section.within("p", &[("class", "lead")], |p| {
            if !folders.common.is_empty() {
                p.text("All keys begin with ");
                p.name(&folders.common);
                p.text(". ");
            }
            p.text("Each object is counted in one row; large folders are told deeper than small ones.");
        });
        if folders.at_least {
            section.leaf("p", &[("class", "lead")], &format!("Take note: {AT_LEAST}."));
        }
        let longest =
            folders.all.iter().map(|share| bar::length(share.total, audit)).max().unwrap_or_default();
        section.within("table", &[("class", "folders")], |table| {
            table.leaf("caption", &[], "Objects and bytes by folder, the largest first");
            columns(table, &[("Folder", false), ("Objects", true), ("Size", true)]);
            table.within("tbody", &[], |body| {
                for share in &folders.all {
                    body.within("tr", &[], |row| {
                        folder(row, share, longest, audit);
                        cells(row, share.total, audit);
                    });
                }
            });
        });
        if !folders.archived.is_empty() {
            archived(section, audit);
        }
    });
}

/// The name, and the bar below it.
fn folder(row: &mut Markup, share: &Share, longest: u64, audit: &Audit) {
    row.within("th", &[("scope", "row")], |head| {
        head.name(&share_name(share, &audit.folders));
        bar::put(head, &share.states, longest, audit);
    });
}

fn archived(section: &mut Markup, audit: &Audit) {
    let longest = audit.folders.archived.first().map_or(0, |share| bar::length(share.archived(), audit));
    section.within("table", &[("class", "folders")], |table| {
        table.leaf("caption", &[], "Largest folders that are archived still");
        columns(table, &[("Folder", false), ("Archived", true), ("Size", true), ("Of its objects", true)]);
        table.within("tbody", &[], |body| {
            for share in &audit.folders.archived {
                let count = share.archived();
                body.within("tr", &[], |row| {
                    row.within("th", &[("scope", "row")], |head| {
                        head.name(&share_name(share, &audit.folders));
                        let only = [State::Archived, State::Expired];
                        let states = share.states.iter().filter(|(state, _)| only.contains(state));
                        bar::put(
                            head,
                            &states.map(|(&state, &count)| (state, count)).collect(),
                            longest,
                            audit,
                        );
                    });
                    row.leaf("td", &[("class", "number")], &human_count(count.objects));
                    row.leaf("td", &[("class", "number")], &size(count, audit));
                    let part = percent(count.objects, share.total.objects);
                    row.leaf("td", &[("class", "number")], &part);
                });
            }
        });
    });
}
