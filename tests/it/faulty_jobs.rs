//! How bad job files are told: every fault at once, with its place and the way out.

use std::path::Path;

use defrost::job::{self, Fault, Faults, Overrides, Place};

/// Line, column and what is wrong.
fn told(fault: &Fault) -> (usize, usize, String) {
    match &fault.at.place {
        Place::File { line, column, .. } => (*line, *column, fault.what.clone()),
        other => panic!("{other:?}"),
    }
}

fn faults(text: &str) -> Faults {
    job::from_file(Path::new("bad.toml"), text, &Overrides::default(), &defrost::job::Env::new()).unwrap_err()
}

/// Line, column, key path, what is wrong, and a piece of the way out.
type Wanted<'w> = (usize, usize, &'w str, &'w str, &'w str);

fn check(text: &str, wanted: &[Wanted<'_>]) {
    let faults = faults(text);
    let found: Vec<_> = faults.as_slice().iter().map(|fault| (told(fault), fault.at.key.clone())).collect();
    assert_eq!(found.len(), wanted.len(), "{text}\n{faults}");
    for (fault, (line, column, key, what, way_out)) in faults.as_slice().iter().zip(wanted) {
        assert_eq!(told(fault), (*line, *column, (*what).to_owned()), "{text}\n{faults}");
        assert_eq!(fault.at.key, *key, "{faults}");
        let said = fault.way_out.as_deref().unwrap_or_default();
        assert!(said.contains(way_out), "{fault}\nshould hold {way_out}");
        assert!(fault.to_string().starts_with(&format!("bad.toml:{line}:{column}:")), "{fault}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text = r#"[job]
name = "my job"

[[source]]
url = "s4://logs/2024/"
versions = "al"
page_size = "500"

[filter]
storage_class = ["Cold Archive"]
exlude = ["tmp/**"]
include = ["ok", "a[b"]
min_size = "1KB5"
older_than = 30
state = "frozen"

[restore]
days = 0
tier = "fast"
fit = true
extend_when_left = "soon"
[restore.class.ColdArchive]
dyas = 3

[limits]
restore_rate = 1.5
concurrency = [1]

[report]
path = "out/{dat}.csv"
"#;
    check(
        text,
        &[
            (2, 8, "job.name", "cannot name files and folders", "letters, digits"),
            (5, 7, "source.url", "has the unknown scheme `s4`", "did you mean `s3://logs/2024/`?"),
            (6, 12, "source.versions", "is not one of the words it can be", "did you mean `all`?"),
            (7, 13, "source.page_size", "must be a number, not text in quotes", "leave out the quotes: 500"),
            (10, 18, "filter.storage_class", "is not a storage class", "ColdArchive"),
            (11, 1, "filter.exlude", "unknown key", "did you mean `exclude`?"),
            (12, 18, "filter.include", "has a `[` without its `]` at character 2", "close it"),
            (13, 12, "filter.min_size", "is not a size: `KB5` is no unit", "10MiB"),
            (14, 14, "filter.older_than", "must be a span of time, not a number", "\"30d\" for days"),
            (15, 9, "filter.state", "is not one of the words it can be", "`archived`"),
            (18, 8, "restore.days", "is too small", "1 to 365"),
            (19, 8, "restore.tier", "is not one of the words it can be", "`Expedited`, `Standard`, `Bulk`"),
            (20, 7, "restore.fit", "must be text in quotes, not true or false", "put it in quotes"),
            (21, 20, "restore.extend_when_left", "is not a span of time", "\"12h\""),
            (23, 1, "restore.class.ColdArchive.dyas", "unknown key", "did you mean `days`?"),
            (
                26,
                16,
                "limits.restore_rate",
                "must be a whole number, not a number with a fraction",
                "1 to 100000",
            ),
            (27, 15, "limits.concurrency", "must be a number, not a list", "1 to 4096"),
            (30, 8, "report.path", "has the unknown placeholder \"dat\"", "`{date}`"),
        ],
    );
}

#[test]
fn unknown_keys_are_refused_with_a_hint() {
    const URL: &str = "[[source]]\nurl = \"oss://b\"\n";
    for (text, key, what, way_out) in [
        ("[fliter]\nmin_size = 1\n", "fliter", "unknown table", "did you mean `[filter]`?"),
        ("[restor]\n", "restor", "unknown table", "did you mean `[restore]`?"),
        (
            "[limits]\nmin_size = 1\n",
            "limits.min_size",
            "unknown key here",
            "`min_size` belongs in `[filter]`",
        ),
        (
            "[limits]\nmax_bytes = \"1TB\"\n",
            "limits.max_bytes",
            "unknown key",
            "it is called `run_bytes`, in `[limits]`",
        ),
        ("window = \"22:00-06:00\"\n", "source.window", "unknown key here", "`window` belongs in `[limits]`"),
        ("[budget]\n", "budget", "unknown key", "it is called `run_objects`, in `[limits]`"),
        ("[wiat]\n", "wiat", "unknown table", "did you mean `[wait]`?"),
        ("[safety]\nmax_failure = 1\n", "safety.max_failure", "unknown key", "did you mean `max_failures`?"),
        (
            "[report]\nformat = [\"csv\"]\n",
            "report.format",
            "unknown key",
            "it is called `also`, in `[report]`",
        ),
        (
            "[report]\ncolumns = [\"key\"]\n",
            "report.columns",
            "unknown key: not supported yet by this version of defrost",
            "take it out",
        ),
        ("[report]\nzebra = 1\n", "report.zebra", "unknown key", "`[report]` can have `path`, `rows`"),
        ("[zebra]\nx = 1\n", "zebra", "unknown table", "`[[source]]`, `[filter]`"),
        (
            "[restore]\ndays = 1\n[restore.class]\ndays = 3\n",
            "restore.class.days",
            "stands outside of a class",
            "[restore.class.ColdArchive]",
        ),
        (
            "[restore]\ndays = 1\nclass = 3\n",
            "restore.class",
            "must be a table, not a value",
            "[restore.class.NAME]",
        ),
        (
            "[restore]\ndays = 1\n[restore.class.\"A B\"]\ndays = 3\n",
            "restore.class.A B.",
            "is not a storage class",
            "ColdArchive",
        ),
        (
            "[restore]\ndays = 1\n[restore.class.a]\ndays = 3\n[restore.class.A]\n",
            "restore.class.a.",
            "stands here twice, in other letter case",
            "leave one",
        ),
        (
            "[[source]]\nurl = \"oss://c\"\n",
            "source.",
            "is the second source, and one is wanted here",
            "name a file with one source",
        ),
        ("[simulator]\nspeed = 0\nseed = \"s\"\n", "simulator.speed", "is out of range", "above 0"),
        ("[simulator]\n", "simulator.seed", "is missing", "seed = "),
    ] {
        let text = format!("{URL}{text}");
        let faults = faults(&text);
        let [fault] = faults.as_slice() else { panic!("{text}\n{faults}") };
        assert_eq!((fault.at.key.as_str(), fault.what.as_str()), (key, what), "{text}");
        assert!(
            fault.way_out.as_deref().unwrap_or_default().contains(way_out),
            "{fault}\nshould hold {way_out}"
        );
        assert!(fault.line().is_some_and(|line| line > 2), "{fault}");
    }
    check(
        "days = 7\n[[source]]\nurl = \"oss://b\"\n",
        &[(1, 1, "days", "unknown key here", "`days` belongs in `[restore]`")],
    );
    check(
        "job = 7\n[[source]]\nurl = \"oss://b\"\n",
        &[(1, 1, "job", "must be a table, not a value", "`[job]`")],
    );
    check(
        "source = 7\n",
        &[
            (1, 1, "source", "must be a table, not a value", "[[source]]"),
            (1, 1, "source.url", "is missing", "url = "),
        ],
    );
    check("[[source]]\n", &[(1, 1, "source.url", "is missing", "oss://bucket/prefix")]);
    check("", &[(1, 1, "source.url", "is missing", "oss://bucket/prefix")]);
    check("[[source]]\nurl = 7\n", &[(2, 7, "source.url", "must be text in quotes, not a number", "quotes")]);
}

#[test]
fn values_that_contradict_each_other() {
    check(
        "[[source]]\nurl = \"s3://b\"\nstart_after = \"m\"\nend_with = \"a\"\nendpoint_url = \"http://10.1.2.3\"\n\
         [filter]\nmin_size = \"1MiB\"\nmax_size = \"1KiB\"\nolder_than = \"30d\"\nnewer_than = \"7d\"\n\
         storage_class = [\"any\", \"GLACIER\"]\n",
        &[
            (
                4,
                12,
                "source.end_with",
                "does not come after `start_after` (\"m\"), so no key lies between",
                "swap",
            ),
            (
                5,
                16,
                "source.endpoint_url",
                "would send signed requests unencrypted over the network",
                "allow_http = true",
            ),
            (8, 12, "filter.max_size", "is below `min_size` (1048576 bytes), so no object passes", "swap"),
            (10, 14, "filter.newer_than", "is a shorter time than `older_than`, so no object passes", "swap"),
            (11, 18, "filter.storage_class", "stands for a whole group, and others stand beside it", "alone"),
        ],
    );
}

#[test]
fn secrets_are_refused_and_never_repeated() {
    const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    let text = format!(
        "access_key_id = \"{ID}\"\n[[source]]\nurl = \"s3://{ID}:{SECRET}@b/x\"\nprofile = \"{ID}\"\nsecret_key = \"{SECRET}\"\n\
         endpoint_url = \"https://{ID}:{SECRET}@h\"\nregion = \"{ID}\"\n[credentials]\nid = \"{SECRET}\"\n[restore]\ndays = 1\n\
         [restore.class.A]\ntoken = \"{SECRET}\"\n"
    );
    let faults = faults(&text);
    let keys: Vec<&str> = faults.as_slice().iter().map(|fault| fault.at.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "access_key_id",
            "source.url",
            "source.profile",
            "source.secret_key",
            "source.endpoint_url",
            "source.region",
            "credentials",
            "restore.class.A.token"
        ]
    );
    let all = format!("{faults}\n{faults:?}");
    assert!(!all.contains(SECRET) && !all.contains(ID), "{all}");
    assert!(all.contains("environment"), "{all}");
}

#[test]
fn what_is_no_toml_is_told_with_line_and_column() {
    for (text, line, column) in [
        ("[[source]]\nurl = oss://b\n", 2, 7),
        ("[[source]]\nurl = \"oss://b\n", 2, 15),
        ("[[source]\nurl = \"oss://b\"\n", 1, 10),
        ("[[source]]\nurl = \"oss://b\"\nurl = \"oss://c\"\n", 3, 1),
        ("[[source]]\r\nurl = \"é\" x\r\n", 2, 11),
    ] {
        let faults = faults(text);
        let first = &faults.as_slice()[0];
        let (found_line, found_column, what) = told(first);
        assert_eq!((found_line, found_column), (line, column), "{text}\n{faults}");
        assert!(what.starts_with("not valid TOML: "), "{faults}");
        assert!(
            first.to_string().starts_with(&format!("bad.toml:{line}:{column}: not valid TOML: ")),
            "{first}"
        );
        assert!(!faults.to_string().contains("is missing"), "{faults}");
    }
    // What stands before the tear is looked at all the same, what comes after is not.
    let faults = faults("[filter]\nmin_size = \"x\"\n[limits\nrestore_rate = 0\n");
    let lines: Vec<Option<usize>> = faults.as_slice().iter().map(Fault::line).collect();
    assert_eq!(lines.first(), Some(&Some(2)), "{faults}");
    assert!(lines.iter().all(|line| line.is_some_and(|line| line <= 3)), "{faults}");
}

#[test]
fn any_text_is_answered_without_panic() {
    let base = include_str!("../../jobs/nightly-oss.toml");
    let cut: Vec<usize> = base.char_indices().map(|(at, _)| at).step_by(7).collect();
    for at in cut {
        let (head, tail) = base.split_at(at);
        for text in [
            head.to_owned(),
            tail.to_owned(),
            format!("{head}\u{0}{tail}"),
            format!("{head}\"{tail}"),
            format!("{head}]{tail}"),
        ] {
            let _ =
                job::from_file(Path::new("x.toml"), &text, &Overrides::default(), &defrost::job::Env::new());
        }
    }
}
