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
    s("job.time_zone", "--time-zone", "DEFROST_TIME_ZONE"),
    s("job.prices", "--prices", "DEFROST_PRICES"),
    s("source.url", "", ""),
    s("source.name", "", ""),
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
    s("source.key_list", "--files-from", ""),
    s("source.key_list_nul", "--null", ""),
    s("source.from_csv", "--from-csv", ""),
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
    s("restore.extend_when_left", "--extend-when-left", "DEFROST_EXTEND_WHEN_LEFT"),
    s("restore.raise_tier", "--raise-tier", "DEFROST_RAISE_TIER"),
    s("restore.expedited_fallback", "--expedited-fallback", "DEFROST_EXPEDITED_FALLBACK"),
    s("limits.concurrency", "--concurrency", "DEFROST_CONCURRENCY"),
    s("limits.restore_rate", "--rate-limit", "DEFROST_RATE_LIMIT"),
    s("limits.list_rate", "--list-rate-limit", "DEFROST_LIST_RATE_LIMIT"),
    s("limits.list_concurrency", "--list-concurrency", "DEFROST_LIST_CONCURRENCY"),
    s("limits.head_rate", "--head-rate-limit", "DEFROST_HEAD_RATE_LIMIT"),
    s("limits.head_concurrency", "--head-concurrency", "DEFROST_HEAD_CONCURRENCY"),
    s("limits.max_attempts", "--max-attempts", "DEFROST_MAX_ATTEMPTS"),
    s("limits.run_objects", "--run-objects", "DEFROST_RUN_OBJECTS"),
    s("limits.run_bytes", "--run-bytes", "DEFROST_RUN_BYTES"),
    s("limits.run_cost", "--run-cost", "DEFROST_RUN_COST"),
    s("limits.daily_objects", "--daily-objects", "DEFROST_DAILY_OBJECTS"),
    s("limits.daily_bytes", "--daily-bytes", "DEFROST_DAILY_BYTES"),
    s("limits.daily_cost", "--daily-cost", "DEFROST_DAILY_COST"),
    s("limits.window", "--window", "DEFROST_WINDOW"),
    s("limits.outside_window", "--outside-window", "DEFROST_OUTSIDE_WINDOW"),
    s("limits.stop_after", "--stop-after", "DEFROST_STOP_AFTER"),
    s("safety.max_failures", "--max-failures", "DEFROST_MAX_FAILURES"),
    s("safety.max_same_refusals", "--max-same-refusals", "DEFROST_MAX_SAME_REFUSALS"),
    s("safety.confirm_over", "--confirm-over", "DEFROST_CONFIRM_OVER"),
    s("wait.until", "--until", "DEFROST_UNTIL"),
    s("wait.poll", "--poll", "DEFROST_POLL"),
    s("wait.timeout", "--wait-timeout", "DEFROST_WAIT_TIMEOUT"),
    s("wait.ready_file", "--ready-file", "DEFROST_READY_FILE"),
    s("wait.on_ready", "--on-ready", ""),
    s("wait.batch", "--batch", "DEFROST_BATCH"),
    s("report.path", "--report", "DEFROST_REPORT"),
    s("report.rows", "--rows", "DEFROST_ROWS"),
    s("report.metrics", "--metrics", "DEFROST_METRICS"),
    // It may hold a token, and everybody on a machine sees its command lines.
    s("notify.webhook", "", "DEFROST_WEBHOOK"),
    s("notify.webhook_secret_env", "--webhook-secret-env", ""),
    s("notify.webhook_secret_file", "--webhook-secret-file", "DEFROST_WEBHOOK_SECRET_FILE"),
    s("notify.webhook_allow_http", "--webhook-allow-http", "DEFROST_WEBHOOK_ALLOW_HTTP"),
    s("notify.on", "--notify-on", "DEFROST_NOTIFY_ON"),
    s("notify.on_finish", "--on-finish", ""),
    s("notify.time_limit", "--notify-time-limit", "DEFROST_NOTIFY_TIME_LIMIT"),
    s("report.also", "--also", ""),
    s("simulator.seed", "", ""),
    s("simulator.speed", "", ""),
    s("simulator.between_runs", "", ""),
];

/// Variables that are no key of a job.
pub(super) const VARIABLES: &[&str] = &[
    "DEFROST_NO_METADATA",
    // The name that is proposed for `notify.webhook_secret_env`.
    "DEFROST_WEBHOOK_SECRET",
    // The tests' hook into commit points, which a release does not have.
    #[cfg(debug_assertions)]
    "DEFROST_AT",
];

/// The tables of a job file. `restore.class` holds one table per class, each with
/// [`CLASS_KEYS`].
pub(super) const TABLES: [&str; 10] =
    ["job", "source", "filter", "restore", "limits", "safety", "wait", "report", "notify", "simulator"];

/// Keys of `[restore.class.NAME]`.
pub(super) const CLASS_KEYS: [&str; 2] = ["days", "tier"];

/// Keys, and whole tables, of later versions: refused like any unknown key, but told apart from
/// a slip of the finger.
const NOT_YET: &[&str] = &["source.inventory", "source.version_id", "report.columns", "inventory"];

/// Words of other tools, and of habit, for keys that have another name here. None of them is so near
/// to its key that the spelling would tell.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("budget", "limits.run_objects"),
    ("fees", "job.prices"),
    ("job.tz", "job.time_zone"),
    ("job.price_table", "job.prices"),
    ("source.files_from", "source.key_list"),
    ("source.keys", "source.key_list"),
    ("source.csv", "source.from_csv"),
    ("source.null", "source.key_list_nul"),
    ("restore.extend", "restore.extend_when_left"),
    ("limits.max_objects", "limits.run_objects"),
    ("limits.max_bytes", "limits.run_bytes"),
    ("limits.max_cost", "limits.run_cost"),
    ("limits.budget", "limits.run_cost"),
    ("limits.rate", "limits.restore_rate"),
    ("limits.deadline", "limits.stop_after"),
    ("safety.yes", "safety.confirm_over"),
    ("hooks", "notify.on_finish"),
    ("notify.command", "notify.on_finish"),
    ("notify.url", "notify.webhook"),
    ("notify.timeout", "notify.time_limit"),
    ("notify.metrics", "report.metrics"),
    ("report.webhook", "notify.webhook"),
    ("report.prometheus", "report.metrics"),
    ("report.format", "report.also"),
    ("report.formats", "report.also"),
    ("wait.interval", "wait.poll"),
    ("wait.command", "wait.on_ready"),
    ("wait.exec", "wait.on_ready"),
];

/// The key that is called otherwise at `path`.
pub(super) fn other_word(path: &str) -> Option<&'static str> {
    OTHER_WORDS.iter().find(|(word, _)| *word == path).map(|(_, key)| *key)
}

/// Words of other tools and of habit, and the keys that they mean.
pub(super) fn other_words() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    OTHER_WORDS.iter()
}

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
            // What says where a secret stands is none.
            let place = name.ends_with("_env") || name.ends_with("_file");
            assert!(place || !is_secret(name), "{name}");
            assert!(!is_not_yet(setting.key), "{name}");
            assert!(setting.env.is_empty() || setting.env.starts_with("DEFROST_"));
            let hidden = setting.key == "notify.webhook";
            assert!(hidden || setting.env.is_empty() || !setting.flag.is_empty(), "{name}");
            assert!(SETTINGS[..i].iter().all(|s| s.key != setting.key), "{name} twice");
        }
    }

    #[test]
    fn other_words_lead_to_keys_that_there_are() {
        for (word, key) in OTHER_WORDS {
            assert!(setting(key).is_some(), "{key}");
            assert!(setting(word).is_none() && !is_not_yet(word), "{word}");
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
