//! The vendors' codes about an object and its restore.

use super::{Entry, Line, Name, Sort};
use crate::model::Provider::{self, Cos, Oss, S3};

const ALL: &[Provider] = &[Oss, Cos, S3];

const fn n(name: &'static str, of: &'static [Provider]) -> Name {
    Name { code: name, of, note: "" }
}

pub(super) const AS_IT_IS: &str = "this class or tier needs no restore: the object can be read as it is";
const MOVED_ON: &str = "not archived any more, or not in that tier: scan again to see its state";
pub(super) const GONE: &str = "not in the store: deleted since, or a list of names has it wrong";
pub(super) const NOT_LEGAL: &str = "days or tier not legal for this class: see --days, --tier, --fit clamp";
pub(super) const NO_CAPACITY: &str =
    "no capacity for this tier now: take --expedited-fallback or --tier Standard";

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        sort: Sort::Code,
        names: &[n("RestoreAlreadyInProgress", ALL)],
        line: Line::Of("a restore of it is running already: the wish is met"),
        means: "A restore of this object is running already (status 409). It was asked for earlier, by this \
                job or by somebody else. The request changes nothing and is not billed as a retrieval.",
        on: &[
            (Oss, "Also the answer to a slower tier than the one that runs; a faster tier may be accepted."),
            (
                S3,
                "Also the answer to the same or a slower tier, and to other days: while a restore runs its \
                  days cannot be changed.",
            ),
        ],
        defrost: "An answer, not a failure: the action is `already`, the state `restoring`. Such an object \
                  does not count against any limit, and the exit code stays 0.",
        act: "Nothing. It becomes readable within the hours of the tier that was asked for first: `defrost \
              wait JOB` waits for it. A faster tier is asked for with raise_tier = true under [restore]. If it \
              stays so for days, the flag `stuck` shows it: ask the vendor, with the request id of the row.",
        source: "OSS RestoreObject and error 0016-00000701, -715; COS POST Object restore; S3 RestoreObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            Name { code: "OperationNotSupported", of: &[Oss], note: "the word of OSS (status 400)" },
            Name { code: "RestoreNonArchiveObject", of: &[Cos], note: "the word of COS (status 405)" },
            Name {
                code: "ObjectAlreadyInActiveTierError",
                of: &[S3],
                note: "S3 Intelligent-Tiering, the object is in an access tier that is read at once (status 403)",
            },
        ],
        line: Line::Of(AS_IT_IS),
        means: "The object's storage class, or its access tier, is one that is read at once: there is nothing \
                to restore.",
        on: &[],
        defrost: "Such classes are left out before any request. Where the listing lags behind, or somebody has \
                  changed the class meanwhile, the row says `none`, reason `class`, state `readable`: no failure.",
        act: "Nothing: read it.",
        source: "OSS error 0016-00000702; COS POST Object restore; S3 RestoreObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("InvalidObjectState", ALL)],
        line: Line::Of(MOVED_ON),
        means: "The object is not in the state that the request needs. One code for two opposite things.",
        on: &[
            (
                Oss,
                "A read of an archived object that has not been restored (status 403): the object is still \
                   frozen. A restore is never refused so.",
            ),
            (
                Cos,
                "A restore of an object that is not archived (409), or a read of one that is, before its \
                   restore has ended (403).",
            ),
            (
                S3,
                "A restore of an object whose class needs none, GLACIER_IR among them; or a read of an archived \
                  object that has not been restored (403 both).",
            ),
        ],
        defrost: "On COS and S3 a restore that is refused so counts as met: action `none`, reason `class`. On \
                  OSS it is `failed`, reason `refused`. defrost itself reads no object.",
        act: "Was it another program that got this code on reading? Then the object is archived, or its restore \
              runs still, or its copy has lapsed: `defrost scan URL` tells which, and `expires_at` until when.",
        source: "OSS GetObject; COS POST Object restore and GET Object; S3 RestoreObject and GetObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("MethodNotAllowed", ALL)],
        line: Line::Of("a delete marker, or an object that takes no restore: nothing to do"),
        means: "The call does not fit the thing it was sent for (status 405).",
        on: &[
            (Oss, "The version named is a delete marker."),
            (Cos, "In older texts the answer to a restore of an object that is not archived."),
            (S3, "The version named is a delete marker."),
        ],
        defrost: "OSS and S3: `failed`, reason `gone`, state `missing`. COS: `none`, reason `class`.",
        act: "Nothing can be restored there. Leave delete markers out of a list of names.",
        source: "OSS \"Delete marker\"; COS \"Error codes\"; S3 RestoreObject, HeadObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("GlacierExpeditedRetrievalNotAvailable", &[S3])],
        line: Line::Of(NO_CAPACITY),
        means: "S3 has no capacity for Expedited restores at this moment (status 503). It has nothing to do \
                with the rate of requests, and to repeat the request at once is pointless.",
        on: &[],
        defrost: "It is not repeated at the same tier. With expedited_fallback it goes to the next slower tier \
                  that the class offers, which the row shows; without, it is `failed`, reason `quota`.",
        act: "Set expedited_fallback = true under [restore] (--expedited-fallback), or take tier = \"Standard\"; \
              then `defrost retry JOB` asks again for what failed. Provisioned capacity, bought from AWS, \
              makes sure of Expedited.",
        source: "S3 RestoreObject; \"Archive retrieval options\"",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("InvalidTier", &[S3])],
        line: Line::Of("the store does not offer this tier: take --tier Standard or Bulk"),
        means: "The store does not know the tier that was asked for. NetApp StorageGRID answers Expedited so.",
        on: &[],
        defrost: "The object is `failed`, reason `refused`; the request is not repeated.",
        act: "Take tier = \"Standard\" or \"Bulk\" (--tier), then `defrost retry JOB`.",
        source: "NetApp StorageGRID, S3 operations on objects",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("MalformedXML", ALL),
            n("InvalidArgument", ALL),
            Name {
                code: "InvalidRequest",
                of: &[S3],
                note: "also a way of signing that the store does not take",
            },
        ],
        line: Line::Of(NOT_LEGAL),
        means: "The store finds the request itself wrong (status 400). In a restore that is nearly always days \
                or tier: what one class takes another refuses.",
        on: &[
            (
                Oss,
                "Archive takes 1 to 7 days and no tier; ColdArchive and DeepColdArchive 1 to 365 days; \
                   DeepColdArchive no Expedited. InvalidArgument with EC 0002-00000226 is a signature for another \
                   region: set --region.",
            ),
            (Cos, "1 to 365 days; DEEP_ARCHIVE takes Standard and Bulk; INTELLIGENT_TIERING takes no days."),
            (
                S3,
                "At least 1 day; DEEP_ARCHIVE takes Standard and Bulk; INTELLIGENT_TIERING takes no days. A store \
                  that only resembles S3 may have bounds of its own.",
            ),
        ],
        defrost: "Each request is shaped for its object's class, and what a class does not take is told before \
                  anything is sent (`fit`). If the store refuses all the same: `failed`, reason `refused`.",
        act: "Read the message in the error and the class in the row; mend days or tier under [restore], or let \
              `fit = \"clamp\"` take the nearest that is legal. If all seems legal, the store's rules have changed: \
              please report it with the request id.",
        source: "OSS errors 0016-00000702 to -714; COS POST Object restore; S3 RestoreObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[
            n("NoSuchKey", ALL),
            Name { code: "NoSuchVersion", of: ALL, note: "the key is known, this version of it is not" },
        ],
        line: Line::Of(GONE),
        means: "The object is not in the store (status 404): deleted or overwritten since it was listed, or a \
                list of names spells it otherwise. For a key whose newest version is a delete marker the \
                stores say the same.",
        on: &[],
        defrost: "State `missing`; in a restore `failed`, reason `gone`. It is not repeated.",
        act: "Objects that a lifecycle rule deletes meanwhile are no fault: leave them out with `older_than` or \
              --exclude, or bear with the exit code 1. In a list of names, compare the spelling: whole keys, the \
              prefix included, and `key_encoding` = `url` where they are percent-encoded.",
        source: "OSS, COS and S3 error pages",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("SymlinkTargetNotExist", &[Oss]), n("InvalidTargetType", &[Oss])],
        line: Line::Of("a symbolic link without a proper target: nothing to do"),
        means: "The key is a symbolic link of OSS, and what it points to is not there, or is a link itself.",
        on: &[],
        defrost: "Links are left alone in a listing (state `unknown`); what is pointed to is restored under its own \
                  key. Named one by one, such a link is `failed`.",
        act: "Mend or delete the link with the vendor's tools, or --exclude it.",
        source: "OSS GetSymlink, HeadObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("ArchiveRestoreFileStale", &[Oss])],
        line: Line::Of("there is no copy to give back: never restored, or lapsed already"),
        means: "There is no readable copy to be given back (status 409): the object was never restored, its \
                copy has lapsed, or it was given back before.",
        on: &[],
        defrost: "Only `defrost release` meets it. The row says `none`: the wish is met.",
        act: "Nothing.",
        source: "OSS CleanRestoredObject",
    },
    Entry {
        sort: Sort::Code,
        names: &[n("ArchiveRestoreNotFinished", &[Oss])],
        line: Line::Of("its restore is still running: release it when it is readable"),
        means: "The copy cannot be given back since it is not there yet: its restore runs (status 409).",
        on: &[],
        defrost: "Only `defrost release` meets it. The row says `failed`.",
        act: "Run the same `defrost release` line again when it is readable; `defrost wait JOB` tells when.",
        source: "OSS CleanRestoredObject, error 0016-00000719",
    },
];
