//! Refusals: what is wrong, as each vendor words it.
//!
//! Sources: OSS error code pages, COS error code page, S3 "Error responses", read 2026-11.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::auth::Denial;
use super::super::class::Vault;
use super::super::config::Dialect;
use super::date::iso;
use super::reply::Reply;
use super::xml::Xml;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Wrong {
    /// A restore is running.
    Running,
    /// OSS: a restore of a higher priority is running.
    Slower,
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

fn fail(status: u16, code: &str, message: &str, ec: &'static str) -> Fail {
    Fail { status, code: code.to_owned(), message: message.to_owned(), ec, ..Fail::default() }
}

impl Fail {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
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
            Dialect::Oss => oss(wrong, bucket),
            Dialect::Cos => cos(wrong),
            Dialect::S3 => s3(wrong, bucket),
        },
    }
}

fn oss(wrong: Wrong, bucket: &str) -> Fail {
    let malformed =
        "The XML you provided was not well-formed or did not validate against our published schema.";
    match wrong {
        Wrong::Running => {
            fail(409, "RestoreAlreadyInProgress", "The restore operation is in progress.", "0016-00000701")
        }
        Wrong::Slower => {
            fail(409, "RestoreAlreadyInProgress", "The restore operation is in progress.", "0016-00000715")
        }
        Wrong::NotArchived | Wrong::ActiveTier => fail(
            400,
            "OperationNotSupported",
            "The operation is not supported for this resource",
            "0016-00000702",
        ),
        Wrong::Malformed(ec) => fail(400, "MalformedXML", malformed, ec),
        Wrong::NoBody => fail(400, "MalformedXML", malformed, "0016-00000705"),
        Wrong::TierNotOffered | Wrong::DaysForbidden => {
            fail(400, "InvalidArgument", "The Tier of the RestoreRequest is invalid.", "0016-00000703")
        }
        // The pages name no code; that of the neighbouring page on the tier is taken.
        Wrong::Days(vault) => {
            let ec = if vault == Vault::OssArchive { "0016-00000708" } else { "0016-00000704" };
            fail(400, "InvalidArgument", "The Days of the RestoreRequest is invalid.", ec)
        }
        Wrong::DigestForm | Wrong::Digest => {
            fail(400, "InvalidDigest", "The Content-MD5 you specified was invalid.", "0017-00000503")
        }
        Wrong::NoBucket => fail(404, "NoSuchBucket", "The specified bucket does not exist.", "0015-00000101")
            .with("BucketName", bucket),
        Wrong::NoKey => fail(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001"),
        Wrong::NoVersion => {
            fail(404, "NoSuchVersion", "The specified version does not exist.", "0026-00000002")
        }
        Wrong::DeleteMarker => fail(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            "0017-00000002",
        ),
        Wrong::KeyName => {
            fail(400, "InvalidObjectName", "The specified object is not valid.", "0016-00000001")
        }
        Wrong::Argument(name, value) => {
            fail(400, "InvalidArgument", &format!("The {name} is not valid."), "0017-00000302")
                .with("ArgumentName", name)
                .with("ArgumentValue", value)
        }
        Wrong::Denied => fail(
            403,
            "AccessDenied",
            "You have no right to access this object because of bucket acl.",
            "0003-00000001",
        ),
        Wrong::Moved(region) => {
            let what = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
            fail(403, "AccessDenied", what, "0003-00001403")
                .with("Bucket", bucket)
                .with("Endpoint", format!("oss-{region}.aliyuncs.com"))
        }
        Wrong::SlowDown | Wrong::NoCapacity => {
            fail(503, "TotalQpsLimitExceeded", "Max total qps limit is exceeded", "0026-00000028")
        }
        Wrong::Internal => {
            fail(500, "InternalError", "Please contact the server administrator, oss@service.aliyun.com.", "")
        }
        Wrong::Unreadable => fail(
            403,
            "InvalidObjectState",
            "The operation is not valid for the object's state",
            "0016-00000404",
        ),
        Wrong::TargetGone => fail(
            404,
            "SymlinkTargetNotExist",
            "The target object you specified does not exist.",
            "0026-00000003",
        ),
        Wrong::TargetLink => {
            fail(400, "InvalidTargetType", "The target of the symlink is a symlink.", "0026-00000004")
        }
        Wrong::NotImplemented | Wrong::Scripted(..) => fail(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
            "",
        ),
    }
}

fn cos(wrong: Wrong) -> Fail {
    match wrong {
        Wrong::Running | Wrong::Slower => {
            fail(409, "RestoreAlreadyInProgress", "Object restore is already in progress.", "")
        }
        Wrong::NotArchived | Wrong::ActiveTier => {
            fail(405, "RestoreNonArchiveObject", "Restore is not allowed for the object's storage class.", "")
        }
        Wrong::Malformed(_) => fail(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
            "",
        ),
        Wrong::NoBody => fail(400, "MissingRequestBodyError", "Request body is empty.", ""),
        Wrong::TierNotOffered | Wrong::DaysForbidden => {
            fail(400, "InvalidArgument", "Tier is not valid for the storage class.", "")
        }
        Wrong::Days(_) => fail(400, "InvalidArgument", "Days must be between 1 and 365.", ""),
        Wrong::DigestForm => fail(400, "InvalidDigest", "The Content-MD5 you specified is not valid.", ""),
        Wrong::Digest => {
            fail(400, "BadDigest", "The Content-MD5 you specified did not match what we received.", "")
        }
        // Source: a bucket that is asked for in another region is unknown there.
        Wrong::NoBucket | Wrong::Moved(_) => {
            fail(404, "NoSuchBucket", "The specified bucket does not exist.", "")
        }
        Wrong::NoKey => fail(404, "NoSuchKey", "The specified key does not exist.", ""),
        Wrong::NoVersion => fail(404, "NoSuchVersion", "The specified version does not exist.", ""),
        Wrong::DeleteMarker => {
            fail(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", "")
        }
        Wrong::KeyName => fail(400, "KeyTooLong", "Your key is too long.", ""),
        Wrong::Argument(name, _) if name == "delimiter" => {
            fail(400, "InvalidDelimiter", "The delimiter is not valid.", "")
        }
        Wrong::Argument(name, _) => fail(400, "InvalidArgument", &format!("{name} is not valid."), ""),
        Wrong::Denied => fail(403, "AccessDenied", "Access Denied.", ""),
        Wrong::SlowDown | Wrong::NoCapacity => fail(503, "SlowDown", "Please reduce your request rate.", ""),
        Wrong::Internal => {
            fail(500, "InternalError", "We encountered an internal error. Please try again.", "")
        }
        Wrong::Unreadable => {
            fail(403, "InvalidObjectState", "The operation is not valid for the object's storage class.", "")
        }
        Wrong::TargetGone | Wrong::TargetLink | Wrong::NotImplemented | Wrong::Scripted(..) => {
            fail(501, "NotImplemented", "The request has not been implemented.", "")
        }
    }
}

fn s3(wrong: Wrong, bucket: &str) -> Fail {
    match wrong {
        Wrong::Running | Wrong::Slower => {
            fail(409, "RestoreAlreadyInProgress", "Object restore is already in progress", "")
        }
        Wrong::NotArchived => fail(
            403,
            "InvalidObjectState",
            "Restore is not allowed for the object's current storage class",
            "",
        ),
        Wrong::ActiveTier => fail(
            403,
            "ObjectAlreadyInActiveTierError",
            "Restore is not allowed, object is already in an active tier",
            "",
        ),
        Wrong::Malformed(_) | Wrong::Days(_) => fail(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
            "",
        ),
        Wrong::NoBody => fail(400, "MissingRequestBodyError", "Request Body is empty", ""),
        Wrong::TierNotOffered => {
            fail(400, "InvalidArgument", "Expedited retrievals are not supported for this storage class", "")
        }
        Wrong::DaysForbidden => fail(
            400,
            "InvalidArgument",
            "Restoration of objects in INTELLIGENT_TIERING has no expiry: do not specify Days",
            "",
        ),
        Wrong::DigestForm => fail(400, "InvalidDigest", "The Content-MD5 you specified was invalid.", ""),
        Wrong::Digest => {
            fail(400, "BadDigest", "The Content-MD5 you specified did not match what we received.", "")
        }
        Wrong::NoBucket => {
            fail(404, "NoSuchBucket", "The specified bucket does not exist", "").with("BucketName", bucket)
        }
        Wrong::NoKey => fail(404, "NoSuchKey", "The specified key does not exist.", ""),
        Wrong::NoVersion => fail(404, "NoSuchVersion", "The specified version does not exist.", ""),
        Wrong::DeleteMarker => {
            fail(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", "")
        }
        Wrong::KeyName => fail(400, "KeyTooLongError", "Your key is too long", ""),
        Wrong::Argument(name, value) => {
            fail(400, "InvalidArgument", &format!("The {name} provided is incorrect"), "")
                .with("ArgumentName", name)
                .with("ArgumentValue", value)
        }
        Wrong::Denied => fail(403, "AccessDenied", "Access Denied", ""),
        Wrong::Moved(region) => {
            let what = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
            fail(301, "PermanentRedirect", what, "")
                .with("Endpoint", format!("{bucket}.s3.{region}.amazonaws.com"))
                .with("Bucket", bucket)
                .header("x-amz-bucket-region", region)
        }
        Wrong::SlowDown => fail(503, "SlowDown", "Please reduce your request rate.", ""),
        Wrong::NoCapacity => fail(
            503,
            "GlacierExpeditedRetrievalNotAvailable",
            "Glacier expedited retrievals are currently not available, please try again later",
            "",
        ),
        Wrong::Internal => {
            fail(500, "InternalError", "We encountered an internal error. Please try again.", "")
        }
        Wrong::Unreadable => {
            fail(403, "InvalidObjectState", "The operation is not valid for the object's storage class", "")
        }
        Wrong::TargetGone | Wrong::TargetLink | Wrong::NotImplemented | Wrong::Scripted(..) => fail(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            "",
        ),
    }
}

/// A denial as `dialect` words it.
pub(in crate::sim) fn denial(dialect: Dialect, denial: Denial) -> Fail {
    let oss = dialect == Dialect::Oss;
    match denial {
        Denial::Missing => fail(403, "AccessDenied", "Access Denied", if oss { "0003-00000001" } else { "" }),
        Denial::UnknownKey { access_key_id } => {
            let what = "The Access Key Id you provided does not exist in our records.";
            fail(403, "InvalidAccessKeyId", what, "0002-00000902")
                .with(if oss { "OSSAccessKeyId" } else { "AWSAccessKeyId" }, access_key_id)
        }
        Denial::WrongSignature { access_key_id, provided, string_to_sign, canonical_request } => {
            let what = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
            fail(403, "SignatureDoesNotMatch", what, "0002-00000201")
                .with(if oss { "OSSAccessKeyId" } else { "AWSAccessKeyId" }, access_key_id)
                .with("SignatureProvided", provided)
                .with("StringToSign", string_to_sign)
                .with("CanonicalRequest", canonical_request)
        }
        Denial::Skewed { request_time, server_time } => {
            let what = "The difference between the request time and the current time is too large.";
            fail(403, "RequestTimeTooSkewed", what, "0002-00000504")
                .with("RequestTime", iso(request_time))
                .with("ServerTime", iso(server_time))
                .with("MaxAllowedSkewMilliseconds", "900000")
        }
        Denial::WrongRegion { expected, got } => match dialect {
            // Seen in the wild: alibabacloud-oss-go-sdk-v2 issues 29 and 85.
            Dialect::Oss => fail(
                400,
                "InvalidArgument",
                "Invalid signing region in Authorization header.",
                "0002-00000226",
            ),
            Dialect::Cos => fail(403, "AccessDenied", "Access Denied.", ""),
            Dialect::S3 => {
                let what = format!(
                    "The authorization header is malformed; the region '{got}' is wrong; expecting '{expected}'"
                );
                fail(400, "AuthorizationHeaderMalformed", &what, "")
                    .with("Region", expected.clone())
                    .header("x-amz-bucket-region", expected)
            }
        },
        Denial::Malformed(what) => match dialect {
            Dialect::S3 => fail(400, "AuthorizationHeaderMalformed", &what, ""),
            Dialect::Oss => fail(400, "InvalidArgument", &what, "0002-00000202"),
            Dialect::Cos => fail(403, "AccessDenied", &what, ""),
        },
        Denial::Unsupported(what) => match dialect {
            Dialect::S3 => fail(400, "InvalidRequest", &format!("The authorization mechanism you have provided ({what}) is not supported. Please use AWS4-HMAC-SHA256."), ""),
            Dialect::Oss | Dialect::Cos => fail(403, "AccessDenied", &format!("The signature scheme `{what}` is not supported."), "0002-00000061"),
        },
        Denial::Undated => fail(403, "AccessDenied", "The request needs a valid date header.", "0002-00000503"),
        Denial::Expired { expires, server_time } => fail(403, "AccessDenied", "Request has expired.", "")
            .with("Expires", iso(expires))
            .with("ServerTime", iso(server_time)),
        Denial::Unsigned { names } => {
            let what = "There were headers present in the request which were not signed";
            fail(403, "AccessDenied", what, "").with("HeadersNotSigned", names)
        }
        Denial::WrongBody { claimed, computed } => {
            let what = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            fail(400, "XAmzContentSHA256Mismatch", what, "")
                .with("ClientComputedContentSHA256", claimed)
                .with("S3ComputedContentSHA256", computed)
        }
        Denial::BadToken => match dialect {
            Dialect::Oss => fail(
                403,
                "InvalidSecurityToken",
                "The security token you provided is invalid.",
                "0002-00000040",
            ),
            Dialect::Cos => fail(403, "InvalidAccessKeyId", "The security token is not valid.", ""),
            Dialect::S3 => {
                fail(400, "InvalidToken", "The provided token is malformed or otherwise invalid.", "")
            }
        },
        Denial::ExpiredToken => match dialect {
            Dialect::Oss => fail(
                403,
                "SecurityTokenExpired",
                "The security token you provided has expired.",
                "0002-00000069",
            ),
            Dialect::Cos | Dialect::S3 => fail(400, "ExpiredToken", "The provided token has expired.", ""),
        },
    }
}
