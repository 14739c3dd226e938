//! The profiles of the Alibaba Cloud tools' three files, brought to one form.

use std::collections::BTreeMap;

use super::ini::{self, Section};
use super::{CredentialError, Environment};

/// Profiles that may lead from one to the next before it is taken for a circle.
pub(super) const MAX_PROFILES: u32 = 5;

/// A file that may hold profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `~/.ossutilconfig`, of ossutil 1 and 2.
    Ossutil,
    /// `~/.aliyun/config.json`, of the Alibaba Cloud CLI.
    Cli,
    /// `~/.alibabacloud/credentials.ini`, of the SDKs.
    Shared,
}

/// A profile as it stands in a file: keys without `-` and `_` and in lower case, as the three files
/// differ in nothing else.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) path: String,
    section: Section,
}

impl Profile {
    /// The first of `keys` that has a value.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.section.get(*key)).map(String::as_str)
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> CredentialError {
        CredentialError::Profile { profile: self.name.clone(), file: self.path.clone(), why: why.into() }
    }
}

type Profiles = BTreeMap<String, Section>;

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::Ossutil, Self::Cli, Self::Shared];

    /// Where the file usually stands.
    pub(super) const fn usual(self) -> &'static str {
        match self {
            Self::Ossutil => "~/.ossutilconfig",
            Self::Cli => "~/.aliyun/config.json",
            Self::Shared => "~/.alibabacloud/credentials.ini",
        }
    }

    fn path(self, env: &Environment) -> &str {
        let named = match self {
            Self::Ossutil => None,
            Self::Cli => env.var("ALIBABA_CLOUD_CONFIG_FILE"),
            Self::Shared => env.var("ALIBABA_CLOUD_CREDENTIALS_FILE"),
        };
        named.unwrap_or(self.usual())
    }

    /// The profile `named`, or the one that counts if none is; `None` if the file has none such.
    pub(super) fn profile(
        self,
        env: &Environment,
        named: Option<&str>,
    ) -> Result<Option<Profile>, CredentialError> {
        let path = self.path(env);
        let from_env = env.var("ALIBABA_CLOUD_PROFILE");
        let (profiles, name) = match self {
            Self::Cli if env.flag("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") && named.is_none() => {
                return Ok(None);
            }
            Self::Cli => {
                let Some((profiles, current)) = cli(env, path)? else { return Ok(None) };
                (profiles, named.or(from_env).unwrap_or(&current).to_owned())
            }
            Self::Ossutil | Self::Shared => {
                let Some(sections) = ini::load(env, path)? else { return Ok(None) };
                let profiles: Profiles = sections.into_iter().map(|(name, s)| (name, plain(s))).collect();
                // ossutil does not heed the variable of the other tools.
                let from_env = from_env.filter(|_| self == Self::Shared);
                let name = named.or(from_env).unwrap_or("default");
                (profiles, name.to_owned())
            }
        };
        let Some(section) = self.section(&profiles, &name, MAX_PROFILES) else { return Ok(None) };
        let off = section.get("enable").is_some_and(|v| matches!(v.as_str(), "false" | "0" | "no" | "off"));
        let profile = Profile { name, path: path.to_owned(), section };
        Ok(if off && self == Self::Shared { None } else { Some(profile) })
    }

    fn section(self, profiles: &Profiles, name: &str, depth: u32) -> Option<Section> {
        if self != Self::Ossutil {
            return profiles.get(name).cloned();
        }
        let mut section = profiles.get(&format!("profile {name}")).or_else(|| profiles.get(name)).cloned();
        if name == "default" && section.is_none() {
            // Version 1 knows no profiles: [Credentials], and [AkService] for keys from a URI.
            let mut old = profiles.get("Credentials").cloned();
            if let Some(uri) = profiles.get("AkService").and_then(|s| s.get("ecsak")) {
                old.get_or_insert_default().insert("credentialsuri".to_owned(), uri.clone());
            }
            section = old;
        }
        let mut section = section?;
        // A source profile of version 2 gives what the profile itself leaves out.
        if let (Some(source), Some(depth)) = (section.get("sourceprofile").cloned(), depth.checked_sub(1)) {
            for (key, value) in self.section(profiles, &source, depth).unwrap_or_default() {
                section.entry(key).or_insert(value);
            }
        }
        Some(section)
    }
}

fn plain(section: Section) -> Section {
    section.into_iter().map(|(key, value)| (key.replace(['-', '_'], "").to_lowercase(), value)).collect()
}

/// The profiles of the CLI's file, and the name of the current one.
fn cli(env: &Environment, path: &str) -> Result<Option<(Profiles, String)>, CredentialError> {
    let Some(text) = env.read(path)? else { return Ok(None) };
    let fault = |line, why: &str| CredentialError::File { path: path.to_owned(), line, why: why.to_owned() };
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| fault(Some(e.line()), "it is not valid JSON"))?;
    let list = value
        .get("profiles")
        .and_then(serde_json::Value::as_array)
        .ok_or_else(|| fault(None, "it has no list of `profiles`"))?;
    let mut profiles = Profiles::new();
    for entry in list.iter().filter_map(serde_json::Value::as_object) {
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let section: Section = entry
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        if let Some(name) = section.get("name").cloned() {
            profiles.insert(name, plain(section));
        }
    }
    let current = value.get("current").and_then(serde_json::Value::as_str).filter(|name| !name.is_empty());
    Ok(Some((profiles, current.unwrap_or("default").to_owned())))
}
