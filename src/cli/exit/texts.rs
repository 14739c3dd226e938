//! Every error that a run, a wait, a release or the simulator can end with, as a person reads it: one
//! snapshot a family, and a test that no variant is without its case.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::*;
use crate::cli::{connect, release, simulate, wait};
use crate::job::{self, Job, Overrides};
use crate::model::Answers;
use crate::pipeline::release::ReleaseError;
use crate::pipeline::report::{Place, ReadError};
use crate::pipeline::source::split::Torn;
use crate::pipeline::wait::WaitError;
use crate::sim::{Config, SimError};
use crate::store::Refusal;
use crate::store::client::TransportError;

const KINDS: [ErrorKind; 21] = [
    ErrorKind::Network,
    ErrorKind::Untrusted,
    ErrorKind::Server,
    ErrorKind::Throttled,
    ErrorKind::Skewed,
    ErrorKind::TokenExpired,
    ErrorKind::Credentials,
    ErrorKind::Denied,
    ErrorKind::Forbidden,
    ErrorKind::Account,
    ErrorKind::NoSuchBucket,
    ErrorKind::Gone,
    ErrorKind::WrongRegion,
    ErrorKind::NotArchived,
    ErrorKind::Quota,
    ErrorKind::Illegal,
    ErrorKind::Unreadable,
    ErrorKind::UnsafeKey,
    ErrorKind::Halted,
    ErrorKind::Late,
    ErrorKind::Other,
];

/// A family of errors, told one after the other.
#[derive(Default)]
struct Family(String);

impl Family {
    fn tell(&mut self, name: &str, failure: &Failure) -> &mut Self {
        let text = error_text(failure.error.as_ref(), failure.hint.as_deref(), Look::default());
        assert!(failure.hint.is_some() || failure.error.is::<Faults>(), "{name}: no way out");
        self.0.extend([format!("# {name}: exit code {}\n", failure.exit as u8), text, "\n\n".to_owned()]);
        self
    }

    fn run(&mut self, name: &str, error: impl Into<RunError>) -> &mut Self {
        self.tell(name, &of_run(error.into(), Provider::S3))
    }

    fn into_text(self) -> String {
        self.0
    }
}

fn machine() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left on device")
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(name)
}

fn refusal(kind: ErrorKind, status: u16, code: &str, message: &str) -> Refusal {
    let (code, message, request_id) = (code.into(), message.into(), "5C3D9175B6FC201293AD".into());
    Refusal { kind, status, code, message, request_id, region: None, retry_after: None }
}

fn store(call: Call, kind: ErrorKind, refusal: Option<Refusal>) -> StoreError {
    let refusal = refusal.map(Box::new);
    let cause = refusal.is_none().then(|| Box::new(machine()) as _);
    StoreError { call, kind, on: "logs".to_owned(), refusal, cause, attempts: 8, answers: Answers::default() }
}

fn wish() -> Job {
    let over = Overrides { days: Some("7".to_owned()), ..Overrides::default() };
    job::from_url(crate::job::Verb::Restore, "s3://logs/2024/", &over, &crate::job::Env::new()).unwrap()
}

#[test]
fn refusals_of_stores() {
    let mut family = Family::default();
    for kind in KINDS {
        let error = store(Call::List, kind, None);
        family.run(&format!("ErrorKind::{kind:?}, nothing came back"), SourceError::Store(error));
    }
    for provider in Provider::ALL {
        for (call, kind, status, code) in [
            (Call::List, ErrorKind::Denied, 403, "AccessDenied"),
            (Call::Head, ErrorKind::Denied, 403, ""),
            (Call::Restore, ErrorKind::Forbidden, 403, "AccessDenied"),
            (Call::Release, ErrorKind::Forbidden, 403, "AccessDenied"),
            (Call::List, ErrorKind::Credentials, 403, "SignatureDoesNotMatch"),
            (Call::List, ErrorKind::Credentials, 403, "InvalidAccessKeyId"),
            (Call::List, ErrorKind::NoSuchBucket, 404, "NoSuchBucket"),
        ] {
            let told = refusal(kind, status, code, "the vendor's own words");
            let error = RunError::Doomed(store(call, kind, Some(told)));
            family.tell(&format!("{provider}: {} {code}", call.as_str()), &of_run(error, provider));
        }
        for region in [None, Some("oss-cn-shanghai.aliyuncs.com"), Some("eu-west-1"), Some("10.0.0.1:9000")] {
            let mut told = refusal(ErrorKind::WrongRegion, 301, "PermanentRedirect", "elsewhere");
            told.region = region.map(Into::into);
            let error = RunError::Doomed(store(Call::List, ErrorKind::WrongRegion, Some(told)));
            family.tell(&format!("{provider}: region {region:?}"), &of_run(error, provider));
        }
    }
    insta::assert_snapshot!("refusals_of_stores", family.into_text());
}

#[test]
fn ends_of_runs() {
    let mut family = Family::default();
    let key = || "2024/a.gz".to_owned();
    let join = || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let task = tokio::spawn(std::future::pending::<()>());
            task.abort();
            task.await.unwrap_err()
        })
    };
    family
        .run("RunError::Source(SourceError::Repeated)", SourceError::Repeated { pages: 7 })
        .run("SourceError::Backwards", SourceError::Backwards { last: key(), first: "2023/z.gz".to_owned() })
        .run("SourceError::Astray", SourceError::Astray { key: key(), prefix: "2023/".to_owned() })
        .run("SourceError::Died", SourceError::Died)
        .run("SourceError::Empty", SourceError::Empty)
        .run("SourceError::Names", SourceError::Names(bad_list()))
        .run("SourceError::Edited", SourceError::Edited { list: "keys.txt".to_owned() })
        .run("SourceError::Overlap", SourceError::Overlap { at: Torn(3).0 })
        .run("RunError::Names(NamesError::Bad)", bad_list())
        .run("NamesError::Copy", NamesError::Copy { path: path(".defrost/n/keys"), source: machine() })
        .run("RunError::Thread", RunError::Thread(machine()))
        .run("RunError::WriterDied", RunError::WriterDied)
        .run("RunError::Aborted", RunError::Aborted)
        .run("RunError::PageDied", RunError::PageDied(join()))
        .run("RunError::Doomed", RunError::Doomed(store(Call::Restore, ErrorKind::Account, None)));
    for (limit, denied, code) in [
        (Limit::Failures { failed: 51, of: 1_000, bound: "5%".to_owned() }, None, "InvalidArgument"),
        (Limit::SameRefusal { times: 100 }, None, "NewCode"),
        (Limit::SameRefusal { times: 100 }, Some(Call::Restore), "AccessDenied"),
    ] {
        let (code, request_id) = (code.to_owned(), "5C3D9175B6FC201293AD".to_owned());
        let stop = SafetyStop { limit, code, key: key(), request_id, denied };
        family.run("RunError::Safety(SafetyStop)", stop);
    }
    insta::assert_snapshot!("ends_of_runs", family.into_text());
}

fn bad_list() -> NamesError {
    NamesError::Bad {
        list: "keys.txt".to_owned(),
        line: Some(3),
        what: "the key is not below the prefix `2024/`".to_owned(),
        way_out: "take the line out".to_owned(),
    }
}

#[test]
fn own_files() {
    let mut family = Family::default();
    let report = || path("out/logs.csv.partial");
    let what = "write";
    family
        .run("RunError::Report(ReportError::Io)", ReportError::Io { what, path: report(), source: machine() })
        .run("ReportError::Io, stdout", ReportError::Io { what, path: path("-"), source: machine() })
        .run("ReportError::Shortened", ReportError::Shortened { path: report(), found: Some(7), marked: 9 })
        .run(
            "ReportError::Shortened, gone",
            ReportError::Shortened { path: report(), found: None, marked: 9 },
        )
        .run("ReportError::Edited", ReportError::Edited { path: report(), marked: 9 })
        .run("ReportError::Busy", ReportError::Busy { path: path("out/logs.csv") });
    let mark = || path(".defrost/nightly/mark.json");
    let held = LockError::Held { holder: "process 4711 on host7".to_owned(), path: path(".defrost/n/lock") };
    let changed = vec![("[restore] days".to_owned(), "7".to_owned(), String::new())];
    for (name, error) in [
        ("RunError::Checkpoint(CheckpointError::Lock(LockError::Held))", CheckpointError::Lock(held)),
        ("LockError::Io", LockError::Io { path: path(".defrost/n/lock"), source: machine() }.into()),
        ("CheckpointError::Io", CheckpointError::Io { what, path: mark(), source: machine() }),
        (
            "CheckpointError::Damaged",
            CheckpointError::Damaged { path: mark(), what: "its checksum does not fit".to_owned() },
        ),
        ("CheckpointError::Foreign", CheckpointError::Foreign { path: mark(), found: 99, finished: false }),
        ("CheckpointError::OtherJob", CheckpointError::OtherJob { path: path(".defrost/n"), changed }),
    ] {
        family.run(name, error);
    }
    let csv = || path("out/logs.csv");
    let row =
        ReadError::Row { path: csv(), place: Place::Line(12), what: "it has 3 fields, not 22".to_owned() };
    family
        .run(
            "RunError::Memory(MergeError::Report(ReadError::Io))",
            MergeError::Report(ReadError::Io { path: csv(), source: machine() }),
        )
        .run("ReadError::Row", MergeError::Report(row))
        .run(
            "ReadError::Damaged",
            MergeError::Report(ReadError::Damaged {
                path: path("out/logs.parquet"),
                what: "is damaged: its rows are not those that were written".to_owned(),
            }),
        )
        .run("ReadError::NoColumn", MergeError::Report(ReadError::NoColumn { path: csv(), column: "key" }))
        .run(
            "MergeError::Memory",
            MergeError::Memory(CheckpointError::Damaged {
                path: path(".defrost/n/restoring"),
                what: "it ends within a line".to_owned(),
            }),
        );
    insta::assert_snapshot!("own_files", family.into_text());
}

#[test]
fn waits_and_releases() {
    let mut family = Family::default();
    let job = wish();
    let name = || "nightly".to_owned();
    let damaged = |what: &str| CheckpointError::Damaged { path: path("m"), what: what.to_owned() };
    for (what, error) in [
        ("WaitError::NothingKnown", WaitError::NothingKnown { job: name(), path: path(".defrost/nightly") }),
        ("WaitError::Unfinished", WaitError::Unfinished { job: name() }),
        ("WaitError::RetryUnfinished", WaitError::RetryUnfinished { job: name() }),
        ("WaitError::Source", WaitError::from(store(Call::Head, ErrorKind::Denied, None))),
        ("WaitError::Checkpoint", WaitError::Checkpoint(damaged("it ends within a line"))),
    ] {
        family.tell(what, &wait::of_wait(error, &job));
    }
    let busy = ReportError::Busy { path: path("out/logs.released.csv") };
    for (what, error) in [
        ("ReleaseError::List", ReleaseError::List(bad_list())),
        ("ReleaseError::Report", ReleaseError::Report(busy)),
        ("ReleaseError::Doomed", ReleaseError::Doomed(store(Call::Release, ErrorKind::Forbidden, None))),
    ] {
        family.tell(what, &release::of_release(error, &job));
    }
    insta::assert_snapshot!("waits_and_releases", family.into_text());
}

#[test]
fn credentials_and_places() {
    let mut family = Family::default();
    let text = |text: &str| text.to_owned();
    for (name, error) in [
        (
            "CredentialError::NotFound",
            CredentialError::NotFound {
                store: "Amazon S3",
                looked: text("environment, ~/.aws/credentials, instance role (no answer)"),
                way_out: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            },
        ),
        (
            "CredentialError::HalfSet",
            CredentialError::HalfSet {
                set: text("AWS_ACCESS_KEY_ID"),
                missing: text("AWS_SECRET_ACCESS_KEY"),
            },
        ),
        (
            "CredentialError::File",
            CredentialError::File {
                path: text("~/.aws/credentials"),
                line: Some(3),
                why: text("a line without `=`"),
            },
        ),
        (
            "CredentialError::NoProfile",
            CredentialError::NoProfile { profile: text("prod"), looked: text("~/.aws/config") },
        ),
        (
            "CredentialError::Profile",
            CredentialError::Profile {
                profile: text("prod"),
                file: text("~/.aws/config"),
                why: text("it names itself as its source"),
            },
        ),
        (
            "CredentialError::Refused",
            CredentialError::Refused { origin: text("the instance role"), why: text("it answered 404") },
        ),
        ("CredentialError::Lapsed", CredentialError::Lapsed { origin: text("the environment") }),
    ] {
        let mut refused = store(Call::List, ErrorKind::Credentials, None);
        refused.cause = Some(Box::new(error.clone()));
        family.run(name, SourceError::Store(refused));
        // Certificates are read before there is a store.
        if matches!(error, CredentialError::File { .. }) {
            let failure = connect::untrusting(TransportError::Roots(error));
            family.tell("TransportError::Roots", &failure);
        }
    }
    // `TransportError::Tls` holds an error of the HTTP library that nobody else can make.
    let (url, bucket) = (|| text("http://storage.example.com"), || text("Logs"));
    for (name, error) in [
        (
            "EndpointError::NoRegion, OSS",
            EndpointError::NoRegion { provider: Provider::Oss, bucket: bucket() },
        ),
        (
            "EndpointError::NoRegion, COS",
            EndpointError::NoRegion { provider: Provider::Cos, bucket: bucket() },
        ),
        ("EndpointError::BadUrl", EndpointError::BadUrl { url: url(), what: "has a path" }),
        ("EndpointError::Unencrypted", EndpointError::Unencrypted { url: url() }),
        (
            "EndpointError::BadBucket",
            EndpointError::BadBucket { bucket: bucket(), fault: text("it has capitals") },
        ),
    ] {
        family.tell(name, &error.into());
    }
    insta::assert_snapshot!("credentials_and_places", family.into_text());
}

#[test]
fn the_simulator() {
    let mut family = Family::default();
    let seed = Config::from_toml(Path::new("seed.toml"), "[[bucket]]\nname = \"B\"\n").unwrap_err();
    let addr = "127.0.0.1:9000".parse().unwrap();
    family
        .tell("ConfigError", &simulate::failure(seed.clone().into()))
        .tell("SimError::Config", &simulate::failure(SimError::Config(seed).into()))
        .tell("SimError::Bind", &simulate::failure(SimError::Bind { addr, cause: machine() }.into()))
        .tell(
            "StateError",
            &simulate::failure(simulate::StateError::new("write", Path::new("s.json"))(machine()).into()),
        );
    insta::assert_snapshot!("the_simulator", family.into_text());
}

/// What has no case above, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("TransportError::Tls", "holds an error of the HTTP library that nobody else can make"),
    ("DiffError", "each is told by a test of the binary, in tests/it/diff.rs"),
    ("WebhookError", "is a warning beside a run and never its end: tests/it/told.rs tells each"),
    ("TooLong", "never leaves the reader of rows: a row that long is told as a `ReadError`"),
    ("SendError", "never leaves the client: its words are the cause below a `StoreError`"),
];

/// Enums and structs of `text` that derive `thiserror::Error`: their names, and variants as `Name::Variant`.
fn declared(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !(line.starts_with("#[derive(") && line.contains("thiserror::Error")) {
            continue;
        }
        let heading = lines.by_ref().find(|line| line.contains("struct ") || line.contains("enum ")).unwrap();
        let name: String = heading
            .split(' ')
            .skip_while(|word| !["struct", "enum"].contains(word))
            .nth(1)
            .unwrap()
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if heading.contains("struct ") {
            found.push(name);
            continue;
        }
        let body = lines.by_ref().take_while(|line| *line != "}");
        let variants = body.filter_map(|line| line.strip_prefix("    "));
        let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
        found.extend(variants.map(|line| {
            let variant: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
            format!("{name}::{variant}")
        }));
    }
    found
}

#[test]
fn every_error_of_the_source_has_a_case() {
    let here = include_str!("texts.rs");
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            if file.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            for name in declared(&fs::read_to_string(&file).unwrap()) {
                count += 1;
                let excused = ELSEWHERE.iter().any(|(known, _)| name.starts_with(known));
                let told =
                    [" ", "(", ")", ",", "\""].iter().any(|end| here.contains(&format!("{name}{end}")));
                assert!(told || excused, "{}: {name} is told nowhere", file.display());
            }
        }
    }
    assert!(count > 50, "only {count} errors; this test would pass on nothing");
    let kinds = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/error.rs")).unwrap();
    let kinds = kinds.split_once("pub enum ErrorKind {").unwrap().1.split_once("\n}").unwrap().0;
    let kinds = kinds.lines().filter(|line| line.ends_with(',') && !line.contains("///")).count();
    assert_eq!(kinds, KINDS.len(), "a kind of refusal is told nowhere");
}
