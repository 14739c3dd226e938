//! One of two reports: its rows in order, the one at hand taken apart.

use jiff::Timestamp;

use super::DiffError;
use crate::model::{Flag, Seen, State, Told};
use crate::pipeline::report::{ReadError, Row, Rows, shown_key};

/// Columns without which a report can be compared, but less is told; `key` and `state` must be there.
pub const WISHED: [&str; 9] = [
    "bucket",
    "version_id",
    "storage_class",
    "access_tier",
    "size",
    "etag",
    "expires_at",
    "checked_at",
    "flags",
];

/// What a row says of its object.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The key, exact bytes.
    pub key: Vec<u8>,
    /// The version; empty outside of listings of versions.
    pub version: Vec<u8>,
    /// The state as written.
    pub state: Option<State>,
    /// When the readable copy lapses.
    pub expires_at: Option<Timestamp>,
    /// When the state was learnt.
    pub checked_at: Option<Timestamp>,
    /// Storage class.
    pub class: Vec<u8>,
    /// Access tier.
    pub access_tier: Vec<u8>,
    /// Whether the report has a column for it.
    pub has_tiers: bool,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Entity tag.
    pub etag: Vec<u8>,
    /// Whether it has the flag `stuck`.
    pub stuck: bool,
}

impl Sight {
    /// As the model takes it.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen {
            state: self.state.unwrap_or(State::Unknown),
            expires_at: self.expires_at,
            checked_at: self.checked_at,
            class: &self.class,
            access_tier: self.has_tiers.then_some(&self.access_tier),
            size: self.size,
            etag: &self.etag,
            stuck: self.stuck,
        }
    }
}

/// A report being read.
#[derive(Debug)]
pub(super) struct Side {
    rows: Rows,
    /// The row at hand; its key is the last one read when there is none.
    pub(super) sight: Sight,
    /// Whether there is a row at hand.
    pub(super) open: bool,
    /// What was seen of the report so far.
    pub(super) told: Told,
    /// The last `checked_at` as text: most rows have that of the one before.
    checked: Vec<u8>,
    bucket: Option<Vec<u8>>,
}

impl Side {
    /// The report of `rows`, its first row at hand.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(rows: Rows) -> Result<Self, DiffError> {
        let sight = Sight { has_tiers: rows.has("access_tier"), ..Sight::default() };
        let mut side =
            Self { rows, sight, open: true, told: Told::default(), checked: Vec::new(), bucket: None };
        side.advance()?;
        Ok(side)
    }

    /// Whether the row at hand is one of `key`.
    pub(super) fn is_at(&self, key: &[u8]) -> bool {
        self.open && self.sight.key == key
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// If it cannot be read, or does not follow the one before.
    pub(super) fn advance(&mut self) -> Result<(), DiffError> {
        let Some(row) = self.rows.next_row()? else {
            self.open = false;
            return Ok(());
        };
        let key = row.key()?;
        if key < self.sight.key {
            let shown = |key: &[u8]| shown_key(key).0.into_owned();
            return Err(DiffError::Order(row.fault(format!(
                "its key `{}` belongs before `{}` of the row above: the rows are not in the order of their keys",
                shown(&key),
                shown(&self.sight.key)
            ))));
        }
        // Two rows of one object would be told as two objects, one of which has appeared or vanished.
        if self.told.rows > 0 && key == self.sight.key && row.field("version_id") == self.sight.version {
            let of = match row.text("version_id") {
                "" => String::new(),
                version => format!(", version `{version}`"),
            };
            let key = shown_key(&key).0;
            return Err(DiffError::Twice(row.fault(format!(
                "its key `{key}`{of} is that of the row above: an object stands in a report once"
            ))));
        }
        self.sight.key = key;
        let bucket = row.field("bucket");
        match &self.bucket {
            None => {
                self.told.bucket = String::from_utf8_lossy(bucket).into_owned();
                self.bucket = Some(bucket.to_vec());
            }
            Some(first) if first == bucket => {}
            Some(_) => {
                let text = format!(
                    "it is of the bucket `{}`, and the rows above are of `{}`",
                    row.text("bucket"),
                    self.told.bucket
                );
                return Err(DiffError::Mixed(row.fault(text)));
            }
        }
        let sight = &mut self.sight;
        let take = |into: &mut Vec<u8>, column| {
            into.clear();
            into.extend_from_slice(row.field(column));
        };
        take(&mut sight.version, "version_id");
        take(&mut sight.class, "storage_class");
        take(&mut sight.access_tier, "access_tier");
        take(&mut sight.etag, "etag");
        sight.state = Some(State::from_word(row.text("state")).ok_or_else(|| {
            row.fault(format!("its state `{}` is none that reports have", row.text("state")))
        })?);
        sight.size = match row.field("size") {
            b"" => None,
            _ => Some(row.text("size").parse().map_err(|_| bad(&row, "size", "a number of bytes"))?),
        };
        sight.expires_at = time(&row, "expires_at")?;
        if self.checked != row.field("checked_at") || sight.checked_at.is_none() {
            sight.checked_at = time(&row, "checked_at")?;
            take(&mut self.checked, "checked_at");
        }
        sight.stuck =
            row.text("flags").split_whitespace().any(|flag| Flag::from_word(flag) == Some(Flag::Stuck));
        self.told.rows += 1;
        if let Some(at) = sight.checked_at {
            let told = &mut self.told;
            told.first_checked_at = Some(told.first_checked_at.map_or(at, |first| first.min(at)));
            told.last_checked_at = Some(told.last_checked_at.map_or(at, |last| last.max(at)));
        }
        Ok(())
    }
}

fn bad(row: &Row<'_>, column: &str, wanted: &str) -> ReadError {
    row.fault(format!("its {column} `{}` is not {wanted}", row.text(column)))
}

fn time(row: &Row<'_>, column: &'static str) -> Result<Option<Timestamp>, ReadError> {
    match row.field(column) {
        b"" => Ok(None),
        _ => row.text(column).parse().map(Some).map_err(|_| bad(row, column, "a time as in RFC 3339")),
    }
}
