//! What the value of each setting may look like, as far as its form tells.
//!
//! The readers beside the settings are what counts; this says the same in a form that a schema can be made of.
//! Tests hold the two together: every setting has its shape, and no shape refuses what its reader takes.

/// What a value may look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Text of this pattern; empty for any that is not empty.
    Text(&'static str),
    /// `true` or `false`.
    Switch,
    /// A whole number, between two bounds; none above for no bound.
    Whole(u64, Option<u64>),
    /// A number above 0, up to this.
    Factor(f64),
    /// Requests a second: a number, or text such as `80/s`.
    Rate(u64),
    /// Bytes: a number, at least so many, or text with a unit.
    Size(u64),
    /// A span of time.
    Span,
    /// A span of time above nothing.
    SomeTime,
    /// A share such as `5%`, or a number of objects.
    Share,
    /// One of some words.
    Words(&'static [&'static str]),
    /// One value of a shape, or a list of them.
    Several(&'static Self),
    /// A value of a shape, or `none`, which lifts a bound.
    OrNone(&'static Self),
}

/// What may name a job or a source.
pub(super) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
/// A file: no folder, no control characters.
const FILE: &str = r"^(?!-$)(?!\.{1,2}$)[^\u0000-\u001f\u007f]*[^/\u0000-\u001f\u007f]$";
/// The same, or `-` for stdin.
const LIST: &str = r"^(?!\.{1,2}$)[^\u0000-\u001f\u007f]*[^/\u0000-\u001f\u007f]$";
const REPORT: &str = r"^(?=.)(?!(.*/)?\.\.$)(?!\.$)([^{\u0000-\u001f]|\{(date|time|job|source)\})*(?<!/)$";
const URL: &str = r"^\s*[A-Za-z0-9]+://[^/@\s]+(/.*)?$";
const REGION: &str = "^[A-Za-z0-9_-]+$";
const ENDPOINT: &str = r"^\s*([Hh][Tt][Tt][Pp][Ss]?://)?[^/?#@\s]+/?\s*$";
const ZONE: &str = r"^\s*[A-Za-z][A-Za-z0-9_+/-]*\s*$";
const CLASS: &str = "^[A-Za-z0-9_-]+$";
const HOURS: &str = r"^\s*\d{1,2}:\d{2}-\d{1,2}:\d{2}(\s+[A-Za-z][A-Za-z0-9_+/-]*)?\s*$";
const UNTIL: &str = r"^\s*([Nn]one|[Rr]eady(\s*:\s*\d+(\.\d+)?\s*%)?)\s*$";
const MONEY: &str = r"^\s*\d[\d_]*(\.\d+)?\s*[A-Za-z]{3}\s*$";
const WORD: &str = r"^(?!\{(?!(ready_file|batch)\}$)\w*\}$)[^\u0000]+$";
pub(super) const SIZE: &str = r"^\s*\d[\d_]*(\.\d+)?\s*([Bb]|[KkMmGgTtPp]([Ii]?[Bb])?)?\s*$";
const A_SPAN: &str = concat!(
    r"^\s*0\s*$|^\s*(\d[\d_]*(\.\d+)?\s*",
    "([Ss]|[Ss]ec|[Ss]econd|[Mm]|[Mm]in|[Mm]inute|[Hh]|[Hh]r|[Hh]our|[Dd]|[Dd]ay|[Ww]|[Ww]k|[Ww]eek)s?",
    r"\s*)+$"
);
/// No zero alone.
const LEFT: &str = r"^\s*$|^\s*[Nn]ever\s*$|^(?!\s*0\s*$).+$";
pub(super) const PER_SECOND: &str = r"^\s*[\d_]+\s*/\s*(s|sec|second)\s*$";
pub(super) const PERCENT: &str = r"^\s*\d+(\.\d+)?\s*%\s*$";
pub(super) const SPAN: &str = A_SPAN;

const ANY: Shape = Shape::Text("");
const TIER: Shape = Shape::Words(&["Expedited", "Standard", "Bulk"]);
const DAYS: Shape = Shape::Whole(1, Some(365));
const STATE: Shape =
    Shape::Words(&["readable", "archived", "restoring", "restored", "expired", "unknown", "missing"]);
const IN_FLIGHT: Shape = Shape::Whole(1, Some(4096));
const RATE: Shape = Shape::Rate(100_000);
const OBJECTS: Shape = Shape::OrNone(&Shape::Whole(1, None));
const BYTES: Shape = Shape::OrNone(&Shape::Size(1));
const COST: Shape = Shape::OrNone(&Shape::Text(MONEY));

/// The shape of every setting.
pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("job.name", Shape::Text(NAME)),
    ("job.state_dir", ANY),
    ("job.time_zone", Shape::Text(ZONE)),
    ("job.prices", Shape::Text(FILE)),
    ("source.url", Shape::Text(URL)),
    ("source.name", Shape::Text(NAME)),
    ("source.profile", ANY),
    ("source.region", Shape::Text(REGION)),
    ("source.endpoint_url", Shape::Text(ENDPOINT)),
    ("source.allow_http", Shape::Switch),
    ("source.path_style", Shape::Switch),
    ("source.versions", Shape::Words(&["current", "all", "noncurrent"])),
    ("source.list_api", Shape::Words(&["v2", "v1"])),
    ("source.request_payer", Shape::Switch),
    ("source.archive_direct_read", Shape::Switch),
    ("source.head", Shape::Switch),
    ("source.start_after", ANY),
    ("source.end_with", ANY),
    ("source.page_size", Shape::Whole(1, Some(1000))),
    ("source.key_list", Shape::Text(LIST)),
    ("source.key_list_nul", Shape::Switch),
    ("source.from_csv", Shape::Text(LIST)),
    ("filter.storage_class", Shape::Several(&Shape::Text(CLASS))),
    ("filter.include", Shape::Several(&ANY)),
    ("filter.exclude", Shape::Several(&ANY)),
    ("filter.min_size", Shape::Size(0)),
    ("filter.max_size", Shape::Size(0)),
    ("filter.older_than", Shape::Span),
    ("filter.newer_than", Shape::Span),
    ("filter.state", Shape::Several(&STATE)),
    ("filter.max_objects", Shape::Whole(0, None)),
    ("restore.days", DAYS),
    ("restore.tier", TIER),
    ("restore.fit", Shape::Words(&["fail", "skip", "clamp"])),
    ("restore.extend_when_left", Shape::Text(LEFT)),
    ("restore.raise_tier", Shape::Switch),
    ("restore.expedited_fallback", Shape::Switch),
    ("limits.concurrency", IN_FLIGHT),
    ("limits.restore_rate", RATE),
    ("limits.list_rate", RATE),
    ("limits.list_concurrency", Shape::Whole(1, Some(256))),
    ("limits.head_rate", RATE),
    ("limits.head_concurrency", IN_FLIGHT),
    ("limits.max_attempts", Shape::Whole(1, Some(100))),
    ("limits.run_objects", OBJECTS),
    ("limits.run_bytes", BYTES),
    ("limits.run_cost", COST),
    ("limits.daily_objects", OBJECTS),
    ("limits.daily_bytes", BYTES),
    ("limits.daily_cost", COST),
    ("limits.window", Shape::OrNone(&Shape::Text(HOURS))),
    ("limits.outside_window", Shape::Words(&["wait", "end"])),
    ("limits.stop_after", Shape::OrNone(&Shape::SomeTime)),
    ("safety.max_failures", Shape::OrNone(&Shape::Share)),
    ("safety.max_same_refusals", Shape::Whole(0, None)),
    ("safety.confirm_over", Shape::OrNone(&Shape::Size(0))),
    ("wait.until", Shape::Text(UNTIL)),
    ("wait.poll", Shape::SomeTime),
    ("wait.timeout", Shape::SomeTime),
    ("wait.ready_file", Shape::Text(FILE)),
    ("wait.on_ready", Shape::Several(&Shape::Text(WORD))),
    ("wait.batch", Shape::Whole(1, Some(100_000))),
    ("report.path", Shape::Text(REPORT)),
    ("report.rows", Shape::Words(&["all", "changed", "failed"])),
    (
        "report.also",
        Shape::Several(&Shape::Words(&[
            "csv",
            "csv.gz",
            "csv.zst",
            "jsonl",
            "jsonl.gz",
            "jsonl.zst",
            "parquet",
        ])),
    ),
    ("simulator.seed", ANY),
    ("simulator.speed", Shape::Factor(1e9)),
    ("simulator.between_runs", Shape::Span),
];

/// The shape of the key `name` of a class's own table.
pub(super) const fn of_class(name: &str) -> Shape {
    // One of two keys: see `settings::CLASS_KEYS`.
    if name.len() == "days".len() && name.as_bytes()[0] == b'd' { DAYS } else { TIER }
}
