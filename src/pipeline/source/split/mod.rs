//! x
mod fill;
mod letter;
mod lore;
mod model;
mod plan;
mod planner;
mod quantile;
mod range;

#[cfg(test)]
use crate::model::Position;
pub use planner::{Ask, Kept, Planner, Seen, Span, Torn, Verdict};
pub use quantile::Landmarks;
pub use range::RangeId;
#[cfg(test)]
mod trial;
