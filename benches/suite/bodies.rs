//! Answers to listings, a thousand keys each, in the form in which the vendors document them.

use std::fmt::Write as _;

use defrost::model::Provider;

/// Keys a page, the vendors' most.
pub(crate) const KEYS: usize = 1000;

/// One kind of answer.
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) provider: Provider,
    pub(crate) bytes: Vec<u8>,
}

/// One of each kind.
pub(crate) fn all() -> [Body; 4] {
    [
        Body { name: "s3", provider: Provider::S3, bytes: s3(false) },
        Body { name: "s3 url-encoded", provider: Provider::S3, bytes: s3(true) },
        Body { name: "oss", provider: Provider::Oss, bytes: oss() },
        Body { name: "cos", provider: Provider::Cos, bytes: cos() },
    ]
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
    .replace("<StorageClass>ColdArchive</StorageClass>", "<StorageClass>ARCHIVE</StorageClass>")
    .replace("NextContinuationToken>", "NextMarker>")
    .into_bytes()
}
