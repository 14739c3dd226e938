//! Error documents. Read for what they are worth: a torn one, or a proxy's HTML page, still tells
//! something or at least does no harm.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Elements looked at in an error document; a longer one is not an error document.
const MOST_EVENTS: usize = 2_000;

/// What an error document says, elements that are missing being empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct ErrorDocument {
    /// The vendor's code.
    pub(in super::super) code: String,
    /// Its message.
    pub(in super::super) message: String,
    /// Its request id.
    pub(in super::super) request_id: String,
    /// The region that would be right (S3).
    pub(in super::super) region: String,
    /// The endpoint that would be right (S3, OSS).
    pub(in super::super) endpoint: String,
    /// OSS's finer code.
    pub(in super::super) ec: String,
}

impl ErrorDocument {
    /// Reads as much of `body` as makes sense; `None` unless its root is `Error`.
    pub(in super::super) fn read(body: &[u8]) -> Option<Self> {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(fault) => std::str::from_utf8(&body[..fault.valid_up_to()]).ok()?,
        };
        let mut xml = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut said: Option<Self> = None;
        let mut depth = 0_u32;
        let mut value = String::new();
        for _ in 0..MOST_EVENTS {
            // A fault ends the reading; what was said before it counts.
            let Ok(event) = xml.read_event() else { break };
            match event {
                Event::Start(start) => {
                    depth += 1;
                    value.clear();
                    if depth == 1 {
                        if start.local_name().as_ref() != "Error" {
                            return None;
                        }
                        said = Some(Self::default());
                    }
                }
                Event::Text(text) => value.push_str(&text),
                Event::CData(text) => value.push_str(&text),
                Event::GeneralRef(r) => match r.resolve_char_ref() {
                    Ok(Some(character)) => value.push(character),
                    _ => value.push_str(resolve_predefined_entity(&r).unwrap_or_default()),
                },
                Event::End(end) => {
                    if depth == 2
                        && let Some(said) = &mut said
                    {
                        said.take(end.local_name().as_ref(), value.trim());
                    }
                    value.clear();
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        said
    }

    fn take(&mut self, name: &str, value: &str) {
        let place = match name {
            "Code" => &mut self.code,
            "Message" => &mut self.message,
            "RequestId" => &mut self.request_id,
            "Region" => &mut self.region,
            "Endpoint" => &mut self.endpoint,
            "EC" => &mut self.ec,
            _ => return,
        };
        value.clone_into(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_torn_document_tells_what_it_can() {
        let whole = "<?xml version=\"1.0\"?>\n<Error xmlns=\"x\"><Code>SlowDown</Code>\
            <Message>a &lt;b&gt; &#38; c</Message><RequestId>R</RequestId></Error>";
        let said = ErrorDocument::read(whole.as_bytes()).unwrap();
        assert_eq!((said.code.as_str(), said.message.as_str()), ("SlowDown", "a <b> & c"));
        assert_eq!(said.request_id, "R");
        let torn = ErrorDocument::read(&whole.as_bytes()[..70]).unwrap();
        assert_eq!((torn.code.as_str(), torn.message.as_str()), ("SlowDown", ""));
    }

    #[test]
    fn other_documents_are_not_errors() {
        for other in ["", "<html><body>503</body></html>", "{\"Code\":\"X\"}", "<ListBucketResult/>", "<"] {
            assert_eq!(ErrorDocument::read(other.as_bytes()), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ErrorDocument::read(&bytes);
        }
    }
}
