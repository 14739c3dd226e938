//! Include and exclude patterns over keys.
//!
//! `*` and `?` stop at `/`, `**` crosses it, `[a-z]` and `{a,b}` choose, `\` takes the next
//! character as it is. A pattern without `/` is tried at any depth, one that ends in `/` means
//! everything below, and a `/` in front only says that the pattern starts where the key starts.
//! Keys are bytes and are matched as bytes; they need not be UTF-8, and `?` is one byte, of which
//! a letter beyond ASCII has two to four.

use globset::{Candidate, ErrorKind, GlobBuilder, GlobSetBuilder};

use super::fault::Problem;
use super::spec::{Filter, GlobRule};

/// Longest pattern in bytes; longer than any key of the three stores.
const MAX_PATTERN: usize = 4096;

impl GlobRule {
    /// Compiles `pattern`.
    pub(super) fn compile(include: bool, pattern: &str) -> Result<Self, Problem> {
        if pattern.is_empty() {
            return Err(Problem::new(
                "is an empty pattern, which matches nothing",
                "leave it out, or write `**` for every key",
            ));
        }
        if pattern.len() > MAX_PATTERN {
            return Err(Problem::new(
                format!("is longer than {MAX_PATTERN} bytes"),
                "split it into several patterns",
            ));
        }
        if let Some((i, wide)) = classes(pattern).wide {
            return Err(Problem::new(
                format!(
                    "has `{}` in a class at character {}, which matches bytes",
                    wide.escape_debug(),
                    i + 1
                ),
                "name the choices in braces: `{ä,ö,ü}`",
            ));
        }
        let glob = GlobBuilder::new(&rooted(pattern))
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .map_err(|e| fault(pattern, e.kind()))?;
        // `compile_matcher` panics where the compiled pattern would be too large; a set refuses it.
        GlobSetBuilder::new().add(glob.clone()).build().map_err(|e| fault(pattern, e.kind()))?;
        Ok(Self { include, pattern: pattern.to_owned(), matcher: glob.compile_matcher() })
    }
}

impl Filter {
    /// Whether the patterns keep a key; `rest` is the key after the source's prefix.
    ///
    /// The last rule that matches decides. With no match the key is kept, unless the first rule is
    /// an include. A `/` at the start of `rest` is not counted, so that `s3://b/logs` and
    /// `s3://b/logs/` mean the same patterns.
    #[must_use]
    pub fn keeps_key(&self, rest: &[u8]) -> bool {
        let Some(first) = self.globs.first() else { return true };
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let key = Candidate::from_bytes(rest);
        self.globs
            .iter()
            .rev()
            .find(|rule| rule.matcher.is_match_candidate(&key))
            .map_or(!first.include, |rule| rule.include)
    }
}

/// `pattern` as globset reads it, from the start of the key.
fn rooted(pattern: &str) -> String {
    let below = if pattern.ends_with('/') { "**" } else { "" };
    match pattern.strip_prefix('/') {
        Some(anchored) => format!("{anchored}{below}"),
        None if pattern.contains('/') => format!("{pattern}{below}"),
        None => format!("**/{pattern}"),
    }
}

/// What is wrong with `pattern`, and at which character.
fn fault(pattern: &str, kind: &ErrorKind) -> Problem {
    let at = |index: Option<usize>| index.map_or(String::new(), |i| format!(" at character {}", i + 1));
    match kind {
        ErrorKind::UnclosedClass => Problem::new(
            format!("has a `[` without its `]`{}", at(classes(pattern).open)),
            "close it, or write `\\[` for the bracket itself",
        ),
        ErrorKind::InvalidRange(from, to) => Problem::new(
            format!(
                "has a range that runs backwards, `{from}-{to}`{}",
                at(find(pattern, &format!("{from}-{to}")))
            ),
            format!("write `{to}-{from}`, or `\\-` for the hyphen itself"),
        ),
        ErrorKind::UnopenedAlternates => Problem::new(
            format!("has a `}}` without its `{{`{}", at(stray_brace(pattern, '}'))),
            "open it, or write `\\}` for the brace itself",
        ),
        ErrorKind::UnclosedAlternates => Problem::new(
            format!("has a `{{` without its `}}`{}", at(stray_brace(pattern, '{'))),
            "close it, or write `\\{` for the brace itself",
        ),
        ErrorKind::DanglingEscape => Problem::new(
            format!("ends in a `\\` that takes no character{}", at(pattern.chars().count().checked_sub(1))),
            "write `\\\\` for the backslash itself",
        ),
        _ => Problem::new(
            "is not a pattern that can be used (it is too large when compiled)",
            "make it simpler",
        ),
    }
}

/// Characters of `pattern` with their index, escaped ones left out.
fn plain(pattern: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    pattern.chars().enumerate().filter(move |(_, c)| {
        let skip = escaped || *c == '\\';
        escaped = !escaped && *c == '\\';
        !skip
    })
}

/// What the classes of a pattern show.
#[derive(Default)]
struct Classes {
    /// Where the class begins that is never closed.
    open: Option<usize>,
    /// The first character beyond ASCII in a class.
    wide: Option<(usize, char)>,
}

fn classes(pattern: &str) -> Classes {
    let mut seen = Classes::default();
    let mut first = false;
    for (i, c) in plain(pattern) {
        match (seen.open, c) {
            (None, '[') => {
                seen.open = Some(i);
                first = true;
                continue;
            }
            // A class may negate first, and a `]` at its start is a member.
            (Some(_), '!' | '^') if first => continue,
            (Some(_), ']') if !first => seen.open = None,
            (Some(_), wide) if !wide.is_ascii() && seen.wide.is_none() => seen.wide = Some((i, wide)),
            _ => {}
        }
        first = false;
    }
    seen
}

/// Where the brace stands that has no partner.
fn stray_brace(pattern: &str, which: char) -> Option<usize> {
    let mut open = Vec::new();
    for (i, c) in plain(pattern) {
        match c {
            '{' => open.push(i),
            '}' if open.pop().is_none() && which == '}' => return Some(i),
            _ => {}
        }
    }
    open.pop()
}

fn find(pattern: &str, part: &str) -> Option<usize> {
    pattern.find(part).map(|byte| pattern[..byte].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(rules: &[&str]) -> Filter {
        let globs =
            rules.iter().map(|rule| GlobRule::compile(rule.starts_with('+'), &rule[1..]).unwrap()).collect();
        Filter { globs, ..Filter::default() }
    }

    fn matches(pattern: &str, key: &[u8]) -> bool {
        filter(&[&format!("+{pattern}")]).keeps_key(key)
    }

    #[test]
    fn stars_know_the_slash() {
        for (pattern, key, wanted) in [
            ("*.parquet", "a.parquet", true),
            ("*.parquet", "x/y/a.parquet", true),
            ("*.parquet", "a.parquet.tmp", false),
            ("tmp/*", "tmp/a", true),
            ("tmp/*", "tmp/a/b", false),
            ("tmp/*", "x/tmp/a", false),
            ("tmp/**", "tmp/a/b", true),
            ("tmp/**", "tmp/", true),
            ("tmp/**", "tmp", false),
            ("tmp/**", "tmpfile", false),
            ("tmp/", "tmp/a/b", true),
            ("tmp/", "x/tmp/a", false),
            ("**/tmp/**", "tmp/a", true),
            ("**/tmp/**", "x/y/tmp/a/b", true),
            ("/a.txt", "a.txt", true),
            ("/a.txt", "x/a.txt", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("2024-0[1-3]/*", "2024-02/x", true),
            ("2024-0[1-3]/*", "2024-04/x", false),
            ("*.{csv,gz}", "d/a.gz", true),
            ("[!a]*", "b", true),
            ("?", "é", false),
            ("??", "é", true),
            ("{é,ü}*", "über", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**", "any/thing", true),
            ("A*", "abc", false),
        ] {
            assert_eq!(matches(pattern, key.as_bytes()), wanted, "{pattern} against {key}");
        }
    }

    #[test]
    fn keys_are_bytes() {
        assert!(matches("*.bin", b"\xff\xfe.bin"));
        assert!(matches("a*z", b"a\nz"));
        assert!(!matches("a*z", b"a\xff"));
    }

    #[test]
    fn the_last_match_decides() {
        let f = filter(&["+**/*.parquet", "-tmp/**", "+tmp/keep.parquet"]);
        for (key, kept) in
            [("a.parquet", true), ("a.csv", false), ("tmp/a.parquet", false), ("tmp/keep.parquet", true)]
        {
            assert_eq!(f.keeps_key(key.as_bytes()), kept, "{key}");
        }
        let f = filter(&["-tmp/**"]);
        assert!(f.keeps_key(b"a.csv"));
        assert!(!f.keeps_key(b"tmp/a"));
        assert!(Filter::default().keeps_key(b"anything"));
    }

    #[test]
    fn a_prefix_without_its_slash_means_the_same() {
        let f = filter(&["-tmp/**"]);
        assert!(!f.keeps_key(b"/tmp/a"));
        assert!(f.keeps_key(b"//tmp/a"));
    }

    #[test]
    fn a_bad_pattern_is_told_with_its_place() {
        for (pattern, what) in [
            ("", "is an empty pattern, which matches nothing"),
            ("a/[bc", "has a `[` without its `]` at character 3"),
            ("[]", "has a `[` without its `]` at character 1"),
            ("é{a,b", "has a `{` without its `}` at character 2"),
            ("a}b", "has a `}` without its `{` at character 2"),
            ("{a}}", "has a `}` without its `{` at character 4"),
            ("x[aé]", "has `é` in a class at character 4, which matches bytes"),
            ("x[z-a]", "has a range that runs backwards, `z-a` at character 3"),
            ("ab\\", "ends in a `\\` that takes no character at character 3"),
        ] {
            assert_eq!(GlobRule::compile(true, pattern).unwrap_err().what, what, "{pattern}");
        }
        assert!(GlobRule::compile(true, &"a".repeat(5000)).is_err());
    }
}
