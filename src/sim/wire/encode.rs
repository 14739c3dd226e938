//! Percent encoding and decoding, query strings, XML escaping. Written apart from the client.

/// Which bytes stay as they are; all others become `%XX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Safe {
    /// By byte.
    plain: &'static [bool; 256],
    /// Whether a space is written `+`.
    plus: bool,
}

/// Letters, digits and `others`.
const fn plain(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let byte = b as u8;
        table[b] = byte.is_ascii_alphanumeric();
        b += 1;
    }
    let mut n = 0;
    while n < others.len() {
        table[others[n] as usize] = true;
        n += 1;
    }
    table
}

static UNRESERVED: [bool; 256] = plain(b"-._~");
static UNRESERVED_AND_SLASH: [bool; 256] = plain(b"-._~/");
static FORM_AND_SLASH: [bool; 256] = plain(b"-._*/");
/// Character data that needs no escape.
static TEXT: [bool; 256] = {
    let mut table = [true; 256];
    table[b'&' as usize] = false;
    table[b'<' as usize] = false;
    table[b'>' as usize] = false;
    table
};

/// RFC 3986 unreserved, nothing else: signatures, and OSS listings (`/` becomes `%2F`).
pub(in crate::sim) const STRICT: Safe = Safe { plain: &UNRESERVED, plus: false };
/// The same with `/`: paths in signatures, and COS listings.
pub(in crate::sim) const PATH: Safe = Safe { plain: &UNRESERVED_AND_SLASH, plus: false };
/// S3 listings: the form encoding of Java, with `/` left alone.
pub(in crate::sim) const FORM: Safe = Safe { plain: &FORM_AND_SLASH, plus: true };

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends runs of bytes that `plain` lets pass as they are, and each other byte by `special`.
fn push_runs(out: &mut Vec<u8>, bytes: &[u8], plain: &[bool; 256], special: impl Fn(&mut Vec<u8>, u8)) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| !plain[usize::from(*b)]) {
        let (run, tail) = rest.split_at(at);
        out.extend_from_slice(run);
        special(out, tail[0]);
        rest = &tail[1..];
    }
    out.extend_from_slice(rest);
}

impl Safe {
    /// Appends `bytes` encoded.
    pub(in crate::sim) fn push(self, out: &mut Vec<u8>, bytes: &[u8]) {
        push_runs(out, bytes, self.plain, |out, b| {
            if b == b' ' && self.plus {
                out.push(b'+');
            } else {
                out.extend_from_slice(&[b'%', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
        });
    }

    /// `bytes` encoded.
    pub(in crate::sim) fn text(self, bytes: &[u8]) -> String {
        let mut out = Vec::with_capacity(bytes.len() + 8);
        self.push(&mut out, bytes);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Decodes `%XX` once; a `%` that is not followed by two hex digits stays. `plus` reads `+` as a space.
pub(in crate::sim) fn decode(text: &[u8], plus: bool) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        if b == b'%'
            && let (Some(&hi), Some(&lo)) = (text.get(at + 1), text.get(at + 2))
            && let (Some(hi), Some(lo)) = (digit(hi), digit(lo))
        {
            out.push(hi << 4 | lo);
            at += 3;
            continue;
        }
        out.push(if b == b'+' && plus { b' ' } else { b });
        at += 1;
    }
    out
}

/// A decoded query string, in the order of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Params(Vec<(String, Vec<u8>)>);

impl Params {
    /// Reads what follows the `?`. A `+` is read as a space: Python's `requests` writes it so for
    /// all three vendors' SDKs, while they sign `%20`.
    pub(in crate::sim) fn parse(query: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = String::from_utf8_lossy(&decode(name.as_bytes(), true)).into_owned();
            (name, decode(value.as_bytes(), true))
        };
        Self(query.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The value of `name`; an empty one for a parameter without `=`.
    pub(in crate::sim) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// The value of `name` as text; `None` if it is absent.
    pub(in crate::sim) fn text(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        self.get(name).map(String::from_utf8_lossy)
    }

    /// Whether `name` is there, with or without a value.
    pub(in crate::sim) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All pairs.
    pub(in crate::sim) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_slice()))
    }
}

/// Appends `bytes` as XML character data. Bytes that XML cannot carry go out raw, as the stores do:
/// that is what `encoding-type=url` is for.
pub(in crate::sim) fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    push_runs(out, bytes, &TEXT, |out, b| {
        out.extend_from_slice(match b {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            _ => b"&gt;",
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_each_vendor_does() {
        let key = "logs/a b+%ü\u{1}.gz".as_bytes();
        assert_eq!(STRICT.text(key), "logs%2Fa%20b%2B%25%C3%BC%01.gz");
        assert_eq!(PATH.text(key), "logs/a%20b%2B%25%C3%BC%01.gz");
        assert_eq!(FORM.text(key), "logs/a+b%2B%25%C3%BC%01.gz");
    }

    #[test]
    fn decodes_once() {
        assert_eq!(decode(b"a%252Fb", false), b"a%2Fb");
        assert_eq!(decode(b"a+b%2B", false), b"a+b+");
        assert_eq!(decode(b"a+b%2B", true), b"a b+");
        assert_eq!(decode(b"100%", false), b"100%");
        assert_eq!(decode(b"%zz%4", false), b"%zz%4");
    }

    #[test]
    fn reads_queries_with_and_without_values() {
        let params = Params::parse("restore&versionId=x%2By&prefix=a+b&&empty=");
        assert!(params.has("restore"));
        assert_eq!(params.get("restore"), Some(&b""[..]));
        assert_eq!(params.get("versionId"), Some(&b"x+y"[..]));
        assert_eq!(params.get("prefix"), Some(&b"a b"[..]));
        assert_eq!(params.get("empty"), Some(&b""[..]));
        assert_eq!(params.get("none"), None);
    }
}
