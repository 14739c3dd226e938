//! The chain of the AWS tools.
//!
//! Order and rules are botocore's (`credentials.py`, read 2026-11): variables, a role of the
//! profile, web identity, SSO, the shared credentials file, a process, the config file, container,
//! EC2. Its older files (boto2, EC2) and the `login` session are left out.

use futures::future::BoxFuture;
use reqsign_aws_v4::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider, IMDSv2CredentialProvider,
};
use reqsign_core::{Context, ProvideCredential};

use super::outside::Outside;
use super::s3_profile::{OfProfile, Part};
use super::source::{Answer, Provided, Reach, Source, Variables, provide};
use super::{CredentialError, Environment};

pub(super) const WAY_OUT: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or name a \
     profile with --profile";

pub(super) const VARIABLES: Variables = Variables {
    id: "AWS_ACCESS_KEY_ID",
    secret: "AWS_SECRET_ACCESS_KEY",
    token: &["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"],
};

/// The session name shown in the audit logs of an assumed role, unless the profile gives one.
pub(super) const SESSION_NAME: &str = "defrost";

pub(super) const CONTAINER: &str = "the container agent of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
pub(super) const EC2: &str = "the EC2 metadata service";

pub(super) fn sources(profile: Option<&str>) -> Vec<Box<dyn Source>> {
    let of_profile = |part| Box::new(OfProfile { named: profile.map(str::to_owned), part });
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    if profile.is_none() {
        sources.push(Box::new(VARIABLES));
    }
    sources.push(of_profile(Part::Role));
    if profile.is_none() {
        sources.push(Box::new(WebIdentity));
    }
    sources.push(of_profile(Part::Keys));
    sources.push(Box::new(Provided {
        what: CONTAINER,
        reach: Reach::Near,
        provider: ECSCredentialProvider::new(),
    }));
    sources.push(Box::new(Provided { what: EC2, reach: Reach::Metadata, provider: Ec2::default() }));
    sources
}

/// The region whose token service is asked.
pub(super) fn region_of(env: &Environment, of_profile: Option<&str>) -> Option<String> {
    let set = env.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, region)| region);
    set.or(of_profile).map(str::to_owned)
}

pub(super) fn regional(
    provider: AssumeRoleWithWebIdentityCredentialProvider,
    region: Option<String>,
) -> AssumeRoleWithWebIdentityCredentialProvider {
    match region {
        Some(region) => provider.with_region(region).with_regional_sts_endpoint(),
        None => provider,
    }
}

/// A role for a token that the platform (EKS, CI) puts into a file.
#[derive(Debug)]
struct WebIdentity;

impl Source for WebIdentity {
    fn what(&self) -> String {
        "AWS_WEB_IDENTITY_TOKEN_FILE".to_owned()
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let env = &outside.env;
            let (Some(file), arn) = (env.var("AWS_WEB_IDENTITY_TOKEN_FILE"), env.var("AWS_ROLE_ARN")) else {
                return Ok(Answer::Nothing(None));
            };
            let Some(arn) = arn else {
                return Err(CredentialError::HalfSet {
                    set: self.what(),
                    missing: "AWS_ROLE_ARN".to_owned(),
                });
            };
            let session = env.var("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION_NAME);
            let provider =
                AssumeRoleWithWebIdentityCredentialProvider::with_config(arn.to_owned(), file.into())
                    .with_role_session_name(session.to_owned());
            let provider = regional(provider, region_of(env, None));
            provide(&provider, &outside.far(), &self.what()).await.map(Answer::from)
        })
    }
}

/// The role of an EC2 machine, unless the vendor's switch is off.
#[derive(Debug, Default)]
pub(super) struct Ec2(IMDSv2CredentialProvider);

impl ProvideCredential for Ec2 {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> reqsign_core::Result<Option<Credential>> {
        // The crate knows the switch in lower case only; botocore takes any.
        let off =
            context.env_var("AWS_EC2_METADATA_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        if off { Ok(None) } else { self.0.provide_credential(context).await }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Net, World};
    use crate::model::Provider::S3;

    const ROLE: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLEROLEROLE</AccessKeyId>\
        <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    const WEB: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
        <AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
        </AssumeRoleWithWebIdentityResponse>";
    const AGENT: &str = r#"{"Code":"Success","Message":"","AccessKeyId":"KEY","SecretAccessKey":"s","Token":"t",
        "Expiration":"2999-01-01T00:00:00Z"}"#;
    const PROCESS: &str = "credential_process = printf '%s' '{\"Version\":1,\"AccessKeyId\":\"process\",\
        \"SecretAccessKey\":\"s\"}'";

    #[tokio::test]
    async fn the_order_is_botocores() {
        let (container, ec2) = (AGENT.replace("KEY", "container"), AGENT.replace("KEY", "ec2"));
        let net = Net::answering(&[
            ("GET https://sts.eu-west-1.amazonaws.com/", 200, ROLE),
            ("GET http://169.254.170.2/task", 200, &container),
            ("PUT http://169.254.169.254/latest/api/token", 200, "imds"),
            ("GET http://169.254.169.254/latest/meta-data/iam/security-credentials/", 200, "my-role"),
            ("security-credentials/my-role", 200, &ec2),
        ]);
        let own = "aws_access_key_id = config\naws_secret_access_key = s\n";
        let role = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n";
        let base = "[profile base]\naws_access_key_id = base\naws_secret_access_key = s\n";
        let mut world = World::new(
            &[
                ("AWS_ACCESS_KEY_ID", "variables"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("AWS_SESSION_TOKEN", "t"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token"),
                ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/w"),
                ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/task"),
            ],
            &[
                ("token", "the-token"),
                (".aws/credentials", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n"),
                (".aws/config", &format!("[default]\n{role}{own}{PROCESS}\n{base}")),
            ],
            net,
        );
        assert_eq!(world.ask(S3, None).await.unwrap(), "variables/s/t");
        world.unset("AWS_ACCESS_KEY_ID");
        world.unset("AWS_SECRET_ACCESS_KEY");
        assert_eq!(world.ask(S3, None).await.unwrap(), "ASIAROLEROLEROLE/s/t");
        let sent = world.net.seen.lock().unwrap().pop().unwrap();
        assert!(sent.contains("Credential=base/") && sent.contains("RoleSessionName=defrost"), "{sent}");
        world.write(".aws/config", &format!("[default]\n{own}{PROCESS}\n"));
        world.net.rule(("POST https://sts.eu-west-1.amazonaws.com/", 200, WEB));
        assert_eq!(world.ask(S3, None).await.unwrap(), "web/s/t");
        world.unset("AWS_WEB");
        assert_eq!(world.ask(S3, None).await.unwrap(), "file/s/-");
        world.remove(".aws/credentials");
        assert_eq!(world.ask(S3, None).await.unwrap(), "process/s/-");
        world.write(".aws/config", &format!("[default]\n{own}"));
        assert_eq!(world.ask(S3, None).await.unwrap(), "config/s/-");
        world.remove(".aws/config");
        assert_eq!(world.ask(S3, None).await.unwrap(), "container/s/t");
        world.unset("AWS_CONTAINER");
        assert_eq!(world.ask(S3, None).await.unwrap(), "ec2/s/t");
    }

    #[tokio::test]
    async fn a_named_profile_shuts_out_the_variables_and_must_exist() {
        let world = World::new(
            &[("AWS_ACCESS_KEY_ID", "variables"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_PROFILE", "other")],
            &[
                (
                    ".aws/credentials",
                    "[mine]\naws_access_key_id = mine\naws_secret_access_key = s\naws_session_token = t\n\
                     [half]\naws_access_key_id = hush\n",
                ),
                (
                    ".aws/config",
                    "[profile other]\nregion = x\n[profile mfa]\nrole_arn = a\nmfa_serial = hush\n",
                ),
            ],
            Net::answering(&[]),
        );
        assert_eq!(world.ask(S3, Some("mine")).await.unwrap(), "mine/s/t");
        assert_eq!(world.ask(S3, None).await.unwrap(), "variables/s/-");
        assert_eq!(
            world.fails(S3, Some("nobody")).await,
            "no profile `nobody`: looked at ~/.aws/credentials and ~/.aws/config"
        );
        let half = world.fails(S3, Some("half")).await;
        assert!(half.contains("`aws_access_key_id` without `aws_secret_access_key`"), "{half}");
        assert!(world.fails(S3, Some("mfa")).await.contains("MFA"));
    }

    #[tokio::test]
    async fn roles_in_a_circle_come_to_an_end() {
        let role = |of: &str, from: &str| {
            format!("[profile {of}]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = {from}\n")
        };
        let config = role("a", "b") + &role("b", "a") + &role("own", "own") + &role("lost", "nobody");
        let world = World::new(&[], &[(".aws/config", &config)], Net::answering(&[]));
        assert!(world.fails(S3, Some("a")).await.contains("circle"));
        assert!(world.fails(S3, Some("own")).await.contains("has no keys"));
        assert!(world.fails(S3, Some("lost")).await.starts_with("no profile `nobody`"));
    }

    #[tokio::test]
    async fn a_refused_role_tells_why_and_nothing_else() {
        let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized\n\nhush</Message></Error>\
            </ErrorResponse>";
        let world = World::new(
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token"),
                ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/w"),
            ],
            &[("token", "hush-hush")],
            Net::answering(&[("sts.amazonaws.com", 403, refusal)]),
        );
        assert_eq!(
            world.fails(S3, None).await,
            "AWS_WEB_IDENTITY_TOKEN_FILE gave no credentials: AccessDenied: not authorized"
        );
        let half = World::new(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "hush")], &[], Net::answering(&[]));
        assert!(half.fails(S3, None).await.contains("`AWS_ROLE_ARN` is not"));
    }

    #[tokio::test]
    async fn an_sso_session_uses_the_login_of_the_cli() {
        let roles = r#"{"roleCredentials":{"accessKeyId":"sso","secretAccessKey":"s","sessionToken":"t",
            "expiration":32503680000000}}"#;
        let config = "[default]\nsso_session = my\nsso_account_id = 1\nsso_role_name = r\n\
            [sso-session my]\nsso_region = eu-north-1\nsso_start_url = https://x\n";
        let world = World::new(
            &[],
            &[(".aws/config", config)],
            Net::answering(&[("portal.sso.eu-north-1.amazonaws.com/federation/credentials?", 200, roles)]),
        );
        assert!(world.fails(S3, None).await.contains("aws sso login"));
        // The name is the SHA-1 of `my`.
        let login = r#"{"accessToken":"hush","expiresAt":"2999-01-01T00:00:00Z"}"#;
        world.write(".aws/sso/cache/3ece1471f44f63177cbc35ba0b904e0c096b6783.json", login);
        assert_eq!(world.ask(S3, None).await.unwrap(), "sso/s/t");
    }

    #[tokio::test]
    async fn without_any_the_error_lists_what_was_looked_at() {
        let mut world = World::new(&[("DEFROST_NO_METADATA", "1")], &[], Net::answering(&[]));
        assert_eq!(
            world.fails(S3, None).await,
            "no credentials for S3: looked at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role of the profile, \
             AWS_WEB_IDENTITY_TOKEN_FILE, keys, SSO or process of the profile in ~/.aws, \
             the container agent of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, \
             the EC2 metadata service (not asked: DEFROST_NO_METADATA is set)"
        );
        world.vars = vec![("AWS_EC2_METADATA_DISABLED".into(), "TRUE".into())];
        world.fails(S3, None).await;
        assert_eq!(world.net.requests(), 0);
        world.vars.clear();
        assert!(world.fails(S3, None).await.contains("EC2 metadata service (failed to connect to IMDS"));
        assert_ne!(world.net.requests(), 0);
    }

    #[tokio::test]
    async fn files_that_cannot_be_read_are_named_with_their_line() {
        let world = World::new(&[], &[(".aws/credentials", "[default]\nhush-hush\n")], Net::answering(&[]));
        assert!(world.fails(S3, None).await.starts_with("cannot read `~/.aws/credentials` at line 2"));
    }
}
