//! The chain of the Alibaba Cloud tools: ossutil's variables and file before those that all of
//! them share.
//!
//! Source: OSS "Configure ossutil" and the default chain of the alibabacloud-credentials package,
//! read 2026-11.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqsign_aliyun_oss::{
    AssumeRoleCredentialProvider, AssumeRoleWithOidcCredentialProvider, CredentialsUriCredentialProvider,
    EcsRamRoleCredentialProvider, StaticCredentialProvider,
};

use super::ini::{self, Section};
use super::outside::Outside;
use super::source::{Answer, Found, Provided, Reach, Source, Variables, provide};
use super::{CredentialError, Environment};

pub(super) const WAY_OUT: &str = "set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, run `ossutil config` or `aliyun configure`, \
     or name a profile with --profile";

/// Profiles that may lead from one to the next before it is taken for a circle.
const MAX_PROFILES: u32 = 5;
/// The session name shown in the audit logs of an assumed role, unless the profile gives one.
const SESSION_NAME: &str = "defrost";

pub(super) fn sources(profile: Option<&str>) -> Vec<Box<dyn Source>> {
    let files = Place::ALL.map(|place| Box::new(OfProfile { place, named: profile.map(str::to_owned) }));
    if let Some(profile) = profile {
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        sources.extend(files.map(|file| file as Box<dyn Source>));
        sources.push(Box::new(Missing {
            profile: profile.to_owned(),
            looked: Place::ALL.map(Place::usual).join(", "),
        }));
        return sources;
    }
    let [ossutil, cli, shared] = files;
    vec![
        Box::new(Variables {
            id: "OSS_ACCESS_KEY_ID",
            secret: "OSS_ACCESS_KEY_SECRET",
            token: &["OSS_SESSION_TOKEN"],
        }),
        Box::new(Variables {
            id: "ALIBABA_CLOUD_ACCESS_KEY_ID",
            secret: "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            token: &["ALIBABA_CLOUD_SECURITY_TOKEN"],
        }),
        Box::new(Provided {
            what: "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            reach: Reach::Far,
            provider: AssumeRoleWithOidcCredentialProvider::new(),
        }),
        ossutil,
        cli,
        shared,
        Box::new(Provided {
            what: "the ECS metadata service",
            reach: Reach::Metadata,
            provider: EcsRamRoleCredentialProvider::new(),
        }),
        Box::new(Provided {
            what: "ALIBABA_CLOUD_CREDENTIALS_URI",
            reach: Reach::Near,
            provider: CredentialsUriCredentialProvider::new(),
        }),
    ]
}

/// Says that the profile stands in none of the files; the last source of a chain for a profile.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) profile: String,
    pub(super) looked: String,
}

impl Source for Missing {
    fn what(&self) -> String {
        format!("profile `{}`", self.profile)
    }

    fn ask<'a>(&'a self, _: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        let (profile, looked) = (self.profile.clone(), self.looked.clone());
        Box::pin(async { Err(CredentialError::NoProfile { profile, looked }) })
    }
}

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
    name: String,
    path: String,
    section: Section,
}

impl Profile {
    /// The first of `keys` that has a value.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.section.get(*key)).map(String::as_str)
    }

    fn fault(&self, why: impl Into<String>) -> CredentialError {
        CredentialError::Profile { profile: self.name.clone(), file: self.path.clone(), why: why.into() }
    }
}

type Profiles = BTreeMap<String, Section>;

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::Ossutil, Self::Cli, Self::Shared];

    /// Where the file usually stands.
    const fn usual(self) -> &'static str {
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

#[derive(Debug)]
struct OfProfile {
    place: Place,
    named: Option<String>,
}

impl Source for OfProfile {
    fn what(&self) -> String {
        self.place.usual().to_owned()
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let Some(profile) = self.place.profile(&outside.env, self.named.as_deref())? else {
                return Ok(Answer::Nothing(None));
            };
            match keys(self.place, &profile, outside, MAX_PROFILES).await? {
                Some(found) => Ok(Answer::Found(found)),
                None if self.named.is_some() => Err(profile.fault("it has no keys")),
                None => Ok(Answer::Nothing(Some(format!("profile `{}` has no keys", profile.name)))),
            }
        })
    }
}

/// What the profile gives, by its mode.
fn keys<'a>(
    place: Place,
    profile: &'a Profile,
    outside: &'a Outside,
    depth: u32,
) -> BoxFuture<'a, Result<Option<Found>, CredentialError>> {
    Box::pin(async move {
        let origin = format!("profile `{}` in {}", profile.name, profile.path);
        let mode = profile.get(&["mode", "type"]).unwrap_or_default().to_lowercase().replace(['_', '-'], "");
        match mode.as_str() {
            "" | "ak" | "accesskey" | "ststoken" | "sts" => {
                match (written(profile)?, profile.get(&["credentialsuri"])) {
                    (None, Some(uri)) => by_uri(uri, outside, &origin).await,
                    (found, _) => Ok(found),
                }
            }
            "ramrolearn" => match written(profile)? {
                Some(base) => assume(profile, &base, outside, &origin).await,
                None => Err(profile.fault("the keys that would assume its role are missing")),
            },
            "chainableramrolearn" => {
                let next =
                    depth.checked_sub(1).ok_or_else(|| profile.fault("its source profiles form a circle"))?;
                let source = profile
                    .get(&["sourceprofile"])
                    .ok_or_else(|| profile.fault("it names no `source_profile`"))?;
                let source = place
                    .profile(&outside.env, Some(source))?
                    .ok_or_else(|| profile.fault(format!("its source profile `{source}` is not there")))?;
                match keys(place, &source, outside, next).await? {
                    Some(base) => assume(profile, &base, outside, &origin).await,
                    None => Err(source.fault("it has no keys")),
                }
            }
            "ecsramrole" => {
                let mut provider = EcsRamRoleCredentialProvider::new();
                if let Some(role) = profile.get(&["ramrolename", "ecsrolename", "rolename"]) {
                    provider = provider.with_role_name(role);
                }
                provide(&provider, &outside.near(), &origin).await
            }
            "oidc" | "oidcrolearn" => by_oidc(profile, outside, &origin).await,
            "credentialsuri" => match profile.get(&["credentialsuri", "uri"]) {
                Some(uri) => by_uri(uri, outside, &origin).await,
                None => Err(profile.fault("its URI is missing")),
            },
            // The CLI keeps the keys that a login of these kinds gave it.
            "cloudsso" | "oauth" => logged_in(profile, outside.clock.now()).map(Some),
            _ => {
                let shown: String = mode.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
                Err(profile.fault(format!(
                    "its mode `{shown}` is not one that defrost knows; export its keys instead"
                )))
            }
        }
    })
}

async fn by_uri(uri: &str, outside: &Outside, origin: &str) -> Result<Option<Found>, CredentialError> {
    let provider = CredentialsUriCredentialProvider::new().with_uri(uri);
    provide(&provider, &outside.near(), origin).await
}

async fn by_oidc(
    profile: &Profile,
    outside: &Outside,
    origin: &str,
) -> Result<Option<Found>, CredentialError> {
    let need = |keys: &[&str], what: &str| {
        profile.get(keys).map(str::to_owned).ok_or_else(|| profile.fault(format!("its {what} is missing")))
    };
    let provider = AssumeRoleWithOidcCredentialProvider::new()
        .with_role_arn(need(&["ramrolearn", "rolearn"], "role ARN")?)
        .with_oidc_provider_arn(need(&["oidcproviderarn"], "OIDC provider ARN")?)
        .with_oidc_token_file(need(&["oidctokenfile", "oidctokenfilepath"], "OIDC token file")?)
        .with_role_session_name(session_name(profile));
    provide(&provider, &outside.far(), origin).await
}

async fn assume(
    profile: &Profile,
    base: &Found,
    outside: &Outside,
    origin: &str,
) -> Result<Option<Found>, CredentialError> {
    let arn =
        profile.get(&["ramrolearn", "rolearn"]).ok_or_else(|| profile.fault("its role ARN is missing"))?;
    let mut source = StaticCredentialProvider::new(&base.keys.access_key_id, &base.keys.secret_key);
    if let Some(token) = &base.keys.session_token {
        source = source.with_security_token(token);
    }
    let mut provider = AssumeRoleCredentialProvider::new()
        .with_base_provider(source)
        .with_role_arn(arn)
        .with_role_session_name(session_name(profile));
    if let Some(id) = profile.get(&["externalid"]) {
        provider = provider.with_external_id(id);
    }
    provide(&provider, &outside.far(), origin).await
}

fn session_name(profile: &Profile) -> &str {
    profile.get(&["ramsessionname", "rolesessionname"]).unwrap_or(SESSION_NAME)
}

/// Keys that stand in the profile.
fn written(profile: &Profile) -> Result<Option<Found>, CredentialError> {
    let token = profile.get(&["ststoken", "securitytoken"]);
    match (profile.get(&["accesskeyid"]), profile.get(&["accesskeysecret"])) {
        (Some(id), Some(secret)) => Ok(Some(Found::lasting(id, secret, token))),
        (Some(_), None) => Err(profile.fault("it has an access key id without its secret")),
        (None, Some(_)) => Err(profile.fault("it has an access key secret without its id")),
        (None, None) => Ok(None),
    }
}

fn logged_in(profile: &Profile, now: Timestamp) -> Result<Found, CredentialError> {
    let end = profile
        .get(&["stsexpiration"])
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    match (written(profile)?, end) {
        (Some(found), Some(end)) if end > now => Ok(Found { expires: Some(end), ..found }),
        _ => Err(profile.fault("its login has lapsed; log in again with the Alibaba Cloud CLI")),
    }
}
