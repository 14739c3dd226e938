//! Bucket URLs: `oss://bucket/prefix`, `cos://bucket-appid/prefix`, `s3://bucket/prefix`.
//!
//! What follows the bucket's slash is the prefix, character for character: nothing is decoded, and
//! `?`, `#` and `%` have no meaning. The vendor's own rules for bucket names are checked elsewhere.

use super::fault::{Problem, nearest};
use crate::model::Provider;

/// Longest prefix in bytes: the longest key that a store takes (OSS 1023, COS 850, S3 1024).
const MAX_PREFIX: usize = 1024;

const FORM: &str = "write `oss://bucket/prefix`, `cos://bucket-appid/prefix` or `s3://bucket/prefix`";

/// Schemes of stores that are reached by the S3 dialect, if at all.
const OTHER_STORES: [&str; 12] =
    ["obs", "tos", "bos", "kodo", "gs", "gcs", "b2", "minio", "swift", "az", "azure", "oci"];

/// What a bucket URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BucketUrl {
    pub(super) provider: Provider,
    pub(super) bucket: String,
    pub(super) prefix: String,
}

impl BucketUrl {
    pub(super) fn parse(url: &str) -> Result<Self, Problem> {
        let Some((scheme, rest)) = url.split_once("://") else { return Err(without_scheme(url)) };
        if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
            let problem = Problem::new(
                "is a web address, not a bucket URL",
                format!(
                    "{FORM}; the host, if it is not the vendor's own, goes into `--endpoint-url` (`endpoint_url` in a file)"
                ),
            );
            // A presigned address carries a signature in its query, and any address may carry a password.
            return Err(if rest.contains(['?', '@']) { problem.hidden() } else { problem });
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err(Problem::new(
                "holds a user name or a key before the bucket",
                "credentials never stand in a URL: use the environment or `profile`",
            )
            .hidden());
        }
        let Some(provider) = Provider::from_scheme(scheme) else { return Err(unknown_scheme(scheme, rest)) };
        if bucket.is_empty() {
            let way_out = match prefix.split('/').find(|part| !part.is_empty()) {
                Some(first) => format!("one slash too many? write `{provider}://{first}/...`"),
                None => format!("write `{provider}://bucket/prefix`"),
            };
            return Err(Problem::new("names no bucket", way_out));
        }
        if let Some(odd) = bucket.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._".contains(*c))) {
            // The secret half of a pair may hold a slash, which then ends what looks like the bucket.
            let is_pair = bucket.split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err());
            if is_pair {
                return Err(Problem::new(
                    "holds a key before the bucket",
                    "credentials never stand in a URL: use the environment or `profile`",
                )
                .hidden());
            }
            let way_out = if odd == ':' {
                "a host and port go into `--endpoint-url` (`endpoint_url` in a file)".to_owned()
            } else {
                format!(
                    "bucket names hold letters, digits, hyphens and dots; write `{provider}://bucket/prefix`"
                )
            };
            return Err(Problem::new(format!("has {odd:?} in its bucket name"), way_out));
        }
        if prefix.len() > MAX_PREFIX {
            return Err(Problem::new(
                format!("has a prefix longer than {MAX_PREFIX} bytes"),
                "no key can be so long; shorten it",
            ));
        }
        Ok(Self { provider, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

fn without_scheme(url: &str) -> Problem {
    if url.trim().is_empty() {
        return Problem::new("is empty", FORM);
    }
    if std::path::Path::new(url).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        return Problem::new(
            "is a job file, not a bucket URL",
            "use `defrost run FILE` or `defrost plan FILE`",
        );
    }
    // `s3:bucket/x` and `s3:/bucket/x`, as rclone and slips of the finger have it.
    let scheme = url.split_once(':').and_then(|(scheme, rest)| {
        Provider::from_scheme(scheme).map(|provider| (provider, rest.trim_start_matches('/')))
    });
    match scheme {
        // It may be `s3:key:secret@bucket`.
        _ if url.contains('@') => Problem::new("does not say which store it is in", FORM).hidden(),
        Some((provider, rest)) => Problem::new(
            "lacks the `//` behind its scheme",
            format!("did you mean `{provider}://{}`?", brief(rest)),
        ),
        None => Problem::new("does not say which store it is in", FORM),
    }
}

fn unknown_scheme(scheme: &str, rest: &str) -> Problem {
    let what = format!("has the unknown scheme `{}`", brief(scheme));
    let lower = scheme.to_ascii_lowercase();
    if OTHER_STORES.contains(&lower.as_str()) {
        return Problem::new(
            what,
            "defrost speaks OSS, COS and S3; a store that is S3-compatible is reached by `s3://bucket/prefix` with `--endpoint-url` (`endpoint_url` in a file)",
        );
    }
    let hint = match lower.as_str() {
        "s3a" | "s3n" | "aws" => Some("s3"),
        "aliyun" | "alioss" => Some("oss"),
        "cosn" | "tencent" => Some("cos"),
        _ => nearest(scheme, Provider::ALL.map(Provider::scheme)),
    };
    match hint {
        Some(hint) => Problem::new(what, format!("did you mean `{hint}://{}`?", brief(rest))),
        None => Problem::new(what, FORM),
    }
}

/// Enough of `text` to be recognised, without control characters.
fn brief(text: &str) -> String {
    let head: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().count() > 40 { format!("{head}...") } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(url: &str) -> (String, String, bool) {
        let problem = BucketUrl::parse(url).unwrap_err();
        (problem.what, problem.way_out.unwrap(), problem.hide)
    }

    #[test]
    fn buckets_and_prefixes() {
        for (url, provider, bucket, prefix) in [
            ("oss://logs", Provider::Oss, "logs", ""),
            ("oss://logs/", Provider::Oss, "logs", ""),
            ("COS://logs-1250000000/2024/", Provider::Cos, "logs-1250000000", "2024/"),
            ("s3://my.bucket/a b/%20+?x#y", Provider::S3, "my.bucket", "a b/%20+?x#y"),
            ("s3://b//x", Provider::S3, "b", "/x"),
            ("s3://b/s3://c", Provider::S3, "b", "s3://c"),
            ("oss://b/ünïcode/", Provider::Oss, "b", "ünïcode/"),
        ] {
            let wanted = BucketUrl { provider, bucket: bucket.into(), prefix: prefix.into() };
            assert_eq!(BucketUrl::parse(url).unwrap(), wanted, "{url}");
        }
    }

    #[test]
    fn slips_are_told_with_the_way_out() {
        for (url, what, way_out) in [
            ("s4://b/x", "has the unknown scheme `s4`", "did you mean `s3://b/x`?"),
            ("s3a://b", "has the unknown scheme `s3a`", "did you mean `s3://b`?"),
            ("cso://b", "has the unknown scheme `cso`", "did you mean `cos://b`?"),
            ("s3:/b/x", "lacks the `//` behind its scheme", "did you mean `s3://b/x`?"),
            ("oss:b", "lacks the `//` behind its scheme", "did you mean `oss://b`?"),
            ("s3://", "names no bucket", "write `s3://bucket/prefix`"),
            ("s3:///b/x", "names no bucket", "one slash too many? write `s3://b/...`"),
            ("b/x", "does not say which store it is in", FORM),
            ("", "is empty", FORM),
            (
                "jobs/a.toml",
                "is a job file, not a bucket URL",
                "use `defrost run FILE` or `defrost plan FILE`",
            ),
            (
                "s3://b:9000/x",
                "has ':' in its bucket name",
                "a host and port go into `--endpoint-url` (`endpoint_url` in a file)",
            ),
        ] {
            assert_eq!(faults(url), (what.to_owned(), way_out.to_owned(), false), "{url}");
        }
        assert!(faults("obs://b").1.contains("S3-compatible"));
        assert!(faults("https://b.example.com/x").1.contains("--endpoint-url"));
        assert!(faults("s3://b c/x").0.contains("' '"));
        assert!(faults(&format!("s3://b/{}", "x".repeat(1025))).0.contains("1024 bytes"));
    }

    #[test]
    fn secrets_in_a_url_are_not_repeated() {
        for url in [
            "s3://AKIDEXAMPLE:wJalrXUtnFEMI@b/x",
            "s3:AKID:wJalr@b",
            "s9://k:wJalr@b",
            "https://b/x?Signature=abc",
            "https://u:p@h/b",
        ] {
            let (what, way_out, hidden) = faults(url);
            assert!(hidden, "{url}");
            assert!(!format!("{what}{way_out}").contains("wJalr"), "{what}{way_out}");
        }
    }
}
