//! `defrost schema`: the JSON Schema of job files.

use super::exit::{Exit, Failure};
use crate::job;

pub(super) fn run() -> Result<Exit, Failure> {
    super::out(job::schema().as_bytes())?;
    Ok(Exit::Done)
}
