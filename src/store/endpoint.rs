//! From region, endpoint URL and bucket to the place that requests go to. Pure.

use std::net::IpAddr;

use super::dialect::{Dialect, Endpoint, Style};
use crate::model::Provider;

/// The region that S3 requests are signed for where none is named, as in the AWS tools; a bucket
/// that lives elsewhere answers with its region.
const S3_REGION: &str = "us-east-1";

/// What is known about where a bucket is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whereabouts<'a> {
    /// The bucket (COS: with its APPID suffix).
    pub bucket: &'a str,
    /// The region, if named.
    pub region: Option<&'a str>,
    /// A custom endpoint, `http[s]://host[:port]`, or a bare host (then https).
    pub endpoint_url: Option<&'a str>,
    /// Path style forced on or off; `None` lets the endpoint decide.
    pub path_style: Option<bool>,
    /// Whether requests may go unencrypted to a host other than this one.
    pub allow_http: bool,
}

/// Why no endpoint could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither a region nor an endpoint that tells it.
    #[error("no region is known for {provider} bucket `{bucket}`")]
    NoRegion {
        /// The dialect.
        provider: Provider,
        /// The bucket.
        bucket: String,
    },
    /// The endpoint is not `http[s]://host[:port]`.
    #[error("endpoint `{url}` {what}")]
    BadUrl {
        /// As written.
        url: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The endpoint is not encrypted and not on this machine.
    #[error("endpoint `{url}` would send requests unencrypted over the network")]
    Unencrypted {
        /// As written.
        url: String,
    },
    /// The bucket's name cannot be one.
    #[error("`{bucket}` cannot be the name of a bucket: {fault}")]
    BadBucket {
        /// As written.
        bucket: String,
        /// Why.
        fault: String,
    },
}

impl EndpointError {
    /// The way out.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoRegion { provider: Provider::Oss, .. } => {
                "name it with --region (such as cn-hangzhou), OSS_REGION, or `region` in the job file"
                    .to_owned()
            }
            Self::NoRegion { .. } => {
                "name it with --region (such as ap-guangzhou), TENCENTCLOUD_REGION, or `region` in the job file"
                    .to_owned()
            }
            Self::BadUrl { .. } => {
                "write it as https://host or https://host:port, without bucket or path".to_owned()
            }
            Self::Unencrypted { .. } => {
                "use https://, or pass --allow-http if the network is trusted".to_owned()
            }
            Self::BadBucket { .. } => "check the URL; it reads scheme://bucket/prefix".to_owned(),
        }
    }
}

impl Endpoint {
    /// Where requests about the bucket go.
    ///
    /// A custom endpoint is spoken to in path style if it is an IP address, `localhost`, or speaks
    /// S3 (as compatible stores expect); as the bucket's own domain if its first label is the
    /// bucket; and with the bucket as a host label otherwise. On the vendor's own host a bucket with
    /// dots is addressed in path style under TLS, since no certificate covers its labels.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn find(dialect: &dyn Dialect, at: Whereabouts<'_>) -> Result<Self, EndpointError> {
        if let Some(fault) = dialect.bucket_fault(at.bucket) {
            return Err(EndpointError::BadBucket { bucket: at.bucket.to_owned(), fault });
        }
        let custom = at.endpoint_url.map(Authority::parse).transpose()?;
        let region = at
            .region
            .map(str::to_owned)
            .or_else(|| custom.as_ref().and_then(|c| dialect.region_of_host(c.name)))
            .or_else(|| (dialect.provider() == Provider::S3).then(|| S3_REGION.to_owned()))
            .ok_or_else(|| EndpointError::NoRegion {
                provider: dialect.provider(),
                bucket: at.bucket.to_owned(),
            })?;
        let (https, host, natural) = match &custom {
            Some(custom) if !custom.https && !custom.is_local() && !at.allow_http => {
                return Err(EndpointError::Unencrypted {
                    url: at.endpoint_url.unwrap_or_default().to_owned(),
                });
            }
            Some(custom) => (custom.https, custom.text.to_owned(), custom.style(dialect, at.bucket)),
            None => {
                let style = if dialect.provider() == Provider::S3 && at.bucket.contains('.') {
                    Style::Path
                } else {
                    Style::Virtual
                };
                (true, dialect.default_host(&region), style)
            }
        };
        let style = match at.path_style {
            Some(true) => Style::Path,
            Some(false) if natural == Style::Path => Style::Virtual,
            Some(false) | None => natural,
        };
        Ok(Self { https, host, style, bucket: at.bucket.to_owned(), region })
    }
}

/// Scheme, host and port of a custom endpoint.
struct Authority<'u> {
    https: bool,
    /// Host with port.
    text: &'u str,
    /// Host without port and brackets.
    name: &'u str,
}

impl<'u> Authority<'u> {
    fn parse(url: &'u str) -> Result<Self, EndpointError> {
        // A URL may hold a password: what is in front of an `@` is never repeated.
        let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
        let bad = |what| EndpointError::BadUrl { url: shown.to_owned(), what };
        let (https, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(bad("is neither http:// nor https://")),
            None => (true, url),
        };
        let text = rest.strip_suffix('/').unwrap_or(rest);
        if text.contains('@') {
            return Err(bad("carries a user name; credentials go through the environment or a profile"));
        }
        if text.is_empty() || text.contains(['/', '?', '#', '\\']) || text.contains(char::is_whitespace) {
            return Err(bad("is not just a host and a port"));
        }
        let (name, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':')),
            None => text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        if name.is_empty() || port.is_some_and(|p| p.parse::<u16>().is_err()) {
            return Err(bad("has no valid host and port"));
        }
        Ok(Self { https, text, name })
    }

    fn is_local(&self) -> bool {
        self.name == "localhost"
            || self.name.ends_with(".localhost")
            || self.name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    fn style(&self, dialect: &dyn Dialect, bucket: &str) -> Style {
        let own = self.name.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'));
        let machine = self.name.parse::<IpAddr>().is_ok() || self.name == "localhost";
        let compatible = dialect.provider() == Provider::S3 && dialect.region_of_host(self.name).is_none();
        if own {
            Style::Domain
        } else if machine || compatible {
            Style::Path
        } else {
            Style::Virtual
        }
    }
}
