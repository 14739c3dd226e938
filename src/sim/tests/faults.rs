//! What goes wrong on purpose, as a caller meets it; and what outlives a process.

use std::path::Path;

use super::super::*;
use super::ground::{ask, restore, send, serve};

const BODY: &str = "<RestoreRequest><Days>2</Days></RestoreRequest>";
const LIST: &str = "GET /b/?list-type=2&max-keys=2";

fn config(dialect: Dialect) -> Config {
    let class = if dialect == Dialect::Oss { "Archive" } else { "GLACIER" };
    let bucket = BucketConfig::new(dialect, "b");
    let bucket =
        ["k1", "k2", "k3", "k4", "k5"].into_iter().fold(bucket, |b, k| b.with(ObjectConfig::new(k, class)));
    Config::default().with_bucket(bucket)
}

async fn server(dialect: Dialect, fault: Fault) -> Server {
    let mut config = config(dialect);
    config.faults.push(fault);
    serve(config).await
}

#[tokio::test]
async fn error_answers_in_the_vendors_words() {
    let fault = |kind| Fault { retry_after: Some(3), ..Fault::new(kind).on(Call::Restore).first(1) };
    for (dialect, kind, status, code) in [
        (Dialect::Oss, FaultKind::SlowDown, 503, Some("TotalQpsLimitExceeded")),
        (Dialect::S3, FaultKind::SlowDown, 503, Some("SlowDown")),
        (Dialect::S3, FaultKind::NoCapacity, 503, Some("GlacierExpeditedRetrievalNotAvailable")),
        (Dialect::S3, FaultKind::Internal, 500, Some("InternalError")),
        (Dialect::S3, FaultKind::ErrorIn200, 200, Some("InternalError")),
        (Dialect::S3, FaultKind::ExpiredToken, 400, Some("ExpiredToken")),
        (Dialect::Oss, FaultKind::Skewed, 403, Some("RequestTimeTooSkewed")),
        (Dialect::S3, FaultKind::Bare503, 503, None),
    ] {
        let server = server(dialect, fault(kind)).await;
        let answer = restore(&server, "/b/k1?restore", BODY).await;
        assert_eq!((answer.status, answer.text("Code")), (status, code), "{kind:?}");
        assert_eq!(answer.header("retry-after"), Some("3"), "{kind:?}");
        assert_eq!(restore(&server, "/b/k1?restore", BODY).await.status, 202);
        assert_eq!(server.ledger().counts().faults, 1);
    }
}

#[tokio::test]
async fn a_script_may_name_status_and_code() {
    let fault = Fault {
        status: Some(429),
        code: Some("QpsLimitExceeded".to_owned()),
        ..Fault::new(FaultKind::Error).on(Call::List)
    };
    let answer = ask(&server(Dialect::Oss, fault).await, LIST).await;
    assert_eq!((answer.status, answer.text("Code")), (429, Some("QpsLimitExceeded")));
}

#[tokio::test]
async fn connections_break_as_told() {
    let host = "Host: 127.0.0.1\r\n";
    for (kind, done) in [(FaultKind::Reset, false), (FaultKind::LostAnswer, true)] {
        let server = server(Dialect::S3, Fault::new(kind).on(Call::Restore).first(1)).await;
        assert!(send(&server, "POST /b/k1?restore", host, BODY).await.is_none(), "{kind:?}");
        assert_eq!(server.phase("b", b"k1") != Some(Phase::Frozen), done, "{kind:?}");
        let status = if done { 409 } else { 202 };
        assert_eq!(restore(&server, "/b/k1?restore", BODY).await.status, status);
        let first = if done { 202 } else { 0 };
        let seen: Vec<_> = server.ledger().restores().iter().map(|r| r.status).collect();
        assert_eq!(seen, [first, status]);
    }
    let stall = Fault { delay_ms: Some(1), ..Fault::new(FaultKind::Stall) };
    assert!(send(&server(Dialect::S3, stall).await, LIST, host, "").await.is_none());
    let server = server(Dialect::S3, Fault::new(FaultKind::Cut).first(1)).await;
    assert!(send(&server, LIST, host, "").await.is_none());
    assert_eq!(ask(&server, LIST).await.status, 200);
}

#[tokio::test]
async fn pages_break_as_told() {
    let torn = ask(&server(Dialect::S3, Fault::new(FaultKind::Torn)).await, LIST).await;
    assert_eq!(torn.status, 200);
    assert!(!torn.body.ends_with("</ListBucketResult>"));

    let server = server(Dialect::S3, Fault { skip: 1, ..Fault::new(FaultKind::RepeatToken) }).await;
    let token = |page: &super::ground::Answer| page.text("NextContinuationToken").unwrap().to_owned();
    let first = token(&ask(&server, LIST).await);
    let encoded = first.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let second = ask(&server, &format!("{LIST}&continuation-token={encoded}")).await;
    assert_eq!(token(&second), first);
    assert_eq!(second.texts("Key"), ["k3", "k4"]);
}

#[tokio::test]
async fn empty_pages_lead_to_the_next() {
    let server = server(Dialect::Oss, Fault::new(FaultKind::EmptyPage).every(2)).await;
    let mut keys = Vec::new();
    let mut token = String::new();
    let mut pages = 0;
    loop {
        pages += 1;
        let page = ask(&server, &format!("{LIST}{token}")).await;
        keys.extend(page.texts("Key").into_iter().map(str::to_owned));
        let Some(next) = page.text("NextContinuationToken") else { break };
        token = format!("&continuation-token={next}");
    }
    assert_eq!(keys, ["k1", "k2", "k3", "k4", "k5"]);
    assert_eq!(pages, 5);
}

#[tokio::test]
async fn answers_are_edited_as_told() {
    let page = ask(&server(Dialect::S3, Fault::edit("</Contents>", "<X/></Contents>")).await, LIST).await;
    assert_eq!((page.texts("Key").len(), page.body.matches("<X/></Contents>").count()), (2, 2));

    let portal = Fault {
        headers: [("Content-Type".to_owned(), "text/html".to_owned())].into(),
        ..Fault::answer(200, "<html>Sign in</html>")
    };
    let portal = ask(&server(Dialect::Oss, portal).await, LIST).await;
    assert_eq!((portal.status, portal.header("content-type")), (200, Some("text/html")));
    assert_eq!(portal.body, "<html>Sign in</html>");

    let away =
        Fault { location: Some("http://elsewhere.example/".to_owned()), ..Fault::new(FaultKind::Redirect) };
    let away = ask(&server(Dialect::Cos, away).await, LIST).await;
    assert_eq!((away.status, away.header("location")), (307, Some("http://elsewhere.example/")));

    let page = ask(&server(Dialect::Cos, Fault::new(FaultKind::Disorder)).await, LIST).await;
    assert_eq!(page.texts("Key"), ["k2", "k1"]);

    let stray = server(Dialect::S3, Fault::new(FaultKind::Stray)).await;
    assert_eq!(ask(&stray, "GET /b/?list-type=2&prefix=k4").await.texts("Key").len(), 5);
}

#[tokio::test]
async fn lengths_lie_and_bodies_drip() {
    let whole = ask(&server(Dialect::S3, Fault::new(FaultKind::Reset).first(0)).await, LIST).await.body;
    let host = "Host: 127.0.0.1\r\n";
    let over = server(Dialect::S3, Fault::new(FaultKind::Overstated)).await;
    assert!(send(&over, LIST, host, "").await.is_none(), "more was announced than came");
    let under = ask(&server(Dialect::S3, Fault::new(FaultKind::Understated)).await, LIST).await;
    assert_eq!(under.body.len(), whole.len() / 2);
    let drip = Fault { delay_ms: Some(1), bytes: Some(100), ..Fault::new(FaultKind::Drip) };
    assert_eq!(ask(&server(Dialect::S3, drip).await, LIST).await.body, whole);
}

#[tokio::test]
async fn rules_pick_listings_by_prefix() {
    let server = server(Dialect::S3, Fault::new(FaultKind::Internal).on(Call::List).key("k?")).await;
    assert_eq!(ask(&server, "GET /b/?prefix=k1").await.status, 500);
    assert_eq!(ask(&server, "GET /b/").await.status, 200);
}

#[tokio::test]
async fn a_rate_is_a_second_of_requests() {
    let mut config = config(Dialect::S3);
    config.buckets[0].quirks.restore_rate = Some(2);
    let server = serve(config).await;
    let mut seen = Vec::new();
    for key in 1..=4 {
        seen.push(restore(&server, &format!("/b/k{key}?restore"), BODY).await.status);
    }
    // The clock stands still: nothing comes back.
    assert_eq!(seen, [202, 202, 503, 503]);
}

#[tokio::test]
async fn restores_and_the_hour_outlive_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let server = serve(config(Dialect::S3)).await;
    assert_eq!(restore(&server, "/b/k2?restore", BODY).await.status, 202);
    server.clock().advance(std::time::Duration::from_hours(1));
    let (state, phase) = (server.state(), server.phase("b", b"k2"));
    server.save(&path).unwrap();
    server.stop().await;
    let loaded = State::load(&path).unwrap();
    assert_eq!(loaded.as_ref(), Some(&state));
    let again = serve(config(Dialect::S3).with_state(loaded)).await;
    assert_eq!(again.state(), state);
    assert_eq!(again.phase("b", b"k2"), phase);
    assert_eq!(again.phase("b", b"k1"), Some(Phase::Frozen));
    assert_eq!(again.started(), state.start);
    let running = |e: &Expected| matches!(e.phase, Phase::Running(_));
    let rows = again.objects("b");
    assert_eq!(rows.iter().filter(|e| running(e)).map(|e| e.key.as_slice()).collect::<Vec<_>>(), [b"k2"]);
    assert_eq!(rows.len(), 5);
    assert_eq!(restore(&again, "/b/k2?restore", BODY).await.status, 409);
}

#[tokio::test]
async fn what_a_seed_does_not_hold_any_more_is_dropped() {
    let server = serve(config(Dialect::S3)).await;
    restore(&server, "/b/k2?restore", BODY).await;
    let state = server.state();
    let text = "[[bucket]]\nname = \"b\"\nprovider = \"s3\"\n";
    let other = Config::from_toml(Path::new("s"), text).unwrap().with_state(Some(state));
    assert!(serve(other).await.state().buckets.is_empty());
}
