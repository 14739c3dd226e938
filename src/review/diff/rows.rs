//! The changed rows as a CSV of their own: readable by whatever reads reports.

use std::io::Write;

use jiff::Timestamp;

use super::Changed;
use super::side::Sight;
use crate::model::State;
use crate::pipeline::report::shown_key;

/// The columns, in order. `old_…` is empty for what appeared, `new_…` for what vanished.
pub const CHANGED_COLUMNS: [&str; 19] = [
    "bucket",
    "key",
    "version_id",
    "change",
    "old_state",
    "new_state",
    "old_expires_at",
    "new_expires_at",
    "old_storage_class",
    "new_storage_class",
    "old_access_tier",
    "new_access_tier",
    "old_size",
    "new_size",
    "old_etag",
    "new_etag",
    "old_checked_at",
    "new_checked_at",
    "key_encoding",
];

/// Writes changed rows.
#[derive(Debug)]
pub struct ChangedRows<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> ChangedRows<W> {
    /// Rows into `out`, the header at once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(out: W) -> std::io::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(CHANGED_COLUMNS)?;
        Ok(Self { out })
    }

    /// Writes the row of an object; one of both is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&mut self, changed: &Changed<'_>) -> std::io::Result<()> {
        let Changed { bucket, change, old, new } = *changed;
        let Some(either) = new.or(old) else { return Ok(()) };
        let (key, encoded) = shown_key(&either.key);
        let state = |sight: Option<&Sight>| sight.and_then(|sight| sight.state).map_or("", State::as_str);
        // As in reports: whole seconds without a fraction, anything finer with three digits.
        let spelt =
            |at: Timestamp| if at.subsec_nanosecond() == 0 { at.to_string() } else { format!("{at:.3}") };
        let time = |at: Option<Timestamp>| at.map(spelt).unwrap_or_default();
        let expires = |sight: Option<&Sight>| time(sight.and_then(|sight| sight.expires_at));
        let checked = |sight: Option<&Sight>| time(sight.and_then(|sight| sight.checked_at));
        let size = |sight: Option<&Sight>| {
            sight.and_then(|sight| sight.size).map(|size| size.to_string()).unwrap_or_default()
        };
        self.out.write_record::<[&[u8]; CHANGED_COLUMNS.len()], _>([
            bucket.as_bytes(),
            key.as_bytes(),
            &either.version,
            change.as_str().as_bytes(),
            state(old).as_bytes(),
            state(new).as_bytes(),
            expires(old).as_bytes(),
            expires(new).as_bytes(),
            bytes(old, |sight| &sight.class),
            bytes(new, |sight| &sight.class),
            bytes(old, |sight| &sight.access_tier),
            bytes(new, |sight| &sight.access_tier),
            size(old).as_bytes(),
            size(new).as_bytes(),
            bytes(old, |sight| &sight.etag),
            bytes(new, |sight| &sight.etag),
            checked(old).as_bytes(),
            checked(new).as_bytes(),
            if encoded { b"url" } else { b"" },
        ])?;
        Ok(())
    }

    /// Hands all rows on.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A field of what may not be there.
fn bytes(sight: Option<&Sight>, of: fn(&Sight) -> &Vec<u8>) -> &[u8] {
    sight.map_or(&[], |sight| of(sight))
}
