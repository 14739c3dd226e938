//! What a preflight finds, as a numbered line with the way out, or as a JSON line.

use jiff::Timestamp;
use serde::Serialize;

use super::json::line;
use super::{Look, printable};

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// A run would go on, but this is worth knowing.
    Warning,
    /// A run would end, or fail.
    Fault,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in one word.
    pub about: &'static str,
    /// What it comes to.
    pub grade: Grade,
    /// What was found, and what that proves.
    pub text: String,
    /// What to do about it.
    pub way_out: Option<String>,
}

/// ` 3. list: ok: …`, and the way out on a line of its own where there is one.
#[must_use]
pub fn finding_text(number: usize, finding: &Finding, look: Look) -> String {
    let (plain, grade) = match finding.grade {
        Grade::Ok => ("ok", "ok".to_owned()),
        Grade::Warning => ("warning", look.bold("warning")),
        Grade::Fault => ("fault", look.red("fault")),
    };
    let text = printable(&finding.text, look.charset);
    let head = format!("{number:>2}. {}: {grade}: ", finding.about);
    let told = look.broken(&head, grade.len() - plain.len(), &text);
    match &finding.way_out {
        Some(way_out) => {
            let hint = look.cyan("hint:");
            let head = format!("    {hint} ");
            let way_out = printable(way_out, look.charset);
            format!("{told}\n{}", look.broken(&head, hint.len() - "hint:".len(), &way_out))
        }
        None => told,
    }
}

/// The same as one JSON object: `time`, `event` = `finding`, `job` (the file), `number`, `about`,
/// `grade` (`ok`, `warning`, `fault`), `text`, `way_out` (`null` if there is none).
#[must_use]
pub fn finding_json(number: usize, job: &str, finding: &Finding, now: Timestamp) -> String {
    #[derive(Serialize)]
    struct Said<'a> {
        event: &'static str,
        job: &'a str,
        number: usize,
        #[serde(flatten)]
        finding: &'a Finding,
    }
    line(now, &Said { event: "finding", job, number, finding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_as_text_and_as_json() {
        let finding = Finding {
            about: "restore",
            grade: Grade::Fault,
            text: "403 AccessDenied\u{1b}[2J".to_owned(),
            way_out: Some("grant s3:RestoreObject".to_owned()),
        };
        insta::assert_snapshot!(finding_text(3, &finding, Look::default()), @r"
         3. restore: fault: 403 AccessDenied\u{1b}[2J
            hint: grant s3:RestoreObject
        ");
        let json = finding_json(3, "night.toml", &finding, Timestamp::UNIX_EPOCH);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["event"], &read["number"]), (&"finding".into(), &3.into()));
        assert_eq!((&read["about"], &read["grade"]), (&"restore".into(), &"fault".into()));
        assert_eq!(read["way_out"], "grant s3:RestoreObject");
        assert!(!json.contains('\u{1b}'));
    }
}
