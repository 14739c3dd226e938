//! What a job file is made of, and the questions that bring it out.

use std::io::{self, BufRead, Write};

use crate::cli::args::InitArgs;
use crate::cli::connect;
use crate::job::{self, Overrides, Verb};
use crate::model::Provider;

/// How often one question is asked before it is given up.
const TRIES: usize = 5;

/// All that is answered; as text, since it is text that will be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) url: String,
    /// Empty where the environment or the vendor's default says it.
    pub(super) region: String,
    /// Empty for the vendor's own.
    pub(super) endpoint: String,
    pub(super) audit: bool,
    pub(super) days: String,
    pub(super) tier: String,
    pub(super) classes: String,
    pub(super) rate: String,
    /// `none` for no bound.
    pub(super) daily_bytes: String,
    pub(super) report: String,
    /// Hour and minute.
    pub(super) at: String,
}

impl Answers {
    /// The vendor, as far as the URL tells it.
    pub(super) fn provider(&self) -> Option<Provider> {
        Provider::from_scheme(self.url.trim().split("://").next()?)
    }
}

/// One question. `key` is what a wrong answer is told by: a key of the job file, or none for what does not
/// stand in it.
struct Question {
    key: &'static str,
    ask: &'static str,
    /// What it is for, in a line.
    why: &'static str,
    /// Of an audit as well.
    audits: bool,
    slot: fn(&mut Answers) -> &mut String,
    /// What an empty line means; `None` where there must be an answer.
    usual: fn(&Answers, &Hints) -> Option<String>,
}

/// What the surroundings suggest.
#[derive(Clone, Debug, Default)]
pub(super) struct Hints {
    /// The region that the vendor's variable names, by vendor.
    pub(super) regions: [Option<String>; 3],
}

impl Hints {
    fn region(&self, provider: Provider) -> Option<String> {
        let at = Provider::ALL.iter().position(|known| *known == provider)?;
        self.regions[at].clone()
    }
}

/// An answer that does not depend on what was said before.
fn fixed(text: &str) -> String {
    text.to_owned()
}

const QUESTIONS: [Question; 9] = [
    Question {
        key: "source.url",
        ask: "Where are the objects",
        why: "oss://bucket/prefix, cos://bucket-appid/prefix or s3://bucket/prefix; without a prefix the whole bucket",
        audits: true,
        slot: |answers| &mut answers.url,
        usual: |_, _| None,
    },
    Question {
        key: "source.region",
        ask: "Region of the bucket",
        why: "its short name, as the vendor's console shows it: cn-hangzhou, ap-guangzhou, us-east-1",
        audits: true,
        slot: |answers| &mut answers.region,
        usual: |answers, hints| match answers.provider() {
            Some(Provider::S3) => hints.region(Provider::S3).or_else(|| Some(fixed("us-east-1"))),
            Some(provider) => hints.region(provider),
            None => None,
        },
    },
    Question {
        key: "restore.days",
        ask: "For how many days shall the copies stay readable (0 for an audit that restores nothing)",
        why: "paid by the day; a run every night keeps nothing longer by itself, and asks again for what has lapsed",
        audits: false,
        slot: |answers| &mut answers.days,
        usual: |_, _| Some(fixed("7")),
    },
    Question {
        key: "restore.tier",
        ask: "How fast: Expedited, Standard or Bulk",
        why: "minutes, hours, or up to two days; the slower, the cheaper",
        audits: false,
        slot: |answers| &mut answers.tier,
        usual: |_, _| Some(fixed("Standard")),
    },
    Question {
        key: "filter.storage_class",
        ask: "Which storage classes",
        why: "`archived` for every class that needs a restore, `any`, or the vendor's names, parted by commas",
        audits: true,
        slot: |answers| &mut answers.classes,
        usual: |answers, _| Some(fixed(if answers.audit { "any" } else { "archived" })),
    },
    Question {
        key: "limits.restore_rate",
        ask: "Restore requests a second, at most",
        why: "it slows down by itself when the store asks for it",
        audits: false,
        slot: |answers| &mut answers.rate,
        usual: |answers, _| Some(fixed(if answers.provider() == Some(Provider::S3) { "300" } else { "80" })),
    },
    Question {
        key: "limits.daily_bytes",
        ask: "Most bytes to ask for in a day (such as 2TiB)",
        why: "what is beyond it waits for the next night; `none` for no bound",
        audits: false,
        slot: |answers| &mut answers.daily_bytes,
        usual: |_, _| Some(fixed("none")),
    },
    Question {
        key: "report.path",
        ask: "Where shall the report go",
        why: "a CSV with a row for each object; {date}, {time} and {job} are filled in",
        audits: true,
        slot: |answers| &mut answers.report,
        usual: |_, _| Some(fixed("reports/{job}-{date}.csv")),
    },
    Question {
        key: "",
        ask: "When shall it run every night (HH:MM)",
        why: "for the crontab line below; it stands in no file",
        audits: true,
        slot: |answers| &mut answers.at,
        usual: |_, _| Some(fixed("22:00")),
    },
];

/// The flag that answers a question.
fn flag(key: &str) -> &'static str {
    match key {
        "source.url" => "--url",
        "" => "--at",
        key => job::settings().find(|setting| setting.key == key).map_or("", |setting| setting.flag),
    }
}

/// What the flags answer; what they do not is empty.
pub(super) fn of_flags(args: &InitArgs) -> Answers {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Answers {
        url: text(&args.url),
        region: text(&args.region),
        endpoint: text(&args.endpoint_url),
        audit: args.audit || args.days.as_deref() == Some("0"),
        days: text(&args.days),
        tier: text(&args.tier),
        classes: text(&args.storage_class),
        rate: text(&args.rate_limit),
        daily_bytes: text(&args.daily_bytes),
        report: text(&args.report),
        at: text(&args.at),
    }
}

/// Puts the usual answer to each question that has none.
///
/// # Errors
/// The flags that are needed, where a question has no usual answer.
pub(super) fn complete(answers: &mut Answers, hints: &Hints) -> Result<(), Vec<&'static str>> {
    let mut needed = Vec::new();
    for question in &QUESTIONS {
        if answers.audit && !question.audits || !(question.slot)(answers).is_empty() {
            continue;
        }
        match (question.usual)(answers, hints) {
            Some(usual) => *(question.slot)(answers) = usual,
            // A store of one's own may well have no regions.
            None if question.key == "source.region" && !answers.endpoint.is_empty() => {}
            None => needed.push(flag(question.key)),
        }
    }
    if needed.is_empty() { Ok(()) } else { Err(needed) }
}

/// The flags that give these answers again, as a shell takes them, with a blank before each.
pub(super) fn as_flags(answers: &Answers) -> String {
    let mut answers = answers.clone();
    let mut line = String::new();
    for question in &QUESTIONS {
        let said = (question.slot)(&mut answers);
        // The shell's quotes would hold a line break as it is; no answer of a line has one.
        if !said.is_empty() {
            line.extend([" ", flag(question.key), " ", &super::in_shell(said)]);
        }
    }
    if !answers.endpoint.is_empty() {
        line.extend([" ", flag("source.endpoint_url"), " ", &super::in_shell(&answers.endpoint)]);
    }
    if answers.audit && answers.days.is_empty() {
        line.push_str(" --audit");
    }
    line
}

/// Asks what is not answered yet, each question until its answer is sound; `keep` is given the answers so far
/// whenever there is one more. What is wrong is told in the words of `defrost check`.
///
/// # Errors
/// If the terminal is gone, or says nothing sensible; [`io::ErrorKind::UnexpectedEof`] for its end.
pub(super) fn ask(
    answers: &mut Answers,
    hints: &Hints,
    from: &mut impl BufRead,
    to: &mut impl Write,
    keep: &mut impl FnMut(&Answers),
) -> io::Result<()> {
    for question in &QUESTIONS {
        if answers.audit && !question.audits || !(question.slot)(answers).is_empty() {
            continue;
        }
        let usual = (question.usual)(answers, hints);
        writeln!(to, "{}", question.why)?;
        let mut tries = 0;
        loop {
            let shown = usual.as_ref().map(|usual| format!(" [{usual}]")).unwrap_or_default();
            write!(to, "{}?{shown} ", question.ask)?;
            to.flush()?;
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let said = line.trim();
            let said = if said.is_empty() { usual.clone() } else { Some(said.to_owned()) };
            let needless = question.key == "source.region" && !answers.endpoint.is_empty();
            let wrong = match said {
                None if needless => break,
                None => Some("an answer is needed here".to_owned()),
                Some(said) => {
                    *(question.slot)(answers) = said;
                    answers.audit |= question.key == "restore.days" && answers.days == "0";
                    wrong(question.key, answers)
                }
            };
            let Some(wrong) = wrong else { break };
            (question.slot)(answers).clear();
            writeln!(to, "  {wrong}")?;
            tries += 1;
            if tries == TRIES {
                return Err(io::Error::other("no answer that can be used"));
            }
        }
        keep(answers);
        writeln!(to)?;
    }
    Ok(())
}

/// What is wrong with the answer for `key`, if anything is.
fn wrong(key: &str, answers: &Answers) -> Option<String> {
    if key.is_empty() {
        return clock(&answers.at).is_none().then(|| "that is not an hour; write it like 22:00".to_owned());
    }
    // What is not answered yet shall not be what is wrong.
    let mut whole = answers.clone();
    let _ = complete(&mut whole, &Hints::default());
    let verb = if whole.audit { Verb::Scan } else { Verb::Restore };
    let faults = match job::from_url(verb, &whole.url, &typed(&whole), &job::Env::new()) {
        Err(faults) => faults,
        Ok(job) => {
            // Buckets and classes by name are the store's business.
            let dialect = connect::dialect(&job);
            let bucket = dialect.bucket_fault(&job.source.bucket).filter(|_| key == "source.url");
            let classes = key == "filter.storage_class" && answers.classes_named();
            let vetted = connect::vet(&job, &*dialect, "").err().filter(|_| classes);
            return bucket.map(|fault| format!("that cannot be the name of a bucket: {fault}")).or_else(
                || vetted.map(|failure| format!("{}; {}", failure.error, failure.hint.unwrap_or_default())),
            );
        }
    };
    let fault = faults.as_slice().iter().find(|fault| fault.at.key == key)?;
    let way_out = fault.way_out.as_ref().map(|way_out| format!("; {way_out}")).unwrap_or_default();
    Some(format!("that {}{way_out}", fault.what))
}

/// The answers as the flags that they could have been: in a dialog nobody has written quotes.
fn typed(answers: &Answers) -> Overrides {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let common = Overrides {
        region: text(&answers.region),
        endpoint_url: text(&answers.endpoint),
        storage_class: text(&answers.classes).into_iter().collect(),
        report: text(&answers.report),
        ..Overrides::default()
    };
    if answers.audit {
        return common;
    }
    Overrides {
        days: text(&answers.days),
        tier: text(&answers.tier),
        restore_rate: text(&answers.rate),
        daily_bytes: text(&answers.daily_bytes),
        ..common
    }
}

impl Answers {
    fn classes_named(&self) -> bool {
        !["any", "all", "archived"].contains(&self.classes.trim())
    }
}

/// Hour and minute of `HH:MM`.
pub(super) fn clock(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(hour) && digits(minute)) {
        return None;
    }
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}
