//! From a request line and a Host to bucket, key and call. Keys stay byte for byte.

use std::net::IpAddr;

use http::Method;

use super::config::Call;
use super::wire::encode::{Params, decode};

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Index of the bucket, if there is one of that name.
    pub(super) bucket: Option<usize>,
    /// The name as asked for; empty if none.
    pub(super) name: String,
    /// Whether the bucket stood in the Host.
    pub(super) virtual_host: bool,
    /// The region that a vendor's host name carries.
    pub(super) host_region: Option<String>,
    /// The key, decoded once; empty for calls on the bucket.
    pub(super) key: Vec<u8>,
    pub(super) params: Params,
    pub(super) call: Call,
}

/// Names and hosts of all buckets.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    /// Host in lower case, index of its bucket.
    hosts: Vec<(String, usize)>,
}

/// Sub-resources of a bucket that are no listing.
const SUBRESOURCES: [&str; 14] = [
    "location",
    "versioning",
    "acl",
    "uploads",
    "policy",
    "lifecycle",
    "tagging",
    "cors",
    "logging",
    "website",
    "inventory",
    "bucketInfo",
    "bucketArchiveDirectRead",
    "stat",
];

impl Names {
    pub(super) fn add(&mut self, name: &str, hosts: &[String]) {
        let index = self.names.len();
        self.names.push(name.to_owned());
        self.hosts.extend(hosts.iter().map(|h| (h.to_ascii_lowercase(), index)));
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// Routes a request. `target` is path and query as they stand on the wire.
    pub(super) fn route(&self, method: &Method, target: &str, host: &str) -> Route {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let params = Params::parse(query);
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, name, virtual_host, key) = if let Some((bucket, name)) = self.bucket_of(host) {
            (bucket, name, true, path)
        } else {
            let (name, key) = path.split_once('/').unwrap_or((path, ""));
            let name = String::from_utf8_lossy(&decode(name.as_bytes(), false)).into_owned();
            (self.index(&name), name, false, key)
        };
        let key = decode(key.as_bytes(), false);
        let call = match (method.as_str(), key.is_empty()) {
            ("GET", true) if name.is_empty() || SUBRESOURCES.iter().any(|s| params.has(s)) => Call::Other,
            ("GET", true) if params.has("versions") => Call::Versions,
            ("GET", true) => Call::List,
            ("HEAD", false) => Call::Head,
            ("POST", false) if params.has("restore") => Call::Restore,
            ("POST", false) if params.has("cleanRestoredObject") => Call::Release,
            _ => Call::Other,
        };
        Route { bucket, name, virtual_host, host_region: host_region(host), key, params, call }
    }

    /// The bucket that `host` stands for, if it stands for one: a host of its own, or its name as
    /// the first labels. A host of a vendor's kind names a bucket even if there is none.
    fn bucket_of(&self, host: &str) -> Option<(Option<usize>, String)> {
        let host = without_port(host).to_ascii_lowercase();
        if let Some((_, index)) = self.hosts.iter().find(|(h, _)| *h == host) {
            return Some((Some(*index), self.names.get(*index)?.clone()));
        }
        if host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return None;
        }
        let begins =
            |name: &String| host.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let longest = (0..).zip(&self.names).filter(|(_, n)| begins(n)).max_by_key(|(_, n)| n.len());
        if let Some((index, name)) = longest {
            return Some((Some(index), name.clone()));
        }
        let (first, rest) = host.split_once('.')?;
        let vendor =
            rest == "localhost" || ["oss-", "cos.", "s3.", "s3-"].iter().any(|v| rest.starts_with(v));
        vendor.then(|| (None, first.to_owned()))
    }
}

/// The region in `bucket.oss-REGION.aliyuncs.com` (`-internal` left off),
/// `bucket.cos.REGION.myqcloud.com` and `bucket.s3.REGION.amazonaws.com`.
fn host_region(host: &str) -> Option<String> {
    let host = without_port(host).to_ascii_lowercase();
    let (rest, form) = [".aliyuncs.com", ".myqcloud.com", ".tencentcos.cn", ".amazonaws.com"]
        .iter()
        .find_map(|end| Some((host.strip_suffix(end)?, *end)))?;
    let region = if form == ".aliyuncs.com" {
        let (_, region) = rest.rsplit_once('.')?;
        region.strip_prefix("oss-")?.trim_end_matches("-internal")
    } else {
        let (rest, region) = rest.rsplit_once('.')?;
        let service = rest.rsplit('.').next()?;
        if !matches!(service, "s3" | "cos" | "cos-internal") || region == "accelerate" {
            return None;
        }
        region
    };
    (region != "accelerate").then(|| region.to_owned())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, target: &str, host: &str) -> Route {
        let mut names = Names::default();
        names.add("bkt", &[]);
        names.add("bkt.dotted", &[]);
        names.add("own", &["files.example.org".to_owned()]);
        names.route(&Method::from_bytes(method.as_bytes()).unwrap(), target, host)
    }

    #[test]
    fn path_style_and_virtual_hosts() {
        for (target, host, index, virtual_host, key) in [
            ("/bkt/k", "127.0.0.1:9000", Some(0), false, "k"),
            ("/bkt/k", "[::1]:9000", Some(0), false, "k"),
            ("/bkt/k", "localhost:9000", Some(0), false, "k"),
            ("/bkt", "localhost", Some(0), false, ""),
            ("/bkt/", "localhost", Some(0), false, ""),
            ("/nope/k", "127.0.0.1", None, false, "k"),
            ("/k", "bkt.localhost:9000", Some(0), true, "k"),
            ("/k", "bkt.oss-cn-hangzhou.aliyuncs.com", Some(0), true, "k"),
            ("/k", "bkt.dotted.s3.us-east-1.amazonaws.com", Some(1), true, "k"),
            ("/k", "Files.Example.org:80", Some(2), true, "k"),
            ("/k", "nope.s3.us-east-1.amazonaws.com", None, true, "k"),
            ("/bkt/k", "sim.internal:9000", Some(0), false, "k"),
        ] {
            let route = route("HEAD", target, host);
            assert_eq!(route.bucket, index, "{host}");
            assert_eq!(route.virtual_host, virtual_host, "{host}");
            assert_eq!(route.key, key.as_bytes(), "{host}");
        }
    }

    #[test]
    fn regions_in_hosts() {
        for (host, region) in [
            ("b.oss-cn-hangzhou.aliyuncs.com", Some("cn-hangzhou")),
            ("b.oss-cn-hangzhou-internal.aliyuncs.com:80", Some("cn-hangzhou")),
            ("b.oss-accelerate.aliyuncs.com", None),
            ("b-1.cos.ap-guangzhou.myqcloud.com", Some("ap-guangzhou")),
            ("b-1.cos.accelerate.myqcloud.com", None),
            ("b.s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("b.s3.amazonaws.com", None),
            ("127.0.0.1:9000", None),
            ("b.localhost:9000", None),
        ] {
            assert_eq!(host_region(host).as_deref(), region, "{host}");
        }
    }

    #[test]
    fn keys_stay_as_they_are() {
        for (path, key) in [
            ("/bkt/a/../b", &b"a/../b"[..]),
            ("/bkt/a/%2e%2E/b", b"a/../b"),
            ("/bkt//x", b"/x"),
            ("/bkt/a//b/", b"a//b/"),
            ("/bkt/a%2Fb%252F", b"a/b%2F"),
            ("/bkt/a+b%2B%20", b"a+b+ "),
            ("/bkt/%01%ff", b"\x01\xff"),
        ] {
            assert_eq!(route("HEAD", path, "127.0.0.1").key, key, "{path}");
        }
    }

    #[test]
    fn calls() {
        for (method, target, call) in [
            ("GET", "/bkt?list-type=2", Call::List),
            ("GET", "/bkt/", Call::List),
            ("GET", "/bkt/?versions&prefix=a", Call::Versions),
            ("GET", "/bkt/?location", Call::Other),
            ("GET", "/bkt/?bucketArchiveDirectRead", Call::Other),
            ("HEAD", "/bkt/k", Call::Head),
            ("HEAD", "/bkt", Call::Other),
            ("POST", "/bkt/k?restore", Call::Restore),
            ("POST", "/bkt/k?restore=&versionId=v", Call::Restore),
            ("POST", "/bkt/k?cleanRestoredObject&versionId=v", Call::Release),
            ("POST", "/bkt/k", Call::Other),
            ("GET", "/bkt/k", Call::Other),
            ("GET", "/", Call::Other),
        ] {
            assert_eq!(route(method, target, "127.0.0.1").call, call, "{method} {target}");
        }
    }
}
