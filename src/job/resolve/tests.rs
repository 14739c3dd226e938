use std::time::Duration;

use super::*;
use jiff::civil::time;
use jiff::tz::TimeZone;

use crate::job::{
    Bounds, Budget, ClassFilter, ClassWish, Fit, KeyList, Outside, Rows, Share, TypedGlob, Until, Versions,
};
use crate::model::{Currency, Money, Provider, State, Tier};

static NO_ENV: &Env = &Env::new();

fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str, over: &Overrides) -> Result<Job, Faults> {
    from_file(Path::new("jobs/nightly.toml"), text, over, NO_ENV)
}

fn faults(text: &str, over: &Overrides) -> Vec<String> {
    file(text, over).unwrap_err().as_slice().iter().map(ToString::to_string).collect()
}

const SMALL: &str = "[[source]]\nurl = \"oss://logs/2024/\"\n";

#[test]
fn a_small_file_is_an_audit_with_defaults() {
    let job = file(SMALL, &Overrides::default()).unwrap();
    assert_eq!(job.verb, Verb::Scan);
    assert_eq!(job.name, "nightly");
    assert_eq!(job.source.url(), "oss://logs/2024/");
    assert_eq!(job.source.page_size, 1000);
    assert_eq!(job.filter.storage_class, ClassFilter::Archived);
    assert!(job.wish.is_none());
    let l = job.limits;
    assert_eq!((l.concurrency, l.head_concurrency, l.restore_rate, l.max_attempts), (32, 32, 80, 8));
    let on_s3 = file("[[source]]\nurl = \"s3://b\"\n", &Overrides::default()).unwrap();
    assert_eq!(on_s3.limits.restore_rate, 800);
    assert_eq!((job.budget, job.window, job.stop_after), (Budget::default(), None, None));
    assert_eq!((job.zone, job.safety, job.wait), (TimeZone::UTC, Safety::default(), WaitSpec::default()));
    assert_eq!(job.state_dir, Path::new("jobs/.defrost/nightly"));
    assert_eq!(job.report.path.as_deref(), Some("{job}-{date}-{time}.csv"));
    assert_eq!(job.report.folder, Path::new("jobs"));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        [job]
        name = "all"
        state_dir = "state"
        time_zone = "Europe/Berlin"
        prices = "prices.toml"
        [[source]]
        url = "s3://b/p"
        profile = "prod"
        region = "us-east-1"
        endpoint_url = "http://10.0.0.1:9000"
        allow_http = true
        path_style = false
        versions = "noncurrent"
        list_api = "v1"
        request_payer = true
        head = true
        start_after = "p1"
        end_with = "p9"
        page_size = 500
        [filter]
        storage_class = ["GLACIER", "deep_archive", "glacier"]
        include = ["*.gz"]
        exclude = ["tmp/**"]
        min_size = "1KiB"
        max_size = 4096
        older_than = "30d"
        newer_than = "60d"
        state = ["expired", "archived"]
        max_objects = 500_000
        [restore]
        days = 7
        tier = "bulk"
        fit = "clamp"
        extend_when_left = "36h"
        raise_tier = true
        expedited_fallback = true
        [restore.class.DEEP_ARCHIVE]
        days = 14
        tier = "Standard"
        [limits]
        concurrency = 8
        restore_rate = "10/s"
        list_rate = 5
        head_rate = 6
        list_concurrency = 4
        head_concurrency = 5
        max_attempts = 3
        run_objects = 1_000
        run_bytes = "1TB"
        run_cost = "200 cny"
        daily_objects = 500_000
        daily_bytes = "40TB"
        daily_cost = "1000.50 CNY"
        window = "22:00-06:00 Asia/Shanghai"
        outside_window = "end"
        stop_after = "6h"
        [safety]
        max_failures = "5%"
        max_same_refusals = 50
        confirm_over = "10TB"
        [wait]
        until = "ready:95%"
        poll = "5m"
        timeout = "24h"
        ready_file = "ready.txt"
        on_ready = ["fetch.sh", "{ready_file}", "-v"]
        batch = 100
        [report]
        path = "reports/{date}/{job}.csv"
        rows = "failed"
    "#;
    let job = file(text, &Overrides::default()).unwrap();
    let s = &job.source;
    assert_eq!((s.provider, s.bucket.as_str(), s.prefix.as_str()), (Provider::S3, "b", "p"));
    assert_eq!((s.profile.as_deref(), s.region.as_deref()), (Some("prod"), Some("us-east-1")));
    assert_eq!((s.endpoint_url.as_deref(), s.allow_http), (Some("http://10.0.0.1:9000"), true));
    assert_eq!((s.path_style, s.versions, s.list_v1), (Some(false), Versions::Noncurrent, true));
    assert!(s.request_payer && s.head);
    assert_eq!((s.start_after.as_deref(), s.end_with.as_deref(), s.page_size), (Some("p1"), Some("p9"), 500));
    let f = &job.filter;
    assert_eq!(f.storage_class, ClassFilter::Named(vec!["GLACIER".into(), "deep_archive".into()]));
    assert_eq!(
        f.globs.iter().map(|g| (g.include, g.pattern.as_str())).collect::<Vec<_>>(),
        [(true, "*.gz"), (false, "tmp/**")]
    );
    assert_eq!((f.min_size, f.max_size), (Some(1024), Some(4096)));
    assert_eq!(f.older_than, Some(Duration::from_hours(30 * 24)));
    assert_eq!(f.newer_than, Some(Duration::from_hours(60 * 24)));
    assert_eq!(f.state, [State::Archived, State::Expired]);
    assert_eq!(f.max_objects, 500_000);
    let wish = job.wish.unwrap();
    assert_eq!((wish.days, wish.tier, wish.fit), (7, Tier::Bulk, Fit::Clamp));
    assert_eq!(wish.class["deep_archive"], ClassWish { days: Some(14), tier: Some(Tier::Standard) });
    assert_eq!(wish.for_class(b"DEEP_ARCHIVE"), (14, Tier::Standard));
    let l = job.limits;
    assert_eq!(
        (l.concurrency, l.list_concurrency, l.restore_rate, l.list_rate, l.head_rate, l.max_attempts),
        (8, 4, 10, 5, 6, 3)
    );
    assert_eq!(job.report.rows, Rows::Failed);
    assert_eq!(job.state_dir, Path::new("jobs/state/all"));
    assert_eq!(wish.extend_when_left, Some(Duration::from_hours(36)));
    assert!(wish.raise_tier && wish.expedited_fallback);
    assert_eq!(l.head_concurrency, 5);
    let cny = |cents: i128| Money { currency: Currency::from_word("CNY").unwrap(), micros: cents * 10_000 };
    let bounds =
        |objects, bytes, cents| Bounds { objects: Some(objects), bytes: Some(bytes), cost: Some(cny(cents)) };
    assert_eq!(job.budget.run, bounds(1000, 1_000_000_000_000, 20_000));
    assert_eq!(job.budget.day, bounds(500_000, 40_000_000_000_000, 100_050));
    let window = job.window.unwrap();
    assert_eq!((window.from, window.to), (time(22, 0, 0, 0), time(6, 0, 0, 0)));
    assert_eq!(window.zone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!((window.outside, window.text.as_str()), (Outside::End, "22:00-06:00 Asia/Shanghai"));
    assert_eq!(job.stop_after, Some(Duration::from_hours(6)));
    assert_eq!(job.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(job.prices.as_deref(), Some(Path::new("jobs/prices.toml")));
    let safety = Safety {
        max_failures: Some(Share::Percent(5.0)),
        max_same_refusals: 50,
        confirm_over: Some(10_000_000_000_000),
    };
    assert_eq!(job.safety, safety);
    let wait = WaitSpec {
        until: Until::Ready(95.0),
        poll: Duration::from_mins(5),
        timeout: Duration::from_hours(24),
        ready_file: Some("jobs/ready.txt".into()),
        on_ready: vec!["fetch.sh".into(), "{ready_file}".into(), "-v".into()],
        batch: 100,
    };
    assert_eq!(job.wait, wait);
}

#[test]
fn objects_may_be_named() {
    let named = |text: &str, over: &Overrides| {
        file(&format!("[[source]]\nurl = \"s3://b\"\n{text}"), over).map(|job| job.source.key_list)
    };
    let none = Overrides::default();
    let keys = |file: Option<&str>, nul| Some(KeyList::Keys { file: file.map(Into::into), nul });
    let csv = |file: Option<&str>| Some(KeyList::Csv { file: file.map(Into::into), failed: false });
    assert_eq!(named("", &none).unwrap(), None);
    assert_eq!(named("key_list = \"k.txt\"\n", &none).unwrap(), keys(Some("jobs/k.txt"), false));
    assert_eq!(named("key_list = \"-\"\nkey_list_nul = true\n", &none).unwrap(), keys(None, true));
    assert_eq!(named("from_csv = \"f.csv\"\n", &none).unwrap(), csv(Some("jobs/f.csv")));
    // The line wins over the file, whichever kind of list each of them names.
    let over = Overrides { files_from: Some("k".into()), null: Some(true), ..none.clone() };
    assert_eq!(named("from_csv = \"f.csv\"\n", &over).unwrap(), keys(Some("k"), true));
    let over = Overrides { from_csv: Some("-".into()), ..none.clone() };
    assert_eq!(named("key_list = \"k\"\nkey_list_nul = true\n", &over).unwrap(), csv(None));
    for (text, key) in [
        ("key_list = \"k\"\nfrom_csv = \"c\"\n", "source.from_csv"),
        ("key_list = \"k\"\nstart_after = \"a\"\n", "source.start_after"),
        ("from_csv = \"k\"\nend_with = \"a\"\n", "source.end_with"),
        ("key_list = \"k\"\nversions = \"all\"\n", "source.versions"),
        ("key_list = \"k\"\nlist_api = \"v1\"\n", "source.list_api"),
        ("key_list_nul = true\n", "source.key_list_nul"),
        ("from_csv = \"k\"\nkey_list_nul = true\n", "source.key_list_nul"),
        ("key_list = \"folder/\"\n", "source.key_list"),
        ("from_csv = 7\n", "source.from_csv"),
    ] {
        let faults = named(text, &none).unwrap_err();
        let keys: Vec<_> = faults.as_slice().iter().map(|fault| fault.at.key.as_str()).collect();
        assert_eq!(keys, [key], "{text}: {faults}");
    }
}

#[test]
fn a_bound_of_the_file_can_be_lifted_on_the_line() {
    let text = format!(
        "{SMALL}[restore]\ndays = 7\nextend_when_left = \"1d\"\n[limits]\nrun_bytes = 5\ndaily_cost = \"1 USD\"\n\
         window = \"1:00-2:00\"\nstop_after = \"1h\"\n[safety]\nconfirm_over = 1\nmax_failures = 3\n"
    );
    let job = file(&text, &Overrides::default()).unwrap();
    assert!(job.window.is_some() && job.safety.confirm_over == Some(1));
    let none = || Some("none".to_owned());
    let over = Overrides {
        extend_when_left: Some(String::new()),
        run_bytes: none(),
        daily_cost: none(),
        window: none(),
        stop_after: none(),
        confirm_over: none(),
        max_failures: none(),
        ..Overrides::default()
    };
    let job = file(&text, &over).unwrap();
    assert_eq!((job.budget, job.window, job.stop_after), (Budget::default(), None, None));
    assert_eq!(job.safety, Safety::default());
    assert_eq!(job.wish.unwrap().extend_when_left, None);
}

#[test]
fn what_only_a_restore_can_mean_is_refused_in_an_audit() {
    for (text, key) in [
        ("[limits]\nrun_cost = \"1 USD\"\n", "limits.run_cost"),
        ("[limits]\nwindow = \"1:00-2:00\"\n", "limits.window"),
        ("[safety]\nconfirm_over = 5\n", "safety.confirm_over"),
        ("[wait]\nuntil = \"ready\"\n", "wait.until"),
        ("[job]\nprices = \"p.toml\"\n", "job.prices"),
    ] {
        let faults = file(&format!("{SMALL}{text}"), &Overrides::default()).unwrap_err();
        let keys: Vec<_> = faults.as_slice().iter().map(|fault| fault.at.key.as_str()).collect();
        assert_eq!(keys, [key], "{text}: {faults}");
    }
    let over = Overrides { raise_tier: Some(true), on_ready: vec!["x".into()], ..Overrides::default() };
    assert_eq!(faults(SMALL, &over).len(), 2);
    // A variable is meant for all jobs.
    let env = &env(&[("DEFROST_DAILY_OBJECTS", "5")]);
    let job = from_file(Path::new("a.toml"), SMALL, &Overrides::default(), env).unwrap();
    assert_eq!(job.budget, Budget::default());
    // How long it works is the business of an audit as well.
    let limits = format!("{SMALL}[limits]\nstop_after = \"6h\"\nhead_concurrency = 3\n");
    assert!(file(&limits, &Overrides::default()).unwrap().stop_after.is_some());
}

#[test]
fn a_dry_run_knows_the_state_of_the_real_one() {
    let text = format!("{SMALL}[restore]\ndays = 3\n");
    let dry = Overrides { dry_run: true, ..Overrides::default() };
    let (real, plan) = (file(&text, &Overrides::default()).unwrap(), file(&text, &dry).unwrap());
    assert_ne!(plan.state_dir, real.state_dir);
    assert_eq!(plan.acting_state_dir(), real.state_dir);
    assert_eq!(real.acting_state_dir(), real.state_dir);
    let days = Overrides { days: Some("3".to_owned()), ..Overrides::default() };
    let of = |verb| from_url(verb, "s3://b/plan-plan", &days, NO_ENV).unwrap();
    assert_eq!(of(Verb::Plan).acting_state_dir(), of(Verb::Restore).state_dir);
}

#[test]
fn archive_direct_read_is_a_thing_of_oss() {
    let direct = |url: &str| format!("[[source]]\nurl = \"{url}\"\narchive_direct_read = true\n");
    let job = file(&direct("oss://logs/2024/"), &Overrides::default()).unwrap();
    assert!(job.source.archive_direct_read);
    assert!(job.identity().contains(&("archive_direct_read".to_owned(), "true".to_owned())));
    let without = file(SMALL, &Overrides::default()).unwrap();
    assert!(without.identity().iter().all(|(field, _)| field != "archive_direct_read"));
    for url in ["s3://b/", "cos://b-1250000000/"] {
        let told = faults(&direct(url), &Overrides::default());
        assert!(told.len() == 1 && told[0].contains("is a property of OSS buckets"), "{told:?}");
    }
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let text = format!("{SMALL}[restore]\ndays = 3\n[limits]\nrestore_rate = 10\n");
    let env = &env(&[("DEFROST_RATE_LIMIT", "20"), ("DEFROST_CONCURRENCY", "")]);
    let path = Path::new("j.toml");
    let over = Overrides::default();
    let job = from_file(path, &text, &over, env).unwrap();
    assert_eq!((job.limits.restore_rate, job.limits.concurrency), (20, 32));
    let over = Overrides { restore_rate: Some("30".into()), days: Some("5".into()), ..over };
    let job = from_file(path, &text, &over, env).unwrap();
    assert_eq!((job.limits.restore_rate, job.wish.unwrap().days), (30, 5));
    // What is overridden is checked all the same.
    let bad = text.replace("= 10", "= 0");
    let fault = from_file(path, &bad, &over, env).unwrap_err();
    assert_eq!(fault.as_slice().len(), 1);
    assert_eq!(fault.as_slice()[0].line(), Some(6));
}

#[test]
fn the_vendors_variables_come_last() {
    let env = &env(&[("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", "http://10.0.0.1")]);
    let over = Overrides { endpoint_url: Some("localhost:9000".into()), ..Overrides::default() };
    let job = from_url(Verb::Scan, "s3://b", &over, env).unwrap();
    assert_eq!(job.source.region.as_deref(), Some("eu-west-1"));
    assert_eq!(job.source.endpoint_url.as_deref(), Some("https://localhost:9000"));
    let over = Overrides { region: Some("us-east-1".into()), ..over };
    assert_eq!(
        from_url(Verb::Scan, "s3://b", &over, env).unwrap().source.region.as_deref(),
        Some("us-east-1")
    );
    // Another vendor's variables do not count.
    assert_eq!(from_url(Verb::Scan, "oss://b", &Overrides::default(), env).unwrap().source.region, None);
    let fault = from_url(Verb::Scan, "s3://b", &Overrides::default(), env).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "environment AWS_ENDPOINT_URL = \"http://10.0.0.1\": would send signed requests unencrypted over the network; write https://, or allow it: `allow_http = true` in `[[source]]`, or `--allow-http`"
    );
}

#[test]
fn a_url_makes_the_same_job_again() {
    let over = Overrides { days: Some("7".into()), ..Overrides::default() };
    let job = from_url(Verb::Restore, "oss://logs/2024/", &over, NO_ENV).unwrap();
    assert!(
        job.name.starts_with("restore-logs-") && job.name.len() == "restore-logs-".len() + 8,
        "{}",
        job.name
    );
    assert_eq!(job.state_dir, Path::new(".defrost").join(&job.name));
    assert_eq!(job.report.folder, Path::new(""));
    assert_eq!(url_state_dir(Verb::Restore, "oss://logs/2024/", None, NO_ENV).unwrap(), job.state_dir);
    assert_eq!(url_state_dir(Verb::Restore, "OSS://logs/2024/", None, NO_ENV).unwrap(), job.state_dir);
    assert_ne!(url_state_dir(Verb::Restore, "oss://logs/2025/", None, NO_ENV).unwrap(), job.state_dir);
    assert_ne!(url_state_dir(Verb::Scan, "oss://logs/2024/", None, NO_ENV).unwrap(), job.state_dir);
    let env = &env(&[("DEFROST_STATE_DIR", "/var/lib/defrost")]);
    let dir = url_state_dir(Verb::Restore, "oss://logs/2024/", None, env).unwrap();
    assert_eq!(dir, Path::new("/var/lib/defrost").join(&job.name));
    assert!(url_state_dir(Verb::Scan, "s4://b", None, NO_ENV).is_err());
}

#[test]
fn a_restore_names_its_days_and_a_plan_may_not() {
    let over = Overrides::default();
    let fault = from_url(Verb::Restore, "oss://b", &over, NO_ENV).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "--days: is missing: a restore must say how many days the copies stay readable; give it: `--days 7`"
    );
    assert_eq!(from_url(Verb::Plan, "oss://b", &over, NO_ENV).unwrap().wish.unwrap().days, 7);
    let dry = Overrides { dry_run: true, ..over };
    let job = from_url(Verb::Restore, "oss://b", &dry, NO_ENV).unwrap();
    assert_eq!(job.verb, Verb::Plan);
    assert!(job.name.starts_with("plan-b-"));
    assert_eq!(
        faults(&format!("{SMALL}[restore]\n"), &dry),
        [
            "jobs/nightly.toml:3:2: [restore] days: is missing: a restore must say how many days the copies stay readable; add `days = 7`, or give `--days 7`"
        ]
    );
    assert_eq!(
        faults(SMALL, &Overrides { days: Some("7".into()), ..Overrides::default() }),
        [
            "--days \"7\": has no meaning in an audit, which restores nothing; leave it out, or add a `[restore]` table to the job file"
        ]
    );
}

#[test]
fn a_dry_run_never_meets_the_real_one() {
    let dry = Overrides { dry_run: true, ..Overrides::default() };
    for (path, planned) in [
        ("../out/demo.csv", "../out/demo.plan.csv"),
        ("/a/b", "/a/b.plan"),
        ("/.csv", "/.csv.plan"),
        ("x.csv", "x.plan.csv"),
        ("{job}.csv", "{job}.csv"),
    ] {
        let text = format!(
            "{SMALL}[restore]\ndays = 1\n[report]\npath = \"{path}\"\n[simulator]\nseed = \"s.toml\"\n"
        );
        let (plan, real) = (file(&text, &dry).unwrap(), file(&text, &Overrides::default()).unwrap());
        assert_eq!((plan.verb, real.verb), (Verb::Plan, Verb::Restore));
        assert_eq!(plan.report.path.as_deref(), Some(planned));
        assert_eq!(real.report.path.as_deref(), Some(path));
        assert_eq!(plan.name, "nightly-plan");
        assert_eq!(plan.state_dir, Path::new("jobs/.defrost/nightly-plan"));
        let (a, b) = (plan.simulator.unwrap(), real.simulator.unwrap());
        assert_eq!((&a.state_dir, &a.seed), (&real.state_dir, &b.seed));
        assert_eq!(a.seed, Path::new("jobs/s.toml"));
    }
    let env = &env(&[("DEFROST_REPORT", "r/x.csv")]);
    let text = format!("{SMALL}[restore]\ndays = 1\n");
    let plan = from_file(Path::new("jobs/nightly.toml"), &text, &dry, env).unwrap();
    assert_eq!(
        (plan.report.path.as_deref(), plan.report.folder.as_path()),
        (Some("r/x.plan.csv"), Path::new(""))
    );
    let said = Overrides { report: Some("x.csv".into()), ..dry };
    let text = format!("{SMALL}[restore]\ndays = 1\n");
    assert_eq!(file(&text, &said).unwrap().report.path.as_deref(), Some("x.csv"));
}

#[test]
fn flags_start_at_the_working_folder() {
    let over = Overrides {
        report: Some("r.csv".into()),
        state_dir: Some("s".into()),
        globs: vec![typed_glob(false, "**"), typed_glob(true, "a/**")],
        storage_class: vec!["Archive,ColdArchive".into(), "DeepColdArchive".into()],
        state: vec!["archived,expired".into()],
        ..Overrides::default()
    };
    let job = file(&format!("{SMALL}[filter]\ninclude = [\"x\"]\n"), &over).unwrap();
    assert_eq!((job.report.path.as_deref(), job.report.folder.as_path()), (Some("r.csv"), Path::new("")));
    assert_eq!(job.state_dir, Path::new("s/nightly"));
    assert!(job.filter.keeps_key(b"a/x") && !job.filter.keeps_key(b"b"));
    assert_eq!(job.filter.globs.len(), 2);
    assert!(matches!(job.filter.storage_class, ClassFilter::Named(names) if names.len() == 3));
    assert_eq!(job.filter.state.len(), 2);
    let stdout = Overrides { report: Some("-".into()), ..Overrides::default() };
    assert_eq!(file(SMALL, &stdout).unwrap().report.path, None);
}

#[test]
fn a_job_needs_a_name_that_can_name_files() {
    let odd = Path::new("my job.toml");
    let fault = from_file(odd, SMALL, &Overrides::default(), NO_ENV).unwrap_err();
    assert_eq!(fault.as_slice().len(), 1);
    assert!(fault.to_string().starts_with("my job.toml:1:1: [job] name: is missing, and the file's name"));
    let named = format!("[job]\nname = \"ok\"\n{SMALL}");
    assert_eq!(from_file(odd, &named, &Overrides::default(), NO_ENV).unwrap().name, "ok");
    let bad = format!("[job]\nname = \"../x\"\n{SMALL}");
    assert_eq!(from_file(odd, &bad, &Overrides::default(), NO_ENV).unwrap_err().as_slice().len(), 1);
}

fn typed_glob(include: bool, pattern: &str) -> TypedGlob {
    TypedGlob { include, pattern: pattern.to_owned(), from: None }
}
