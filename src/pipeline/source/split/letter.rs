//! Characters that a made-up key may hold, and small reckoning with keys as text.

/// The largest code point.
const LAST: u32 = 0x0010_ffff;

/// Whether a made-up key may hold `c`.
///
/// Never controls (S3 answers 400 to them, and XML 1.0 cannot carry them), DEL, the C1 block,
/// surrogates, non-characters, or `%`, which some servers echo without escaping it.
pub(super) const fn legal(c: u32) -> bool {
    !(c < 0x20
        || c == 0x25
        || (c >= 0x7f && c <= 0x9f)
        || (c >= 0xd800 && c <= 0xdfff)
        || (c >= 0xfdd0 && c <= 0xfdef)
        || c & 0xfffe == 0xfffe
        || c > LAST)
}

/// The next legal character above `c`.
pub(super) fn successor(c: u32) -> Option<u32> {
    (c + 1..=LAST).find(|c| legal(*c))
}

/// The character that `text` begins with, and its length in bytes.
///
/// Bytes that are no UTF-8 count as one character each, above all real ones, so that positions
/// stay defined for any key; such a character is never legal and so never written.
pub(super) fn first(text: &[u8]) -> Option<(u32, usize)> {
    let lead = *text.first()?;
    if lead < 0x80 {
        return Some((u32::from(lead), 1));
    }
    let size = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let c = text.get(..size).and_then(|t| str::from_utf8(t).ok()).and_then(|t| t.chars().next());
    Some(c.map_or((LAST + 1 + u32::from(lead), 1), |c| (u32::from(c), size)))
}

/// The character before offset `end`, and where it starts. `end` lies on a boundary.
pub(super) fn last(text: &[u8], end: usize) -> Option<(u32, usize)> {
    let head = text.get(..end)?;
    let from = floor(text, end.checked_sub(1)?);
    first(head.get(from..)?).map(|(c, _)| (c, from))
}

/// The boundary of a character at or before `offset`.
pub(super) fn floor(text: &[u8], offset: usize) -> usize {
    let offset = offset.min(text.len());
    for back in (1..=offset.min(3)).rev() {
        let from = offset - back;
        // A whole character that begins here and reaches past `offset` holds it.
        if text.get(from..).and_then(first).is_some_and(|(_, size)| size > back) {
            return from;
        }
    }
    offset
}

/// Appends `c`, if it is a character.
pub(super) fn push(out: &mut Vec<u8>, c: u32) {
    if let Some(c) = char::from_u32(c) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// How many first bytes two keys share, down to the boundary of a character.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    // Half a character can only be shared if both keys go on.
    if shared < a.len() && shared < b.len() { floor(a, shared).min(floor(b, shared)) } else { shared }
}

/// `head` and the smallest legal text above everything that begins with it: its last character
/// raised by one. `None` if that does not exist, or would shorten the key to `keep` bytes.
pub(super) fn raised(head: &[u8], keep: usize) -> Option<Vec<u8>> {
    let (c, from) = last(head, head.len())?;
    if from < keep {
        return None;
    }
    let mut out = head.get(..from)?.to_vec();
    push(&mut out, successor(c)?);
    (out.len() > from).then_some(out)
}

/// A made-up key about halfway from `lo` to `hi`, neither of which needs to be text.
pub(super) fn between(lo: &[u8], hi: Option<&[u8]>, keep: usize) -> Option<Vec<u8>> {
    /// Where names end as a rule.
    const TOP: u32 = 0x7e;
    let mut at = hi.map_or(0, |hi| common(lo, hi)).max(keep);
    let mut top = hi.map(|hi| hi.get(at..).and_then(first).map_or(0, |(c, _)| c));
    // Where no character lies between the two, the next one of `lo` may still be raised.
    while at <= lo.len() {
        let (own, len) = lo.get(at..).and_then(first).unwrap_or((0x1f, 1));
        let end = top.unwrap_or(if own < TOP { TOP } else { LAST });
        let middle = u32::midpoint(own, end);
        if let Some(c) = (middle.max(own + 1)..end).find(|c| legal(*c)) {
            let mut out = lo.get(..at)?.to_vec();
            push(&mut out, c);
            return Some(out);
        }
        at += len;
        top = None;
    }
    None
}

/// Whether `key` may be sent as a made-up start, apart from its first `keep` bytes, which the user
/// wrote.
pub(super) fn sendable(key: &[u8], keep: usize) -> bool {
    let Some(tail) = key.get(keep..) else { return false };
    match str::from_utf8(tail) {
        // `%` may be copied from a real key, which would be sent as a marker just so.
        Ok(text) => text.chars().all(|c| c == '%' || legal(u32::from(c))),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_writes_what_stores_refuse() {
        for c in
            [0, 0x1f, 0x25, 0x7f, 0x85, 0x9f, 0xd800, 0xdfff, 0xfdd0, 0xfffe, 0xffff, 0x1_ffff, 0x11_0000]
        {
            assert!(!legal(c), "{c:x}");
        }
        assert_eq!(successor(u32::from('~')), Some(0xa0));
        assert_eq!(successor(u32::from('$')), Some(u32::from('&')));
        assert_eq!(successor(0xd7ff), Some(0xe000));
        assert_eq!(successor(0x10_fffd), None);
    }

    #[test]
    fn keys_are_cut_between_characters() {
        let key = "a文b".as_bytes();
        assert_eq!([0, 1, 2, 3, 4, 5].map(|n| floor(key, n)), [0, 1, 1, 1, 4, 5]);
        // 文 and 斈 differ in their last byte only.
        assert_eq!(common(key, "a斈".as_bytes()), 1);
        assert_eq!(common(b"ab", b"abc"), 2);
        assert_eq!(last(key, 4), Some((0x6587, 1)));
        assert_eq!(raised(b"a/b/", 0), Some(b"a/b0".to_vec()));
        assert_eq!(raised(b"a/", 2), None);
        assert_eq!(first(b"\xff\x61"), Some((LAST + 1 + 0xff, 1)));
        assert_eq!(between(b"b", Some(b"f"), 0), Some(b"d".to_vec()));
        assert_eq!(between(b"pb", Some(b"pc"), 1), Some(b"pbN".to_vec()));
        assert!(between(b"p/", None, 2).is_some_and(|m| m.starts_with(b"p/") && m.len() > 2));
        assert!(!sendable(b"a\xff", 0));
        assert!(!sendable(b"a\x01", 0));
        assert!(sendable(b"\xffa", 1));
    }
}
