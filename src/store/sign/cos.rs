//! Tencent Cloud COS signature (HMAC-SHA1, "q-sign") in the Authorization header.
//!
//! Source: COS "Request signature" (436/7778) and the vendor's Go and Python SDKs (`auth.go`,
//! `cos_auth.py`), read 2026-11.

use jiff::Timestamp;

use super::{hex, hmac_sha1, put, sha1_hex, take};
use crate::store::dialect::{Credentials, Endpoint, Request, encoding};

/// Seconds before and after the time of signing in which a signature is good. The start and the
/// end are the only clock check of the scheme, so 15 minutes either way forgive as much as the
/// other vendors do; every attempt is signed anew, so no longer life is needed.
const WINDOW: i64 = 15 * 60;

/// Signs `request` at the time `at`: adds `x-cos-security-token` for temporary keys and
/// `authorization`. Every query parameter, every header of the request and `host` (with its port,
/// where it has one) are signed; the body is not part of the scheme.
pub fn sign(request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp) {
    let at = at.as_second();
    sign_within(request, to, who, &format!("{};{}", at - WINDOW, at + WINDOW));
}

/// As [`sign`], for a given key time (`start;end` in Unix seconds).
fn sign_within(request: &mut Request, to: &Endpoint, who: &Credentials, key_time: &str) {
    take(request, "authorization");
    match &who.session_token {
        Some(token) => put(request, "x-cos-security-token", token.clone()),
        None => take(request, "x-cos-security-token"),
    }
    let canonical = canonical(request, to);
    let to_sign = format!("sha1\n{key_time}\n{}\n", sha1_hex(&canonical.text));
    // The hexadecimal text of the first HMAC, not its bytes, is the key of the second.
    let key = hex(&hmac_sha1(who.secret_key.as_bytes(), key_time.as_bytes()));
    let signature = hex(&hmac_sha1(key.as_bytes(), to_sign.as_bytes()));
    let value = format!(
        "q-sign-algorithm=sha1&q-ak={}&q-sign-time={key_time}&q-key-time={key_time}\
         &q-header-list={}&q-url-param-list={}&q-signature={signature}",
        who.access_key_id, canonical.headers, canonical.params
    );
    put(request, "authorization", value);
}

/// The HttpString, with the two lists of what went into it.
struct Canonical {
    /// Bytes, since the path stands in it decoded and a key need not be UTF-8.
    text: Vec<u8>,
    headers: String,
    params: String,
}

fn canonical(request: &Request, to: &Endpoint) -> Canonical {
    let (params, query) =
        lists(request.query.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())));
    let host = to.authority();
    let (headers, lines) = lists(
        request
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.trim().as_bytes()))
            .chain([("host".as_bytes(), host.as_bytes())]),
    );
    let mut text = request.method.as_str().to_ascii_lowercase().into_bytes();
    text.push(b'\n');
    text.extend(encoding::raw_path(request, to));
    text.extend(format!("\n{query}\n{lines}\n").into_bytes());
    Canonical { text, headers, params }
}

/// Names joined by `;` and pairs joined by `&`, both sorted by name; a pair without value keeps
/// its `=`.
fn lists<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> (String, String) {
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (encoding::query(name).to_ascii_lowercase(), encoding::query(value)))
        .collect();
    pairs.sort();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (names.join(";"), joined.join("&"))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::store::dialect::Style;

    // Vectors made with the vendor's Python SDK (cos-python-sdk-v5 1.9.44) under a fixed clock,
    // and recomputed by an independent implementation.
    const TIME_A: &str = "1767322985;1767326585";
    const TIME_B: &str = "1767322985;1767333045";
    const KEY: &str = "dir/ü +%.txt";

    fn bucket() -> Endpoint {
        Endpoint {
            https: true,
            host: "cos.ap-guangzhou.myqcloud.com".into(),
            style: Style::Virtual,
            bucket: "examplebucket-1250000000".into(),
            region: "ap-guangzhou".into(),
        }
    }

    fn own_host(host: &str) -> Endpoint {
        Endpoint { host: host.into(), style: Style::Domain, ..bucket() }
    }

    fn keys(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_key: "SECRETEXAMPLE".into(),
            session_token: token.map(Into::into),
        }
    }

    fn ask(
        method: Method,
        key: &str,
        query: &[(&'static str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Request {
        Request {
            method,
            key: key.into(),
            query: query.iter().map(|(name, value)| (*name, (*value).into())).collect(),
            headers: headers.iter().map(|(name, value)| (*name, (*value).into())).collect(),
            body: vec![],
        }
    }

    fn list() -> Request {
        ask(Method::GET, "", &[("prefix", "a b/ü+%"), ("encoding-type", "url")], &[])
    }

    fn authorization(request: &Request) -> &str {
        &request.headers.iter().find(|(name, _)| *name == "authorization").unwrap().1
    }

    #[track_caller]
    fn check(
        mut request: Request,
        to: &Endpoint,
        token: Option<&str>,
        time: &str,
        digest: &str,
        signature: &str,
    ) {
        sign_within(&mut request, to, &keys(token), time);
        let got = authorization(&request).to_owned();
        take(&mut request, "authorization");
        assert_eq!(sha1_hex(&canonical(&request, to).text), digest);
        assert!(got.ends_with(&format!("&q-signature={signature}")), "{got}");
    }

    #[test]
    fn sign_keys() {
        for (time, key) in [
            (TIME_A, "388a37dae65ca3569a6685de2474674584a309f9"),
            (TIME_B, "31bc40833eafc2e6cad7ca3b26e5dc1b54af1a39"),
        ] {
            assert_eq!(hex(&hmac_sha1(b"SECRETEXAMPLE", time.as_bytes())), key);
        }
    }

    #[test]
    fn c1_list() {
        assert_eq!(
            canonical(&list(), &bucket()).text,
            b"get\n/\nencoding-type=url&prefix=a%20b%2F%C3%BC%2B%25\n\
              host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n"
        );
        let mut request = list();
        sign_within(&mut request, &bucket(), &keys(None), TIME_A);
        assert_eq!(
            authorization(&request),
            "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1767322985;1767326585\
             &q-key-time=1767322985;1767326585&q-header-list=host&q-url-param-list=encoding-type;prefix\
             &q-signature=b8c4cd1723bd8f1eabea0d15de343541fec7108f"
        );
        let digest = "479fa59f17696c77bbe30023c856fd467339a869";
        check(list(), &bucket(), None, TIME_A, digest, "b8c4cd1723bd8f1eabea0d15de343541fec7108f");
    }

    #[test]
    fn c1v2_list_type_2() {
        let mut request = list();
        request.query.push(("list-type", b"2".to_vec()));
        assert_eq!(canonical(&request, &bucket()).params, "encoding-type;list-type;prefix");
        let digest = "26eed6520e9fc54b7f1544bca1a6e5acf34748e2";
        check(request, &bucket(), None, TIME_A, digest, "5245e3efd6c3d05fec2c2c95adaee2b9d79859a9");
    }

    #[test]
    fn c1local_and_c1port_sign_the_host_as_sent() {
        let digest = "be53381f87c7c29717f67dcd6588aee7942763d8";
        let signature = "6ec2dfb293433299e93636a50a5fae3ba9faa915";
        check(list(), &own_host("127.0.0.1"), None, TIME_A, digest, signature);
        let digest = "6017d9c3725a805fb5d22b95d1fac30d7312cec0";
        let signature = "cdaaca663e2648b9a93062afa8f47b2718a54365";
        check(list(), &own_host("127.0.0.1:9000"), None, TIME_A, digest, signature);
    }

    #[test]
    fn c2_restore() {
        let request = ask(
            Method::POST,
            KEY,
            &[("restore", ""), ("versionId", "xyz")],
            &[
                ("content-type", "application/xml"),
                ("content-md5", "ffjN/Xygd3sQvkynuUXeLQ=="),
                ("content-length", "101"),
            ],
        );
        let canonical = canonical(&request, &bucket());
        assert_eq!(
            String::from_utf8(canonical.text).unwrap(),
            "post\n/dir/ü +%.txt\nrestore=&versionid=xyz\ncontent-length=101\
             &content-md5=ffjN%2FXygd3sQvkynuUXeLQ%3D%3D&content-type=application%2Fxml\
             &host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n"
        );
        assert_eq!(canonical.headers, "content-length;content-md5;content-type;host");
        assert_eq!(canonical.params, "restore;versionid");
        let digest = "85ff2a7b02c624bf16db45fc73ee1b4da0117bc9";
        check(request, &bucket(), None, TIME_A, digest, "39d375e61b2e99275bc9cd70492e27522a3d33af");
    }

    #[test]
    fn c3_and_c4_lists_of_the_python_sdk() {
        let list = [
            ("prefix", "a b/ü+%"),
            ("delimiter", ""),
            ("marker", ""),
            ("max-keys", "1000"),
            ("encoding-type", "url"),
        ];
        let digest = "bc2667d8bf855b32609e5c64ab9d4eabfade37cc";
        let signature = "faba1e30677851d5456a0626e656dd209f041f69";
        check(ask(Method::GET, "", &list, &[]), &bucket(), None, TIME_B, digest, signature);
        let versions = [
            ("versions", ""),
            ("prefix", "a b/ü+%"),
            ("delimiter", ""),
            ("key-marker", ""),
            ("version-id-marker", ""),
            ("max-keys", "1000"),
            ("encoding-type", "url"),
        ];
        let digest = "c33ab4fe7a1e0e10c34a48e5a01e4365d8a03ddb";
        let signature = "d0ab27cbe9681252917ebfb7071b50884bf8cb81";
        check(ask(Method::GET, "", &versions, &[]), &bucket(), None, TIME_B, digest, signature);
    }

    #[test]
    fn c5_restore_of_the_python_sdk() {
        let query = [("restore", ""), ("versionId", "xyz")];
        let request = ask(Method::POST, KEY, &query, &[("content-length", "140")]);
        let digest = "611782d7678f17424477eaaabce577e463c170f8";
        check(request, &bucket(), None, TIME_B, digest, "c4611acdc639bac48d3798e2324f3b640445ce80");
    }

    #[test]
    fn c6_head_with_a_token() {
        let mut request = ask(Method::HEAD, KEY, &[], &[]);
        sign_within(&mut request, &bucket(), &keys(Some("TOKENEXAMPLE")), TIME_B);
        take(&mut request, "authorization");
        assert_eq!(
            String::from_utf8(canonical(&request, &bucket()).text).unwrap(),
            "head\n/dir/ü +%.txt\n\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\
             &x-cos-security-token=TOKENEXAMPLE\n"
        );
        let digest = "36842a169466d311581f77acae48432b7dee7b4e";
        let signature = "e171eb0ee2540a5acf2fef5d53098087afa3e0a9";
        check(request, &bucket(), Some("TOKENEXAMPLE"), TIME_B, digest, signature);
    }

    #[test]
    fn the_window_is_a_quarter_of_an_hour_either_way_and_signing_again_leaves_no_trace() {
        let now = Timestamp::from_second(1_767_323_045).unwrap();
        let mut once = list();
        sign(&mut once, &bucket(), &keys(None), now);
        assert!(authorization(&once).contains("&q-sign-time=1767322145;1767323945&"));
        let mut again = list();
        sign(&mut again, &bucket(), &keys(Some("OLDTOKEN")), Timestamp::UNIX_EPOCH);
        sign(&mut again, &bucket(), &keys(None), now);
        assert_eq!(once.headers, again.headers);
    }

    #[test]
    fn path_style_signs_the_path_as_sent() {
        let to = Endpoint { style: Style::Path, ..own_host("127.0.0.1:9000") };
        let request = ask(Method::HEAD, KEY, &[], &[]);
        let text = String::from_utf8(canonical(&request, &to).text).unwrap();
        assert_eq!(text, "head\n/examplebucket-1250000000/dir/ü +%.txt\n\nhost=127.0.0.1%3A9000\n");
    }
}
