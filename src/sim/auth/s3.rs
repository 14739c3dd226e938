//! S3 Signature Version 4, in the header or in the query.
//!
//! Source: S3 API reference "Authenticating Requests: Using the Authorization Header" and "… Using
//! Query Parameters", "Error responses", and botocore's `S3SigV4Auth`; read 2026-11. Version 2 and
//! chunked uploads are refused.

use super::super::config::Credential;
use super::super::wire::date::parse_rfc1123;
use super::super::wire::encode::{PATH, Params, decode};
use super::v4::{self, Claim, Flavour};
use super::{Denial, Scope, Signed, digest, headers};

const FLAVOUR: Flavour =
    Flavour { algorithm: "AWS4-HMAC-SHA256", prefix: "AWS4", service: "s3", terminator: "aws4_request" };

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Finds who signed `request`.
pub(super) fn verify<'r>(request: &Signed<'_>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    let params = Params::parse(request.query());
    let authorization = headers::text(request.headers, "authorization").filter(|text| !text.is_empty());
    let presigned = params.has("X-Amz-Algorithm") || params.has("X-Amz-Signature");
    match authorization {
        Some(_) if presigned => {
            Err(Denial::Malformed("only one way of signing is allowed: header or query".to_owned()))
        }
        Some(text) => match text.split_once(' ') {
            Some((word, rest)) if word == FLAVOUR.algorithm => in_header(request, scope, &params, rest),
            Some((word, _)) => Err(Denial::Unsupported(word.to_owned())),
            None => Err(Denial::Unsupported(text)),
        },
        None if presigned => in_query(request, scope, &params),
        None if params.has("AWSAccessKeyId") => Err(Denial::Unsupported("version 2 in the query".to_owned())),
        None => Err(Denial::Missing),
    }
}

fn in_header<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    rest: &str,
) -> Result<&'r Credential, Denial> {
    let fields = v4::fields(rest, &["Credential", "SignedHeaders", "Signature"])?;
    let claim = Claim {
        credential: v4::required(&fields, "Credential")?,
        signature: v4::required(&fields, "Signature")?,
        names: Some(v4::required(&fields, "SignedHeaders")?),
        stamp: headers::text(request.headers, "x-amz-date").or_else(|| {
            let date = headers::text(request.headers, "date")?;
            parse_rfc1123(&date).map(v4::basic).or(Some(date))
        }),
        lifetime: None,
        token: headers::value(request.headers, "x-amz-security-token"),
    };
    let claimed = headers::text(request.headers, "x-amz-content-sha256")
        .ok_or_else(|| Denial::Malformed("x-amz-content-sha256 is missing".to_owned()))?;
    let is_digest = claimed.len() == 64 && claimed.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest && claimed != UNSIGNED {
        return Err(Denial::Malformed(format!(
            "x-amz-content-sha256 is `{claimed}`, neither {UNSIGNED} nor a SHA-256"
        )));
    }
    let credential = judge(request, scope, params, &claim, &claimed)?;
    if is_digest {
        let computed = digest::sha256_hex(request.body);
        if computed != claimed {
            return Err(Denial::WrongBody { claimed, computed });
        }
    }
    Ok(credential)
}

fn in_query<'r>(request: &Signed<'_>, scope: &Scope<'r>, params: &Params) -> Result<&'r Credential, Denial> {
    let need = |name: &str| {
        let value = params.text(name).filter(|value| !value.is_empty());
        value
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| Denial::Malformed(format!("the parameter `{name}` is missing")))
    };
    let algorithm = need("X-Amz-Algorithm")?;
    if algorithm != FLAVOUR.algorithm {
        return Err(Denial::Unsupported(algorithm));
    }
    let claim = Claim {
        credential: need("X-Amz-Credential")?,
        signature: need("X-Amz-Signature")?,
        names: Some(need("X-Amz-SignedHeaders")?),
        stamp: Some(need("X-Amz-Date")?),
        lifetime: Some(need("X-Amz-Expires")?),
        token: params.get("X-Amz-Security-Token").map(<[u8]>::to_vec),
    };
    judge(request, scope, params, &claim, UNSIGNED)
}

fn judge<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    claim: &Claim,
    payload: &str,
) -> Result<&'r Credential, Denial> {
    let names = headers::list(claim.names.as_deref().unwrap_or_default());
    let admitted = FLAVOUR.admit(claim, scope)?;
    let signed = |name: &str| names.iter().any(|listed| listed == name);
    let mut unsigned: Vec<&str> =
        headers::names(request.headers, "x-amz-").into_iter().filter(|name| !signed(name)).collect();
    if !signed("host") {
        unsigned.insert(0, "host");
    }
    if !unsigned.is_empty() {
        return Err(Denial::Unsigned { names: unsigned.join(", ") });
    }

    // Each segment is encoded once, `//`, `.` and `..` stay, and a `+` in a path is a plus. Path
    // style or not, and with or without a slash after the bucket, the path counts as received.
    let path = decode(request.path().as_bytes(), false);
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        PATH.text(&path),
        v4::canonical_query(params, Some("X-Amz-Signature"), false)
    )
    .into_bytes();
    for name in &names {
        let value = headers::value(request.headers, name)
            .ok_or_else(|| Denial::Malformed(format!("`{name}` is listed as signed but was not sent")))?;
        headers::push_line(&mut canonical, name, &single_spaced(&value));
    }
    canonical.extend_from_slice(format!("\n{}\n{payload}", names.join(";")).as_bytes());
    FLAVOUR.compare(&admitted, &canonical)
}

/// The value with runs of spaces made one, as the canonical headers have it.
fn single_spaced(value: &[u8]) -> Vec<u8> {
    let mut out = value.to_vec();
    out.dedup_by(|next, before| *next == b' ' && *before == b' ');
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::config::Dialect;
    use super::super::MAX_SKEW;
    use super::super::sample::{Sample, Server};
    use super::*;

    // The vectors were made with botocore 1.43.11 and by an independent script, for
    // 2026-01-02T03:04:05Z.
    const NOW: i64 = 1_767_323_045;
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const QUERY: &str = "list-type=2&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url";
    const NAMES: &str = "host;x-amz-content-sha256;x-amz-date;x-amz-optional-object-attributes";
    const BODY: &str = r#"<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Days>7</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>"#;

    fn server() -> Server {
        Server::new(Dialect::S3, "examplebucket", false, "us-east-1", NOW)
    }

    fn sample(line: &str, host: &str, names: &str, signature: &str) -> Sample {
        Sample::parse(&format!(
            "{line}
Host: {host}
X-Amz-Date: 20260102T030405Z
X-Amz-Content-SHA256: {NOTHING}
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        ))
    }

    fn listing(path: &str, query: &str, host: &str, signature: &str) -> Sample {
        sample(&format!("GET {path}?{query}"), host, NAMES, signature)
            .with("x-amz-optional-object-attributes", "RestoreStatus")
    }

    fn list() -> Sample {
        let signature = "e85c68b81a3a207eb022d53eb793fdcae585249affcd760d2838ed4bd75bd9f2";
        listing("/examplebucket", QUERY, "127.0.0.1:9000", signature)
    }

    fn with_token() -> Sample {
        let signature = "781f2af28fee4d6c94eba82f7a2c15d00dc7ccfabefe8229335a1ab980822899";
        let names = format!("{NAMES};x-amz-security-token");
        sample(&format!("GET /examplebucket?{QUERY}"), "127.0.0.1:9000", &names, signature)
            .with("x-amz-optional-object-attributes", "RestoreStatus")
            .with("x-amz-security-token", "TOKENEXAMPLE")
    }

    fn restoring(path: &str, host: &str, signature: &str) -> Sample {
        let names = "content-md5;content-type;host;x-amz-content-sha256;x-amz-date";
        let mut sample = sample(&format!("POST {path}?restore&versionId=xyz"), host, names, signature)
            .with("content-type", "application/xml")
            .with("content-md5", "1TRYcIgzQw5+eFN7iheC7Q==")
            .with("x-amz-content-sha256", "e3eb6f414cf53137faa84d661dca3e7f71675f411c1063ccfcb730369c2120fa");
        sample.body = BODY.as_bytes().to_vec();
        sample
    }

    fn restore() -> Sample {
        let signature = "e8cdd74269ee01fb62300fb14a1caab6548587e116c6cf23201ef3942d43bb24";
        restoring("/examplebucket/dir/%C3%BC%20%2B%25.txt", "127.0.0.1:9000", signature)
    }

    fn pins(server: &Server, sample: &Sample, canonical_sha256: &str) {
        server.pins(sample);
        assert_eq!(digest::sha256_hex(server.canonical(sample).0.as_bytes()), canonical_sha256);
    }

    #[test]
    fn accepts_the_path_style_vectors() {
        pins(&server(), &list(), "04f3791216c9f22074f8e9b7a936c3aa5b1c4b2914a6bf595e681e389261c092");
        let signature = "f99b20a9bd9a041f0a44a1aa1128dce2342bf3fabf68959f7cf50cc99b7946a8";
        pins(
            &server(),
            &listing("/examplebucket/", QUERY, "127.0.0.1:9000", signature),
            "3ed664925d20248394d18fc72b5f4d947d7d3bd6c0cf207cb8a9236be037fa61",
        );
        let query = "encoding-type=url&key-marker=k&max-keys=5&prefix=a%20b%2F%C3%BC%2B%25\
                     &version-id-marker=v&versions=";
        let signature = "0b3bf98792192961e621f2c27772af790529aeca5e105490bdb881816e2bffce";
        pins(
            &server(),
            &listing("/examplebucket", query, "127.0.0.1:9000", signature),
            "f5c13fc2886cd7a1774cb567218a7875c82c6cab78d43f8940a7a8ca2e24a543",
        );
        pins(
            &server(),
            &sample(
                "HEAD /examplebucket/dir/%C3%BC%20%2B%25.txt?versionId=xyz",
                "127.0.0.1:9000",
                "host;x-amz-content-sha256;x-amz-date",
                "1f2afda91a2896e63520e7fbd539e8c0d237a6295dae2a549d757dc9bbfcaa88",
            ),
            "882f006cb9ab4b5c8bdee82a2b4c934c476d23a19498d38a6f8067f28679934e",
        );
        pins(
            &server().token("TOKENEXAMPLE"),
            &with_token(),
            "dc12c16c5f33695e49b993f34d0febf98517a9f8d81984deca80093a284d30b3",
        );
        pins(&server(), &restore(), "c0ec30ccc22e74b8ad655971bbcb96d723fd50f9664e1b1a9fcc44cd6c8022e6");
    }

    #[test]
    fn accepts_the_virtual_host_vectors() {
        let server = Server { virtual_host: true, ..server() };
        let amazon = "examplebucket.s3.us-east-1.amazonaws.com";
        let signature = "2e8cc76b41abd9e48ad94408d92f837cf2cfe90276efa73a8599b6012750a8c8";
        pins(
            &server,
            &listing("/", QUERY, amazon, signature),
            "d46f300a09e367047c97c41e21debddcb571fbc32000fd1778ff23b79484f4d8",
        );
        let signature = "1e8a46dc947b51b127020cde6504f8ec053b9b2585fabbce0e76d51559e403b1";
        pins(
            &server,
            &listing("/", QUERY, "examplebucket.localhost:9000", signature),
            "f4e9c3aeac8a05e1e1fb7c291ad96941def72637d8dc039717945ef2693a0ceb",
        );
        let signature = "f39671fbfdc171a96b00eb28ef888d7ed189fbe8f88277a04dce86eea934d98b";
        pins(
            &server,
            &restoring("/dir/%C3%BC%20%2B%25.txt", amazon, signature),
            "243990b8774a4a0f226cf0d5e60e37220cad49e97b9883757761e2dd39f27ed0",
        );
    }

    #[test]
    fn tolerates_what_s3_tolerates() {
        for (from, to) in [
            ("list-type=2&prefix=a%20b%2F%C3%BC%2B%25", "prefix=a+b/%c3%bc%2b%25&list-type=2"),
            ("/examplebucket", "/%65xamplebucket"),
        ] {
            assert_eq!(server().check(&list().target(from, to)), Ok(()), "{to}");
        }
        assert_eq!(server().check(&restore().target("?restore&", "?restore=&")), Ok(()));
        assert_eq!(server().check(&list().edit("authorization", ", Signed", ",Signed")), Ok(()));
        let shuffled = list().edit(
            "authorization",
            NAMES,
            "X-Amz-Date;Host;x-amz-optional-object-attributes;x-amz-content-sha256",
        );
        assert_eq!(server().check(&shuffled), Ok(()));
    }

    #[test]
    fn refuses_one_changed_byte() {
        for (sample, changed) in [
            (list().target("list-type=2", "list-type=1"), "a value"),
            (list().target("list-type", "list-typf"), "a name"),
            (list().target("&encoding-type=url", ""), "a parameter taken away"),
            (restore().target("versionId", "versionid"), "the case of a parameter"),
            (restore().target("%C3%BC", "%C3%BD"), "the path"),
            (restore().target("/dir/", "//dir/"), "a slash more"),
            (restore().with("content-type", "application/xmk"), "content-type"),
            (list().with("x-amz-optional-object-attributes", "RestoreStatut"), "a signed header"),
            (list().with("x-amz-date", "20260102T030406Z"), "the second"),
            (list().with("host", "127.0.0.1:9001"), "the port"),
            (list().with("host", "127.0.0.1"), "the port taken away"),
            (restore().with("x-amz-content-sha256", NOTHING), "the digest of the body"),
            (list().edit("authorization", "Signature=e85c", "Signature=e85d"), "the signature"),
        ] {
            server().refuses_signature(&sample, changed);
        }
    }

    #[test]
    fn compares_the_body_with_its_digest() {
        let mut sample = restore();
        sample.body[70] ^= 1;
        assert!(matches!(server().check(&sample), Err(Denial::WrongBody { .. })));
        sample.body.clear();
        let wrong = Denial::WrongBody {
            claimed: "e3eb6f414cf53137faa84d661dca3e7f71675f411c1063ccfcb730369c2120fa".to_owned(),
            computed: NOTHING.to_owned(),
        };
        assert_eq!(server().check(&sample), Err(wrong));
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        for (sample, why) in [
            (list().edit("authorization", "/s3/", "/oss/"), "another service"),
            (list().edit("authorization", "/20260102", "/20260103"), "another day than x-amz-date"),
            (list().edit("authorization", ", Signature=", ", Sig="), "an unknown field"),
            (list().edit("authorization", NAMES, ""), "an empty list"),
            (list().without("x-amz-content-sha256"), "no x-amz-content-sha256"),
            (list().with("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "chunks"),
            (list().edit("authorization", "host;", "content-md5;host;"), "a listed header that was not sent"),
            (list().target("?", "?X-Amz-Signature=1&"), "two signatures"),
        ] {
            let verdict = server().check(&sample);
            assert!(matches!(verdict, Err(Denial::Malformed(_))), "{why}: {verdict:?}");
        }
        assert_eq!(server().check(&list().without("authorization")), Err(Denial::Missing));
        let v2 = list().with("authorization", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=");
        assert_eq!(server().check(&v2), Err(Denial::Unsupported("AWS".to_owned())));
    }

    #[test]
    fn wants_host_and_every_amz_header_signed() {
        assert_eq!(
            server().check(&list().with("x-amz-request-payer", "requester")),
            Err(Denial::Unsigned { names: "x-amz-request-payer".to_owned() })
        );
        assert_eq!(
            server().check(&list().edit("authorization", "host;", "")),
            Err(Denial::Unsigned { names: "host".to_owned() })
        );
    }

    /// Made with botocore 1.44.5, which leaves x-amz-date out if the caller gives a `Date`.
    #[test]
    fn takes_the_date_header_when_there_is_no_other() {
        let signature = "7984b952c62c68ba8f7a94000c178afbde4ee5302ed5677ea03415a102af4ee2";
        let names = "date;host;x-amz-content-sha256";
        let sample = sample("GET /examplebucket?list-type=2", "127.0.0.1:9000", names, signature)
            .without("x-amz-date")
            .with("date", "Fri, 02 Jan 2026 03:04:05 -0000");
        server().pins(&sample);
        assert_eq!(server().check(&sample.with("date", "today")), Err(Denial::Undated));
    }

    #[test]
    fn wants_a_date_near_the_clock() {
        assert_eq!(server().check(&list().without("x-amz-date")), Err(Denial::Undated));
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
        let elsewhere = Server { region: "eu-west-1".to_owned(), ..server() };
        let wrong = Denial::WrongRegion { expected: "eu-west-1".to_owned(), got: "us-east-1".to_owned() };
        assert_eq!(elsewhere.check(&list()), Err(wrong));
    }

    #[test]
    fn wants_the_token_of_the_session() {
        let mut session = server().token("TOKENEXAMPLE");
        assert_eq!(session.check(&list()), Err(Denial::BadToken));
        assert_eq!(server().check(&with_token()), Err(Denial::BadToken));
        assert_eq!(
            session.check(&list().with("x-amz-security-token", "TOKENEXAMPLE")),
            Err(Denial::Unsigned { names: "x-amz-security-token".to_owned() })
        );
        session.credential.expires = jiff::Timestamp::from_second(NOW).ok();
        assert_eq!(session.check(&with_token()), Err(Denial::ExpiredToken));
    }

    #[test]
    fn joins_runs_of_spaces() {
        assert_eq!(single_spaced(b"a   b  c"), b"a b c");
    }
}
