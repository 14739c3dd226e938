//! Undoing what the wire does to text, in place: entities and URL encoding only ever shrink.

use crate::model::Span;

/// Longest reference that is looked at, `&` and `;` included. A number with more leading zeros
/// than this is legal and never written; the event reader takes it.
const LONGEST_REFERENCE: usize = 12;

/// The character that the reference at the start of `text` stands for, and the reference's
/// length. Only the five predefined names and numbers; `None` for anything else.
pub(super) fn reference(text: &[u8]) -> Option<(char, usize)> {
    let window = &text[..text.len().min(LONGEST_REFERENCE)];
    let end = memchr::memchr(b';', window)?;
    let name = window.get(1..end)?;
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', hex @ ..] => number(hex, 16)?,
        [b'#', decimal @ ..] => number(decimal, 10)?,
        _ => return None,
    };
    Some((character, end + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut code = 0_u32;
    for &byte in digits {
        code = code.checked_mul(radix)?.checked_add(char::from(byte).to_digit(radix)?)?;
    }
    // No XML document can hold U+0000.
    char::from_u32(code).filter(|&c| c != '\0')
}

/// Whether every `&` of `text` begins a reference that [`reference()`] knows.
pub(super) fn references_known(text: &[u8]) -> bool {
    memchr::memchr_iter(b'&', text).all(|at| reference(&text[at..]).is_some())
}

/// Replaces the references within `span` by their characters, in place. References that
/// [`references_known()`] refuses stay as they are.
pub(super) fn unescape(text: &mut [u8], span: Span) -> Span {
    let start = span.start as usize;
    let end = start + span.len as usize;
    let Some(first) = memchr::memchr(b'&', &text[start..end]) else { return span };
    let (mut from, mut to) = (start + first, start + first);
    while from < end {
        let known = if text[from] == b'&' { reference(&text[from..end]) } else { None };
        if let Some((character, len)) = known {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8).as_bytes();
            // The shortest reference to a character is longer than its UTF-8 form.
            text[to..to + utf8.len()].copy_from_slice(utf8);
            to += utf8.len();
            from += len;
        } else {
            text[to] = text[from];
            to += 1;
            from += 1;
        }
    }
    shortened(span, to - start)
}

/// `raw` with its references replaced, written to `scratch`.
pub(super) fn unescaped<'s>(raw: &[u8], scratch: &'s mut Vec<u8>) -> &'s [u8] {
    scratch.clear();
    scratch.extend_from_slice(raw);
    let whole = Span { start: 0, len: u32::try_from(raw.len()).unwrap_or(0) };
    unescape(scratch, whole).of(scratch)
}

/// Undoes URL encoding within `span`, in place; `None` if a `%` is not followed by two hex digits.
pub(super) fn undo_url(text: &mut [u8], span: Span, plus_is_space: bool) -> Option<Span> {
    let start = span.start as usize;
    let end = start + span.len as usize;
    let piece = &text[start..end];
    let first = if plus_is_space { memchr::memchr2(b'%', b'+', piece) } else { memchr::memchr(b'%', piece) };
    let Some(first) = first else { return Some(span) };
    let (mut from, mut to) = (start + first, start + first);
    while from < end {
        if let Some(word) = text[from..end].first_chunk().copied() {
            let mut clean = clean_bytes(word, b'%');
            if plus_is_space {
                clean = clean.min(clean_bytes(word, b'+'));
            }
            from += clean;
            if clean == word.len() {
                // The common case, and a copy of known length.
                text[to..to + clean].copy_from_slice(&word);
                to += clean;
                continue;
            }
            text[to..to + clean].copy_from_slice(&word[..clean]);
            to += clean;
        }
        let byte = text[from];
        text[to] = match byte {
            b'%' => {
                let [high, low] = *text[..end].get(from + 1..)?.first_chunk()?;
                text[to] = hex(high, low)?;
                (to, from) = (to + 1, from + 3);
                // Of a letter beyond ASCII two or three bytes more follow, each in the same clothes.
                while let Some([b'%', high, low]) = text[from..end].first_chunk().copied() {
                    text[to] = hex(high, low)?;
                    (to, from) = (to + 1, from + 3);
                }
                continue;
            }
            b'+' if plus_is_space => b' ',
            _ => byte,
        };
        to += 1;
        from += 1;
    }
    Some(shortened(span, to - start))
}

/// How many of eight bytes come before the first `byte`: the zero-byte test of a machine word,
/// whose lowest set bit is exact.
fn clean_bytes(word: [u8; 8], byte: u8) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let zeroed = u64::from_le_bytes(word) ^ (LOW * u64::from(byte));
    let found = zeroed.wrapping_sub(LOW) & !zeroed & HIGH;
    (found.trailing_zeros() / 8) as usize
}

/// Whether `text` starts with `with`. For the few dozen bytes of a tag, eight at a time in place
/// beats the call of a general comparison.
#[inline]
pub(super) fn starts_with(text: &[u8], with: &[u8]) -> bool {
    let Some(text) = text.get(..with.len()) else { return false };
    let (words, tail) = with.as_chunks::<8>();
    let (text_words, text_tail) = text.as_chunks::<8>();
    words.iter().zip(text_words).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b))
        && tail.iter().zip(text_tail).all(|(a, b)| a == b)
}

/// What each byte is worth as a hexadecimal digit; [`NO_DIGIT`] if it is none.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0_u8;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0x80;

fn hex(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
    ((high | low) < NO_DIGIT).then_some(high << 4 | low)
}

fn shortened(span: Span, len: usize) -> Span {
    Span { start: span.start, len: u32::try_from(len).unwrap_or(span.len) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(text: &[u8]) -> Span {
        Span { start: 0, len: u32::try_from(text.len()).unwrap() }
    }

    fn unescaped(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let span = unescape(&mut bytes, whole(text.as_bytes()));
        String::from_utf8(span.of(&bytes).to_vec()).unwrap()
    }

    fn undone(text: &[u8], plus: bool) -> Option<Vec<u8>> {
        let mut bytes = text.to_vec();
        let span = undo_url(&mut bytes, whole(text), plus)?;
        Some(span.of(&bytes).to_vec())
    }

    #[test]
    fn references_become_characters() {
        assert_eq!(unescaped("a&amp;b&lt;c&gt;&quot;&apos;"), "a&b<c>\"'");
        assert_eq!(unescaped("&#13;&#xD;&#xfc;&#x1F600;"), "\r\r\u{fc}\u{1f600}");
        // Undone once, not twice.
        assert_eq!(unescaped("&amp;lt;"), "&lt;");
        for odd in ["&", "&;", "&#;", "&#x;", "&#0;", "&#xD800;", "&nbsp;", "&#x110000;", "&amp"] {
            assert!(!references_known(odd.as_bytes()), "{odd}");
            assert_eq!(unescaped(odd), odd);
        }
        assert!(references_known(b"no reference"));
    }

    #[test]
    fn url_encoding_is_undone_once() {
        assert_eq!(undone(b"a%20b%2B%25%2F%C3%BC+", false), Some("a b+%/\u{fc}+".into()));
        assert_eq!(undone(b"a+b%2b", true), Some(b"a b+".to_vec()));
        assert_eq!(undone(b"a%252Fb", false), Some(b"a%2Fb".to_vec()));
        for bad in [&b"%"[..], b"a%2", b"%zz", b"%+1"] {
            assert_eq!(undone(bad, false), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut encoded = Vec::new();
            for b in &bytes {
                encoded.extend_from_slice(format!("%{b:02X}").as_bytes());
            }
            prop_assert_eq!(undone(&encoded, true), Some(bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), plus: bool) {
            let mut text = bytes.clone();
            let _ = references_known(&bytes);
            let _ = unescape(&mut text, whole(&bytes));
            let _ = undone(&bytes, plus);
        }
    }
}
