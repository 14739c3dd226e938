//! The state that a run left: whatever a disk or a hand made of it, it is refused or it is what it was.

use std::path::PathBuf;
use std::sync::Arc;

use defrost::pipeline::checkpoint::StateDir;
use defrost::sim::{Call, Fault, FaultKind};
use tempfile::TempDir;

use super::Target;
use crate::hostile::ground::Ground;
use crate::support::S3;

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "null",
    "\"\"",
    ",",
    ":",
    "\n",
    "\\u0000",
    "\\ud800",
    "\"run_id\":",
    "\"format\":",
    "\"sha256\":",
    "\"ranges\":[]",
    "\"key\":",
    "1e999",
    "-0",
    "2026-02-30T25:00:00Z",
    "\u{0}",
];

/// A folder with an unfinished run, open as the next session would have it.
struct Left {
    folder: PathBuf,
    dir: StateDir,
    identity: Vec<(String, String)>,
    /// The hour at which it is looked at.
    hour: jiff::Timestamp,
    /// What it says as long as nobody has touched it.
    mark: String,
    _kept: TempDir,
}

/// One file of the state.
pub(super) struct State {
    left: Arc<Left>,
    file: &'static str,
    whole: Vec<u8>,
}

impl Left {
    /// A restore whose listing broke off on its last page.
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kept = runtime.block_on(async {
            let ground = Ground::new(S3, Call::Restore).await;
            ground.server.add_fault(Fault { skip: 2, ..Fault::new(FaultKind::Internal).on(Call::List) });
            assert!(ground.run().await.ended.is_err());
            ground.folder
        });
        let all = std::fs::read_dir(kept.path().join("state")).unwrap();
        let folder = all.map(|entry| entry.unwrap().path()).next().unwrap();
        let dir = StateDir::open(&folder).unwrap();
        dir.save_hints(&[b"p/03".to_vec(), b"p/07".to_vec()]).unwrap();
        let mark = StateDir::peek(&folder).unwrap().unwrap();
        Self {
            identity: mark.identity.clone(),
            hour: mark.saved_at,
            mark: format!("{mark:?}"),
            folder,
            dir,
            _kept: kept,
        }
    }
}

pub(super) fn all() -> Vec<State> {
    // A folder each: they are written to at the same time.
    ["checkpoint.json", "journal.jsonl", "hints"]
        .map(|file| {
            let left = Arc::new(Left::new());
            let whole = std::fs::read(left.folder.join(file)).unwrap();
            State { left, file, whole }
        })
        .into()
}

impl Target for State {
    fn name(&self) -> String {
        format!("state, {}", self.file)
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        vec![self.whole.clone()]
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let left = &self.left;
        std::fs::write(left.folder.join(self.file), input).unwrap();
        let _ = left.dir.hints();
        let unfinished = left.dir.unfinished(&left.identity, left.hour);
        match StateDir::peek(&left.folder) {
            // A mark without one is a folder without a run.
            Ok(None) => panic!("the mark is there, and nobody sees it"),
            Ok(Some(mark)) => assert_eq!(format!("{mark:?}"), left.mark, "a changed mark is believed"),
            Err(error) => {
                assert!(unfinished.is_err(), "what cannot be looked at is gone on with");
                assert!(error.to_string().contains(self.file), "{error}");
                return false;
            }
        }
        unfinished.is_ok()
    }
}
