//! The two page readers must agree on every document, whole, odd or broken.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::model::{Kind, Position};

/// A file of `tests/wire`.
macro_rules! wire {
    ($file:literal) => {
        include_bytes!(concat!("../../../../tests/wire/", $file))
    };
}

const DOCUMENTED: [(ListApi, &[u8]); 8] = [
    (ListApi::V2, wire!("oss/list-v2.xml")),
    (ListApi::V1, wire!("oss/list-v1.xml")),
    (ListApi::Versions, wire!("oss/list-versions.xml")),
    (ListApi::V1, wire!("cos/list.xml")),
    (ListApi::Versions, wire!("cos/list-versions.xml")),
    (ListApi::V2, wire!("s3/list-v2.xml")),
    (ListApi::V1, wire!("s3/list-v1.xml")),
    (ListApi::Versions, wire!("s3/list-versions.xml")),
];

fn form(plus_is_space: bool, token_is_encoded: bool, last_key_is_marker: bool) -> Form {
    Form {
        plus_is_space,
        token_is_encoded,
        markers_only: false,
        last_key_is_marker,
        silence: RestoreMark::Absent,
        access: |class, tier| match (class, tier) {
            (b"GLACIER", _) | (_, b"ARCHIVE_ACCESS") => Access::Archived,
            (b"TIERING", b"") => Access::Tiering,
            (b"" | b"STANDARD", _) => Access::Online,
            _ => Access::Unrecognised,
        },
    }
}

/// All that a page tells, in a form that compares.
type Told = (Vec<(Kind, [Vec<u8>; 5], bool, String)>, Option<Position>);

fn told(page: &Page) -> Told {
    let entries = page.iter().map(|e| {
        let texts = [e.key, e.version_id, e.class, e.access_tier, e.etag].map(<[u8]>::to_vec);
        let rest = format!("{:?} {} {:?} {:?}", e.access, e.size, e.last_modified, e.restore);
        (e.kind, texts, e.is_latest, rest)
    });
    (entries.collect(), page.next().cloned())
}

/// Reads a page as the product does: by the fast reader, and by the other where that hands over; its entries into
/// a buffer that another page was read into.
fn read_page(form: &Form, api: ListApi, body: Vec<u8>) -> Result<Page, Fault> {
    read(form, api, body, vec![crate::model::Entry::default(); 3])
}

/// Checks that both readers say the same; whether they read a page.
fn agree(form: &Form, api: ListApi, body: &[u8]) -> Result<bool, TestCaseError> {
    let slow = read_by_events(form, api, body.to_vec());
    let fast = read_page(form, api, body.to_vec());
    prop_assert_eq!(slow.as_ref().map(told), fast.as_ref().map(told), "{}", body.escape_ascii());
    Ok(slow.is_ok())
}

#[test]
fn the_documented_forms_take_the_fast_way() {
    for (api, body) in DOCUMENTED {
        for token_is_encoded in [false, true] {
            let form = form(true, token_is_encoded, true);
            let fast = read_by_scan(&form, api, body.to_vec());
            assert!(matches!(fast, Ok(Ok(_))), "{}", body.escape_ascii());
            assert!(agree(&form, api, body).unwrap());
        }
    }
}

#[test]
fn a_torn_page_is_never_a_page() {
    let form = form(true, false, true);
    for (api, body) in DOCUMENTED {
        let whole = body.trim_ascii_end().len();
        for cut in 0..whole {
            let torn = read_page(&form, api, body[..cut].to_vec());
            assert!(matches!(torn, Err(Fault::Unreadable(_))), "cut at {cut}");
            let torn = read_by_events(&form, api, body[..cut].to_vec());
            assert!(matches!(torn, Err(Fault::Unreadable(_))), "cut at {cut}");
        }
    }
}

#[test]
fn what_is_no_listing_is_refused() {
    let form = form(true, false, false);
    let page = |inside: &str| format!("<ListBucketResult>{inside}</ListBucketResult>");
    let whole = "<IsTruncated>false</IsTruncated>";
    let entry = "<Contents><Key>k</Key></Contents>";
    let good = page(&format!("{whole}{entry}"));
    assert!(agree(&form, ListApi::V2, good.as_bytes()).unwrap());
    let bad = [
        // Mislabelled.
        "<ListAllMyBucketsResult/>".to_owned(),
        good.replace("ListBucketResult", "ListVersionsResult"),
        page(&format!("{whole}<Version><Key>k</Key><IsLatest>true</IsLatest></Version>")),
        // Not telling whether or where it goes on.
        page(entry),
        page("<IsTruncated>perhaps</IsTruncated>"),
        page(&format!("<IsTruncated>true</IsTruncated>{entry}")),
        page(&format!("<IsTruncated>true</IsTruncated><NextContinuationToken/>{entry}")),
        page(&format!("<IsTruncated>true</IsTruncated><NextMarker>k</NextMarker>{entry}")),
        // Entries without the needful.
        page(&format!("{whole}<Contents/>")),
        page(&format!("{whole}<Contents></Contents>")),
        page(&format!("{whole}<Contents><Size>1</Size></Contents>")),
        page(&format!("{whole}<Contents><Key>k</Key><Size>many</Size></Contents>")),
        page(&format!("{whole}<Contents><Key>k</Key><Size>18446744073709551616</Size></Contents>")),
        page(&format!("{whole}<EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>")),
        // Not a document.
        format!("{good}{good}"),
        format!("{good} text"),
        format!("text {good}"),
        page(&format!("{whole}text{entry}")),
        page(&format!("{whole}<Contents><Key>a<b/>c</Key></Contents>")),
        page(&format!("{whole}<Contents><Key>k</Key><LastModified/>2020-05-18T05:45:43.000Z</Contents>")),
        page(&format!("{whole}<Contents><Key>k</Key><ETag/>&quot;a&quot;</Contents>")),
        page(&format!("{whole}<Contents><Key>&unknown;</Key></Contents>")),
        page(&format!("{whole}<Contents><Key>k</Kez></Contents>")),
        String::new(),
    ];
    for body in bad {
        for read in [read_page, read_by_events] {
            let refused = read(&form, ListApi::V2, body.clone().into_bytes());
            assert!(matches!(refused, Err(Fault::Unreadable(_))), "{body}");
        }
    }
    let error = b"<Error><Code>SlowDown</Code></Error>".to_vec();
    let refused = read_page(&form, ListApi::V2, error.clone());
    assert_eq!(refused.err(), Some(Fault::Refused(error)));
}

#[test]
fn an_empty_page_may_be_truncated() {
    let form = form(true, false, false);
    let body = "<ListBucketResult><IsTruncated>True</IsTruncated><NextContinuationToken>t\
        </NextContinuationToken></ListBucketResult>";
    let page = read_page(&form, ListApi::V2, body.into()).unwrap();
    assert!(page.is_empty());
    assert_eq!(page.next(), Some(&Position::Token(b"t".to_vec())));
    // Version 1 with neither marker nor key has no place to go on.
    let body = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let refused = read_page(&form, ListApi::V1, body.into());
    assert!(matches!(refused, Err(Fault::Unreadable(_))));
}

/// How odd a document may be.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Oddity {
    /// The documented form, elements in any order and number.
    Documented,
    /// Anything that XML allows.
    Legal,
    /// Here and there a fault.
    Faulty,
}

use Oddity::{Documented, Faulty, Legal};

/// One of the documented words most of the time, of the others where they are allowed.
fn words(
    odd: Oddity,
    documented: &'static [&'static str],
    legal: &'static [&'static str],
    faulty: &'static [&'static str],
) -> BoxedStrategy<String> {
    let pick = |words: &'static [&'static str], allowed: bool| {
        select(if allowed && !words.is_empty() { words } else { documented }).prop_map_into()
    };
    prop_oneof![30 => pick(documented, true), 3 => pick(legal, odd >= Legal), 1 => pick(faulty, odd == Faulty)]
        .boxed()
}

fn text(odd: Oddity) -> BoxedStrategy<String> {
    let encoded = words(
        odd,
        &[
            "%20",
            "%2B",
            "%C3%BC",
            "+",
            "a%2Fb",
            "%00",
            "%0A",
            "\u{fc}\u{1f600}",
            "&amp;",
            "&#xFC;",
            "&gt;&apos;",
        ],
        &["<!-- c -->", "<![CDATA[<&]]>", "<?pi x?>", ">", "]]>", "&#00000000065;"],
        &["&bogus;", "&", "&#0;", "100%"],
    );
    let pieces = prop_oneof![3 => "[a-zA-Z0-9/._-]{1,12}", 2 => encoded];
    proptest::collection::vec(pieces, 1..4).prop_map(|pieces| pieces.concat()).boxed()
}

/// A value that the named element may have.
fn value(name: &'static str, odd: Oddity) -> BoxedStrategy<String> {
    let of = |documented, legal, faulty| words(odd, documented, legal, faulty);
    match name {
        "Size" => of(
            &["0", "1", "123456789"],
            &[" 7 ", "1&#48;", "1<!-- -->2"],
            &["", "-1", "18446744073709551616"],
        ),
        "IsLatest" | "IsTruncated" => of(&["true", "false"], &["True", "\n true"], &["no", ""]),
        "StorageClass" => {
            of(&["GLACIER", "STANDARD", "TIERING", ""], &["STANDARD_I&#65;", "<![CDATA[GLACIER]]>"], &[])
        }
        "StorageTier" => of(&["ARCHIVE_ACCESS", "FREQUENT", ""], &[], &[]),
        "LastModified" => of(
            &["2020-05-18T05:45:43.000Z", "2020-05-18T05:45:43Z", "2020-13-18T05:45:43.000Z", ""],
            &["&#50;020-05-18T05:45:43.000Z", "2020-05-18T05:45:43.000Z<!-- -->"],
            &["2020-05-18T05:45:43.000Z<b/>"],
        ),
        "ETag" => of(
            &["\"abc\"", "&quot;abc&quot;", "&quot;&quot;", "\"", "abc", "\"\"x\"\""],
            &["&#34;a&#34;", "&quot;a\"&quot;", "&quot;", "&quot;a&amp;b&quot;", "&quot;a&quot;b&quot;"],
            &["&quot;a&quot", "&quota&quot;"],
        ),
        "Type" => of(&["Normal", "Symlink", "Multipart", ""], &[], &[]),
        "EncodingType" => of(&["url", "", "other"], &[" url\n"], &[]),
        "RestoreInfo" => of(
            &[
                "ongoing-request=\"true\"",
                "ongoing-request=&quot;true&quot;",
                "ongoing-request=\"false\", expiry-date=\"Fri, 27 Nov 2026 08:15:02 GMT\"",
                "",
                "soon",
            ],
            &["<![CDATA[ongoing-request=\"true\"]]>"],
            &[],
        ),
        "RestoreStatus" => of(
            &[
                "",
                "<IsRestoreInProgress>true</IsRestoreInProgress>",
                "\n<IsRestoreInProgress>false</IsRestoreInProgress> \
                 <RestoreExpiryDate>2012-12-21T00:00:00.000Z</RestoreExpiryDate>\n",
                "<IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate/>",
                "<RestoreExpiryDate>2012-12-21T00:00:00Z</RestoreExpiryDate>",
                "<Other><IsRestoreInProgress>true</IsRestoreInProgress></Other>",
            ],
            &["ONGOING", "ONG&#73;NG", "x<IsRestoreInProgress>true</IsRestoreInProgress>", "<!-- -->ONGOING"],
            &["<IsRestoreInProgress>no</IsRestoreInProgress>", "<IsRestoreInProgress/>"],
        ),
        "Owner" => of(
            &["<ID>1</ID><DisplayName>R&amp;D</DisplayName>", "<ID/>", "<a><b><c>1</c></b>\n</a>", ""],
            &["text", "<a>&unknown;</a>", "<a><!-- --></a>", "a<b/>c", "<a:b/>"],
            &["<a></b>", "<a>", "&;"],
        ),
        "CommonPrefixes" => of(
            &["<Prefix>a/</Prefix>", "", "<Prefix/>", "<Contents><Key>no</Key></Contents>"],
            &["<a><b><c><d><e><f><g><h><i><j>1</j></i></h></g></f></e></d></c></b></a>"],
            &[],
        ),
        _ => text(odd),
    }
}

/// An element, most often in the documented form.
fn element(
    name: &'static str,
    odd: Oddity,
    inside: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    let blank = words(
        odd,
        &["", "", "\n    ", " "],
        &["<!-- x -->", "<?pi?>"],
        &["stray", "7", "2020-05-18T05:45:43.000Z", "&quot;a&quot;", "&amp;"],
    );
    let shape = match odd {
        Documented => 0..1,
        Legal => 0..5,
        Faulty => 0..7,
    };
    let shape = prop_oneof![20 => Just(0), 1 => shape];
    (inside, blank, shape).prop_map(move |(inside, blank, shape)| match shape {
        1 => format!("{blank}<{name} x=\"y\">{inside}</{name} >"),
        2 => format!("{blank}<p:{name}>{inside}</p:{name}>"),
        3 => format!("{blank}<{name} >{inside}</{name}>"),
        4 => format!("{blank}<{name}\n/>"),
        5 => format!("{blank}<{name} x=y>{inside}</{name}>"),
        6 => format!("{blank}<{name}>{inside}</{name}x>"),
        _ if inside.is_empty() => format!("{blank}<{name}/>"),
        _ => format!("{blank}<{name}>{inside}</{name}>"),
    })
}

fn entry(name: &'static str, odd: Oddity) -> impl Strategy<Value = String> {
    const FIELDS: &[&str] = &[
        "VersionId",
        "LastModified",
        "ETag",
        "Type",
        "Size",
        "StorageClass",
        "StorageTier",
        "Owner",
        "RestoreInfo",
        "RestoreStatus",
        "ChecksumAlgorithm",
    ];
    let needed = ["Key", "IsLatest"].map(|field| element(field, odd, value(field, odd)));
    let field = select(FIELDS).prop_flat_map(move |field| element(field, odd, value(field, odd)));
    let fields = (needed, proptest::collection::vec(field, 0..8)).prop_flat_map(|(needed, mut fields)| {
        fields.extend(needed);
        Just(fields).prop_shuffle()
    });
    element(name, odd, fields.prop_map(|fields| fields.concat()))
}

fn document_as(odd: Oddity) -> impl Strategy<Value = (ListApi, String)> {
    const TOPS: &[&str] = &["Name", "Prefix", "NextVersionIdMarker", "CommonPrefixes", "EncodingType"];
    const NEXT: &[&str] = &["NextContinuationToken", "NextMarker", "NextKeyMarker"];
    let api = select(&[ListApi::V1, ListApi::V2, ListApi::Versions][..]);
    api.prop_flat_map(move |api| {
        let (root, kinds): (_, &[&str]) = match api {
            ListApi::V1 | ListApi::V2 => ("ListBucketResult", &["Contents"]),
            ListApi::Versions => ("ListVersionsResult", &["Version", "Version", "DeleteMarker"]),
        };
        let plain = move |name| element(name, odd, value(name, odd));
        let heading = (plain("IsTruncated"), [plain(NEXT[0]), plain(NEXT[1]), plain(NEXT[2])]);
        let tops = proptest::collection::vec(select(TOPS).prop_flat_map(plain), 0..5);
        let entries =
            proptest::collection::vec(select(kinds).prop_flat_map(move |kind| entry(kind, odd)), 0..6);
        let prolog = words(
            odd,
            &["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"],
            &["\u{feff}", "<!-- c -->"],
            &["x"],
        );
        let xmlns = words(
            odd,
            &["", " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""],
            &[" a=\"1\" b='2'"],
            &[" a"],
        );
        let tail = words(odd, &["", "\n"], &["<!-- c -->"], &["x", "<a/>"]);
        (prolog, xmlns, heading, tops, entries, tail).prop_map(
            move |(prolog, xmlns, (truncated, next), tops, entries, tail)| {
                let (before, after) = tops.split_at(tops.len() / 2);
                let inside = [before, &[truncated], &next, &entries, after].concat().concat();
                (api, format!("{prolog}<{root}{xmlns}>{inside}\n</{root}>{tail}"))
            },
        )
    })
}

fn document() -> impl Strategy<Value = (ListApi, String)> {
    select(&[Documented, Legal, Faulty][..]).prop_flat_map(document_as)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn the_documented_form_is_never_handed_over((api, body) in document_as(Documented)) {
        let form = form(true, true, true);
        let fast = read_by_scan(&form, api, body.clone().into_bytes());
        let slow = read_by_events(&form, api, body.clone().into_bytes());
        prop_assert!(fast.is_ok() || slow.is_err(), "{}", body);
    }

    #[test]
    fn on_documents_they_agree((api, body) in document(), plus: bool, token: bool, last: bool) {
        agree(&form(plus, token, last), api, body.as_bytes())?;
    }

    #[test]
    fn on_broken_documents_they_agree(
        (api, body) in document(),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..4_u8, any::<u8>()), 1..4),
    ) {
        let mut body = body.into_bytes();
        for (place, how, byte) in cuts {
            if body.is_empty() {
                break;
            }
            let at = place.index(body.len());
            match how {
                0 => body.truncate(at),
                1 => drop(body.remove(at)),
                2 => body[at] = byte,
                _ => body.insert(at, b"<>/&\"= a"[usize::from(byte) % 8]),
            }
        }
        agree(&form(true, true, true), api, &body)?;
    }

    #[test]
    fn on_any_bytes_they_agree(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!agree(&form(true, true, true), ListApi::V2, &bytes)?);
        let framed = [&b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>"[..], &bytes,
            b"</Key></Contents></ListBucketResult>"].concat();
        agree(&form(true, true, true), ListApi::V2, &framed)?;
    }
}
