//! The simulator inside the suite's own process, for what must be answered right.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use defrost::model::SystemClock;
use defrost::sim::{BucketConfig, Config, Credential, Dialect, Generate, Server};
use tokio::runtime::Runtime;

use super::child::Line;

/// A vendor's names, as the bench uses them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vendor {
    pub(crate) name: &'static str,
    dialect: Dialect,
    url: &'static str,
    bucket: &'static str,
    region: &'static str,
    cold: &'static str,
}

pub(crate) const S3: Vendor = Vendor {
    name: "s3",
    dialect: Dialect::S3,
    url: "s3://bench",
    bucket: "bench",
    region: "us-east-1",
    cold: "GLACIER",
};
pub(crate) const OSS: Vendor = Vendor {
    name: "oss",
    dialect: Dialect::Oss,
    url: "oss://bench",
    bucket: "bench",
    region: "cn-hangzhou",
    cold: "ColdArchive",
};
pub(crate) const COS: Vendor = Vendor {
    name: "cos",
    dialect: Dialect::Cos,
    url: "cos://bench-1250000000",
    bucket: "bench-1250000000",
    region: "ap-guangzhou",
    cold: "ARCHIVE",
};

/// A running simulator with one bucket of archived objects; it ends when this is dropped.
pub(crate) struct Simulator {
    pub(crate) server: Server,
    vendor: Vendor,
    _runtime: Runtime,
}

impl Simulator {
    pub(crate) fn start(vendor: Vendor, count: u64) -> Result<Self> {
        let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
        let classes = [(vendor.cold.to_owned(), 1)].into();
        bucket.region = Some(vendor.region.to_owned());
        bucket.generate = Some(Generate { count, classes, ..Generate::default() });
        let mut config = Config::default().with_bucket(bucket);
        config.credentials.push(Credential::new("id", "secret"));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(Server::start(config, Arc::new(SystemClock::new()), any))?;
        Ok(Self { server, vendor, _runtime: runtime })
    }

    /// A line of the binary on its bucket.
    pub(crate) fn line(&self, verb: &str, name: &str) -> Line {
        Line::new(verb, self.vendor.url, self.vendor.region, &self.server.url(), name)
    }
}
