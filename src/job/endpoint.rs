//! Custom endpoints: `http[s]://host[:port]`.

use std::net::{IpAddr, Ipv6Addr};

use super::fault::Problem;

const FORM: &str = "write `https://host` or `https://host:port`";

/// An endpoint as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndpointUrl {
    /// `http[s]://host[:port]`, without a slash at the end.
    pub(super) url: String,
    /// Whether requests would cross a network unencrypted.
    pub(super) exposed: bool,
}

impl EndpointUrl {
    /// Reads `text`; without a scheme it is HTTPS, as in ossutil.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        let scheme = scheme.to_ascii_lowercase();
        // Before anything is repeated: whatever stands before an `@` may be a password.
        if rest.contains('@') {
            return Err(Problem::new(
                "holds a user name or a key",
                "credentials never stand in an endpoint: use the environment or `profile`",
            )
            .hidden());
        }
        if scheme != "https" && scheme != "http" {
            return Err(Problem::new("is neither http nor https", FORM));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(Problem::new(
                "has a path",
                format!("{FORM}; bucket and prefix stand in the bucket URL"),
            ));
        }
        let (host, port) = split_port(authority);
        if host.is_empty() {
            return Err(Problem::new("names no host", FORM));
        }
        if let Some(port) = port
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            return Err(Problem::new("has a port that is no number from 1 to 65535", FORM));
        }
        let v6 =
            host.strip_prefix('[').map(|inner| inner.strip_suffix(']').unwrap_or(inner).parse::<Ipv6Addr>());
        let sound = match &v6 {
            Some(address) => address.is_ok() && host.ends_with(']'),
            None => host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
        };
        if !sound {
            return Err(Problem::new("is not a host name", FORM));
        }
        let local = match v6 {
            Some(address) => address.is_ok_and(|address| address.is_loopback()),
            None => is_local(host),
        };
        Ok(Self { url: format!("{scheme}://{authority}"), exposed: scheme == "http" && !local })
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand within its brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_local(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.strip_suffix(".localhost").is_some_and(|label| !label.is_empty())
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, url, exposed) in [
            ("https://oss-cn-hangzhou.aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com", false),
            ("oss-cn-hangzhou.aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com", false),
            ("https://minio.example.com:9000/", "https://minio.example.com:9000", false),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000", false),
            ("HTTP://localhost", "http://localhost", false),
            ("http://b.localhost:1", "http://b.localhost:1", false),
            ("http://[::1]:9000", "http://[::1]:9000", false),
            ("http://[fd00::1]", "http://[fd00::1]", true),
            ("http://10.0.0.5:9000", "http://10.0.0.5:9000", true),
            ("http://localhost.example.com", "http://localhost.example.com", true),
        ] {
            let wanted = EndpointUrl { url: url.to_owned(), exposed };
            assert_eq!(EndpointUrl::parse(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn slips() {
        for (text, what) in [
            ("", "names no host"),
            ("https://", "names no host"),
            ("https://:9000", "names no host"),
            ("ftp://h", "is neither http nor https"),
            ("https://h/bucket", "has a path"),
            ("https://h?x=1", "has a path"),
            ("https://h:0", "has a port that is no number from 1 to 65535"),
            ("https://h:70000", "has a port that is no number from 1 to 65535"),
            ("https://h:", "has a port that is no number from 1 to 65535"),
            ("https://a b", "is not a host name"),
            ("https://[::1", "is not a host name"),
            ("https://[::1]x", "is not a host name"),
        ] {
            assert_eq!(EndpointUrl::parse(text).unwrap_err().what, what, "{text}");
        }
        assert!(EndpointUrl::parse("https://key:secret@h").unwrap_err().hide);
    }
}
