//! What was asked of the simulator: counts, and each restore request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::class::Tier;
use super::config::Call;
use super::fees::{Fees, Kind};
use super::mark::{Mark, Phase};
use super::wire::ask::Body;

/// Restore requests that are kept one by one unless the seed says otherwise.
const DEFAULT_LIMIT: usize = 1_000_000;

/// One restore request that reached an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRecord {
    /// The bucket.
    pub bucket: Arc<str>,
    /// The key, exact bytes.
    pub key: Box<[u8]>,
    /// The version id as asked for; empty if none.
    pub version_id: Box<str>,
    /// Days asked for, where the body named any.
    pub days: Option<u32>,
    /// Tier asked for, where the body named one.
    pub tier: Option<Tier>,
    /// Status of the answer, also where it was lost on purpose; 0 if the request was dropped unread.
    pub status: u16,
    /// The store's hour.
    pub at: Timestamp,
}

/// What a restore request asked for, as far as it could be read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    pub(super) days: Option<u32>,
    pub(super) tier: Option<Tier>,
}

impl Wish {
    /// Reads a body leniently: for the ledger only.
    pub(super) fn read(body: &[u8]) -> Self {
        let body = Body::read(body);
        Self {
            days: body.find("Days").and_then(|d| d.parse().ok()),
            tier: body.find("Tier").and_then(Tier::from_wire),
        }
    }
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests in all.
    pub total: u64,
    /// Listings.
    pub list: u64,
    /// Listings of versions.
    pub versions: u64,
    /// HEAD.
    pub head: u64,
    /// Restore requests.
    pub restore: u64,
    /// Releases of copies.
    pub release: u64,
    /// Anything else.
    pub other: u64,
    /// Answers by status; 0 counts those that never went out.
    pub by_status: BTreeMap<u16, u64>,
    /// Faults that struck.
    pub faults: u64,
    /// Most requests at work at the same time.
    pub peak: u64,
    /// Most restore requests at work at the same time.
    pub restore_peak: u64,
}

#[derive(Debug, Default)]
struct Book {
    counts: Counts,
    now: u64,
    restoring: u64,
    restores: Vec<RestoreRecord>,
    fees: Fees,
}

/// The ledger of one server.
#[derive(Debug)]
pub struct Ledger {
    book: Mutex<Book>,
    limit: usize,
}

impl Ledger {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self { book: Mutex::default(), limit: limit.unwrap_or(DEFAULT_LIMIT) }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.book().counts.clone()
    }

    /// The restore requests so far, in the order of their answers, up to the limit of the seed.
    #[must_use]
    pub fn restores(&self) -> Vec<RestoreRecord> {
        self.book().restores.clone()
    }

    /// What would be billed so far.
    #[must_use]
    pub fn fees(&self) -> Fees {
        self.book().fees.clone()
    }

    /// Forgets everything but the requests that are at work.
    pub fn reset(&self) {
        let mut book = self.book();
        book.counts = Counts::default();
        book.restores.clear();
        book.fees = Fees::default();
    }

    /// Counts a request in until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>, call: Call) -> Entry {
        let mut book = self.book();
        book.now += 1;
        let counts = &mut book.counts;
        counts.total += 1;
        *match call {
            Call::List => &mut counts.list,
            Call::Versions => &mut counts.versions,
            Call::Head => &mut counts.head,
            Call::Restore => &mut counts.restore,
            Call::Release => &mut counts.release,
            Call::Other => &mut counts.other,
        } += 1;
        book.restoring += u64::from(call == Call::Restore);
        book.counts.peak = book.counts.peak.max(book.now);
        book.counts.restore_peak = book.counts.restore_peak.max(book.restoring);
        drop(book);
        Entry { ledger: Arc::clone(self), call }
    }

    pub(super) fn fault(&self) {
        self.book().counts.faults += 1;
    }

    pub(super) fn answered(&self, status: u16) {
        *self.book().counts.by_status.entry(status).or_default() += 1;
    }

    pub(super) fn bill(&self, call: Call, kind: Kind, status: u16) {
        self.book().fees.answer(call, kind, status);
    }

    pub(super) fn bill_restore(&self, kind: &Kind, bytes: u64, phase: Phase, mark: &Mark) {
        self.book().fees.restore(kind, bytes, phase, mark);
    }

    pub(super) fn record(&self, restore: RestoreRecord) {
        let mut book = self.book();
        if book.restores.len() < self.limit {
            book.restores.push(restore);
        }
    }
}

/// A request at work.
#[derive(Debug)]
pub(super) struct Entry {
    ledger: Arc<Ledger>,
    call: Call,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut book = self.ledger.book();
        book.now = book.now.saturating_sub(1);
        book.restoring = book.restoring.saturating_sub(u64::from(self.call == Call::Restore));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_calls_and_the_peak() {
        let ledger = Arc::new(Ledger::new(Some(1)));
        let one = ledger.enter(Call::Restore);
        let two = ledger.enter(Call::List);
        drop(one);
        let three = ledger.enter(Call::Restore);
        ledger.answered(202);
        let counts = ledger.counts();
        assert_eq!((counts.total, counts.restore, counts.list), (3, 2, 1));
        assert_eq!((counts.peak, counts.restore_peak), (2, 1));
        assert_eq!(counts.by_status[&202], 1);
        drop((two, three));
        let record = RestoreRecord {
            bucket: Arc::from("b"),
            key: Box::from(&b"k"[..]),
            version_id: Box::from(""),
            days: Some(1),
            tier: None,
            status: 202,
            at: Timestamp::UNIX_EPOCH,
        };
        ledger.record(record.clone());
        ledger.record(record.clone());
        assert_eq!(ledger.restores(), [record]);
    }
}
