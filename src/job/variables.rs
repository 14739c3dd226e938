//! The variables whose names begin as ours do, and which of them are a slip of the finger.
//!
//! A key that is not known is refused in a job file, which is ours alone. The environment is not: a
//! name near to one of ours is refused, since a campaign would run without what was meant; any other
//! is told and passed over.

use std::collections::BTreeMap;

use super::fault::{At, Fault, Place, Problem, distance};
use super::settings::{self, SETTINGS, VARIABLES};

/// The variables that are set, by name. Passed in, so that resolving a job stays pure.
pub type Env = BTreeMap<String, String>;

/// What the names of all our variables begin with.
const BEGIN: &str = "DEFROST_";

/// What is wrong with a name that is none of ours.
const UNKNOWN: &str = "unknown variable";

/// The letters from which on a name may hold two slips. In a shorter one two letters make another word, as
/// `SIZE_LIMIT` is to `TIME_LIMIT`.
const LONG: usize = 12;

/// A fault for each variable of `env` whose name was meant to be one of ours, but for `own`, which the job
/// itself names.
pub(super) fn slips(env: &Env, own: Option<&str>) -> Vec<Fault> {
    let of = |(name, bare): (&str, &str)| {
        let place = Place::Variable(name.to_owned());
        // The value may be a secret: nothing is known of it.
        Some(meant(env, bare)?.at(At { place, key: String::new(), value: None }))
    };
    strange(env).filter(|(name, _)| Some(*name) != own).filter_map(of).collect()
}

/// The names in `env` that begin as ours do, mean nothing here and resemble nothing of ours.
///
/// Names that speak of a secret are left out: no setting is one, and a job may name any variable for its
/// webhook's.
pub fn strangers(env: &Env) -> impl Iterator<Item = &str> {
    let strange = strange(env).filter(|(_, bare)| meant(env, bare).is_none() && !settings::is_secret(bare));
    strange.map(|(name, _)| name)
}

/// The variables that begin as ours do and are none of ours: name, and what stands behind the beginning.
fn strange(env: &Env) -> impl Iterator<Item = (&str, &str)> {
    let known = |name: &str| {
        VARIABLES.contains(&name) || SETTINGS.iter().any(|s| s.env == name) || is_of_kubernetes(name)
    };
    // As in most tools, an empty variable is one that is not set.
    let set = env.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str());
    set.filter(move |name| !known(name)).filter_map(|name| Some((name, name.strip_prefix(BEGIN)?)))
}

/// What is wrong with the variable `DEFROST_bare` of `env`, if it was meant to be one of ours.
fn meant(env: &Env, bare: &str) -> Option<Problem> {
    let asked = |name: &str| Problem::new(UNKNOWN, format!("did you mean {BEGIN}{name}?"));
    let ours = SETTINGS.iter().map(|setting| setting.env).chain(VARIABLES.iter().copied());
    let ours = ours.filter_map(|name| name.strip_prefix(BEGIN));
    if settings::is_secret(bare) {
        // Each job names the variable of its own secret, and one environment may serve many jobs.
        let is_set = |name: &str| env.get(&format!("{BEGIN}{name}")).is_some_and(|value| !value.is_empty());
        return slip(bare, 1, ours.filter(|name| !is_set(name))).map(asked);
    }
    let allowed = if bare.chars().count() < LONG { 1 } else { 2 };
    if !bare.contains('_') {
        // A word alone may be anybody's, and so may be the plural of one of ours: no slip of the finger.
        let is_plural = |name: &str| bare.strip_suffix('S') == Some(name);
        return slip(bare, allowed, ours.filter(|name| !name.contains('_') && !is_plural(name))).map(asked);
    }
    let word = bare.to_ascii_lowercase();
    if let Some(setting) = called(&word) {
        return Some(renamed(setting));
    }
    if let Some(name) = slip(bare, allowed, ours) {
        return Some(asked(name));
    }
    let keys = || SETTINGS.iter().filter_map(|setting| Some((setting.key.split_once('.')?.1, setting)));
    let name = slip(&word, 1, keys().map(|(name, _)| name).filter(|name| name.contains('_')))?;
    keys().find(|(key, _)| *key == name).map(|(_, setting)| renamed(setting))
}

/// The name in `known` that becomes `word` with the fewest slips, if these are at most `allowed`.
fn slip<'k>(word: &str, allowed: usize, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // The environment may hold a name of any length.
    let near = known.filter(|name| name.len().abs_diff(word.len()) <= allowed);
    let near = near.map(|name| (distance(word, name), name)).filter(|(slips, _)| *slips <= allowed);
    near.min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// The setting that is called `word` (two words or more) in a job file, on the command line or in other
/// tools.
fn called(word: &str) -> Option<&'static settings::Setting> {
    let of_setting = |setting: &&settings::Setting| {
        let (table, name) = setting.key.split_once('.').unwrap_or_default();
        let flag = setting.flag.trim_start_matches('-').replace('-', "_");
        [name, flag.as_str(), &format!("{table}_{name}")].contains(&word)
    };
    SETTINGS.iter().find(of_setting).or_else(|| {
        let is_word = |key: &str| key.split_once('.').is_some_and(|(_, name)| name == word);
        settings::setting(settings::other_words().find(|(other, _)| is_word(other))?.1)
    })
}

/// That `setting` has another variable, or none.
fn renamed(setting: &settings::Setting) -> Problem {
    let way_out = match (setting.env, setting.flag) {
        ("", "") => format!("only a job file says `{}`", setting.key),
        ("", flag) => {
            format!("no variable stands for `{}`: say it in the job file, or with {flag}", setting.key)
        }
        (name, _) => format!("it is called {name}"),
    };
    Problem::new(UNKNOWN, way_out)
}

/// Whether Kubernetes sets a variable of this name in every pod beside a service that is called `defrost`
/// or `defrost-...`. Source: Kubernetes documentation, Service, "Environment variables", read 2026-11.
fn is_of_kubernetes(name: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.split("_PORT_").skip(1).any(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(names: &[&str]) -> Env {
        names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
    }

    fn told(name: &str) -> Vec<String> {
        slips(&env(&[name]), None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_slip_of_the_finger_is_refused_with_the_name_that_was_meant() {
        for (name, way_out) in [
            ("DEFROST_REPROT", "did you mean DEFROST_REPORT?"),
            ("DEFROST_STATE_DRI", "did you mean DEFROST_STATE_DIR?"),
            ("DEFROST_WEBHOK", "did you mean DEFROST_WEBHOOK?"),
            ("DEFROST_RATE_LIMTI", "did you mean DEFROST_RATE_LIMIT?"),
            ("DEFROST_EXTND_WHEN_LETF", "did you mean DEFROST_EXTEND_WHEN_LEFT?"),
            ("DEFROST_RESTORE_RAET", "it is called DEFROST_RATE_LIMIT"),
            ("DEFROST_DAY", "did you mean DEFROST_DAYS?"),
            ("DEFROST_WEBHOOK_SECRET_FLIE", "did you mean DEFROST_WEBHOOK_SECRET_FILE?"),
            ("DEFROST_NO_METADTA", "did you mean DEFROST_NO_METADATA?"),
            // The key's own name, with and without its table, and habits of other tools.
            ("DEFROST_RESTORE_RATE", "it is called DEFROST_RATE_LIMIT"),
            ("DEFROST_LIMITS_RUN_COST", "it is called DEFROST_RUN_COST"),
            ("DEFROST_MAX_COST", "it is called DEFROST_RUN_COST"),
            (
                "DEFROST_STORAGE_CLASS",
                "no variable stands for `filter.storage_class`: say it in the job file, or with --storage-class",
            ),
            ("DEFROST_SOURCE_URL", "only a job file says `source.url`"),
        ] {
            assert_eq!(told(name), [format!("environment {name}: unknown variable; {way_out}")]);
            assert_eq!(strangers(&env(&[name])).count(), 0, "{name}");
        }
        let value = Env::from([("DEFROST_REPROT".to_owned(), String::new())]);
        assert!(slips(&value, None).is_empty(), "an empty variable is not set");
    }

    #[test]
    fn what_is_ours_or_not_meant_for_us_is_no_slip() {
        let ours = SETTINGS.iter().map(|setting| setting.env).filter(|name| !name.is_empty());
        for name in ours.chain(VARIABLES.iter().copied()).chain([
            "REPROT",
            "DEFROST",
            "DEFROST_PORT",
            "DEFROST_SERVICE_HOST",
            "DEFROST_SIM_SERVICE_PORT_HTTP",
            "DEFROST_SIM_PORT_9000_TCP_ADDR",
            "DEFROST_OPS_SECRET",
        ]) {
            let env = env(&[name]);
            assert!(slips(&env, None).is_empty() && strangers(&env).next().is_none(), "{name}");
        }
        // One that a job names for its secret is its own.
        assert!(slips(&env(&["DEFROST_REPROT"]), Some("DEFROST_REPROT")).is_empty());
    }

    #[test]
    fn a_secret_of_another_job_stops_no_job() {
        let [a, b] = ["DEFROST_WEBHOOK_SECRET_A", "DEFROST_WEBHOOK_SECRET_B"];
        let both = env(&[a, b, "DEFROST_OPS_WEBHOOK_SECRET"]);
        for own in [Some(a), Some(b), None] {
            assert!(slips(&both, own).is_empty(), "{own:?}");
        }
        assert_eq!(strangers(&both).count(), 0);
        // One letter off is a slip, unless what it would be a slip of is there as well.
        let [name, near] = ["DEFROST_WEBHOOK_SECRET", "DEFROST_WEBHOOK_SECRET2"];
        assert_eq!(slips(&env(&[near]), None).len(), 1);
        assert!(slips(&env(&[name, near]), None).is_empty());
        let mut unset = env(&[name, near]);
        unset.insert(name.to_owned(), String::new());
        assert_eq!(slips(&unset, None).len(), 1, "an empty variable is not set");
    }

    #[test]
    fn ordinary_words_are_told_and_no_fault() {
        for bare in [
            "URL",
            "TIMEOUT",
            "STATE",
            "FORMAT",
            "COMMAND",
            "EXEC",
            "KEYS",
            "CSV",
            "NULL",
            "INTERVAL",
            "RATE",
            "BUDGET",
            "YES",
            "REPORTS",
            "STATE_FILE",
            "INCLUDE",
            "SIZE_LIMIT",
        ] {
            let name = format!("{BEGIN}{bare}");
            assert_eq!(told(&name), [""; 0], "{name}");
            assert_eq!(strangers(&env(&[&name])).collect::<Vec<_>>(), [name.as_str()]);
        }
    }

    #[test]
    fn what_resembles_nothing_is_told_and_no_fault() {
        let env = env(&["DEFROST_VERSION", "DEFROST_PATH", "PATH"]);
        assert!(slips(&env, None).is_empty());
        assert_eq!(strangers(&env).collect::<Vec<_>>(), ["DEFROST_PATH", "DEFROST_VERSION"]);
    }
}
