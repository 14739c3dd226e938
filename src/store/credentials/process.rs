//! `credential_process`: a program of the user's that prints credentials.
//!
//! Source: AWS SDK guide "Process credential provider", read 2026-11. Neither its arguments nor
//! what it printed ever stand in a message.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::future::{Either, select};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use super::CredentialError;
use super::outside::Outside;
use super::source::Found;
use crate::store::dialect::Credentials;

/// How long the program may take; it may well ask a server, but there is nobody to answer it.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// How much it may print; keys and a token have some KiB.
const OUTPUT_LIMIT: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<jiff::Timestamp>,
}

/// Runs `command` and reads the credentials that it prints.
pub(super) async fn run(command: &str, profile: &str, outside: &Outside) -> Result<Found, CredentialError> {
    let refused = |why: String| CredentialError::Refused {
        origin: format!("the `credential_process` of profile `{profile}`"),
        why,
    };
    let words = words(command).ok_or_else(|| refused("its command line ends within quotes".to_owned()))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(refused("its command line is empty".to_owned()));
    };
    let limit = outside.clock.sleep(TIME_LIMIT);
    let (status, printed) = match select(Box::pin(output(program, arguments)), limit).await {
        Either::Left((Ok(output), _)) => output,
        Either::Left((Err(e), _)) => return Err(refused(format!("cannot start `{program}`: {}", e.kind()))),
        Either::Right(_) => return Err(refused(format!("it took over {} s", TIME_LIMIT.as_secs()))),
    };
    if printed.len() > OUTPUT_LIMIT {
        return Err(refused("it printed more than 1 MiB".to_owned()));
    }
    if !status.success() {
        return Err(refused(format!("it failed ({status})")));
    }
    match serde_json::from_slice::<Printed>(&printed) {
        Ok(printed) if printed.version == 1 => Ok(Found {
            keys: Credentials {
                access_key_id: printed.access_key_id,
                secret_key: printed.secret_access_key,
                session_token: printed.session_token.filter(|token| !token.is_empty()),
            },
            expires: printed.expiration,
        }),
        _ => Err(refused("it did not print the JSON of version 1 that AWS describes".to_owned())),
    }
}

/// How `program` ended, and what it printed: a little more than [`OUTPUT_LIMIT`] at most. One that
/// prints more finds nobody reading.
async fn output(program: &str, arguments: &[String]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(OUTPUT_LIMIT as u64 + 1).read_to_end(&mut printed).await?;
    }
    Ok((child.wait().await?, printed))
}

/// Splits a command line as a shell would, but for expansions: quotes, double quotes and
/// backslashes. `None` if a quote is not closed.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::SystemClock;
    use crate::store::credentials::Environment;

    #[test]
    fn words_are_those_of_a_shell() {
        let cases: [(&str, Option<&[&str]>); 5] = [
            ("/bin/tool  --name 'a b' \"c d\"e ''", Some(&["/bin/tool", "--name", "a b", "c de", ""])),
            (r"/opt/my\ tool x\'y", Some(&["/opt/my tool", "x'y"])),
            ("   ", Some(&[])),
            ("tool 'open", None),
            ("tool \\", None),
        ];
        for (line, expected) in cases {
            let words = words(line);
            assert_eq!(
                words.as_deref().map(|w| w.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
                expected
            );
        }
    }

    #[tokio::test]
    async fn what_the_program_prints_is_used_and_never_shown() {
        let outside = Outside::new(Environment::default(), Arc::new(SystemClock::new()));
        let good = r#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK","SessionToken":"T","Expiration":"2026-01-02T03:04:05Z"}"#;
        let found = run(&format!("printf '%s' '{good}'"), "p", &outside).await.unwrap();
        assert_eq!((found.keys.access_key_id.as_str(), found.keys.secret_key.as_str()), ("AK", "SK"));
        assert_eq!(found.keys.session_token.as_deref(), Some("T"));
        assert_eq!(found.expires, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        let endless = "sh -c 'while echo hush-hush; do :; done'";
        let told = run(endless, "p", &outside).await.unwrap_err().to_string();
        assert!(told.contains("it printed more than 1 MiB"), "{told}");
        for bad in [
            "echo hush-hush",
            "sh -c 'echo hush-hush; exit 3'",
            "/nonexistent hush-hush",
            "'hush-hush",
            "",
            endless,
        ] {
            let error = run(bad, "p", &outside).await.unwrap_err();
            assert!(error.to_string().contains("`credential_process` of profile `p`"), "{error}");
            assert!(!format!("{error:?} {error}").contains("hush"), "{error}");
        }
    }
}
