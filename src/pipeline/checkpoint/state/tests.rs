use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::{Action, Outcome, RequestCounts, State, SystemClock, Tally};
use crate::pipeline::checkpoint::{MarkedKey, MarkedRange};
use crate::pipeline::report::{Extent, Reached};

fn mark(key: &[u8], version: Option<&[u8]>, report_len: u64) -> Mark {
    Mark {
        identity: vec![("days".to_owned(), "7".to_owned()), ("url".to_owned(), "s3://b/".to_owned())],
        run_id: "20261121T010000Z-0000".to_owned(),
        started_at: "2026-11-21T01:00:00Z".parse().unwrap(),
        saved_at: "2026-11-21T01:00:01Z".parse().unwrap(),
        report: PathBuf::from("/reports/r.csv"),
        written: Durable { len: report_len, checksum: "sha256:5e".to_owned() },
        rows: 3,
        ranges: vec![
            MarkedRange {
                after: Some(MarkedKey::new(key)),
                after_version: version.map(MarkedKey::new),
                until: Some(MarkedKey::new(b"~")),
                ..MarkedRange::default()
            },
            MarkedRange {
                after: Some(MarkedKey::new(b"~")),
                aside: [Extent { start: 7, len: 9 }].into(),
                done: true,
                ..MarkedRange::default()
            },
        ],
        aside: Durable { len: 16, checksum: "crc32:a5".to_owned() },
        sealed: false,
        made: Vec::new(),
        copies_until: None,
        undone: false,
        left: crate::pipeline::budget::Left::default(),
        confirmed: false,
        tally: Tally::default(),
        requests: RequestCounts::default(),
        elapsed: Duration::from_millis(1500),
        timeline: None,
        expected: Expected::default(),
        sessions: 1,
        finished: None,
    }
}

/// What the mark says, as text: marks need not be comparable for anything else.
fn text(mark: &Mark) -> String {
    serde_json::to_string(mark).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mark_comes_back_and_leads_to_the_same_place(
        key in proptest::collection::vec(any::<u8>(), 0..40),
        version in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..20)),
        report_len: u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let saved = mark(&key, version.as_deref(), report_len);
        state.save(&saved).unwrap();
        let back = StateDir::peek(folder.path()).unwrap().unwrap();
        prop_assert_eq!(text(&back), text(&saved));
        let segments = back.segments().unwrap();
        let place = Reached { key, version: version.unwrap_or_default() };
        prop_assert_eq!(&segments[0].reached, &Some(place));
        prop_assert_eq!(&segments[0].until, &Some(b"~".to_vec()));
        prop_assert_eq!(&segments[1].aside, &[Extent { start: 7, len: 9 }]);
        prop_assert!(segments[1].done && !segments[0].done);
    }

    #[test]
    fn a_spoilt_mark_is_refused_or_says_what_it_said(at: prop::sample::Index, flip in 1_u8.., cut: bool) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let saved = mark(b"a/\xff\n", None, 4711);
        state.save(&saved).unwrap();
        let path = folder.path().join(MARK);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        std::fs::write(&path, bytes).unwrap();
        match StateDir::peek(folder.path()) {
            Ok(None) => prop_assert!(false, "a spoilt mark counts as none"),
            Ok(Some(back)) => prop_assert_eq!(text(&back), text(&saved)),
            Err(CheckpointError::Damaged { .. } | CheckpointError::Foreign { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn a_mark_of_another_job_names_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    state.save(&mark(b"k", None, 1)).unwrap();
    drop(state.journal(&mark(b"k", None, 1).run_id, None, Arc::new(SystemClock::new())).unwrap());
    let now = [("days".to_owned(), "8".to_owned()), ("rows".to_owned(), "all".to_owned())];
    let refused = state.unfinished(&now, Timestamp::MIN).unwrap_err();
    let CheckpointError::OtherJob { changed, .. } = &refused else { panic!("{refused}") };
    let changed: Vec<_> =
        changed.iter().map(|(f, was, is)| (f.as_str(), was.as_str(), is.as_str())).collect();
    assert_eq!(changed, [("days", "7", "8"), ("rows", "", "all"), ("url", "s3://b/", "")]);
    assert!(refused.to_string().contains("days was `7`, now `8`; rows was not set, now `all`"), "{refused}");
}

#[test]
fn a_run_has_lapsed_when_its_last_copy_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let mut mark = mark(b"k", None, 1);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let lapsed = |state: &StateDir, mark: &Mark, now: &str| {
        state.save(mark).unwrap();
        state.unfinished(&mark.identity, at(now)).unwrap().unwrap().lapsed
    };
    let mut journal = state.journal(&mark.run_id, None, Arc::new(SystemClock::new())).unwrap();
    assert_eq!(lapsed(&state, &mark, "2036-01-01T00:00:00Z"), None, "nothing was asked for");
    mark.copies_until = Some(at("2026-11-28T01:00:00Z"));
    assert_eq!(lapsed(&state, &mark, "2026-11-28T00:59:59Z"), None);
    assert_eq!(lapsed(&state, &mark, "2026-11-28T01:00:00Z"), mark.copies_until);
    // An answer that only the journal knows counts as well.
    let mut outcome = Outcome::seen(State::Restoring, None, at("2026-11-22T00:00:00Z"));
    (outcome.action, outcome.days) = (Action::Requested, Some(7));
    journal.record(b"z", b"", &outcome).unwrap();
    drop(journal);
    assert_eq!(lapsed(&state, &mark, "2026-11-28T01:00:00Z"), None);
    let until = at("2026-11-29T00:00:00Z");
    assert_eq!(lapsed(&state, &mark, "2026-11-29T00:00:00Z"), Some(until));
}

/// A build that did not take down what was done when: its run goes on, and has no timeline. But rows that
/// wait were not packed then.
#[test]
fn an_unfinished_run_of_format_4_is_gone_on_with_unless_rows_wait() {
    use sha2::{Digest as _, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let write = |mark: &Mark| {
        let mut fields = serde_json::to_value(mark).unwrap();
        fields
            .as_object_mut()
            .unwrap()
            .retain(|field, _| !["timeline", "expected"].contains(&field.as_str()));
        let text = fields.to_string();
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        let file = format!(r#"{{"format":4,"finished":false,"sha256":"{sha256}","mark":{text}}}"#);
        std::fs::write(folder.path().join(MARK), file).unwrap();
    };
    let waiting = mark(b"k", None, 1);
    write(&waiting);
    let refused = state.unfinished(&waiting.identity, Timestamp::MIN);
    assert!(matches!(refused, Err(CheckpointError::Foreign { found: 4, finished: false, .. })));
    write(&Mark { aside: Durable::default(), ranges: vec![waiting.ranges[0].clone()], ..waiting });
    drop(state.journal(&mark(b"k", None, 1).run_id, None, Arc::new(SystemClock::new())).unwrap());
    let found = state.unfinished(&mark(b"k", None, 1).identity, Timestamp::MIN).unwrap().unwrap();
    assert_eq!((found.mark.timeline, found.mark.expected), (None, Expected::default()));
}

#[test]
fn a_finished_run_of_the_same_job_tells_what_to_expect() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let mut mark = mark(b"k", None, 1);
    mark.tally.listed = 7;
    let listed = |mark: &Mark, identity: &[(String, String)]| {
        state.save(mark).unwrap();
        state.expected(identity).listed
    };
    let own = mark.identity.clone();
    assert_eq!(listed(&mark, &own), None, "it has not seen all of it");
    mark.finished = Some("complete".to_owned());
    assert_eq!(listed(&mark, &own), Some(7));
    assert_eq!(listed(&mark, &own[1..]), None, "another job");
}

#[test]
fn a_finished_run_of_any_version_makes_room_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    for (finished, stands) in [(true, false), (false, true)] {
        let text = format!("{{\"format\":99,\"finished\":{finished},\"all\":\"new\"}}");
        std::fs::write(folder.path().join(MARK), text).unwrap();
        let found = state.unfinished(&[], Timestamp::MIN);
        assert_eq!(matches!(found, Err(CheckpointError::Foreign { found: 99, .. })), stands);
        assert_eq!(matches!(found, Ok(None)), !stands);
    }
}
