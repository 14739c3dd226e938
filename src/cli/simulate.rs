//! `defrost sim`.

use clap::Args;

/// `sim`.
#[derive(Debug, Args)]
pub struct SimArgs {}
