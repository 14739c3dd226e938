//! What each storage class takes in a restore request: the form of a vendor's table.
//!
//! The tables themselves stand at the top of the dialects' files, one [`Law`] a vendor, and are the
//! only place where tiers, days and the shape of the body are written down. What needs a restore at
//! all, what a class offers, and how the body is built are read from them.

use crate::model::{Access, Offer, Raise, Tier};

/// All that a vendor says of restore requests.
#[derive(Debug)]
pub(super) struct Law {
    /// The namespace that the body is written in, where the vendor has one.
    pub(super) xmlns: Option<&'static str>,
    /// The element that the tier stands in.
    pub(super) job: &'static str,
    /// Which classes take what; a class that no line names needs no restore.
    pub(super) lines: &'static [Line],
}

/// One line of a vendor's table.
#[derive(Debug)]
pub(super) struct Line {
    /// Classes that it holds for, vendor spelling.
    pub(super) classes: &'static [&'static str],
    /// Access tiers that it holds for; empty where the class has none. The tier `""` is one that the
    /// listing does not show.
    pub(super) access_tiers: &'static [&'static str],
    /// First and last number of days, inclusive; `None` where the body must not name any.
    pub(super) days: Option<(u32, u32)>,
    /// Tiers that may be named, fastest first; empty where the body must not name any.
    pub(super) tiers: &'static [Tier],
    /// Whether a running restore can be made faster.
    pub(super) raise: Raise,
}

/// Offered by the archives.
pub(super) const ALL_TIERS: &[Tier] = &Tier::ALL;
/// Offered by the deep archives of COS and S3.
pub(super) const NOT_EXPEDITED: &[Tier] = &[Tier::Standard, Tier::Bulk];

impl Law {
    fn line(&self, class: &[u8], access_tier: &[u8]) -> Option<&Line> {
        let among =
            |names: &[&str], told: &[u8]| names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(told));
        self.lines.iter().find(|line| {
            among(line.classes, class)
                && (line.access_tiers.is_empty() || among(line.access_tiers, access_tier))
        })
    }

    /// What a class, with the access tier where shown, accepts; `None` if it takes no restore.
    pub(super) fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer> {
        let line = self.line(class, access_tier)?;
        Some(Offer {
            days: line.days.map(|(first, last)| first..=last),
            tiers: line.tiers,
            raise: line.raise,
        })
    }

    /// What a class that may need a restore means for reading; `None` where it needs none.
    pub(super) fn access(&self, class: &[u8], access_tier: &[u8]) -> Option<Access> {
        let line = self.line(class, access_tier)?;
        let untold = access_tier.is_empty() && !line.access_tiers.is_empty();
        Some(if untold { Access::Tiering } else { Access::Archived })
    }

    /// How many classes always need a restore.
    pub(super) const fn archived_len(&self) -> usize {
        let (mut len, mut at) = (0, 0);
        while at < self.lines.len() {
            if self.lines[at].access_tiers.is_empty() {
                len += self.lines[at].classes.len();
            }
            at += 1;
        }
        len
    }

    /// The classes that always need a restore, of which there must be [`Law::archived_len`].
    pub(super) const fn archived<const N: usize>(&self) -> [&'static str; N] {
        let mut names = [""; N];
        let (mut len, mut at) = (0, 0);
        while at < self.lines.len() {
            let line = &self.lines[at];
            let mut class = 0;
            while line.access_tiers.is_empty() && class < line.classes.len() {
                names[len] = line.classes[class];
                len += 1;
                class += 1;
            }
            at += 1;
        }
        names
    }
}

#[cfg(test)]
mod tests {
    //! The vendors' own tables, row by row, as their pages print them.

    use super::*;
    use crate::model::Provider;
    use crate::store::RestoreAsk;
    use crate::store::dialect::{Dialect, Options, for_provider};

    /// One row of a vendor's page: class, access tier, days, tiers, whether a running restore may be
    /// asked for at a faster tier, and a body for two days at the last tier.
    type Row = (&'static str, &'static str, &'static str, &'static str, Raise, &'static str);

    const NEVER: Raise = Raise::Never;
    const UNTOLD: Raise = Raise::Untold;
    const TOLD: Raise = Raise::Told;

    /// OSS "RestoreObject", request elements and sample requests; the upgrade from its newer Chinese text.
    const OSS_RESTORE_OBJECT: &[Row] = &[
        ("Archive", "", "1-7", "", NEVER, "<RestoreRequest><Days>2</Days></RestoreRequest>"),
        (
            "ColdArchive",
            "",
            "1-365",
            "Expedited Standard Bulk",
            UNTOLD,
            "<RestoreRequest><Days>2</Days><JobParameters><Tier>Bulk</Tier></JobParameters></RestoreRequest>",
        ),
        (
            "DeepColdArchive",
            "",
            "1-365",
            "Expedited Standard",
            UNTOLD,
            "<RestoreRequest><Days>2</Days><JobParameters><Tier>Standard</Tier></JobParameters></RestoreRequest>",
        ),
    ];

    /// COS "POST Object restore": modes by class; "HEAD Object": the mode of a running restore.
    const COS_POST_OBJECT_RESTORE: &[Row] = &[
        ("ARCHIVE", "", "1-365", "Expedited Standard Bulk", NEVER, COS_BULK),
        ("MAZ_ARCHIVE", "", "1-365", "Expedited Standard Bulk", NEVER, COS_BULK),
        ("DEEP_ARCHIVE", "", "1-365", "Standard Bulk", TOLD, COS_BULK),
        ("MAZ_DEEP_ARCHIVE", "", "1-365", "Standard Bulk", TOLD, COS_BULK),
        ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "none", "Expedited Standard Bulk", NEVER, COS_DAYLESS),
        ("MAZ_INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "none", "Expedited Standard Bulk", NEVER, COS_DAYLESS),
        ("INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", "none", "Standard Bulk", NEVER, COS_DAYLESS),
        ("MAZ_INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", "none", "Standard Bulk", NEVER, COS_DAYLESS),
        // coscli's spelling.
        ("INTELLIGENT_TIERING", "DEEP_ARCHIEVE_ACCESS", "none", "Standard Bulk", NEVER, COS_DAYLESS),
    ];
    const COS_BULK: &str = "<RestoreRequest><Days>2</Days><CASJobParameters><Tier>Bulk</Tier></CASJobParameters></RestoreRequest>";
    const COS_DAYLESS: &str =
        "<RestoreRequest><CASJobParameters><Tier>Bulk</Tier></CASJobParameters></RestoreRequest>";

    /// S3 "Archive retrieval options" for the tiers, "RestoreObject" for the days.
    const S3_RETRIEVAL_OPTIONS: &[Row] = &[
        ("GLACIER", "", "1-36500", "Expedited Standard Bulk", UNTOLD, S3_BULK),
        ("DEEP_ARCHIVE", "", "1-36500", "Standard Bulk", UNTOLD, S3_BULK),
        ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "none", "Expedited Standard Bulk", UNTOLD, S3_DAYLESS),
        ("INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", "none", "Standard Bulk", UNTOLD, S3_DAYLESS),
    ];
    const S3_BULK: &str = "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>";
    const S3_DAYLESS: &str = "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>";

    /// Classes and access tiers that the same pages let be read, and so refuse to restore.
    const READABLE: &[(Provider, &[(&str, &str)])] = &[
        (Provider::Oss, &[("Standard", ""), ("IA", ""), ("", "")]),
        (
            Provider::Cos,
            &[
                ("STANDARD", ""),
                ("STANDARD_IA", ""),
                ("COLD", ""),
                ("MAZ_STANDARD", ""),
                ("MAZ_STANDARD_IA", ""),
                ("MAZ_COLD", ""),
                ("", ""),
                ("INTELLIGENT_TIERING", "FREQUENT"),
                ("INTELLIGENT_TIERING", "INFREQUENT"),
                ("MAZ_INTELLIGENT_TIERING", "FREQUENT"),
            ],
        ),
        (
            Provider::S3,
            &[
                ("STANDARD", ""),
                ("REDUCED_REDUNDANCY", ""),
                ("STANDARD_IA", ""),
                ("ONEZONE_IA", ""),
                ("GLACIER_IR", ""),
                ("OUTPOSTS", ""),
                ("SNOW", ""),
                ("EXPRESS_ONEZONE", ""),
                ("FSX_OPENZFS", ""),
                ("FSX_ONTAP", ""),
                ("", ""),
                ("INTELLIGENT_TIERING", "FREQUENT_ACCESS"),
            ],
        ),
    ];

    const SHEETS: [(Provider, &[Row]); 3] = [
        (Provider::Oss, OSS_RESTORE_OBJECT),
        (Provider::Cos, COS_POST_OBJECT_RESTORE),
        (Provider::S3, S3_RETRIEVAL_OPTIONS),
    ];

    fn dialect(provider: Provider) -> Box<dyn Dialect> {
        for_provider(provider, Options::default())
    }

    #[test]
    fn every_row_of_the_vendors_tables_is_offered_and_sent() {
        for (provider, rows) in SHEETS {
            let dialect = dialect(provider);
            for &(class, shown, days, tiers, raise, body) in rows {
                let told = format!("{provider} {class} {shown}");
                assert_eq!(dialect.access(class.as_bytes(), shown.as_bytes()), Access::Archived, "{told}");
                for spelling in [class.to_owned(), class.to_ascii_uppercase(), class.to_ascii_lowercase()] {
                    let offer = dialect.offer(spelling.as_bytes(), shown.as_bytes()).unwrap();
                    let span = offer.days.as_ref().map(|days| format!("{}-{}", days.start(), days.end()));
                    assert_eq!(span.as_deref().unwrap_or("none"), days, "{told}");
                    let names: Vec<&str> = offer.tiers.iter().map(|tier| tier.as_str()).collect();
                    assert_eq!(names.join(" "), tiers, "{told}");
                    assert_eq!(offer.raise, raise, "{told}");
                }
                let offer = dialect.offer(class.as_bytes(), shown.as_bytes()).unwrap();
                let ask = RestoreAsk {
                    key: b"k",
                    version_id: b"",
                    days: offer.days.map(|_| 2),
                    tier: offer.tiers.last().copied(),
                    until: None,
                };
                assert_eq!(String::from_utf8(dialect.restore(&ask).body).unwrap(), body, "{told}");
            }
        }
    }

    #[test]
    fn what_is_read_at_once_is_offered_nothing() {
        for (provider, classes) in READABLE {
            let dialect = dialect(*provider);
            for (class, shown) in *classes {
                let told = format!("{provider} `{class}` {shown}");
                assert_eq!(dialect.access(class.as_bytes(), shown.as_bytes()), Access::Online, "{told}");
                assert_eq!(dialect.offer(class.as_bytes(), shown.as_bytes()), None, "{told}");
            }
        }
    }

    #[test]
    fn every_known_class_stands_in_one_of_the_tables() {
        for (provider, rows) in SHEETS {
            let dialect = dialect(provider);
            let readable = READABLE.iter().find(|(p, _)| *p == provider).unwrap().1;
            for class in dialect.known_classes() {
                let told =
                    rows.iter().any(|row| row.0 == *class) || readable.iter().any(|row| row.0 == *class);
                assert!(told, "{provider} {class}");
            }
            let always: Vec<&str> = rows.iter().filter(|row| row.1.is_empty()).map(|row| row.0).collect();
            assert_eq!(dialect.archived_classes(), always, "{provider}");
        }
    }

    #[test]
    fn of_a_tier_that_is_not_shown_only_what_both_take_is_offered() {
        for (provider, class) in [
            (Provider::Cos, "INTELLIGENT_TIERING"),
            (Provider::Cos, "MAZ_INTELLIGENT_TIERING"),
            (Provider::S3, "INTELLIGENT_TIERING"),
        ] {
            let dialect = dialect(provider);
            let offer = Offer { days: None, tiers: &[Tier::Standard, Tier::Bulk], raise: NEVER };
            assert_eq!(dialect.offer(class.as_bytes(), b""), Some(offer), "{provider} {class}");
            assert_eq!(dialect.access(class.as_bytes(), b""), Access::Tiering, "{provider} {class}");
        }
    }

    #[test]
    fn what_no_page_names_is_never_restored() {
        let foreign = [
            // The vendor's own Python sample tests for `DeepArchive`, which no object has.
            (Provider::Oss, "DeepArchive", ""),
            (Provider::Cos, "COLD_ARCHIVE", ""),
            (Provider::Cos, "INTELLIGENT_TIERING", "NEW_TIER"),
            // The name of a tier of a compatible store, say.
            (Provider::S3, "WARM-TIER", ""),
        ];
        for (provider, class, shown) in foreign {
            let dialect = dialect(provider);
            assert_eq!(dialect.access(class.as_bytes(), shown.as_bytes()), Access::Unrecognised, "{class}");
            assert_eq!(dialect.offer(class.as_bytes(), shown.as_bytes()), None, "{class}");
        }
    }
}
