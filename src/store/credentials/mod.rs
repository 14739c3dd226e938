//! Where credentials come from: given keys, or the chain that the vendor's own tools walk.
//!
//! | store | order |
//! | --- | --- |
//! | S3 | `AWS_ACCESS_KEY_ID`… → role of the profile → web identity → SSO, keys or process of the profile → container → EC2 |
//! | OSS | `OSS_ACCESS_KEY_ID`… → `ALIBABA_CLOUD_ACCESS_KEY_ID`… → OIDC → `~/.ossutilconfig` → `~/.aliyun/config.json` → `~/.alibabacloud/credentials.ini` → ECS → credentials URI |
//! | COS | `TENCENTCLOUD_SECRET_ID`… → `COS_SECRETID`… → `~/.cos.conf` → `~/.cos.yaml` → `~/.tccli/*.credential` → OIDC → CVM |
//!
//! A profile named on the command line shuts out keys in variables, as with the AWS tools: who
//! names a profile wants that one. A source that is set up but broken ends the walk with an error.
//! The flows themselves (STS, OIDC, metadata services) are the reqsign crates'; the files we read
//! ourselves, since those crates pass over what they cannot read.
//!
//! `DEFROST_NO_METADATA=1` keeps the metadata services from being asked, as do the vendors' own
//! switches (`AWS_EC2_METADATA_DISABLED`, `ALIBABA_CLOUD_ECS_METADATA_DISABLED`).

mod chain;
mod cos;
mod environment;
mod fault;
#[cfg(test)]
mod fixture;
mod ini;
mod oss;
mod oss_profile;
mod outside;
mod process;
mod s3;
mod s3_profile;
mod settings;
mod source;

pub use chain::CredentialSource;
pub use environment::Environment;
pub use fault::CredentialError;
pub use settings::{endpoint_url, region};
