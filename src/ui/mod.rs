//! Events to people: progress bars, plain lines, JSON lines, tables and error texts.
//!
//! Everything here is written to a [`Sink`] (stderr, or a buffer in tests), and never to stdout, which
//! belongs to data: `status`, whose answer is data, draws there. The tables and texts are returned as strings, and the caller decides where
//! they go. Nothing reads a clock: spans come with the events, and the one thing that needs the
//! hour ([`JsonLog`]) is given a clock.
//!
//! Whatever comes from outside (keys, vendor messages, paths) passes [`printable`] before it
//! reaches a terminal, so that no key can move the cursor or forge a line.
//!
//! | file | what it makes |
//! | --- | --- |
//! | `look` | the choice of form, and what the terminal can show |
//! | `bar`, `screen` | bars that redraw themselves (indicatif), at any width |
//! | `panel` | the lines with bars that they show, and `status` as well |
//! | `line` | plain lines for cron and pipes |
//! | `json` | one JSON object a line |
//! | `notice` | notices as text: which are shown at which verbosity, floods bounded |
//! | `figures` | figures of a progress event as text |
//! | `closing` | the table at the end of a run |
//! | `advice` | what codes and words mean, and what to do: a line for tables, a page for `explain` |
//! | `bill` | the table of a plan |
//! | `audit`, `html` | what a report amounts to, as text and as a page |
//! | `status` | where a job stands, as a table or JSON |
//! | `diff` | what became of objects between two reports |
//! | `finding` | what a preflight finds, as text or as a JSON line |
//! | `error` | an error with its causes and a hint, as text or as a JSON line |
//! | `human`, `escape`, `table`, `sink` | numbers, safe text, aligned columns, the way out |

mod advice;
mod audit;
mod bar;
mod bill;
mod closing;
mod diff;
mod error;
mod escape;
mod figures;
mod finding;
mod html;
mod human;
mod json;
mod line;
mod look;
mod notice;
mod panel;
mod screen;
mod sink;
mod status;
mod table;
mod waited;

pub use advice::{Entry, advice, entry, explained, explained_json, listed, listed_json, names};
pub use audit::audit_text;
pub use bar::Bars;
pub use bill::{PlanFee, PlanRow, PlanView, Quantity, plan_table};
pub use closing::{Closing, Cost, Early, closing_table};
pub use diff::{DiffView, diff_table};
pub use error::{error_json, error_text};
pub use escape::{Charset, printable};
pub use finding::{Finding, Grade, finding_json, finding_text};
pub use html::audit_page;
pub use human::{human_bytes, human_count, human_objects, human_rate, human_span};
pub use json::JsonLog;
pub use line::Lines;
pub use look::{Look, choose};
pub use sink::Sink;
pub use status::{RunState, StatusScreen, StatusView, WaitSeen, status_json, status_line, status_table};
pub use waited::{WaitView, wait_table};
