//! Documents that tell one setting of a bucket.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Parts looked at in such a document; a longer one is something else.
const MOST_EVENTS: usize = 100;

/// The text of the element `name` directly below the root `root`; `None` if `body` is another document, is
/// torn, or has no such element.
pub(in super::super) fn setting(body: &[u8], root: &str, name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let mut xml = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let (mut depth, mut value, mut told) = (0_u32, String::new(), None);
    for _ in 0..MOST_EVENTS {
        match xml.read_event().ok()? {
            Event::Start(start) => {
                depth += 1;
                value.clear();
                if depth == 1 && start.local_name().as_ref() != root {
                    return None;
                }
            }
            Event::Text(text) => value.push_str(&text),
            Event::CData(text) => value.push_str(&text),
            Event::End(end) => {
                if depth == 2 && end.local_name().as_ref() == name {
                    told = Some(value.trim().to_owned());
                }
                value.clear();
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return told;
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn a_setting_is_read_from_its_own_document_alone() {
        let read = |body: &str| setting(body.as_bytes(), "Root", "Enabled");
        assert_eq!(
            read("<?xml version=\"1.0\"?>\n<Root>\n <Enabled> true </Enabled>\n</Root>"),
            Some("true".into())
        );
        assert_eq!(
            read("<Root xmlns=\"x\"><!-- c --><Enabled><![CDATA[false]]></Enabled></Root>"),
            Some("false".into())
        );
        for other in [
            "",
            "<Root/>",
            "<Root><Enabled>true</Enabled>",
            "<Root><Other>true</Other></Root>",
            "<Root><A><Enabled>true</Enabled></A></Root>",
            "<html><Enabled>true</Enabled></html>",
            "<Root><Enabled>true</Root>",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(setting(b"<Root>\xff</Root>", "Root", "Enabled"), None);
    }
}
