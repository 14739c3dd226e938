//! Refusals: what is wrong, as each vendor words it.
//!
//! Sources: OSS error code pages, COS error code page, S3 "Error responses", read 2026-11.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::class::Vault;
use super::super::config::Dialect;
use super::refusal;
use super::reply::Reply;
use super::xml::Xml;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Wrong {
    /// A restore is running.
    Running,
    /// OSS: a restore of a higher priority is running.
    Slower,
    /// OSS: there is no copy to give back.
    Stale,
    /// OSS: the copy that is to be given back is not there yet.
    NotFinished,
    /// The class needs no restore.
    NotArchived,
    /// S3: the Intelligent-Tiering object is online.
    ActiveTier,
    /// The body is missing.
    NoBody,
    /// The body is malformed; with the EC of OSS.
    Malformed(&'static str),
    /// The class has no such tier.
    TierNotOffered,
    /// S3: Intelligent-Tiering takes no days.
    DaysForbidden,
    /// The days are missing, no number, or out of the range of the class.
    Days(Vault),
    /// `Content-MD5` is no digest.
    DigestForm,
    /// `Content-MD5` is another body's.
    Digest,
    NoBucket,
    NoKey,
    NoVersion,
    /// The version is a delete marker.
    DeleteMarker,
    /// No object of the vendor can have this key.
    KeyName,
    /// A parameter's value is not legal.
    Argument(&'static str, String),
    /// The caller may not do this.
    Denied,
    /// The bucket lives in another region, reached by another host.
    Moved(String),
    SlowDown,
    NoCapacity,
    Internal,
    /// GET of an object that is not readable.
    Unreadable,
    /// The target of a symbolic link is not there.
    TargetGone,
    /// The target of a symbolic link is one itself.
    TargetLink,
    /// The simulator has no such call.
    NotImplemented,
    /// As a script says.
    Scripted(u16, String),
}

/// A refusal in one vendor's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Fail {
    pub(in crate::sim) status: u16,
    pub(in crate::sim) code: String,
    pub(in crate::sim) message: String,
    /// OSS only; may be empty.
    pub(in crate::sim) ec: &'static str,
    /// More elements of the document.
    pub(in crate::sim) extra: Vec<(&'static str, String)>,
    pub(in crate::sim) headers: Vec<(&'static str, String)>,
}

/// What a document says of the request besides the fault.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct About<'r> {
    pub(in crate::sim) dialect: Dialect,
    pub(in crate::sim) request_id: &'r str,
    /// The Host as sent (OSS `HostId`), or S3's second id.
    pub(in crate::sim) host_id: &'r str,
    pub(in crate::sim) bucket: &'r str,
    pub(in crate::sim) key: &'r [u8],
    /// HEAD answers have no body.
    pub(in crate::sim) head: bool,
}

pub(super) fn fail(status: u16, code: &str, message: &str, ec: &'static str) -> Fail {
    Fail { status, code: code.to_owned(), message: message.to_owned(), ec, ..Fail::default() }
}

impl Fail {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer.
    pub(in crate::sim) fn reply(self, about: &About<'_>) -> Reply {
        let document = self.document(about);
        let mut reply = Reply { status: self.status, headers: self.headers, body: Vec::new() };
        if about.dialect == Dialect::Oss && !self.ec.is_empty() {
            reply = reply.with("x-oss-ec", self.ec);
        }
        if about.head {
            if about.dialect == Dialect::Oss {
                reply = reply.with("x-oss-err", STANDARD.encode(&document));
            }
            return reply;
        }
        reply.body = document;
        reply.with("content-type", "application/xml")
    }

    /// The error document.
    fn document(&self, about: &About<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut xml = Xml { out: &mut out, safe: None };
        let single = about.dialect == Dialect::Cos;
        xml.raw(if single {
            "<?xml version='1.0' encoding='utf-8' ?>\n"
        } else {
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        });
        xml.raw("<Error>");
        xml.text("Code", self.code.as_bytes());
        xml.text("Message", self.message.as_bytes());
        match about.dialect {
            Dialect::Oss => {
                xml.text("RequestId", about.request_id.as_bytes());
                xml.text("HostId", about.host_id.as_bytes());
            }
            Dialect::Cos | Dialect::S3 => {
                let mut resource = vec![b'/'];
                if about.dialect == Dialect::S3 && !about.bucket.is_empty() {
                    resource.extend_from_slice(about.bucket.as_bytes());
                    resource.push(b'/');
                }
                resource.extend_from_slice(about.key);
                xml.text("Resource", &resource);
            }
        }
        for (name, value) in &self.extra {
            xml.text(name, value.as_bytes());
        }
        match about.dialect {
            Dialect::Oss if !self.ec.is_empty() => {
                xml.text("EC", self.ec.as_bytes());
                let page = format!("https://api.aliyun.com/troubleshoot?q={}", self.ec);
                xml.text("RecommendDoc", page.as_bytes());
            }
            Dialect::Oss => {}
            Dialect::Cos => {
                xml.text("RequestId", about.request_id.as_bytes());
                xml.text("TraceId", about.host_id.as_bytes());
            }
            Dialect::S3 => {
                xml.text("RequestId", about.request_id.as_bytes());
                xml.text("HostId", about.host_id.as_bytes());
            }
        }
        xml.raw("</Error>");
        out
    }
}

/// `wrong` as `dialect` words it.
pub(in crate::sim) fn refusal(dialect: Dialect, wrong: Wrong, bucket: &str) -> Fail {
    match wrong {
        Wrong::Scripted(status, code) => fail(status, &code, "This answer was scripted.", ""),
        wrong => match dialect {
            Dialect::Oss => refusal::oss(wrong, bucket),
            Dialect::Cos => refusal::cos(&wrong),
            Dialect::S3 => refusal::s3(wrong, bucket),
        },
    }
}
