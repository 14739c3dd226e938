//! The vendors' codes about a request: its rate, its time, its keys, its rights, its place, its form.

use super::{Entry, Line, Name, Sort};
use crate::model::Provider::{self, Cos, Oss, S3};

const ALL: &[Provider] = &[Oss, Cos, S3];
const OURS: &[Provider] = &[Oss];
const ITS: &[Provider] = &[S3];

const fn n(name: &'static str, of: &'static [Provider]) -> Name {
    Name { code: name, of, note: "" }
}

const fn noted(name: &'static str, of: &'static [Provider], note: &'static str) -> Name {
    Name { code: name, of, note }
}

pub(super) const SLOWER: &str = "lower --rate-limit, then run the same line again for what is still open";
const LATER: &str = "the store kept failing: run the same line again for what is still open";
const UNSIGNED: &str = "the signature is not accepted: check credentials, --profile and --region";
const LAPSED: &str = "the security token has lapsed: renew it, then run the same line again";
const ARREARS: &str = "the account is in arrears or disabled: settle that with the vendor first";
const ELSEWHERE: &str = "the bucket lives in another region: set --region";
const BROKEN: &str = "the request came out wrong: please report it, with the request id";
const OTHER_KEY: &str = "the store allows no such key: use the vendor's own tool, and --exclude it here";

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        sort: Sort::Code,
        names: &[
            n("SlowDown", ALL),
            noted("ServiceUnavailable", ALL, "the twin of SlowDown, with its status"),
            noted("TotalQpsLimitExceeded", OURS, "requests a second of the whole account in this region"),
            noted("MetaOperationQpsLimitExceeded", OURS, "listings and questions about a bucket"),
            noted(
                "PartitionQpsLimitted",
                OURS,
                "requests for keys that are neighbours (the vendor spells it so)",
            ),
            noted("QpsLimitExceeded", OURS, "requests a second (status 429)"),
            noted("ActiveRequestLimitExceeded", OURS, "requests at the same time"),
            noted("CpuLimitExceeded", OURS, "work of the store's own machines"),
            noted("DownloadTrafficRateLimitExceeded", OURS, "bandwidth out"),
            noted("UploadTrafficRateLimitExceeded", OURS, "bandwidth in"),
            n("TooManyRequests", ITS),
            n("TooManyRequestsException", ITS),
            n("Throttling", ITS),
            n("ThrottlingException", ITS),
            n("ThrottledException", ITS),
            n("RequestThrottled", ITS),
            n("RequestThrottledException", ITS),
            n("RequestLimitExceeded", ITS),
            n("BandwidthLimitExceeded", ITS),
            n("LimitExceededException", ITS),
            n("ProvisionedThroughputExceededException", ITS),
            n("EC2ThrottledException", ITS),
        ],
        line: Line::Of(SLOWER),
        means: "The store asks to slow down: too much is asked of it at once, by this job or by others of the \
                same account. Nothing is wrong with the objects, and nothing was done to them.",
        on: &[
            (
                Oss,
                "10,000 requests a second for an account in a region, 2,000 for keys in sequence. Restores of \
                   ColdArchive (500 a second) and DeepColdArchive (100) are never refused for their rate: they are \
                   accepted, and ready later.",
            ),
            (Cos, "100 restore requests a second for a bucket, 1,000 listings."),
            (
                S3,
                "1,000 restore requests a second for an account in a region; 5,500 reads a second for a prefix, \
                  more after some minutes of load.",
            ),
        ],
        defrost: "The rate of that kind of request comes down at once and climbs back slowly; Retry-After is \
                  obeyed. Such a refusal does not count as an attempt while others are answered. Only when \
                  nothing gets through for max_attempts tries is an object `failed`, reason `throttled`.",
        act: "Mostly nothing: the closing table tells how low the rate went. If objects failed, lower \
              restore_rate under [limits] (--rate-limit) below that rate, look who else uses the account at that \
              hour, and run the same line again.",
        source: "OSS \"HTTP status code 503\", \"429 error\", \"OSS limits\"; COS \"Limits\"; S3 RestoreObject; botocore",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("InternalError", ALL),
            n("RequestTimeout", ALL),
            noted("BadRequest", OURS, "the vendor's own tools try again on it"),
            n("RequestTimeoutException", ITS),
            n("PriorRequestNotComplete", ITS),
            n("TransactionInProgressException", ITS),
            n("OperationAborted", ITS),
        ],
        line: Line::Of(LATER),
        means: "The store failed at something that had nothing to do with the request. It passes.",
        on: &[],
        defrost: "Tried again after a pause that grows, up to max_attempts times (8). A listing that still fails \
                  ends the run with exit code 1, to be gone on with; an object is `failed`, reason `network`.",
        act: "Run the same line again. If it lasts, look at the vendor's status page, and ask its support with the \
              request id of the row.",
        source: "OSS, COS and S3 error pages; botocore",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("RequestTimeTooSkewed", ALL)],
        line: Line::Of("this machine's clock is off by more than 15 minutes: set it"),
        means: "The time in the signature is more than 15 minutes off the store's clock (status 403).",
        on: &[],
        defrost: "It takes the store's time from the answer, signs again with it, and goes on. Only where the \
                  answer tells no time does the run end, with exit code 4.",
        act: "Set this machine's clock (`timedatectl`, or the time service of the container's host). `defrost \
              check JOB --online` shows how far it is off.",
        source: "OSS signature version 4; COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("SecurityTokenExpired", OURS),
            n("ExpiredToken", &[Cos, S3]),
            n("ExpiredTokenException", ITS),
            n("TokenRefreshRequired", ITS),
        ],
        line: Line::Of(LAPSED),
        means: "The temporary credentials have lapsed.",
        on: &[],
        defrost: "It asks the source of the credentials for new ones and signs again. If the source still holds \
                  the old token (one that was put into the environment by hand), the run ends with exit code 4; \
                  its checkpoint is saved.",
        act: "Renew the token where it came from, then run the same line again: it goes on where it was. For jobs of \
              hours use a source that renews by itself: an instance role, a web identity, a credential process.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            noted(
                "InvalidAccessKeyId",
                ALL,
                "no such access key: mistyped, deleted, or of another vendor or site",
            ),
            noted("SignatureDoesNotMatch", ALL, "the secret key does not belong to this access key"),
            noted("InvalidSecurityToken", OURS, "the session token does not belong to this access key"),
            noted("InvalidToken", ITS, "the session token does not belong to this access key"),
            n("InvalidSecurity", ITS),
        ],
        line: Line::Of(UNSIGNED),
        means: "The store does not accept who is asking. No request of this run can succeed.",
        on: &[(
            S3,
            "Between AWS and a compatible store: keys of the one mean nothing to the other; check \
                  --endpoint-url as well.",
        )],
        defrost: "The run ends at once with exit code 4; nothing is repeated.",
        act: "`defrost check JOB --online` says where the keys were taken from. An old token left in the environment \
              outranks a profile; a secret pasted with a blank or without its last letter looks just like this.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("AccessDenied", ALL),
            noted("AllAccessDisabled", ITS, "the vendor has closed the bucket, or all of the account's"),
        ],
        line: Line::By(denied),
        means: "The keys are known, but may not do this (status 403): no policy allows it, or one forbids it. \
                A bucket policy, an access point, or the key of an encrypted object can stand in the way as well.",
        on: &[
            (
                Oss,
                "Restoring needs oss:RestoreObject, listing oss:ListObjects (with versions \
                   oss:ListObjectVersions), HEAD oss:GetObject, release oss:CleanRestoredObject. A bucket of \
                   another region is refused so, too; its endpoint is then told.",
            ),
            (
                Cos,
                "Restoring needs name/cos:PostObjectRestore, listing name/cos:GetBucket (with versions \
                   name/cos:GetBucketObjectVersions), HEAD name/cos:HeadObject.",
            ),
            (
                S3,
                "Restoring needs s3:RestoreObject, listing s3:ListBucket (with versions s3:ListBucketVersions), \
                  HEAD s3:GetObject. The bucket's owner can forbid it to other accounts. Where the keys may not \
                  list, a missing key is denied, too.",
            ),
        ],
        defrost: "The first restore request goes alone. Ten denials and nothing that got through end the run with \
                  exit code 4: a missing right costs ten requests, not a night. Single objects that are denied \
                  are `failed`, reason `denied`.",
        act: "Grant the right on the keys that the row names (`BUCKET/PREFIX*`), then run the same line again. \
              `defrost check JOB --online` tries each right without restoring anything.",
        source: "RAM, CAM and IAM action lists; the permission sections of the calls",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("PublicEndpointForbidden", OURS)],
        line: Line::Of("closed to this account: set --endpoint-url (internal, or your own domain)"),
        means: "This account may not use OSS's public endpoints for this call (new accounts in mainland China).",
        on: &[],
        defrost: "Reads as a denial.",
        act: "From a machine in the region, use the internal endpoint (--endpoint-url \
              https://oss-REGION-internal.aliyuncs.com); from elsewhere a domain of your own that is bound to the \
              bucket.",
        source: "OSS error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("UnavailableForLegalReasons", &[Cos])],
        line: Line::Of("the vendor withholds this object: ask its support"),
        means: "The vendor has locked the object for reasons of law (status 451).",
        on: &[],
        defrost: "The object is `failed`, reason `denied`.",
        act: "Ask the vendor's support; --exclude it meanwhile, so that the exit code tells of other things.",
        source: "COS \"Error codes\"",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("PaymentRequired", &[Cos]),
            n("UserDisable", OURS),
            n("AccountProblem", ITS),
            n("NotSignedUp", ITS),
            noted("InvalidPayer", ITS, "the account that is to pay for a requester-pays bucket may not"),
        ],
        line: Line::Of(ARREARS),
        means: "The account cannot be served: it is in arrears, disabled, or not signed up for the service.",
        on: &[],
        defrost: "The run ends at once with exit code 4; nothing is repeated.",
        act: "Settle it in the vendor's console. Vendors delete objects of accounts in arrears after some weeks: \
              do not leave it lying.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("NoSuchBucket", ALL), noted("InvalidBucketName", ALL, "no bucket can have this name")],
        line: Line::Of("no such bucket: check its name, --region and --endpoint-url"),
        means: "The store that was asked has no bucket of this name (status 404).",
        on: &[
            (Oss, "Another region than the bucket's own is told by AccessDenied or a redirect, not by this."),
            (
                Cos,
                "The name ends in the account's number, as in logs-1250000000. In another region than its own \
                   a bucket is not found: check --region.",
            ),
            (S3, "With a compatible store: check --endpoint-url; without it AWS is asked."),
        ],
        defrost: "The run ends at once with exit code 2.",
        act: "Check the URL's bucket, then --region and --endpoint-url; `defrost check JOB --online` shows what \
              was asked.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("PermanentRedirect", ITS),
            n("TemporaryRedirect", ITS),
            n("Redirect", ITS),
            noted(
                "AuthorizationHeaderMalformed",
                ITS,
                "the signature names another region than the bucket's",
            ),
        ],
        line: Line::Of(ELSEWHERE),
        means: "The bucket lives in another region, or at another address, than the one that was asked.",
        on: &[],
        defrost: "Redirects are not followed, so that no signature goes to a host that you did not name. The run \
                  ends with exit code 2, and the error tells the region if the store named it.",
        act: "Set `region` under [[source]] (--region) to the one that the error names; a bucket made less than a \
              day ago may need some hours.",
        source: "S3 \"Error responses\"",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("SecondLevelDomainForbidden", OURS)],
        line: Line::Of("this endpoint refuses path style: leave --path-style out"),
        means: "OSS's own endpoints want the bucket in the host name, not in the path.",
        on: &[],
        defrost: "The request is not repeated.",
        act: "Leave `path_style` (--path-style) out; behind a proxy that needs it, use a domain of your own.",
        source: "OSS error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            noted("InvalidObjectName", OURS, "1 to 1,023 bytes of UTF-8, no `/` or `\\` in front"),
            noted("KeyTooLong", &[Cos], "at most 850 bytes"),
            noted("KeyTooLongError", ITS, "at most 1,024 bytes"),
            noted("PathConflict", &[Cos], "another object stands where this key needs a folder"),
        ],
        line: Line::Of(OTHER_KEY),
        means: "The store allows no such key. It can only come from a list of names, or from a store that resembles \
                the vendor's.",
        on: &[],
        defrost: "The object is `failed`, reason `refused`.",
        act: "Compare the list with the store's own spelling; a percent-encoded key needs `key_encoding` = `url`.",
        source: "OSS, COS and S3 pages on object keys",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("InvalidDigest", ALL),
            n("BadDigest", &[Cos, S3]),
            noted("XAmzContentSHA256Mismatch", ITS, "the hash of the body in the signature"),
            n("MissingRequestBodyError", &[Cos]),
            n("MissingContentLength", &[Cos, S3]),
            n("InvalidDelimiter", &[Cos]),
        ],
        line: Line::Of(BROKEN),
        means: "What arrived is not what was sent, or not what the store wants: a body without its length, a \
                checksum that does not fit.",
        on: &[],
        defrost: "S3's BadDigest is tried again; all others are `failed`, reason `refused`.",
        act: "A proxy between here and the store that rewrites requests is the usual cause: go round it. If there is \
              none, please report it with the request id.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("NotImplemented", &[Cos, S3])],
        line: Line::Of("this store has no such call: it is not one that can restore"),
        means: "The store does not know this call, or a header of it (status 501). Stores that only resemble S3 often \
                have no restore, or no listing of versions.",
        on: &[],
        defrost: "Nothing is repeated; the object is `failed`, reason `refused`.",
        act: "Look whether the store has archive classes at all. --list-api v1 helps those that lack ListObjectsV2.",
        source: "COS and S3 error pages",
    },
];

/// The right to restore, as each vendor names it, and the one for HEAD, which may be what was
/// denied. Sources: the permission sections of RestoreObject and HeadObject (OSS), POST Object
/// restore and HEAD Object (COS), RestoreObject and HeadObject (S3).
fn denied(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Oss) => "grant oss:RestoreObject on these keys (HEAD needs oss:GetObject)",
        Some(Cos) => "grant name/cos:PostObjectRestore on these keys (HEAD: name/cos:HeadObject)",
        Some(S3) => "grant s3:RestoreObject on these keys (HEAD needs s3:GetObject)",
        None => "grant oss:RestoreObject, name/cos:PostObjectRestore or s3:RestoreObject",
    }
}

/// The rights where the refusal bore no code: an answer to HEAD has no body to bear one.
pub(super) fn denied_without_code(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Oss) => "HEAD denied: grant oss:GetObject (restore: oss:RestoreObject)",
        Some(Cos) => "HEAD denied: grant name/cos:HeadObject (restore: name/cos:PostObjectRestore)",
        Some(S3) => "HEAD denied: grant s3:GetObject (restore: s3:RestoreObject)",
        None => "grant oss:RestoreObject, name/cos:PostObjectRestore or s3:RestoreObject",
    }
}
