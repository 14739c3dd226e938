//! `defrost guide [TOPIC]`: the pages of the guide, a list of them, or where they hold a word.

use super::args::GuideArgs;
use super::exit::{Exit, Failure};
use crate::guide::{TOPICS, Topic};

pub(super) fn run(args: &GuideArgs) -> Result<Exit, Failure> {
    let text = match (args.topic.as_deref().and_then(Topic::named), args.search.as_deref()) {
        (Some(topic), _) => topic.text.to_owned(),
        (None, Some(word)) => found(word)?,
        // The parser lets no other name pass.
        (None, None) => list(),
    };
    super::out(text.as_bytes())?;
    Ok(Exit::Done)
}

/// A line for each topic.
fn list() -> String {
    let lines = TOPICS.iter().map(|topic| line(topic, topic.about));
    format!("Pages of the guide; `defrost guide TOPIC` shows one:\n\n{}", lines.collect::<String>())
}

/// `text` behind the name of `topic`.
fn line(topic: &Topic, text: &str) -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or_default();
    format!("  {:width$}  {text}\n", topic.name)
}

/// Every line that holds `word`, whatever its letter case, behind the name of its page.
///
/// # Errors
/// If no page holds it.
fn found(word: &str) -> Result<String, Failure> {
    let wanted = word.to_lowercase();
    let lines = TOPICS.iter().flat_map(|topic| {
        let holding = topic.text.lines().filter(|text| text.to_lowercase().contains(&wanted));
        holding.map(|text| line(topic, text.trim()))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        let what = format!("no page of the guide holds `{word}`");
        return Err(Failure::usage(what, "`defrost guide` lists the pages, `defrost explain` the codes"));
    }
    Ok(lines)
}
