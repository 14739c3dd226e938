//! Where bad things happen: a small archive bucket, a finished report of last night, and keys that
//! lack one right each.

use defrost::sim::{BucketConfig, Call, ClockConfig, Config, Credential, Fault, FaultKind, Generate};

use crate::support::{Keys, Ran, Rig, SECRET_KEY, Vendor, bare};

/// A report of last night, which no failure may touch.
pub(crate) const PRECIOUS: &str = "the report of last night\n";
pub(crate) const OBJECTS: u64 = 25;

/// Keys that may not list, restore, look; whose token has lapsed; that nobody knows.
pub(crate) const NO_LIST: Keys = Keys { id: "AKIDnolist0123456789", secret: SECRET_KEY, token: None };
pub(crate) const NO_RESTORE: Keys = Keys { id: "AKIDnorestore0123456", secret: SECRET_KEY, token: None };
pub(crate) const NO_HEAD: Keys = Keys { id: "AKIDnohead0123456789", secret: SECRET_KEY, token: None };
/// May not ask for settings of the bucket.
pub(crate) const NO_SETTINGS: Keys = Keys { id: "AKIDnosettings012345", secret: SECRET_KEY, token: None };
pub(crate) const LAPSED: Keys =
    Keys { id: "AKIDlapsed0123456789", secret: SECRET_KEY, token: Some("lapsed/session+token==") };
pub(crate) const UNKNOWN: Keys = Keys { id: "AKIDunknown012345678", secret: SECRET_KEY, token: None };
pub(crate) const WRONG: Keys = Keys { secret: "NotTheSecret/0123456789", ..Keys::GOOD };

/// A bucket of archived objects, and a finished report in the working folder.
pub(crate) fn scene(vendor: Vendor) -> Rig {
    scene_of(vendor, |_| {})
}

/// The same, where the store's clock is `seconds` ahead of this machine's.
pub(crate) fn skewed_scene(vendor: Vendor, seconds: i64) -> Rig {
    build(vendor, |_| {}, seconds)
}

/// The same with a bucket of another shape.
pub(crate) fn scene_of(vendor: Vendor, shape: impl FnOnce(&mut BucketConfig)) -> Rig {
    build(vendor, shape, 0)
}

fn build(vendor: Vendor, shape: impl FnOnce(&mut BucketConfig), skew: i64) -> Rig {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.generate = Some(Generate {
        count: OBJECTS,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        ..Generate::default()
    });
    shape(&mut bucket);
    let clock = ClockConfig { skew, ..ClockConfig::default() };
    let mut config = Config { clock, ..Config::default() }.with_bucket(bucket);
    for (keys, deny) in [
        (NO_LIST, &[Call::List, Call::Versions][..]),
        (NO_RESTORE, &[Call::Restore]),
        (NO_HEAD, &[Call::Head]),
        (NO_SETTINGS, &[Call::Other]),
        (LAPSED, &[]),
    ] {
        let mut credential = Credential::new(keys.id, keys.secret);
        credential.deny = deny.to_vec();
        credential.session_token = keys.token.map(str::to_owned);
        credential.expires = keys.token.map(|_| "2026-01-01T00:00:00Z".parse().unwrap());
        config.credentials.push(credential);
    }
    let rig = Rig::new(config);
    std::fs::write(rig.path("r.csv"), PRECIOUS).unwrap();
    rig
}

/// Runs `args` as `keys`, exactly as given.
pub(crate) fn run_as(rig: &Rig, keys: Keys, args: &[&str]) -> Ran {
    let mut command = bare(rig.folder(), args);
    keys.put(&mut command);
    Ran::of(&command.output().unwrap())
}

/// A restore of the whole bucket into `r.csv`, with the vendor's place behind it.
pub(crate) fn restore_as(rig: &Rig, vendor: Vendor, keys: Keys, more: &[&str]) -> Ran {
    let (url, place) = (vendor.url(""), rig.place(vendor));
    let mut args = vec!["restore", &url, "--days", "2", "--report", "r.csv"];
    args.extend(place.iter().map(String::as_str));
    args.extend(more);
    run_as(rig, keys, &args)
}

/// The right to restore is taken away after the first request of a run has shown that it is there.
pub(crate) fn denied() -> Fault {
    let fault = Fault::new(FaultKind::Error).on(Call::Restore);
    Fault { skip: 1, status: Some(403), code: Some("AccessDenied".to_owned()), ..fault }
}

/// Nothing was restored, and last night's report is as it was.
#[track_caller]
pub(crate) fn unharmed(rig: &Rig) {
    assert_eq!(rig.server.ledger().counts().restore, 0, "a restore was asked for");
    assert_eq!(std::fs::read_to_string(rig.path("r.csv")).unwrap(), PRECIOUS);
}

/// As [`unharmed`], and the store was not even asked.
#[track_caller]
pub(crate) fn unasked(rig: &Rig) {
    unharmed(rig);
    assert_eq!(rig.server.ledger().counts().total, 0, "a request was sent");
}

/// A job file named `job.toml` for `vendor`, with `tail` behind its source.
pub(crate) fn job(rig: &Rig, vendor: Vendor, tail: &str) {
    let (url, region, endpoint) = (vendor.url(""), vendor.region, rig.server.url());
    let text = format!(
        "[[source]]\nurl = \"{url}\"\nregion = \"{region}\"\nendpoint_url = \"{endpoint}\"\n\
         [report]\npath = \"r.csv\"\n{tail}"
    );
    std::fs::write(rig.path("job.toml"), text).unwrap();
}
