//! The faults, and what each should come to by the documents of the vendors and of defrost.

use defrost::sim::{Call, Fault, FaultKind};

use crate::support::Vendor;

/// The calls of the table.
pub(super) const CALLS: [Call; 4] = [Call::List, Call::Versions, Call::Head, Call::Restore];

/// What a fault should come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// As if nothing had been; not even a retry.
    Calm,
    /// The report of a calm run, after another try.
    Healed,
    /// The rows of the objects that were hit say that they failed, and why; all others are as ever.
    Rows(&'static str),
    /// OSS asks HEAD only until when a copy lives that was extended: the row leaves that open.
    Open,
    /// The store had done what was asked, so the second request finds it running.
    Already,
    /// The run ends with this exit code and says this; the same line goes on where it was.
    Ends(u8, &'static str),
}

/// What a kind of fault comes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nature {
    /// Worth another try; in vain, a listing ends with these words, a row fails for this reason.
    Passing { says: &'static str, reason: &'static str },
    /// No try would help; all calls end the run.
    Final { exit: u8, says: &'static str },
    /// Nothing is wrong.
    Harmless,
}

use Nature::{Final, Harmless, Passing};

/// A fault of the table.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) nature: Nature,
    /// How it is brought about, where it can be.
    pub(super) fault: Option<Fault>,
    /// Whether it only ends by running out of patience.
    pub(super) tries_patience: bool,
    /// Seconds by which the store's clock is ahead.
    pub(super) skew: i64,
    /// Which page it befalls if it comes once, from 0.
    pub(super) page: u64,
}

const LISTINGS: [Call; 2] = [Call::List, Call::Versions];
const NOT_HEAD: [Call; 3] = [Call::List, Call::Versions, Call::Restore];

const THROTTLED: Nature = Passing { says: "503", reason: "throttled" };

const fn network(says: &'static str) -> Nature {
    Passing { says, reason: "network" }
}

/// All faults in `call`, without a fault where there can be none. `elsewhere` is a place that nobody is to be led to, `here` the store's own.
pub(super) fn cases(call: Call, here: &str, elsewhere: &str) -> Vec<Case> {
    let root = if call == Call::Versions { "<ListVersionsResult" } else { "<ListBucketResult" };
    let mut all = Vec::new();
    let mut case = |name, nature, calls: &[Call], fault: Fault| {
        let fault = calls.contains(&call).then(|| fault.on(call));
        all.push(Case { name, nature, fault, tries_patience: false, skew: 0, page: 2 });
    };
    let new = Fault::new;
    let later = |fault: Fault| Fault { retry_after: Some(2), ..fault };
    let coded = |status, code: &str| Fault { code: Some(code.to_owned()), ..answer_of(status) };
    let led = |to: &str| Fault { location: Some(format!("{to}/?a=b")), ..new(FaultKind::Redirect) };
    let before_root = |text: &str| Fault::edit(root, format!("{text}{root}"));
    let in_root = |text: &str| Fault::edit("<IsTruncated>", format!("{text}<IsTruncated>"));
    let in_key = |text: &str| Fault::edit("<Key>p", format!("<Key>{text}p"));

    case("503", THROTTLED, &CALLS, new(FaultKind::SlowDown));
    case("503, Retry-After", THROTTLED, &CALLS, later(new(FaultKind::SlowDown)));
    case("503 without a body", THROTTLED, &CALLS, new(FaultKind::Bare503));
    case("503 without a body, Retry-After", THROTTLED, &CALLS, later(new(FaultKind::Bare503)));
    case("500", network("500"), &CALLS, new(FaultKind::Internal));
    let many = Passing { says: "429", reason: "throttled" };
    case("429", many, &CALLS, coded(429, "TooManyRequests"));
    case("reset before the answer", network("the connection to"), &CALLS, new(FaultKind::Reset));
    case("reset, but done", network("the connection to"), &CALLS, new(FaultKind::LostAnswer));
    let broken = network("broke off");
    case("reset in the body", broken, &LISTINGS, new(FaultKind::Cut));
    case("more announced than sent", broken, &LISTINGS, new(FaultKind::Overstated));
    let torn = network("200 (the reply ");
    case("less announced than sent", torn, &LISTINGS, new(FaultKind::Understated));
    case("torn XML", torn, &LISTINGS, new(FaultKind::Torn));
    case("torn XML, status 500", network("500"), &NOT_HEAD, Fault::answer(500, "<Error><Code>Inter"));
    if call == Call::Restore {
        case("reset after the status", Harmless, &NOT_HEAD, new(FaultKind::Cut));
        case("more announced than sent, done", Harmless, &NOT_HEAD, new(FaultKind::Overstated));
    } else {
        case("reset after the status", Harmless, &[], new(FaultKind::Cut));
        case("more announced than sent, done", Harmless, &[], new(FaultKind::Overstated));
    }
    let foreign = network("the reply is not a listing");
    case("another root", foreign, &LISTINGS, Fault::edit(&root[1..], "ListAllMyBucketsResult"));
    let portal = Fault::answer(200, "<html><head/><body>Sign in to the network</body></html>");
    case("a portal's page under 200", network("the reply"), &CALLS, typed(portal, "text/html"));
    case("another content type", Harmless, &CALLS, typed(Fault::edit("\u{1}", ""), "text/plain"));
    case("UTF-16", network("the reply is not"), &LISTINGS, new(FaultKind::Utf16));
    let packed = headed(Fault::edit("\u{1}", ""), "content-encoding", "gzip");
    case("called gzip, but plain", network("the reply of"), &LISTINGS, packed);
    case("200 with an error document", network("InternalError"), &NOT_HEAD, new(FaultKind::ErrorIn200));
    case("an empty page, truncated", Harmless, &LISTINGS, new(FaultKind::EmptyPage));
    let repeated = Final { exit: 1, says: "repeated a continuation marker" };
    case("a repeated token", repeated, &LISTINGS, new(FaultKind::RepeatToken));
    let back = Final { exit: 1, says: "defrost needs keys in order" };
    case("keys out of order", back, &LISTINGS, new(FaultKind::Disorder));
    let astray = Final { exit: 1, says: "does not begin with `p/`" };
    case("keys that were not asked for", astray, &LISTINGS, new(FaultKind::Stray));
    let away = Final { exit: 2, says: "307" };
    case("a redirect to another host", away, &CALLS, led(elsewhere));
    case("a redirect to itself", away, &CALLS, led(here));
    let drip = Fault { delay_ms: Some(100), bytes: Some(32), ..new(FaultKind::Drip) };
    case("a slow drip", network("did not answer in time"), &LISTINGS, drip);
    case("no answer", network("did not answer in time"), &CALLS, new(FaultKind::Stall));
    let oversize = new(FaultKind::Oversize);
    case("a body of 17 MiB", network("larger than any page"), &LISTINGS, oversize);
    let huge = Fault::edit("<Size>", "<Size>18446744073709551616");
    case("a size of 65 bits", network("a size is not a number"), &LISTINGS, huge);
    let nested = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    case("100,000 elements deep", network("nested too deep"), &LISTINGS, in_root(&nested));
    let attributes = (0..20_000).map(|n| format!(" a{n}=''")).collect::<Vec<_>>().concat();
    let attributes = in_root(&format!("<a{attributes}/>"));
    case("20,000 attributes", network("too many attributes"), &LISTINGS, attributes);
    let declares = network("declares a document type");
    case("a document type", declares, &LISTINGS, before_root("<!DOCTYPE a>"));
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY c \"&b;&b;\">]>";
    case("a billion laughs", declares, &LISTINGS, before_root(laughs));
    let outside = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    case("an external entity", declares, &LISTINGS, before_root(outside));
    case("an unknown entity", network("unknown entity"), &LISTINGS, in_key("&x;"));
    case("a reference to U+0000", network("not well-formed"), &LISTINGS, in_key("&#0;"));
    let skewed = Final { exit: 4, says: "RequestTimeTooSkewed" };
    case("a clock said to be wrong", skewed, &CALLS, new(FaultKind::Skewed));
    case("a clock that is wrong", Passing { says: "", reason: "" }, &[], new(FaultKind::Skewed));
    let lapsed = Final { exit: 4, says: "oken" };
    case("a lapsed token", lapsed, &CALLS, new(FaultKind::ExpiredToken));
    let denied = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
    let refused = Passing { says: "AccessDenied", reason: "denied" };
    // Of restores, ten denials end a run: see `bad_input_outside`.
    case("200 with AccessDenied", refused, &LISTINGS, Fault::answer(200, denied));

    for case in &mut all {
        case.page = match case.name {
            // The last page is small, and soon read.
            "a slow drip" => 0,
            // It may hold two versions of one key, whose order nobody can tell.
            "keys out of order" => 1,
            _ => case.page,
        };
        case.tries_patience = matches!(case.name, "a slow drip" | "no answer");
        if case.name == "a clock that is wrong" {
            (case.skew, case.fault) = (5 * 3600, Some(new(FaultKind::Skewed).first(0)));
        }
    }
    all
}

fn answer_of(status: u16) -> Fault {
    Fault { status: Some(status), ..Fault::new(FaultKind::Error) }
}

fn typed(fault: Fault, content_type: &str) -> Fault {
    headed(fault, "content-type", content_type)
}

fn headed(fault: Fault, name: &str, value: &str) -> Fault {
    Fault { headers: [(name.to_owned(), value.to_owned())].into(), ..fault }
}

impl Case {
    /// What it should come to if it is there for one request, or for all of them.
    pub(super) fn want(&self, vendor: Vendor, call: Call, for_good: bool) -> Want {
        let listing = LISTINGS.contains(&call);
        // What a HEAD says has no body: a refusal is told by its status alone, but by OSS.
        let mute = call == Call::Head && vendor.scheme != "oss";
        let by_the_way = call == Call::Head && vendor.scheme == "oss";
        match (self.name, self.nature) {
            ("a clock that is wrong", _) => Want::Healed,
            ("an empty page, truncated", _) if for_good => Want::Ends(1, "a thousand empty pages"),
            ("200 with AccessDenied", Passing { says, .. }) if listing => Want::Ends(4, says),
            ("200 with AccessDenied", Passing { reason, .. }) => Want::Rows(reason),
            ("reset, but done", _) if call == Call::Restore && !for_good => Want::Already,
            (_, Harmless) => Want::Calm,
            (_, Passing { .. }) if !for_good => Want::Healed,
            (_, _) if by_the_way => Want::Open,
            (_, Passing { says, .. }) if listing => Want::Ends(1, says),
            (_, Passing { reason, .. }) => Want::Rows(reason),
            ("a clock said to be wrong", _) if mute => Want::Rows("denied"),
            ("a lapsed token", _) if mute => Want::Rows("refused"),
            (_, Final { exit, says }) => Want::Ends(exit, says),
        }
    }
}
