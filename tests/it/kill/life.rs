//! One run from its first session to its last, and what is found wrong with its report.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use defrost::pipeline::checkpoint::{CommitPoint, VARIABLE};

use super::dice::Dice;
use super::record::{Id, Record, id_of, ledger};
use super::scenario::Scenario;
use super::tear::{journal_length, tear};
use crate::support::{Going, Ran, Rig, Row};
use crate::trial::{json, rows_of, sha256, told};

/// When a session is to be killed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// When the store has served so many requests of it.
    Served(u64),
    /// So many milliseconds after its start.
    After(u64),
    /// At the n-th pass of a commit point.
    Point(CommitPoint, u32),
    /// As before, but by SIGTERM, which lets it close its files.
    Asked(CommitPoint, u32),
}

/// What many lives came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    pub(super) lives: u64,
    pub(super) kills: u64,
    pub(super) resumes: u64,
    pub(super) torn: u64,
    pub(super) rows: u64,
    /// Answers that were on disk at a kill.
    pub(super) records: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// POSTs for objects whose acceptance was on disk.
    pub(super) repeated: u64,
    /// Recorded answers whose row does not show them.
    pub(super) forgotten: u64,
    /// Lives whose report is not that of the unbroken run.
    pub(super) unequal: u64,
    pub(super) points: BTreeSet<&'static str>,
    /// What was found, for whoever has to look for the cause.
    pub(super) faults: Vec<String>,
}

impl Score {
    pub(super) fn add(&mut self, other: Self) {
        self.lives += other.lives;
        self.kills += other.kills;
        self.resumes += other.resumes;
        self.torn += other.torn;
        self.rows += other.rows;
        self.records += other.records;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.repeated += other.repeated;
        self.forgotten += other.forgotten;
        self.unequal += other.unequal;
        self.points.extend(other.points);
        self.faults.extend(other.faults);
    }
}

/// How a session ended.
enum Ended {
    Killed,
    /// It was asked to end, and did.
    Stopped,
    Done(Ran),
}

/// Lives one life: a session for each moment, and one that is left alone.
pub(super) fn live(scenario: &Scenario, moments: &[Moment], dice: &mut Dice) -> Score {
    // A file that cannot be read is a finding like any other.
    let lived = catch_unwind(AssertUnwindSafe(|| lived(scenario, moments, dice)));
    let mut score = lived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map_or("a panic", String::as_str);
        Score { lives: 1, unequal: 1, faults: vec![text.to_owned()], ..Score::default() }
    });
    for fault in &mut score.faults {
        *fault = format!("{}, {moments:?}: {fault}", scenario.name);
    }
    score
}

fn lived(scenario: &Scenario, moments: &[Moment], dice: &mut Dice) -> Score {
    let rig = scenario.rig();
    let mut score = Score { lives: 1, ..Score::default() };
    // Answered requests on disk: their ids, and how often the object had been asked for by then.
    let mut records: BTreeMap<Id, (String, u32)> = BTreeMap::new();
    for (session, moment) in moments.iter().map(Some).chain([None]).enumerate() {
        score.resumes += u64::from(session > 0);
        let before = journal_length(&rig);
        match run(scenario, &rig, moment.copied()) {
            Ended::Done(ran) if ran.code == 0 => break,
            Ended::Done(ran) => {
                score.faults.push(format!("session {session} ended with {}: {}", ran.code, ran.stderr));
                break;
            }
            Ended::Stopped => score.points.extend(moment.and_then(point)),
            Ended::Killed => {
                score.kills += 1;
                score.points.extend(moment.and_then(point));
            }
        }
        if Record::of(&rig).finished {
            break;
        }
        if dice.roll(3) == 0 {
            score.torn += 1;
            tear(&rig, before, dice);
        }
        let record = Record::of(&rig);
        let posts = ledger(&rig);
        for (id, request_id) in record.answered {
            let asked = posts.get(&id).map_or(0, |(asked, _)| *asked);
            records.entry(id).or_insert((request_id, asked));
        }
    }
    judge(scenario, &rig, &records, &mut score);
    score
}

const fn point(moment: &Moment) -> Option<&'static str> {
    match moment {
        Moment::Point(point, _) | Moment::Asked(point, _) => Some(point.name()),
        Moment::Served(_) | Moment::After(_) => None,
    }
}

fn run(scenario: &Scenario, rig: &Rig, moment: Option<Moment>) -> Ended {
    let mut command = rig.line(scenario.vendor, &scenario.line());
    match moment {
        Some(Moment::Point(point, pass)) => command.env(VARIABLE, format!("{} {pass} KILL", point.name())),
        Some(Moment::Asked(point, pass)) => command.env(VARIABLE, format!("{} {pass} TERM", point.name())),
        Some(Moment::Served(_) | Moment::After(_)) | None => &mut command,
    };
    let before = rig.server.ledger().counts().total;
    let mut going = Going::spawn(command, &rig.path("stderr"));
    match moment {
        Some(Moment::Served(requests)) => {
            crate::support::until("it got on or is done", || {
                rig.server.ledger().counts().total >= before + requests || going.ended()
            });
        }
        Some(Moment::After(millis)) => std::thread::sleep(std::time::Duration::from_millis(millis)),
        Some(Moment::Point(..) | Moment::Asked(..)) | None => {
            let ran = going.wait();
            return match (moment, ran.code) {
                // The shell calls a signal -1 here: the process has no exit code.
                (Some(Moment::Point(..)), -1) => Ended::Killed,
                (Some(Moment::Asked(..)), 143) => Ended::Stopped,
                _ => Ended::Done(ran),
            };
        }
    }
    if going.ended() {
        return Ended::Done(going.wait());
    }
    going.kill();
    Ended::Killed
}

/// What a row tells, but for what depends on the second at which it came: the end of a copy that was
/// extended is counted from then.
fn of_any_hour(row: &Row) -> Row {
    let mut row = told(row);
    if row["action"] == "extended" {
        row.remove("expires_at");
    }
    row
}

/// Holds the finished report against the unbroken one, and the store's ledger against both.
fn judge(scenario: &Scenario, rig: &Rig, records: &BTreeMap<Id, (String, u32)>, score: &mut Score) {
    let report = rig.path(scenario.report);
    let left_over = [".partial", ".new"].map(|ending| rig.path(&format!("{}{ending}", scenario.report)));
    if !report.exists() || left_over.iter().any(|path| path.exists()) {
        score.faults.push("there is no finished report, or a part of one beside it".to_owned());
        score.unequal += 1;
        return;
    }
    let faults = score.faults.len();
    let (found, wanted) = (rows_of(&report), scenario.unbroken());
    let ids: Vec<Id> = found.iter().map(id_of).collect();
    let distinct: BTreeSet<&Id> = ids.iter().collect();
    let missing = wanted.iter().filter(|row| !distinct.contains(&id_of(row))).count();
    score.rows += found.len() as u64;
    score.records += records.len() as u64;
    score.lost += missing as u64;
    score.doubled += (ids.len() - distinct.len()) as u64;
    if ids == wanted.iter().map(id_of).collect::<Vec<_>>() {
        for (found, wanted) in found.iter().zip(wanted) {
            let id = id_of(found);
            // An answer that was not on disk yet: the next session finds what came of the request.
            let unrecorded = !wanted["http_status"].is_empty()
                && !records.contains_key(&id)
                && match (found["action"].as_str(), found["state"].as_str()) {
                    ("already", "restoring") => ["requested", "already"].contains(&&*wanted["action"]),
                    ("none", "restored") => wanted["action"] == "extended",
                    _ => false,
                };
            if !unrecorded && of_any_hour(found) != of_any_hour(wanted) {
                score.faults.push(format!("found {found:?}, wanted {wanted:?}"));
            }
        }
    } else {
        let fault = format!("{} rows for {}, {missing} missing", found.len(), wanted.len());
        score.faults.push(fault);
    }
    let posts = ledger(rig);
    let rows: BTreeMap<&Id, _> = ids.iter().zip(&found).collect();
    for (id, (request_id, asked)) in records {
        let again = posts.get(id).map_or(0, |(now, _)| now - asked);
        score.repeated += u64::from(again);
        let shown = rows.get(id).is_some_and(|row| {
            !row["http_status"].is_empty() && row["request_id"] == *request_id && !request_id.is_empty()
        });
        score.forgotten += u64::from(!shown);
        if again > 0 || !shown {
            score.faults.push(format!("{id:?} asked again {again} times, row {:?}", rows.get(id)));
        }
    }
    for (id, row) in &rows {
        let accepted = posts.get(*id).map_or(0, |(_, accepted)| *accepted);
        let asked_for = ["requested", "extended"].contains(&row["action"].as_str());
        if accepted > 1 || (asked_for && accepted != 1) {
            score.faults.push(format!("{id:?} was accepted {accepted} times, its row is {row:?}"));
        }
    }
    for id in posts.keys().filter(|id| !rows.contains_key(id)) {
        score.faults.push(format!("{id:?} was asked for and has no row"));
    }
    let summary = json(&rig.path("r.summary.json"));
    if summary["report_sha256"] != sha256(&report) {
        score.faults.push("the summary is not that of the report".to_owned());
    }
    let counted = &summary["tally"]["actions"]["requested"]["objects"];
    let requested = found.iter().filter(|row| row["action"] == "requested").count();
    if counted.as_u64().unwrap_or(0) != requested as u64 {
        score.faults.push(format!("the summary counts {counted} requested, the report {requested}"));
    }
    score.unequal += u64::from(score.faults.len() > faults);
}
