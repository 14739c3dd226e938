//! What a power cut leaves of files whose last bytes were not synced: less of them, or zeros.

use std::fs::OpenOptions;
use std::path::Path;

use super::dice::Dice;
use super::record::{partial, state};
use crate::support::Rig;
use crate::trial::json;

/// Bytes that the journal has; 0 if there is none.
pub(super) fn journal_length(rig: &Rig) -> u64 {
    let journal = state(rig).map(|state| state.join("journal.jsonl"));
    journal.and_then(|path| path.metadata().ok()).map_or(0, |found| found.len())
}

/// Tears off some of what no mark and no syncing vouches for: rows behind the mark, and the journal's
/// last answer, if the session that was killed wrote it: it began with `before` bytes.
pub(super) fn tear(rig: &Rig, before: u64, dice: &mut Dice) {
    let Some(state) = state(rig) else { return };
    let mark = &json(&state.join("checkpoint.json"))["mark"];
    let length = |part: &str| mark[part]["len"].as_u64().unwrap();
    cut(&partial(mark), length("written"), dice);
    cut(&state.join("aside.csv.zst"), length("aside"), dice);
    let journal = state.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    if let Some(last) = text.lines().last().filter(|line| line.contains("\"answered\"")) {
        let start = (text.trim_end().len() - last.len()) as u64;
        if start >= before {
            cut(&journal, start, dice);
        }
    }
}

/// Cuts the file at `path` somewhere behind its first `durable` bytes, and may put zeros there.
fn cut(path: &Path, durable: u64, dice: &mut Dice) {
    let Ok(file) = OpenOptions::new().write(true).open(path) else { return };
    let found = file.metadata().unwrap().len();
    let left = durable + dice.roll(found - durable + 1);
    file.set_len(left).unwrap();
    file.set_len(left + dice.roll(2) * dice.roll(100)).unwrap();
}
