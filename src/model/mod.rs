//! Layer 0: the nouns that every other layer speaks in.
//!
//! Nothing here does I/O, waits, or knows how a vendor spells things on the wire. The one
//! vendor fact it holds is the list of providers itself ([`Provider`]), because both the job
//! and the store must name one.

mod account;
mod audit;
mod clock;
mod comparison;
mod event;
mod form;
mod location;
mod money;
mod outcome;
mod page;
mod progress;
mod restore;
mod spare;
mod spending;
mod state;
mod tally;
mod text;
mod timeline;

pub use account::{Account, AccountLine, Answers, Bill};
pub use audit::{Audit, FailedCode, FailedRow, Failures, Flagged, Folders, Lapses, RunFacts, Seal, Share};
#[cfg(test)]
pub(crate) use clock::Still;
pub use clock::{Clock, SystemClock};
pub use comparison::{
    Change, Changes, Comparison, DEEPEST, PrefixChanges, Prefixes, STUCK_AFTER, Seen, Told, change,
};
pub use event::{Event, Kinds, Notice, Phase, Tell};
pub use form::{Form, Layout, Packing};
pub use location::Provider;
pub use money::{Currency, Money};
pub use outcome::Outcome;
pub use page::{Access, Entry, Kind, Lender, Listed, Named, Page, Place, Position, RestoreMark, Span};
pub use progress::{Basis, Bound, Doing, Eta, Expected, Live, Over, Progress, Ranges, Speeds, Unit};
pub use restore::{Offer, Quota, Raise, Tier, Usual};
pub use spare::Spare;
pub use spending::{Spending, Spent};
pub use state::{Action, Flag, Reason, State};
pub use tally::{Count, ErrorCount, Rates, RequestCounts, Tally};
pub use text::{hex, push_percent, unhex, unpercent};
pub use timeline::{Sample, Timeline};
