//! COS request signatures: `q-sign-algorithm=sha1&q-ak=…` in the header or in the query.
//!
//! Source: COS "Request Signature" (436/7778), error codes (436/7730), and the signers of the
//! official Go and Python SDKs; read 2026-11. Only what the two lists name is signed, the body never.

use super::super::config::Credential;
use super::super::wire::date::Secs;
use super::super::wire::encode::{Params, STRICT, decode};
use super::{Denial, MAX_SKEW, Scope, Signed, digest, headers};

const TOKEN: &str = "x-cos-security-token";

/// What a request says of its own signature.
struct Claim {
    access_key_id: String,
    sign_time: String,
    key_time: String,
    header_list: Vec<String>,
    param_list: Vec<String>,
    signature: String,
}

impl Claim {
    /// `get` finds a field by its name.
    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Denial> {
        let need = |name: &str| get(name).ok_or_else(|| Denial::Malformed(format!("`{name}` is missing")));
        let algorithm = need("q-sign-algorithm")?;
        if algorithm != "sha1" {
            return Err(Denial::Unsupported(algorithm));
        }
        Ok(Self {
            access_key_id: need("q-ak")?,
            sign_time: need("q-sign-time")?,
            key_time: need("q-key-time")?,
            header_list: headers::list(&need("q-header-list")?),
            param_list: headers::list(&need("q-url-param-list")?),
            signature: need("q-signature")?,
        })
    }
}

/// Finds who signed `request`.
pub(super) fn verify<'r>(request: &Signed<'_>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    let params = Params::parse(request.query());
    let authorization = headers::text(request.headers, "authorization").filter(|text| !text.is_empty());
    let claim = match authorization {
        Some(text) if text.starts_with("q-") => Claim::read(|name| {
            let (_, value) =
                text.split('&').filter_map(|field| field.split_once('=')).find(|f| f.0 == name)?;
            Some(headers::lossy(decode(value.as_bytes(), false)))
        })?,
        Some(text) => {
            let word = text.split(' ').next().unwrap_or_default();
            return Err(Denial::Unsupported(word.to_owned()));
        }
        None if params.has("q-signature") => {
            Claim::read(|name| params.text(name).map(std::borrow::Cow::into_owned))?
        }
        None => return Err(Denial::Missing),
    };

    let credential = scope.credential(&claim.access_key_id)?;
    admit_window(&claim.key_time, scope)?;
    admit_window(&claim.sign_time, scope)?;
    admit_token(request, scope, &params, &claim, credential)?;
    compare(request, &params, &claim, credential)
}

/// Checks a window `start;end`. SDKs take the client's own hour as the start, so a start that lies
/// ahead is an error of the clock only beyond [`MAX_SKEW`]; the end holds to the second.
fn admit_window(window: &str, scope: &Scope<'_>) -> Result<(), Denial> {
    let read = |text: &str| text.trim().parse::<Secs>().ok().filter(|secs| *secs >= 0);
    let bounds = window.split_once(';').and_then(|(start, end)| Some((read(start)?, read(end)?)));
    let Some((start, expires)) = bounds.filter(|(start, end)| start <= end) else {
        return Err(Denial::Malformed(format!("`{window}` is not a window of two Unix times")));
    };
    if start.saturating_sub(scope.now) > MAX_SKEW {
        return Err(Denial::Skewed { request_time: start, server_time: scope.now });
    }
    if expires < scope.now {
        return Err(Denial::Expired { expires, server_time: scope.now });
    }
    Ok(())
}

/// The token stands in a header or a parameter, and must be signed there.
fn admit_token(
    request: &Signed<'_>,
    scope: &Scope<'_>,
    params: &Params,
    claim: &Claim,
    credential: &Credential,
) -> Result<(), Denial> {
    let (sent, list) = match headers::value(request.headers, TOKEN) {
        Some(token) => (Some(token), &claim.header_list),
        None => (params.get(TOKEN).map(<[u8]>::to_vec), &claim.param_list),
    };
    scope.admit_token(credential, sent.as_deref())?;
    if credential.session_token.is_some() && !list.iter().any(|name| name == TOKEN) {
        return Err(Denial::Unsigned { names: TOKEN.to_owned() });
    }
    Ok(())
}

fn compare<'r>(
    request: &Signed<'_>,
    params: &Params,
    claim: &Claim,
    credential: &'r Credential,
) -> Result<&'r Credential, Denial> {
    let params = listed_params(params, &claim.param_list)?;
    let host = headers::text(request.headers, "host").unwrap_or_default();
    let sign_key =
        digest::hex(&digest::hmac_sha1(credential.secret_key.as_bytes(), claim.key_time.as_bytes()));
    let sign = |host: &str| -> Result<(String, Vec<u8>, String), Denial> {
        let mut http = format!("{}\n", request.method.to_ascii_lowercase()).into_bytes();
        // The path is signed decoded, and a `+` in it is a plus.
        http.extend_from_slice(&decode(request.path().as_bytes(), false));
        http.extend_from_slice(format!("\n{params}\n").as_bytes());
        http.extend_from_slice(listed_headers(request, &claim.header_list, host)?.as_bytes());
        http.push(b'\n');
        let to_sign = format!("sha1\n{}\n{}\n", claim.sign_time, digest::sha1_hex(&http));
        let signature = digest::hex(&digest::hmac_sha1(sign_key.as_bytes(), to_sign.as_bytes()));
        Ok((signature, http, to_sign))
    };

    let (computed, http, string_to_sign) = sign(&host)?;
    if computed == claim.signature {
        return Ok(credential);
    }
    // The Go SDK signs the host with its port, the Python SDK without. On the vendor's own ports the
    // two are one; a simulator on another port has to take both.
    if let Some((name, _)) = host.rsplit_once(':')
        && sign(name)?.0 == claim.signature
    {
        return Ok(credential);
    }
    Err(Denial::WrongSignature {
        access_key_id: claim.access_key_id.clone(),
        provided: claim.signature.clone(),
        string_to_sign,
        canonical_request: headers::lossy(http),
    })
}

/// A name as it stands in lists and in the `HttpString`.
fn folded(name: &[u8]) -> String {
    STRICT.text(name).to_ascii_lowercase()
}

fn joined(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort_unstable();
    let joined: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    joined.join("&")
}

fn listed_params(params: &Params, list: &[String]) -> Result<String, Denial> {
    let mut pairs = Vec::with_capacity(list.len());
    for listed in list {
        let name = folded(&decode(listed.as_bytes(), false));
        let before = pairs.len();
        let same = params.iter().filter(|(sent, _)| folded(sent.as_bytes()) == name);
        pairs.extend(same.map(|(_, value)| (name.clone(), STRICT.text(value))));
        if pairs.len() == before {
            return Err(Denial::Malformed(format!("q-url-param-list names `{listed}`, which was not sent")));
        }
    }
    Ok(joined(pairs))
}

fn listed_headers(request: &Signed<'_>, list: &[String], host: &str) -> Result<String, Denial> {
    let mut pairs = Vec::with_capacity(list.len());
    for listed in list {
        let name = headers::lossy(decode(listed.as_bytes(), false)).to_ascii_lowercase();
        let value = if name == "host" && request.headers.contains_key("host") {
            host.as_bytes().to_vec()
        } else {
            headers::value(request.headers, &name).ok_or_else(|| {
                Denial::Malformed(format!("q-header-list names `{listed}`, which was not sent"))
            })?
        };
        pairs.push((folded(name.as_bytes()), STRICT.text(&value)));
    }
    Ok(joined(pairs))
}
