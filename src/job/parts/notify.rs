//! `[notify]`, and `metrics` of `[report]`: who is told of the end of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::endpoint::EndpointUrl;
use super::super::fault::{At, Place, Problem, shown};
use super::super::flags::Overrides;
use super::super::layers::{Layers, Picked};
use super::super::read::{self, Value};
use super::super::spec::{MetricsSpec, NotifySpec, SecretPlace, TellOf, WebhookSpec, WebhookUrl};
use super::{command_word, file_path, from_folder, text_flag};

/// What a word of the command may hold.
const PLACEHOLDERS: [&str; 4] = ["report", "summary", "exit_code", "job"];
/// Longest URL of a web server, in bytes.
const MAX_URL: usize = 2048;
/// Longest name of a variable, in bytes.
const MAX_VARIABLE: usize = 128;
/// Shortest and longest time limit.
const TIME_LIMITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(10)];

/// What a way out says of URLs, without repeating one: it may hold a token.
const URL_FORM: &str = "write `https://host/path`; the value is not repeated here, since it may hold a token";

/// Figures for Prometheus, and where their path was written.
pub(in super::super) fn metrics(
    layers: &mut Layers<'_>,
    over: &Overrides,
    folder: &Path,
) -> Option<(MetricsSpec, At)> {
    let Picked { value, at } = layers.pick("report.metrics", text_flag(over.metrics.as_ref()), |value| {
        let path = file_path(value)?;
        // Others are not read by who collects such files.
        if Path::new(&path).extension().is_none_or(|extension| extension != "prom") {
            return Err(Problem::new(
                "does not end in `.prom`",
                "name a file such as \"metrics/{job}.prom\"",
            ));
        }
        known_placeholders(&path, &["job", "source"], "it can hold `{job}` and `{source}`").map(|()| path)
    })?;
    let in_file = matches!(at.place, Place::File { .. });
    let folder = if in_file { folder.to_owned() } else { PathBuf::new() };
    Some((MetricsSpec { path: value, folder }, at))
}

/// Whether `path` holds no placeholder but those of `known`.
fn known_placeholders(path: &str, known: &[&str], form: &str) -> Result<(), Problem> {
    let mut rest = path;
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((word, after)) = tail.split_once('}') else {
            return Err(Problem::new("has a `{` without its `}`", form));
        };
        if !known.contains(&word) {
            return Err(Problem::new(format!("has the unknown placeholder {}", shown(word)), form));
        }
        rest = after;
    }
    Ok(())
}

/// `[notify]`.
pub(in super::super) fn notify(layers: &mut Layers<'_>, over: &Overrides, folder: &Path) -> NotifySpec {
    let default = NotifySpec::default();
    let allow_http = over.webhook_allow_http.map(Value::Switch);
    let allow_http = layers.value("notify.webhook_allow_http", allow_http, read::switch).unwrap_or(false);
    let url = layers.pick("notify.webhook", None, webhook_url);
    if let Some(Picked { value: (_, true), at }) = &url
        && !allow_http
    {
        let problem = Problem::new(
            "would be sent unencrypted to another machine",
            "write https://, or set webhook_allow_http = true (--webhook-allow-http) if the way there is safe",
        );
        layers.fault(problem.hidden(), at.clone());
    }
    let variable =
        layers.pick("notify.webhook_secret_env", text_flag(over.webhook_secret_env.as_ref()), variable);
    let file =
        layers.pick("notify.webhook_secret_file", text_flag(over.webhook_secret_file.as_ref()), file_path);
    if let (Some(_), Some(file)) = (&variable, &file) {
        let problem = Problem::new("is one place for the secret too many", "keep this or webhook_secret_env");
        layers.fault(problem, file.at.clone());
    }
    let secret = variable
        .map(|variable| SecretPlace::Variable(variable.value))
        .or_else(|| file.map(|Picked { value, at }| SecretPlace::File(from_folder(folder, &value, &at))));
    let of = layers.list("notify.on", &over.notify_on, true, |value| {
        read::word(
            value,
            &[("always", TellOf::Always), ("failure", TellOf::Failure), ("change", TellOf::Change)],
        )
    });
    let of: Vec<TellOf> = of.into_iter().map(|word| word.value).collect();
    let on_finish = layers.list("notify.on_finish", &over.on_finish, false, |value| {
        command_word(value, &PLACEHOLDERS, "it can hold `{report}`, `{summary}`, `{exit_code}` and `{job}`")
    });
    let time_limit = layers.value("notify.time_limit", text_flag(over.notify_time_limit.as_ref()), |value| {
        let [shortest, longest] = TIME_LIMITS;
        match read::span(value)? {
            span if span < shortest => {
                Err(Problem::new("is too short", "write a second or more, such as \"30s\""))
            }
            span if span > longest => Err(Problem::new("is too long", "write ten minutes at most")),
            span => Ok(span),
        }
    });
    NotifySpec {
        webhook: url.map(|url| WebhookSpec { url: url.value.0, secret }),
        on_finish: on_finish.into_iter().map(|word| word.value).collect(),
        of: if of.is_empty() { default.of } else { of },
        time_limit: time_limit.unwrap_or(default.time_limit),
    }
}

/// A URL, and whether it would cross a network unencrypted. No fault repeats it.
fn webhook_url(value: &Value) -> Result<(WebhookUrl, bool), Problem> {
    let read = || {
        let text = read::text(value)?;
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Problem::new("is no URL", URL_FORM));
        };
        if text.len() > MAX_URL {
            return Err(Problem::new("is too long", URL_FORM));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['#', '\\', '"', '<', '>']) {
            return Err(Problem::new("holds a character that a URL cannot hold", URL_FORM));
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(Problem::new(
                "holds a user name",
                "sign the message instead: set webhook_secret_env or webhook_secret_file",
            ));
        }
        let origin = scheme.len() + 3 + authority.len();
        let endpoint = EndpointUrl::parse(&text[..origin])?;
        Ok((WebhookUrl::new(text.to_owned(), origin), endpoint.exposed))
    };
    read().map_err(Problem::hidden)
}

/// The name of a variable; somebody may have written the secret itself, so it is not repeated.
fn variable(value: &Value) -> Result<String, Problem> {
    let text = read::text(value)?;
    let sound = text.len() <= MAX_VARIABLE
        && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if sound {
        return Ok(text);
    }
    let what = "is not the name of a variable: upper-case letters, digits and `_`";
    Err(Problem::new(
        what,
        "name the variable that holds the secret, such as \"DEFROST_WEBHOOK_SECRET\", never the secret itself",
    )
    .hidden())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Overrides, Verb, from_file, from_url};

    const TOKEN: &str = "T0kenOfTheHook";

    fn job(tail: &str) -> Result<crate::job::Job, String> {
        let text = format!("[[source]]\nurl = \"s3://b/p/\"\n{tail}");
        from_file(Path::new("jobs/n.toml"), &text, &Overrides::default(), &crate::job::Env::new())
            .map_err(|faults| faults.to_string())
    }

    #[test]
    fn everything_can_be_said_in_a_file() {
        let job = job("[report]\nmetrics = \"m/{job}.prom\"\n[notify]\nwebhook = \"https://hooks.example.com:8443/a?t=1\"\n\
             webhook_secret_file = \"hook.secret\"\non = [\"failure\", \"change\"]\n\
             on_finish = [\"./tell.sh\", \"{summary}\", \"{x y}\"]\ntime_limit = \"2m\"\n")
        .unwrap();
        assert_eq!(job.metrics.as_ref().unwrap().file("night-retry"), Path::new("jobs/m/night-retry.prom"));
        let hook = job.notify.webhook.as_ref().unwrap();
        assert_eq!(hook.url.secret_text(), "https://hooks.example.com:8443/a?t=1");
        assert_eq!(hook.url.to_string(), "https://hooks.example.com:8443");
        assert_eq!(hook.secret, Some(SecretPlace::File("jobs/hook.secret".into())));
        assert_eq!(job.notify.of, [TellOf::Failure, TellOf::Change]);
        assert_eq!(job.notify.on_finish, ["./tell.sh", "{summary}", "{x y}"]);
        assert_eq!(job.notify.time_limit, Duration::from_mins(2));
        assert!(!format!("{job:?}").contains("?t=1"));
        // The default is that nobody is told.
        let none = from_url(Verb::Scan, "s3://b", &Overrides::default(), &crate::job::Env::new()).unwrap();
        assert_eq!((none.metrics, none.notify), (None, NotifySpec::default()));
    }

    #[test]
    fn a_url_is_never_repeated() {
        for (url, what) in [
            ("hooks.example.com/T0kenOfTheHook", "is no URL"),
            ("ftp://hooks.example.com/T0kenOfTheHook", "neither http nor https"),
            ("https://me:T0kenOfTheHook@hooks.example.com/", "holds a user name"),
            ("https://hooks.example.com:0/T0kenOfTheHook", "port"),
            ("https:///T0kenOfTheHook", "names no host"),
            ("https://hooks.example.com/T0kenOfTheHook#x", "cannot hold"),
            ("https://hooks.example.com/T0ken OfTheHook", "cannot hold"),
            ("http://hooks.example.com/T0kenOfTheHook", "unencrypted"),
        ] {
            let told = job(&format!("[notify]\nwebhook = \"{url}\"\n")).unwrap_err();
            assert!(told.contains(what) && told.contains("[notify] webhook:"), "{told}");
            assert!(!told.contains(TOKEN) && !told.contains("OfTheHook"), "{told}");
        }
        for local in ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:8/"] {
            job(&format!("[notify]\nwebhook = \"{local}\"\n")).unwrap();
        }
        job("[notify]\nwebhook = \"http://10.0.0.1/x\"\nwebhook_allow_http = true\n").unwrap();
    }

    #[test]
    fn a_secret_in_the_place_of_its_variable_is_not_repeated() {
        for secret in ["whsec_T0kenOfTheHook", "T0kenOfTheHook", "T0KEN/OF+THE=HOOK"] {
            let told = job(&format!("[notify]\nwebhook_secret_env = \"{secret}\"\n")).unwrap_err();
            assert!(told.contains("is not the name of a variable") && !told.contains(secret), "{told}");
        }
        for key in ["webhook_secret", "secret", "token"] {
            let told = job(&format!("[notify]\n{key} = \"{TOKEN}\"\n")).unwrap_err();
            assert!(told.contains("never stand in a job file") && !told.contains(TOKEN), "{told}");
            assert!(told.contains("webhook_secret_env"), "{told}");
        }
        let both = "[notify]\nwebhook_secret_env = \"A\"\nwebhook_secret_file = \"b\"\n";
        assert!(job(both).unwrap_err().contains("one place for the secret too many"));
    }

    #[test]
    fn figures_of_a_plan_and_a_retry_stand_apart() {
        let over = Overrides { dry_run: true, ..Overrides::default() };
        let text = "[[source]]\nurl = \"s3://b/p/\"\n[restore]\ndays = 1\n[report]\nmetrics = \"n.prom\"\n";
        let read =
            |over: &Overrides| from_file(Path::new("n.toml"), text, over, &crate::job::Env::new()).unwrap();
        let file = |job: &crate::job::Job| job.metrics.as_ref().unwrap().file(&job.name);
        assert_eq!(file(&read(&over)), Path::new("n.plan.prom"));
        let job = read(&Overrides::default());
        assert_eq!(file(&job), Path::new("n.prom"));
        assert_eq!(file(&job.retry("r.csv".into(), false)), Path::new("n.retry.prom"));
    }

    #[test]
    fn several_sources_need_a_file_of_figures_each() {
        let told = job("[[source]]\nurl = \"s3://c/\"\n[report]\nmetrics = \"n.prom\"\n");
        // One source is wanted by this reader; the reader of all tells the rest.
        assert!(told.is_err());
        let text =
            "[[source]]\nurl = \"s3://b/\"\n[[source]]\nurl = \"s3://c/\"\n[report]\nmetrics = \"n.prom\"\n";
        let read = |text: &str| {
            crate::job::all_from_file(
                Path::new("n.toml"),
                text,
                &Overrides::default(),
                &crate::job::Env::new(),
            )
        };
        assert!(read(text).unwrap_err().to_string().contains("figures of several sources"));
        let jobs = read(&text.replace("n.prom", "{source}.prom")).unwrap();
        assert_eq!(jobs[1].metrics.as_ref().unwrap().file(&jobs[1].name), Path::new("2.prom"));
    }
}
