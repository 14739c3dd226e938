//! The restore text that all three vendors share: `x-*-restore` headers and OSS `RestoreInfo`.

use super::dates;
use crate::model::RestoreMark;

/// Reads `ongoing-request="true"` or `ongoing-request="false", expiry-date="…"`.
///
/// The state comes from `ongoing-request` alone; a date that cannot be read makes the copy one
/// without a known end, not an unreadable reply, because OSS documents a malformed one.
/// `None` if `ongoing-request` does not say true or false.
/// Source: OSS RestoreObject, COS HEAD Object, S3 HeadObject pages, read 2026-11.
pub(super) fn read(text: &[u8]) -> Option<RestoreMark> {
    let ongoing = quoted(text, b"ongoing-request=\"")?;
    if ongoing.eq_ignore_ascii_case(b"true") {
        return Some(RestoreMark::Running);
    }
    if !ongoing.eq_ignore_ascii_case(b"false") {
        return None;
    }
    Some(RestoreMark::Ready(quoted(text, b"expiry-date=\"").and_then(dates::http)))
}

/// What stands between the end of `opening` and the next quote.
fn quoted<'t>(text: &'t [u8], opening: &[u8]) -> Option<&'t [u8]> {
    let start = text.windows(opening.len()).position(|w| w == opening)? + opening.len();
    let len = memchr::memchr(b'"', &text[start..])?;
    Some(&text[start..start + len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_states_are_told_apart() {
        assert_eq!(read(b"ongoing-request=\"true\""), Some(RestoreMark::Running));
        let expiry = "2026-11-27T08:15:02Z".parse().unwrap();
        let ready = b"ongoing-request=\"false\", expiry-date=\"Fri, 27 Nov 2026 08:15:02 GMT\"";
        assert_eq!(read(ready), Some(RestoreMark::Ready(Some(expiry))));
        // A sample of the OSS page has this date.
        let odd = b"ongoing-request=\"false\", expiry-date=\"Thr, 24 Mon 2020\"";
        assert_eq!(read(odd), Some(RestoreMark::Ready(None)));
        assert_eq!(read(b"ongoing-request=\"false\""), Some(RestoreMark::Ready(None)));
        for bad in [&b""[..], b"true", b"ongoing-request=\"maybe\"", b"ongoing-request=\"true"] {
            assert_eq!(read(bad), None);
        }
    }
}
