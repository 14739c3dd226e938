//! Which entries stand on a page: order, folding, markers, limits. The same for all vendors.

use std::ops::Range;

use super::super::bucket::{Bucket, Cursor};
use super::super::version::At;

/// Deleted keys that one page passes over before it ends short.
const MAX_SCAN: usize = 10_000;

/// What is asked of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Query<'q> {
    /// Only keys that begin so.
    pub(in crate::sim) prefix: &'q [u8],
    /// Folds keys; empty for none.
    pub(in crate::sim) delimiter: &'q [u8],
    /// Only keys after this; empty for all.
    pub(in crate::sim) after: &'q [u8],
    /// With versions: goes on after this version of `after`.
    pub(in crate::sim) after_version: Option<&'q [u8]>,
    /// Most entries, folded ones included.
    pub(in crate::sim) limit: usize,
    /// Every version instead of the current ones.
    pub(in crate::sim) versions: bool,
}

/// One entry: where its key stands in [`Page::keys`], and which version it is.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Row {
    key: Range<usize>,
    pub(in crate::sim) at: At,
}

/// The entries of one page.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Page {
    keys: Vec<u8>,
    pub(in crate::sim) rows: Vec<Row>,
    prefixes: Vec<Range<usize>>,
    pub(in crate::sim) truncated: bool,
    /// The last entry, if truncated: a key or a folded prefix.
    pub(in crate::sim) next: Vec<u8>,
    /// Its version, in a listing of versions, unless it is a prefix.
    pub(in crate::sim) next_version: Option<At>,
}

impl Page {
    /// The key of a row.
    pub(in crate::sim) fn key(&self, row: &Row) -> &[u8] {
        self.keys.get(row.key.clone()).unwrap_or(&[])
    }

    /// The folded prefixes.
    pub(in crate::sim) fn prefixes(&self) -> impl Iterator<Item = &[u8]> {
        self.prefixes.iter().map(|r| self.keys.get(r.clone()).unwrap_or(&[]))
    }

    /// Entries, folded ones included.
    pub(in crate::sim) fn len(&self) -> usize {
        self.rows.len() + self.prefixes.len()
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.keys.len();
        self.keys.extend_from_slice(bytes);
        from..self.keys.len()
    }

    fn end(&mut self, last: Option<Last>) {
        self.truncated = true;
        let Some(last) = last else { return };
        self.next = self.keys.get(last.key).unwrap_or(&[]).to_vec();
        self.next_version = last.at;
    }
}

struct Last {
    key: Range<usize>,
    at: Option<At>,
}

/// The least text that is greater than everything that begins with `prefix`; `None` if there is none.
fn beyond(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// Length of what `key` folds into, if it does.
fn fold(key: &[u8], query: &Query<'_>) -> Option<usize> {
    if query.delimiter.is_empty() {
        return None;
    }
    let rest = key.get(query.prefix.len()..)?;
    let at = rest.windows(query.delimiter.len()).position(|w| w == query.delimiter)?;
    Some(query.prefix.len() + at + query.delimiter.len())
}

/// Where the page begins; `None` if nothing can follow.
fn begin(bucket: &Bucket, query: &Query<'_>) -> Option<Cursor> {
    if query.after < query.prefix {
        return Some(bucket.seek(query.prefix, false));
    }
    // A marker that is a folded prefix stands for all that lies beneath it.
    let folded = query.after.starts_with(query.prefix) && fold(query.after, query) == Some(query.after.len());
    if folded {
        return Some(bucket.seek(&beyond(query.after)?, false));
    }
    Some(bucket.seek(query.after, !query.after.is_empty()))
}

/// Collects a page.
pub(in crate::sim) fn collect(bucket: &Bucket, query: &Query<'_>) -> Page {
    let mut page = Page::default();
    if query.limit == 0 {
        return page;
    }
    let mut last: Option<Last> = None;
    // The rest of a key whose versions the previous page broke off.
    if let Some(id) = query.after_version.filter(|_| query.versions && query.after.starts_with(query.prefix))
        && let Some(slot) = bucket.find(query.after)
        && let Some(from) = bucket.version_by_id(slot, id)
    {
        let key = page.keep(query.after);
        for ordinal in from.ordinal + 1..bucket.depth(slot) {
            if page.len() == query.limit {
                page.end(last);
                return page;
            }
            let at = At { slot, ordinal };
            page.rows.push(Row { key: key.clone(), at });
            last = Some(Last { key: key.clone(), at: Some(at) });
        }
    }
    let Some(mut cursor) = begin(bucket, query) else { return page };
    let mut key = Vec::new();
    let mut passed = 0;
    while let Some(slot) = bucket.next(&mut cursor, &mut key) {
        if !query.prefix.is_empty() && !key.starts_with(query.prefix) {
            break;
        }
        if !query.versions && bucket.deleted(slot) {
            passed += 1;
            if passed == MAX_SCAN {
                let key = page.keep(&key);
                page.end(Some(Last { key, at: None }));
                break;
            }
            continue;
        }
        if page.len() == query.limit {
            page.end(last);
            break;
        }
        if let Some(length) = fold(&key, query) {
            let prefix = page.keep(&key[..length]);
            page.prefixes.push(prefix.clone());
            last = Some(Last { key: prefix, at: None });
            match beyond(&key[..length]) {
                Some(end) => cursor = bucket.seek(&end, false),
                None => break,
            }
            continue;
        }
        let key = page.keep(&key);
        let depth = if query.versions { bucket.depth(slot) } else { 1 };
        for ordinal in 0..depth {
            if page.len() == query.limit {
                page.end(last);
                return page;
            }
            let at = At { slot, ordinal };
            page.rows.push(Row { key: key.clone(), at });
            last = Some(Last { key: key.clone(), at: query.versions.then_some(at) });
        }
    }
    page
}

/// An empty page that is truncated and yet leads on; `None` where no such page can be made.
///
/// Stores return such pages after long runs of deleted keys. The marker lies between this page's
/// own and the next entry: that entry less its last character, or this page's marker and a bit.
pub(in crate::sim) fn empty(bucket: &Bucket, query: &Query<'_>) -> Option<Page> {
    if query.after_version.is_some_and(|v| !v.is_empty()) || query.limit == 0 {
        return None;
    }
    let first = collect(bucket, &Query { limit: 1, ..*query });
    let entry = first.rows.first().map(|r| first.key(r)).or_else(|| first.prefixes().next())?;
    let cut = (0..entry.len()).rev().find(|i| entry[*i] & 0xc0 != 0x80)?;
    let shorter = entry.get(..cut)?.to_vec();
    let longer = [query.after, b"!"].concat();
    let between = |marker: &Vec<u8>| marker.as_slice() > query.after && marker.as_slice() < entry;
    let next = [shorter, longer].into_iter().find(between)?;
    Some(Page { truncated: true, next, ..Page::default() })
}

#[cfg(test)]
mod tests {
    use super::super::super::{BucketConfig, Dialect, ObjectConfig, VersionConfig, Versioning};
    use super::*;

    fn bucket() -> Bucket {
        let mut config = BucketConfig::new(Dialect::S3, "b");
        config.versioning = Versioning::Enabled;
        for key in ["a", "a/1", "a/2/x", "a/2/y", "a/3", "b", "\u{ffff}", "\u{10000}"] {
            config = config.with(ObjectConfig::new(key, "GLACIER"));
        }
        let gone = VersionConfig { delete_marker: true, ..VersionConfig::default() };
        let mut deleted = ObjectConfig::new("a/2/z", "GLACIER").current(gone);
        deleted.versions = vec![VersionConfig::default(), VersionConfig::default()];
        Bucket::new(&config.with(deleted), 0).unwrap()
    }

    /// All entries, page by page, as text; a prefix ends in `*`, a version in `#ordinal`.
    fn all(query: Query<'_>) -> Vec<String> {
        let bucket = bucket();
        let (mut after, mut version) = (query.after.to_vec(), None::<Vec<u8>>);
        let mut seen = Vec::new();
        for _ in 0..50 {
            let page = collect(&bucket, &Query { after: &after, after_version: version.as_deref(), ..query });
            for row in &page.rows {
                let mark = if query.versions { format!("#{}", row.at.ordinal) } else { String::new() };
                seen.push(format!("{}{mark}", String::from_utf8_lossy(page.key(row))));
            }
            seen.extend(page.prefixes().map(|p| format!("{}*", String::from_utf8_lossy(p))));
            assert!(page.len() <= query.limit);
            if !page.truncated {
                return seen;
            }
            after.clone_from(&page.next);
            version = page.next_version.map(|at| {
                let mut id = Vec::new();
                bucket.push_id(&mut id, bucket.version(at, &bucket.marks()).id);
                id
            });
        }
        panic!("no end: {seen:?}");
    }

    #[test]
    fn every_page_size_gives_the_same_list() {
        for limit in 1..12 {
            let plain = all(Query { limit, ..Query::default() });
            // Binary order: U+FFFF stands before U+10000.
            assert_eq!(plain, ["a", "a/1", "a/2/x", "a/2/y", "a/3", "b", "\u{ffff}", "\u{10000}"]);
            let versions = all(Query { limit, versions: true, prefix: b"a/2", ..Query::default() });
            assert_eq!(versions, ["a/2/x#0", "a/2/y#0", "a/2/z#0", "a/2/z#1", "a/2/z#2"]);
            let mut folded = all(Query { limit, prefix: b"a/", delimiter: b"/", ..Query::default() });
            folded.sort();
            assert_eq!(folded, ["a/1", "a/2/*", "a/3"]);
        }
    }

    #[test]
    fn markers_need_not_exist() {
        let list = |after: &[u8]| all(Query { limit: 10, after, prefix: b"a", ..Query::default() });
        assert_eq!(list(b"a/2/"), ["a/2/x", "a/2/y", "a/3"]);
        assert_eq!(list(b"a/2/x"), ["a/2/y", "a/3"]);
        assert_eq!(list(b"b"), [""; 0]);
        assert_eq!(list(b"A").len(), 5);
    }

    #[test]
    fn empty_pages_lead_on() {
        let bucket = bucket();
        let query = Query { limit: 3, after: b"a", ..Query::default() };
        let page = empty(&bucket, &query).unwrap();
        assert!(page.truncated && page.len() == 0);
        assert_eq!(page.next, b"a/");
        assert!(empty(&bucket, &Query { after: b"\xf0\x90\x80\x80", ..query }).is_none());
    }

    #[test]
    fn a_limit_of_nothing_is_the_end() {
        assert!(!collect(&bucket(), &Query::default()).truncated);
    }
}
