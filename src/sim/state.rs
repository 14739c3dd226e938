//! What a run leaves for the next: the hour of the store and the restores that it accepted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::mark::Mark;

/// The layout that this build writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// What a run leaves for the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Layout of the file.
    pub format: u32,
    /// The hour at which the store first started: ages of objects count from it.
    pub start: Timestamp,
    /// The hour of the store when this was written.
    pub now: Timestamp,
    /// The restores accepted since the start, by bucket.
    pub buckets: BTreeMap<String, Vec<Changed>>,
}

/// A version whose restore state is not the seeded one any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Its key, percent-encoded.
    pub key: String,
    /// Which of its versions, 0 for the newest.
    pub ordinal: u32,
    /// The last restore that was accepted.
    pub mark: Mark,
}

impl State {
    pub(super) fn new(start: Timestamp, now: Timestamp, buckets: BTreeMap<String, Vec<Changed>>) -> Self {
        Self { format: FORMAT, start, now, buckets }
    }

    /// Reads what [`State::save`] wrote; `None` if there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read, is not such a file, or has another layout.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let state: Self = serde_json::from_slice(&text)?;
        if state.format != FORMAT {
            let what = format!("state of layout {}, this build reads {FORMAT}", state.format);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Some(state))
    }

    /// Writes the state beside `path` and puts it in its place in one step.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::class::Tier;
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert_eq!(State::load(&path).unwrap(), None);
        let start: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let mark = Mark { tier: Tier::Bulk, days: 3, asked: 5, ready: 6, expires: Some(7) };
        let changed = Changed { key: "a%2Fb".to_owned(), ordinal: 1, mark };
        let state = State::new(start, start, BTreeMap::from([("b".to_owned(), vec![changed])]));
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), Some(state));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn refuses_another_layout() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let text = r#"{"format":9,"start":"2026-01-02T00:00:00Z","now":"2026-01-02T00:00:00Z","buckets":{}}"#;
        std::fs::write(&path, text).unwrap();
        assert!(State::load(&path).unwrap_err().to_string().contains("layout 9"));
    }
}
