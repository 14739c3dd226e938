//! One look at objects that were being restored: by listing just the stretches of keys where they lie,
//! and by HEAD where the listing does not tell.
//!
//! Each page begins right in front of the next object that is looked for, so that no set of objects
//! takes more pages than the listing of the whole bucket would, and gaps cost nothing.

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::memory::Open;
use crate::model::{Clock, Kind, Listed, Page, Position, State};
use crate::pipeline::classify::{Standing, classify};
use crate::pipeline::source::{SourceError, Trail, orderly};
use crate::store::{ErrorKind, ListApi, Listing, Store, StoreError};

/// Truncated pages without any entry in a row after which a look is given up.
const MAX_EMPTY_PAGES: u32 = 1000;
/// HEADs of one look that are under way at once; the client's permits bound what is on the wire.
const HEADS: usize = 100;
/// Longest key of any store, in bytes.
const LONGEST_KEY: usize = 1024;

/// What has become of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is still being restored, or nobody says otherwise.
    Open,
    /// It is readable: its size, class, and until when.
    Ready(Ready),
    /// It is not there any more.
    Missing,
    /// It is archived again, without having been seen readable.
    Archived,
}

/// A readable object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) size: u64,
    pub(super) class: Vec<u8>,
    pub(super) expires_at: Option<Timestamp>,
}

/// Looks at objects of one listing.
#[derive(Debug)]
pub(super) struct Looker<'a, S> {
    pub(super) store: &'a S,
    pub(super) clock: &'a dyn Clock,
    pub(super) listing: &'a Listing,
}

/// A look under way.
struct Look<'a> {
    objects: &'a [Open],
    due: Vec<bool>,
    fates: Vec<Option<Fate>>,
    /// Objects that only HEAD tells of, with their sizes.
    unsaid: Vec<(usize, u64)>,
    /// The first object that pages to come may show.
    from: usize,
}

impl<S: Store> Looker<'_, S> {
    /// What has become of `objects`, which stand in listing order. Those that are not `due` are
    /// looked at only where they lie between others, and believed only if they are readable.
    pub(super) async fn look(
        &self,
        objects: &[Open],
        due: impl Fn(&Open) -> bool,
    ) -> Result<Vec<Fate>, SourceError> {
        let mut look = Look {
            objects,
            due: objects.iter().map(due).collect(),
            fates: vec![None; objects.len()],
            unsaid: Vec::new(),
            from: 0,
        };
        while let Some(next) = look.next() {
            look.from = next;
            self.stretch(&mut look).await?;
        }
        self.head(&mut look).await?;
        Ok(look.fates.into_iter().map(|fate| fate.unwrap_or(Fate::Open)).collect())
    }

    /// Lists from the next object on, as far as the pages are worth it.
    async fn stretch(&self, look: &mut Look<'_>) -> Result<(), SourceError> {
        let mut at = before(&look.objects[look.from].key);
        let mut trail = Trail::after(&at);
        let mut empty = 0;
        loop {
            let page = self.store.list(self.listing, &at).await?.answer;
            orderly(&page, &self.listing.prefix, self.listing.api == ListApi::Versions)?;
            trail.follow(&page)?;
            look.take(&page, self.clock.now());
            let (Some(on), Some(next)) = (page.next(), look.next()) else { return Ok(()) };
            let reached = page.len().checked_sub(1).map(|last| page.get(last).key);
            empty = if reached.is_none() { empty + 1 } else { 0 };
            if empty >= MAX_EMPTY_PAGES {
                return Err(SourceError::Empty);
            }
            if *on == at {
                return Err(SourceError::Repeated { pages: 1 });
            }
            // Versions of the last key may follow; everything else is found faster from in front of it.
            if reached.is_some_and(|reached| look.objects[next].key != reached) {
                return Ok(());
            }
            at = on.clone();
        }
    }

    /// Asks by HEAD for what the listing did not tell.
    async fn head(&self, look: &mut Look<'_>) -> Result<(), StoreError> {
        let objects = look.objects;
        let mut heads = stream::iter(std::mem::take(&mut look.unsaid))
            .map(async |(index, size)| {
                let open = &objects[index];
                (index, size, self.store.head(&open.key, &open.version).await)
            })
            .buffer_unordered(HEADS);
        while let Some((index, size, headed)) = heads.next().await {
            let fate = match headed {
                Ok(answered) => {
                    let head = answered.answer;
                    let class = head.class.into_bytes();
                    match classify(Kind::Object, head.access, head.restore, self.clock.now()) {
                        Standing::Known(state, expires_at) => {
                            fate(state, || Ready { size, class, expires_at }, true)
                        }
                        Standing::Unsaid => Fate::Open,
                    }
                }
                Err(error) if error.kind == ErrorKind::Gone => Fate::Missing,
                Err(error) if error.kind.dooms_run() || error.kind == ErrorKind::Halted => return Err(error),
                Err(error) if error.kind == ErrorKind::Denied => return Err(error),
                // It is asked again by the next look.
                Err(_) => Fate::Open,
            };
            look.fates[index] = Some(fate);
        }
        Ok(())
    }
}

impl Look<'_> {
    /// The next object that is due and not known.
    fn next(&self) -> Option<usize> {
        (self.from..self.objects.len()).find(|&index| self.due[index] && self.fates[index].is_none())
    }

    /// Takes what a page tells.
    fn take(&mut self, page: &Page, now: Timestamp) {
        let end = page.next().is_none();
        let reached = page.len().checked_sub(1).map(|last| page.get(last).key);
        let mut index = self.from;
        while let Some(open) = self.objects.get(index) {
            let key = open.key.as_slice();
            if !end && reached.is_none_or(|reached| key > reached) {
                break;
            }
            if self.fates[index].is_none() {
                match find(page, open) {
                    Some(entry) => self.see(index, &entry, now),
                    // Its version may stand on the next page.
                    None if !end && reached == Some(key) => {}
                    None if self.due[index] => self.fates[index] = Some(Fate::Missing),
                    None => self.fates[index] = Some(Fate::Open),
                }
            }
            // What lies in front of the last key is done with.
            if end || reached.is_some_and(|reached| key < reached) {
                self.from = index + 1;
            }
            index += 1;
        }
    }

    fn see(&mut self, index: usize, entry: &Listed<'_>, now: Timestamp) {
        let due = self.due[index];
        let ready = |expires_at| Ready { size: entry.size, class: entry.class.to_vec(), expires_at };
        let seen = match classify(entry.kind, entry.access, entry.restore, now) {
            Standing::Known(state, expires_at) => fate(state, || ready(expires_at), due),
            Standing::Unsaid => {
                if due {
                    self.unsaid.push((index, entry.size));
                }
                Fate::Open
            }
        };
        self.fates[index] = Some(seen);
    }
}

/// What a state means for an object that was being restored. A listing may lag behind a request that
/// has just been made: of what is not `due`, only the good news is believed.
fn fate(state: State, ready: impl FnOnce() -> Ready, due: bool) -> Fate {
    match state {
        State::Restored | State::Readable => Fate::Ready(ready()),
        State::Archived | State::Expired if due => Fate::Archived,
        State::Missing if due => Fate::Missing,
        State::Archived | State::Expired | State::Missing | State::Restoring | State::Unknown => Fate::Open,
    }
}

/// The entry of `open` in a page.
fn find<'p>(page: &'p Page, open: &Open) -> Option<Listed<'p>> {
    let (mut low, mut high) = (0, page.len());
    while low < high {
        let middle = low.midpoint(high);
        if page.get(middle).key < open.key.as_slice() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..page.len())
        .map(|index| page.get(index))
        .take_while(|entry| entry.key == open.key.as_slice())
        .find(|entry| entry.version_id == open.version.as_slice() && entry.kind == Kind::Object)
}

/// A place in front of `key` with few keys between: behind the keys that begin like it and have the
/// character before its last one there. It is text, since stores take nothing else.
fn before(key: &[u8]) -> Position {
    let text = match std::str::from_utf8(key) {
        Ok(text) => text,
        // What is no text is listed from the last text in front of it.
        Err(error) => {
            let stem = std::str::from_utf8(&key[..error.valid_up_to()]).unwrap_or_default();
            return after(stem.to_owned());
        }
    };
    let Some(last) = text.chars().next_back() else { return Position::Start };
    let mut place = text[..text.len() - last.len_utf8()].to_owned();
    let neighbour = match last {
        // Control characters are none that a store must take.
        ..='!' => None,
        '\u{e000}' => Some('\u{d7ff}'),
        other => char::from_u32(u32::from(other) - 1),
    };
    if let Some(neighbour) = neighbour {
        place.push(neighbour);
        if place.len() < LONGEST_KEY {
            place.push('~');
        }
    }
    after(place)
}

fn after(key: String) -> Position {
    if key.is_empty() { Position::Start } else { Position::After(key.into_bytes()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_look_begins_in_front_of_its_object(key in proptest::collection::vec(any::<u8>(), 1..40), text in "\\PC{1,20}") {
            for key in [key, text.into_bytes()] {
                match before(&key) {
                    Position::Start => {}
                    Position::After(place) => {
                        prop_assert!(place < key && !place.is_empty(), "{place:?} {key:?}");
                        prop_assert!(std::str::from_utf8(&place).is_ok());
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn the_keys_that_stand_next_to_an_object_are_passed_over() {
        let place = |key: &str| match before(key.as_bytes()) {
            Position::After(place) => String::from_utf8(place).unwrap(),
            other => format!("{other:?}"),
        };
        assert_eq!(place("logs/000123"), "logs/000122~");
        assert_eq!(place("a/b"), "a/a~");
        assert_eq!(place("dir/"), "dir.~");
        assert_eq!(place("a "), "a");
        assert_eq!(place("!"), "Start");
        assert_eq!(place(&"x".repeat(1024)), "x".repeat(1023) + "w");
    }
}
