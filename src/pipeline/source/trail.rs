//! How far a range has come.

use super::SourceError;
use crate::model::{Page, Position};
use crate::pipeline::report::shown_key;

/// Longest piece of a key shown in an error, in characters.
const SHOWN_KEY: usize = 200;

/// Checks what a page says by itself: its keys are in order, each once, and begin with `prefix`.
/// Where `versions` are listed, a key may come in several.
///
/// In order, the first and the last key speak for all between them.
pub(in crate::pipeline) fn orderly(page: &Page, prefix: &[u8], versions: bool) -> Result<(), SourceError> {
    let Some(end) = page.len().checked_sub(1) else {
        return Ok(());
    };
    let mut before = page.get(0);
    for entry in page.iter().skip(1) {
        let onwards = before.key < entry.key
            || (versions && before.key == entry.key && before.version_id != entry.version_id);
        if !onwards {
            return Err(backwards(before.key, entry.key));
        }
        before = entry;
    }
    match [page.get(0).key, page.get(end).key].into_iter().find(|key| !key.starts_with(prefix)) {
        Some(stray) => Err(SourceError::Astray { key: shown(stray), prefix: shown(prefix) }),
        None => Ok(()),
    }
}

fn backwards(last: &[u8], first: &[u8]) -> SourceError {
    SourceError::Backwards { last: shown(last), first: shown(first) }
}

/// A key for a message: printable, and no longer than a line bears.
fn shown(key: &[u8]) -> String {
    let text = shown_key(key).0;
    match text.char_indices().nth(SHOWN_KEY) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// How far a listing has come, to tell a store that ignores where it was asked to go on.
pub(in crate::pipeline) struct Trail {
    last: Option<Vec<u8>>,
    /// Whether the next page may begin with the last key: other versions of it may follow.
    same_key: bool,
}

impl Trail {
    pub(in crate::pipeline) fn after(at: &Position) -> Self {
        match at {
            Position::Start | Position::Token(_) => Self { last: None, same_key: false },
            Position::After(key) => Self { last: Some(key.clone()), same_key: false },
            Position::AfterVersion(key, _) => Self { last: Some(key.clone()), same_key: true },
        }
    }

    /// Takes the next page's keys.
    pub(in crate::pipeline) fn follow(&mut self, page: &Page) -> Result<(), SourceError> {
        let Some(end) = page.len().checked_sub(1) else {
            return Ok(());
        };
        let first = page.get(0).key;
        if let Some(last) = &self.last
            && (first < last.as_slice() || (first == last.as_slice() && !self.same_key))
        {
            return Err(backwards(last, first));
        }
        self.last = Some(page.get(end).key.to_vec());
        self.same_key = matches!(page.next(), Some(Position::AfterVersion(..)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entry, Span};

    fn page(keys: &[&str], next: Option<Position>) -> Page {
        let text: Vec<u8> = keys.concat().into_bytes();
        let mut start = 0;
        let entries = keys
            .iter()
            .map(|key| {
                let len = u32::try_from(key.len()).unwrap();
                let entry = Entry { key: Span { start, len }, ..Entry::default() };
                start += len;
                entry
            })
            .collect();
        Page::new(text, entries, next)
    }

    fn token(text: &str) -> Position {
        Position::Token(text.into())
    }

    #[test]
    fn a_page_out_of_order_or_beside_the_prefix_is_refused() {
        let fine = |keys: &[&str], versions| orderly(&page(keys, None), b"p/", versions).is_ok();
        assert!(fine(&[], false) && fine(&["p/"], false) && fine(&["p/a", "p/b"], false));
        for bad in [&["p/b", "p/a"][..], &["p/a", "p/a"], &["p/a", "p/c", "p/b", "p/d"]] {
            assert!(!fine(bad, false), "{bad:?}");
        }
        for stray in [&["o", "p/a"][..], &["p/a", "q"], &["p"]] {
            let error = orderly(&page(stray, None), b"p/", false).unwrap_err();
            assert!(matches!(error, SourceError::Astray { .. }), "{error}");
        }
        // Versions of a key follow each other, but not the same one twice.
        assert!(!fine(&["p/a", "p/a"], true));
        let version = |start| Entry {
            key: Span { start: 0, len: 3 },
            version_id: Span { start, len: 1 },
            ..Entry::default()
        };
        let two = Page::new(b"p/a12".to_vec(), vec![version(3), version(4)], None);
        assert!(orderly(&two, b"p/", true).is_ok() && orderly(&two, b"p/", false).is_err());
    }

    #[test]
    fn a_key_in_an_error_is_bounded() {
        assert_eq!(shown(b"k"), "k");
        assert_eq!(shown(&[b'k'; 5000]).chars().count(), SHOWN_KEY + 1);
    }

    #[test]
    fn a_page_that_goes_back_is_refused() {
        let mut trail = Trail::after(&Position::Start);
        trail.follow(&page(&["b", "d"], Some(token("1")))).unwrap();
        trail.follow(&page(&[], Some(token("2")))).unwrap();
        trail.follow(&page(&["e"], Some(token("3")))).unwrap();
        for again in ["b", "e"] {
            let error = trail.follow(&page(&[again], Some(token("4")))).unwrap_err();
            assert!(matches!(error, SourceError::Backwards { .. }), "{error}");
        }
    }

    #[test]
    fn a_store_that_ignores_where_to_go_on_is_refused() {
        let mut trail = Trail::after(&Position::After(b"m".to_vec()));
        assert!(trail.follow(&page(&["a", "z"], None)).is_err());
        assert!(Trail::after(&Position::After(b"m".to_vec())).follow(&page(&["m"], None)).is_err());
    }

    #[test]
    fn versions_of_one_key_may_go_over_pages() {
        let next = Some(Position::AfterVersion(b"b".to_vec(), b"2".to_vec()));
        let mut trail = Trail::after(&Position::AfterVersion(b"b".to_vec(), b"1".to_vec()));
        trail.follow(&page(&["b", "b"], next.clone())).unwrap();
        trail.follow(&page(&["b", "c"], next)).unwrap();
        assert!(trail.follow(&page(&["b"], None)).is_err());
    }
}
