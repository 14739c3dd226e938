//! Every bad value of every field of a campaign, in a file, as a flag and as a variable: one error that
//! names the place and the way out, exit code 2, and nothing sent.

use defrost::job::{self, Setting};

use crate::scene::{job, run_as, scene, unasked};
use crate::support::{Keys, Ran, S3, bare};

/// A field, values that are bad in TOML, and texts that are bad as a flag or a variable.
type Field = (&'static str, &'static [&'static str], &'static [&'static str]);

const SPANS: (&[&str], &[&str]) =
    (&["30", "\"soon\"", "\"0s\"", "\"-1h\"", "true", "\"1month\"", "[]"], &["30", "soon", "0s", "-1h", ""]);
const COUNTS: (&[&str], &[&str]) =
    (&["0", "-1", "1.5", "\"many\"", "true", "[5]"], &["0", "-1", "1.5", "many", "1e3"]);
const SIZES: (&[&str], &[&str]) =
    (&["0", "-1", "1.5", "\"40TBs\"", "\"0B\"", "false"], &["0", "-1", "40TBs", "0.3B", "99999999PB"]);
const COSTS: (&[&str], &[&str]) = (
    &["200", "0.5", "\"200\"", "\"CNY 200\"", "\"0 CNY\"", "\"-5 CNY\"", "\"5 yuan\"", "[\"5 CNY\"]"],
    &["200", "CNY 200", "0 CNY", "-5 CNY", "5 yuan", "0.0000001 USD"],
);
const SWITCHES: (&[&str], &[&str]) = (&["\"true\"", "1", "\"maybe\"", "[]"], &["maybe", "2"]);
const FILES: (&[&str], &[&str]) =
    (&["\"\"", "7", "\"folder/\"", "\".\"", "[\"a\"]", "\"a\\tb\""], &["folder/", ".."]);

const FIELDS: &[Field] = &[
    (
        "job.time_zone",
        &["\"Beijing\"", "8", "\"+08:00\"", "\"\"", "[\"UTC\"]"],
        &["Beijing", "+08:00", "../UTC"],
    ),
    ("job.prices", FILES.0, FILES.1),
    ("source.key_list", FILES.0, &["folder/", "..", ""]),
    ("source.key_list_nul", SWITCHES.0, SWITCHES.1),
    ("source.from_csv", FILES.0, &["folder/", "..", ""]),
    (
        "restore.extend_when_left",
        &["36", "\"soon\"", "\"0s\"", "\"-1h\"", "true", "\"2d\"", "[]"],
        &["36", "soon", "0s", "-1h", "2d"],
    ),
    ("restore.raise_tier", SWITCHES.0, SWITCHES.1),
    ("restore.expedited_fallback", SWITCHES.0, SWITCHES.1),
    ("limits.head_concurrency", &["0", "4097", "\"8\"", "1.5"], &["0", "4097", "many"]),
    ("limits.run_objects", COUNTS.0, COUNTS.1),
    ("limits.run_bytes", SIZES.0, SIZES.1),
    ("limits.run_cost", COSTS.0, COSTS.1),
    ("limits.daily_objects", COUNTS.0, COUNTS.1),
    ("limits.daily_bytes", SIZES.0, SIZES.1),
    ("limits.daily_cost", COSTS.0, COSTS.1),
    (
        "limits.window",
        &[
            "22",
            "\"22-06\"",
            "\"22:00\"",
            "\"06:00-06:00\"",
            "\"00:00-24:00\"",
            "\"22:00-06:00 Mars\"",
            "22:00:00",
        ],
        &["22", "22:00-25:00", "06:00-06:00", "22:00-06:00 Mars", "22:60-23:00"],
    ),
    // Without a window it has no meaning in a file; a variable is meant for all jobs.
    ("limits.outside_window", &["\"stop\"", "true", "\"wait\"", "\"end\""], &["stop", "no"]),
    ("limits.stop_after", SPANS.0, &["30", "soon", "0s", "-1h"]),
    (
        "safety.max_failures",
        &["\"0%\"", "\"101%\"", "\"few\"", "0.05", "-1", "\"5\"", "true", "\"%\""],
        &["0%", "101%", "few", "0.05", "-1", "5%%"],
    ),
    ("safety.max_same_refusals", &["-1", "\"5%\"", "1.5", "false"], &["-1", "5%", "few"]),
    ("safety.confirm_over", &["-1", "1.5", "\"lots\"", "true"], &["-1", "lots", "10TBs"]),
    (
        "wait.until",
        &["\"redy\"", "\"ready:0%\"", "\"ready:101%\"", "\"ready:95\"", "95", "true"],
        &["redy", "95%", "ready:"],
    ),
    ("wait.poll", &["10", "\"0s\"", "\"often\"", "true"], &["10", "0s", "often"]),
    ("wait.timeout", &["10", "\"0s\"", "\"long\"", "true"], &["10", "0s", "long"]),
    ("wait.ready_file", FILES.0, FILES.1),
    (
        "wait.on_ready",
        &["7", "true", "[7]", "[\"\"]", "[\"x\", \"{redy_file}\"]", "{ run = \"x\" }"],
        &["{redy_file}", ""],
    ),
    (
        "report.metrics",
        &["\"\"", "7", "\"m.txt\"", "\"m/\"", "\"{date}.prom\"", "\"{job.prom\"", "[]"],
        &["m.txt", "{date}.prom"],
    ),
    (
        "notify.webhook",
        &[
            "\"\"",
            "7",
            "\"hooks.example.com/x\"",
            "\"ftp://h/x\"",
            "\"https://u:p@h/\"",
            "\"http://h.example.com/x\"",
            "\"https://h/#x\"",
        ],
        &["hooks.example.com/x", "ftp://h/x", "http://h.example.com/x", "https://"],
    ),
    (
        "notify.webhook_secret_env",
        &["\"\"", "7", "\"whsec_abc\"", "\"lower\"", "\"A B\""],
        &["whsec_abc", "1A", "a-b"],
    ),
    ("notify.webhook_secret_file", FILES.0, FILES.1),
    ("notify.webhook_allow_http", SWITCHES.0, &["maybe", "2"]),
    (
        "notify.on",
        &["\"allways\"", "7", "[\"failure\", \"sometimes\"]", "true"],
        &["allways", "failure,sometimes"],
    ),
    (
        "notify.on_finish",
        &["7", "true", "[7]", "[\"\"]", "[\"x\", \"{sumary}\"]", "{ run = \"x\" }"],
        &["{sumary}", ""],
    ),
    (
        "notify.time_limit",
        &["30", "\"0s\"", "\"500ms\"", "\"11m\"", "\"soon\"", "true"],
        &["30", "0s", "11m", "soon"],
    ),
    ("wait.batch", &["0", "100_001", "\"10\"", "1.5"], &["0", "100001", "many"]),
];

fn setting(key: &str) -> &'static Setting {
    job::settings().find(|setting| setting.key == key).unwrap_or_else(|| panic!("{key}"))
}

/// A job file with `value` for `key`.
fn with(key: &str, value: &str) -> String {
    let (table, name) = key.split_once('.').unwrap();
    let line = format!("{name} = {value}\n");
    match table {
        // Its table is there already: the line belongs right behind the heading.
        "source" => line,
        // The scene's tail stands in it.
        "report" => format!("{line}[restore]\ndays = 2\n"),
        "restore" => format!("[restore]\ndays = 2\n{line}"),
        _ => format!("[restore]\ndays = 2\n[{table}]\n{line}"),
    }
}

/// The error is told once, at its place, and there is a way out.
#[track_caller]
fn refused(told: Ran, place: &str, what: &str) {
    assert_eq!(told.code, 2, "{what}\n{}", told.stderr);
    assert!(told.stderr.contains(place), "{what}: no `{place}` in\n{}", told.stderr);
    told.in_one_error();
}

#[test]
fn every_new_field_is_in_the_table() {
    for setting in job::settings() {
        let of_a_campaign = ["safety.", "wait.", "notify.", "limits.run_", "limits.daily_"];
        let known = FIELDS.iter().any(|(key, ..)| *key == setting.key);
        assert!(
            known || !of_a_campaign.iter().any(|start| setting.key.starts_with(start)),
            "{}",
            setting.key
        );
    }
}

#[test]
fn bad_values_of_a_file() {
    let rig = scene(S3);
    for (key, values, _) in FIELDS {
        let (table, name) = key.split_once('.').unwrap();
        for value in *values {
            if table == "source" {
                let text = format!("[[source]]\nurl = \"s3://b\"\n{}[restore]\ndays = 2\n", with(key, value));
                std::fs::write(rig.path("job.toml"), text).unwrap();
            } else {
                job(&rig, S3, &with(key, value));
            }
            let text = std::fs::read_to_string(rig.path("job.toml")).unwrap();
            let line = text.lines().position(|line| line.starts_with(&format!("{name} = "))).unwrap() + 1;
            let told = run_as(&rig, Keys::GOOD, &["run", "job.toml"]);
            let table = if table == "source" { "[[source]]".to_owned() } else { format!("[{table}]") };
            refused(told, &format!("job.toml:{line}:"), &format!("{key} = {value}"));
            let told = run_as(&rig, Keys::GOOD, &["check", "job.toml"]);
            refused(told, &format!("{table} {name}"), &format!("{key} = {value}"));
        }
    }
    unasked(&rig);
    assert!(!rig.path(".defrost").exists(), "a faulty job leaves no state");
}

#[test]
fn bad_values_of_flags_and_variables() {
    let rig = scene(S3);
    let region = ["--region", S3.region];
    for (key, _, texts) in FIELDS {
        let setting = setting(key);
        for text in *texts {
            let flag = format!("{}={text}", setting.flag);
            let (url, endpoint) = (S3.url(""), rig.server.url());
            let mut line =
                vec!["restore", &url, "--days", "2", "--endpoint-url", &endpoint, "--report", "r.csv"];
            line.extend(region);
            if *key == "limits.outside_window" {
                line.extend(["--window", "1:00-2:00"]);
            }
            let mut flagged = line.clone();
            flagged.push(&flag);
            if !setting.flag.is_empty() {
                refused(run_as(&rig, Keys::GOOD, &flagged), setting.flag, &flag);
            }
            if setting.env.is_empty() || text.is_empty() {
                continue;
            }
            let mut command = bare(rig.folder(), &line);
            Keys::GOOD.put(&mut command);
            let told = Ran::of(&command.env(setting.env, text).output().unwrap());
            refused(told, setting.env, &format!("{}={text}", setting.env));
        }
    }
    unasked(&rig);
    assert!(!rig.path(".defrost").exists(), "a faulty job leaves no state");
}

#[test]
fn fields_that_contradict_each_other() {
    let rig = scene(S3);
    for (tail, pieces) in [
        (
            "[restore]\ndays = 2\nextend_when_left = \"36h\"\n[restore.class.GLACIER]\ndays = 1\n",
            &["job.toml:9:20: [restore] extend_when_left", "(1 days)", "36h"][..],
        ),
        (
            "[restore]\ndays = 2\n[limits]\noutside_window = \"end\"\n",
            &["job.toml:10:18: [limits] outside_window", "without a window", "window = "],
        ),
        (
            "[restore]\ndays = 2\n[limits]\nrun_cost = \"5 USD\"\ndaily_cost = \"5 CNY\"\n",
            &["job.toml:11:14: [limits] daily_cost", "another currency than `run_cost` (USD)"],
        ),
        (
            "[restore]\ndays = 2\n[wait]\npoll = \"2h\"\ntimeout = \"1h\"\n",
            &["job.toml:11:11: [wait] timeout", "shorter than `poll` (7200 s)", "swap"],
        ),
        ("[limits]\nrun_cost = \"5 USD\"\n", &["job.toml:8:12: [limits] run_cost", "no meaning in an audit"]),
        (
            "[wait]\nuntil = \"ready\"\n",
            &["job.toml:8:9: [wait] until", "no meaning in an audit", "[restore]"],
        ),
        ("[safety]\nmax_failures = 5\n", &["job.toml:8:16: [safety] max_failures", "no meaning in an audit"]),
        ("[job]\nprices = \"p.toml\"\n", &["job.toml:8:10: [job] prices", "no meaning in an audit"]),
    ] {
        job(&rig, S3, tail);
        for verb in ["run", "check"] {
            run_as(&rig, Keys::GOOD, &[verb, "job.toml"]).expect(2).in_one_error().says(pieces);
        }
    }
    for (keys, pieces) in [
        (
            "key_list = \"k\"\nfrom_csv = \"c\"\n",
            &["job.toml:4:12: [[source]] from_csv", "take one of the two out"][..],
        ),
        (
            "key_list = \"k\"\nstart_after = \"a\"\n",
            &["job.toml:4:15: [[source]] start_after", "beside a list of keys"],
        ),
        (
            "from_csv = \"k\"\nend_with = \"a\"\n",
            &["job.toml:4:12: [[source]] end_with", "beside a list of keys"],
        ),
        ("key_list = \"k\"\nversions = \"all\"\n", &["job.toml:4:12: [[source]] versions", "`version_id`"]),
        ("key_list_nul = true\n", &["job.toml:3:16: [[source]] key_list_nul", "without a list of keys"]),
    ] {
        std::fs::write(rig.path("job.toml"), format!("[[source]]\nurl = \"s3://b\"\n{keys}")).unwrap();
        for verb in ["run", "check"] {
            run_as(&rig, Keys::GOOD, &[verb, "job.toml"]).expect(2).in_one_error().says(pieces);
        }
    }
    let told = run_as(&rig, Keys::GOOD, &["scan", "s3://b", "--files-from", "a", "--from-csv", "b"]);
    told.expect(2).in_one_error().says(&["--files-from", "--from-csv"]);
    let told = run_as(&rig, Keys::GOOD, &["scan", "s3://b", "--null"]);
    told.expect(2).in_one_error().says(&["--null", "without a list of keys"]);
    unasked(&rig);
}
