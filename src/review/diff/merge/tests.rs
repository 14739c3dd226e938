use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::State;

type Wanted = BTreeMap<(Vec<u8>, String), Change>;

fn rows(text: &str) -> Rows {
    Rows::of(Path::new("x.csv"), std::io::Cursor::new(text.to_owned())).unwrap()
}

/// A change with its key and version.
type One = (Vec<u8>, String, Change);

/// What is told of two reports: each change, and the whole.
fn told(old: &str, new: &str) -> Result<(Vec<One>, Comparison), DiffError> {
    let mut changes = Vec::new();
    let mut take = |changed: &Changed<'_>| {
        let either = changed.new.or(changed.old).unwrap();
        changes.push((
            either.key.clone(),
            String::from_utf8(either.version.clone()).unwrap(),
            changed.change,
        ));
        Ok(())
    };
    let told = compare(rows(old), rows(new), Options::default(), &mut take)?;
    Ok((changes, told))
}

fn refused(old: &str, new: &str) -> String {
    told(old, new).unwrap_err().to_string()
}

#[test]
fn a_column_that_a_report_lacks_is_no_difference() {
    let old = "key,state,access_tier\na,archived,ARCHIVE_ACCESS\nb,archived,ARCHIVE_ACCESS\n";
    for (old, new) in
        [(old, "key,state\na,archived\nb,archived\n"), ("key,state\na,archived\nb,archived\n", old)]
    {
        let (changes, told) = told(old, new).unwrap();
        assert_eq!((changes.len(), told.unchanged), (0, 2), "{changes:?}");
    }
    let (changes, _) = told(old, "key,state,access_tier\na,archived,\nb,archived,ARCHIVE_ACCESS\n").unwrap();
    assert_eq!(changes, [(b"a".to_vec(), String::new(), Change::Class)]);
}

#[derive(Clone, Debug)]
struct Object {
    key: String,
    version: u32,
    state: State,
}

/// Objects in the order of a listing: keys in byte order, the newest version (the highest) first.
fn listing() -> impl Strategy<Value = Vec<Object>> {
    let states = proptest::sample::select(State::ALL);
    proptest::collection::btree_map(("[ab\u{e9}/]{1,3}", 0..6u32), states, 0..40).prop_map(|objects| {
        let mut all: Vec<Object> =
            objects.into_iter().map(|((key, version), state)| Object { key, version, state }).collect();
        all.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()).then(b.version.cmp(&a.version)));
        all
    })
}

/// A report of `objects`, its columns in an order that `turned` decides.
fn report(objects: &[Object], turned: bool) -> String {
    let head = if turned {
        "state,extra,size,version_id,key,bucket\n"
    } else {
        "bucket,key,version_id,size,state\n"
    };
    let mut text = head.to_owned();
    for Object { key, version, state } in objects {
        text = if turned {
            format!("{text}{state},\"x,\ny\",{version},v{version},{key},b\n")
        } else {
            format!("{text}b,{key},v{version},{version},{state}\n")
        };
    }
    text
}

proptest! {
    /// Whatever the two reports hold: as a map of all objects would tell it.
    #[test]
    fn the_merge_finds_what_a_map_finds(old in listing(), new in listing(), turned: bool) {
        let map = |objects: &[Object]| -> BTreeMap<(Vec<u8>, String), State> {
            objects.iter().map(|o| ((o.key.clone().into_bytes(), format!("v{}", o.version)), o.state)).collect()
        };
        let (before, after) = (map(&old), map(&new));
        let sight = |state: &State| Sight { state: Some(*state), ..Sight::default() };
        let mut wanted = Wanted::new();
        let mut unchanged = 0;
        for name in before.keys().chain(after.keys()) {
            let (was, is) = (before.get(name).map(sight), after.get(name).map(sight));
            if let Some(change) = change(was.as_ref().map(Sight::seen).as_ref(), is.as_ref().map(Sight::seen).as_ref()) {
                wanted.insert(name.clone(), change);
            } else if before.contains_key(name) && after.contains_key(name) {
                unchanged += 1;
            }
        }
        let (changes, whole) = told(&report(&old, turned), &report(&new, !turned)).unwrap();
        let found: Wanted =
            changes.iter().map(|(key, version, change)| ((key.clone(), version.clone()), *change)).collect();
        prop_assert_eq!(found.len(), changes.len(), "each object once");
        prop_assert_eq!(found, wanted);
        prop_assert!(changes.is_sorted_by(|a, b| a.0 <= b.0), "in the order of keys");
        // Each was counted twice above: once from either report.
        prop_assert_eq!(whole.unchanged * 2, unchanged);
        prop_assert_eq!((whole.old.rows, whole.new.rows), (old.len() as u64, new.len() as u64));
        let objects: u64 = whole.changes.values().map(|count| count.objects).sum();
        prop_assert_eq!(objects, changes.len() as u64);
        prop_assert_eq!(whole.unpaired, 0);
    }
}

#[test]
fn keys_are_decoded_before_they_are_compared() {
    let old = "bucket,key,key_encoding,state\nb,a%0Ab,url,archived\nb,a%20b,,archived\n";
    let new = "bucket,key,key_encoding,state\nb,a%0Ab,url,restored\nb,a%20b,,archived\n";
    let (changes, whole) = told(old, new).unwrap();
    assert_eq!(changes, [(b"a\nb".to_vec(), String::new(), Change::Readable)]);
    assert_eq!(whole.unchanged, 1);
}

#[test]
fn a_row_without_version_goes_with_the_newest() {
    let current = "key,state\na,archived\nb,archived\n";
    let versions = "key,version_id,state\na,v2,restored\na,v1,archived\nb,v9,archived\n";
    let (changes, _) = told(current, versions).unwrap();
    let told: Vec<_> = changes.iter().map(|(_, version, change)| (version.as_str(), *change)).collect();
    assert_eq!(told, [("v2", Change::Readable), ("v1", Change::Appeared)]);
}

#[test]
fn what_cannot_be_compared_is_told_with_its_line() {
    let good = "bucket,key,state\nb,a,archived\n";
    for (bad, wanted) in [
        ("bucket,key,state\nb,b,archived\nb,a,archived\n", "line 3: its key `a` belongs before `b`"),
        ("bucket,key,state\nb,a,archived\nc,b,archived\n", "line 3: it is of the bucket `c`"),
        (
            "bucket,key,state\nb,a,archived\nb,a,archived\n",
            "line 3: its key `a` is that of the row above: an object stands in a report once",
        ),
        (
            "bucket,key,version_id,state\nb,a,v2,archived\nb,a,v1,archived\nb,a,v1,restored\n",
            "line 4: its key `a`, version `v1` is that of the row above",
        ),
        ("bucket,key,state\nb,a,frozen\n", "line 2: its state `frozen` is none"),
        ("bucket,key,state,size\nb,a,archived,-1\n", "line 2: its size `-1` is not a number"),
        ("bucket,key,state,checked_at\nb,a,archived,yesterday\n", "line 2: its checked_at `yesterday`"),
        ("bucket,key,state\nc,a,archived\n", "different buckets"),
    ] {
        for text in [refused(good, bad), refused(bad, good)] {
            assert!(text.contains(wanted), "{text}");
        }
    }
    // A report without rows has no bucket of its own.
    assert_eq!(told(good, "bucket,key,state\n").unwrap().1.of(Change::Vanished).objects, 1);
}

#[test]
fn versions_beyond_the_bound_are_told_as_gone_and_counted() {
    let versions = |numbers: &mut dyn Iterator<Item = usize>| {
        let rows: Vec<String> = numbers.map(|n| format!("k,{n},archived\n")).collect();
        format!("key,version_id,state\n{}", rows.concat())
    };
    let most = MOST_VERSIONS;
    // Up to the bound, versions meet in whatever order; as a store lists them, hardly any waits.
    let old = versions(&mut (0..most));
    let (changes, whole) = told(&old, &versions(&mut (0..most).rev())).unwrap();
    assert_eq!((changes.len(), whole.unpaired), (0, 0));
    // All of them twice as many, newest first, half of them new: still exact.
    let (changes, whole) = told(&old, &versions(&mut (most..2 * most).chain(0..most))).unwrap();
    assert_eq!((changes.len(), whole.of(Change::Appeared).objects, whole.unpaired), (most, most as u64, 0));
    // Beyond it.
    // Two lists that run against each other meet half-way.
    let many = 2 * most + 10;
    let (changes, whole) = told(&versions(&mut (0..many)), &versions(&mut (0..many).rev())).unwrap();
    // Those that had to go, and those that come for them later.
    assert_eq!((whole.unpaired, changes.len()), (10, 20));
}
