//! Layer 1: what the user asked for, checked.
//!
//! Text ends here: a job file, the flags and the environment go in as they were written, and a
//! [`Job`] comes out that holds nothing left to interpret, or [`Faults`] that name everything that
//! is wrong at once, each with its line, its key and the way out.

mod endpoint;
mod fault;
mod file;
mod flags;
mod glob;
mod hours;
mod layers;
mod parts;
mod prices;
mod read;
mod resolve;
mod retry;
mod schema;
mod settings;
mod spec;
mod units;
mod url;
mod variables;

pub(crate) use fault::nearest;
pub use fault::{At, Fault, Faults, Place};
pub use flags::{Overrides, TypedGlob};
pub use prices::{Item, Price, PriceTable, Prices};
pub use resolve::{all_from_file, from_file, from_url, url_state_dir};
pub use schema::schema;
pub use settings::{Setting, settings};
pub use spec::{
    Bounds, Budget, ClassFilter, ClassWish, Filter, Fit, GlobRule, Job, KeyList, Limits, MetricsSpec,
    NotifySpec, Outside, ReportSpec, Rows, Safety, SecretPlace, Share, SimulatorSpec, Source, TellOf, Until,
    Verb, Versions, WaitSpec, WebhookSpec, WebhookUrl, Window, Wish, is_of_retry,
};
pub use variables::{Env, strangers};
