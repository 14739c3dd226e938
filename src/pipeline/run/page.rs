//! One page through the stages filter, classify and act.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt};

use crate::job::Verb;
use crate::model::{Action, Kinds, Outcome, Page};
use crate::pipeline::act::{Actor, NoOutcome, Placed};
use crate::pipeline::checkpoint::CheckpointError;
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::filter::Sieve;
use crate::store::{Store, StoreError};

/// Key and version of an object whose answer is known from an earlier session.
pub(super) type Known = HashMap<(Vec<u8>, Vec<u8>), Outcome>;

/// Objects of one page that are under way at once. It is a whole page: the client's permits bound
/// what is on the wire, and a request that backs off must not keep the others from their turn.
const UNDER_WAY: usize = 1000;

/// Answers so far, for progress; the tally counts again when rows are written.
#[derive(Debug, Default)]
pub(super) struct Progress {
    listed: AtomicU64,
    matched: AtomicU64,
    by_action: [AtomicU64; Action::ALL.len()],
}

impl Progress {
    pub(super) fn listed(&self, entries: u64) {
        self.listed.fetch_add(entries, Ordering::Relaxed);
    }

    fn count(&self, action: Action) {
        self.matched.fetch_add(1, Ordering::Relaxed);
        self.by_action[action as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn kinds(&self) -> Kinds {
        let of = |action: Action| self.by_action[action as usize].load(Ordering::Relaxed);
        Kinds {
            listed: self.listed.load(Ordering::Relaxed),
            matched: self.matched.load(Ordering::Relaxed),
            requested: of(Action::Requested),
            extended: of(Action::Extended),
            already: of(Action::Already),
            planned: of(Action::Planned),
            failed: of(Action::Failed),
            none: of(Action::None),
            deferred: of(Action::Deferred),
        }
    }
}

/// Everything that working on a page needs; shared by all pages of a run.
pub(super) struct Desk<'a, S> {
    pub(super) sieve: Sieve<'a>,
    pub(super) actor: Actor<'a, S>,
    pub(super) progress: Arc<Progress>,
    pub(super) journal: Option<Arc<Mutex<Journal>>>,
    pub(super) answers: Known,
}

/// A page worked on.
#[derive(Default)]
pub(super) struct Worked {
    /// For each entry of the page: not wanted, wanted but not done, or done.
    pub(super) outcomes: Vec<Row>,
    /// A refusal that every further request would meet.
    pub(super) doomed: Option<StoreError>,
    /// Whether the cap on matched objects was reached: what follows is not wanted.
    pub(super) capped: bool,
}

/// What became of one entry of a page.
#[derive(Clone, Debug, Default)]
pub(super) enum Row {
    /// The filter did not want it.
    #[default]
    Unwanted,
    /// Its turn did not come.
    Undone,
    /// Its row.
    Done(Outcome),
}

impl<S: Store> Desk<'_, S> {
    /// Filters, classifies and acts on a page; `room` is how many more objects are wanted.
    pub(super) async fn work(&self, page: &Page, room: u64) -> Result<Worked, CheckpointError> {
        let mut worked = Worked { outcomes: vec![Row::Unwanted; page.len()], ..Worked::default() };
        self.progress.listed(page.len() as u64);
        let placed = self.place(page, &mut worked).await;
        let mut wanted = Vec::with_capacity(placed.len());
        let mut room = room;
        for (index, placed) in placed {
            if room == 0 {
                worked.capped = true;
                worked.outcomes.truncate(index);
                break;
            }
            match placed {
                Standing::Answered(outcome) => {
                    self.progress.count(outcome.action);
                    worked.outcomes[index] = Row::Done(outcome);
                }
                Standing::Undone => worked.outcomes[index] = Row::Undone,
                Standing::Placed(placed) if !self.sieve.keeps_state(placed.outcome.state) => continue,
                Standing::Placed(placed) => wanted.push((index, placed)),
            }
            room -= 1;
        }
        self.act(page, wanted, &mut worked).await?;
        Ok(worked)
    }

    /// Where each wanted entry stands, in page order; HEADs run concurrently.
    async fn place(&self, page: &Page, worked: &mut Worked) -> Vec<(usize, Standing)> {
        let wanted: Vec<usize> = (0..page.len()).filter(|i| self.sieve.keeps(&page.get(*i))).collect();
        let mut placed = stream::iter(wanted)
            .map(async |index| {
                let object = page.get(index);
                let known = if self.answers.is_empty() {
                    None
                } else {
                    self.answers.get(&(object.key.to_vec(), object.version_id.to_vec()))
                };
                match known {
                    Some(outcome) => (index, Ok(Standing::Answered(outcome.clone()))),
                    None => (index, self.actor.place(&object).await.map(Standing::Placed)),
                }
            })
            .buffered(UNDER_WAY);
        let mut all = Vec::with_capacity(page.len());
        while let Some((index, place)) = placed.next().await {
            all.push((
                index,
                place.unwrap_or_else(|none| {
                    self.note(none, worked);
                    Standing::Undone
                }),
            ));
        }
        all
    }

    /// Acts on placed objects concurrently and journals every answer as it comes.
    async fn act(
        &self,
        page: &Page,
        wanted: Vec<(usize, Placed)>,
        worked: &mut Worked,
    ) -> Result<(), CheckpointError> {
        let mut acts = stream::iter(wanted)
            .map(async |(index, placed)| (index, self.actor.act(&page.get(index), placed).await))
            .buffer_unordered(UNDER_WAY);
        while let Some((index, acted)) = acts.next().await {
            worked.outcomes[index] = match acted {
                Ok(outcome) => {
                    self.progress.count(outcome.action);
                    self.record(page, index, &outcome)?;
                    Row::Done(outcome)
                }
                Err(none) => {
                    self.note(none, worked);
                    Row::Undone
                }
            };
        }
        Ok(())
    }

    fn note(&self, none: NoOutcome, worked: &mut Worked) {
        if let NoOutcome::Doomed(error) = none {
            // The first one tells the story; those in flight would only repeat it.
            self.actor.store.halt();
            worked.doomed.get_or_insert(error);
        }
    }

    fn record(&self, page: &Page, index: usize, outcome: &Outcome) -> Result<(), CheckpointError> {
        let Some(journal) = self.journal.as_ref().filter(|_| {
            self.actor.verb == Verb::Restore && (outcome.http_status.is_some() || outcome.attempts > 0)
        }) else {
            return Ok(());
        };
        let object = page.get(index);
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.record(object.key, object.version_id, outcome)
    }
}

/// An entry before acting.
enum Standing {
    /// An earlier session has its answer.
    Answered(Outcome),
    /// Its state is known.
    Placed(Placed),
    /// Its turn did not come.
    Undone,
}
