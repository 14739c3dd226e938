//! How far a range has come.

use super::SourceError;
use crate::model::{Page, Position};
use crate::pipeline::report::shown_key;

/// How far a listing has come, to tell a store that ignores where it was asked to go on.
pub(super) struct Trail {
    last: Option<Vec<u8>>,
    /// Whether the next page may begin with the last key: other versions of it may follow.
    same_key: bool,
}

impl Trail {
    pub(super) fn after(at: &Position) -> Self {
        match at {
            Position::Start | Position::Token(_) => Self { last: None, same_key: false },
            Position::After(key) => Self { last: Some(key.clone()), same_key: false },
            Position::AfterVersion(key, _) => Self { last: Some(key.clone()), same_key: true },
        }
    }

    /// Takes the next page's keys.
    pub(super) fn follow(&mut self, page: &Page) -> Result<(), SourceError> {
        let Some(end) = page.len().checked_sub(1) else {
            return Ok(());
        };
        let first = page.get(0).key;
        if let Some(last) = &self.last
            && (first < last.as_slice() || (first == last.as_slice() && !self.same_key))
        {
            let shown = |key: &[u8]| shown_key(key).0.into_owned();
            return Err(SourceError::Backwards { last: shown(last), first: shown(first) });
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
