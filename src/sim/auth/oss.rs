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
    // A `+` in a path is a plus. Some SDKs write the slashes of a key as `%2F`, so the whole path is
    // decoded at once.
    let path = decode(request.path().as_bytes(), false);
    if scope.bucket.is_empty() {
        return path;
    }
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
    FLAVOUR.compare(&admitted, &canonical)
}

#[cfg(test)]
mod tests {
    use super::super::super::config::Dialect;
    use super::super::sample::{Sample, Server};
    use super::super::{MAX_SKEW, digest};
    use super::*;

    // The vectors were made with the official Python SDK v2 1.4.1 and by an independent script, for
    // 2025-01-02T03:04:05Z.
    const NOW: i64 = 1_735_787_045;
    const LIST: &str = "GET /?list-type=2&max-keys=1000&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url";
    const RESTORE: &str = "POST /dir/%C3%BC%20%2B%25.txt?restore&versionId=xyz
Content-Type: application/xml
Content-MD5: spWivc0xWGi0NAfTppQLSA==";
    const BODY: &str =
        "<RestoreRequest><Days>3</Days><JobParameters><Tier>Bulk</Tier></JobParameters></RestoreRequest>";
    const VERSIONS: &str = "GET /?versions&max-keys=1000&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url\
                            &key-marker=k%2F1&version-id-marker=CAEQ";

    fn server() -> Server {
        Server::new(Dialect::Oss, "examplebucket", true, "cn-hangzhou", NOW)
    }

    fn sample(head: &str, fields: &str, body: &str) -> Sample {
        Sample::parse(&format!(
            "{head}
Host: examplebucket.oss-cn-hangzhou.aliyuncs.com
x-oss-date: 20250102T030405Z
x-oss-content-sha256: UNSIGNED-PAYLOAD
Authorization: OSS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250102/cn-hangzhou/oss/aliyun_v4_request,{fields}

{body}"
        ))
    }

    fn list() -> Sample {
        sample(LIST, "Signature=65307ea0f8eb250bf911fd5161b3539998f0ecec63a678fbd9ace5fb392a7344", "")
    }

    fn restore() -> Sample {
        sample(RESTORE, "Signature=d923bd2d8a37bac9cf250046a0b7055b72b996a130ef1b186ef9f6b21835da24", BODY)
    }

    fn with_token() -> Sample {
        let signature = "Signature=ef2a463223b0b56129a4bf4c921f8b640e42f09e48c4de944cbaccf6783a9db2";
        sample(LIST, signature, "").with("x-oss-security-token", "STSTOKENEXAMPLE")
    }

    fn with_host() -> Sample {
        let fields = "AdditionalHeaders=host,\
                      Signature=1911b32d1e5c6b4bf401fc636ca8c3b6124e78c4655226cae6a638319e6eb6e5";
        sample(RESTORE, fields, BODY)
    }

    fn pins(server: &Server, sample: &Sample, canonical_sha256: &str) {
        server.pins(sample);
        assert_eq!(digest::sha256_hex(server.canonical(sample).0.as_bytes()), canonical_sha256);
    }

    #[test]
    fn accepts_the_vectors() {
        pins(&server(), &list(), "84f76a43355588dc10676b23eb478d68ab4ad4585db3313af1a5b1825d53de94");
        pins(&server(), &restore(), "2a1646a48bc85a0f4256d6ecaff86df462f5e39143f8df529c1c1a74f90fcff0");
        pins(
            &server().token("STSTOKENEXAMPLE"),
            &with_token(),
            "604e42d69ea80675cccd44f68ea5bb471497e6eb9a9511e1d198f1638fb6140c",
        );
        pins(&server(), &with_host(), "6da56b2008499f2d5919dc6362e6f1103baff91f653967627df2fa8076098682");
        pins(
            &server(),
            &sample(
                VERSIONS,
                "Signature=17ca1408f2df9e0e66b10973671f4cc1ea0c22496483fde807bc2bc575bc50de",
                "",
            ),
            "bb03931253daa287997fd87097e45e1498161c39ea1eb044db72d811e5fdae18",
        );
        pins(
            &server(),
            &sample(
                "HEAD /dir/%C3%BC%20%2B%25.txt",
                "Signature=9160506f4cf69f73a1bfb9f67f03d12e144bedefbcc38fc3871ccedc019304c4",
                "",
            ),
            "1c816369e4932d64b54db91c8bc2433e2dfe77a52de9e75c54b710aaeb543617",
        );
    }

    #[test]
    fn accepts_the_list_that_the_python_client_sends() {
        let list =
            sample(LIST, "Signature=983baebb69a963052be659e6580f1694e03ad1786dd90191e55e319817291f14", "");
        let list = list
            .with("content-type", "application/octet-stream")
            .with("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
        server().pins(&list);
        server().refuses_signature(&list.clone().without("content-md5"), "a signed header taken away");
    }

    #[test]
    fn the_canonical_request_is_the_one_of_the_page() {
        let (canonical, to_sign) = server().canonical(&list());
        assert_eq!(
            canonical,
            "GET\n/examplebucket/\n\
             encoding-type=url&list-type=2&max-keys=1000&prefix=a%20b%2F%C3%BC%2B%25\n\
             x-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20250102T030405Z\n\n\nUNSIGNED-PAYLOAD"
        );
        assert_eq!(
            to_sign,
            "OSS4-HMAC-SHA256\n20250102T030405Z\n20250102/cn-hangzhou/oss/aliyun_v4_request\n\
             84f76a43355588dc10676b23eb478d68ab4ad4585db3313af1a5b1825d53de94"
        );
    }

    #[test]
    fn tolerates_what_oss_tolerates() {
        for (from, to) in [
            // Another order, `+` for the space, lower-case escapes.
            ("?list-type=2&max-keys=1000&", "?max-keys=1000&list-type=2&"),
            ("a%20b", "a+b"),
            ("%C3%BC%2B", "%c3%bc%2b"),
        ] {
            assert_eq!(server().check(&list().target(from, to)), Ok(()), "{to}");
        }
        assert_eq!(server().check(&restore().target("restore&", "restore=&")), Ok(()));
        assert_eq!(server().check(&restore().target("/dir/", "/dir%2F")), Ok(()));
        let spaced =
            with_host().edit("authorization", ",AdditionalHeaders=host,", ", AdditionalHeaders=Host, ");
        assert_eq!(server().check(&spaced), Ok(()));
        let mut another_body = restore();
        another_body.body[20] ^= 1;
        assert_eq!(server().check(&another_body), Ok(()), "the body is not signed");
    }

    /// The bucket is signed whether it stands in the path or in the host.
    #[test]
    fn path_style_signs_the_same() {
        let server = Server { virtual_host: false, ..server() };
        for path in ["/examplebucket?", "/examplebucket/?"] {
            assert_eq!(server.check(&list().target("/?", path)), Ok(()), "{path}");
        }
        assert_eq!(server.check(&restore().target("/dir", "/examplebucket/dir")), Ok(()));
    }

    #[test]
    fn refuses_one_changed_byte() {
        for (sample, changed) in [
            (list().target("max-keys=1000", "max-keys=1001"), "a value"),
            (list().target("max-keys", "max-keyz"), "a name"),
            (list().target("&encoding-type=url", ""), "a parameter taken away"),
            (list().target("/?", "/?a&"), "a parameter added"),
            (restore().target("versionId=xyz", "versionid=xyz"), "the case of a parameter"),
            (restore().target("%C3%BC", "%C3%BD"), "the path"),
            (restore().target("%2B", "%20"), "a plus in the path"),
            (restore().with("content-type", "application/xmk"), "content-type"),
            (restore().without("content-md5"), "content-md5"),
            (list().with("x-oss-request-payer", "requester"), "an x-oss header added"),
            (list().with("x-oss-date", "20250102T030406Z"), "the second"),
            (with_host().edit("host", "hangzhou", "shanghai"), "the host, which is listed"),
            (list().edit("authorization", "7344", "7345"), "the signature"),
        ] {
            server().refuses_signature(&sample, changed);
        }
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        let list = list();
        for (sample, why) in [
            (
                list.clone().edit("authorization", ",Signature=", ",AdditionalHeaders=,Signature="),
                "an empty list",
            ),
            (list.clone().edit("authorization", "Signature=", "Sig="), "an unknown field"),
            (list.clone().edit("authorization", "/oss/", "/s3/"), "another service"),
            (list.clone().edit("authorization", "aliyun_v4_request", "aws4_request"), "another end"),
            (list.clone().edit("authorization", "/20250102", "/20250103"), "another day than x-oss-date"),
            (list.clone().edit("authorization", "AKIDEXAMPLE/20250102/", ""), "a short scope"),
            (list.clone().without("x-oss-content-sha256"), "no x-oss-content-sha256"),
            (list.clone().with("x-oss-content-sha256", "e3b0"), "a digest"),
            (with_host().without("host"), "a listed header that was not sent"),
        ] {
            assert!(matches!(server().check(&sample), Err(Denial::Malformed(_))), "{why}");
        }
        assert_eq!(server().check(&list.clone().without("authorization")), Err(Denial::Missing));
        assert_eq!(server().check(&list.clone().without("x-oss-date")), Err(Denial::Undated));
        assert_eq!(server().check(&list.clone().with("x-oss-date", "2025-01-02")), Err(Denial::Undated));
        let other = list.edit("authorization", "OSS4-HMAC-SHA256", "OSS4-HMAC-SHA1");
        assert_eq!(server().check(&other), Err(Denial::Unsupported("OSS4-HMAC-SHA1".to_owned())));
    }

    #[test]
    fn holds_the_clock_to_a_quarter_of_an_hour() {
        for off in [-MAX_SKEW, MAX_SKEW] {
            assert_eq!(server().at(NOW + off).check(&list()), Ok(()));
        }
        for off in [-MAX_SKEW - 1, MAX_SKEW + 1] {
            assert_eq!(
                server().at(NOW + off).check(&list()),
                Err(Denial::Skewed { request_time: NOW, server_time: NOW + off })
            );
        }
    }

    #[test]
    fn wants_the_region_of_the_bucket() {
        let elsewhere = Server { region: "cn-shanghai".to_owned(), ..server() };
        let wrong = Denial::WrongRegion { expected: "cn-shanghai".to_owned(), got: "cn-hangzhou".to_owned() };
        assert_eq!(elsewhere.check(&list()), Err(wrong));
        let prefixed = list().edit("authorization", "/cn-hangzhou/", "/oss-cn-hangzhou/");
        assert!(matches!(server().check(&prefixed), Err(Denial::WrongRegion { .. })));
        let any = Server { region: String::new(), ..server() };
        assert_eq!(any.check(&list()), Ok(()));
    }

    #[test]
    fn wants_the_token_of_the_session() {
        let mut session = server().token("STSTOKENEXAMPLE");
        assert_eq!(session.check(&list()), Err(Denial::BadToken));
        assert_eq!(server().check(&with_token()), Err(Denial::BadToken));
        assert_eq!(
            session.check(&with_token().with("x-oss-security-token", "STSTOKENEXAMPLF")),
            Err(Denial::BadToken)
        );
        session.credential.expires = jiff::Timestamp::from_second(NOW).ok();
        assert_eq!(session.check(&with_token()), Err(Denial::ExpiredToken));
        assert_eq!(session.at(NOW - 1).check(&with_token()), Ok(()));
    }
}
