//! Reply → page, in keys a second: the page reader against a plain borrowed event reader.
//!
//! The promise is a ratio of at least 3, the aim 5, taken within one run: each round times every
//! reader once, one after the other; printed is the median of the rounds' ratios. The plain reader keeps slices
//! of the body and decodes nothing; ours delivers the finished [`Page`], decoding, dates, access
//! and restore state included. Bodies are cloned before the clock starts.
//!
//! `cargo bench --bench parse [-- ROUNDS]`; one line a page form.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use defrost::model::{Access, Page, RestoreMark};
use defrost::store::ListApi;
use defrost::store::dialect::xml::{self, Form};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Keys a page, the vendors' most.
const KEYS: usize = 1000;

/// Pages read by each reader in a round.
const PAGES: usize = 20;

/// Rounds, unless told otherwise.
const ROUNDS: usize = 15;

fn main() {
    let rounds = std::env::args().filter_map(|arg| arg.parse().ok()).find(|&n| n > 0).unwrap_or(ROUNDS);
    println!("{KEYS} keys a page, median of {rounds} rounds of {PAGES} pages, million keys a second");
    println!("{:<12} {:>8} {:>10} {:>10} {:>10} {:>8}", "page", "B/key", "scan", "events", "plain", "ratio");
    for (name, form, body) in
        [("s3", &S3, s3(false)), ("s3 encoded", &S3, s3(true)), ("oss", &OSS, oss()), ("cos", &S3, cos())]
    {
        let expected = keys(&page(xml::read_by_events(form, ListApi::V2, body.clone())));
        let fast = xml::read_by_scan(form, ListApi::V2, body.clone());
        assert_eq!(keys(&page(fast.expect("the documented form is not handed over"))), expected);
        assert_eq!(plain(&body).len(), KEYS);

        let mut times = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            times[0].push(time(&body, |body| xml::read_by_scan(form, ListApi::V2, body)));
            times[1].push(time(&body, |body| xml::read_by_events(form, ListApi::V2, body)));
            times[2].push(time(&body, plain));
        }
        // Round by round, since the machine may change its pace between rounds.
        let mut ratios: Vec<f64> = times[0]
            .iter()
            .zip(&times[2])
            .map(|(ours, plain)| plain.as_secs_f64() / ours.as_secs_f64())
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let ratio = ratios[ratios.len() / 2];
        let [scan, events, plain] = times.map(rate);
        let size = body.len() / KEYS;
        println!("{name:<12} {size:>8} {scan:>10.2} {events:>10.2} {plain:>10.2} {ratio:>7.1}x");
    }
}

const S3: Form = Form {
    plus_is_space: true,
    token_is_encoded: false,
    markers_only: false,
    last_key_is_marker: true,
    silence: RestoreMark::Absent,
    access,
};

const OSS: Form = Form { plus_is_space: false, token_is_encoded: true, last_key_is_marker: false, ..S3 };

fn access(class: &[u8], _tier: &[u8]) -> Access {
    if class == b"GLACIER" || class == b"ColdArchive" { Access::Archived } else { Access::Online }
}

fn page(read: Result<Page, xml::Fault>) -> Page {
    read.expect("the body is a page")
}

fn keys(page: &Page) -> Vec<Vec<u8>> {
    page.iter().map(|entry| entry.key.to_vec()).collect()
}

/// Time to read the page [`PAGES`] times. Making the bodies and dropping the results is not in it,
/// so every reader finds the allocator warm.
#[expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]
fn time<'b, B: From<&'b [u8]>, R>(body: &'b [u8], read: impl Fn(B) -> R) -> Duration {
    let mut sum = Duration::ZERO;
    for _ in 0..PAGES {
        let body = B::from(body);
        let start = Instant::now();
        let page = read(body);
        sum += start.elapsed();
        black_box(page);
    }
    sum
}

/// Million keys a second, by the median.
fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    (KEYS * PAGES) as f64 / times[times.len() / 2].as_secs_f64() / 1e6
}

/// What a plain event reader keeps of an entry: key, time, tag, size, class, running, expiry.
type Plain<'b> = [&'b str; 7];

fn plain(body: &[u8]) -> Vec<Plain<'_>> {
    let mut xml = Reader::from_str(std::str::from_utf8(body).expect("the body is UTF-8"));
    let mut entries = Vec::with_capacity(KEYS);
    let mut entry = Plain::default();
    let mut field = None;
    loop {
        match xml.read_event().expect("the body is XML") {
            Event::Start(start) => {
                field = match start.name().as_ref() {
                    "Key" => Some(0),
                    "LastModified" => Some(1),
                    "ETag" => Some(2),
                    "Size" => Some(3),
                    "StorageClass" => Some(4),
                    "IsRestoreInProgress" => Some(5),
                    "RestoreExpiryDate" | "RestoreInfo" | "RestoreStatus" => Some(6),
                    _ => None,
                };
            }
            Event::Text(text) => {
                if let (Some(field), Cow::Borrowed(text)) = (field, text.into_inner()) {
                    entry[field] = text;
                }
            }
            Event::End(end) => {
                field = None;
                if end.name().as_ref() == "Contents" {
                    entries.push(std::mem::take(&mut entry));
                }
            }
            Event::Eof => return entries,
            _ => {}
        }
    }
}

/// A key like those of a dated, hashed layout.
fn key(n: usize) -> String {
    format!(
        "logs/2026/11/{:02}/host-{:04}/part-{:016x}.json.gz",
        n % 28 + 1,
        n / 7,
        n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    )
}

fn s3(encoded: bool) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>examplebucket</Name>\
         <Prefix></Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><KeyCount>1000</KeyCount>\
         <IsTruncated>true</IsTruncated><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=\
         </NextContinuationToken>",
    );
    for n in 0..KEYS {
        let key = if encoded { format!("a+b/%C3%BC%2B{}", key(n)) } else { key(n) };
        let status = if n % 2 == 0 {
            "<IsRestoreInProgress>true</IsRestoreInProgress>"
        } else {
            "<IsRestoreInProgress>false</IsRestoreInProgress>\
             <RestoreExpiryDate>2026-12-21T00:00:00.000Z</RestoreExpiryDate>"
        };
        write!(
            out,
            "<Contents><Key>{key}</Key><LastModified>2026-10-12T17:50:30.000Z</LastModified>\
             <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag>\
             <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>{}</Size>\
             <StorageClass>GLACIER</StorageClass><RestoreStatus>{status}</RestoreStatus></Contents>",
            n * 104_729
        )
        .expect("a string takes everything");
    }
    out.push_str("</ListBucketResult>");
    out.into_bytes()
}

fn oss() -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult>\n  <Name>examplebucket</Name>\n  \
         <Prefix></Prefix>\n  <MaxKeys>1000</MaxKeys>\n  <EncodingType>url</EncodingType>\n  \
         <IsTruncated>true</IsTruncated>\n  <NextContinuationToken>Cgxsb2dzL8OpAS5iaW4-</NextContinuationToken>\n",
    );
    for n in 0..KEYS {
        write!(
            out,
            "  <Contents>\n    <Key>{}</Key>\n    <LastModified>2026-05-18T05:45:43.000Z</LastModified>\n    \
             <ETag>\"35A27C2B9EAEEB6F48FD7FB5861D1A2B\"</ETag>\n    <Type>Normal</Type>\n    <Size>{}</Size>\n    \
             <StorageClass>ColdArchive</StorageClass>\n    <Owner>\n      <ID>1686240967192623</ID>\n      \
             <DisplayName>1686240967192623</DisplayName>\n    </Owner>\n    \
             <RestoreInfo>ongoing-request=\"true\"</RestoreInfo>\n  </Contents>\n",
            key(n).replace('/', "%2F"),
            n * 104_729
        )
        .expect("a string takes everything");
    }
    out.push_str("  <KeyCount>1000</KeyCount>\n</ListBucketResult>");
    out.into_bytes()
}

fn cos() -> Vec<u8> {
    let text = String::from_utf8(oss()).expect("the page is UTF-8");
    text.replace(
        "<RestoreInfo>ongoing-request=\"true\"</RestoreInfo>",
        "<RestoreStatus>ONGOING</RestoreStatus>",
    )
    .replace("\"35A27C2B9EAEEB6F48FD7FB5861D1A2B\"", "&quot;35A27C2B9EAEEB6F48FD7FB5861D1A2B&quot;")
    .into_bytes()
}
