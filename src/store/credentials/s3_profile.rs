//! The profiles of `~/.aws/credentials` and `~/.aws/config`: keys, roles, SSO, processes.

use futures::future::BoxFuture;
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, AssumeRoleWithWebIdentityCredentialProvider, ECSCredentialProvider,
    RequestSigner, SSOCredentialProvider, StaticCredentialProvider,
};
use reqsign_core::Signer;

use super::ini::{self, Section, Sections};
use super::outside::Outside;
use super::process;
use super::s3::{CONTAINER, EC2, Ec2, SESSION_NAME, VARIABLES, region_of, regional};
use super::source::{Answer, Found, Source, provide};
use super::{CredentialError, Environment};

/// Roles that may be assumed one from the other before it is taken for a circle.
const MAX_ROLES: u32 = 5;

/// The two AWS files, and the profile that counts.
pub(super) struct Files {
    config: Sections,
    credentials: Sections,
    config_path: String,
    credentials_path: String,
    pub(super) profile: String,
    /// Whether someone asked for the profile; the default one need not exist.
    asked_for: bool,
}

impl Files {
    pub(super) fn load(env: &Environment, named: Option<&str>) -> Result<Self, CredentialError> {
        let path = |name, default: &str| env.var(name).unwrap_or(default).to_owned();
        let config_path = path("AWS_CONFIG_FILE", "~/.aws/config");
        let credentials_path = path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
        let asked_for = named.or_else(|| Some(env.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])?.1));
        Ok(Self {
            config: ini::load(env, &config_path)?.unwrap_or_default(),
            credentials: ini::load(env, &credentials_path)?.unwrap_or_default(),
            config_path,
            credentials_path,
            profile: asked_for.unwrap_or("default").to_owned(),
            asked_for: asked_for.is_some(),
        })
    }

    fn config_of(&self, profile: &str) -> Option<&Section> {
        // `[default]` is the one section of the config file that needs no `profile` before it.
        let plain = if profile == "default" { self.config.get("default") } else { None };
        plain.or_else(|| self.config.get(&format!("profile {profile}")))
    }

    /// The settings of `profile` from both files; the credentials file has the last word.
    pub(super) fn merged(&self, profile: &str) -> Option<Section> {
        let (config, credentials) = (self.config_of(profile), self.credentials.get(profile));
        if config.is_none() && credentials.is_none() {
            return None;
        }
        Some(
            [config, credentials]
                .into_iter()
                .flatten()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// A section of the config file that is not a profile: `sso-session NAME`, `services NAME`.
    pub(super) fn section(&self, kind: &str, name: &str) -> Option<&Section> {
        self.config.get(&format!("{kind} {name}"))
    }

    fn place(&self) -> String {
        format!("{} and {}", self.credentials_path, self.config_path)
    }

    fn fault(&self, profile: &str, why: impl Into<String>) -> CredentialError {
        CredentialError::Profile { profile: profile.to_owned(), file: self.place(), why: why.into() }
    }

    fn must_exist(&self, profile: &str) -> Result<Section, CredentialError> {
        self.merged(profile)
            .ok_or_else(|| CredentialError::NoProfile { profile: profile.to_owned(), looked: self.place() })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A role that the profile assumes.
    Role,
    /// Everything else that gives keys.
    Keys,
}

/// One of the two ways in which a profile gives keys; they stand apart in the order of the chain.
#[derive(Debug)]
pub(super) struct OfProfile {
    pub(super) named: Option<String>,
    pub(super) part: Part,
}

impl Source for OfProfile {
    fn what(&self) -> String {
        let profile =
            self.named.as_deref().map_or("the profile".to_owned(), |name| format!("profile `{name}`"));
        match self.part {
            Part::Role => format!("a role of {profile}"),
            Part::Keys => format!("keys, SSO or process of {profile} in ~/.aws"),
        }
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let files = Files::load(&outside.env, self.named.as_deref())?;
            let name = files.profile.clone();
            if files.asked_for {
                files.must_exist(&name)?;
            }
            let found = match self.part {
                Part::Role => role(&files, &name, outside, MAX_ROLES).await?,
                Part::Keys => keys(&files, &name, outside).await?,
            };
            Ok(found.into())
        })
    }
}

/// What the profile gives in any way; for the source of a role.
fn any<'a>(
    files: &'a Files,
    profile: &'a str,
    outside: &'a Outside,
    roles: u32,
) -> BoxFuture<'a, Result<Option<Found>, CredentialError>> {
    Box::pin(async move {
        match role(files, profile, outside, roles).await? {
            Some(found) => Ok(Some(found)),
            None => keys(files, profile, outside).await,
        }
    })
}

async fn role(
    files: &Files,
    profile: &str,
    outside: &Outside,
    roles: u32,
) -> Result<Option<Found>, CredentialError> {
    let section = files.merged(profile).unwrap_or_default();
    let get = |key: &str| section.get(key).map(String::as_str);
    let Some(arn) = get("role_arn") else { return Ok(None) };
    let origin = format!("the role of profile `{profile}`");
    let region = region_of(&outside.env, get("region"));
    if let Some(file) = get("web_identity_token_file") {
        let provider = AssumeRoleWithWebIdentityCredentialProvider::with_config(arn.to_owned(), file.into())
            .with_role_session_name(get("role_session_name").unwrap_or(SESSION_NAME).to_owned());
        return provide(&regional(provider, region), &outside.far(), &origin).await;
    }
    if get("mfa_serial").is_some() {
        return Err(files.fault(
            profile,
            "its role wants an MFA code, which cannot be asked for here; get a session first and export its keys",
        ));
    }
    let Some(roles) = roles.checked_sub(1) else {
        return Err(files.fault(profile, "its roles lead from one profile to the next in a circle"));
    };
    let base = match (get("source_profile"), get("credential_source")) {
        // A profile that is its own source stands for its own keys.
        (Some(source), _) if source == profile => keys(files, source, outside).await?,
        (Some(source), _) => {
            files.must_exist(source)?;
            any(files, source, outside, roles).await?
        }
        (None, Some("Environment")) => match VARIABLES.look(&outside.env)? {
            Answer::Found(found) => Some(found),
            Answer::Nothing(_) => None,
        },
        (None, Some("Ec2InstanceMetadata")) => provide(&Ec2::default(), &outside.near(), EC2).await?,
        (None, Some("EcsContainer")) => {
            provide(&ECSCredentialProvider::new(), &outside.near(), CONTAINER).await?
        }
        (None, Some(_)) => {
            return Err(files.fault(
                profile,
                "its `credential_source` is none of Environment, Ec2InstanceMetadata, EcsContainer",
            ));
        }
        (None, None) => {
            return Err(files
                .fault(profile, "it has `role_arn` but neither `source_profile` nor `credential_source`"));
        }
    };
    let Some(Found { keys: base, .. }) = base else {
        return Err(files.fault(profile, "the source of its role has no keys"));
    };

    let mut source = StaticCredentialProvider::new(&base.access_key_id, &base.secret_key);
    if let Some(token) = &base.session_token {
        source = source.with_session_token(token);
    }
    let signer = Signer::new(
        outside.far(),
        source,
        RequestSigner::new("sts", region.as_deref().unwrap_or("us-east-1")),
    );
    let mut provider = AssumeRoleCredentialProvider::new(arn.to_owned(), signer)
        .with_role_session_name(get("role_session_name").unwrap_or(SESSION_NAME).to_owned());
    if let Some(id) = get("external_id") {
        provider = provider.with_external_id(id.to_owned());
    }
    if let Some(seconds) = get("duration_seconds") {
        let seconds =
            seconds.parse().map_err(|_| files.fault(profile, "its `duration_seconds` is not a number"))?;
        provider = provider.with_duration_seconds(seconds);
    }
    if let Some(region) = region {
        provider = provider.with_region(region).with_regional_sts_endpoint();
    }
    provide(&provider, &outside.far(), &origin).await
}

/// Keys of the profile itself: SSO, credentials file, process, config file.
async fn keys(files: &Files, profile: &str, outside: &Outside) -> Result<Option<Found>, CredentialError> {
    let section = files.merged(profile).unwrap_or_default();
    if let Some(provider) = sso(files, profile, &section)? {
        return provide(&provider, &outside.far(), &format!("SSO of profile `{profile}`")).await;
    }
    if let Some(found) = written(files, profile, files.credentials.get(profile))? {
        return Ok(Some(found));
    }
    if let Some(command) = section.get("credential_process") {
        return process::run(command, profile, outside).await.map(Some);
    }
    written(files, profile, files.config_of(profile))
}

/// Keys that stand in a file.
fn written(
    files: &Files,
    profile: &str,
    section: Option<&Section>,
) -> Result<Option<Found>, CredentialError> {
    const ID: &str = "aws_access_key_id";
    const SECRET: &str = "aws_secret_access_key";
    let Some(section) = section else { return Ok(None) };
    let token = ["aws_session_token", "aws_security_token"].iter().find_map(|name| section.get(*name));
    match (section.get(ID), section.get(SECRET)) {
        (Some(id), Some(secret)) => Ok(Some(Found::lasting(id, secret, token.map(String::as_str)))),
        (Some(_), None) => Err(files.fault(profile, format!("it has `{ID}` without `{SECRET}`"))),
        (None, Some(_)) => Err(files.fault(profile, format!("it has `{SECRET}` without `{ID}`"))),
        (None, None) => Ok(None),
    }
}

fn sso(
    files: &Files,
    profile: &str,
    section: &Section,
) -> Result<Option<SSOCredentialProvider>, CredentialError> {
    let (Some(account), Some(role)) = (section.get("sso_account_id"), section.get("sso_role_name")) else {
        return Ok(None);
    };
    // The cached login is found by the hash of the session's name, or of the start URL in profiles
    // of the old form; the provider uses what it takes for the start URL for nothing else.
    let (login, settings) = match section.get("sso_session") {
        Some(session) => (Some(session), files.section("sso-session", session)),
        None => (section.get("sso_start_url"), Some(section)),
    };
    match (login, settings.and_then(|settings| settings.get("sso_region"))) {
        (Some(login), Some(region)) => Ok(Some(
            SSOCredentialProvider::new()
                .with_account_id(account)
                .with_role_name(role)
                .with_region(region)
                .with_start_url(login),
        )),
        _ => Err(files
            .fault(profile, "its SSO settings lack `sso_session` or `sso_start_url`, or the `sso_region`")),
    }
}
