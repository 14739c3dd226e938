//! What `OSS4-HMAC-SHA256` and `AWS4-HMAC-SHA256` have in common: the fields, the scope
//! `date/region/service/terminator`, the chain of keys, the string to sign.

use super::super::config::Credential;
use super::super::wire::date::{Secs, iso, parse_basic};
use super::super::wire::encode::{Params, STRICT};
use super::digest::{hex, hmac_sha256, sha256_hex};
use super::headers::lossy;
use super::{Denial, Scope};

/// Longest life of a presigned URL: seven days at both vendors (OSS "Include a V4 signature in a
/// URL"; S3 "Authenticating Requests: Using Query Parameters").
const LONGEST_PRESIGNED: Secs = 604_800;

/// How one vendor fills the scheme.
pub(super) struct Flavour {
    /// First word of the header and of the string to sign.
    pub algorithm: &'static str,
    /// What stands before the secret in the first key.
    pub prefix: &'static str,
    /// The service of the scope.
    pub service: &'static str,
    /// The last word of the scope.
    pub terminator: &'static str,
}

/// What a request says of its own signature, wherever that stands.
pub(super) struct Claim {
    /// `key-id/date/region/service/terminator`.
    pub credential: String,
    /// The signature, hex.
    pub signature: String,
    /// The list of signed headers, if there is one.
    pub names: Option<String>,
    /// When it was signed, such as `20250102T030405Z`; `None` if there is no such date.
    pub stamp: Option<String>,
    /// Seconds for which a presigned URL holds; `None` for a signature in the header.
    pub lifetime: Option<String>,
    /// The session token.
    pub token: Option<Vec<u8>>,
}

/// A claim whose form, scope, clock and token are in order; the signature is still open.
pub(super) struct Admitted<'r> {
    /// Whose signature it should be.
    pub credential: &'r Credential,
    signature: String,
    stamp: String,
    region: String,
}

/// The fields after the algorithm: `Credential=…, SignedHeaders=…,Signature=…`, in any order, with
/// or without spaces. `known` are the names that may stand there.
pub(super) fn fields<'t>(text: &'t str, known: &[&str]) -> Result<Vec<(&'t str, &'t str)>, Denial> {
    let mut found: Vec<(&str, &str)> = Vec::with_capacity(known.len());
    for field in text.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Denial::Malformed(format!("`{field}` in Authorization is not a pair")));
        };
        if !known.contains(&name) {
            return Err(Denial::Malformed(format!("Authorization has an unknown field `{name}`")));
        }
        if found.iter().any(|(seen, _)| *seen == name) {
            return Err(Denial::Malformed(format!("Authorization has `{name}` twice")));
        }
        found.push((name, value));
    }
    Ok(found)
}

/// One of `fields`; its absence is a fault.
pub(super) fn required(fields: &[(&str, &str)], name: &str) -> Result<String, Denial> {
    optional(fields, name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Denial::Malformed(format!("`{name}` is missing")))
}

/// One of `fields`, if it is there.
pub(super) fn optional(fields: &[(&str, &str)], name: &str) -> Option<String> {
    fields.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())
}

/// The encoded query: sorted by encoded name, then value, without the parameter `but`. `bare` leaves
/// out the `=` before an empty value (OSS), else it stays (S3).
pub(super) fn canonical_query(params: &Params, but: Option<&str>, bare: bool) -> String {
    let mut pairs: Vec<(String, String)> = params
        .iter()
        .filter(|(name, _)| Some(*name) != but)
        .map(|(name, value)| (STRICT.text(name.as_bytes()), STRICT.text(value)))
        .collect();
    pairs.sort_unstable();
    let joined: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| if bare && value.is_empty() { name } else { format!("{name}={value}") })
        .collect();
    joined.join("&")
}

impl Flavour {
    /// Checks everything but the signature itself.
    pub(super) fn admit<'r>(&self, claim: &Claim, scope: &Scope<'r>) -> Result<Admitted<'r>, Denial> {
        // From the right: an access key may hold a slash, the other parts may not.
        let parts: Vec<&str> = claim.credential.rsplitn(5, '/').collect();
        let &[terminator, service, region, date, access_key_id] = parts.as_slice() else {
            return Err(Denial::Malformed(format!(
                "the credential `{}` is not of the form <key>/<date>/<region>/{}/{}",
                claim.credential, self.service, self.terminator
            )));
        };
        if service != self.service || terminator != self.terminator {
            return Err(Denial::Malformed(format!(
                "the credential ends in `{service}/{terminator}`, not `{}/{}`",
                self.service, self.terminator
            )));
        }
        let stamp = claim.stamp.as_deref().ok_or(Denial::Undated)?;
        let signed_at = parse_basic(stamp).ok_or(Denial::Undated)?;
        if stamp.get(..8) != Some(date) {
            return Err(Denial::Malformed(format!(
                "the date `{date}` of the credential is not the day of `{stamp}`"
            )));
        }
        if !scope.region.is_empty() && region != scope.region {
            return Err(Denial::WrongRegion { expected: scope.region.to_owned(), got: region.to_owned() });
        }
        let credential = scope.credential(access_key_id)?;
        match claim.lifetime.as_deref() {
            None => scope.admit_time(signed_at)?,
            Some(lifetime) => admit_presigned(lifetime, signed_at, scope)?,
        }
        scope.admit_token(credential, claim.token.as_deref())?;
        Ok(Admitted {
            credential,
            signature: claim.signature.clone(),
            stamp: stamp.to_owned(),
            region: region.to_owned(),
        })
    }

    /// Compares the signature with the one that `canonical_request` has.
    pub(super) fn compare<'r>(
        &self,
        admitted: &Admitted<'r>,
        canonical_request: &[u8],
    ) -> Result<&'r Credential, Denial> {
        let Admitted { credential, signature, stamp, region } = admitted;
        let date = stamp.get(..8).unwrap_or_default();
        let string_to_sign = format!(
            "{}\n{stamp}\n{date}/{region}/{}/{}\n{}",
            self.algorithm,
            self.service,
            self.terminator,
            sha256_hex(canonical_request)
        );
        let first = format!("{}{}", self.prefix, credential.secret_key);
        let key = [date, region.as_str(), self.service, self.terminator]
            .iter()
            .fold(first.into_bytes(), |key, part| hmac_sha256(&key, part.as_bytes()));
        if hex(&hmac_sha256(&key, string_to_sign.as_bytes())) == *signature {
            return Ok(credential);
        }
        Err(Denial::WrongSignature {
            access_key_id: credential.access_key_id.clone(),
            provided: signature.clone(),
            string_to_sign,
            canonical_request: lossy(canonical_request),
        })
    }
}

fn admit_presigned(lifetime: &str, signed_at: Secs, scope: &Scope<'_>) -> Result<(), Denial> {
    let lifetime: Secs =
        lifetime.parse().ok().filter(|seconds| (0..=LONGEST_PRESIGNED).contains(seconds)).ok_or_else(
            || Denial::Malformed(format!("`{lifetime}` seconds of validity are not in 0..=604800")),
        )?;
    if signed_at - scope.now > super::MAX_SKEW {
        return Err(Denial::Skewed { request_time: signed_at, server_time: scope.now });
    }
    let expires = signed_at + lifetime;
    if scope.now > expires {
        return Err(Denial::Expired { expires, server_time: scope.now });
    }
    Ok(())
}

/// `secs` as `20250102T030405Z`, for a request that is dated in another form.
pub(super) fn basic(secs: Secs) -> String {
    iso(secs).replace(".000", "").replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_basic_form() {
        assert_eq!(basic(1_735_787_045), "20250102T030405Z");
    }

    #[test]
    fn reads_fields_in_any_order() {
        let known = ["Credential", "Signature"];
        let found = fields("Signature=ab , Credential=k/d", &known).unwrap();
        assert_eq!(required(&found, "Credential").unwrap(), "k/d");
        assert_eq!(required(&found, "Signature").unwrap(), "ab");
        for bad in ["Credential", "Credential=a,Credential=b", "Other=1"] {
            assert!(matches!(fields(bad, &known), Err(Denial::Malformed(_))), "{bad}");
        }
        assert!(matches!(required(&found, "Else"), Err(Denial::Malformed(_))));
    }

    /// A name that is a prefix of another sorts first, whatever byte follows it in the joined text.
    #[test]
    fn sorts_the_query_by_name_then_value() {
        let params = Params::parse("a-b=1&a=2&a=10&restore&prefix=x+y%2F");
        assert_eq!(canonical_query(&params, None, false), "a=10&a=2&a-b=1&prefix=x%20y%2F&restore=");
        assert_eq!(canonical_query(&params, Some("a-b"), true), "a=10&a=2&prefix=x%20y%2F&restore");
    }
}
