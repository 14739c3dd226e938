//! No secret ever leaves the process: every verb and many failures at the highest verbosity, then
//! all that was written is searched for the secrets in every form that text takes on the way.

#[cfg(unix)]
mod system;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use defrost::model::{Clock as _, Event, Provider, SystemClock};
use defrost::sim::{BucketConfig, Call, ClockConfig, Config, Credential, Fault, FaultKind, Generate};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options, Style, for_provider};
use tempfile::TempDir;

use crate::support::{ACCESS_KEY, Keys, Ran, Rig, SECRET_KEY, VENDORS, Vendor, bare};

const TOKEN: &str = "FwoGZXIvYXdz/Session+Token==0123456789";
const WRONG_SECRET: &str = "An0ther/Secret+Key~9876543210zyxw";
/// What somebody wrote where it does not belong.
const MISTYPED: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const ALL: [&str; 4] = [SECRET_KEY, TOKEN, WRONG_SECRET, MISTYPED];

const TEMPORARY: Keys = Keys { id: "ASIAtemporary0123456", secret: SECRET_KEY, token: Some(TOKEN) };
const WRONG: Keys = Keys { secret: WRONG_SECRET, ..Keys::GOOD };
const DENIED: Keys = Keys { id: "AKIDdenied0123456789", secret: SECRET_KEY, token: Some(TOKEN) };
const LAPSED: Keys = Keys { id: "ASIAlapsed0123456789", secret: SECRET_KEY, token: Some(TOKEN) };

/// The forms in which `secret` could stand in a text: as it is or its first half, percent-encoded,
/// in hexadecimal, escaped for JSON, in base64 by itself or within something longer.
fn forms(secret: &str) -> Vec<String> {
    let mut percent = String::new();
    let mut hex = String::new();
    for byte in secret.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let _ = if plain { write!(percent, "{}", char::from(byte)) } else { write!(percent, "%{byte:02X}") };
        let _ = write!(hex, "{byte:02x}");
    }
    let half = secret[..secret.len() / 2].to_owned();
    let mut forms = vec![half, percent.to_lowercase(), percent.clone(), hex.to_uppercase(), hex];
    forms.push(forms[2].replace('%', "%25"));
    forms.push(secret.replace('/', r"\/"));
    for lead in 0..3 {
        // Behind 0, 1 or 2 other bytes; the letters that these and the end take part in are cut off.
        let bytes = [&b"xx"[..lead], secret.as_bytes()].concat();
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.push(text[(lead * 4).div_ceil(3)..secret.len() * 4 / 3 - 2].to_owned());
        }
    }
    forms
}

/// Where in `text` one of `secrets` stands, if it does.
fn found_in(text: &[u8], secrets: &[&str]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let hit = secrets.iter().flat_map(|secret| forms(secret)).find(|form| text.contains(form.as_str()));
    hit.map(|form| format!("`{form}` in:\n{text}"))
}

/// The same for the names and contents of all files below `folder`.
fn found_below(folder: &Path, secrets: &[&str]) -> Option<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        found_in(path.as_os_str().as_encoded_bytes(), secrets).or_else(|| {
            if path.is_dir() {
                return found_below(&path, secrets);
            }
            let hit = found_in(&std::fs::read(&path).unwrap(), secrets)?;
            Some(format!("{}: {hit}", path.display()))
        })
    })
}

#[test]
fn the_search_finds_what_is_planted() {
    let encoded = [
        STANDARD_NO_PAD.encode(MISTYPED),
        STANDARD_NO_PAD.encode(format!("id:{MISTYPED}:more")),
        URL_SAFE_NO_PAD.encode(format!("x{MISTYPED}")),
        MISTYPED.replace('/', "%2F").replace('+', "%2B"),
        MISTYPED.replace('/', "%252F").replace('+', "%252B"),
        MISTYPED.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}")),
        MISTYPED[..25].to_owned(),
        serde_json::to_string(&format!("key {MISTYPED}")).unwrap(),
    ];
    for text in encoded {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(found_below(folder.path(), &ALL), None);
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/b/c"), format!("\u{0}so {text} is")).unwrap();
        assert!(found_below(folder.path(), &ALL).is_some(), "{text}");
        assert!(found_below(folder.path(), &[SECRET_KEY, TOKEN]).is_none(), "{text}");
    }
    assert!(found_in(b"nothing of the kind", &ALL).is_none());
}

/// A bucket of `vendor`, and all the keys of this file but the wrong one.
fn rig(vendor: Vendor, skew: i64) -> Rig {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.generate = Some(Generate {
        count: 12,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        restored: 0.2,
        ..Generate::default()
    });
    let clock = ClockConfig { skew, ..ClockConfig::default() };
    let mut config = Config { clock, ..Config::default() }.with_bucket(bucket);
    for keys in [TEMPORARY, DENIED, LAPSED] {
        let mut credential = Credential::new(keys.id, keys.secret);
        credential.session_token = keys.token.map(str::to_owned);
        if keys.id == DENIED.id {
            credential.deny = vec![Call::Restore, Call::Head];
        }
        if keys.id == LAPSED.id {
            credential.expires = Some("2026-01-01T00:00:00Z".parse().unwrap());
        }
        config.credentials.push(credential);
    }
    Rig::new(config)
}

/// Ways to be told as much as can be.
const LOUD: [&[&str]; 3] = [&["-vv"], &["-vv", "--json-log"], &["-q"]];

/// Runs `args` in every loud way; what it says must hold no secret.
#[track_caller]
fn run(folder: &Path, keys: Option<Keys>, env: &[(&str, &str)], args: &[&str], code: i32) {
    for loud in LOUD {
        let args = [args, loud].concat();
        let mut command = bare(folder, &args);
        if let Some(keys) = keys {
            keys.put(&mut command);
        }
        let output = command.envs(env.iter().copied()).env("RUST_BACKTRACE", "1").output().unwrap();
        for told in [&output.stdout, &output.stderr] {
            if let Some(hit) = found_in(told, &ALL) {
                panic!("{args:?}: {hit}");
            }
        }
        Ran::of(&output).expect(code);
    }
}

#[track_caller]
fn clean(folder: &Path) {
    if let Some(hit) = found_below(folder, &ALL) {
        panic!("{hit}");
    }
}

#[test]
fn every_verb_and_every_refusal_keeps_the_secrets() {
    for vendor in VENDORS {
        let rig = rig(vendor, 0);
        let (url, place) = (vendor.url("p/"), rig.place(vendor));
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let line = |verb: &[&'static str]| [verb, &[&url], &place, &["--max-attempts", "2"]].concat();
        let job = format!(
            "[[source]]\nurl = \"{url}\"\nregion = \"{}\"\nendpoint_url = \"{}\"\n\
             [report]\npath = \"job.csv\"\n[restore]\ndays = 2\n",
            vendor.region,
            rig.server.url()
        );
        std::fs::write(rig.path("job.toml"), job).unwrap();
        let folder = rig.folder();
        for keys in [Keys::GOOD, TEMPORARY] {
            let keys = Some(keys);
            run(folder, keys, &[], &line(&["scan", "--head", "--storage-class", "any"]), 0);
            run(folder, keys, &[], &line(&["scan", "--report", "-"]), 0);
            run(folder, keys, &[], &line(&["plan", "--report", "plan.csv"]), 0);
            run(folder, keys, &[], &line(&["restore", "--days", "2", "--report", "r.csv"]), 0);
            run(folder, keys, &[], &["run", "job.toml"], 0);
            run(folder, keys, &[], &["check", "job.toml"], 0);
            run(folder, keys, &[], &["status", "job.toml"], 0);
            run(folder, keys, &[], &["status", &url], 0);
        }
        rig.server.clock().advance(std::time::Duration::from_hours(24 * 30));
        for (keys, code) in [(WRONG, 4), (DENIED, 4), (LAPSED, 4)] {
            let line = line(&["restore", "--days", "2", "--report", "x.csv", "--fresh"]);
            run(folder, Some(keys), &[], &line, code);
            run(folder, Some(keys), &[], &["status", &url], 0);
        }
        clean(folder);

        // Answers that are retried, and a run that stops half-way with its state on disk.
        rig.server.add_fault(Fault::new(FaultKind::SlowDown).on(Call::List).first(1));
        rig.server.add_fault(Fault { skip: 1, ..Fault::new(FaultKind::Cut).on(Call::List) });
        let line = line(&["restore", "--days", "2", "--report", "y.csv", "--page-size", "3", "--fresh"]);
        run(folder, Some(TEMPORARY), &[], &line, 1);
        rig.server.clear_faults();
        run(folder, Some(WRONG), &[], &line, 4);
        clean(folder);
        assert!(rig.path(".defrost").exists() && rig.path("job.summary.json").exists(), "it was searched");
    }
}

#[test]
fn a_skewed_clock_and_an_unreachable_store_keep_the_secrets() {
    for vendor in VENDORS {
        let rig = rig(vendor, 5 * 3600);
        let (url, place) = (vendor.url(""), rig.place(vendor));
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        run(
            rig.folder(),
            Some(TEMPORARY),
            &[],
            &[&["scan", &url, "--max-attempts", "1"], &place[..]].concat(),
            4,
        );
        run(rig.folder(), Some(TEMPORARY), &[], &[&["scan", &url, "--fresh"], &place[..]].concat(), 0);

        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let few = ["--region", vendor.region, "--max-attempts", "2", "--fresh", "--endpoint-url"];
        let line = |endpoint: &str| -> Vec<String> {
            [&["scan", &url][..], &few, &[endpoint, "--allow-http"]]
                .concat()
                .iter()
                .map(|s| (*s).into())
                .collect()
        };
        // Once straight, once by a proxy that has a password.
        let proxy = format!("http://user:{}@{closed}", MISTYPED.replace('/', "%2F"));
        let proxied = format!("http://{}.store.invalid", vendor.bucket);
        for (endpoint, env) in [
            (format!("http://{closed}"), &[][..]),
            (format!("https://{closed}"), &[]),
            (proxied, &[("http_proxy", proxy.as_str()), ("HTTP_PROXY", &proxy)]),
        ] {
            let line = line(&endpoint);
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            run(rig.folder(), Some(TEMPORARY), env, &line, 1);
        }
        clean(rig.folder());
    }
}

/// A folder for what a user wrote himself, apart from the one that is searched.
fn inputs(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn secrets_in_the_wrong_place_are_refused_and_never_repeated() {
    let rig = rig(VENDORS[0], 0);
    let source = "[[source]]\nurl = \"oss://test-archive/\"\nregion = \"cn-hangzhou\"\n";
    for text in [
        format!("{source}secret_key = \"{MISTYPED}\"\n"),
        format!("{source}access_key_secret = [\"{MISTYPED}\"]\n"),
        format!("{source}secret_key = {MISTYPED}\n"),
        format!("{source}secret_key = \"{MISTYPED}\n"),
        format!("{source}{MISTYPED}\n"),
        format!("{source}{MISTYPED} = 1\n"),
        format!("{source}[credentials]\nsecret = \"{MISTYPED}\"\n"),
        format!("{source}endpoint_url = \"https://user:{MISTYPED}@host\"\n"),
        format!("{source}endpoint_url = \"user:{MISTYPED}@host\"\n"),
        format!("[[source]]\nurl = \"oss://{}:{MISTYPED}@test-archive/\"\n", Keys::GOOD.id),
        format!("[[source]]\nurl = \"https://test.oss-cn-hangzhou.aliyuncs.com/a?Signature={MISTYPED}\"\n"),
    ] {
        let written = inputs(&[("job.toml", &text)]);
        let job = written.path().join("job.toml");
        let job = job.to_str().unwrap();
        for verb in ["check", "run", "plan", "status"] {
            run(rig.folder(), None, &[], &[verb, job], 2);
        }
    }
    let endpoint = format!("https://user:{MISTYPED}@host");
    let scan = ["scan", "oss://test-archive/", "--region", "cn-hangzhou"];
    run(rig.folder(), None, &[], &[&scan[..], &["--endpoint-url", &endpoint]].concat(), 2);
    run(rig.folder(), None, &[("DEFROST_ENDPOINT_URL", &endpoint)], &scan, 2);
    run(rig.folder(), None, &[("OSS_ENDPOINT", &endpoint)], &scan, 2);
    run(rig.folder(), None, &[("AWS_ENDPOINT_URL", &endpoint)], &["scan", "s3://test-archive/"], 2);
    for flag in ["--secret-key", "--access-key-secret", "--password", "--token"] {
        run(rig.folder(), None, &[], &[&scan[..], &[&format!("{flag}={MISTYPED}")]].concat(), 2);
    }
    // The slash of a secret ends what looks like the bucket, with the `@` behind it or lost.
    for tail in ["@test-archive/", "/test-archive", ""] {
        let url = format!("s3://{}:{MISTYPED}{tail}", Keys::GOOD.id);
        for verb in ["scan", "status"] {
            run(rig.folder(), None, &[], &[verb, &url], 2);
        }
    }
    clean(rig.folder());
    assert_eq!(rig.server.ledger().counts().total, 0, "nothing was sent");
}

#[test]
fn profiles_that_are_broken_or_lead_astray_keep_their_secrets() {
    let rig = rig(VENDORS[2], 0);
    let endpoint = format!("endpoint_url = https://user:{MISTYPED}@host");
    for (url, name, text, code) in [
        ("s3://test-archive/", ".aws/config", format!("[default]\n{endpoint}\n"), 2),
        (
            "s3://test-archive/",
            ".aws/credentials",
            format!("[default\naws_secret_access_key = {MISTYPED}\n"),
            4,
        ),
        (
            "s3://test-archive/",
            ".aws/credentials",
            format!("[default]\naws_secret_access_key = {MISTYPED}\n"),
            4,
        ),
        ("s3://test-archive/", ".aws/credentials", format!("[default]\n{MISTYPED}\n"), 4),
        (
            "oss://test-archive/",
            ".ossutilconfig",
            format!("[Credentials]\nendpoint=https://u:{MISTYPED}@h\n"),
            2,
        ),
        ("oss://test-archive/", ".ossutilconfig", format!("[Credentials]\naccessKeySecret={MISTYPED}\n"), 4),
        ("oss://test-archive/", ".aliyun/config.json", format!("{{\"current\": \"{MISTYPED}"), 4),
        ("cos://test-1250000000/", ".cos.conf", format!("[common]\nsecret_key = {MISTYPED}\n"), 4),
        (
            "cos://test-1250000000/",
            ".tccli/default.credential",
            format!("{{\"secretKey\": \"{MISTYPED}\"}}"),
            4,
        ),
    ] {
        let home = inputs(&[(name, &text)]);
        let env = [("HOME", home.path().to_str().unwrap())];
        let mut line = vec!["scan", url, "--region", "r", "--max-attempts", "1", "--fresh"];
        let server = rig.server.url();
        if code == 4 {
            line.extend(["--endpoint-url", &server]);
        }
        run(rig.folder(), None, &env, &line, code);
    }
    clean(rig.folder());
    assert_eq!(rig.server.ledger().counts().total, 0, "nothing was sent");
}

#[test]
fn the_embedded_simulator_keeps_the_secrets_of_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let seed = format!(
        "[[credentials]]\naccess_key_id = \"AKIDseed012345678901\"\nsecret_key = \"{SECRET_KEY}\"\n\
         session_token = \"{TOKEN}\"\n[[bucket]]\nname = \"b-archive\"\nprovider = \"oss\"\n\
         [[bucket.object]]\nkey = \"k\"\nstorage_class = \"Archive\"\n"
    );
    let written =
        inputs(&[("seed.toml", &seed), ("bad.toml", &format!("{seed}secret_key = \"{MISTYPED}\"\n"))]);
    for (name, code) in [("seed.toml", 0), ("bad.toml", 2)] {
        let seed = written.path().join(name);
        let job = format!(
            "[[source]]\nurl = \"oss://b-archive/\"\n[restore]\ndays = 2\n[simulator]\nseed = \"{}\"\n",
            seed.display()
        );
        std::fs::write(folder.path().join("job.toml"), job).unwrap();
        run(folder.path(), Some(TEMPORARY), &[], &["run", "job.toml"], code);
        run(folder.path(), Some(TEMPORARY), &[], &["plan", "job.toml"], code);
        run(folder.path(), Some(TEMPORARY), &[], &["status", "job.toml"], 0);
    }
    clean(folder.path());
    let state = std::fs::read_to_string(folder.path().join(".defrost/job/simulator.json")).unwrap();
    assert!(!state.contains("secret") && !state.contains("AKID"), "{state}");
}

/// What a slip in the code could print: the values that hold keys, as `{:?}` shows them.
/// The token in a webhook's URL and the secret that it is signed with: at whatever the server or the lack of it
/// does, and wherever a run tells of itself.
#[test]
fn who_is_told_of_a_run_does_not_tell_the_secrets() {
    let rig = rig(crate::support::S3, 0);
    let vendor = crate::support::S3;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hook = format!("http://{closed}/hook/{TOKEN}?key={WRONG_SECRET}");
    let job = |more: &str| {
        let text = format!(
            "[[source]]\nurl = \"{}\"\nregion = \"{}\"\nendpoint_url = \"{}\"\n[report]\npath = \"{}\"\n\
             metrics = \"{}\"\n[notify]\nwebhook = \"{hook}\"\ntime_limit = \"1s\"\n\
             on_finish = [\"/no/such/program\"]\n{more}[restore]\ndays = 2\n",
            vendor.url("p/"),
            vendor.region,
            rig.server.url(),
            rig.path("r.csv").display(),
            rig.path("m.prom").display(),
        );
        inputs(&[("job.toml", &text), ("hook.secret", &format!("{MISTYPED}?"))])
    };
    let state = rig.path("state").display().to_string();
    let env = [("HOOK_SECRET", MISTYPED), ("BAD_SECRET", SECRET_KEY)];
    for (more, keys, code) in [
        ("webhook_secret_env = \"HOOK_SECRET\"\n", Keys::GOOD, 0),
        ("webhook_secret_env = \"BAD_SECRET\"\n", TEMPORARY, 0),
        ("webhook_secret_file = \"hook.secret\"\n", TEMPORARY, 0),
        ("webhook_secret_env = \"HOOK_SECRET\"\n", WRONG, 4),
    ] {
        let written = job(more);
        let path = written.path().join("job.toml").display().to_string();
        run(rig.folder(), Some(keys), &env, &["run", &path, "--state-dir", &state], code);
        run(rig.folder(), Some(keys), &env, &["check", &path], 0);
    }
    // Written where it does not belong, or in a way that is refused.
    for more in [
        format!("webhook_secret = \"{MISTYPED}\"\n"),
        format!("webhook_secret_env = \"{MISTYPED}\"\n"),
        format!("token = \"{MISTYPED}\"\n"),
    ] {
        let written = job(&more);
        let path = written.path().join("job.toml").display().to_string();
        run(rig.folder(), Some(Keys::GOOD), &env, &["run", &path, "--state-dir", &state], 2);
    }
    for bad in
        [format!("http://h.example.com/{TOKEN}"), format!("{TOKEN}://h"), format!("https://u:{MISTYPED}@h/")]
    {
        let url = vendor.url("p/");
        let line = ["scan", url.as_str(), "--region", vendor.region];
        run(rig.folder(), Some(Keys::GOOD), &[("DEFROST_WEBHOOK", &bad)], &line, 2);
    }
    assert!(rig.path("m.prom").exists(), "it was searched");
    clean(rig.folder());
}

#[test]
fn types_that_hold_secrets_do_not_show_them() {
    let keys = Credentials {
        access_key_id: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        session_token: Some(TOKEN.to_owned()),
    };
    let endpoint = Endpoint {
        https: false,
        host: "127.0.0.1:9".to_owned(),
        style: Style::Path,
        bucket: "b-b".to_owned(),
        region: "r".to_owned(),
    };
    let env = Environment::new([("AWS_SECRET_ACCESS_KEY", SECRET_KEY), ("AWS_SESSION_TOKEN", TOKEN)], None);
    let lane = Allowance { in_flight: 1, rate: 1 };
    let mut shown = vec![format!("{keys:?} {:#?}", Some(&keys)), format!("{env:?}")];
    let mut credential = Credential::new(ACCESS_KEY, SECRET_KEY);
    credential.session_token = Some(TOKEN.to_owned());
    let seed = Config { credentials: vec![credential], ..Config::default() };
    shown.push(format!("{seed:?}"));
    for provider in [Provider::Oss, Provider::Cos, Provider::S3] {
        let dialect = for_provider(provider, Options::default());
        let mut signed = dialect.head(b"k", b"");
        dialect.sign(&mut signed, &endpoint, &keys, SystemClock::new().now());
        assert!(signed.headers.iter().any(|(_, value)| value == TOKEN), "the token goes along");
        shown.push(format!("{signed:?} {dialect:?}"));
        let settings = Settings {
            endpoint: endpoint.clone(),
            env: env.clone(),
            credentials: CredentialSource::fixed(keys.clone()),
            list: lane,
            head: lane,
            restore: lane,
            max_attempts: 1,
            patience: Patience::default(),
        };
        shown.push(format!("{settings:?}"));
        let clock = Arc::new(SystemClock::new());
        let client = Client::new(dialect, settings, clock, Arc::new(|_: Event| ())).unwrap();
        shown.push(format!("{client:?}"));
    }
    for text in shown {
        assert!(!text.is_empty());
        if let Some(hit) = found_in(text.as_bytes(), &ALL) {
            panic!("{hit}");
        }
    }
}

/// Over plain HTTP whoever listens has the keys' signatures and the whole session token.
#[test]
fn plain_http_to_another_machine_takes_a_flag_of_its_own() {
    let rig = rig(VENDORS[2], 0);
    // Reserved for documents: nobody is there.
    let far = ["--endpoint-url", "http://192.0.2.1:9", "--region", "r", "--max-attempts", "1"];
    for verb in ["scan", "plan"] {
        let line = [&[verb, "s3://test-archive/"], &far[..]].concat();
        let mut command = bare(rig.folder(), &line);
        TEMPORARY.put(&mut command);
        Ran::of(&command.output().unwrap()).expect(2).in_one_error().says(&["unencrypted", "--allow-http"]);
    }
    for near in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
        let line = ["scan", "s3://test-archive/", "--endpoint-url", near, "--max-attempts", "1", "--fresh"];
        let mut command = bare(rig.folder(), &line);
        TEMPORARY.put(&mut command);
        Ran::of(&command.output().unwrap()).expect(1).says(&["cannot connect"]);
    }
    // There is nothing to switch the check of certificates off by.
    let help = Ran::of(&bare(rig.folder(), &["scan", "--help"]).output().unwrap()).expect(0).stdout;
    for flag in ["insecure", "no-verify", "skip-verify", "verify-ssl"] {
        assert!(!help.contains(flag), "{flag}");
    }
    assert!(help.contains("--allow-http"));
    clean(rig.folder());
}
