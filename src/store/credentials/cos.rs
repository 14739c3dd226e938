//! The chain for Tencent Cloud, whose COS tools share no order of their own: the variables of the
//! SDKs and tccli, the files of coscmd, coscli and tccli, then what the platform gives.
//!
//! Source: READMEs of coscmd, coscli and tccli, CVM "Instance metadata", read 2026-11.

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqsign_core::{Context, Error, ProvideCredential};
use reqsign_tencent_cos::AssumeRoleWithWebIdentityCredentialProvider;
use serde::Deserialize;

use super::ini::{self, Section};
use super::oss::Missing;
use super::outside::Outside;
use super::source::{Answer, Found, Provided, Reach, Source, Variables, provide};
use super::{CredentialError, Environment};
use crate::store::dialect::Credentials;

pub(super) const WAY_OUT: &str = "set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, run `tccli configure`, or name a \
     tccli profile with --profile";

const COSCMD: &str = "~/.cos.conf";
const COSCLI: &str = "~/.cos.yaml";
const METADATA: &str = "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/";

pub(super) fn sources(profile: Option<&str>) -> Vec<Box<dyn Source>> {
    if let Some(profile) = profile {
        let looked = tccli_path(profile, "credential");
        return vec![
            Box::new(Tccli(profile.to_owned())),
            Box::new(Missing { profile: profile.to_owned(), looked }),
        ];
    }
    // The three pairs are conventions of the SDKs' examples, which people copy.
    let token = &["COS_SESSIONTOKEN", "COS_SESSION_TOKEN", "COS_TOKEN"];
    vec![
        Box::new(Variables {
            id: "TENCENTCLOUD_SECRET_ID",
            secret: "TENCENTCLOUD_SECRET_KEY",
            token: &["TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_TOKEN"],
        }),
        Box::new(Variables { id: "COS_SECRETID", secret: "COS_SECRETKEY", token }),
        Box::new(Variables { id: "COS_SECRET_ID", secret: "COS_SECRET_KEY", token }),
        Box::new(Coscmd),
        Box::new(Coscli),
        Box::new(Tccli("default".to_owned())),
        Box::new(Provided {
            what: "TENCENTCLOUD_WEB_IDENTITY_TOKEN_FILE",
            reach: Reach::Far,
            provider: AssumeRoleWithWebIdentityCredentialProvider::new(),
        }),
        Box::new(Provided {
            what: "the CVM metadata service",
            reach: Reach::Metadata,
            provider: Cvm { role: None },
        }),
    ]
}

/// The pair that a file gives, if it gives one.
fn written(
    file: &str,
    names: [&'static str; 2],
    [id, secret, token]: [Option<&str>; 3],
) -> Result<Answer, CredentialError> {
    let half = |set: &str, missing: &str| CredentialError::File {
        path: file.to_owned(),
        line: None,
        why: format!("it has `{set}` without `{missing}`"),
    };
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Answer::Found(Found::lasting(id, secret, token))),
        (Some(_), None) => Err(half(names[0], names[1])),
        (None, Some(_)) => Err(half(names[1], names[0])),
        (None, None) => Ok(Answer::Nothing(None)),
    }
}

/// The `[common]` section of coscmd's file.
pub(super) fn coscmd(env: &Environment) -> Result<Option<Section>, CredentialError> {
    Ok(ini::load(env, COSCMD)?.and_then(|mut sections| sections.remove("common")))
}

struct Coscmd;

impl Source for Coscmd {
    fn what(&self) -> String {
        COSCMD.to_owned()
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let Some(section) = coscmd(&outside.env)? else { return Ok(Answer::Nothing(None)) };
            let get = |key: &str| section.get(key).map(String::as_str);
            written(COSCMD, ["secret_id", "secret_key"], [get("secret_id"), get("secret_key"), get("token")])
        })
    }
}

struct Coscli;

impl Source for Coscli {
    fn what(&self) -> String {
        COSCLI.to_owned()
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let Some(text) = outside.env.read(COSCLI)? else { return Ok(Answer::Nothing(None)) };
            let base = yaml_base(&text).map_err(|line| CredentialError::File {
                path: COSCLI.to_owned(),
                line: Some(line),
                why: "the line is not `key: value`".to_owned(),
            })?;
            let get = |key: &str| base.get(key).map(String::as_str);
            if get("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("CvmRole")) {
                let cvm = Cvm { role: get("cvmrolename").map(str::to_owned) };
                return provide(&cvm, &outside.near(), COSCLI).await.map(Answer::from);
            }
            if get("secretid").is_some() && get("disableencryption") != Some("true") {
                let note = "its keys are encrypted; coscli stores plain ones with `disableencryption: true`";
                return Ok(Answer::Nothing(Some(note.to_owned())));
            }
            written(
                COSCLI,
                ["secretid", "secretkey"],
                [get("secretid"), get("secretkey"), get("sessiontoken")],
            )
        })
    }
}

/// The pairs under `cos:` `base:` of coscli's file, keys in lower case, or the first line that is
/// no pair. Lists, which hold the buckets, are passed over: this is not a YAML reader, but all of
/// YAML that coscli writes.
fn yaml_base(text: &str) -> Result<Section, usize> {
    let mut pairs = Section::new();
    // The keys above the line, with their indentation.
    let mut above: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', '-']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let (key, value) = content.split_once(':').ok_or(index + 1)?;
        above.retain(|(depth, _)| *depth < indent);
        let key = key.trim().trim_matches(['"', '\'']).to_lowercase();
        let value = value.trim().trim_matches(['"', '\'']);
        let place: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        if place == ["cos", "base"] && !value.is_empty() {
            pairs.insert(key.clone(), value.to_owned());
        }
        above.push((indent, key));
    }
    Ok(pairs)
}

fn tccli_path(profile: &str, kind: &str) -> String {
    format!("~/.tccli/{profile}.{kind}")
}

/// One of tccli's two files on a profile.
pub(super) fn tccli(
    env: &Environment,
    profile: &str,
    kind: &str,
) -> Result<Option<serde_json::Value>, CredentialError> {
    let path = tccli_path(profile, kind);
    let Some(text) = env.read(&path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|e| CredentialError::File {
        path,
        line: Some(e.line()),
        why: "it is not valid JSON".to_owned(),
    })
}

/// The keys of tccli's profile of this name.
struct Tccli(String);

impl Source for Tccli {
    fn what(&self) -> String {
        tccli_path(&self.0, "credential")
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let Some(value) = tccli(&outside.env, &self.0, "credential")? else {
                return Ok(Answer::Nothing(None));
            };
            let get = |key: &str| value.get(key)?.as_str().filter(|text| !text.is_empty());
            written(
                &self.what(),
                ["secretId", "secretKey"],
                [get("secretId"), get("secretKey"), get("token")],
            )
        })
    }
}

/// The role of a CVM machine.
#[derive(Clone, Debug)]
struct Cvm {
    role: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CvmAnswer {
    code: String,
    #[serde(default)]
    tmp_secret_id: String,
    #[serde(default)]
    tmp_secret_key: String,
    #[serde(default)]
    token: String,
    expired_time: Option<i64>,
}

impl Cvm {
    async fn fetch(context: &Context, url: String) -> reqsign_core::Result<String> {
        let request = http::Request::get(url).body(bytes::Bytes::new())?;
        let answer = context.http_send_as_string(request).await?;
        match answer.status() {
            http::StatusCode::OK => Ok(answer.into_body()),
            http::StatusCode::NOT_FOUND => Err(Error::config_invalid("the machine has no role")),
            status => Err(Error::unexpected(format!("it answered {status}"))),
        }
    }
}

impl ProvideCredential for Cvm {
    type Credential = Found;

    async fn provide_credential(&self, context: &Context) -> reqsign_core::Result<Option<Found>> {
        let role = match &self.role {
            Some(role) => role.clone(),
            None => Self::fetch(context, METADATA.to_owned()).await?,
        };
        let role = role.lines().next().unwrap_or_default().trim();
        let answer = Self::fetch(context, format!("{METADATA}{role}")).await?;
        let answer: CvmAnswer = serde_json::from_str(&answer)
            .map_err(|_| Error::unexpected("its answer is not the JSON that Tencent Cloud describes"))?;
        if answer.code != "Success" || answer.tmp_secret_id.is_empty() || answer.tmp_secret_key.is_empty() {
            return Err(Error::unexpected("it has no keys for the role of this machine"));
        }
        let keys = Credentials {
            access_key_id: answer.tmp_secret_id,
            secret_key: answer.tmp_secret_key,
            session_token: Some(answer.token).filter(|token| !token.is_empty()),
        };
        let expires = answer.expired_time.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(Some(Found { keys, expires }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Net, World};
    use super::yaml_base;
    use crate::model::Provider::Cos;

    const CVM: &str = r#"{"TmpSecretId":"cvm","TmpSecretKey":"s","Token":"t","ExpiredTime":1767330000,
        "Expiration":"2026-01-02T05:00:00Z","Code":"Success"}"#;
    const OIDC: &str = r#"{"Response":{"ExpiredTime":1,"Expiration":"2999-01-01T00:00:00Z",
        "Credentials":{"Token":"t","TmpSecretId":"oidc","TmpSecretKey":"s"},"RequestId":"r"}}"#;

    fn coscli(more: &str) -> String {
        format!(
            "cos:\n  base:\n    secretid: coscli\n    secretkey: \"s\"\n    sessiontoken: t\n{more}    protocol: https\n  \
             buckets:\n  - name: b-1\n    secretid: nobody\n"
        )
    }

    #[tokio::test]
    async fn the_order_is_variables_files_platform() {
        let mut world = World::new(
            &[
                ("TENCENTCLOUD_SECRET_ID", "tencent"),
                ("TENCENTCLOUD_SECRET_KEY", "s"),
                ("TENCENTCLOUD_TOKEN", "t"),
                ("COS_SECRETID", "go"),
                ("COS_SECRETKEY", "s"),
                ("COS_SECRET_ID", "python"),
                ("COS_SECRET_KEY", "s"),
                ("TKE_REGION", "ap-guangzhou"),
                ("TKE_IDENTITY_TOKEN_FILE", "~/token"),
                ("TKE_ROLE_ARN", "qcs::cam::uin/1:roleName/r"),
                ("TKE_PROVIDER_ID", "p"),
            ],
            &[
                ("token", "the-token"),
                (".cos.conf", "[common]\nsecret_id = coscmd\nsecret_key: s\ntoken = t\nmax_thread = 5\n"),
                (".cos.yaml", &coscli("    disableencryption: \"true\"\n")),
                (".tccli/default.credential", r#"{"secretId":"tccli","secretKey":"s"}"#),
            ],
            Net::answering(&[
                ("https://sts.tencentcloudapi.com", 200, OIDC),
                (
                    "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/",
                    200,
                    "my-role\n",
                ),
                ("security-credentials/my-role", 200, CVM),
            ]),
        );
        assert_eq!(world.ask(Cos, None).await.unwrap(), "tencent/s/t");
        world.unset("TENCENTCLOUD_");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "go/s/-");
        world.unset("COS_SECRETID");
        world.unset("COS_SECRETKEY");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "python/s/-");
        world.unset("COS_");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "coscmd/s/t");
        world.remove(".cos.conf");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "coscli/s/t");
        world.remove(".cos.yaml");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "tccli/s/-");
        world.remove(".tccli/default.credential");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "oidc/s/t");
        world.unset("TKE_");
        assert_eq!(world.ask(Cos, None).await.unwrap(), "cvm/s/t");
    }

    #[tokio::test]
    async fn a_profile_is_one_of_tccli() {
        let world = World::new(
            &[("TENCENTCLOUD_SECRET_ID", "variables"), ("TENCENTCLOUD_SECRET_KEY", "s")],
            &[
                (".tccli/p.credential", r#"{"type":"sso","secretId":"p","secretKey":"s","token":"t"}"#),
                (".tccli/half.credential", r#"{"secretId":"hush","secretKey":""}"#),
                (".tccli/bad.credential", "{\"secretId\":\n hush}"),
            ],
            Net::answering(&[]),
        );
        assert_eq!(world.ask(Cos, Some("p")).await.unwrap(), "p/s/t");
        assert_eq!(
            world.fails(Cos, Some("nobody")).await,
            "no profile `nobody`: looked at ~/.tccli/nobody.credential"
        );
        assert!(world.fails(Cos, Some("half")).await.contains("`secretId` without `secretKey`"));
        assert!(world.fails(Cos, Some("bad")).await.contains("`~/.tccli/bad.credential` at line 2"));
    }

    #[tokio::test]
    async fn encrypted_keys_are_passed_over_and_named() {
        let world =
            World::new(&[("DEFROST_NO_METADATA", "1")], &[(".cos.yaml", &coscli(""))], Net::answering(&[]));
        assert_eq!(
            world.fails(Cos, None).await,
            "no credentials for COS: looked at TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, \
             COS_SECRETID and COS_SECRETKEY, COS_SECRET_ID and COS_SECRET_KEY, ~/.cos.conf, \
             ~/.cos.yaml (its keys are encrypted; coscli stores plain ones with `disableencryption: true`), \
             ~/.tccli/default.credential, TENCENTCLOUD_WEB_IDENTITY_TOKEN_FILE, \
             the CVM metadata service (not asked: DEFROST_NO_METADATA is set)"
        );
    }

    #[tokio::test]
    async fn the_role_of_coscli_is_asked_for_by_name() {
        let yaml = "cos:\n  base:\n    mode: CvmRole\n    cvmrolename: mine\n";
        let net = Net::answering(&[("security-credentials/mine", 200, CVM)]);
        let world = World::new(&[], &[(".cos.yaml", yaml)], net);
        assert_eq!(world.ask(Cos, None).await.unwrap(), "cvm/s/t");
        assert_eq!(world.net.requests(), 1);
    }

    #[test]
    fn of_yaml_only_the_base_is_read() {
        let base = yaml_base(&coscli("    Mode: ''\n")).unwrap();
        let pairs: Vec<(&str, &str)> = base.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [("protocol", "https"), ("secretid", "coscli"), ("secretkey", "s"), ("sessiontoken", "t")]
        );
        assert_eq!(yaml_base("cos:\n  base:\n    secret\n"), Err(3));
    }
}
