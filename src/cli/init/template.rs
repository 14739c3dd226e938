//! Answers to the text of a job file. Its comments give reasons: the file teaches.

use std::fmt::Write as _;

use super::answers::Answers;
use crate::model::Provider;

/// Text as TOML writes it: JSON's escapes are TOML's, too.
fn quoted(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text.trim()).unwrap_or_default()
}

/// Where comments begin, in columns.
const COMMENTS: usize = 36;

/// A line and, beside it, its reason.
fn line(out: &mut String, set: &str, why: &str) {
    let _ = if why.is_empty() { writeln!(out, "{set}") } else { writeln!(out, "{set:<COMMENTS$} # {why}") };
}

/// A job file called `name`. With `clamp`, days and tier are fitted to what each class offers.
pub(super) fn text(answers: &Answers, name: &str, clamp: bool) -> String {
    let mut text = String::new();
    let out = &mut text;
    let what = if answers.audit {
        "An audit: a row for each object, and nothing is restored, since there is no [restore] table."
    } else {
        "Brings archived objects back; the same line every night asks for what is archived still."
    };
    let _ = write!(
        out,
        "# {what}\n\
         #\n\
         # Check it with `defrost check`, see what it would do with `defrost plan`, then `defrost run`.\n\
         # Any line may be repeated: an interrupted run goes on where it was. For an editor that knows all\n\
         # keys: `defrost schema > defrost.schema.json`, and `#:schema ./defrost.schema.json` as first line.\n\
         #\n\
         # {}\n\n[job]\n",
        credentials(answers.provider()),
    );
    line(out, &format!("name = {}", quoted(name)), "names the checkpoint, the lock and the report");
    line(out, "# time_zone = \"Asia/Shanghai\"", "in which days begin and hours are meant; else UTC");
    let _ = writeln!(out, "\n[[source]]");
    line(out, &format!("url = {}", quoted(&answers.url)), "bucket, and the prefix below which all is taken");
    if answers.region.is_empty() {
        line(out, "# region = \"us-east-1\"", "where the bucket is, if the store has regions");
    } else {
        line(out, &format!("region = {}", quoted(&answers.region)), "");
    }
    if answers.endpoint.is_empty() {
        line(out, &format!("# endpoint_url = {}", own(answers)), "an internal address, or another store");
    } else {
        line(out, &format!("endpoint_url = {}", quoted(&answers.endpoint)), "");
    }
    line(out, "# profile = \"prod\"", "of the vendor's own tools");
    filter(out, answers);
    if !answers.audit {
        restore(out, answers, clamp);
        limits(out, answers);
    }
    let _ = writeln!(out, "\n[report]");
    line(out, &format!("path = {}", quoted(&answers.report)), "relative to this file; {date} is UTC");
    if !answers.audit {
        let _ = writeln!(out, "\n# To wait until all is readable, and to hand it on as it comes:\n# [wait]");
        line(out, "# until = \"ready\"", "");
        line(out, "# timeout = \"20h\"", "over before the next night's run");
        line(out, "# on_ready = [\"./fetch.sh\"]", "gets what is readable as JSON lines on its stdin");
    }
    text
}

fn filter(out: &mut String, answers: &Answers) {
    let classes: Vec<&str> = answers.classes.split(',').map(str::trim).filter(|c| !c.is_empty()).collect();
    let classes = match classes.as_slice() {
        [one] => quoted(one),
        several => format!("[{}]", several.iter().map(|class| quoted(class)).collect::<Vec<_>>().join(", ")),
    };
    let _ = writeln!(out, "\n[filter]");
    line(out, &format!("storage_class = {classes}"), "\"archived\": all that need a restore; \"any\": all");
    line(out, "# include = [\"*.parquet\"]", "`*` stops at `/`, `**` crosses it; no `/`: at any depth");
    line(out, "# exclude = [\"tmp/**\"]", "after the includes: the last match decides");
    line(out, "# older_than = \"30d\"", "last modified at least so long ago");
}

fn restore(out: &mut String, answers: &Answers, clamp: bool) {
    let _ = writeln!(out, "\n[restore]");
    line(out, &format!("days = {}", number(&answers.days)), "how long copies stay readable; paid by the day");
    line(
        out,
        &format!("tier = {}", quoted(&answers.tier)),
        "Expedited, Standard, Bulk: the slower, the cheaper",
    );
    if clamp {
        line(out, "fit = \"clamp\"", "not every class offers this: each gets the nearest that it does");
    } else {
        line(out, "fit = \"fail\"", "if a class does not offer this: fail, skip or clamp");
    }
    line(out, "# extend_when_left = \"1d\"", "keep copies: ask again when less than this is left");
}

fn limits(out: &mut String, answers: &Answers) {
    let _ = writeln!(out, "\n[limits]");
    line(
        out,
        &format!("restore_rate = {}", number(&answers.rate)),
        "restore requests a second, retries included",
    );
    let bound = answers.daily_bytes.trim();
    let set = if bound.is_empty() || bound.eq_ignore_ascii_case("none") {
        "# daily_bytes = \"2TiB\"".to_owned()
    } else {
        format!("daily_bytes = {}", quoted(bound))
    };
    line(out, &set, "what is beyond it waits for the next night");
    line(
        out,
        &format!("# daily_cost = \"50 {}\"", currency(answers)),
        "the same in money: see `defrost plan`",
    );
    line(out, "# window = \"22:00-06:00\"", "restores are asked for in these hours only");
}

/// A currency in which there are prices.
fn currency(answers: &Answers) -> &'static str {
    match answers.provider() {
        Some(Provider::Oss | Provider::Cos) => "CNY",
        Some(Provider::S3) | None => "USD",
    }
}

/// A number as a number; all else as text, for the reader of job files to refuse.
fn number(text: &str) -> String {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.to_owned() } else { quoted(text) }
}

const fn credentials(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Provider::Oss) => {
            "Credentials: OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, a profile, or the machine's role; never in here."
        }
        Some(Provider::Cos) => {
            "Credentials: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, a profile, or the machine's role; never here."
        }
        Some(Provider::S3) => {
            "Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine's role; never in here."
        }
        None => "Credentials never stand in here: the environment, a profile or the machine's role has them.",
    }
}

/// An address such as the vendor has beside its public one.
fn own(answers: &Answers) -> String {
    match answers.provider() {
        Some(Provider::Oss) if !answers.region.is_empty() => {
            quoted(&format!("https://oss-{}-internal.aliyuncs.com", answers.region.trim()))
        }
        _ => quoted("https://storage.example.com"),
    }
}
