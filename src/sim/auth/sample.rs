//! Requests for the tests: written down as on the wire, checked, and changed in one place.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::config::{Credential, Dialect};
use super::super::wire::date::Secs;
use super::{Denial, Scope, Signed, verify};

/// A request that owns its parts.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What a sample is checked against.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub provider: Dialect,
    pub bucket: String,
    pub virtual_host: bool,
    pub region: String,
    pub now: Secs,
    pub credential: Credential,
}

impl Sample {
    /// Reads `METHOD target`, header lines, an empty line, the body.
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).expect("a request line");
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').expect("a header line");
            let value = HeaderValue::from_bytes(value.trim().as_bytes()).expect("a header value");
            headers.append(name.trim().parse::<HeaderName>().expect("a header name"), value);
        }
        Self { method: method.to_owned(), target: target.to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    /// The same with one header set.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        self
    }

    /// The same without one header.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name).expect("the header to take away");
        self
    }

    /// The same with `from` in the target replaced by `to`.
    pub(super) fn target(mut self, from: &str, to: &str) -> Self {
        assert!(self.target.contains(from), "`{from}` is in {}", self.target);
        self.target = self.target.replacen(from, to, 1);
        self
    }

    /// The same with `from` in the header `name` replaced by `to`.
    pub(super) fn edit(self, name: &'static str, from: &str, to: &str) -> Self {
        let value = self.headers[name].to_str().expect("a header of text").to_owned();
        assert!(value.contains(from), "`{from}` is in {value}");
        self.with(name, &value.replacen(from, to, 1))
    }

    /// The same with the headers in the opposite order.
    pub(super) fn reversed(mut self) -> Self {
        let pairs: Vec<_> = self.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        self.headers = pairs.into_iter().rev().collect();
        self
    }
}

impl Server {
    /// A server that knows `AKIDEXAMPLE` with `SECRETEXAMPLE`.
    pub(super) fn new(provider: Dialect, bucket: &str, virtual_host: bool, region: &str, now: Secs) -> Self {
        Self {
            provider,
            bucket: bucket.to_owned(),
            virtual_host,
            region: region.to_owned(),
            now,
            credential: Credential::new("AKIDEXAMPLE", "SECRETEXAMPLE"),
        }
    }

    /// The same with temporary credentials.
    pub(super) fn token(mut self, token: &str) -> Self {
        self.credential.session_token = Some(token.to_owned());
        self
    }

    /// The same at another hour.
    pub(super) fn at(mut self, now: Secs) -> Self {
        self.now = now;
        self
    }

    /// The same with another secret.
    pub(super) fn secret(mut self, secret: &str) -> Self {
        self.credential.secret_key = secret.to_owned();
        self
    }

    /// The verdict on `sample`.
    pub(super) fn check(&self, sample: &Sample) -> Result<(), Denial> {
        let request = Signed {
            method: &sample.method,
            target: &sample.target,
            headers: &sample.headers,
            body: &sample.body,
        };
        let scope = Scope {
            provider: self.provider,
            bucket: &self.bucket,
            virtual_host: self.virtual_host,
            region: &self.region,
            now: self.now,
            credentials: std::slice::from_ref(&self.credential),
        };
        verify(&request, &scope).map(|found| assert_eq!(found.access_key_id, "AKIDEXAMPLE"))
    }

    /// The canonical request and the string to sign, which only a refusal shows.
    pub(super) fn canonical(&self, sample: &Sample) -> (String, String) {
        match self.clone().secret("another").check(sample) {
            Err(Denial::WrongSignature { string_to_sign, canonical_request, .. }) => {
                (canonical_request, string_to_sign)
            }
            other => panic!("a wrong secret is a wrong signature, not {other:?}"),
        }
    }

    /// Holds for every signed request, whoever signed it.
    pub(super) fn pins(&self, sample: &Sample) {
        assert_eq!(self.check(sample), Ok(()), "{sample:?}");
        assert_eq!(
            self.check(&sample.clone().reversed().with("x-another-header", "1")),
            Ok(()),
            "header order and unsigned headers do not matter: {sample:?}"
        );
        self.refuses(&self.clone().secret("SECRETEXAMPLF"), sample, "the secret");
        let mut method = sample.clone();
        method.method = "DELETE".to_owned();
        self.refuses(self, &method, "the method");
        let mut path = sample.clone();
        let end = path.target.find('?').unwrap_or(path.target.len());
        path.target.insert(end, 'x');
        self.refuses(self, &path, "the path");
        let stranger = Self { credential: Credential::new("AKIDSTRANGER", "SECRETEXAMPLE"), ..self.clone() };
        assert!(matches!(stranger.check(sample), Err(Denial::UnknownKey { .. })), "{sample:?}");
    }

    fn refuses(&self, server: &Self, sample: &Sample, changed: &str) {
        let verdict = server.check(sample);
        assert!(
            matches!(verdict, Err(Denial::WrongSignature { .. })),
            "{changed} was changed on {:?}: {verdict:?}",
            self.provider
        );
    }

    /// Asserts that `sample` is refused for its signature.
    pub(super) fn refuses_signature(&self, sample: &Sample, changed: &str) {
        self.refuses(self, sample, changed);
    }
}
