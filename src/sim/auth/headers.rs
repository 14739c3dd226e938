//! Headers as the schemes see them: lower-case names, trimmed values.

use http::HeaderMap;

/// The values of a header, each trimmed, joined by commas; `None` if it was not sent.
pub(super) fn value(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> =
        headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
    if values.is_empty() { None } else { Some(values.join(&b',')) }
}

/// The same as text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    value(headers, name).map(|bytes| lossy(&bytes))
}

/// Names of the headers that begin with `prefix`, sorted, each once.
pub(super) fn names<'h>(headers: &'h HeaderMap, prefix: &str) -> Vec<&'h str> {
    let mut names: Vec<&str> =
        headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with(prefix)).collect();
    names.sort_unstable();
    names
}

/// A list such as `host;x-amz-date`: lower case, sorted, each once, whatever the order sent.
pub(super) fn list(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .split(';')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Appends `name:value\n`.
pub(super) fn push_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Bytes that were meant as text.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_headers_and_lists_in_any_order_and_case() {
        let mut headers = HeaderMap::new();
        headers.append("x-oss-b", "  two ".parse().unwrap());
        headers.append("X-OSS-A", "1".parse().unwrap());
        headers.append("x-oss-b", "three".parse().unwrap());
        assert_eq!(names(&headers, "x-oss-"), ["x-oss-a", "x-oss-b"]);
        assert_eq!(text(&headers, "x-oss-b").as_deref(), Some("two,three"));
        assert_eq!(value(&headers, "date"), None);
        assert_eq!(list("Host; x-amz-date;;content-md5;host"), ["content-md5", "host", "x-amz-date"]);
    }
}
