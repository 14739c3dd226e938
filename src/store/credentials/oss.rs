//! The chain of the Alibaba Cloud tools: ossutil's variables and file before those that all of
//! them share.
//!
//! Source: OSS "Configure ossutil" and the default chain of the alibabacloud-credentials package,
//! read 2026-11.

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqsign_aliyun_oss::{
    AssumeRoleCredentialProvider, AssumeRoleWithOidcCredentialProvider, CredentialsUriCredentialProvider,
    EcsRamRoleCredentialProvider, StaticCredentialProvider,
};

use super::CredentialError;
use super::oss_profile::{MAX_PROFILES, Place, Profile};
use super::outside::Outside;
use super::source::{Answer, Found, Provided, Reach, Source, Variables, provide};

pub(super) const WAY_OUT: &str = "set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, run `ossutil config` or `aliyun configure`, \
     or name a profile with --profile";

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

#[cfg(test)]
mod tests {
    use super::super::fixture::{Net, World};
    use crate::model::Provider::Oss;

    const AGENT: &str = r#"{"Code":"Success","AccessKeyId":"KEY","AccessKeySecret":"s","SecurityToken":"t",
        "Expiration":"2999-01-01T00:00:00Z"}"#;
    const STS: &str = r#"{"RequestId":"r","Credentials":{"AccessKeyId":"KEY","AccessKeySecret":"s",
        "SecurityToken":"t","Expiration":"2999-01-01T00:00:00Z"}}"#;

    #[tokio::test]
    async fn the_order_is_the_vendors_with_ossutil_before_the_rest() {
        let (oidc, ecs, uri) =
            (STS.replace("KEY", "oidc"), AGENT.replace("KEY", "ecs"), AGENT.replace("KEY", "uri"));
        let net = Net::answering(&[
            ("sts.aliyuncs.com/?Action=AssumeRoleWithOIDC", 200, &oidc),
            ("http://100.100.100.200/latest/meta-data/ram/security-credentials/", 200, "my-role"),
            ("security-credentials/my-role", 200, &ecs),
            ("http://127.0.0.1:7/keys", 200, &uri),
        ]);
        let mut world = World::new(
            &[
                ("OSS_ACCESS_KEY_ID", "oss"),
                ("OSS_ACCESS_KEY_SECRET", "s"),
                ("OSS_SESSION_TOKEN", "t"),
                ("ALIBABA_CLOUD_ACCESS_KEY_ID", "alibaba"),
                ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s"),
                ("ALIBABA_CLOUD_SECURITY_TOKEN", "t"),
                ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "~/token"),
                ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
                ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p"),
                ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:7/keys"),
            ],
            &[
                ("token", "the-token"),
                (
                    ".ossutilconfig",
                    "[Credentials]\nlanguage=EN\naccessKeyID=ossutil\naccessKeySecret=s\nstsToken=t\n",
                ),
                (
                    ".aliyun/config.json",
                    r#"{"current":"c","profiles":[{"name":"c","mode":"StsToken","access_key_id":"cli",
                        "access_key_secret":"s","sts_token":"t","retry_count":0,"ram_role_arn":""}]}"#,
                ),
                (
                    ".alibabacloud/credentials.ini",
                    "[default]\ntype = access_key\naccess_key_id = shared\naccess_key_secret = s\n",
                ),
            ],
            net,
        );
        assert_eq!(world.ask(Oss, None).await.unwrap(), "oss/s/t");
        world.unset("OSS_");
        assert_eq!(world.ask(Oss, None).await.unwrap(), "alibaba/s/t");
        world.unset("ALIBABA_CLOUD_ACCESS");
        assert_eq!(world.ask(Oss, None).await.unwrap(), "oidc/s/t");
        world.unset("ALIBABA_CLOUD_OIDC");
        assert_eq!(world.ask(Oss, None).await.unwrap(), "ossutil/s/t");
        world.remove(".ossutilconfig");
        assert_eq!(world.ask(Oss, None).await.unwrap(), "cli/s/t");
        world.vars.push(("ALIBABA_CLOUD_CLI_PROFILE_DISABLED".into(), "true".into()));
        assert_eq!(world.ask(Oss, None).await.unwrap(), "shared/s/-");
        world.remove(".alibabacloud/credentials.ini");
        assert_eq!(world.ask(Oss, None).await.unwrap(), "ecs/s/t");
        world.vars.push(("ALIBABA_CLOUD_ECS_METADATA_DISABLED".into(), "true".into()));
        assert_eq!(world.ask(Oss, None).await.unwrap(), "uri/s/t");
    }

    #[tokio::test]
    async fn a_named_profile_is_looked_for_in_all_three_files() {
        let world = World::new(
            &[
                ("OSS_ACCESS_KEY_ID", "variables"),
                ("OSS_ACCESS_KEY_SECRET", "s"),
                ("ALIBABA_CLOUD_PROFILE", "c"),
            ],
            &[
                (
                    ".ossutilconfig",
                    "[default]\naccess-key-id = d\naccess_key_secret = s\n[profile a]\nAccessKeyID = a\n\
                     accessKeySecret = s\nregion = cn-x\n[profile heir]\nsource-profile = a\nregion = cn-y\n\
                     [profile hollow]\nregion = cn-z\n[profile half]\naccess_key_secret = hush\n",
                ),
                (
                    ".aliyun/config.json",
                    r#"{"profiles":[{"name":"b","mode":"AK","access_key_id":"b","access_key_secret":"s"},
                        {"name":"odd","mode":"External","process_command":"hush"},
                        {"name":"sso","mode":"CloudSSO","access_key_id":"sso","access_key_secret":"s",
                         "sts_token":"t","sts_expiration":1767330000},
                        {"name":"late","mode":"OAuth","access_key_id":"hush","access_key_secret":"s",
                         "sts_token":"t","sts_expiration":1767320000}]}"#,
                ),
                (
                    ".alibabacloud/credentials.ini",
                    "[c]\naccess_key_id = c\naccess_key_secret = s\n[off]\nenable = false\naccess_key_id = x\n",
                ),
            ],
            Net::answering(&[]),
        );
        for (profile, keys) in
            [("a", "a/s/-"), ("heir", "a/s/-"), ("b", "b/s/-"), ("c", "c/s/-"), ("sso", "sso/s/t")]
        {
            assert_eq!(world.ask(Oss, Some(profile)).await.unwrap(), keys);
        }
        for (profile, message) in [
            (
                "off",
                "no profile `off`: looked at ~/.ossutilconfig, ~/.aliyun/config.json, ~/.alibabacloud/credentials.ini",
            ),
            ("hollow", "profile `hollow` in ~/.ossutilconfig cannot be used: it has no keys"),
            ("half", "it has an access key secret without its id"),
            ("odd", "its mode `external` is not one that defrost knows"),
            ("late", "its login has lapsed"),
        ] {
            let said = world.fails(Oss, Some(profile)).await;
            assert!(said.contains(message), "{said}");
        }
        assert_eq!(world.net.requests(), 0);
    }

    #[tokio::test]
    async fn roles_are_assumed_with_the_keys_of_their_profile_or_its_source() {
        let role = STS.replace("KEY", "role");
        let world = World::new(
            &[],
            &[
                (
                    ".ossutilconfig",
                    "[profile old]\nmode = RamRoleArn\naccessKeyID = base\naccessKeySecret = s\nram-role-arn = acs:r\n",
                ),
                (
                    ".aliyun/config.json",
                    r#"{"profiles":[{"name":"base","mode":"AK","access_key_id":"base","access_key_secret":"s"},
                        {"name":"chained","mode":"ChainableRamRoleArn","source_profile":"base",
                         "ram_role_arn":"acs:r","ram_session_name":"me"},
                        {"name":"x","mode":"ChainableRamRoleArn","source_profile":"y","ram_role_arn":"acs:r"},
                        {"name":"y","mode":"ChainableRamRoleArn","source_profile":"x","ram_role_arn":"acs:r"}]}"#,
                ),
            ],
            Net::answering(&[("sts.aliyuncs.com", 200, &role)]),
        );
        for (profile, session) in [("old", "RoleSessionName=defrost"), ("chained", "RoleSessionName=me")] {
            assert_eq!(world.ask(Oss, Some(profile)).await.unwrap(), "role/s/t");
            let sent = world.net.seen.lock().unwrap().pop().unwrap();
            assert!(sent.contains("AccessKeyId=base") && sent.contains(session), "{sent}");
        }
        assert!(world.fails(Oss, Some("x")).await.contains("circle"));
        world.net.rule((
            "sts.aliyuncs.com",
            400,
            r#"{"Message":"to sign: hush","Code":"SignatureDoesNotMatch"}"#,
        ));
        assert_eq!(
            world.fails(Oss, Some("chained")).await,
            "profile `chained` in ~/.aliyun/config.json gave no credentials: \
             request to Aliyun STS Services failed: SignatureDoesNotMatch"
        );
    }

    #[tokio::test]
    async fn a_broken_file_and_half_a_pair_end_the_walk() {
        let mut world = World::new(
            &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "hush")],
            &[(".aliyun/config.json", "{\n  \"profiles\": hush\n}")],
            Net::answering(&[]),
        );
        assert_eq!(
            world.fails(Oss, None).await,
            "`ALIBABA_CLOUD_ACCESS_KEY_ID` is set but `ALIBABA_CLOUD_ACCESS_KEY_SECRET` is not"
        );
        world.vars.clear();
        assert_eq!(
            world.fails(Oss, None).await,
            "cannot read `~/.aliyun/config.json` at line 2: it is not valid JSON"
        );
    }

    #[tokio::test]
    async fn a_metadata_service_that_never_answers_is_given_up() {
        let mut world = World::new(&[], &[], Net::silent());
        assert_eq!(
            world.fails(Oss, None).await,
            "no credentials for OSS: looked at OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, \
             ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_OIDC_TOKEN_FILE, \
             ~/.ossutilconfig, ~/.aliyun/config.json, ~/.alibabacloud/credentials.ini, \
             the ECS metadata service (no answer within 2 s), ALIBABA_CLOUD_CREDENTIALS_URI"
        );
        let asked = world.net.requests();
        world.vars.push(("DEFROST_NO_METADATA".into(), "1".into()));
        assert!(world.fails(Oss, None).await.contains("(not asked: DEFROST_NO_METADATA is set)"));
        assert_eq!(world.net.requests(), asked);
    }
}
