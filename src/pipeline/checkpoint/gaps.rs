//! The stretches of keys that a mark does not cover: where the journal's word counts.

use crate::pipeline::report::Segment;

/// The stretches of keys that a mark does not cover.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    stretches: Vec<Stretch>,
    /// In listings of versions the key at which a stretch begins may have versions that are not
    /// covered.
    versions: bool,
}

/// Keys after `after`, exclusive, up to `until`, inclusive.
#[derive(Clone, Debug)]
struct Stretch {
    after: Option<Vec<u8>>,
    until: Option<Vec<u8>>,
}

impl Gaps {
    /// The gaps that the segments of a listing leave.
    #[must_use]
    pub fn of(segments: &[Segment], versions: bool) -> Self {
        let open = segments.iter().filter(|segment| !segment.done);
        let stretch = |segment: &Segment| Stretch {
            after: segment.reached.as_ref().map(|reached| reached.key.clone()),
            until: segment.until.clone(),
        };
        Self { stretches: open.map(stretch).collect(), versions }
    }

    /// Whether `key` lies in a gap.
    #[must_use]
    pub fn hold(&self, key: &[u8]) -> bool {
        self.stretches.iter().any(|Stretch { after, until }| {
            let behind = after.as_deref().is_none_or(|after| key > after || (self.versions && key == after));
            behind && until.as_deref().is_none_or(|until| key <= until)
        })
    }
}
