//! Refusals, HEAD and restore answers of each dialect: status, headers, body.

use defrost::model::{Provider, RestoreMark};
use defrost::store::dialect::{Dialect, Options, Reply, for_provider};
use defrost::store::{ErrorKind, Refusal, Taken};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Target;

const WORDS: &[&str] = &[
    "<Error>",
    "</Error>",
    "<Code>RestoreAlreadyInProgress</Code>",
    "<Code>SlowDown</Code>",
    "<Message>",
    "<RequestId>",
    "<Region>eu-west-1</Region>",
    "<Endpoint>",
    "<EC>0016-00000701</EC>",
    "ongoing-request=\"true\"",
    "ongoing-request=\"false\", expiry-date=\"Fri, 31 Dec 9999 23:59:59 GMT\"",
    "expiry-date=\"",
    "\nretry-after: 4294967296",
    "\nlocation: http://a:b@c/d",
    "\ncontent-type: text/html",
    "\n\n",
    "<!DOCTYPE html>",
    "<![CDATA[",
    "&#27;",
    "&amp;",
    "\u{fc}",
    "\u{202e}",
    "=",
    "PEVycm9yPjxDb2RlPk5vU3VjaEtleTwvQ29kZT48L0Vycm9yPg==",
    "200",
    "202",
    "301",
    "403",
    "409",
    "429",
    "503",
];

/// Longest pieces of what a store says that are kept.
const MESSAGE: usize = 300;
const WORD: usize = 128;

/// The reader of one vendor's answers.
pub(super) struct Replies(Box<dyn Dialect>);

pub(super) fn all() -> Vec<Replies> {
    let all = [Provider::Oss, Provider::Cos, Provider::S3];
    all.into_iter().map(|provider| Replies(for_provider(provider, Options::default()))).collect()
}

/// A status line, headers, an empty line, a body; what cannot be read of it is left out.
fn reply(input: &[u8]) -> Reply {
    let (head, body) = match memchr::memmem::find(input, b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &[][..]),
    };
    let mut lines = head.split(|b| *b == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok()).unwrap_or(200);
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(at) = memchr::memchr(b':', line) else { continue };
        let name = HeaderName::from_bytes(&line[..at]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[at + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    Reply { status, headers, body: body.to_vec() }
}

/// What is kept of a refusal can be shown.
fn presentable(said: &Refusal) {
    for (text, most) in [(&said.code, WORD), (&said.message, MESSAGE), (&said.request_id, WORD)] {
        assert!(text.chars().count() <= most && !text.contains(char::is_control), "{said:?}");
    }
    if let Some(place) = &said.region {
        assert!(!place.is_empty() && place.len() <= WORD && place.is_ascii(), "{said:?}");
        assert!(!place.contains(['@', '/', '?', ' ']), "{said:?}");
    }
}

impl Target for Replies {
    fn name(&self) -> String {
        format!("replies, {}", self.0.provider())
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        let x = ["x-oss", "x-cos", "x-amz"][match self.0.provider() {
            Provider::Oss => 0,
            Provider::Cos => 1,
            Provider::S3 => 2,
        }];
        let error = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>RestoreAlreadyInProgress</Code>\
             <Message>The restore operation is in progress.</Message><RequestId>R1</RequestId>\
             <Endpoint>oss-cn-shanghai.aliyuncs.com</Endpoint><EC>0016-00000701</EC></Error>";
        [
            format!(
                "200\n{x}-request-id: r\n{x}-storage-class: Archive\n{x}-restore: ongoing-request=\"true\""
            ),
            format!(
                "200\n{x}-request-id: r\n{x}-storage-class: GLACIER\n{x}-restore: ongoing-request=\"false\", \
                 expiry-date=\"Fri, 27 Nov 2026 08:15:02 GMT\"\n{x}-storage-tier: ARCHIVE_ACCESS"
            ),
            format!("202\n{x}-request-id: r"),
            format!("409\n{x}-request-id: r\ncontent-type: application/xml\n\n{error}"),
            format!("503\n{x}-request-id: r\nretry-after: 7\n\n{error}"),
            format!(
                "301\nlocation: https://b.s3.eu-west-1.amazonaws.com/?list\n{x}-bucket-region: eu-west-1"
            ),
            "404\nx-oss-err: PEVycm9yPjxDb2RlPk5vU3VjaEtleTwvQ29kZT48L0Vycm9yPg==\nx-oss-ec: 0026".to_owned(),
        ]
        .map(String::into_bytes)
        .into()
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let reply = reply(input);
        presentable(&self.0.read_refusal(&reply));
        match self.0.read_head(&reply) {
            Ok(head) => assert_ne!(head.restore, RestoreMark::Unsaid),
            Err(said) => {
                presentable(&said);
                assert_eq!(said.kind, ErrorKind::Unreadable);
            }
        }
        match self.0.read_restore(&reply) {
            Ok(answer) => match answer.taken {
                Taken::Accepted => assert_eq!(reply.status, 202),
                Taken::Extended => assert_eq!(reply.status, 200),
                Taken::AlreadyRunning => assert!(
                    memchr::memmem::find(&reply.body, b"<Error").is_some() || !reply.headers.is_empty()
                ),
            },
            Err(said) => presentable(&said),
        }
        true
    }
}
