//! Signatures: one file per scheme, each a pure function of request, endpoint, keys and time.
//!
//! The time is an argument, so that a skewed clock can be healed and the vendors' vectors can pin
//! every byte. Signing again replaces what an earlier signature added. The canonical forms follow
//! what [`target`](super::dialect::target) puts on the wire, where the vendor asks for that.

pub mod cos;
pub mod oss;
pub mod v4;

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

/// Sets a header, in place of an earlier one of the same name.
fn put(request: &mut Request, name: &'static str, value: String) {
    request.headers.retain(|(known, _)| *known != name);
    request.headers.push((name, value));
}

/// Takes a header away, so that a request once signed with a token can be signed without one.
fn take(request: &mut Request, name: &str) {
    request.headers.retain(|(known, _)| *known != name);
}
