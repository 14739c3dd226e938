//! Signatures: one file per scheme, each a function of request, endpoint, keys and time; [`DayKey`]
//! keeps what would come out the same all day.
//!
//! The time is an argument, so that a skewed clock can be healed and the vendors' vectors can pin
//! every byte. Signing again replaces what an earlier signature added. The canonical forms follow
//! what [`target`](super::dialect::target) puts on the wire, where the vendor asks for that.

pub mod cos;
pub mod oss;
pub mod v4;
pub mod webhook;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::dialect::Request;
use crate::model::hex;

fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The signing key that OSS V4 and SigV4 share but for its first word: an HMAC chain over date,
/// region, service and the closing word.
fn signing_key(prefix: &str, secret: &str, links: [&str; 4]) -> Vec<u8> {
    let seed = format!("{prefix}{secret}").into_bytes();
    links.into_iter().fold(seed, |key, link| hmac_sha256(&key, link.as_bytes()))
}

/// The signing key of the last request: it holds for a day, a region and a secret, and deriving it
/// costs four of a signature's five HMACs.
#[derive(Default)]
pub struct DayKey(Mutex<Option<Derived>>);

struct Derived {
    secret: String,
    links: [String; 4],
    key: Vec<u8>,
}

impl DayKey {
    /// Nothing kept yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// As [`signing_key`]; derived anew only when anything in it differs from the last time.
    fn of(&self, prefix: &str, secret: &str, links: [&str; 4]) -> Vec<u8> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|last| last.secret == secret && last.links == links);
        if let Some(known) = known {
            return known.key.clone();
        }
        let key = signing_key(prefix, secret, links);
        *last =
            Some(Derived { secret: secret.to_owned(), links: links.map(str::to_owned), key: key.clone() });
        key
    }
}

impl fmt::Debug for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayKey(redacted)")
    }
}

/// Sets a header, in place of an earlier one of the same name.
fn put(request: &mut Request, name: &'static str, value: String) {
    request.headers.retain(|(known, _)| *known != name);
    request.headers.push((name, value));
}

/// Takes a header away, so that a request once signed with a token can be signed without one.
fn take(request: &mut Request, name: &str) {
    request.headers.retain(|(known, _)| *known != name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_as_long_as_nothing_in_it_changes() {
        let kept = DayKey::default();
        let links = ["20260102", "us-east-1", "s3", "aws4_request"];
        let (next_day, other_region) = (
            ["20260103", "us-east-1", "s3", "aws4_request"],
            ["20260103", "eu-west-1", "s3", "aws4_request"],
        );
        for (secret, links) in [
            ("one", links),
            ("one", links),
            ("two", links),
            ("two", next_day),
            ("two", other_region),
            ("one", links),
        ] {
            assert_eq!(kept.of("AWS4", secret, links), signing_key("AWS4", secret, links));
        }
    }

    #[test]
    fn a_kept_key_is_not_shown() {
        let kept = DayKey::default();
        kept.of("AWS4", "secret", ["20260102", "us-east-1", "s3", "aws4_request"]);
        assert_eq!(format!("{kept:?}"), "DayKey(redacted)");
    }
}
