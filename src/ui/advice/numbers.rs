//! Exit codes, and statuses of answers that bore no code.

use super::{Entry, Line, Name, Sort};
use crate::model::Provider::{self, Cos, Oss, S3};

macro_rules! number {
    ($name:literal) => {
        &[Name { code: $name, of: &[], note: "" }]
    };
}

const fn exit(names: &'static [Name], line: &'static str, means: &'static str, act: &'static str) -> Entry {
    Entry { sort: Sort::Exit, names, line: Line::Of(line), means, on: &[], defrost: "", act, source: "" }
}

const fn status(
    names: &'static [Name],
    [line, means, defrost, act]: [&'static str; 4],
    on: &'static [(Provider, &'static str)],
) -> Entry {
    let source = "OSS, COS and S3 error pages; an answer to HEAD has no body, so its status must do";
    Entry { sort: Sort::Status, names, line: Line::Of(line), means, on, defrost, act, source }
}

/// What `http_status` says where `error_code` is empty.
pub(super) const STATUSES: &[Entry] = &[
    status(
        number!("200"),
        [
            "the copy was there, and lasts longer now (action `extended`)",
            "The store took a restore of an object that has a readable copy: the copy lasts longer.",
            "Action `extended`. defrost does this on purpose only, with extend_when_left.",
            "Nothing.",
        ],
        &[],
    ),
    status(
        number!("202"),
        [
            "the restore is accepted (action `requested`)",
            "The store accepted the restore.",
            "Action `requested`, state `restoring`.",
            "Wait: minutes to 48 hours by class and tier.",
        ],
        &[(Oss, "Over its quota OSS accepts all the same, and is ready later than the tier promises.")],
    ),
    status(
        number!("301"),
        [
            "the bucket is elsewhere: set --region or --endpoint-url",
            "The bucket lives in another region, or at another address (also 302, 307, 308).",
            "Redirects are not followed. The run ends with exit code 2 and tells where the answer leads.",
            "Set `region` or `endpoint_url` under [[source]] to what the error names.",
        ],
        &[],
    ),
    status(
        number!("400"),
        [
            "the request is wrong, or (HEAD) the token has lapsed",
            "The store finds the request wrong.",
            "An object is `failed`, reason `refused`, unless a token could be renewed.",
            "See `defrost explain InvalidArgument`, and for a token `defrost explain ExpiredToken`.",
        ],
        &[
            (Cos, "Without a code, to a HEAD: the token has lapsed."),
            (
                S3,
                "Without a code, to a HEAD: the token has lapsed; or the object is under a key of the customer's own \
                  (SSE-C), which defrost does not have.",
            ),
        ],
    ),
    status(
        number!("401"),
        [
            "the credentials are not accepted: renew them",
            "No vendor documents it; proxies and gateways in between answer so.",
            "It renews the credentials once, as the vendors' tools do, and tries again.",
            "Look what stands between here and the store (a proxy that wants a login?).",
        ],
        &[],
    ),
    status(
        number!("403"),
        [
            "the right is missing",
            "The right is missing.",
            "The object is `failed`, reason `denied`.",
            "See `defrost explain AccessDenied`: it names the rights.",
        ],
        &[],
    ),
    status(
        number!("404"),
        [
            "not in the store",
            "The object, or the bucket, is not there.",
            "State `missing`; in a restore `failed`, reason `gone`.",
            "See `defrost explain NoSuchKey` and `defrost explain NoSuchBucket`.",
        ],
        &[],
    ),
    status(
        number!("405"),
        [
            "a delete marker; on COS not an archived object",
            "The call does not fit what it was sent for.",
            "OSS and S3: `failed`, reason `gone`. COS: `none`, reason `class`.",
            "See `defrost explain MethodNotAllowed`.",
        ],
        &[],
    ),
    status(
        number!("409"),
        [
            "a restore is running already: no failure",
            "A conflict. In a restore: one is running already. The code tells them apart, the status does not.",
            "By the code: RestoreAlreadyInProgress is `already`.",
            "See `defrost explain RestoreAlreadyInProgress`.",
        ],
        &[
            (
                Oss,
                "To `release` also: no copy to give back (ArchiveRestoreFileStale), or not ready yet \
                   (ArchiveRestoreNotFinished).",
            ),
            (Cos, "Also InvalidObjectState: the object is not archived."),
        ],
    ),
    status(
        number!("429"),
        [
            "too many requests: the rate comes down by itself",
            "The store asks to slow down.",
            "The rate comes down at once and climbs back slowly.",
            "See `defrost explain SlowDown`.",
        ],
        &[],
    ),
    status(
        number!("500"),
        [
            "the store failed: tried again",
            "The store, or a gateway in front of it, failed (also 502, 504).",
            "Tried again after a pause that grows, up to max_attempts times.",
            "See `defrost explain InternalError`.",
        ],
        &[],
    ),
    status(
        number!("503"),
        [
            "too many requests: the rate comes down by itself",
            "The store asks to slow down.",
            "The rate comes down at once and climbs back slowly.",
            "See `defrost explain SlowDown`.",
        ],
        &[(S3, "With GlacierExpeditedRetrievalNotAvailable it is another thing: no capacity for Expedited.")],
    ),
];

/// How defrost ends. What it did is in the meaning; there is no other doer here.
pub(super) const EXITS: &[Entry] = &[
    exit(
        number!("0"),
        "all as wanted",
        "All as wanted. What is restoring already, readable already, or left to a later run by a budget or a window is \
         no failure.",
        "Nothing.",
    ),
    exit(
        number!("1"),
        "finished, some objects failed; or the store could not be reached",
        "The run worked its listing through, but some objects failed: the report has their rows. Or the store could not be \
         reached, or broke its own protocol, and the checkpoint is saved. From `wait`: some objects will never be ready.",
        "Look at the error codes in the closing table and `defrost explain` them. `defrost retry JOB` asks for the failed \
         objects again; the same line goes on with a run that broke off.",
    ),
    exit(
        number!("2"),
        "the command line, a job file, the bucket or its region is wrong",
        "The command line, a job file, the bucket, its region or the endpoint is wrong. Mostly nothing was sent.",
        "The error names the place: flag, variable, or FILE:LINE:COLUMN, and what to write there. `defrost check JOB` shows \
         all faults of a file at once.",
    ),
    exit(
        number!("3"),
        "stopped by a safety limit, or a large run was not agreed to",
        "A limit of [safety] was broken (max_failures, max_same_refusals) and the run stopped itself, checkpoint saved; or a \
         run larger than confirm_over was not agreed to, and nothing was sent.",
        "Look what failed: the error names the code and an object. Mend that, or raise the limit, then run the same line \
         again: it goes on where it was. Without a terminal, --yes agrees to a large run.",
    ),
    exit(
        number!("4"),
        "credentials or rights",
        "There are no credentials, the store does not accept them, or all that was asked was denied.",
        "`defrost check JOB --online` says where keys were looked for and tries each right. See `defrost explain \
         AccessDenied`.",
    ),
    exit(
        number!("5"),
        "nothing matched (only with --fail-empty)",
        "No object passed the filter, and --fail-empty asked to be told so.",
        "Check prefix, `storage_class` and the patterns: `defrost scan URL --storage-class any` shows what is there.",
    ),
    exit(
        number!("6"),
        "a wait reached its time limit, or objects have been restoring for too long",
        "A wait reached `timeout`; or nothing failed, but objects are flagged `stuck`.",
        "Run `defrost wait JOB` again: it goes on. See `defrost explain stuck`.",
    ),
    exit(
        number!("7"),
        "another run holds the job's lock, or writes its report",
        "Another run of this job is under way, or another job writes the same report.",
        "Let it end; `defrost status JOB` shows it. From cron this code is harmless: last night's run is still at work. \
         Locks of killed runs do not stay.",
    ),
    exit(
        number!("8"),
        "defrost cannot read or write its own files",
        "A report, a checkpoint or another file of defrost's own cannot be read or written, or is damaged.",
        "Make room, or mend rights: the error names the file. A damaged state file is refused by name; --fresh forgets the \
         unfinished run and starts over.",
    ),
    exit(
        number!("130"),
        "interrupted (Ctrl-C), checkpoint saved",
        "Ended by SIGINT, or by stop_after before its work was done; the checkpoint is saved.",
        "Run the same line again: it goes on where it was.",
    ),
    exit(
        number!("143"),
        "terminated (SIGTERM), checkpoint saved",
        "Ended by SIGTERM (systemd, Kubernetes, a shutdown); the checkpoint is saved.",
        "Run the same line again: it goes on where it was. Give it ten seconds between SIGTERM and SIGKILL, so that \
         requests in flight come back.",
    ),
];
