//! Where the objects of a job come from.

use std::path::PathBuf;

use crate::model::Provider;

/// Which versions of a key are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Versions {
    /// Current objects, by ListObjects.
    #[default]
    Current,
    /// Every version, by ListObjectVersions.
    All,
    /// Only versions that are not current, by ListObjectVersions.
    Noncurrent,
}

/// Which objects are looked at where they are named instead of listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyList {
    /// A file of keys, one a line; `None` for standard input.
    Keys {
        /// Which file.
        file: Option<PathBuf>,
        /// Whether keys end with a NUL byte, not with a line feed.
        nul: bool,
    },
    /// A CSV with a header, of which the columns `key` and, where it has them, `version_id`, `bucket`
    /// and `key_encoding` are read: an earlier report, or any other.
    Csv {
        /// Which file; `None` for standard input.
        file: Option<PathBuf>,
        /// Whether only the rows whose `action` is `failed` are taken; the CSV must have that column.
        failed: bool,
    },
}

/// Where the objects are.
#[derive(Clone, Debug)]
pub struct Source {
    /// The store's dialect.
    pub provider: Provider,
    /// The bucket (COS: with its APPID suffix).
    pub bucket: String,
    /// Only keys that start with this; empty for all. Exact bytes, not encoded.
    pub prefix: String,
    /// Credentials profile; by default `None`, the vendor's usual chain.
    pub profile: Option<String>,
    /// The bucket's region, if named in the job or by the vendor's own variable.
    pub region: Option<String>,
    /// A custom endpoint, `http[s]://host[:port]`, without a slash at the end; by default none. An
    /// `http://` endpoint is this machine, unless `allow_http`.
    pub endpoint_url: Option<String>,
    /// Whether requests may go unencrypted to a host other than this one; by default not.
    pub allow_http: bool,
    /// Path style forced on or off; by default `None`, which lets the endpoint decide.
    pub path_style: Option<bool>,
    /// Which versions; by default the current ones.
    pub versions: Versions,
    /// ListObjects version 1 instead of V2, the default.
    pub list_v1: bool,
    /// Whether the requester pays; by default not.
    pub request_payer: bool,
    /// Whether the bucket lets objects of the class Archive be read without a restore (OSS), so that
    /// they count as readable; by default not.
    pub archive_direct_read: bool,
    /// Whether an audit may HEAD objects whose state the listing does not tell; by default not.
    pub head: bool,
    /// List only keys after this one, a whole key.
    pub start_after: Option<String>,
    /// List only keys up to and including this one, a whole key behind `start_after`.
    pub end_with: Option<String>,
    /// Keys a page, 1–1000, by default 1000.
    pub page_size: u32,
    /// Objects by name; by default `None`: those that are listed.
    pub key_list: Option<KeyList>,
    /// The SHA-256 of the list in hexadecimal, once it has been read; by default `None`.
    pub key_list_digest: Option<String>,
}

impl Source {
    /// The bucket URL, for people.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/{}", self.provider, self.bucket, self.prefix)
    }
}
