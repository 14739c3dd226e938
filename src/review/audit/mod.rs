//! The audit of one report: what stands where, until when, and what failed.
//!
//! | file | |
//! | --- | --- |
//! | `count` | row by row |
//! | `tree`, `cover` | objects and bytes by folder in bounded memory; which folders are shown |
//! | `beside` | the summary beside the report, and whether the report is the one that it tells of |

mod beside;
mod count;
mod cover;
mod tree;

pub use beside::{audit_of_file, audit_of_stream};
