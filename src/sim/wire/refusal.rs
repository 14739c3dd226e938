//! Refusals in each vendor's words.
//!
//! Sources: OSS error code pages, COS error code page, S3 "Error responses", read 2026-11. Where no
//! page names the EC of an OSS refusal, none is sent: clients decide on status and code.

use super::super::class::Vault;
use super::fail::{Fail, Wrong, fail};

pub(super) fn oss(wrong: Wrong, bucket: &str) -> Fail {
    let malformed =
        "The XML you provided was not well-formed or did not validate against our published schema.";
    match wrong {
        Wrong::Running => {
            fail(409, "RestoreAlreadyInProgress", "The restore operation is in progress.", "0016-00000701")
        }
        Wrong::Slower => {
            fail(409, "RestoreAlreadyInProgress", "The restore operation is in progress.", "0016-00000715")
        }
        Wrong::Stale => fail(409, "ArchiveRestoreFileStale", "The archive file or restore info stale.", ""),
        Wrong::NotFinished => fail(
            409,
            "ArchiveRestoreNotFinished",
            "The archive file's restore is not finished.",
            "0016-00000719",
        ),
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
            fail(400, "InvalidDigest", "The Content-MD5 you specified was invalid.", "")
        }
        Wrong::NoBucket => fail(404, "NoSuchBucket", "The specified bucket does not exist.", "0015-00000101")
            .with("BucketName", bucket),
        Wrong::NoKey => fail(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001"),
        Wrong::NoVersion => fail(404, "NoSuchVersion", "The specified version does not exist.", ""),
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
            fail(400, "InvalidArgument", &format!("The {name} is not valid."), "")
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
            fail(503, "TotalQpsLimitExceeded", "Max total qps limit is exceeded", "")
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
        Wrong::TargetGone => {
            fail(404, "SymlinkTargetNotExist", "The target object you specified does not exist.", "")
        }
        Wrong::TargetLink => fail(400, "InvalidTargetType", "The target of the symlink is a symlink.", ""),
        Wrong::NotImplemented | Wrong::Scripted(..) => fail(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
            "",
        ),
    }
}

pub(super) fn cos(wrong: &Wrong) -> Fail {
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
        Wrong::Argument("delimiter", _) => fail(400, "InvalidDelimiter", "The delimiter is not valid.", ""),
        Wrong::Argument(name, _) => fail(400, "InvalidArgument", &format!("{name} is not valid."), ""),
        Wrong::Denied => fail(403, "AccessDenied", "Access Denied.", ""),
        Wrong::SlowDown | Wrong::NoCapacity => fail(503, "SlowDown", "Please reduce your request rate.", ""),
        Wrong::Internal => {
            fail(500, "InternalError", "We encountered an internal error. Please try again.", "")
        }
        Wrong::Unreadable => {
            fail(403, "InvalidObjectState", "The operation is not valid for the object's storage class.", "")
        }
        Wrong::Stale
        | Wrong::NotFinished
        | Wrong::TargetGone
        | Wrong::TargetLink
        | Wrong::NotImplemented
        | Wrong::Scripted(..) => fail(501, "NotImplemented", "The request has not been implemented.", ""),
    }
}

pub(super) fn s3(wrong: Wrong, bucket: &str) -> Fail {
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
        Wrong::Stale
        | Wrong::NotFinished
        | Wrong::TargetGone
        | Wrong::TargetLink
        | Wrong::NotImplemented
        | Wrong::Scripted(..) => fail(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            "",
        ),
    }
}
