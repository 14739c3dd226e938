use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::Seal;

const NOW: &str = "2026-11-21T08:00:00Z";

fn audit(text: &str) -> Audit {
    try_audit(text.as_bytes()).unwrap()
}

fn try_audit(text: &[u8]) -> Result<Audit, ReadError> {
    let mut audit = Audit::new("x.csv".to_owned(), NOW.parse().unwrap());
    let mut rows = Rows::of(Path::new("x.csv"), std::io::Cursor::new(text.to_vec()))?;
    count(&mut audit, &mut rows)?;
    Ok(audit)
}

/// One row of the model.
#[derive(Clone, Debug)]
struct Fact {
    key: String,
    class: &'static str,
    size: u64,
    state: State,
    day: Option<u8>,
    action: Action,
    reason: Option<Reason>,
    code: &'static str,
    flag: Option<Flag>,
}

fn fact() -> impl Strategy<Value = Fact> {
    let place = ("[ab]/([ab]/)?[a-z]{1,3}", prop_oneof![Just("Archive"), Just("IA"), Just("")], 0_u64..1_000);
    let state = (proptest::sample::select(State::ALL), proptest::option::of(1_u8..29));
    let done = (
        proptest::sample::select(Action::ALL),
        proptest::option::of(proptest::sample::select(Reason::ALL)),
        prop_oneof![Just(""), Just("AccessDenied"), Just("SlowDown")],
        proptest::option::of(proptest::sample::select(Flag::ALL)),
    );
    (place, state, done).prop_map(|((key, class, size), (state, day), (action, reason, code, flag))| Fact {
        key,
        class,
        size,
        state,
        day,
        action,
        reason,
        code,
        flag,
    })
}

fn csv_of(facts: &[Fact]) -> String {
    let mut text =
        "flags,bucket,extra,key,storage_class,size,state,expires_at,action,reason,error_code,checked_at\n"
            .to_owned();
    for (n, fact) in facts.iter().enumerate() {
        let flag = fact.flag.map_or("", Flag::as_str);
        let day = fact.day.map_or(String::new(), |day| format!("2026-11-{day:02}T12:00:00Z"));
        let reason = fact.reason.map_or("", Reason::as_str);
        let _ = writeln!(
            text,
            "{flag},b,\"x,\ny\",{},{},{},{},{day},{},{reason},{},2026-11-21T0{}:00:00Z",
            fact.key,
            fact.class,
            fact.size,
            fact.state,
            fact.action,
            fact.code,
            n % 8
        );
    }
    text
}

fn sum<'f>(facts: impl Iterator<Item = &'f Fact>) -> Count {
    let mut sum = Count::default();
    facts.for_each(|fact| sum.add(fact.size));
    sum
}

proptest! {
    #[test]
    fn the_figures_are_those_of_a_recount(facts in proptest::collection::vec(fact(), 1..60)) {
        let audit = audit(&csv_of(&facts));
        prop_assert_eq!(audit.total, sum(facts.iter()));
        prop_assert!(audit.lacks.is_empty() && audit.unread.is_empty());
        for &state in State::ALL {
            prop_assert_eq!(audit.state(state), sum(facts.iter().filter(|f| f.state == state)));
            for class in ["Archive", "IA", ""] {
                let told = audit.classes.get(class).and_then(|states| states.get(&state));
                let expected = sum(facts.iter().filter(|f| f.state == state && f.class == class));
                prop_assert_eq!(told.copied().unwrap_or_default(), expected);
            }
        }
        for &action in Action::ALL {
            let told = audit.actions.get(&action).copied().unwrap_or_default();
            prop_assert_eq!(told, sum(facts.iter().filter(|f| f.action == action)));
        }
        for &reason in Reason::ALL {
            let told = audit.reasons.get(&reason).copied().unwrap_or_default();
            prop_assert_eq!(told, facts.iter().filter(|f| f.reason == Some(reason)).count() as u64);
        }
        for &flag in Flag::ALL {
            let told = audit.flags.get(&flag).cloned().unwrap_or_default();
            let mut flagged = facts.iter().filter(|f| f.flag == Some(flag));
            prop_assert_eq!(told.count, sum(flagged.clone()));
            prop_assert_eq!(told.first_key, flagged.next().map_or("", |f| &f.key));
        }
        let copies: Vec<&Fact> = facts.iter().filter(|f| f.state == State::Restored).collect();
        for day in 1..29 {
            let date = jiff::civil::date(2026, 11, i8::try_from(day).unwrap());
            let told = audit.lapses.days.get(&date).copied().unwrap_or_default();
            prop_assert_eq!(told, sum(copies.iter().copied().filter(|f| f.day == Some(day))));
        }
        prop_assert_eq!(audit.lapses.undated, sum(copies.iter().copied().filter(|f| f.day.is_none())));
        let lapsed = copies.iter().copied().filter(|f| f.day.is_some_and(|day| day < 21));
        prop_assert_eq!(audit.lapses.by_now, sum(lapsed));
        let failed: Vec<&Fact> = facts.iter().filter(|f| f.action == Action::Failed).collect();
        let code = |f: &Fact| match (f.code, f.reason) {
            ("", None) => "unknown".to_owned(),
            ("", Some(reason)) => reason.to_string(),
            (code, _) => code.to_owned(),
        };
        prop_assert_eq!(audit.failures.rows.len(), failed.len());
        for (row, fact) in audit.failures.rows.iter().zip(&failed) {
            prop_assert_eq!((&row.key, &row.code, row.size), (&fact.key, &code(fact), Some(fact.size)));
        }
        let by_code: u64 = audit.errors.values().map(|count| count.count.objects).sum();
        prop_assert_eq!(by_code, failed.len() as u64);
        // Each object is in one share, and each archived object in one of the archived ones.
        let shares = |shares: &[crate::model::Share]| shares.iter().map(|s| s.total.objects).sum::<u64>();
        prop_assert_eq!(shares(&audit.folders.all), facts.len() as u64);
        let archived: u64 = audit.folders.archived.iter().map(|s| s.archived().objects).sum();
        let lapsed = audit.state(State::Archived).objects + audit.state(State::Expired).objects;
        prop_assert_eq!(archived, lapsed);
    }
}

#[test]
fn columns_that_lack_are_told_as_lacking() {
    let keys = audit("key\na/1\nb/2\n");
    assert_eq!(keys.total.objects, 2);
    assert_eq!(keys.lacks, WANTED);
    assert!(!keys.has("size") && keys.actions.is_empty() && keys.lapses.is_empty() && keys.checked.is_none());
    assert_eq!(keys.seal, Seal::NoSummary);
    assert_eq!(keys.folders.all.len(), 2, "by number where sizes are not known");
    // Without states, what has a date is a copy.
    let dated = audit("key,expires_at\na,2026-12-01T00:00:00Z\nb,\n");
    assert_eq!((dated.lapses.days.len(), dated.lapses.undated.objects), (1, 0));
}

#[test]
fn what_cannot_be_read_is_counted_and_not_guessed() {
    let audit = audit(
        "key,size,state,expires_at,action,flags,checked_at\n\
         a,many,frozen,,thawed,odd,yesterday\n\
         b,7,restored,soon,none,,\n",
    );
    let unread: Vec<(&str, u64)> = audit.unread.iter().map(|(&column, &n)| (column, n)).collect();
    assert_eq!(
        unread,
        [("action", 1), ("checked_at", 1), ("expires_at", 1), ("flags", 1), ("size", 1), ("state", 1)]
    );
    assert_eq!((audit.total.bytes, audit.state(State::Unknown).objects), (7, 1));
    assert_eq!(audit.lapses.undated.objects, 1);
}

#[test]
fn folders_of_several_buckets_bear_their_names() {
    let two = audit("bucket,key,size\nb,x/1,5\nc,x/1,6\n");
    let prefixes: Vec<&str> = two.folders.all.iter().map(|share| share.prefix.as_str()).collect();
    assert_eq!(prefixes, ["c/x/", "b/x/"]);
    assert_eq!(two.buckets.len(), 2);
    let one = audit("bucket,key,size\nb,x/y/1,5\nb,x/z/1,6\n");
    assert_eq!((one.folders.common.as_str(), one.folders.all[0].prefix.as_str()), ("x/", "x/z/"));
    // The folder's name is decoded before it is cut, and shown as keys are.
    let odd = audit("key,key_encoding\nx%0A/%2F1,url\n");
    assert_eq!(odd.folders.common, "x%0A//");
}

#[test]
fn a_faulty_row_is_named_by_its_line() {
    let fault = try_audit(b"key,size\na,1\nb\nc,1\n").unwrap_err().to_string();
    assert_eq!(fault, "`x.csv`, line 3: it has 1 fields where 2 are named");
    let fault = try_audit(b"key,size\n,1\n").unwrap_err().to_string();
    assert_eq!(fault, "`x.csv`, line 2: its key is empty");
}

#[test]
fn names_are_bounded() {
    let mut text = "key,bucket,storage_class,action,error_code\n".to_owned();
    for n in 0..1_000 {
        let _ = writeln!(text, "k,b{n},c{n},failed,e{n}");
    }
    let audit = audit(&text);
    for (names, other) in [
        (audit.classes.len(), audit.classes["(other)"][&State::Unknown].objects),
        (audit.buckets.len(), audit.buckets["(other)"].objects),
        (audit.errors.len(), audit.errors["(other)"].count.objects),
    ] {
        assert_eq!((names, other), (MOST_NAMES + 1, 1_000 - MOST_NAMES as u64));
    }
}
