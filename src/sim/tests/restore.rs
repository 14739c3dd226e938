//! The vendors' tables, row by row.

use super::super::class::{Access, Class, Tier, Vault};
use super::super::config::{Dialect, Extension, Quirks};
use super::super::mark::Mark;
use super::super::restore::{Verdict, decide};
use super::super::version::{Id, Version};
use super::super::wire::ask::Body;
use super::super::wire::date::Secs;
use super::super::wire::fail::Wrong;

const NOW: Secs = 1_767_312_000; // 2026-01-02T00:00:00Z
const HOUR: Secs = 3600;
const DAY: Secs = 24 * HOUR;

fn version(class: &Class, access: Option<Access>, mark: Option<Mark>) -> Version<'_> {
    Version {
        id: Id::Null,
        latest: true,
        delete_marker: false,
        class,
        access,
        size: 1,
        modified: 0,
        lot: 0,
        symlink: None,
        mark,
    }
}

fn ask(dialect: Dialect, days: Option<&str>, tier: Option<&str>) -> Body {
    let job = match dialect {
        Dialect::Oss => "JobParameters",
        Dialect::Cos => "CASJobParameters",
        Dialect::S3 => "GlacierJobParameters",
    };
    let days = days.map_or(String::new(), |d| format!("<Days>{d}</Days>"));
    let tier = tier.map_or(String::new(), |t| format!("<{job}><Tier>{t}</Tier></{job}>"));
    Body::read(format!("<RestoreRequest>{days}{tier}</RestoreRequest>").as_bytes())
}

fn first(dialect: Dialect, class: &str, days: Option<&str>, tier: Option<&str>) -> Verdict {
    let class = Class::new(dialect, class);
    decide(dialect, &Quirks::default(), &version(&class, None, None), &ask(dialect, days, tier), NOW)
}

fn hours(verdict: &Verdict) -> Secs {
    match verdict {
        Verdict::Accepted(mark) => (mark.ready - NOW) / HOUR,
        other => panic!("{other:?}"),
    }
}

#[test]
fn oss_classes_take_their_own_bodies() {
    let oss = |class, days, tier| first(Dialect::Oss, class, days, tier);
    assert_eq!(hours(&oss("ColdArchive", Some("365"), Some("Expedited"))), 1);
    assert_eq!(hours(&oss("ColdArchive", Some("1"), None)), 5);
    assert_eq!(hours(&oss("ColdArchive", Some("1"), Some("Bulk"))), 12);
    assert_eq!(hours(&oss("DeepColdArchive", Some("1"), Some("Standard"))), 48);
    assert!(matches!(oss("Archive", Some("7"), None), Verdict::Accepted(m) if m.ready == NOW + 60));
    let refused = Verdict::Refused;
    assert_eq!(oss("Archive", Some("1"), Some("Standard")), refused(Wrong::Malformed("0016-00000714")));
    assert_eq!(oss("Archive", Some("8"), None), refused(Wrong::Days(Vault::OssArchive)));
    assert_eq!(oss("ColdArchive", Some("366"), None), refused(Wrong::Days(Vault::OssCold)));
    assert_eq!(oss("ColdArchive", Some("1"), Some("Fast")), refused(Wrong::TierNotOffered));
    assert_eq!(oss("DeepColdArchive", Some("1"), Some("Bulk")), refused(Wrong::TierNotOffered));
    assert_eq!(oss("IA", Some("1"), None), refused(Wrong::NotArchived));
    // Without a body: one day.
    let class = Class::new(Dialect::Oss, "Archive");
    let verdict = decide(Dialect::Oss, &Quirks::default(), &version(&class, None, None), &Body::Empty, NOW);
    assert!(matches!(verdict, Verdict::Accepted(m) if m.days == 1));
}

#[test]
fn s3_classes_take_their_own_bodies() {
    let s3 = |class, days, tier| first(Dialect::S3, class, days, tier);
    assert_eq!(hours(&s3("GLACIER", Some("7"), Some("Bulk"))), 12);
    assert_eq!(hours(&s3("DEEP_ARCHIVE", Some("7"), None)), 12);
    let refused = Verdict::Refused;
    assert_eq!(s3("DEEP_ARCHIVE", Some("7"), Some("Expedited")), refused(Wrong::TierNotOffered));
    assert_eq!(s3("GLACIER", None, Some("Bulk")), refused(Wrong::Malformed("")));
    assert_eq!(s3("GLACIER", Some("0"), None), refused(Wrong::Malformed("")));
    assert_eq!(s3("GLACIER_IR", Some("7"), None), refused(Wrong::NotArchived));
    assert_eq!(s3("INTELLIGENT_TIERING", None, None), refused(Wrong::ActiveTier));
    let class = Class::new(Dialect::S3, "INTELLIGENT_TIERING");
    let frozen = version(&class, Some(Access::ArchiveAccess), None);
    let tell = |body: &Body| decide(Dialect::S3, &Quirks::default(), &frozen, body, NOW);
    assert_eq!(tell(&ask(Dialect::S3, Some("7"), None)), refused(Wrong::DaysForbidden));
    let Verdict::Accepted(mark) = tell(&ask(Dialect::S3, None, Some("Standard"))) else { panic!("refused") };
    assert_eq!(mark.expires, None);
    // Back online: a further request has nothing to do.
    let moved = version(&class, Some(Access::ArchiveAccess), Some(mark));
    let again = decide(Dialect::S3, &Quirks::default(), &moved, &ask(Dialect::S3, None, None), mark.ready);
    assert_eq!(again, refused(Wrong::ActiveTier));
    // The traps of boto3#2109 and aws-sdk-cpp#3691: a top-level Tier, a SELECT's Type.
    for extra in ["<Tier>Bulk</Tier>", "<Type>SELECT</Type>", "<GlacierJobParameter/>"] {
        let body = Body::read(format!("<RestoreRequest><Days>1</Days>{extra}</RestoreRequest>").as_bytes());
        let class = Class::new(Dialect::S3, "GLACIER");
        let verdict = decide(Dialect::S3, &Quirks::default(), &version(&class, None, None), &body, NOW);
        assert!(matches!(verdict, Verdict::Refused(Wrong::Malformed(_))), "{extra}");
    }
}

#[test]
fn cos_classes_take_their_own_bodies() {
    let cos = |class, days, tier| first(Dialect::Cos, class, days, tier);
    assert_eq!(hours(&cos("MAZ_ARCHIVE", Some("365"), Some("Bulk"))), 12);
    assert_eq!(hours(&cos("DEEP_ARCHIVE", Some("1"), None)), 24);
    let refused = Verdict::Refused;
    assert_eq!(cos("DEEP_ARCHIVE", Some("1"), Some("Expedited")), refused(Wrong::TierNotOffered));
    assert_eq!(cos("ARCHIVE", None, None), refused(Wrong::Days(Vault::CosArchive)));
    assert_eq!(cos("COLD", Some("1"), None), refused(Wrong::NotArchived));
    assert_eq!(cos("INTELLIGENT_TIERING", Some("1"), None), refused(Wrong::NotArchived));
}

#[test]
fn expedited_retrievals_may_have_no_capacity() {
    let quirks = Quirks { no_expedited: true, ..Quirks::default() };
    let tell = |dialect, class: &str, tier| {
        let class = Class::new(dialect, class);
        decide(dialect, &quirks, &version(&class, None, None), &ask(dialect, Some("3"), Some(tier)), NOW)
    };
    assert_eq!(tell(Dialect::S3, "GLACIER", "Expedited"), Verdict::Refused(Wrong::NoCapacity));
    assert_eq!(tell(Dialect::S3, "DEEP_ARCHIVE", "Expedited"), Verdict::Refused(Wrong::TierNotOffered));
    assert!(matches!(tell(Dialect::S3, "GLACIER", "Standard"), Verdict::Accepted(_)));
    // The others queue, or slow everybody down.
    assert!(matches!(tell(Dialect::Oss, "ColdArchive", "Expedited"), Verdict::Accepted(_)));
}

/// A line of a vendor's page: class, access tier, days, tiers.
type Line = (Dialect, &'static str, Option<Access>, Days, &'static [&'static str]);

#[derive(Clone, Copy, Debug)]
enum Days {
    /// Needed, from 1 to this.
    Upto(u64),
    /// Refused.
    Forbidden,
    /// Not needed, and not looked at.
    Ignored,
}

const ARCHIVE: Option<Access> = Some(Access::ArchiveAccess);
const DEEP: Option<Access> = Some(Access::DeepArchiveAccess);
const THREE: &[&str] = &["Expedited", "Standard", "Bulk"];
const SLOW: &[&str] = &["Standard", "Bulk"];

/// OSS "RestoreObject", COS "POST Object restore", S3 "RestoreObject" and "Archive retrieval options",
/// read 2026-11. No tier at all is Standard; OSS Archive takes none.
const PAGES: &[Line] = &[
    (Dialect::Oss, "Archive", None, Days::Upto(7), &[]),
    (Dialect::Oss, "ColdArchive", None, Days::Upto(365), THREE),
    (Dialect::Oss, "DeepColdArchive", None, Days::Upto(365), &["Expedited", "Standard"]),
    (Dialect::Cos, "ARCHIVE", None, Days::Upto(365), THREE),
    (Dialect::Cos, "MAZ_ARCHIVE", None, Days::Upto(365), THREE),
    (Dialect::Cos, "DEEP_ARCHIVE", None, Days::Upto(365), SLOW),
    (Dialect::Cos, "MAZ_DEEP_ARCHIVE", None, Days::Upto(365), SLOW),
    (Dialect::Cos, "INTELLIGENT_TIERING", ARCHIVE, Days::Ignored, THREE),
    (Dialect::Cos, "MAZ_INTELLIGENT_TIERING", ARCHIVE, Days::Ignored, THREE),
    (Dialect::Cos, "INTELLIGENT_TIERING", DEEP, Days::Ignored, SLOW),
    (Dialect::S3, "GLACIER", None, Days::Upto(i32::MAX as u64), THREE),
    (Dialect::S3, "DEEP_ARCHIVE", None, Days::Upto(i32::MAX as u64), SLOW),
    (Dialect::S3, "INTELLIGENT_TIERING", ARCHIVE, Days::Forbidden, THREE),
    (Dialect::S3, "INTELLIGENT_TIERING", DEEP, Days::Forbidden, SLOW),
];

#[test]
fn every_class_takes_the_days_and_tiers_of_its_page_and_no_others() {
    let days =
        [None, Some("0"), Some("1"), Some("7"), Some("8"), Some("365"), Some("366"), Some("4294967296")];
    let odd_days = [Some("-1"), Some("two"), Some("")];
    let tiers = [None, Some("Expedited"), Some("Standard"), Some("Bulk"), Some("bulk"), Some("")];
    for &(dialect, name, access, span, offered) in PAGES {
        let class = Class::new(dialect, name);
        for days in days.into_iter().chain(odd_days) {
            for tier in tiers {
                let number = days.and_then(|text| text.parse::<u64>().ok());
                let legal_days = match span {
                    Days::Upto(last) => number.is_some_and(|n| (1..=last).contains(&n)),
                    Days::Forbidden => days.is_none(),
                    Days::Ignored => true,
                };
                let legal_tier = tier.is_none_or(|tier| offered.contains(&tier));
                let body = ask(dialect, days, tier);
                let frozen = version(&class, access, None);
                let verdict = decide(dialect, &Quirks::default(), &frozen, &body, NOW);
                let told = format!("{dialect:?} {name} {access:?} {days:?} {tier:?}: {verdict:?}");
                match &verdict {
                    Verdict::Accepted(_) => assert!(legal_days && legal_tier, "{told}"),
                    Verdict::Refused(
                        Wrong::Malformed(_) | Wrong::TierNotOffered | Wrong::Days(_) | Wrong::DaysForbidden,
                    ) => assert!(!(legal_days && legal_tier), "{told}"),
                    _ => panic!("{told}"),
                }
            }
        }
    }
}

/// What a second request meets, `later` seconds after one for 3 days at Standard.
fn second(dialect: Dialect, class: &str, later: Secs, days: &str, tier: Option<&str>) -> (Mark, Verdict) {
    let class = Class::new(dialect, class);
    let one = decide(
        dialect,
        &Quirks::default(),
        &version(&class, None, None),
        &ask(dialect, Some("3"), None),
        NOW,
    );
    let Verdict::Accepted(mark) = one else { panic!("{one:?}") };
    let body = ask(dialect, Some(days), tier);
    let two = decide(dialect, &Quirks::default(), &version(&class, None, Some(mark)), &body, NOW + later);
    (mark, two)
}

#[test]
fn a_running_restore_is_in_progress() {
    let running = Verdict::Refused(Wrong::Running);
    assert_eq!(second(Dialect::Oss, "Archive", 30, "3", None).1, running);
    assert_eq!(second(Dialect::Oss, "ColdArchive", HOUR, "3", Some("Standard")).1, running);
    assert_eq!(
        second(Dialect::Oss, "ColdArchive", HOUR, "3", Some("Bulk")).1,
        Verdict::Refused(Wrong::Slower)
    );
    assert_eq!(second(Dialect::Cos, "ARCHIVE", HOUR, "3", Some("Expedited")).1, running);
    assert_eq!(second(Dialect::S3, "GLACIER", HOUR, "3", Some("Bulk")).1, running);
    assert_eq!(second(Dialect::S3, "GLACIER", HOUR, "4", Some("Expedited")).1, running);
    // Faster tiers are upgrades, and never later than before.
    let (mark, verdict) = second(Dialect::S3, "GLACIER", HOUR, "3", Some("Expedited"));
    assert!(matches!(verdict, Verdict::Accepted(m) if m.ready == NOW + HOUR + 300));
    let (_, verdict) = second(Dialect::Oss, "ColdArchive", 5 * HOUR - 60, "3", Some("Expedited"));
    assert!(matches!(verdict, Verdict::Accepted(m) if m.ready == mark.ready));
}

#[test]
fn a_readable_copy_is_extended() {
    let (mark, verdict) = second(Dialect::Oss, "ColdArchive", 6 * HOUR, "2", None);
    let Verdict::Extended(next) = verdict else { panic!("{verdict:?}") };
    assert_eq!(next.expires, mark.expires.map(|e| e + 2 * DAY));
    // Archive is capped at seven days from the restore.
    let (mark, verdict) = second(Dialect::Oss, "Archive", 120, "7", None);
    assert!(matches!(verdict, Verdict::Extended(m) if m.expires == Some(mark.ready + 7 * DAY)));
    // S3 counts anew from now and rounds up to midnight.
    let (_, verdict) = second(Dialect::S3, "GLACIER", 6 * HOUR, "1", None);
    assert!(matches!(verdict, Verdict::Extended(m) if m.expires == Some(NOW + 2 * DAY)));
    let (_, verdict) = second(Dialect::Cos, "ARCHIVE", 6 * HOUR, "1", None);
    assert!(matches!(verdict, Verdict::Extended(m) if m.expires == Some(NOW + DAY + 16 * HOUR)));
}

#[test]
fn a_lapsed_copy_starts_over() {
    let (_, verdict) = second(Dialect::Oss, "ColdArchive", 30 * DAY, "2", None);
    assert!(matches!(verdict, Verdict::Accepted(m) if m.asked == NOW + 30 * DAY));
}

#[test]
fn quirks_change_what_is_not_documented() {
    let class = Class::new(Dialect::Oss, "ColdArchive");
    let mark = Mark { tier: Tier::Bulk, days: 1, asked: NOW, ready: NOW + HOUR, expires: Some(NOW + DAY) };
    let version = version(&class, None, Some(mark));
    let quirks =
        Quirks { no_upgrade: true, extension: Extension::Reset, ready_scale: Some(0.5), ..Quirks::default() };
    let body = ask(Dialect::Oss, Some("1"), Some("Expedited"));
    let tell = |now| decide(Dialect::Oss, &quirks, &version, &body, now);
    assert_eq!(tell(NOW), Verdict::Refused(Wrong::Running));
    assert!(matches!(tell(NOW + 2 * HOUR), Verdict::Extended(m) if m.expires == Some(NOW + 2 * HOUR + DAY)));
    assert!(matches!(tell(NOW + 2 * DAY), Verdict::Accepted(m) if m.ready == NOW + 2 * DAY + HOUR / 2));
}
