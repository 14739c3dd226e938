//! What a chain is made of: places that may hold credentials.

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqsign_core::{Context, ProvideCredential};

use super::outside::Outside;
use super::{CredentialError, Environment};
use crate::store::dialect::Credentials;

/// The longest part of a service's own words that goes into an error.
const WORDS_LIMIT: usize = 240;

/// Credentials together with the moment until which they are good, where the source tells.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) keys: Credentials,
    pub(super) expires: Option<Timestamp>,
}

impl Found {
    /// Keys of which nobody knows an end.
    pub(super) fn lasting(id: &str, secret: &str, token: Option<&str>) -> Self {
        let keys = Credentials {
            access_key_id: id.to_owned(),
            secret_key: secret.to_owned(),
            session_token: token.map(str::to_owned),
        };
        Self { keys, expires: None }
    }
}

/// What a source says.
#[derive(Debug)]
pub(super) enum Answer {
    /// Credentials.
    Found(Found),
    /// It is not set up; a note is added to its name in the list of what was looked at.
    Nothing(Option<String>),
}

impl From<Option<Found>> for Answer {
    fn from(found: Option<Found>) -> Self {
        found.map_or(Self::Nothing(None), Self::Found)
    }
}

/// One place that may hold credentials. A source that is set up but broken is an error: going on
/// to the next one would run the job as somebody else.
pub(super) trait Source: Send + Sync {
    /// Its name in messages.
    fn what(&self) -> String;

    /// Whether it asks a metadata service, which must be quick and may be switched off.
    fn metadata(&self) -> bool {
        false
    }

    /// Whether it can give nothing else while this process lives.
    fn fixed(&self) -> bool {
        false
    }

    /// Looks.
    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>>;
}

/// Keys in variables.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) id: &'static str,
    pub(super) secret: &'static str,
    /// The token's variable; the first that is set counts.
    pub(super) token: &'static [&'static str],
}

impl Variables {
    pub(super) fn look(&self, env: &Environment) -> Result<Answer, CredentialError> {
        let half =
            |set: &str, missing: &str| CredentialError::HalfSet { set: set.into(), missing: missing.into() };
        match (env.var(self.id), env.var(self.secret)) {
            (Some(id), Some(secret)) => {
                let token = env.first(self.token).map(|(_, token)| token);
                Ok(Answer::Found(Found::lasting(id, secret, token)))
            }
            (Some(_), None) => Err(half(self.id, self.secret)),
            (None, Some(_)) => Err(half(self.secret, self.id)),
            (None, None) => Ok(Answer::Nothing(None)),
        }
    }
}

impl Source for Variables {
    fn what(&self) -> String {
        format!("{} and {}", self.id, self.secret)
    }

    fn fixed(&self) -> bool {
        true
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async { self.look(&outside.env) })
    }
}

/// How a reqsign provider is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A token service of the vendor.
    Far,
    /// A container agent on this machine.
    Near,
    /// The metadata service of this machine.
    Metadata,
}

/// A provider of the reqsign crates.
#[derive(Debug)]
pub(super) struct Provided<P> {
    pub(super) what: &'static str,
    pub(super) reach: Reach,
    pub(super) provider: P,
}

impl<P> Source for Provided<P>
where
    P: ProvideCredential,
    P::Credential: Into<Found>,
{
    fn what(&self) -> String {
        self.what.to_owned()
    }

    fn metadata(&self) -> bool {
        self.reach == Reach::Metadata
    }

    fn ask<'a>(&'a self, outside: &'a Outside) -> BoxFuture<'a, Result<Answer, CredentialError>> {
        Box::pin(async {
            let context = if self.reach == Reach::Far { outside.far() } else { outside.near() };
            provide(&self.provider, &context, self.what).await.map(Answer::from)
        })
    }
}

/// Asks a reqsign provider, and puts its failure into words.
pub(super) async fn provide<P>(
    provider: &P,
    context: &Context,
    origin: &str,
) -> Result<Option<Found>, CredentialError>
where
    P: ProvideCredential,
    P::Credential: Into<Found>,
{
    match provider.provide_credential(context).await {
        Ok(found) => Ok(found.map(Into::into)),
        Err(e) => Err(CredentialError::Refused { origin: origin.to_owned(), why: words(&e) }),
    }
}

/// What an error of reqsign says, with its causes, fit to be shown.
///
/// Token services echo the request in some refusals (Alibaba's string to sign, AWS's canonical
/// string), and tokens are in it: of an echoed document only its code is kept, and of a text only
/// its first line.
fn words(error: &reqsign_core::Error) -> String {
    let mut said = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        said.push(first_line(&error.to_string()));
        cause = error.source();
    }
    said.dedup();
    said.join(": ")
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let plain = line.split(['{', '<']).next().unwrap_or_default().trim_end_matches([' ', ':']);
    let plain: String = plain.chars().take(WORDS_LIMIT).collect();
    match code(text.get(plain.len()..).unwrap_or_default()) {
        Some(code) => format!("{plain}: {code}"),
        None => plain,
    }
}

/// The value after the first word `Code` in a document, if it looks like a code.
fn code(document: &str) -> Option<&str> {
    let at = document.find("Code").or_else(|| document.find("code"))?;
    let value = document.get(at + "Code".len()..)?.trim_start_matches(['"', ':', ' ', '>']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_')?;
    value.get(..end).filter(|code| !code.is_empty())
}

fn moment(at: reqsign_core::time::Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second()).ok()
}

impl From<reqsign_aws_v4::Credential> for Found {
    fn from(c: reqsign_aws_v4::Credential) -> Self {
        let keys = Credentials {
            access_key_id: c.access_key_id,
            secret_key: c.secret_access_key,
            session_token: c.session_token,
        };
        Self { keys, expires: c.expires_in.and_then(moment) }
    }
}

impl From<reqsign_aliyun_oss::Credential> for Found {
    fn from(c: reqsign_aliyun_oss::Credential) -> Self {
        let keys = Credentials {
            access_key_id: c.access_key_id,
            secret_key: c.access_key_secret,
            session_token: c.security_token,
        };
        Self { keys, expires: c.expires_in.and_then(moment) }
    }
}

impl From<reqsign_tencent_cos::Credential> for Found {
    fn from(c: reqsign_tencent_cos::Credential) -> Self {
        let keys = Credentials {
            access_key_id: c.secret_id,
            secret_key: c.secret_key,
            session_token: c.security_token,
        };
        Self { keys, expires: c.expires_in.and_then(moment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_request_is_cut_down_to_its_code() {
        for (said, shown) in [
            (
                "request to Aliyun STS Services failed: {\"Message\":\"server string to sign is \
                 GET&hush\",\"Code\":\"SignatureDoesNotMatch\"}",
                "request to Aliyun STS Services failed: SignatureDoesNotMatch",
            ),
            (
                "request to Tencent Cloud STS Services failed: Failure { code: \"AuthFailure.OIDCError\", \
                 message: \"hush\" }",
                "request to Tencent Cloud STS Services failed: Failure: AuthFailure.OIDCError",
            ),
            (
                "SignatureDoesNotMatch: The signature does not match.\n\nThe Canonical String was\n'POST hush'",
                "SignatureDoesNotMatch: The signature does not match.",
            ),
            (
                "AccessDenied: not authorized to perform: sts:AssumeRole",
                "AccessDenied: not authorized to perform: sts:AssumeRole",
            ),
            ("STS request failed with 503: <html>hush</html>", "STS request failed with 503"),
        ] {
            let inner = reqsign_core::Error::unexpected("no connection to sts.example.com");
            assert_eq!(words(&reqsign_core::Error::unexpected(said)), shown);
            assert_eq!(
                words(&reqsign_core::Error::unexpected(said).with_source(inner)),
                format!("{shown}: no connection to sts.example.com")
            );
        }
    }

    #[test]
    fn half_set_variables_are_named_and_not_shown() {
        let names = Variables { id: "ID", secret: "SECRET", token: &["TOKEN", "OLD_TOKEN"] };
        let look = |vars: &[(&str, &str)]| names.look(&Environment::new(vars.iter().copied(), None));
        for (vars, message) in [
            ([("ID", "hush"), ("TOKEN", "t")], "`ID` is set but `SECRET` is not"),
            ([("SECRET", "hush"), ("ID", "")], "`SECRET` is set but `ID` is not"),
        ] {
            assert_eq!(look(&vars).unwrap_err().to_string(), message);
        }
        let Ok(Answer::Found(found)) = look(&[("ID", "i"), ("SECRET", "s"), ("OLD_TOKEN", "t")]) else {
            panic!("nothing found")
        };
        assert_eq!(found.keys.session_token.as_deref(), Some("t"));
        assert!(matches!(look(&[]), Ok(Answer::Nothing(None))));
    }
}
