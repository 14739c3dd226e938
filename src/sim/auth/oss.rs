//! OSS signature version 4, in the header or in the query, and the way to version 1.
//!
//! Source: OSS "Include a V4 signature in the Authorization header" and "Include a V4 signature in a
//! URL", error pages 0002-00000201 to -00000228, and the signers of the official Go and Python SDKs;
//! read 2026-11. The body is never signed.

use super::super::config::Credential;
use super::super::wire::encode::{PATH, Params, decode};
use super::v4::{self, Claim, Flavour};
use super::{Denial, Scope, Signed, headers, oss_v1};

const FLAVOUR: Flavour = Flavour {
    algorithm: "OSS4-HMAC-SHA256",
    prefix: "aliyun_v4",
    service: "oss",
    terminator: "aliyun_v4_request",
};

/// The only payload digest that OSS knows.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Headers that are signed whenever they are sent, beside all `x-oss-*`.
const ALWAYS: [&str; 2] = ["content-md5", "content-type"];

/// Finds who signed `request`.
pub(super) fn verify<'r>(request: &Signed<'_>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    let params = Params::parse(request.query());
    let authorization = headers::text(request.headers, "authorization").filter(|text| !text.is_empty());
    if let Some(text) = authorization {
        return match text.split_once(' ') {
            Some((word, rest)) if word == FLAVOUR.algorithm => in_header(request, scope, &params, rest),
            Some(("OSS", rest)) => oss_v1::verify(request, scope, &params, rest),
            Some((word, _)) => Err(Denial::Unsupported(word.to_owned())),
            None => Err(Denial::Unsupported(text)),
        };
    }
    if params.has("x-oss-signature") || params.has("x-oss-signature-version") {
        return in_query(request, scope, &params);
    }
    if params.has("OSSAccessKeyId") {
        return Err(Denial::Unsupported("version 1 in the query".to_owned()));
    }
    Err(Denial::Missing)
}

/// `/bucket/key` decoded: the bucket stands there whatever the style of the URL, and a call to the
/// bucket itself ends in `/`.
pub(super) fn resource(request: &Signed<'_>, scope: &Scope<'_>) -> Vec<u8> {
    if scope.bucket.is_empty() {
        return b"/".to_vec();
    }
    // A `+` in a path is a plus. Some SDKs write the slashes of a key as `%2F`, so the whole path is
    // decoded at once.
    let path = decode(request.path().as_bytes(), false);
    if scope.virtual_host {
        return [b"/", scope.bucket.as_bytes(), path.as_slice()].concat();
    }
    let bare = !path.iter().skip(1).any(|&b| b == b'/');
    if bare { [path.as_slice(), b"/"].concat() } else { path }
}

fn in_header<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    rest: &str,
) -> Result<&'r Credential, Denial> {
    let fields = v4::fields(rest, &["Credential", "AdditionalHeaders", "Signature"])?;
    match headers::text(request.headers, "x-oss-content-sha256").as_deref() {
        Some(UNSIGNED) => {}
        Some(other) => {
            return Err(Denial::Malformed(format!("x-oss-content-sha256 is `{other}`, not {UNSIGNED}")));
        }
        None => return Err(Denial::Malformed("x-oss-content-sha256 is missing".to_owned())),
    }
    let claim = Claim {
        credential: v4::required(&fields, "Credential")?,
        signature: v4::required(&fields, "Signature")?,
        names: v4::optional(&fields, "AdditionalHeaders"),
        stamp: headers::text(request.headers, "x-oss-date"),
        lifetime: None,
        token: headers::value(request.headers, "x-oss-security-token"),
    };
    judge(request, scope, params, &claim)
}

fn in_query<'r>(request: &Signed<'_>, scope: &Scope<'r>, params: &Params) -> Result<&'r Credential, Denial> {
    let need = |name: &str| {
        let value = params.text(name).filter(|value| !value.is_empty());
        value
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| Denial::Malformed(format!("the parameter `{name}` is missing")))
    };
    let version = need("x-oss-signature-version")?;
    if version != FLAVOUR.algorithm {
        return Err(Denial::Unsupported(version));
    }
    let claim = Claim {
        credential: need("x-oss-credential")?,
        signature: need("x-oss-signature")?,
        names: params.text("x-oss-additional-headers").map(std::borrow::Cow::into_owned),
        stamp: params.text("x-oss-date").map(std::borrow::Cow::into_owned),
        lifetime: Some(need("x-oss-expires")?),
        token: params
            .get("x-oss-security-token")
            .map(<[u8]>::to_vec)
            .or_else(|| headers::value(request.headers, "x-oss-security-token")),
    };
    judge(request, scope, params, &claim)
}

fn judge<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    claim: &Claim,
) -> Result<&'r Credential, Denial> {
    let additional = match claim.names.as_deref() {
        None => Vec::new(),
        Some(names) => headers::list(names),
    };
    // OSS error 0002-00000209: the field may be left out, but not be empty.
    if claim.names.is_some() && additional.is_empty() {
        return Err(Denial::Malformed("AdditionalHeaders is empty".to_owned()));
    }
    let admitted = FLAVOUR.admit(claim, scope)?;

    let mut names = headers::names(request.headers, "x-oss-");
    names.extend(ALWAYS.into_iter().filter(|name| request.headers.contains_key(*name)));
    names.extend(additional.iter().map(String::as_str));
    names.sort_unstable();
    names.dedup();

    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        PATH.text(&resource(request, scope)),
        v4::canonical_query(params, Some("x-oss-signature"), true)
    )
    .into_bytes();
    for name in names {
        let value = headers::value(request.headers, name)
            .ok_or_else(|| Denial::Malformed(format!("`{name}` is listed as signed but was not sent")))?;
        headers::push_line(&mut canonical, name, &value);
    }
    canonical.extend_from_slice(format!("\n{}\n{UNSIGNED}", additional.join(";")).as_bytes());
    FLAVOUR.compare(&admitted, canonical)
}
