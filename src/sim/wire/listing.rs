//! The questions of a listing: parameters of all three vendors, and page tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::bucket::Bucket;
use super::super::config::Dialect;
use super::super::generate::scramble;
use super::encode::{FORM, PATH, Params, STRICT, Safe};
use super::fail::Wrong;
use super::page::{Page, Query};

/// Most entries of a page. Sources: the three listing pages.
const MAX_KEYS: usize = 1000;
/// What OSS takes when none is asked for. Source: OSS ListObjectsV2 page.
const OSS_DEFAULT: usize = 100;

/// Which listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Kind {
    V1,
    V2,
    Versions,
}

/// A listing as asked for.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Asked {
    pub(in crate::sim) kind: Kind,
    pub(in crate::sim) prefix: Vec<u8>,
    pub(in crate::sim) delimiter: Option<Vec<u8>>,
    /// `marker`, `key-marker`, or what the token stands for.
    pub(in crate::sim) after: Vec<u8>,
    pub(in crate::sim) after_version: Option<Vec<u8>>,
    pub(in crate::sim) start_after: Option<Vec<u8>>,
    pub(in crate::sim) token: Option<Vec<u8>>,
    pub(in crate::sim) max_keys: usize,
    /// How keys are written, if the caller asked for it.
    pub(in crate::sim) safe: Option<Safe>,
    pub(in crate::sim) owner: bool,
    /// S3: the caller asked for restore states.
    pub(in crate::sim) restore: bool,
}

impl Asked {
    /// Reads the parameters. `attributes` is S3's `x-amz-optional-object-attributes`.
    pub(in crate::sim) fn read(bucket: &Bucket, params: &Params, attributes: &str) -> Result<Self, Wrong> {
        let dialect = bucket.dialect;
        let bytes = |name: &str| params.get(name).unwrap_or(&[]).to_vec();
        let given = |name: &str| params.get(name).map(<[u8]>::to_vec);
        let refuse =
            |name: &'static str| Wrong::Argument(name, params.text(name).unwrap_or_default().into_owned());
        // Source: no COS page names list-type; the simulator answers with version 1.
        let kind = match params.get("list-type") {
            _ if params.has("versions") => Kind::Versions,
            Some(b"2") if dialect != Dialect::Cos => Kind::V2,
            _ => Kind::V1,
        };
        let mut asked = Self {
            kind,
            prefix: bytes("prefix"),
            delimiter: given("delimiter").filter(|d| !d.is_empty()),
            after: Vec::new(),
            after_version: None,
            start_after: None,
            token: None,
            max_keys: max_keys(dialect, params).ok_or_else(|| refuse("max-keys"))?,
            safe: None,
            owner: kind != Kind::V2 || params.get("fetch-owner") == Some(b"true"),
            restore: attributes.split(',').any(|a| a.trim() == "RestoreStatus"),
        };
        if dialect == Dialect::Cos
            && asked.delimiter.as_ref().is_some_and(|d| String::from_utf8_lossy(d).chars().count() != 1)
        {
            return Err(refuse("delimiter"));
        }
        match params.get("encoding-type") {
            None | Some(b"") => {}
            Some(b"url") => asked.safe = Some(safe(bucket)),
            Some(_) => return Err(refuse("encoding-type")),
        }
        match kind {
            Kind::V1 => asked.after = bytes("marker"),
            Kind::V2 => {
                asked.start_after = given("start-after");
                // The OSS Python SDK sends an empty token with the first page; S3 refuses one
                // (minio issue 5931).
                asked.token =
                    given("continuation-token").filter(|t| dialect != Dialect::Oss || !t.is_empty());
                asked.after = match &asked.token {
                    Some(token) => read_token(dialect, token).ok_or_else(|| refuse("continuation-token"))?,
                    None => bytes("start-after"),
                };
            }
            Kind::Versions => {
                asked.after = bytes("key-marker");
                asked.after_version = given("version-id-marker").filter(|v| !v.is_empty());
                if asked.after_version.is_some() && asked.after.is_empty() {
                    return Err(refuse("version-id-marker"));
                }
            }
        }
        Ok(asked)
    }

    /// Whether this is not the first page.
    pub(in crate::sim) fn continues(&self) -> bool {
        self.token.is_some() || (self.kind != Kind::V2 && !self.after.is_empty())
    }

    /// What the page holds, within the bucket's own limit.
    pub(in crate::sim) fn query(&self, bucket: &Bucket) -> Query<'_> {
        Query {
            prefix: &self.prefix,
            delimiter: self.delimiter.as_deref().unwrap_or(&[]),
            after: &self.after,
            after_version: self.after_version.as_deref(),
            limit: bucket.quirks.page_limit.map_or(self.max_keys, |n| n.min(self.max_keys)),
            versions: self.kind == Kind::Versions,
        }
    }

    /// Makes `page` lead back to where it began.
    pub(in crate::sim) fn repeat(&self, bucket: &Bucket, page: &mut Page) {
        page.truncated = true;
        page.next.clone_from(&self.after);
        let slot = self.after_version.as_ref().and_then(|id| Some((bucket.find(&self.after)?, id)));
        page.next_version = slot.and_then(|(slot, id)| bucket.version_by_id(slot, id));
    }

    /// The token for what follows `page`.
    pub(in crate::sim) fn next_token(&self, dialect: Dialect, page: &Page) -> Vec<u8> {
        match &self.token {
            Some(token) if page.next == self.after => token.clone(),
            _ => write_token(dialect, &page.next),
        }
    }
}

/// How the vendor writes keys under `encoding-type=url`.
fn safe(bucket: &Bucket) -> Safe {
    match bucket.dialect {
        Dialect::Oss if bucket.quirks.bare_slash => PATH,
        Dialect::Oss => STRICT,
        Dialect::Cos => PATH,
        Dialect::S3 => FORM,
    }
}

fn max_keys(dialect: Dialect, params: &Params) -> Option<usize> {
    let default = if dialect == Dialect::Oss { OSS_DEFAULT } else { MAX_KEYS };
    let Some(text) = params.text("max-keys").filter(|t| !t.is_empty()) else { return Some(default) };
    let number = text.parse::<usize>().ok()?;
    match dialect {
        Dialect::Oss => (1..=MAX_KEYS).contains(&number).then_some(number),
        Dialect::Cos | Dialect::S3 => Some(number.min(MAX_KEYS)),
    }
}

/// A token that stands for `key`: opaque to callers, different for each vendor. OSS samples decode
/// to a protobuf with the key as its first field, `=` written `-`; S3's hold `+` and `/`.
fn write_token(dialect: Dialect, key: &[u8]) -> Vec<u8> {
    let mut plain = vec![0x0a];
    let mut length = key.len();
    while length > 127 {
        plain.push(u8::try_from(length & 127).unwrap_or(0) | 128);
        length >>= 7;
    }
    plain.push(u8::try_from(length).unwrap_or(0));
    plain.extend_from_slice(key);
    if dialect == Dialect::S3 {
        veil(&mut plain);
    }
    let mut text = STANDARD.encode(plain).into_bytes();
    if dialect == Dialect::Oss {
        for b in &mut text {
            *b = match *b {
                b'=' => b'-',
                b'+' => b'.',
                b'/' => b'_',
                plain => plain,
            };
        }
    }
    text
}

fn read_token(dialect: Dialect, token: &[u8]) -> Option<Vec<u8>> {
    let mut text = token.to_vec();
    if dialect == Dialect::Oss {
        for b in &mut text {
            *b = match *b {
                b'-' => b'=',
                b'.' => b'+',
                b'_' => b'/',
                plain => plain,
            };
        }
    }
    let mut plain = STANDARD.decode(text).ok()?;
    if dialect == Dialect::S3 {
        veil(&mut plain);
    }
    let mut rest = plain.strip_prefix(&[0x0a])?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(first & 127) << shift;
        shift += 7;
        if first & 128 == 0 || shift > 28 {
            break;
        }
    }
    (rest.len() == length).then(|| rest.to_vec())
}

/// Scrambles a token, and back.
fn veil(bytes: &mut [u8]) {
    for (n, b) in (0_u64..).zip(bytes.iter_mut()) {
        *b ^= scramble(n).to_be_bytes()[0];
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::BucketConfig;
    use super::*;

    fn read(dialect: Dialect, query: &str) -> Result<Asked, Wrong> {
        let bucket = Bucket::new(&BucketConfig::new(dialect, "b"), 0).unwrap();
        Asked::read(&bucket, &Params::parse(query), "")
    }

    #[test]
    fn tokens_come_back() {
        for dialect in [Dialect::Oss, Dialect::S3] {
            for key in [&b"bc"[..], b"", b"a\x00\xff/+", &[b'k'; 1023]] {
                let token = write_token(dialect, key);
                assert_eq!(read_token(dialect, &token).as_deref(), Some(key));
            }
            assert_eq!(read_token(dialect, b"junk"), None);
            assert_eq!(read_token(dialect, b""), None);
        }
        // The sample of the ListObjectsV2 page stands for the key `bc`.
        assert_eq!(write_token(Dialect::Oss, b"bc"), b"CgJiYw--");
    }

    #[test]
    fn max_keys_by_vendor() {
        assert_eq!(read(Dialect::Oss, "").unwrap().max_keys, 100);
        assert_eq!(read(Dialect::S3, "").unwrap().max_keys, 1000);
        assert_eq!(read(Dialect::S3, "max-keys=2000").unwrap().max_keys, 1000);
        assert_eq!(read(Dialect::S3, "max-keys=0").unwrap().max_keys, 0);
        for query in ["max-keys=0", "max-keys=1001", "max-keys=-1", "max-keys=x"] {
            assert!(matches!(read(Dialect::Oss, query), Err(Wrong::Argument("max-keys", _))), "{query}");
        }
        assert!(read(Dialect::S3, "max-keys=-1").is_err());
    }

    #[test]
    fn refuses_what_the_vendors_refuse() {
        assert!(read(Dialect::S3, "list-type=2&continuation-token=").is_err());
        assert!(read(Dialect::Oss, "list-type=2&continuation-token=%21").is_err());
        assert!(read(Dialect::Oss, "list-type=2&continuation-token=").is_ok());
        assert!(read(Dialect::S3, "versions&version-id-marker=x").is_err());
        assert!(read(Dialect::Oss, "encoding-type=xml").is_err());
        assert!(read(Dialect::Cos, "delimiter=ab").is_err());
        assert_eq!(read(Dialect::Cos, "list-type=2").unwrap().kind, Kind::V1);
        assert_eq!(
            read(Dialect::Cos, "versions&key-marker=&version-id-marker=").unwrap().kind,
            Kind::Versions
        );
    }
}
