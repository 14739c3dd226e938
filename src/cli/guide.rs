//! `defrost guide [TOPIC]`: the pages of the guide, or a list of them.

use super::args::GuideArgs;
use super::exit::{Exit, Failure};
use crate::guide::{TOPICS, Topic};

pub(super) fn run(args: &GuideArgs) -> Result<Exit, Failure> {
    let text = match args.topic.as_deref().and_then(Topic::named) {
        Some(topic) => topic.text.to_owned(),
        // The parser lets no other name pass.
        None => list(),
    };
    super::out(text.as_bytes())?;
    Ok(Exit::Done)
}

/// A line for each topic.
fn list() -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or_default();
    let lines = TOPICS.iter().map(|topic| format!("  {:width$}  {}\n", topic.name, topic.about));
    format!("Pages of the guide; `defrost guide TOPIC` shows one:\n\n{}", lines.collect::<String>())
}
