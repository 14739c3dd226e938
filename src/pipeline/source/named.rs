//! Pages of named objects: each name is looked at by HEAD, a page of them side by side.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::names::{Entries, Name, Names};
use super::{Looking, Placed, Placing, Range, SourceError, Told};
use crate::job::Verb;
use crate::model::{
    Access, Action, Answers, Entry, Kind, Named, Outcome, Page, Place, Position, Reason, RestoreMark, Span,
    State,
};
use crate::pipeline::act::{NoOutcome, refused};
use crate::pipeline::report::Again;
use crate::store::{ErrorKind, Head, Store, StoreError};

/// Looks at what `names` names, behind where `range` begins. Ends early, and well, when nobody wants
/// pages any more.
pub(super) async fn look<S: Store + 'static>(
    store: Arc<S>,
    names: &Arc<Names>,
    range: &Range,
    how: Looking,
    room: Arc<Semaphore>,
    send: &mpsc::Sender<Told>,
) -> Result<(), SourceError> {
    let done = match &range.from {
        Position::After(place) => Place::number(place).unwrap_or(0),
        _ => 0,
    };
    let mut chunks = Chunks::open(Arc::clone(names), done).await?;
    let mut pages: JoinSet<Result<(Placing, Page, OwnedSemaphorePermit), SourceError>> = JoinSet::new();
    let (mut number, mut ended) = (0, false);
    while !ended || !pages.is_empty() {
        let permit = tokio::select! {
            biased;
            Some(page) = pages.join_next() => {
                let (placing, page, permit) = page.map_err(|_| SourceError::Died)??;
                if send.send(Told::Page(Placed { placing, page, permit })).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            Ok(permit) = Arc::clone(&room).acquire_owned(), if !ended && pages.len() < how.pages.max(1) => permit,
            else => return Ok(()),
        };
        let (some, last) = chunks.next(how.page_size.max(1)).await?;
        ended = last;
        let placing = Placing { range: range.id, number, last };
        number += 1;
        let (store, how) = (Arc::clone(&store), how.clone());
        pages.spawn(async move {
            let page = page(&*store, some, &how).await?;
            Ok((placing, page, permit))
        });
    }
    Ok(())
}

/// The names of a list, some at a time.
struct Chunks {
    names: Arc<Names>,
    entries: Entries<Again>,
    /// The first name of the next chunk.
    ahead: Option<Name>,
}

impl Chunks {
    /// The names behind the first `done` ones.
    async fn open(names: Arc<Names>, done: u64) -> Result<Self, SourceError> {
        aside(move || {
            let mut entries = names.entries()?;
            for _ in 0..done {
                entries.next()?;
            }
            let ahead = entries.next()?;
            Ok(Self { names, entries, ahead })
        })
        .await
    }

    /// The next names, and whether they are the last ones.
    async fn next(&mut self, most: usize) -> Result<(Vec<Name>, bool), SourceError> {
        // Reading waits for a disk: page by page that is too short to be worth a thread of its own.
        let mut chunk = Vec::with_capacity(most);
        while let Some(name) = self.ahead.take() {
            chunk.push(name);
            self.ahead = self.entries.next()?;
            if chunk.len() == most {
                break;
            }
        }
        let last = self.ahead.is_none();
        if last && self.entries.digest() != self.names.digest() {
            return Err(SourceError::Edited { list: self.names.list().to_owned() });
        }
        tokio::task::yield_now().await;
        Ok((chunk, last))
    }
}

/// Does `work` on a thread that may wait.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SourceError::Died)?
}

/// What HEAD says of a name.
enum Looked {
    Found(Head, u32, Answers),
    /// Nothing more can be learnt of it.
    Told(Outcome),
}

async fn page<S: Store>(store: &S, wanted: Vec<Name>, how: &Looking) -> Result<Page, SourceError> {
    let side_by_side = wanted.len().max(1);
    let answers: Vec<Result<(usize, Looked), SourceError>> = stream::iter(0..wanted.len())
        .map(async |index| Ok((index, head(store, &wanted[index], how).await?)))
        .buffer_unordered(side_by_side)
        .collect()
        .await;
    let mut looked = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    looked.sort_unstable_by_key(|(index, _)| *index);
    let (mut text, mut entries) = (Vec::new(), Vec::with_capacity(wanted.len()));
    let mut named = Named { places: Vec::with_capacity(wanted.len()), ..Named::default() };
    for (name, (index, looked)) in wanted.iter().zip(looked) {
        let mut put = |bytes: &[u8]| {
            let start = text.len();
            text.extend_from_slice(bytes);
            // A page of 1,000 names is far below 4 GB.
            Span { start: u32::try_from(start).unwrap_or(0), len: u32::try_from(bytes.len()).unwrap_or(0) }
        };
        named.places.push(Place::new(name.number));
        let entry = Entry {
            key: put(&name.key),
            version_id: put(&name.version_id),
            is_latest: name.is_latest,
            access: Access::Unrecognised,
            restore: RestoreMark::Unsaid,
            ..Entry::default()
        };
        entries.push(match looked {
            Looked::Told(outcome) => {
                named.told.insert(index, outcome);
                entry
            }
            Looked::Found(head, attempts, answers) => {
                named.heads.insert(index, (attempts, answers));
                Entry {
                    kind: if head.symlink { Kind::Symlink } else { Kind::Object },
                    class: put(head.class.as_bytes()),
                    access: head.access,
                    access_tier: put(head.access_tier.as_bytes()),
                    size: head.size,
                    etag: put(head.etag.as_bytes()),
                    last_modified: head.last_modified,
                    restore: head.restore,
                    ..entry
                }
            }
        });
    }
    Ok(Page::of_names(text, entries, named))
}

async fn head<S: Store>(store: &S, name: &Name, how: &Looking) -> Result<Looked, SourceError> {
    if !store.addressable(&name.key) {
        let mut outcome = Outcome::seen(State::Unknown, None, how.clock.now());
        (outcome.action, outcome.reason) = (Action::Failed, Some(Reason::UnsafeKey));
        return Ok(Looked::Told(outcome));
    }
    match store.head(&name.key, &name.version_id).await {
        Ok(answered) => Ok(Looked::Found(answered.answer, answered.attempts, answered.answers)),
        Err(error) => told(error, how).map(Looked::Told),
    }
}

/// What a refused HEAD tells.
fn told(error: StoreError, how: &Looking) -> Result<Outcome, SourceError> {
    let state = if error.kind == ErrorKind::Gone { State::Missing } else { State::Unknown };
    let seen = Outcome::seen(state, None, how.clock.now());
    if error.kind == ErrorKind::Halted {
        return Err(error.into());
    }
    match refused(seen, error) {
        Ok(mut outcome) => {
            if state == State::Missing && how.verb != Verb::Restore {
                outcome.action = Action::None;
            }
            Ok(outcome)
        }
        Err(NoOutcome::Doomed(error)) => Err(error.into()),
        // A look has no hour by which it must leave.
        Err(NoOutcome::Halted { .. } | NoOutcome::Late { .. }) => Err(SourceError::Died),
    }
}
