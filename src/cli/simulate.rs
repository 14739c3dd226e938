//! `defrost sim`.

use clap::Args;

/// `sim`.
#[derive(Debug, Args)]
pub struct SimArgs {}

/// stub
pub async fn run(_args: SimArgs, stop: impl Future<Output = ()>) -> anyhow::Result<()> { stop.await; Ok(()) }
