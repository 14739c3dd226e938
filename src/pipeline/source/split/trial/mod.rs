//! Trials in virtual time: the store, the driver and the clock are all arithmetic.
//!
//! The bench uses these files too; they name the planner by `super::super`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unchecked_time_subtraction,
    reason = "shares of made-up counts, and a clock that does not go back"
)]

pub(crate) mod drive;
pub(crate) mod space;
