//! Pages of each dialect: the fast reader against the one that is built on an XML library.

use defrost::model::{Kind, Page, Position, Provider, RestoreMark};
use defrost::store::dialect::xml::{Fault, Form, read, read_by_events, read_by_scan};
use defrost::store::dialect::{Dialect, Options, Reply, for_provider};
use defrost::store::{ErrorKind, ListApi, Listing};
use http::HeaderMap;

use super::Target;

/// A file of `tests/wire`.
macro_rules! wire {
    ($file:literal) => {
        include_bytes!(concat!("../wire/", $file)).as_slice()
    };
}

const OSS: &[&[u8]] = &[wire!("oss/list-v1.xml"), wire!("oss/list-v2.xml"), wire!("oss/list-versions.xml")];
const COS: &[&[u8]] = &[wire!("cos/list.xml"), wire!("cos/list-versions.xml")];
const S3: &[&[u8]] = &[wire!("s3/list-v1.xml"), wire!("s3/list-v2.xml"), wire!("s3/list-versions.xml")];

const WORDS: &[&str] = &[
    "<Error><Code>SlowDown</Code></Error>",
    "<Contents>",
    "</Contents>",
    "<Contents/>",
    "<Version>",
    "</Version>",
    "<DeleteMarker>",
    "<Key>",
    "</Key>",
    "<Key/>",
    "<Size>",
    "</Size>",
    "<ETag>",
    "&quot;",
    "<StorageClass>",
    "<LastModified>2020-02-30T25:61:61.000Z</LastModified>",
    "<RestoreInfo>ongoing-request=\"false\", expiry-date=\"",
    "<RestoreStatus>",
    "<IsRestoreInProgress>true</IsRestoreInProgress>",
    "<RestoreExpiryDate>9999-12-31T23:59:59.999Z</RestoreExpiryDate>",
    "ONGOING",
    "<IsTruncated>true</IsTruncated>",
    "<IsTruncated>false</IsTruncated>",
    "<NextContinuationToken>",
    "<NextMarker>",
    "<NextKeyMarker>",
    "<NextVersionIdMarker>",
    "<EncodingType>url</EncodingType>",
    "<CommonPrefixes><Prefix>",
    "<Type>Symlink</Type>",
    "<Owner><ID>",
    " xmlns=\"x\"",
    " a='b'",
    "<a:b>",
    "<!-- ",
    " -->",
    "<![CDATA[",
    "]]>",
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    "<?pi ",
    "?>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&amp;",
    "&lt;",
    "&#0;",
    "&#1;",
    "&#x10FFFF;",
    "&#xD800;",
    "&#99999999999;",
    "&",
    "%",
    "%2",
    "%00",
    "%FF",
    "+",
    "\u{feff}",
    "\u{1f600}",
    "/>",
    ">",
    "<",
    "</",
];

/// The reader of one vendor's pages.
pub(super) struct Pages {
    dialect: Box<dyn Dialect>,
    form: Form,
    corpus: &'static [&'static [u8]],
}

/// One for each vendor, by the facts of its documents.
pub(super) fn all() -> Vec<Pages> {
    let pages =
        |provider, form, corpus| Pages { dialect: for_provider(provider, Options::default()), form, corpus };
    vec![
        pages(
            Provider::Oss,
            Form {
                plus_is_space: false,
                token_is_encoded: true,
                markers_only: false,
                last_key_is_marker: false,
                silence: RestoreMark::Absent,
                access: |class, tier| for_provider(Provider::Oss, Options::default()).access(class, tier),
            },
            OSS,
        ),
        pages(
            Provider::Cos,
            Form {
                plus_is_space: true,
                token_is_encoded: false,
                markers_only: true,
                last_key_is_marker: false,
                silence: RestoreMark::Unsaid,
                access: |class, tier| for_provider(Provider::Cos, Options::default()).access(class, tier),
            },
            COS,
        ),
        pages(
            Provider::S3,
            Form {
                plus_is_space: true,
                token_is_encoded: false,
                markers_only: false,
                last_key_is_marker: true,
                silence: RestoreMark::Absent,
                access: |class, tier| for_provider(Provider::S3, Options::default()).access(class, tier),
            },
            S3,
        ),
    ]
}

/// All that a page tells, in a form that compares.
type Told = (Vec<(Kind, [Vec<u8>; 5], String)>, Option<Position>);

fn told(page: &Page) -> Told {
    let entries = page.iter().map(|e| {
        let texts = [e.key, e.version_id, e.class, e.access_tier, e.etag].map(<[u8]>::to_vec);
        let rest = format!("{:?} {} {:?} {:?} {}", e.access, e.size, e.last_modified, e.restore, e.is_latest);
        (e.kind, texts, rest)
    });
    (entries.collect(), page.next().cloned())
}

impl Target for Pages {
    fn name(&self) -> String {
        format!("pages, {}", self.dialect.provider())
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        self.corpus.iter().map(|body| body.to_vec()).collect()
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let mark = |name: &[u8]| memchr::memmem::find(input, name).is_some();
        let api = match (mark(b"ListVersionsResult"), mark(b"NextMarker") || mark(b"<Marker>")) {
            (true, _) => ListApi::Versions,
            (false, true) => ListApi::V1,
            (false, false) => ListApi::V2,
        };
        let slow = read_by_events(&self.form, api, input.to_vec());
        let both = read(&self.form, api, input.to_vec(), Vec::new());
        assert_eq!(slow.as_ref().map(told), both.as_ref().map(told), "the readers disagree");
        if let Ok(fast) = read_by_scan(&self.form, api, input.to_vec()) {
            assert_eq!(
                slow.as_ref().ok().map(told),
                fast.as_ref().ok().map(told),
                "the fast reader disagrees"
            );
        }
        let listing = Listing { prefix: Vec::new(), api, page_size: 1000 };
        let reply = Reply { status: 200, headers: HeaderMap::new(), body: input.to_vec() };
        match (self.dialect.read_page(&listing, reply, Vec::new()), &slow) {
            (Ok(page), Ok(slow)) => {
                assert_eq!(told(&page), told(slow), "the dialect has another form");
                if let Some(Position::Token(at) | Position::After(at) | Position::AfterVersion(at, _)) =
                    page.next()
                {
                    assert!(!at.is_empty(), "an empty marker begins anew");
                }
            }
            (Err(refusal), Err(Fault::Unreadable(why))) => {
                assert_eq!((refusal.kind, &*refusal.message), (ErrorKind::Unreadable, *why));
            }
            (Err(_), Err(Fault::Refused(body))) => assert_eq!(body, input, "what is refused is whole"),
            (page, _) => panic!("the dialect disagrees: {page:?}"),
        }
        // Empty pages and error documents are read as well, but lead nowhere.
        slow.is_ok_and(|page| !page.is_empty())
    }
}
