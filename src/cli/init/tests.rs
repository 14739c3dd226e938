//! Every combination of answers makes a sound file; what is asked, and what is told.

use super::*;

fn said(url: &str) -> Answers {
    Answers { url: url.to_owned(), region: "cn-hangzhou".to_owned(), ..Answers::default() }
}

fn whole(mut answers: Answers) -> Answers {
    answers::complete(&mut answers, &Hints::default()).unwrap();
    answers
}

#[test]
fn every_combination_of_answers_passes_check() {
    let file = Path::new("job.toml");
    let mut clamped = 0;
    for url in ["oss://logs-archive/2024/", "cos://media-1250000000/", "s3://my-bucket/a b\"c\\d/"] {
        for days in ["1", "7", "30", "365"] {
            for tier in ["Expedited", "Standard", "Bulk"] {
                for classes in ["archived", "any"] {
                    for (daily_bytes, endpoint) in [("none", ""), ("2TiB", "https://storage.example.com")] {
                        let answers = whole(Answers {
                            days: days.to_owned(),
                            tier: tier.to_owned(),
                            classes: classes.to_owned(),
                            daily_bytes: daily_bytes.to_owned(),
                            endpoint: endpoint.to_owned(),
                            ..said(url)
                        });
                        let text =
                            sound(&answers, file).unwrap_or_else(|f| panic!("{}\n{answers:?}", f.error));
                        clamped += usize::from(text.contains("fit = \"clamp\""));
                        let job = job::from_file(file, &text, &Overrides::default(), &crate::job::Env::new())
                            .unwrap();
                        connect::vet(&job, &*connect::dialect(&job), "")
                            .unwrap_or_else(|f| panic!("{}", f.error));
                        assert_eq!(job.source.url(), url);
                        assert_eq!(job.wish.unwrap().days.to_string(), days);
                        assert_eq!(job.budget.day.bytes.is_some(), daily_bytes != "none");
                    }
                }
            }
        }
        let audit = whole(Answers { audit: true, ..said(url) });
        let text = sound(&audit, file).unwrap_or_else(|f| panic!("{}", f.error));
        let job = job::from_file(file, &text, &Overrides::default(), &crate::job::Env::new()).unwrap();
        assert_eq!(job.verb, job::Verb::Scan);
    }
    assert!(clamped > 0, "not one combination that a class does not offer");
}

#[test]
fn what_is_commented_out_is_legal_too() {
    for audit in [false, true] {
        let text = template::text(&whole(Answers { audit, ..said("oss://logs-archive/") }), "job", false);
        let all: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest.starts_with('[')
                        || rest.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')) =>
                {
                    rest
                }
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        job::from_file(Path::new("job.toml"), &all, &Overrides::default(), &crate::job::Env::new())
            .unwrap_or_else(|e| panic!("{e}\n{all}"));
    }
}

#[test]
fn a_dialog_tells_what_is_wrong_and_asks_again() {
    let typed = "logs\noss://logs-archive/\n\ncn hangzhou\ncn-hangzhou\n400\nsoon\n14\nfast\nBulk\nArchve\n\n0\n90\nmuch\n2TiB\n\n25:00\n23:30\n";
    let mut answers = Answers::default();
    let mut told = Vec::new();
    answers::ask(&mut answers, &Hints::default(), &mut typed.as_bytes(), &mut told, &mut |_| ()).unwrap();
    insta::assert_snapshot!("dialog", String::from_utf8(told).unwrap());
    let text = sound(&answers, Path::new("nightly.toml")).unwrap_or_else(|f| panic!("{}", f.error));
    insta::assert_snapshot!("job_file", text);
    assert_eq!(answers.at, "23:30");
}

#[test]
fn an_audit_is_asked_less() {
    let typed = "s3://my-bucket/\n\n0\n\n\n\n";
    let mut answers = Answers::default();
    let mut told = Vec::new();
    answers::ask(&mut answers, &Hints::default(), &mut typed.as_bytes(), &mut told, &mut |_| ()).unwrap();
    assert!(answers.audit && answers.tier.is_empty() && answers.region == "us-east-1");
    insta::assert_snapshot!(
        "audit_file",
        sound(&answers, Path::new("audit.toml")).unwrap_or_else(|f| panic!("{}", f.error))
    );
    let ended = answers::ask(
        &mut Answers::default(),
        &Hints::default(),
        &mut &b"s3://b"[..],
        &mut Vec::new(),
        &mut |_| (),
    );
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let endless = "\n".repeat(100);
    assert!(
        answers::ask(
            &mut Answers::default(),
            &Hints::default(),
            &mut endless.as_bytes(),
            &mut Vec::new(),
            &mut |_| ()
        )
        .is_err()
    );
}

#[test]
fn without_a_terminal_the_flags_that_are_needed_are_named() {
    let needed = |url: &str, endpoint: &str| {
        let mut answers =
            Answers { url: url.to_owned(), endpoint: endpoint.to_owned(), ..Answers::default() };
        answers::complete(&mut answers, &Hints::default()).err().unwrap_or_default()
    };
    assert_eq!(needed("", ""), ["--url", "--region"]);
    assert_eq!(needed("oss://b", ""), ["--region"]);
    assert!(needed("oss://b", "https://storage.example.com").is_empty());
    assert!(needed("s3://b", "").is_empty());
    let hints = Hints { regions: [Some("cn-beijing".to_owned()), None, None] };
    let mut answers = Answers { url: "oss://b".to_owned(), ..Answers::default() };
    answers::complete(&mut answers, &hints).unwrap();
    assert_eq!(answers.region, "cn-beijing");
}

#[test]
fn lines_to_type_survive_odd_paths() {
    assert_eq!(in_shell("a b's.toml"), r"'a b'\''s.toml'");
    assert_eq!(in_crontab("/x/100%.toml"), r"'/x/100\%.toml'");
    assert_eq!(in_shell("jobs/nightly.toml"), "jobs/nightly.toml");
    for (file, wanted) in
        [("a b.toml", Some("a-b")), ("x/.hidden.toml", Some("hidden")), ("-", None), ("晚.toml", None)]
    {
        assert_eq!(name(Path::new(file)).as_deref(), wanted, "{file}");
    }
    assert_eq!(clock("7:05"), Some((7, 5)));
    for bad in ["24:00", "7", "7:60", "+7:00", "", "7:5x"] {
        assert_eq!(clock(bad), None, "{bad}");
    }
}

#[test]
fn who_gives_up_keeps_what_was_answered() {
    let read = |typed: &str, mut answers: Answers| {
        let mut kept = answers.clone();
        let mut from = typed.as_bytes();
        let mut keep = |answers: &Answers| kept = answers.clone();
        let ended = answers::ask(&mut answers, &Hints::default(), &mut from, &mut Vec::new(), &mut keep);
        (ended.is_ok(), kept)
    };
    // Five answers that are no days, and the end of the terminal, behind two that are sound.
    for rest in ["soon\n".repeat(5), String::new()] {
        let (ended, kept) =
            read(&format!("oss://logs-archive/a b/\ncn-hangzhou\n{rest}"), Answers::default());
        assert!(!ended);
        assert_eq!(answers::as_flags(&kept), " --url 'oss://logs-archive/a b/' --region cn-hangzhou");
        // The line asks for the rest, and for nothing else.
        let (ended, whole) = read("14\n\n\n\n\n\n\n", kept);
        assert!(ended && whole.days == "14" && whole.region == "cn-hangzhou", "{whole:?}");
    }
    let (ended, audit) = read("s3://my-bucket/\n\n0\n", Answers::default());
    assert!(!ended && answers::as_flags(&audit) == " --url s3://my-bucket/ --region us-east-1 --days 0");
    let (_, nothing) = read("", Answers::default());
    assert_eq!(answers::as_flags(&nothing), "");
}
