//! The columns of a report, and of which type their values are in forms that have types.

/// The columns, in order; the header is always written.
pub const COLUMNS: [&str; 22] = [
    "bucket",
    "key",
    "version_id",
    "is_latest",
    "storage_class",
    "access_tier",
    "size",
    "etag",
    "last_modified",
    "state",
    "expires_at",
    "action",
    "reason",
    "tier",
    "days",
    "http_status",
    "error_code",
    "request_id",
    "attempts",
    "key_encoding",
    "checked_at",
    "flags",
];

/// Of which type the values of a column are. A value that is not there is empty in CSV, `null`
/// elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Text that seldom stands in a second row.
    Text,
    /// Text out of a few words.
    Word,
    /// True or false.
    Switch,
    /// A whole number below 2^31.
    Number,
    /// A whole number below 2^63.
    Size,
    /// A time, to the millisecond.
    Time,
}

/// The types of [`COLUMNS`], in their order.
pub(super) const TYPES: [Type; COLUMNS.len()] = [
    Type::Word,
    Type::Text,
    Type::Text,
    Type::Switch,
    Type::Word,
    Type::Word,
    Type::Size,
    Type::Text,
    Type::Time,
    Type::Word,
    Type::Time,
    Type::Word,
    Type::Word,
    Type::Word,
    Type::Number,
    Type::Number,
    Type::Word,
    Type::Text,
    Type::Number,
    Type::Word,
    Type::Time,
    Type::Word,
];
