//! Defrost's own words: reasons, states, actions, flags.

use super::requests::{SLOWER, denied_without_code};
use super::restoring::{GONE, NO_CAPACITY};
use super::{Entry, Line, Name, Sort};

const AGAIN: &str = "run the same line again to go on";

const fn word(
    sort: Sort,
    names: &'static [Name],
    line: Line,
    [means, defrost, act]: [&'static str; 3],
) -> Entry {
    Entry { sort, names, line, means, on: &[], defrost, act, source: "" }
}

macro_rules! word {
    ($sort:ident $($name:literal),+; $line:expr; $means:literal $defrost:literal $act:literal) => {
        word(Sort::$sort, &[$(Name { code: $name, of: &[], note: "" }),+], $line, [$means, $defrost, $act])
    };
}

/// Every word of the columns `reason`, `state`, `action` and `flags`.
pub(super) const ENTRIES: &[Entry] = &[
    word!(Reason "class"; Line::Silent;
        "The object's storage class, or its access tier, needs or allows no restore."
        "Action `none`: no request is sent."
        "Nothing. Most such objects are not even listed: --storage-class any shows them all."),
    word!(Reason "still_valid"; Line::Silent;
        "A readable copy is there, and lasts long enough, or cannot be kept longer."
        "Action `none`: no request is sent, so nothing is paid twice."
        "Nothing. extend_when_left under [restore] keeps copies from lapsing."),
    word!(Reason "tier_not_offered"; Line::Of("the class does not offer this tier: see --tier, or --fit clamp");
        "The object's class does not have the tier that was asked for."
        "With fit = \"fail\" the job is refused before anything is sent; with \"skip\" the object is left with this \
         reason; with \"clamp\" it gets the next slower tier."
        "Take another tier under [restore], or one for this class alone under [restore.class.NAME]."),
    word!(Reason "days_out_of_range"; Line::Of("the class does not allow that many days: see --days, or --fit clamp");
        "The object's class does not allow that number of days: OSS Archive takes 1 to 7, others up to 365."
        "With fit = \"fail\" the job is refused before anything is sent; with \"skip\" the object is left with this \
         reason; with \"clamp\" it gets the nearest number."
        "Take other days under [restore], or for this class alone under [restore.class.NAME]."),
    word!(Reason "denied"; Line::By(denied_without_code);
        "The store denied the right; HEAD answers have no body, so no code says which."
        "The object is `failed`. Ten denials and nothing that got through end a run with exit code 4."
        "Grant the right (`defrost explain AccessDenied` has the names), then run the same line again. `defrost check \
         JOB --online` tries each right."),
    word!(Reason "gone"; Line::Of(GONE);
        "The object or version is not in the store: deleted after it was listed, or a list of names has it wrong."
        "State `missing`; in a restore the object is `failed`."
        "See `defrost explain NoSuchKey`."),
    word!(Reason "throttled"; Line::Of(SLOWER);
        "The store kept asking to slow down until the attempts ran out."
        "The object is `failed`; the rate of requests had come down before that."
        "Lower restore_rate under [limits] (--rate-limit), then `defrost retry JOB`, or the same line again."),
    word!(Reason "quota"; Line::Of(NO_CAPACITY);
        "The store has no capacity for this kind of request now: S3's Expedited."
        "The object is `failed`, unless expedited_fallback lets it go to the next slower tier."
        "See `defrost explain GlacierExpeditedRetrievalNotAvailable`."),
    word!(Reason "network"; Line::Of("the store could not be reached: run the same line again for what is still open");
        "The store could not be reached, broke off, or kept failing, until the attempts ran out."
        "The object is `failed`. What was sent before the line went dead may have been done: the next run asks the \
         store before it sends anything."
        "Check name resolution, proxy (HTTPS_PROXY) and --endpoint-url; then `defrost retry JOB`, or the same line again."),
    word!(Reason "refused"; Line::Of("the store refused the request: see http_status and request_id in the report");
        "The store found the request itself wrong."
        "The object is `failed`; the request is not repeated."
        "The row has the vendor's code in `error_code`: `defrost explain` it."),
    word!(Reason "budget"; Line::Of(AGAIN);
        "The budget of the run or of the day is used up (run_objects, daily_bytes and their like), or the object \
         alone is larger than it."
        "Action `deferred`, no failure: the next run begins with it."
        "Nothing, or raise the budget under [limits]. What is alone over the budget never gets its turn: the closing \
         table counts it as `never`."),
    word!(Reason "window"; Line::Of(AGAIN);
        "The hours in which restores may be asked for (`window`) were over."
        "Action `deferred`, no failure: the next run begins with it."
        "Nothing. With outside_window = \"wait\" a run waits for its hours instead."),
    word!(Reason "interrupted"; Line::Of(AGAIN);
        "The run was stopped before this object's turn came."
        "The row is not final: the same line goes on here."
        "Run the same line again."),
    word!(Reason "unsafe_key"; Line::Of("cannot be sent byte for byte: use the vendor's own tool, and --exclude it here");
        "The key has path segments (`.`, `..`) that HTTP libraries fold away: a request for `a/../b` would restore `b`, \
         another object, at your cost."
        "Nothing is sent for it; the object is `failed`, and the exit code is 1."
        "Restore it with the vendor's own tool, and --exclude it here."),
    word!(State "readable"; Line::Silent;
        "The object's class needs no restore."
        "Left as it is."
        "Nothing: read it."),
    word!(State "archived"; Line::Silent;
        "The object must be restored before it can be read. The stores do not tell \"never restored\" from \"lapsed\"."
        "A restore asks for it; an audit counts it."
        "`defrost plan` shows what bringing it back would take."),
    word!(State "restoring"; Line::Silent;
        "A restore was asked for and has not ended."
        "It is not asked for again; with raise_tier it may be asked for at a faster tier."
        "Wait: minutes to 48 hours by class and tier. `defrost wait JOB` does it for you."),
    word!(State "restored"; Line::Silent;
        "A readable copy is there until `expires_at`."
        "Left as it is; with extend_when_left its time is extended when little of it is left."
        "Read it before `expires_at`; with extend_when_left under [restore] a nightly job keeps it."),
    word!(State "expired"; Line::Silent;
        "The listing still shows a copy, but its date has passed: the object is archived again."
        "A restore asks for it anew; that is billed anew, too."
        "Run the job again if it is needed still; extend_when_left prevents it."),
    word!(State "unknown"; Line::Silent;
        "The listing does not tell, and HEAD was not allowed or was refused: COS, S3 Intelligent-Tiering, and symbolic \
         links of OSS."
        "A restore asks by HEAD before it sends anything; an audit does so only with --head."
        "Run the audit with --head: one request for each such object."),
    word!(State "missing"; Line::Silent;
        "A list of names has it, or it was listed a moment ago, but the store does not hold it."
        "In a restore it counts as failed, reason `gone`; in an audit it is a row like others."
        "See `defrost explain NoSuchKey`."),
    word!(Action "none"; Line::Silent;
        "Nothing was done: none was needed or asked for. The reason says why."
        "No request was sent, or the store said that there is nothing to restore."
        "Nothing."),
    word!(Action "planned"; Line::Silent;
        "A run would ask for this object; this was a plan or a dry run."
        "No restore request was sent."
        "`defrost run JOB` does it; with --plan FILE it asks for no more than that plan says."),
    word!(Action "requested"; Line::Silent;
        "The store accepted a restore of this object (202)."
        "The state is `restoring` from then on."
        "Wait: `defrost wait JOB`, or look at tomorrow's report."),
    word!(Action "extended"; Line::Silent;
        "A readable copy was there and was asked for again (200): it lasts longer now."
        "`expires_at` is read from the store, not computed."
        "Nothing."),
    word!(Action "already"; Line::Silent;
        "A restore of it is running already: told by the listing (no `http_status`) or by the store's 409."
        "Not a failure."
        "Wait. If it stays so for days, the flag `stuck` shows it."),
    word!(Action "deferred"; Line::Silent;
        "Left for a later run: the budget was used up, or the hours were over. The reason says which."
        "Not a failure: the next run begins with it."
        "Nothing; or raise the budget, or widen the window, under [limits]."),
    word!(Action "released"; Line::Silent;
        "Its readable copy was given back before it lapsed (`defrost release`, OSS only)."
        "The object is archived again; its copy costs nothing more."
        "Nothing."),
    word!(Action "failed"; Line::Silent;
        "It was wanted, but refused or not possible. The reason, and the vendor's `error_code`, say why."
        "The run ends with exit code 1, or 4 if all was denied."
        "`defrost explain` the error code; mend it; then `defrost retry JOB` asks for just these objects again."),
    word!(Flag "stuck"; Line::Silent;
        "It has been restoring for an hour longer than its tier promises. OSS and S3 accept restores over their quota \
         and work them off later, without a word."
        "It is not asked for again. If nothing failed the run ends with exit code 6."
        "Large campaigns take longer than single objects do: look again tomorrow. Then ask the vendor, with the \
         object's key and the request id of the row that asked for it."),
    word!(Flag "expiring"; Line::Silent;
        "Its readable copy has less time left than extend_when_left, or than a day."
        "With extend_when_left a restore extends it; else it is only told."
        "Read it now, or set extend_when_left under [restore]."),
];
