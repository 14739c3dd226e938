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
            Some(headers::lossy(&decode(value.as_bytes(), false)))
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
    scope.admit_token(credential, token(request, &params).as_deref())?;
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

/// The token stands in a header or a parameter. It need not be signed: the SDKs for Go and Python sign
/// it with all `x-cos-*`, the one for Node does not.
fn token(request: &Signed<'_>, params: &Params) -> Option<Vec<u8>> {
    headers::value(request.headers, TOKEN).or_else(|| params.get(TOKEN).map(<[u8]>::to_vec))
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
        canonical_request: headers::lossy(&http),
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
        let name = headers::lossy(&decode(listed.as_bytes(), false)).to_ascii_lowercase();
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

#[cfg(test)]
mod tests {
    use super::super::super::config::Dialect;
    use super::super::sample::{Sample, Server};
    use super::*;

    // The vectors were made with the official Python SDK 1.9.44 and by an independent script (the one
    // with a port by the script alone: Python never signs a port), for 2026-01-02T03:04:05Z.
    const NOW: Secs = 1_767_323_045;
    const START: Secs = 1_767_322_985;
    const TIME_A: &str = "1767322985;1767326585";
    const TIME_B: &str = "1767322985;1767333045";
    const HOST: &str = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com";
    const KEY: &str = "/dir/%C3%BC%20%2B%25.txt";
    const BODY: &str = "<RestoreRequest><Days>7</Days><CASJobParameters><Tier>Bulk</Tier></CASJobParameters></RestoreRequest>";

    fn server() -> Server {
        Server::new(Dialect::Cos, "examplebucket-1250000000", true, "ap-guangzhou", NOW)
    }

    fn sample(line: &str, time: &str, lists: [&str; 2], signature: &str) -> Sample {
        let [headers, params] = lists;
        Sample::parse(&format!(
            "{line}
Host: {HOST}
Authorization: q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time={time}&q-key-time={time}\
             &q-header-list={headers}&q-url-param-list={params}&q-signature={signature}"
        ))
    }

    fn listing(host: &str, signature: &str) -> Sample {
        let line = "GET /?encoding-type=url&prefix=a%20b%2F%C3%BC%2B%25";
        sample(line, TIME_A, ["host", "encoding-type;prefix"], signature).with("host", host)
    }

    fn list() -> Sample {
        listing(HOST, "b8c4cd1723bd8f1eabea0d15de343541fec7108f")
    }

    fn restore() -> Sample {
        let lists = ["content-length;content-md5;content-type;host", "restore;versionid"];
        let line = format!("POST {KEY}?restore&versionId=xyz");
        let mut sample = sample(&line, TIME_A, lists, "39d375e61b2e99275bc9cd70492e27522a3d33af")
            .with("content-type", "application/xml")
            .with("content-length", "101")
            .with("content-md5", "ffjN/Xygd3sQvkynuUXeLQ==");
        sample.body = BODY.as_bytes().to_vec();
        sample
    }

    fn with_token() -> Sample {
        let lists = ["host;x-cos-security-token", ""];
        sample(&format!("HEAD {KEY}"), TIME_B, lists, "e171eb0ee2540a5acf2fef5d53098087afa3e0a9")
            .with("x-cos-security-token", "TOKENEXAMPLE")
    }

    fn pins(server: &Server, sample: &Sample, http_sha1: &str) {
        server.pins(sample);
        assert_eq!(digest::sha1_hex(server.canonical(sample).0.as_bytes()), http_sha1);
    }

    #[test]
    fn accepts_the_vectors() {
        pins(&server(), &list(), "479fa59f17696c77bbe30023c856fd467339a869");
        let v2 = sample(
            "GET /?list-type=2&encoding-type=url&prefix=a%20b%2F%C3%BC%2B%25",
            TIME_A,
            ["host", "encoding-type;list-type;prefix"],
            "5245e3efd6c3d05fec2c2c95adaee2b9d79859a9",
        );
        pins(&server(), &v2, "26eed6520e9fc54b7f1544bca1a6e5acf34748e2");
        pins(
            &server(),
            &listing("127.0.0.1", "6ec2dfb293433299e93636a50a5fae3ba9faa915"),
            "be53381f87c7c29717f67dcd6588aee7942763d8",
        );
        pins(
            &server(),
            &listing("127.0.0.1:9000", "cdaaca663e2648b9a93062afa8f47b2718a54365"),
            "6017d9c3725a805fb5d22b95d1fac30d7312cec0",
        );
        pins(&server(), &restore(), "85ff2a7b02c624bf16db45fc73ee1b4da0117bc9");
        pins(&server().token("TOKENEXAMPLE"), &with_token(), "36842a169466d311581f77acae48432b7dee7b4e");
    }

    /// What the Python SDK makes of its calls: every parameter listed, `+` for a space.
    #[test]
    fn accepts_the_vectors_of_sdk_calls() {
        let list = sample(
            "GET /?prefix=a+b%2F%C3%BC%2B%25&delimiter=&marker=&max-keys=1000&encoding-type=url",
            TIME_B,
            ["host", "delimiter;encoding-type;marker;max-keys;prefix"],
            "faba1e30677851d5456a0626e656dd209f041f69",
        );
        pins(&server(), &list, "bc2667d8bf855b32609e5c64ab9d4eabfade37cc");
        let versions = sample(
            "GET /?prefix=a+b%2F%C3%BC%2B%25&delimiter=&key-marker=&version-id-marker=&max-keys=1000\
             &encoding-type=url&versions=",
            TIME_B,
            ["host", "delimiter;encoding-type;key-marker;max-keys;prefix;version-id-marker;versions"],
            "d0ab27cbe9681252917ebfb7071b50884bf8cb81",
        );
        pins(&server(), &versions, "c33ab4fe7a1e0e10c34a48e5a01e4365d8a03ddb");
        let restore = sample(
            &format!("POST {KEY}?restore=&versionId=xyz"),
            TIME_B,
            ["content-length;host", "restore;versionid"],
            "c4611acdc639bac48d3798e2324f3b640445ce80",
        );
        let restore = restore.with("content-length", "140");
        pins(&server(), &restore, "611782d7678f17424477eaaabce577e463c170f8");
    }

    #[test]
    fn the_http_string_is_the_one_of_the_page() {
        let (http, to_sign) = server().canonical(&list());
        let wanted = format!("get\n/\nencoding-type=url&prefix=a%20b%2F%C3%BC%2B%25\nhost={HOST}\n");
        assert_eq!(http, wanted);
        assert_eq!(to_sign, format!("sha1\n{TIME_A}\n479fa59f17696c77bbe30023c856fd467339a869\n"));
        let wanted = format!(
            "post\n/dir/ü +%.txt\nrestore=&versionid=xyz\ncontent-length=101\
             &content-md5=ffjN%2FXygd3sQvkynuUXeLQ%3D%3D&content-type=application%2Fxml&host={HOST}\n"
        );
        assert_eq!(server().canonical(&restore()).0, wanted);
    }

    #[test]
    fn tolerates_what_cos_tolerates() {
        for (from, to) in [
            ("encoding-type=url&prefix=a%20b%2F%C3%BC%2B%25", "prefix=a+b/%c3%bc%2b%25&encoding-type=url"),
            ("prefix=", "list-type=2&prefix="),
            ("prefix=", "PREFIX="),
        ] {
            assert_eq!(server().check(&list().target(from, to)), Ok(()), "{to}");
        }
        assert_eq!(server().check(&restore().target("?restore&", "?restore=&")), Ok(()));
        assert_eq!(server().check(&restore().with("x-cos-meta-unsigned", "1")), Ok(()));
        let shuffled = restore().edit(
            "authorization",
            "content-length;content-md5;content-type;host",
            "Host;Content-MD5;content-type;content-length",
        );
        assert_eq!(server().check(&shuffled), Ok(()));
        let mut another_body = restore();
        another_body.body[20] ^= 1;
        assert_eq!(server().check(&another_body), Ok(()), "the body is not signed");
    }

    /// Python signs the name alone, Go the port as well; on the wire both send the port.
    #[test]
    fn takes_the_host_with_its_port_or_without() {
        let python = listing("127.0.0.1:9000", "6ec2dfb293433299e93636a50a5fae3ba9faa915");
        assert_eq!(server().check(&python), Ok(()));
        let go = listing("127.0.0.1:9000", "cdaaca663e2648b9a93062afa8f47b2718a54365");
        assert_eq!(server().check(&go), Ok(()));
        server().refuses_signature(&go.with("host", "127.0.0.1:9001"), "the port that was signed");
    }

    #[test]
    fn refuses_one_changed_byte() {
        for (sample, changed) in [
            (list().target("encoding-type=url", "encoding-type=urk"), "a value"),
            (restore().target("xyz", "xyy"), "the version"),
            (restore().target("%C3%BC", "%C3%BD"), "the path"),
            (restore().target("%2B", "%20"), "a plus in the path"),
            (restore().with("content-type", "application/xmk"), "content-type"),
            (list().with("host", "examplebucket-1250000000.cos.ap-shanghai.myqcloud.com"), "the host"),
            (list().edit("authorization", "q-header-list=host", "q-header-list="), "the list of headers"),
            (list().edit("authorization", ";prefix", ""), "the list of parameters"),
            (list().edit("authorization", "q-key-time=1767322985", "q-key-time=1767322984"), "the key time"),
            (
                list().edit("authorization", "q-sign-time=1767322985", "q-sign-time=1767322984"),
                "the sign time",
            ),
            (list().edit("authorization", "b8c4", "b8c5"), "the signature"),
        ] {
            server().refuses_signature(&sample, changed);
        }
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        for (sample, why) in [
            (list().target("prefix=", "prefiy="), "a listed parameter that was not sent"),
            (restore().without("content-md5"), "a listed header that was not sent"),
            (list().edit("authorization", "q-ak=", "q-ax="), "no key"),
            (list().edit("authorization", "q-key-time=1767322985;", "q-key-time=1767322985"), "one bound"),
            (
                list().edit("authorization", "q-key-time=1767322985;", "q-key-time=2767322985;"),
                "turned round",
            ),
        ] {
            let verdict = server().check(&sample);
            assert!(matches!(verdict, Err(Denial::Malformed(_))), "{why}: {verdict:?}");
        }
        assert_eq!(server().check(&list().without("authorization")), Err(Denial::Missing));
        assert_eq!(server().check(&list().with("authorization", "")), Err(Denial::Missing));
        let md5 = list().edit("authorization", "=sha1", "=md5");
        assert_eq!(server().check(&md5), Err(Denial::Unsupported("md5".to_owned())));
        let aws = list().with("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE");
        assert_eq!(server().check(&aws), Err(Denial::Unsupported("AWS4-HMAC-SHA256".to_owned())));
    }

    #[test]
    fn holds_the_window() {
        let end = 1_767_326_585;
        for now in [START - MAX_SKEW, START, end] {
            assert_eq!(server().at(now).check(&list()), Ok(()), "{now}");
        }
        let early = START - MAX_SKEW - 1;
        let skewed = Denial::Skewed { request_time: START, server_time: early };
        assert_eq!(server().at(early).check(&list()), Err(skewed));
        let expired = Denial::Expired { expires: end, server_time: end + 1 };
        assert_eq!(server().at(end + 1).check(&list()), Err(expired));
    }

    #[test]
    fn wants_the_token_of_the_session() {
        let mut session = server().token("TOKENEXAMPLE");
        assert_eq!(session.check(&list()), Err(Denial::BadToken));
        assert_eq!(server().check(&with_token()), Err(Denial::BadToken));
        assert_eq!(session.check(&list().with("x-cos-security-token", "TOKENEXAMPLE")), Ok(()));
        assert_eq!(session.check(&with_token().with("x-cos-security-token", "T")), Err(Denial::BadToken));
        session.credential.expires = jiff::Timestamp::from_second(NOW).ok();
        assert_eq!(session.check(&with_token()), Err(Denial::ExpiredToken));
    }
}
