//! Trials in virtual time: the store, the driver and the clock are all arithmetic.
//!
//! The bench uses these files too; they name the planner by `super::super`.

pub(crate) mod drive;
pub(crate) mod space;
