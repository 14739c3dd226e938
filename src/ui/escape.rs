//! Text from outside made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What the reader's terminal or log can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// Only `0x20`–`0x7e`; everything else is written `\u{…}`.
    Ascii,
}

impl Charset {
    /// What stands between two figures on one line.
    pub(super) const fn dot(self) -> &'static str {
        match self {
            Self::Utf8 => " · ",
            Self::Ascii => " | ",
        }
    }

    /// What stands for a part left out.
    pub(super) const fn ellipsis(self) -> &'static str {
        match self {
            Self::Utf8 => "…",
            Self::Ascii => "...",
        }
    }
}

/// `text` with every character escaped that could steer a terminal or mislead the eye.
///
/// Escaped as in Rust source (`\n`, `\u{1b}`): the control characters (C0, DEL, C1), line and
/// paragraph separators, and the marks that turn the direction of writing or show nothing at all.
/// Under [`Charset::Ascii`] everything outside ASCII is escaped, too. The backslash itself is
/// left alone: this is for reading; the report has the exact key.
#[must_use]
pub fn printable(text: &str, charset: Charset) -> Cow<'_, str> {
    let Some(first) = text.find(|c| hostile(c, charset)) else {
        return Cow::Borrowed(text);
    };
    let (head, tail) = text.split_at(first);
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(head);
    for c in tail.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if hostile(c, charset) => {
                // Writing to a String does not fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether `c` must not reach a terminal as it is.
fn hostile(c: char, charset: Charset) -> bool {
    match charset {
        Charset::Ascii => !matches!(c, ' '..='~'),
        Charset::Utf8 => steers(c),
    }
}

/// Whether `c` is a control character, or one that changes how its neighbours are shown.
///
/// The zero-width joiners U+200C and U+200D are not among them: scripts and emoji need them.
pub(super) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// [`printable`] text, cut to `most` columns with an ellipsis where it is longer.
pub(super) fn clipped(text: &str, most: usize, charset: Charset) -> String {
    let text = printable(text, charset);
    if columns(&text) <= most {
        return text.into_owned();
    }
    let room = most.saturating_sub(columns(charset.ellipsis()));
    let mut short = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += width(c);
        if used > room {
            break;
        }
        short.push(c);
    }
    short.push_str(charset.ellipsis());
    short
}

/// Columns that printable `text` takes at most.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Columns of one character, never too few: what may be wide (from Hangul on) counts as wide,
/// but for general punctuation, box drawing and Braille, which are narrow and used in our own tables
/// and bars.
const fn width(c: char) -> usize {
    match c {
        '\u{0}'..='\u{10ff}'
        | '\u{2000}'..='\u{206f}'
        | '\u{2500}'..='\u{257f}'
        | '\u{2800}'..='\u{28ff}' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_passes_untouched() {
        for text in ["", "logs/2024/a b+%.gz", "päge/日本/👩‍👩‍👧", r"win\dir"] {
            assert!(matches!(printable(text, Charset::Utf8), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        for (evil, shown) in [
            ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("line\nerror: forged\r", r"line\nerror: forged\r"),
            ("\t\u{8}\u{7f}", r"\t\u{8}\u{7f}"),
            // C1: on some terminals U+009B opens a sequence by itself.
            ("\u{9b}31m", r"\u{9b}31m"),
            // The classic of disguised file names: exe.txt that is txt.exe.
            ("a\u{202e}txt.exe", r"a\u{202e}txt.exe"),
            ("\u{2028}\u{feff}\u{200b}", r"\u{2028}\u{feff}\u{200b}"),
        ] {
            assert_eq!(printable(evil, Charset::Utf8), shown);
        }
    }

    #[test]
    fn ascii_escapes_the_rest() {
        assert_eq!(printable("ü/日.gz", Charset::Ascii), r"\u{fc}/\u{65e5}.gz");
    }

    #[test]
    fn clipping_keeps_to_the_width() {
        assert_eq!(clipped("abcdef", 6, Charset::Utf8), "abcdef");
        assert_eq!(clipped("abcdefg", 6, Charset::Utf8), "abcde…");
        assert_eq!(clipped("abcdefg", 6, Charset::Ascii), "abc...");
        assert_eq!(clipped("日本語日本語", 6, Charset::Utf8), "日本…");
    }

    proptest! {
        #[test]
        fn any_text_is_printable_and_clipped(text in any::<String>(), most in 3_usize..40) {
            prop_assert!(!printable(&text, Charset::Utf8).chars().any(steers));
            prop_assert!(printable(&text, Charset::Ascii).bytes().all(|b| (0x20..0x7f).contains(&b)));
            for charset in [Charset::Utf8, Charset::Ascii] {
                prop_assert!(columns(&clipped(&text, most, charset)) <= most);
            }
        }
    }
}
