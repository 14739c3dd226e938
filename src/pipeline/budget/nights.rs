//! Many nights of a bucket that gets more than its budget restores, against a model that remembers
//! every object.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::purse::{Account, Purse, Said, Want};
use super::{Amount, Left};
use crate::job::{Bounds, Budget};

/// Objects a page.
const PAGE: usize = 7;

/// Numbers by lot, the same in each run of the test.
struct Lots(u64);

impl Lots {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[derive(Debug)]
struct Object {
    modified: Timestamp,
    bytes: u64,
    /// Whether it wants a restore.
    wants: bool,
    /// The night of its last restore.
    served: u32,
    /// The first night on which it was left over.
    since: Option<u32>,
}

/// The bucket, the account between two nights, and what the model knows of generations.
struct Bucket {
    lots: Lots,
    objects: BTreeMap<Vec<u8>, Object>,
    account: Account,
    night: u32,
    ranges: usize,
    bound: Bounds,
    /// The oldest that are left over, when they became that, and how many they were.
    oldest: BTreeSet<Vec<u8>>,
    oldest_since: u32,
    oldest_size: u64,
    longest: u32,
}

impl Bucket {
    fn new(seed: u64, ranges: usize, bound: Bounds) -> Self {
        Self {
            lots: Lots(seed * 0x9e37_79b9 + 1),
            objects: BTreeMap::new(),
            account: Account::default(),
            night: 0,
            ranges,
            bound,
            oldest: BTreeSet::new(),
            oldest_since: 0,
            oldest_size: 0,
            longest: 0,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
            + SignedDuration::from_hours(24 * i64::from(self.night))
    }

    fn arrive(&mut self, key: Vec<u8>, bytes: u64) {
        // At some time between the last night and the next.
        let later = SignedDuration::from_secs(60 + i64::try_from(self.lots.below(80_000)).unwrap());
        let object = Object { modified: self.now() + later, bytes, wants: true, served: 0, since: None };
        self.objects.insert(key, object);
    }

    fn arrive_anywhere(&mut self, count: u64, most_bytes: u64) {
        for _ in 0..count {
            let key = format!("{:08x}", self.lots.below(1 << 32)).into_bytes();
            let bytes = 1 + self.lots.below(most_bytes);
            self.arrive(key, bytes);
        }
    }

    /// The pages of the night in an order that so many ranges may make.
    fn pages(&mut self) -> Vec<Vec<Vec<u8>>> {
        let keys: Vec<Vec<u8>> = self.objects.keys().cloned().collect();
        let size = keys.len().div_ceil(self.ranges).max(1);
        let mut ranges: Vec<Vec<Vec<Vec<u8>>>> = keys
            .chunks(size)
            .map(|range| range.chunks(PAGE).rev().map(<[Vec<u8>]>::to_vec).collect())
            .collect();
        let mut pages = Vec::new();
        while !ranges.is_empty() {
            let at = usize::try_from(self.lots.below(ranges.len() as u64)).unwrap();
            match ranges[at].pop() {
                Some(page) => pages.push(page),
                None => drop(ranges.remove(at)),
            }
        }
        pages
    }

    /// One night; the keys that were asked for and those that were left over.
    fn run(&mut self) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>) {
        self.night += 1;
        let now = self.now();
        let budget = Budget { run: self.bound.clone(), ..Budget::default() };
        // As it comes from the disk.
        let text = serde_json::to_string(&self.account).unwrap();
        let account: Account = serde_json::from_str(&text).unwrap();
        let mut purse = Purse::open(&budget, TimeZone::UTC, account, &format!("night-{}", self.night), now);
        let (mut asked, mut later) = (BTreeSet::new(), BTreeSet::new());
        let (mut left, mut spent) = (Left::default(), Amount::default());
        for page in self.pages() {
            let mut over: BTreeMap<bool, (Vec<u8>, Vec<u8>, Amount)> = BTreeMap::new();
            for key in page {
                let object = &self.objects[&key];
                if !object.wants {
                    continue;
                }
                let want = Want {
                    key: &key,
                    modified: Some(object.modified),
                    class: b"Cold",
                    bytes: object.bytes,
                    cost: None,
                };
                match purse.grant(&want, now) {
                    Said::Granted(amount) => {
                        spent = spent.plus(amount);
                        purse.settle(amount, true);
                        asked.insert(key);
                    }
                    Said::Later { due, old } => {
                        let (_, to, sum) =
                            over.entry(old).or_insert((key.clone(), key.clone(), Amount::default()));
                        (*to, *sum) = (key.clone(), sum.plus(due));
                        later.insert(key);
                    }
                    Said::Never => panic!("each fits by itself"),
                }
            }
            for (old, (from, to, due)) in over {
                if old { left.old.add(&from, &to, due) } else { left.new.add(&from, &to, due) }
            }
        }
        assert!(spent.fits(Amount::allowed(&self.bound)), "{spent:?}");
        purse.close(now, &left);
        self.account = purse.account;
        (asked, later)
    }

    /// A night held against the model.
    fn night(&mut self) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>) {
        let (asked, later) = self.run();
        for key in &asked {
            let object = self.objects.get_mut(key).unwrap();
            self.longest = self.longest.max(object.since.map_or(0, |since| self.night - since));
            (object.wants, object.served, object.since) = (false, self.night, None);
        }
        for key in &later {
            let night = self.night;
            self.objects.get_mut(key).unwrap().since.get_or_insert(night);
        }
        (asked, later)
    }

    /// Who is the oldest after a night.
    fn follow(&mut self, asked: &BTreeSet<Vec<u8>>, later: &BTreeSet<Vec<u8>>) {
        self.oldest.retain(|key| !asked.contains(key));
        if self.oldest.is_empty() {
            self.oldest.clone_from(later);
            (self.oldest_since, self.oldest_size) = (self.night, later.len() as u64);
        }
    }
}

/// Every object is as large as any other: nobody is asked for while one of the oldest is left over, the
/// oldest are through in as many nights as their number takes, and what may be spent is.
#[test]
fn nobody_is_asked_for_before_the_oldest() {
    const BUDGET: u64 = 20;
    for seed in 1..=8 {
        for ranges in [1, 2, 4] {
            let bound = Bounds { objects: Some(BUDGET), ..Bounds::default() };
            let mut bucket = Bucket::new(seed, ranges, bound);
            for _ in 0..60 {
                // On the average as many as the budget, with waves far above it.
                let count = [3, 10, 20, 47][usize::try_from(bucket.lots.below(4)).unwrap()];
                bucket.arrive_anywhere(count, 1);
                let wanted = bucket.objects.values().filter(|object| object.wants).count() as u64;
                let (asked, later) = bucket.night();
                assert_eq!(asked.len() as u64, wanted.min(BUDGET), "nothing stays unspent");
                if asked.iter().any(|key| !bucket.oldest.contains(key)) {
                    assert!(bucket.oldest.is_disjoint(&later), "seed {seed}, {ranges} ranges");
                }
                bucket.follow(&asked, &later);
                let nights = u64::from(bucket.night - bucket.oldest_since);
                assert!(bucket.oldest.is_empty() || nights < bucket.oldest_size.div_ceil(BUDGET));
            }
        }
    }
}

/// Dated names, always more than the budget, always in front of the old ones in the listing.
#[test]
fn what_is_left_behind_a_flood_of_new_keys_is_not_forgotten() {
    for ranges in [1, 4] {
        let bound = Bounds { objects: Some(10), ..Bounds::default() };
        let mut bucket = Bucket::new(7, ranges, bound);
        for n in 0..30_u32 {
            bucket.arrive(format!("z/{n:03}").into_bytes(), 1);
        }
        for day in 0..40_u32 {
            for n in 0..15_u32 {
                bucket.arrive(format!("2026/{day:03}/{n:03}").into_bytes(), 1);
            }
            bucket.night();
        }
        let waiting =
            bucket.objects.iter().filter(|(key, object)| key.starts_with(b"z/") && object.wants).count();
        assert_eq!(waiting, 0, "{ranges} ranges");
    }
}

/// Copies lapse after five nights, which nobody can tell from never restored: whoever had a copy comes
/// again, and still none waits for ever. Sizes differ, and both objects and bytes are bounded.
#[test]
fn nobody_starves_when_copies_lapse_and_sizes_differ() {
    for seed in 1..=3 {
        for ranges in [1, 2, 4] {
            let bound = Bounds { objects: Some(25), bytes: Some(1000), ..Bounds::default() };
            let mut bucket = Bucket::new(seed, ranges, bound);
            bucket.arrive_anywhere(300, 100);
            // One that takes all but the whole budget of bytes.
            bucket.arrive(b"80000000".to_vec(), 999);
            for _ in 0..120 {
                bucket.arrive_anywhere(u64::from(bucket.night % 40 == 0), 100);
                bucket.night();
                let night = bucket.night;
                for object in bucket.objects.values_mut().filter(|object| !object.wants) {
                    object.wants = night - object.served >= 5;
                }
            }
            // All of them take some 300 × 50 bytes, 16 nights at least.
            let waits = bucket.objects.values().filter_map(|object| object.since).map(|since| 120 - since);
            let longest = waits.max().unwrap_or(0).max(bucket.longest);
            assert!(longest <= 60, "seed {seed}, {ranges} ranges: {longest} nights");
        }
    }
}
