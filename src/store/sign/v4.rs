//! AWS signature version 4 for S3 and compatible stores, in the Authorization header.
//!
//! Source: S3 API "Authenticating requests: using the Authorization header" and botocore's
//! `S3SigV4Auth`, read 2026-11.

use jiff::Timestamp;

use super::{DayKey, hex, hmac_sha256, put, sha256_hex, take};
use crate::store::dialect::{Credentials, Endpoint, Request, encoding};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs `request` at the time `at`: adds `x-amz-date`, `x-amz-content-sha256` (of the real body,
/// so that plain-text endpoints are protected too), `x-amz-security-token` for temporary keys, and
/// `authorization`. Every header of the request and `host` are signed.
pub fn sign(request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp, kept: &DayKey) {
    let path = encoding::path(&encoding::raw_path(request, to));
    sign_path(request, to, who, at, kept, &path);
}

/// As [`sign`], for the encoded path that is really sent.
fn sign_path(
    request: &mut Request,
    to: &Endpoint,
    who: &Credentials,
    at: Timestamp,
    kept: &DayKey,
    path: &str,
) {
    let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/s3/aws4_request", to.region);
    take(request, "authorization");
    let digest = sha256_hex(&request.body);
    put(request, "x-amz-content-sha256", digest);
    put(request, "x-amz-date", time.clone());
    match &who.session_token {
        Some(token) => put(request, "x-amz-security-token", token.clone()),
        None => take(request, "x-amz-security-token"),
    }

    let (canonical, signed) = canonical(request, to, path);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let key = kept.of("AWS4", &who.secret_key, [day, &to.region, "s3", "aws4_request"]);
    let signature = hex(&hmac_sha256(&key, to_sign.as_bytes()));
    put(
        request,
        "authorization",
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            who.access_key_id
        ),
    );
}

/// The canonical request and the list of signed headers. S3 takes the path as sent, encoded once
/// and with its dot segments; a query pair without value keeps its `=`.
fn canonical(request: &Request, to: &Endpoint, path: &str) -> (String, String) {
    let mut query: Vec<(String, String)> = request
        .query
        .iter()
        .map(|(name, value)| (encoding::query(name.as_bytes()), encoding::query(value)))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();

    let host = to.authority();
    let mut headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("host", host.as_str())])
        .collect();
    headers.sort_unstable();
    let signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let signed = signed.join(";");
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| {
            // Runs of spaces count as one.
            let words: Vec<&str> = value.split_whitespace().collect();
            format!("{name}:{}\n", words.join(" "))
        })
        .collect();
    let lines = lines.concat();

    let digest = sha256_hex(&request.body);
    let text = format!("{}\n{path}\n{}\n{lines}\n{signed}\n{digest}", request.method, query.join("&"));
    (text, signed)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::store::dialect::Style;

    // Vectors made with botocore 1.43.11 (S3SigV4Auth) and recomputed by an independent
    // implementation.
    const KEY: &str = "dir/ü +%.txt";
    const KEY_PATH: &str = "/dir/%C3%BC%20%2B%25.txt";
    const RESTORE: &str = concat!(
        r#"<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Days>7</Days>"#,
        "<GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>",
    );

    fn endpoint(host: &str, style: Style) -> Endpoint {
        let (bucket, region) = ("examplebucket".to_owned(), "us-east-1".to_owned());
        Endpoint { https: false, host: host.into(), style, bucket, region }
    }

    fn local() -> Endpoint {
        endpoint("127.0.0.1:9000", Style::Path)
    }

    fn aws() -> Endpoint {
        endpoint("s3.us-east-1.amazonaws.com", Style::Virtual)
    }

    fn keys(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_key: "SECRETEXAMPLE".into(),
            session_token: token.map(Into::into),
        }
    }

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn list() -> Request {
        Request {
            method: Method::GET,
            key: vec![],
            query: vec![
                ("list-type", b"2".to_vec()),
                ("prefix", "a b/ü+%".into()),
                ("encoding-type", b"url".to_vec()),
            ],
            headers: vec![("x-amz-optional-object-attributes", "RestoreStatus".into())],
            body: vec![],
        }
    }

    fn restore() -> Request {
        assert_eq!(RESTORE.len(), 157);
        Request {
            method: Method::POST,
            key: KEY.into(),
            query: vec![("restore", vec![]), ("versionId", b"xyz".to_vec())],
            headers: vec![
                ("content-type", "application/xml".into()),
                ("content-md5", "1TRYcIgzQw5+eFN7iheC7Q==".into()),
            ],
            body: RESTORE.into(),
        }
    }

    fn authorization(request: &Request) -> &str {
        &request.headers.iter().find(|(name, _)| *name == "authorization").unwrap().1
    }

    /// Signs with the public function, unless the vector was made for a path of its own.
    #[track_caller]
    fn check(
        mut request: Request,
        to: &Endpoint,
        token: Option<&str>,
        path: &str,
        digest: &str,
        signature: &str,
    ) {
        if path == encoding::target(&request, to).split('?').next().unwrap() {
            sign(&mut request, to, &keys(token), at(), &DayKey::new());
        } else {
            sign_path(&mut request, to, &keys(token), at(), &DayKey::new(), path);
        }
        let got = authorization(&request).to_owned();
        take(&mut request, "authorization");
        let (text, signed) = canonical(&request, to, path);
        assert_eq!(sha256_hex(text.as_bytes()), digest);
        assert_eq!(
            got,
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, \
                 SignedHeaders={signed}, Signature={signature}"
            )
        );
    }

    #[test]
    fn the_signing_key() {
        let key = super::super::signing_key(
            "AWS4",
            "SECRETEXAMPLE",
            ["20260102", "us-east-1", "s3", "aws4_request"],
        );
        assert_eq!(hex(&key), "37f077c0d9cff2753a74740d094928d6951aab7c802bcf8102c38be68bb3dcce");
    }

    #[test]
    fn s1_list_in_path_style() {
        let mut request = list();
        sign_path(&mut request, &local(), &keys(None), at(), &DayKey::new(), "/examplebucket");
        take(&mut request, "authorization");
        let (text, signed) = canonical(&request, &local(), "/examplebucket");
        assert_eq!(
            text,
            "GET\n/examplebucket\nencoding-type=url&list-type=2&prefix=a%20b%2F%C3%BC%2B%25\n\
             host:127.0.0.1:9000\n\
             x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
             x-amz-date:20260102T030405Z\nx-amz-optional-object-attributes:RestoreStatus\n\n\
             host;x-amz-content-sha256;x-amz-date;x-amz-optional-object-attributes\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(signed, "host;x-amz-content-sha256;x-amz-date;x-amz-optional-object-attributes");
        check(
            list(),
            &local(),
            None,
            "/examplebucket",
            "04f3791216c9f22074f8e9b7a936c3aa5b1c4b2914a6bf595e681e389261c092",
            "e85c68b81a3a207eb022d53eb793fdcae585249affcd760d2838ed4bd75bd9f2",
        );
    }

    #[test]
    fn s1b_the_slash_after_the_bucket_is_signed_as_sent() {
        check(
            list(),
            &local(),
            None,
            "/examplebucket/",
            "3ed664925d20248394d18fc72b5f4d947d7d3bd6c0cf207cb8a9236be037fa61",
            "f99b20a9bd9a041f0a44a1aa1128dce2342bf3fabf68959f7cf50cc99b7946a8",
        );
    }

    #[test]
    fn s2_and_s8_virtual_style() {
        check(
            list(),
            &aws(),
            None,
            "/",
            "d46f300a09e367047c97c41e21debddcb571fbc32000fd1778ff23b79484f4d8",
            "2e8cc76b41abd9e48ad94408d92f837cf2cfe90276efa73a8599b6012750a8c8",
        );
        check(
            list(),
            &endpoint("localhost:9000", Style::Virtual),
            None,
            "/",
            "f4e9c3aeac8a05e1e1fb7c291ad96941def72637d8dc039717945ef2693a0ceb",
            "1e8a46dc947b51b127020cde6504f8ec053b9b2585fabbce0e76d51559e403b1",
        );
    }

    #[test]
    fn s3_and_s4_restore() {
        let mut request = restore();
        sign(&mut request, &local(), &keys(None), at(), &DayKey::new());
        take(&mut request, "authorization");
        assert_eq!(
            canonical(&request, &local(), &format!("/examplebucket{KEY_PATH}")).0,
            "POST\n/examplebucket/dir/%C3%BC%20%2B%25.txt\nrestore=&versionId=xyz\n\
             content-md5:1TRYcIgzQw5+eFN7iheC7Q==\ncontent-type:application/xml\nhost:127.0.0.1:9000\n\
             x-amz-content-sha256:e3eb6f414cf53137faa84d661dca3e7f71675f411c1063ccfcb730369c2120fa\n\
             x-amz-date:20260102T030405Z\n\n\
             content-md5;content-type;host;x-amz-content-sha256;x-amz-date\n\
             e3eb6f414cf53137faa84d661dca3e7f71675f411c1063ccfcb730369c2120fa"
        );
        check(
            restore(),
            &local(),
            None,
            &format!("/examplebucket{KEY_PATH}"),
            "c0ec30ccc22e74b8ad655971bbcb96d723fd50f9664e1b1a9fcc44cd6c8022e6",
            "e8cdd74269ee01fb62300fb14a1caab6548587e116c6cf23201ef3942d43bb24",
        );
        check(
            restore(),
            &aws(),
            None,
            KEY_PATH,
            "243990b8774a4a0f226cf0d5e60e37220cad49e97b9883757761e2dd39f27ed0",
            "f39671fbfdc171a96b00eb28ef888d7ed189fbe8f88277a04dce86eea934d98b",
        );
    }

    #[test]
    fn s5_list_with_a_token() {
        check(
            list(),
            &local(),
            Some("TOKENEXAMPLE"),
            "/examplebucket",
            "dc12c16c5f33695e49b993f34d0febf98517a9f8d81984deca80093a284d30b3",
            "781f2af28fee4d6c94eba82f7a2c15d00dc7ccfabefe8229335a1ab980822899",
        );
    }

    #[test]
    fn s6_list_versions() {
        let mut request = list();
        request.query = vec![
            ("versions", vec![]),
            ("prefix", "a b/ü+%".into()),
            ("encoding-type", b"url".to_vec()),
            ("max-keys", b"5".to_vec()),
            ("key-marker", b"k".to_vec()),
            ("version-id-marker", b"v".to_vec()),
        ];
        check(
            request,
            &local(),
            None,
            "/examplebucket",
            "f5c13fc2886cd7a1774cb567218a7875c82c6cab78d43f8940a7a8ca2e24a543",
            "0b3bf98792192961e621f2c27772af790529aeca5e105490bdb881816e2bffce",
        );
    }

    #[test]
    fn s7_head() {
        let request = Request {
            method: Method::HEAD,
            key: KEY.into(),
            query: vec![("versionId", b"xyz".to_vec())],
            headers: vec![],
            body: vec![],
        };
        check(
            request,
            &local(),
            None,
            &format!("/examplebucket{KEY_PATH}"),
            "882f006cb9ab4b5c8bdee82a2b4c934c476d23a19498d38a6f8067f28679934e",
            "1f2afda91a2896e63520e7fbd539e8c0d237a6295dae2a549d757dc9bbfcaa88",
        );
    }

    #[test]
    fn signing_again_leaves_no_trace() {
        let mut once = restore();
        sign(&mut once, &aws(), &keys(None), at(), &DayKey::new());
        let mut again = restore();
        sign(&mut again, &aws(), &keys(Some("OLDTOKEN")), Timestamp::UNIX_EPOCH, &DayKey::new());
        sign(&mut again, &aws(), &keys(None), at(), &DayKey::new());
        assert_eq!(once.headers, again.headers);
    }
}
