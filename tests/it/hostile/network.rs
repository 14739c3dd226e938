//! What can go wrong below HTTP: names, connections, TLS.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Listener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use defrost::model::{Position, Tier};
use defrost::pipeline::RunError;
use defrost::pipeline::report::Verdict;
use defrost::sim::{Call, Server};
use defrost::store::credentials::Environment;
use defrost::store::dialect::{Endpoint, Style};
use defrost::store::{ListApi, Listing, RestoreAsk, Store as _, StoreError};
use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::cell::{exit_of, same, text_of};
use super::ground::{ATTEMPTS, Ground, Hasty, calm};
use crate::support::{Rig, S3, VENDORS, Vendor};

/// A certificate that its own holder has signed.
struct Paper {
    config: Arc<ServerConfig>,
    pem: String,
}

/// One for `name`, good until the end of `year`.
fn paper(name: &str, year: i32) -> Paper {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 12, 31);
    let pair = KeyPair::generate().unwrap();
    let paper = params.self_signed(&pair).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![paper.der().clone()], key)
        .unwrap();
    Paper { config: Arc::new(config), pem: paper.pem() }
}

/// Speaks TLS in front of a server for as long as it lives.
pub(super) struct Tls {
    pub(super) addr: SocketAddr,
    pub(super) pem: String,
    connections: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Tls {
    pub(super) async fn before(server: &Server, name: &str, year: i32) -> Self {
        let paper = paper(name, year);
        let acceptor = TlsAcceptor::from(paper.config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let behind = server.addr();
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A caller who does not like the certificate says so and goes.
                    let Ok(mut front) = acceptor.accept(stream).await else { return };
                    let mut back = TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
        Self { addr, pem: paper.pem, connections, task }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn at(vendor: Vendor, https: bool, host: String) -> Endpoint {
    let (bucket, region) = (vendor.bucket.to_owned(), vendor.region.to_owned());
    Endpoint { https, host, style: Style::Path, bucket, region }
}

/// A name that cannot be one: no resolver is asked, whatever it makes of names that nobody has.
fn nowhere() -> String {
    format!("{}.invalid", "x".repeat(64))
}

/// A port where nobody listens.
fn closed() -> String {
    Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn trusting(ground: &Ground, pem: &str) -> Environment {
    let path: PathBuf = ground.folder.path().join("roots.pem");
    std::fs::write(&path, pem).unwrap();
    Environment::new([("AWS_CA_BUNDLE", path.to_str().unwrap())], None)
}

/// What each call meets that is sent where `ground` points to.
async fn every_call(ground: &Ground) -> Vec<(Call, StoreError)> {
    let client = ground.client(Arc::new(Hasty::new()));
    let pages = |api| Listing { prefix: b"p/".to_vec(), api, page_size: 5 };
    let ask =
        RestoreAsk { key: b"p/00", version_id: b"", days: Some(1), tier: Some(Tier::Standard), until: None };
    let mut met = Vec::new();
    for (call, api) in [(Call::List, ListApi::V2), (Call::Versions, ListApi::Versions)] {
        met.push((call, client.list(&pages(api), &Position::Start).await.map(|_| ()).unwrap_err()));
    }
    met.push((Call::Head, client.head(b"p/00", b"").await.map(|_| ()).unwrap_err()));
    met.push((Call::Restore, client.restore(ask).await.map(|_| ()).unwrap_err()));
    met
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_below_http_ends_the_run_and_is_told() {
    let mut table: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for vendor in VENDORS {
        let usual = calm(vendor, Call::List).await;
        let mut ground = Ground::new(vendor, Call::List).await;
        let plain = ground.server.addr().to_string();
        let unknown = Tls::before(&ground.server, "127.0.0.1", 2999).await;
        let other = Tls::before(&ground.server, "other.example", 2999).await;
        let lapsed = Tls::before(&ground.server, "127.0.0.1", 2025).await;
        let trust = |tls: &Tls| trusting(&ground, &tls.pem);
        let cases = [
            ("TLS spoken to a plain port", true, plain.clone(), None, "does not speak TLS", ATTEMPTS),
            ("a certificate of nobody's", true, unknown.addr.to_string(), None, "is not accepted", 1),
            (
                "another host's certificate",
                true,
                other.addr.to_string(),
                Some(trust(&other)),
                "is not accepted",
                1,
            ),
            (
                "a lapsed certificate",
                true,
                lapsed.addr.to_string(),
                Some(trust(&lapsed)),
                "is not accepted",
                1,
            ),
            ("a name that is not known", false, nowhere(), None, "cannot connect to", ATTEMPTS),
            ("a connection refused", false, closed(), None, "cannot connect to", ATTEMPTS),
        ];
        for (name, https, host, env, says, attempts) in cases {
            let connections = unknown.connections.load(Ordering::Relaxed);
            ground.endpoint = Some(at(vendor, https, host.clone()));
            ground.env = env.unwrap_or_else(|| Environment::new([], None));
            let error = ground.run().await.ended.expect_err(name);
            let text = text_of(&error);
            assert!(text.contains(says) && text.contains(&host), "{name}: {text}");
            assert!(attempts == 1 || text.contains(&format!("{attempts} attempts")), "{name}: {text}");
            if name == "a certificate of nobody's" {
                assert_eq!(unknown.connections.load(Ordering::Relaxed) - connections, 1, "{name}");
            }
            assert!(ground.partial().exists() && !ground.report().exists(), "{name}");
            for (call, error) in every_call(&ground).await {
                let said = text_of(&RunError::Doomed(error));
                assert!(said.contains(says) && said.contains(&host), "{name}, {call:?}: {said}");
            }
            table.entry(name).or_default().push(format!("ends {}", exit_of(&error)));
        }
        assert_eq!(ground.server.ledger().counts().total, 0, "nothing came through");
        // The way out works: the same line goes on over TLS once the authority is known.
        ground.env = trusting(&ground, &unknown.pem);
        ground.endpoint = Some(at(vendor, true, unknown.addr.to_string()));
        let told = ground.run().await;
        assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
        same(&ground.compared(), &usual, "over TLS");
        table.entry("a certificate of an authority that is named").or_default().push("calm".to_owned());
    }
    println!("| below HTTP | oss | cos | s3 |\n| --- | --- | --- | --- |");
    for (name, words) in table {
        println!("| {name} | {} |", words.join(" | "));
    }
}

/// A server that gives each request, by its number, the answer of `answer`.
struct Raw {
    addr: SocketAddr,
    asked: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Raw {
    async fn serve(answer: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let (count, answer) = (Arc::clone(&asked), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while let Ok(1..) = stream.read_buf(&mut request).await {
                        // Listings and HEADs have no body.
                        if !request.ends_with(b"\r\n\r\n") {
                            continue;
                        }
                        request.clear();
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        if stream.write_all(&answer(number)).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { addr, asked, task }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn http(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_pages_without_end_are_given_up() {
    let server = Raw::serve(|page| {
        let body = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{page}\
             </NextContinuationToken></ListBucketResult>"
        );
        http("", body.as_bytes())
    })
    .await;
    let mut ground = Ground::new(S3, Call::List).await;
    ground.endpoint = Some(at(S3, false, server.addr.to_string()));
    let error = ground.run().await.ended.unwrap_err();
    assert!(text_of(&error).contains("a thousand empty pages in a row"), "{}", text_of(&error));
    assert_eq!(server.asked.load(Ordering::Relaxed), 1000);
    assert!(ground.partial().exists() && !ground.report().exists());
}

/// What is small on the wire may be large behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_unpacks_without_measure_is_given_up() {
    let piece = vec![b' '; 1 << 16];
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1024 {
        packed.write_all(&piece).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000, "64 MiB in {} bytes", packed.len());
    let bomb = http("content-encoding: gzip\r\n", &packed);
    let server = Raw::serve(move |_| bomb.clone()).await;
    let mut ground = Ground::new(S3, Call::List).await;
    ground.endpoint = Some(at(S3, false, server.addr.to_string()));
    let error = ground.run().await.ended.unwrap_err();
    assert!(text_of(&error).contains("larger than any page can be"), "{}", text_of(&error));
    assert_eq!(server.asked.load(Ordering::Relaxed), ATTEMPTS);
}

/// A name that nobody has and a certificate of nobody's, as a user sees them.
#[test]
fn a_user_is_told_of_the_certificate_and_of_the_way_out() {
    let rig = Rig::new(defrost::sim::Config::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let tls = runtime.block_on(Tls::before(&rig.server, "127.0.0.1", 2999));
    let line = |endpoint: &str| {
        let mut command =
            rig.command(&["scan", "s3://b-b/", "--region", "r", "--max-attempts", "2", "--fresh"]);
        command.args(["--allow-http", "--endpoint-url", endpoint]);
        crate::support::Ran::of(&command.output().unwrap())
    };
    line(&format!("https://{}", tls.addr)).expect(1).in_one_error().says(&[
        "certificate",
        "AWS_CA_BUNDLE",
        "cannot be switched off",
    ]);
    line(&rig.server.url().replace("http:", "https:")).expect(1).in_one_error().says(&["does not speak TLS"]);
    line(&format!("http://{}", nowhere()))
        .expect(1)
        .in_one_error()
        .says(&[&format!("cannot connect to {}", nowhere()), "2 attempts"]);
    assert_eq!(rig.server.ledger().counts().total, 0);
}
