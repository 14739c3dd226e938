//! The variables whose names begin as ours do, and which of them are a slip of the finger.
//!
//! A key that is not known is refused in a job file, which is ours alone. The environment is not: a
//! name near to one of ours is refused, since a campaign would run without what was meant; any other
//! is told and passed over.

use std::collections::BTreeMap;

use super::fault::{At, Fault, Place, Problem, nearest};
use super::settings::{self, SETTINGS, VARIABLES};

/// The variables that are set, by name. Passed in, so that resolving a job stays pure.
pub type Env = BTreeMap<String, String>;

/// What the names of all our variables begin with.
const BEGIN: &str = "DEFROST_";

/// A fault for each variable of `env` whose name was meant to be one of ours, but for `own`, which the job
/// itself names.
pub(super) fn slips(env: &Env, own: Option<&str>) -> Vec<Fault> {
    let of = |(name, bare): (&str, &str)| {
        let place = Place::Variable(name.to_owned());
        // The value may be a secret: nothing is known of it.
        Some(meant(bare)?.at(At { place, key: String::new(), value: None }))
    };
    strange(env).filter(|(name, _)| Some(*name) != own).filter_map(of).collect()
}

/// The names in `env` that begin as ours do, mean nothing here and resemble nothing of ours.
///
/// Names that speak of a secret are left out: no setting is one, and a job may name any variable for its
/// webhook's.
pub fn strangers(env: &Env) -> impl Iterator<Item = &str> {
    let strange = strange(env).filter(|(_, bare)| meant(bare).is_none() && !settings::is_secret(bare));
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

/// What is wrong with the variable `DEFROST_bare`, if it was meant to be one of ours.
fn meant(bare: &str) -> Option<Problem> {
    let word = bare.to_ascii_lowercase();
    let of_setting = |setting: &settings::Setting| {
        let (table, name) = setting.key.split_once('.').unwrap_or_default();
        let flag = setting.flag.trim_start_matches('-').replace('-', "_");
        // A key of one word, such as `path`, may be anybody's.
        let alone = if name.contains('_') { name } else { "" };
        [alone, flag.as_str(), &format!("{table}_{name}")].contains(&word.as_str())
    };
    let called = |key: &str| key.split_once('.').is_some_and(|(_, name)| name == word);
    let setting = SETTINGS.iter().find(|setting| of_setting(setting)).or_else(|| {
        let other = settings::other_words().find(|(other, _)| called(other))?;
        settings::setting(other.1)
    });
    let what = "unknown variable";
    if let Some(setting) = setting {
        return Some(match (setting.env, setting.flag) {
            ("", "") => Problem::new(what, format!("only a job file says `{}`", setting.key)),
            ("", flag) => Problem::new(
                what,
                format!("no variable stands for `{}`: say it in the job file, or with {flag}", setting.key),
            ),
            (name, _) => Problem::new(what, format!("it is called {name}")),
        });
    }
    let ours = SETTINGS.iter().map(|setting| setting.env).chain(VARIABLES.iter().copied());
    let hint = nearest(bare, ours.filter_map(|name| name.strip_prefix(BEGIN)))?;
    Some(Problem::new(what, format!("did you mean {BEGIN}{hint}?")))
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
            ("DEFROST_DAY", "did you mean DEFROST_DAYS?"),
            ("DEFROST_WEBHOOK_SECRET_FLIE", "did you mean DEFROST_WEBHOOK_SECRET_FILE?"),
            ("DEFROST_NO_METADTA", "did you mean DEFROST_NO_METADATA?"),
            // The key's own name, with and without its table, and habits of other tools.
            ("DEFROST_RESTORE_RATE", "it is called DEFROST_RATE_LIMIT"),
            ("DEFROST_LIMITS_RUN_COST", "it is called DEFROST_RUN_COST"),
            ("DEFROST_MAX_COST", "it is called DEFROST_RUN_COST"),
            (
                "DEFROST_INCLUDE",
                "no variable stands for `filter.include`: say it in the job file, or with --include",
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
    fn what_resembles_nothing_is_told_and_no_fault() {
        let env = env(&["DEFROST_VERSION", "DEFROST_PATH", "PATH"]);
        assert!(slips(&env, None).is_empty());
        assert_eq!(strangers(&env).collect::<Vec<_>>(), ["DEFROST_PATH", "DEFROST_VERSION"]);
    }
}
