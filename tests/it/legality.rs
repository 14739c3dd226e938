//! Every class × tier × days × way to fit, against stores that judge by the vendors' pages: no store is
//! ever sent what it refuses as malformed or illegal.
//!
//! The pages stand here as tables, apart from those of the program and from those of the simulator.

use defrost::job::{Fit, Wish};
use defrost::model::Tier;
use defrost::sim::{Access, BucketConfig, Config, ObjectConfig, VersionConfig};

use crate::nights::Nights;
use crate::support::{COS, OSS, Rig, S3, Vendor};

/// One line of a vendor's page: class, access tier, first and last day (`None`: no days), tiers.
type Line = (&'static str, Option<Access>, Option<(u32, u32)>, &'static [Tier]);

const ARCHIVE_ACCESS: Option<Access> = Some(Access::ArchiveAccess);
const DEEP_ACCESS: Option<Access> = Some(Access::DeepArchiveAccess);
const ALL: &[Tier] = &[Tier::Expedited, Tier::Standard, Tier::Bulk];
const NOT_BULK: &[Tier] = &[Tier::Expedited, Tier::Standard];
const NOT_EXPEDITED: &[Tier] = &[Tier::Standard, Tier::Bulk];
const YEAR: Option<(u32, u32)> = Some((1, 365));
/// S3 names no last day; a hundred years is where this client stops.
const EVER: Option<(u32, u32)> = Some((1, 36_500));

/// OSS "RestoreObject", read 2026-11. Archive has one speed and takes no word of it.
const OSS_PAGE: &[Line] = &[
    ("Archive", None, Some((1, 7)), &[]),
    ("ColdArchive", None, YEAR, ALL),
    ("DeepColdArchive", None, YEAR, NOT_BULK),
];
/// COS "POST Object restore", read 2026-11.
const COS_PAGE: &[Line] = &[
    ("ARCHIVE", None, YEAR, ALL),
    ("MAZ_ARCHIVE", None, YEAR, ALL),
    ("DEEP_ARCHIVE", None, YEAR, NOT_EXPEDITED),
    ("MAZ_DEEP_ARCHIVE", None, YEAR, NOT_EXPEDITED),
    ("INTELLIGENT_TIERING", ARCHIVE_ACCESS, None, ALL),
    ("INTELLIGENT_TIERING", DEEP_ACCESS, None, NOT_EXPEDITED),
    ("MAZ_INTELLIGENT_TIERING", ARCHIVE_ACCESS, None, ALL),
    ("MAZ_INTELLIGENT_TIERING", DEEP_ACCESS, None, NOT_EXPEDITED),
];
/// S3 "RestoreObject" and "Archive retrieval options", read 2026-11.
const S3_PAGE: &[Line] = &[
    ("GLACIER", None, EVER, ALL),
    ("DEEP_ARCHIVE", None, EVER, NOT_EXPEDITED),
    ("INTELLIGENT_TIERING", ARCHIVE_ACCESS, None, ALL),
    ("INTELLIGENT_TIERING", DEEP_ACCESS, None, NOT_EXPEDITED),
];

const PAGES: [(Vendor, &[Line]); 3] = [(OSS, OSS_PAGE), (COS, COS_PAGE), (S3, S3_PAGE)];

/// Classes that need no restore, and would refuse one.
const fn online(vendor: Vendor) -> &'static [&'static str] {
    match vendor.scheme.as_bytes() {
        b"oss" => &["Standard", "IA"],
        b"cos" => &[
            "STANDARD",
            "STANDARD_IA",
            "COLD",
            "MAZ_STANDARD",
            "MAZ_STANDARD_IA",
            "MAZ_COLD",
            "INTELLIGENT_TIERING",
            "MAZ_INTELLIGENT_TIERING",
        ],
        _ => &[
            "STANDARD",
            "REDUCED_REDUNDANCY",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER_IR",
            "EXPRESS_ONEZONE",
        ],
    }
}

/// Days: none, the first, a few, both sides of every bound, a month, and more than there are.
const DAYS: [u32; 12] = [0, 1, 2, 7, 8, 30, 364, 365, 366, 36_500, 36_501, u32::MAX];

fn key(class: &str, access: Option<Access>) -> String {
    format!("{class}/{}", access.map_or("-", |access| access.as_str()))
}

/// One object of each class and access tier below each of `count` prefixes.
fn bucket(vendor: Vendor, page: &[Line], count: usize) -> BucketConfig {
    let mut bucket = vendor.bucket();
    for number in 0..count {
        let cold = page.iter().map(|(class, access, ..)| (*class, *access));
        for (class, access_tier) in cold.chain(online(vendor).iter().map(|class| (*class, None))) {
            let object = ObjectConfig::new(format!("{number}/{}", key(class, access_tier)), class);
            let storage_class = Some(class.to_owned());
            let version = VersionConfig { storage_class, access_tier, ..VersionConfig::default() };
            bucket = bucket.with(object.current(version));
        }
    }
    bucket
}

/// What a request for a class says, tier and days, `None` if it is to be left alone.
fn sent(line: &Line, tier: Tier, days: u32, fit: Fit) -> Option<(Option<Tier>, Option<u32>)> {
    let (_, _, span, tiers) = line;
    let legal_tier = tiers.is_empty() || tiers.contains(&tier);
    let legal_days = span.is_none_or(|(first, last)| (first..=last).contains(&days));
    if fit == Fit::Skip && !(legal_tier && legal_days) {
        return None;
    }
    let tier = match *tiers {
        [] => None,
        _ if legal_tier => Some(tier),
        // The next slower one that is offered; behind the slowest, that one.
        _ => tiers.iter().copied().find(|offered| *offered > tier).or(tiers.last().copied()),
    };
    Some((tier, span.map(|(first, last)| days.max(first).min(last))))
}

/// Cells of the table: every line and online class × tier × days × fit.
fn clamped_and_skipped(vendor: Vendor, page: &[Line]) -> usize {
    let cells: Vec<(Tier, u32, Fit)> = Tier::ALL
        .into_iter()
        .flat_map(|tier| DAYS.into_iter().map(move |days| (tier, days)))
        .flat_map(|(tier, days)| [Fit::Clamp, Fit::Skip].map(|fit| (tier, days, fit)))
        .collect();
    let mut nights = Nights::new(vendor, bucket(vendor, page, cells.len()), Wish::default());
    for (number, (tier, days, fit)) in cells.iter().copied().enumerate() {
        let told = format!("{vendor:?} {tier} {days} {fit:?}");
        nights.job.source.prefix = format!("{number}/");
        nights.wish(|wish| *wish = Wish { tier, days, fit, ..Wish::default() });
        let night = nights.night();
        let refused: Vec<_> = night.posts.iter().filter(|post| post.status != 202).collect();
        assert!(refused.is_empty(), "{told}: {refused:?}");
        let row = |class: &str, access| {
            let name = format!("{number}/{}", key(class, access));
            let row = night.rows.values().find(|row| row["key"] == name);
            row.unwrap_or_else(|| panic!("{told}: no row of {name}"))
        };
        let mut asked = 0;
        for line in page {
            let row = row(line.0, line.1);
            if let Some((tier, days)) = sent(line, tier, days, fit) {
                asked += 1;
                let tier = tier.map_or(String::new(), |tier| tier.to_string());
                let days = days.map_or(String::new(), |days| days.to_string());
                assert_eq!((&*row["action"], &*row["http_status"]), ("requested", "202"), "{told}");
                assert_eq!((&row["tier"], &row["days"]), (&tier, &days), "{told}");
            } else {
                assert_eq!((&*row["action"], &*row["state"]), ("none", "archived"), "{told}: {row:?}");
                assert!(["tier_not_offered", "days_out_of_range"].contains(&&*row["reason"]), "{told}");
            }
        }
        assert_eq!(night.posts.len(), asked, "{told}: nothing else was asked for");
        for class in online(vendor) {
            let row = row(class, None);
            assert_eq!((&*row["action"], &*row["state"]), ("none", "readable"), "{told}: {row:?}");
        }
    }
    cells.len() * (page.len() + online(vendor).len())
}

#[test]
fn clamped_and_skipped_on_every_store() {
    let mut sum = 0;
    for (vendor, page) in PAGES {
        let cells = clamped_and_skipped(vendor, page);
        println!("legality: {:>4}: {cells} cells of class x tier x days x fit, no 400", vendor.scheme);
        sum += cells;
    }
    println!("legality: {sum} cells in all");
    assert_eq!(sum, 72 * ((3 + 2) + (8 + 8) + (4 + 7)));
}

/// Days that a command line takes, both sides of the bounds that the pages name.
const TYPED: [u32; 5] = [1, 7, 8, 365, 366];

/// What `fail` refuses is refused before anything is sent, and what it lets pass the store takes.
fn refused_or_legal(vendor: Vendor, page: &[Line]) -> usize {
    let cells: Vec<(Tier, u32)> =
        Tier::ALL.into_iter().flat_map(|tier| TYPED.into_iter().map(move |days| (tier, days))).collect();
    let rig = Rig::new(Config::default().with_bucket(bucket(vendor, page, cells.len())));
    let ledger = rig.server.ledger();
    let mut classes: Vec<&str> = page.iter().map(|line| line.0).collect();
    classes.dedup();
    for class in &classes {
        // Before it is listed, nobody knows the access tier: what is wished for must suit all of them.
        let lines: Vec<&Line> = page.iter().filter(|line| line.0 == *class).collect();
        for (number, (tier, days)) in cells.iter().copied().enumerate() {
            let told = format!("{class} {tier} {days}");
            ledger.reset();
            let (url, typed) = (vendor.url(&format!("{number}/")), days.to_string());
            let line = ["restore", &url, "--days", &typed, "--tier", tier.as_str(), "--fit", "fail"];
            let rest = ["--storage-class", class, "--report", "r.csv", "--rate-limit", "100000"];
            let ran = rig.run(vendor, &[&line[..], &rest[..]].concat());
            let legal = days <= 365 && lines.iter().all(|line| sent(line, tier, days, Fit::Skip).is_some());
            let counts = ledger.counts();
            if legal {
                ran.expect(0);
                let posts = ledger.restores();
                assert_eq!(posts.len(), lines.len(), "{told}");
                assert!(posts.iter().all(|post| post.status == 202), "{told}: {posts:?}");
            } else {
                ran.expect(2).in_one_error();
                assert_eq!(counts.total, 0, "{told}: something was sent");
            }
        }
    }
    cells.len() * classes.len()
}

#[test]
fn failed_before_anything_is_sent_on_oss() {
    println!("legality:  oss: {} cells of class x tier x days under fail", refused_or_legal(OSS, OSS_PAGE));
}

#[test]
fn failed_before_anything_is_sent_on_cos() {
    println!("legality:  cos: {} cells of class x tier x days under fail", refused_or_legal(COS, COS_PAGE));
}

#[test]
fn failed_before_anything_is_sent_on_s3() {
    println!("legality:   s3: {} cells of class x tier x days under fail", refused_or_legal(S3, S3_PAGE));
}
