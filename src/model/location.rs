//! Which object store is spoken to.

use std::fmt;

/// The store dialects that defrost speaks; the scheme of a bucket URL chooses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// Alibaba Cloud OSS, `oss://bucket/prefix`.
    Oss,
    /// Tencent Cloud COS, `cos://bucket-appid/prefix`.
    Cos,
    /// Amazon S3 and compatible stores, `s3://bucket/prefix`.
    S3,
}

impl Provider {
    /// Every provider, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Oss, Self::Cos, Self::S3];

    /// The URL scheme without `://`.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::Cos => "cos",
            Self::S3 => "s3",
        }
    }

    /// The provider whose URL scheme is `scheme`, in any letter case.
    #[must_use]
    pub fn from_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.scheme().eq_ignore_ascii_case(scheme))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}
