//! Every setting there is: its key in a job file, its flag, its environment variable.
//!
//! The one table behind spelling hints, "not supported yet" and the order of precedence.

/// One setting of a job: where it can be written.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Key path in a job file.
    pub key: &'static str,
    /// Flag with its dashes; empty where there is none.
    pub flag: &'static str,
    /// Environment variable; empty where there is none. What a job touches (URL, filters) can
    /// only be said in the file or on the line, where a reader sees it.
    pub env: &'static str,
}

const fn s(key: &'static str, flag: &'static str, env: &'static str) -> Setting {
    Setting { key, flag, env }
}

/// Every setting, in the order of the documentation.
pub(super) const SETTINGS: &[Setting] = &[
    s("job.name", "", ""),
    s("job.state_dir", "--state-dir", "DEFROST_STATE_DIR"),
    s("source.url", "", ""),
    s("source.profile", "--profile", "DEFROST_PROFILE"),
    s("source.region", "--region", "DEFROST_REGION"),
    s("source.endpoint_url", "--endpoint-url", "DEFROST_ENDPOINT_URL"),
    s("source.allow_http", "--allow-http", "DEFROST_ALLOW_HTTP"),
    s("source.path_style", "--path-style", "DEFROST_PATH_STYLE"),
    s("source.versions", "--versions", ""),
    s("source.list_api", "--list-api", "DEFROST_LIST_API"),
    s("source.request_payer", "--requester-pays", "DEFROST_REQUESTER_PAYS"),
    s("source.archive_direct_read", "--archive-direct-read", "DEFROST_ARCHIVE_DIRECT_READ"),
    s("source.head", "--head", "DEFROST_HEAD"),
    s("source.start_after", "--start-after", ""),
    s("source.end_with", "--end-with", ""),
    s("source.page_size", "--page-size", "DEFROST_PAGE_SIZE"),
    s("filter.storage_class", "--storage-class", ""),
    s("filter.include", "--include", ""),
    s("filter.exclude", "--exclude", ""),
    s("filter.min_size", "--min-size", ""),
    s("filter.max_size", "--max-size", ""),
    s("filter.older_than", "--older-than", ""),
    s("filter.newer_than", "--newer-than", ""),
    s("filter.state", "--state", ""),
    s("filter.max_objects", "--max-objects", ""),
    s("restore.days", "--days", "DEFROST_DAYS"),
    s("restore.tier", "--tier", "DEFROST_TIER"),
    s("restore.fit", "--fit", "DEFROST_FIT"),
    s("limits.concurrency", "--concurrency", "DEFROST_CONCURRENCY"),
    s("limits.restore_rate", "--rate-limit", "DEFROST_RATE_LIMIT"),
    s("limits.list_rate", "--list-rate-limit", "DEFROST_LIST_RATE_LIMIT"),
    s("limits.list_concurrency", "--list-concurrency", "DEFROST_LIST_CONCURRENCY"),
    s("limits.head_rate", "--head-rate-limit", "DEFROST_HEAD_RATE_LIMIT"),
    s("limits.max_attempts", "--max-attempts", "DEFROST_MAX_ATTEMPTS"),
    s("report.path", "--report", "DEFROST_REPORT"),
    s("report.rows", "--rows", "DEFROST_ROWS"),
    s("simulator.seed", "", ""),
    s("simulator.speed", "", ""),
    s("simulator.between_runs", "", ""),
];

/// The tables of a job file. `restore.class` holds one table per class, each with
/// [`CLASS_KEYS`].
pub(super) const TABLES: [&str; 7] = ["job", "source", "filter", "restore", "limits", "report", "simulator"];

/// Keys of `[restore.class.NAME]`.
pub(super) const CLASS_KEYS: [&str; 2] = ["days", "tier"];

/// Keys, and whole tables, of later versions: refused like any unknown key, but told apart from
/// a slip of the finger.
const NOT_YET: &[&str] = &[
    "source.key_list",
    "source.inventory",
    "source.version_id",
    "restore.extend_when_left",
    "limits.max_bytes",
    "limits.max_cost",
    "limits.daily_objects",
    "limits.daily_bytes",
    "limits.daily_cost",
    "limits.window",
    "report.format",
    "report.columns",
    "report.metrics",
    "report.webhook",
    "wait",
    "safety",
    "budget",
    "window",
    "hooks",
    "fees",
    "prices",
    "inventory",
    "notify",
];

/// Every setting, in the order of the documentation.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter()
}

/// The setting whose key is `key`.
pub(super) fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Whether `key` belongs to a later version.
pub(super) fn is_not_yet(key: &str) -> bool {
    NOT_YET.contains(&key)
}

/// Names of the settings of `table`.
pub(super) fn names_in(table: &str) -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter_map(move |setting| match setting.key.split_once('.') {
        Some((of, name)) if of == table => Some(name),
        _ => None,
    })
}

/// The table that has a setting called `name`.
pub(super) fn table_of(name: &str) -> Option<&'static str> {
    SETTINGS.iter().find_map(|setting| match setting.key.split_once('.') {
        Some((table, n)) if n == name => Some(table),
        _ => None,
    })
}

/// Whether a key of this name would hold a secret.
pub(super) fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 10] = [
        "secret",
        "accesskey",
        "password",
        "passwd",
        "passphrase",
        "token",
        "credential",
        "apikey",
        "privatekey",
        "signature",
    ];
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    WORDS.iter().any(|word| plain.contains(word)) || plain == "ak" || plain == "sk"
}

/// Whether `text` looks like an access key id of one of the three vendors, or holds one.
///
/// `AKIA`, `ASIA` (AWS), `LTAI` (Alibaba Cloud), `AKID` (Tencent Cloud), each with at least twelve
/// letters and digits behind it. Sources: the vendors' pages on access keys, read 2026-11.
pub(super) fn looks_like_key(text: &str) -> bool {
    ["AKIA", "ASIA", "LTAI", "AKID"].iter().any(|start| {
        text.match_indices(start).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + start.len()..].chars().take_while(char::is_ascii_alphanumeric).count();
            after >= 12 && !before.is_some_and(|c| c.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (i, setting) in SETTINGS.iter().enumerate() {
            let (table, name) = setting.key.split_once('.').unwrap();
            assert!(TABLES.contains(&table), "{table}");
            assert!(!is_secret(name), "{name}");
            assert!(!is_not_yet(setting.key), "{name}");
            assert!(setting.env.is_empty() || setting.env.starts_with("DEFROST_"));
            assert!(setting.env.is_empty() || !setting.flag.is_empty(), "{name}");
            assert!(SETTINGS[..i].iter().all(|s| s.key != setting.key), "{name} twice");
        }
    }

    #[test]
    fn secrets_are_known_by_name_and_by_form() {
        for name in
            ["secret", "access_key_id", "AccessKeySecret", "session-token", "secret_id", "SK", "password"]
        {
            assert!(is_secret(name), "{name}");
        }
        assert!(looks_like_key("AKIAIOSFODNN7EXAMPLE"));
        assert!(looks_like_key("x:LTAI5tABCDEFGHIJKLMN"));
        for text in ["AKIA", "prod", "ASIA-pacific-logs", "MALAKIAIOSFODNN7EXAMPLE"] {
            assert!(!looks_like_key(text), "{text}");
        }
    }
}
