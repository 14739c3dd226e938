//! Signatures of messages to web servers, by the convention of Standard Webhooks: HMAC-SHA256 over id,
//! time and body.
//!
//! Source: Standard Webhooks specification 1.0.0, "Signature scheme" and "Webhook headers", read 2026-11.

use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;

use super::hmac_sha256;

/// What a secret begins with; it may be left out.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, as the specification has it.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret that messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookKey(Vec<u8>);

impl WebhookKey {
    /// The key that `text` spells: base64 of 24 to 64 bytes, usually behind `whsec_`. White space around it
    /// is passed over.
    ///
    /// # Errors
    /// What is wrong with it, without repeating any of it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        // Some tools leave out the `=` at the end.
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config)
            .decode(text)
            .map_err(|_| "it is not base64")?;
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err("it is not 24 to 64 bytes long") }
    }

    /// The header `webhook-signature` of the message called `id`, sent at `at` with `body`.
    #[must_use]
    pub fn signature(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut signed = format!("{id}.{}.", at.as_second()).into_bytes();
        signed.extend_from_slice(body);
        format!("v1,{}", STANDARD.encode(hmac_sha256(&self.0, &signed)))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the libraries that come with the specification, and the one of the documents of
    /// Svix, whose scheme it is; both read 2026-11.
    #[test]
    fn published_vectors_are_met() {
        for (secret, id, at, body, wanted) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            let at = Timestamp::from_second(at).unwrap();
            for text in [secret.to_owned(), format!("{}\n", secret.trim_start_matches(PREFIX))] {
                let key = WebhookKey::read(&text).unwrap();
                assert_eq!(key.signature(id, at, body.as_bytes()), wanted);
            }
        }
    }

    #[test]
    fn a_bad_secret_is_refused_and_not_repeated() {
        for (text, why) in [
            ("whsec_not base64 at all!", "not base64"),
            ("", "24 to 64 bytes"),
            ("whsec_c2hvcnQ=", "24 to 64 bytes"),
            (&STANDARD.encode([7; 65]), "24 to 64 bytes"),
        ] {
            let told = WebhookKey::read(text).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        for length in LENGTHS {
            let key = WebhookKey::read(STANDARD.encode(vec![7; length]).trim_end_matches('=')).unwrap();
            assert_eq!(format!("{key:?}"), "WebhookKey(redacted)");
        }
    }
}
