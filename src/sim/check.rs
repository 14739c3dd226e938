//! Reading a seed, and what can be wrong with one.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use http::HeaderName;

use super::config::{BucketConfig, Config, Dialect, Versioning};
use super::fault::FaultKind;
use super::state::State;
use super::wire::encode::decode;

/// What is wrong with a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    what: String,
    /// A name that stands in the seed near the fault.
    near: Option<String>,
    /// File and line.
    place: Option<(String, usize)>,
}

impl ConfigError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), near: None, place: None }
    }

    fn near(what: impl Into<String>, near: &str) -> Self {
        Self { near: Some(near.to_owned()), ..Self::new(what) }
    }

    /// Adds the file and the line of the first mention of what the fault is about.
    fn within(mut self, path: &Path, text: &str) -> Self {
        let mentions = |line: &str| {
            self.near
                .as_ref()
                .is_some_and(|n| line.contains(&format!("\"{n}\"")) || line.contains(&format!("'{n}'")))
        };
        let line = text.lines().position(mentions).map_or(1, |n| n + 1);
        self.place = Some((path.display().to_string(), line));
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((path, line)) = &self.place {
            write!(f, "{path}:{line}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for ConfigError {}

impl Dialect {
    /// Longest key in bytes. Sources: OSS object naming page, COS limits page, S3 object keys page.
    const fn max_key(self) -> usize {
        match self {
            Self::Oss => 1023,
            Self::Cos => 850,
            Self::S3 => 1024,
        }
    }

    /// Whether a store of this vendor takes `key`.
    pub(super) fn takes_key(self, key: &[u8]) -> bool {
        let fits = !key.is_empty() && key.len() <= self.max_key();
        match self {
            Self::S3 => fits,
            Self::Oss => fits && !key.starts_with(b"/") && !key.starts_with(b"\\"),
            Self::Cos => {
                let control = key.iter().any(|b| (0x18..=0x1b).contains(b));
                fits && !control && !key.starts_with(b"/") && !key.starts_with(b"\\")
            }
        }
    }
}

impl Config {
    /// Reads a seed; `path` is only named in errors.
    ///
    /// # Errors
    /// What is wrong, with the line and the field.
    pub fn from_toml(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = 1 + before.matches('\n').count();
            let what = format!("{}{}", field(text, e.span()), e.message());
            ConfigError { what, near: None, place: Some((path.display().to_string(), line)) }
        })?;
        for object in config.buckets.iter_mut().flat_map(|b| &mut b.objects) {
            object.settle();
        }
        config.check().map_err(|e| e.within(path, text))?;
        Ok(config)
    }

    /// The same, going on where an earlier run stopped.
    #[must_use]
    pub fn with_state(mut self, state: Option<State>) -> Self {
        self.state = state;
        self
    }

    /// The same with one more bucket.
    #[must_use]
    pub fn with_bucket(mut self, bucket: BucketConfig) -> Self {
        self.buckets.push(bucket);
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(self.clock.speed.is_finite() && self.clock.speed > 0.0) {
            return Err(ConfigError::new("clock: `speed` must be above 0"));
        }
        let mut names = HashSet::new();
        for bucket in &self.buckets {
            if bucket.name.is_empty() || bucket.name.contains('/') {
                return Err(ConfigError::near(
                    format!("bucket `{}`: not a `name`", bucket.name),
                    &bucket.name,
                ));
            }
            if !names.insert(bucket.name.as_str()) {
                return Err(ConfigError::near(
                    format!("bucket `{}`: `name` is taken", bucket.name),
                    &bucket.name,
                ));
            }
            check_bucket(bucket)?;
        }
        let mut hosts = HashSet::new();
        for host in self.buckets.iter().flat_map(|b| &b.hosts) {
            if !hosts.insert(host.as_str()) {
                return Err(ConfigError::near(format!("`hosts`: `{host}` stands for two buckets"), host));
            }
        }
        for credential in &self.credentials {
            if credential.access_key_id.is_empty() {
                return Err(ConfigError::new("credentials: `access_key_id` is empty"));
            }
        }
        for fault in &self.faults {
            if let Some(bucket) = fault.bucket.as_ref().filter(|b| !names.contains(b.as_str())) {
                return Err(ConfigError::near(
                    format!("fault: there is no `bucket` named `{bucket}`"),
                    bucket,
                ));
            }
            if fault.status.is_some_and(|s| !(200..600).contains(&s)) {
                return Err(ConfigError::new("fault: `status` must lie between 200 and 599"));
            }
            if fault.chance.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                return Err(ConfigError::new("fault: `chance` must lie between 0 and 1"));
            }
            if fault.kind == FaultKind::Edit && fault.find.as_ref().is_none_or(String::is_empty) {
                return Err(ConfigError::new("fault: an `edit` needs what it is to `find`"));
            }
            if let Some(name) =
                fault.headers.keys().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err())
            {
                return Err(ConfigError::near(format!("fault: `headers`: `{name}` is no name"), name));
            }
        }
        Ok(())
    }
}

/// `key: ` of the line that a fault of the TOML itself stands in.
fn field(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(span) = span else { return String::new() };
    let start = text.get(..span.start).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
    let line = text.get(start..).and_then(|t| t.lines().next()).unwrap_or("");
    match line.split_once('=') {
        Some((key, _)) if !key.trim_start().starts_with(['#', '[']) => format!("`{}`: ", key.trim()),
        _ => String::new(),
    }
}

/// The key of an object in bytes.
pub(super) fn key_of(object: &super::config::ObjectConfig) -> Option<Vec<u8>> {
    match (&object.key_url, &object.key) {
        (Some(url), None) => Some(decode(url.as_bytes(), false)),
        (None, Some(key)) => Some(key.clone().into_bytes()),
        _ => None,
    }
}

fn check_bucket(bucket: &BucketConfig) -> Result<(), ConfigError> {
    let mut keys = HashSet::new();
    for (n, object) in bucket.objects.iter().enumerate() {
        let shown = object.key.as_ref().or(object.key_url.as_ref());
        let on = match shown {
            Some(key) => format!("bucket `{}`: object `{key}`", bucket.name),
            None => format!("bucket `{}`: object number {}", bucket.name, n + 1),
        };
        let fault =
            |what: &str| Err(ConfigError::near(format!("{on}: {what}"), shown.unwrap_or(&bucket.name)));
        let Some(key) = key_of(object) else {
            return fault("name it by one of `key` and `key_url`");
        };
        if !bucket.provider.takes_key(&key) {
            return fault("the vendor takes no such `key`");
        }
        if !keys.insert(key) {
            return fault("`key` is taken");
        }
        let off = bucket.versioning == Versioning::Off;
        if off && (!object.versions.is_empty() || object.current.delete_marker) {
            return fault("`versions` and `delete_marker` need `versioning`");
        }
        let mut ids = HashSet::new();
        for version in std::iter::once(&object.current).chain(&object.versions) {
            if version.version_id.as_ref().is_some_and(|id| !ids.insert(id)) {
                return fault("two versions have the same `version_id`");
            }
            if version.delete_marker && (version.restore.is_some() || version.symlink.is_some()) {
                return fault("a `delete_marker` has neither `restore` nor `symlink`");
            }
            if version.symlink.is_some() && bucket.provider != Dialect::Oss {
                return fault("`symlink` exists on OSS only");
            }
            if version.restore_days == Some(0) {
                return fault("`restore_days` must be at least 1");
            }
        }
    }
    if bucket.quirks.page_limit == Some(0) {
        return Err(ConfigError::near(
            format!("bucket `{}`: quirks: `page_limit` must be at least 1", bucket.name),
            &bucket.name,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Config::from_toml(Path::new("seed.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn reads_a_seed() {
        let text = r#"
            [clock]
            start = "2026-01-02T00:00:00Z"
            speed = 60
            [[credentials]]
            access_key_id = "a"
            secret_key = "b"
            deny = ["restore"]
            [[bucket]]
            name = "b"
            provider = "oss"
            versioning = "enabled"
            [[bucket.object]]
            key_url = "a%01"
            storage_class = "ColdArchive"
            size = "3MiB"
            restore = "running"
            [[bucket.object.versions]]
            delete_marker = true
            [[fault]]
            kind = "slow-down"
            calls = ["restore"]
            first = 3
        "#;
        let config = Config::from_toml(Path::new("seed.toml"), text).unwrap();
        let object = &config.buckets[0].objects[0];
        assert_eq!(key_of(object).unwrap(), b"a\x01");
        assert_eq!(object.current.storage_class.as_deref(), Some("ColdArchive"));
        assert_eq!(object.current.size.unwrap().0, 3 << 20);
        assert!(object.versions[0].delete_marker);
    }

    #[test]
    fn names_line_and_field() {
        assert_eq!(
            fault("[clock]\nspeed = 1\nspeeed = 2\n"),
            "seed.toml:3: `speeed`: unknown field `speeed`, expected one of `start`, `speed`, `skew`"
        );
        let text = "[[bucket]]\nname = \"b\"\nprovider = \"s3\"\n[[bucket.object]]\nkey = \"k\"\nsize = \"3 parsec\"\n";
        assert!(
            fault(text).starts_with("seed.toml:6: `size`: invalid value: string \"3 parsec\""),
            "{}",
            fault(text)
        );
        let text = "[[bucket]]\nname = \"b\"\nprovider = \"s3\"\n\n[[bucket.object]]\nkey = \"k\"\ndelete_marker = true\n";
        assert_eq!(
            fault(text),
            "seed.toml:6: bucket `b`: object `k`: `versions` and `delete_marker` need `versioning`"
        );
    }

    #[test]
    fn refuses_what_no_store_would_hold() {
        let bucket = |provider: &str, key: &str| {
            format!(
                "[[bucket]]\nname = \"b\"\nprovider = \"{provider}\"\n[[bucket.object]]\nkey_url = \"{key}\"\n"
            )
        };
        for (provider, key, fits) in [
            ("oss", "/a", false),
            ("s3", "/a", true),
            ("cos", "a%18", false),
            ("s3", "a%18", true),
            ("oss", "a/../b", true),
            ("s3", "", false),
        ] {
            let read = Config::from_toml(Path::new("s"), &bucket(provider, key));
            assert_eq!(read.is_ok(), fits, "{provider} {key} {read:?}");
        }
    }
}
