//! The vendors' documents: dates, encodings, pages, error bodies. Written by hand on purpose.

pub(in crate::sim) mod ask;
pub(in crate::sim) mod cos;
pub(in crate::sim) mod date;
pub(in crate::sim) mod denial;
pub(in crate::sim) mod encode;
pub(in crate::sim) mod fail;
pub(in crate::sim) mod ids;
pub(in crate::sim) mod listing;
pub(in crate::sim) mod oss;
pub(in crate::sim) mod page;
mod refusal;
pub(in crate::sim) mod reply;
pub(in crate::sim) mod s3;
pub(in crate::sim) mod xml;
