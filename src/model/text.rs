//! Bytes as text, the two ways that are used everywhere: hexadecimal and percent-encoding.

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(LOWER[usize::from(byte >> 4)]));
        out.push(char::from(LOWER[usize::from(byte & 15)]));
    }
    out
}

/// The bytes that hexadecimal digits of either case stand for; `None` if they are none.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// Adds `bytes` to `out`, all but the unreserved ones of RFC 3986 (`A-Z a-z 0-9 - . _ ~`) as `%XX`
/// in upper case; `/` stays as it is where `keep_slash` says so.
pub fn push_percent(out: &mut String, bytes: &[u8], keep_slash: bool) {
    out.reserve(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(UPPER[usize::from(byte >> 4)]));
            out.push(char::from(UPPER[usize::from(byte & 15)]));
        }
    }
}

/// The bytes that percent-encoded text stands for; `None` where a `%` is not followed by two
/// hexadecimal digits.
#[must_use]
pub fn unpercent(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        out.extend_from_slice(&rest[..at]);
        let digits = std::str::from_utf8(rest.get(at + 1..at + 3)?).ok()?;
        out.extend_from_slice(&unhex(digits)?);
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(hex(&all).starts_with("000102") && hex(&all).ends_with("fdfeff"));
        assert_eq!(unhex(&hex(&all)), Some(all));
        assert_eq!(unhex("0aFF"), Some(vec![10, 255]));
        for bad in ["0", "0g", "+1", "\u{fc}"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn percent_encoding_follows_rfc_3986() {
        let encoded = |keep_slash| {
            let mut out = String::new();
            push_percent(&mut out, "aZ0-._~/ +%\u{fc}\n".as_bytes(), keep_slash);
            out
        };
        assert_eq!(encoded(true), "aZ0-._~/%20%2B%25%C3%BC%0A");
        assert_eq!(encoded(false), "aZ0-._~%2F%20%2B%25%C3%BC%0A");
        assert_eq!(unpercent(encoded(false).as_bytes()).unwrap(), "aZ0-._~/ +%\u{fc}\n".as_bytes());
        assert_eq!(unpercent(b"a+%20\xff").unwrap(), b"a+ \xff");
        for bad in ["%", "a%2", "%2g", "%+1"] {
            assert_eq!(unpercent(bad.as_bytes()), None, "{bad}");
        }
    }
}
