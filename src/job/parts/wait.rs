//! `[wait]`: how to wait for what was asked for.

use std::path::Path;
use std::time::Duration;

use super::super::fault::{Problem, nearest};
use super::super::flags::Overrides;
use super::super::layers::{Layers, Picked};
use super::super::read::{self, Value};
use super::super::spec::{Until, WaitSpec};
use super::{command_word, file_path, from_folder, small, text_flag};

/// Most objects that one call of a command is given: their names must fit into memory.
const MOST_IN_BATCH: u64 = 100_000;
/// Shortest time between two polls.
const SHORTEST_POLL: Duration = Duration::from_secs(1);
/// What a word of the command may hold.
const PLACEHOLDERS: [&str; 2] = ["ready_file", "batch"];

/// `[wait]`.
pub(in super::super) fn wait(layers: &mut Layers<'_>, over: &Overrides, folder: &Path) -> WaitSpec {
    let default = WaitSpec::default();
    let until = layers.value("wait.until", text_flag(over.until.as_ref()), until);
    let poll = layers.value("wait.poll", text_flag(over.poll.as_ref()), |value| {
        let span = read::span(value)?;
        if span < SHORTEST_POLL {
            return Err(Problem::new("is too short", "write a second or more, such as \"10m\""));
        }
        Ok(span)
    });
    let timeout = layers.pick("wait.timeout", text_flag(over.wait_timeout.as_ref()), read::some_time);
    if let (Some(poll), Some(timeout)) = (poll, &timeout)
        && timeout.value < poll
    {
        let problem = Problem::new(
            format!("is shorter than `poll` ({} s), so nothing would be looked at twice", poll.as_secs()),
            "swap the two, or leave one out",
        );
        layers.fault(problem, timeout.at.clone());
    }
    let ready_file = layers
        .pick("wait.ready_file", text_flag(over.ready_file.as_ref()), file_path)
        .map(|Picked { value, at }| from_folder(folder, &value, &at));
    let on_ready = layers.list("wait.on_ready", &over.on_ready, false, |value| {
        command_word(value, &PLACEHOLDERS, "it can hold `{ready_file}` and `{batch}`")
    });
    let batch = layers.value("wait.batch", text_flag(over.batch.as_ref()), |value| {
        small(value, 1, MOST_IN_BATCH, "objects")
    });
    let timeout = timeout.map_or(default.timeout, |timeout| timeout.value);
    WaitSpec {
        until: until.unwrap_or(default.until),
        // A wait that is shorter than the usual poll looks at its end.
        poll: poll.unwrap_or_else(|| default.poll.min(timeout)),
        timeout,
        ready_file,
        on_ready: on_ready.into_iter().map(|word| word.value).collect(),
        batch: batch.unwrap_or(default.batch),
    }
}

/// `none`, `ready` or `ready:95%`.
fn until(value: &Value) -> Result<Until, Problem> {
    const FORM: &str = "it can be `none`, `ready`, or a share such as `ready:95%`";
    let text = read::text(value)?;
    let text = text.trim();
    if let Some((word, share)) = text.split_once(':')
        && word.trim_end().eq_ignore_ascii_case("ready")
    {
        return read::percent(share.trim(), "ready:95%").map(Until::Ready);
    }
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(Until::None),
        "ready" => Ok(Until::Ready(100.0)),
        _ => {
            let way_out = match nearest(text, ["none", "ready"]) {
                Some(hint) => format!("did you mean `{hint}`? {FORM}"),
                None => FORM.to_owned(),
            };
            Err(Problem::new("is not one of the words it can be", way_out))
        }
    }
}
