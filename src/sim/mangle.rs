//! What a rule does to a true answer before it goes out.

use super::fault::{Fault, FaultKind};
use super::wire::reply::Reply;

/// Blanks behind the body of [`FaultKind::Oversize`]: more than any reader of pages should take.
const OVERSIZE: usize = 17 << 20;

/// Does to `reply` what `fault` says, as far as it is about the reply's contents.
pub(super) fn mangle(reply: &mut Reply, fault: &Fault) {
    match fault.kind {
        FaultKind::Edit => {
            let (find, with) = (fault.find.as_deref().unwrap_or(""), fault.replace.as_deref().unwrap_or(""));
            if find.is_empty() {
                return;
            }
            reply.body = replaced(&reply.body, find.as_bytes(), with.as_bytes());
            for (_, value) in &mut reply.headers {
                *value = value.replace(find, with);
            }
        }
        FaultKind::Utf16 => {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            reply.body = units.flat_map(u16::to_le_bytes).collect();
        }
        FaultKind::Oversize => {
            let more = fault.bytes.unwrap_or(OVERSIZE);
            reply.body.resize(reply.body.len() + more, b' ');
        }
        _ => {}
    }
}

fn replaced(text: &[u8], find: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, find) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + find.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Reply {
        Reply::page(b"<a>1</a><a>2</a>".to_vec()).with("x-restore", "<a>")
    }

    #[test]
    fn every_place_is_replaced() {
        let mut reply = page();
        mangle(&mut reply, &Fault::edit("<a>", "<bb>"));
        assert_eq!(reply.body, b"<bb>1</a><bb>2</a>");
        assert!(reply.headers.contains(&("x-restore", "<bb>".to_owned())));
        mangle(&mut reply, &Fault::edit("", "x"));
        assert_eq!(reply.body, b"<bb>1</a><bb>2</a>");
    }

    #[test]
    fn bodies_grow_and_change_their_encoding() {
        let mut reply = page();
        mangle(&mut reply, &Fault { bytes: Some(3), ..Fault::new(FaultKind::Oversize) });
        assert_eq!(reply.body, b"<a>1</a><a>2</a>   ");
        let mut reply = Reply::page(b"<a>".to_vec());
        mangle(&mut reply, &Fault::new(FaultKind::Utf16));
        assert_eq!(reply.body, b"\xff\xfe<\0a\0>\0");
    }
}
