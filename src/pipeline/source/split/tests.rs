//! Every key once and in order, whatever happens; and how long it takes, in virtual time.

use proptest::prelude::*;

use super::trial::drive::{Keys, Latency, Outcome, Setup, drive};
use super::trial::space::{EIGHT, MORE, Space};
use super::{Kept, Planner, Position, Seen, Span, Verdict};

fn run(keys: &impl Keys, in_flight: usize, hints: &[Vec<u8>]) -> Outcome {
    run_as(keys, in_flight, hints, &Setup::default())
}

fn run_as(keys: &impl Keys, in_flight: usize, hints: &[Vec<u8>], setup: &Setup) -> Outcome {
    let out = drive(keys, Planner::new(Span::default(), in_flight, hints), setup);
    out.check(keys.count());
    out
}

fn pages(keys: &impl Keys) -> f64 {
    keys.count().div_ceil(1000) as f64
}

/// Ideal time through the time it took.
fn part_of_ideal(keys: &impl Keys, in_flight: usize, out: &Outcome) -> f64 {
    pages(keys) / in_flight as f64 / out.rounds
}

fn quantiles(keys: &impl Keys, n: u64) -> Vec<Vec<u8>> {
    (1..n).map(|i| keys.owned(keys.count() * i / n)).collect()
}

fn after(key: &[u8]) -> Position {
    Position::After(key.to_vec())
}

#[test]
fn the_key_spaces_ascend_and_are_found() {
    for name in EIGHT.into_iter().chain(MORE) {
        for n in [5_000, 10_000_000] {
            let space = Space::new(name, n);
            let count = space.count();
            assert!(count.abs_diff(n) <= n / 50 + 3000, "{name} {count}");
            let step = (count / 500).max(1);
            for i in (0..count - 1).step_by(usize::try_from(step).unwrap()) {
                let (key, next) = (space.owned(i), space.owned(i + 1));
                assert!(key < next, "{name} {i} {:?}", String::from_utf8(key));
                assert_eq!(space.lower_bound(&key, false), i, "{name}");
                assert_eq!(space.lower_bound(&key, true), i + 1, "{name}");
            }
        }
    }
}

#[test]
fn a_million_keys_33_times_as_fast_as_one_chain_on_every_key_space() {
    let mut all = Vec::new();
    for name in EIGHT {
        let space = Space::new(name, 1_000_000);
        let out = run(&space, 64, &[]);
        assert!(pages(&space) / out.rounds >= 40.0, "{name}: {} rounds", out.rounds);
        assert!(out.requests as f64 <= pages(&space) * 1.45, "{name}: {} requests", out.requests);
        all.push(out.rounds);
    }
    all.sort_by(f64::total_cmp);
    assert!(all[4] <= 22.0, "median {}", all[4]);
}

#[test]
fn other_key_spaces_do_not_fall_behind() {
    for name in MORE {
        let space = Space::new(name, 1_000_000);
        let out = run(&space, 64, &[]);
        assert!(pages(&space) / out.rounds >= 33.0, "{name}: {} rounds", out.rounds);
    }
}

#[test]
fn an_uneven_latency_costs_little() {
    let setup = Setup { latency: Latency::Tail, ..Setup::default() };
    for name in EIGHT {
        let space = Space::new(name, 1_000_000);
        let out = run_as(&space, 64, &[], &setup);
        assert!(pages(&space) / out.rounds >= 36.0, "{name}: {} rounds", out.rounds);
    }
}

/// Ten million keys at 64 in flight are in the bench; here are as many pages for each request in
/// flight.
#[test]
fn long_listings_come_near_the_ideal() {
    for name in EIGHT {
        let space = Space::new(name, 2_500_000);
        let out = run(&space, 16, &[]);
        let part = part_of_ideal(&space, 16, &out);
        assert!(part >= 0.9, "{name}: {part}");
        assert!(out.requests as f64 <= pages(&space) * 1.12, "{name}: {} requests", out.requests);
    }
}

/// What is listed ahead of its turn waits on disk: in a long listing some hundred pages for each
/// request in flight, however long it is.
#[test]
fn long_listings_are_worked_on_from_the_front() {
    for name in ["uuid", "skewed", "unixts"] {
        let waiting = [500_000, 2_000_000].map(|keys| run(&Space::new(name, keys), 2, &[]).backlog);
        assert!(waiting[1] <= 400_000, "{name}: {waiting:?}");
        assert!(waiting[1] <= waiting[0] * 2, "{name}: four times the keys, {waiting:?} waited");
    }
}

#[test]
fn exact_hints_leave_nothing_to_wish_for() {
    for name in EIGHT.into_iter().chain(MORE) {
        let space = Space::new(name, 1_000_000);
        for (in_flight, least) in [(64, 0.95), (256, 0.9)] {
            let out = run(&space, in_flight, &quantiles(&space, 1024));
            let part = part_of_ideal(&space, in_flight, &out);
            assert!(part >= least, "{name} at {in_flight}: {part}");
            assert!(out.requests as f64 <= pages(&space) * 1.05, "{name}: {} requests", out.requests);
        }
    }
}

#[test]
fn hints_of_an_earlier_run_over_a_tenth_fewer_keys_still_help() {
    for name in EIGHT {
        let old = Space::new(name, 900_000);
        let hints = run(&old, 64, &[]).marks.spaced(1024);
        let space = Space::new(name, 1_000_000);
        let out = run(&space, 64, &hints);
        let part = part_of_ideal(&space, 64, &out);
        assert!(part >= 0.86, "{name}: {part}");
    }
}

/// Each of these once cost many times what it must.
mod regression {
    use super::*;

    /// Interpolating from where keys of the page differ peels off one sibling a round trip: 41.
    #[test]
    fn siblings_are_not_peeled_off_one_by_one() {
        let out = run(&Space::new("uuid", 1_000_000), 64, &[]);
        assert!(out.rounds <= 19.0, "{}", out.rounds);
    }

    /// Keys before the range's own folder made the speed tiny and the rest endless: 60 ranges
    /// inside one page.
    #[test]
    fn speed_is_measured_inside_the_folder() {
        // A page that ends a few keys into a folder of one page and a half.
        let keys: Vec<Vec<u8>> = (0..990)
            .map(|n| format!("a/{n:04}").into_bytes())
            .chain((0..1500).map(|n| format!("b/{n:04}").into_bytes()))
            .collect();
        let out = run(&keys, 64, &[]);
        assert!(out.rounds <= 4.0, "{}", out.rounds);
        assert!(out.ranges.len() <= 70, "{}", out.ranges.len());
    }

    /// Asking an estimate whether a range of unknown siblings may be cut: 25 became 260.
    #[test]
    fn unknown_siblings_are_always_worth_a_cut() {
        for (name, most) in [("skewed", 22.0), ("skewseq", 23.0), ("lone", 23.0)] {
            let out = run(&Space::new(name, 1_000_000), 64, &[]);
            assert!(out.rounds <= most, "{name} {}", out.rounds);
        }
    }

    /// With too little expected behind an open end, the root is peeled one character a round trip.
    #[test]
    fn an_open_end_is_searched_at_once() {
        // One page under each letter, the mass under the last.
        let keys: Vec<Vec<u8>> = (b'a'..=b'y')
            .flat_map(|c| (0..1000).map(move |n| format!("{}/{n:04}", char::from(c)).into_bytes()))
            .chain((0..200_000).map(|n| format!("z/{n:06}").into_bytes()))
            .collect();
        let out = run(&keys, 64, &[]);
        assert!(out.rounds <= 10.0, "{}", out.rounds);
    }

    /// Cutting inside a character left no model: 57 to 166.
    #[test]
    fn characters_are_not_cut_in_two() {
        let out = run(&Space::new("unicode", 1_000_000), 64, &[]);
        assert!(out.rounds <= 22.0, "{}", out.rounds);
    }

    /// Names found by a delimiter at the start became bounds without mass: 40 % instead of 62 %.
    #[test]
    fn thousands_of_small_folders_are_not_each_a_range() {
        let space = Space::new("zipf", 1_000_000);
        let out = run(&space, 64, &[]);
        assert!(part_of_ideal(&space, 64, &out) >= 0.62, "{}", out.rounds);
        assert!(out.ranges.len() < 800, "{}", out.ranges.len());
    }

    /// Nothing can be cut within the versions of one key, nor is it tried all the time.
    #[test]
    fn an_estimate_that_is_wrong_for_ever_is_overruled() {
        // Names that share nothing with each other in the first characters that a model looks at.
        let head = "x".repeat(120);
        let keys: Vec<Vec<u8>> = (0..100_000).map(|n| format!("{head}{n:06}").into_bytes()).collect();
        let out = run(&keys, 32, &[]);
        assert!(out.rounds <= 9.0, "{}", out.rounds);
    }
}

#[test]
fn small_listings_stay_one_chain() {
    for n in [0_u64, 1, 999, 1000, 1001, 3900] {
        let keys: Vec<Vec<u8>> = (0..n).map(|n| format!("{:04}", n * 2).into_bytes()).collect();
        let planner = Planner::new(Span { until: Some(b"9".to_vec()), ..Span::default() }, 64, &[]);
        let out = drive(&keys, planner, &Setup::default());
        out.check(n);
        assert_eq!(out.requests, n.div_ceil(1000).max(1), "{n}");
    }
}

#[test]
fn versions_of_one_key_stay_together() {
    let mut planner = Planner::new(Span { until: Some(b"k".to_vec()), ..Span::default() }, 8, &[]);
    let first = planner.next().unwrap();
    // The page ends among the versions of the last key wanted: more of them may follow.
    let at = Position::AfterVersion(b"k".to_vec(), b"v7".to_vec());
    let verdict = planner.page(first.range, Seen { samples: &[b"a", b"k"], next: Some(&at) });
    assert_eq!(verdict, Verdict { keep_until: Some(b"k".to_vec()), done: false, astray: false });
    let again = planner.next().unwrap();
    assert_eq!((again.range, again.after), (first.range, at));
    // The key may be the first of the next page once more.
    let verdict = planner.page(first.range, Seen { samples: &[b"k", b"l"], next: Some(&after(b"l")) });
    assert!(verdict.done && !verdict.astray && planner.is_done());
}

#[test]
fn ten_thousand_versions_of_one_key_are_listed_without_cutting_them() {
    let mut planner = Planner::new(Span::default(), 64, &[]);
    let (mut requests, mut of_key) = (0, 0);
    while let Some(ask) = planner.next() {
        requests += 1;
        // The other ranges are empty.
        let key: &[u8] = b"photos/cat.jpg";
        if let Position::After(_) = ask.after {
            planner.page(ask.range, Seen { samples: &[], next: None });
        } else {
            of_key += 1;
            let at = Position::AfterVersion(key.to_vec(), format!("v{of_key}").into_bytes());
            let next = (of_key < 10).then_some(&at);
            planner.page(ask.range, Seen { samples: &[key, key, key], next });
        }
        for (_, kept) in planner.ranges() {
            assert!(kept.hi.is_none_or(|hi| hi.as_slice() > key), "cut inside the key");
        }
    }
    assert!(planner.is_done());
    assert_eq!(of_key, 10);
    assert!(requests <= 110, "{requests}");
}

#[test]
fn one_page_of_a_range_at_a_time_and_no_more_than_allowed() {
    let space = Space::new("uuid", 100_000);
    let samples: Vec<Vec<u8>> = (0..64).map(|n| space.owned(n * 15)).collect();
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    let mut planner = Planner::new(Span::default(), 4, &[]);
    let first = planner.next().unwrap().range;
    assert!(planner.next().is_none(), "nothing to cut before the first page");
    planner.page(first, Seen { samples: &samples, next: Some(&after(samples[63])) });
    let asked: Vec<_> = std::iter::from_fn(|| planner.next()).map(|ask| ask.range).collect();
    assert!((2..=4).contains(&asked.len()), "{asked:?}");
    assert!((1..asked.len()).all(|n| !asked[n..].contains(&asked[n - 1])));
    planner.set_in_flight(1);
    planner.failed(asked[1]);
    assert!(planner.next().is_none(), "one is still on the wire");
    for id in &asked {
        planner.failed(*id);
    }
    let again = planner.next().unwrap().range;
    assert!(planner.next().is_none());
    // A page nobody asked for changes nothing.
    let other = asked.iter().find(|id| **id != again).unwrap();
    let verdict = planner.page(*other, Seen { samples: &samples, next: None });
    assert_eq!(verdict.keep_until, Some(Vec::new()));
}

#[test]
fn a_store_that_ignores_where_to_start_is_noticed() {
    let mut planner = Planner::new(Span { from: after(b"m"), ..Span::default() }, 4, &[]);
    let ask = planner.next().unwrap();
    let seen = Seen { samples: &[b"a", b"z"], next: Some(&after(b"z")) };
    assert!(planner.page(ask.range, seen).astray);
}

#[test]
fn output_can_follow_the_chain() {
    let space = Space::new("mixed", 300_000);
    let out = run_as(&space, 16, &[], &Setup { latency: Latency::Wild(1), ..Setup::default() });
    let kept = out.ranges.iter().map(|(_, kept)| kept.clone());
    let mut planner = Planner::resume(Vec::new(), kept, 4, &[]).unwrap();
    assert!(planner.is_done() && planner.next().is_none());
    let mut at = planner.first();
    let mut n = 0;
    while let Some(id) = at {
        let behind = planner.behind(id);
        assert_eq!(planner.retire_first(), behind);
        (at, n) = (behind, n + 1);
    }
    assert_eq!(n, out.ranges.len());
    assert_eq!(planner.ranges().count(), 0);
}

#[test]
fn torn_ranges_are_refused() {
    let kept = |lo: &[u8], hi: Option<&[u8]>| Kept {
        at: after(lo),
        lo: lo.to_vec(),
        hi: hi.map(<[u8]>::to_vec),
        done: false,
    };
    let resume = |ranges: Vec<Kept>| Planner::resume(Vec::new(), ranges, 4, &[]).map(|_| ());
    assert!(resume(vec![kept(b"a", Some(b"b")), kept(b"b", None)]).is_ok());
    assert!(resume(vec![kept(b"a", Some(b"c")), kept(b"b", None)]).is_err());
    assert!(resume(vec![kept(b"a", None), kept(b"b", None)]).is_err());
    assert!(resume(vec![kept(b"b", Some(b"a"))]).is_err());
}

/// Keys that share stretches, as paths do, of any bytes.
fn any_keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        Just(b"a/".to_vec()),
        Just(b"logs/2021-0".to_vec()),
        Just("图片/".as_bytes().to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just(b"%2F".to_vec()),
        Just(b"\x01".to_vec()),
        Just(b"~".to_vec()),
        (0..2000_u32).prop_map(|n| format!("{n:04}").into_bytes()),
        (0..50_u32).prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 1..3),
        "[a-z]{1,3}".prop_map(String::into_bytes),
    ];
    let key = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    prop::collection::btree_set(key, 0..600).prop_map(|keys| keys.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_key_once_and_in_order(
        keys in any_keys(),
        page in 1..40_u64,
        in_flight in 1..40_usize,
        samples in 1..20_u64,
        seed in any::<u64>(),
        sway in any::<bool>(),
        hints in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..40),
    ) {
        let setup = Setup { latency: Latency::Wild(seed), page, samples, sway, ..Setup::default() };
        run_as(&keys, in_flight, &hints, &setup);
    }

    #[test]
    fn any_snapshot_can_be_gone_on_with(
        keys in any_keys(),
        page in 1..20_u64,
        in_flight in 1..40_usize,
        stop in 1..80_u64,
        seed in any::<u64>(),
    ) {
        let setup = Setup { latency: Latency::Wild(seed), page, stop, ..Setup::default() };
        let begun = drive(&keys, Planner::new(Span::default(), in_flight, &[]), &setup);
        let kept = begun.ranges.iter().map(|(_, kept)| kept.clone());
        let planner = Planner::resume(Vec::new(), kept, in_flight, &[]).unwrap();
        let ended = drive(&keys, planner, &Setup { stop: u64::MAX, ..setup });
        // What each saved range had listed comes before what it lists now.
        let mut seen: Vec<_> = begun.in_order().chain(ended.in_order()).filter(|(a, b)| a < b).collect();
        seen.sort_unstable();
        let end = seen.iter().fold(0, |at, (first, end)| {
            assert_eq!(at, *first, "keys missed or doubled");
            *end
        });
        prop_assert_eq!(end, keys.len() as u64);
    }

    #[test]
    fn cuts_are_keys_that_stores_accept(keys in any_keys(), seed in any::<u64>()) {
        let prefix = "p文/".as_bytes();
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| [prefix, key].concat()).collect();
        let setup = Setup { latency: Latency::Wild(seed), page: 5, ..Setup::default() };
        let planner = Planner::new(Span { prefix: prefix.to_vec(), ..Span::default() }, 32, &[]);
        let out = drive(&keys, planner, &setup);
        out.check(keys.len() as u64);
        for (_, kept) in &out.ranges {
            if let Some(hi) = &kept.hi {
                prop_assert!(hi.starts_with(prefix) && hi.len() > prefix.len());
                let text = str::from_utf8(hi).unwrap();
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
    }
}
