//! Being told of the end of a run: figures, a webhook, a command; and that none of them spoils a run.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::scene::{NO_LIST, OBJECTS, UNKNOWN, denied, job, run_as, scene};
use crate::support::{Going, Keys, Ran, Rig, S3, bare, until};

const SECRET: &str = "whsec_bWluZS1pcy0yNC1ieXRlcy1sb25nISEh";
const RESTORE: &str = "[restore]\ndays = 2\n";

/// What a server does with one request.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Answers with this status, and what stands behind it.
    Say(u16, &'static str),
    /// Closes the connection.
    Cut,
    /// Never answers.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Came {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A web server that does what it is told, the last of it for ever.
struct Hook {
    url: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Hook {
    fn new(acts: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook/T0kenOfTheHook", listener.local_addr().unwrap());
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let (acts, seen) = (acts.to_vec(), Arc::clone(&came));
        // It ends with the test's process.
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut stream) else { continue };
                let number = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request);
                match acts[number.min(acts.len() - 1)] {
                    Act::Say(status, more) => {
                        let answer = format!(
                            "HTTP/1.1 {status} Word\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n"
                        );
                        let _ = stream.write_all(answer.as_bytes());
                    }
                    Act::Cut => {}
                    Act::Hang => held.push(stream),
                }
            }
        });
        Self { url, came }
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

fn read(stream: &mut TcpStream) -> Option<Came> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut came = Came { line: line.trim_end().to_owned(), headers, body: Vec::new() };
    came.body = vec![0; came.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut came.body).ok()?;
    Some(came)
}

/// A bucket, and a job that tells `hook`, with `more` in its table `[notify]`.
fn rig(hook: &Hook, more: &str) -> Rig {
    let rig = scene(S3);
    notify(&rig, &format!("webhook = \"{}\"\n{more}", hook.url), RESTORE);
    rig
}

fn notify(rig: &Rig, lines: &str, more: &str) {
    job(rig, S3, &format!("metrics = \"m/{{job}}.prom\"\n[notify]\n{lines}{more}"));
}

fn run(rig: &Rig, keys: Keys, more: &[&str]) -> Ran {
    let mut command = bare(rig.folder(), &[&["run", "job.toml"], more].concat());
    keys.put(&mut command);
    Ran::of(&command.env("HOOK_SECRET", SECRET).output().unwrap())
}

fn metric(rig: &Rig, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(rig.path("m/job.prom")).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("{job=\"job\"} ")?.parse().ok())
}

/// By the convention, apart from the code under test: HMAC-SHA256 over id, time and body.
fn is_signed(came: &Came) {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", came.header("webhook-id"), came.header("webhook-timestamp")).as_bytes());
    mac.update(&came.body);
    let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(came.header("webhook-signature"), wanted);
}

#[test]
fn a_web_server_is_told_in_the_end_however_it_stumbles() {
    let acts = [Act::Say(500, ""), Act::Cut, Act::Say(429, "retry-after: 0\r\n"), Act::Say(204, "")];
    let hook = Hook::new(&acts);
    let rig = rig(&hook, "webhook_secret_env = \"HOOK_SECRET\"\n");
    let ran = run(&rig, Keys::GOOD, &[]).expect(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let came = hook.came();
    assert_eq!(came.len(), 4);
    for request in &came {
        assert_eq!(request.line, "POST /hook/T0kenOfTheHook HTTP/1.1");
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("webhook-id"), came[0].header("webhook-id"), "one message, one name");
        assert_eq!(request.body, came[0].body);
        is_signed(request);
    }
    let told = came[3].json();
    assert_eq!(told["type"], "run.finished");
    let data = &told["data"];
    assert_eq!(
        (&data["job"], &data["verb"], &data["exit_code"]),
        (&"job".into(), &"restore".into(), &0.into())
    );
    assert_eq!((&data["exit_reason"], &data["complete"]), (&"complete".into(), &true.into()));
    assert_eq!(data["counts"]["actions"]["requested"]["objects"], OBJECTS);
    assert_eq!(data["counts"]["requests"]["restore"], OBJECTS);
    let summary: Value = serde_json::from_slice(&std::fs::read(rig.path("r.summary.json")).unwrap()).unwrap();
    assert_eq!(data["counts"]["matched"], summary["tally"]["matched"]);
    assert!(data["report"].as_str().unwrap().ends_with("/r.csv"), "{data}");
    assert!(data["summary"].as_str().unwrap().ends_with("/r.summary.json"), "{data}");
    assert!(told["text"].as_str().unwrap().contains("exit code 0 (complete); 25 objects"), "{told}");
}

#[test]
fn what_a_web_server_does_never_changes_how_a_run_ends() {
    for (acts, asked, said) in [
        (&[Act::Say(500, "")][..], 5, "answered 500, after 5 attempts"),
        (&[Act::Say(403, "")], 1, "answered 403, after 1 attempt"),
        (&[Act::Say(302, "location: /elsewhere\r\n")], 1, "answered 302, after 1 attempt"),
        (&[Act::Hang], 1, "took no message within 3 s"),
        (
            &[Act::Say(503, "retry-after: 100\r\n")],
            1,
            "took no message within 3 s; it answered 503, after 1 attempt\n",
        ),
    ] {
        let hook = Hook::new(acts);
        let limit = if asked == 5 { "1m" } else { "3s" };
        let rig = rig(&hook, &format!("time_limit = \"{limit}\"\n"));
        let ran =
            run(&rig, Keys::GOOD, &[]).expect(0).says(&["warning: the webhook was not told", said, "hint: "]);
        assert_eq!(ran.stderr.matches("warning:").count(), 1, "{}", ran.stderr);
        assert!(!ran.stderr.contains("T0ken"), "{}", ran.stderr);
        assert_eq!(hook.came().len(), asked, "{said}");
        assert!(
            hook.came().iter().all(|came| came.header("webhook-signature").is_empty()),
            "no secret, no signature"
        );
        assert_eq!(metric(&rig, "defrost_last_run_success"), Some(1.0));
    }
}

#[test]
fn a_run_that_ends_badly_is_told_as_well() {
    let hook = Hook::new(&[Act::Say(200, "")]);
    let rig = rig(&hook, "");
    for (keys, code, reason) in [(NO_LIST, 4, "rights"), (UNKNOWN, 4, "rights")] {
        run(&rig, keys, &[]).expect(code).in_one_error();
        let told = hook.came().last().unwrap().json();
        assert_eq!(
            (&told["data"]["exit_code"], &told["data"]["exit_reason"]),
            (&code.into(), &reason.into())
        );
        assert_eq!(told["data"]["complete"], false);
        assert!(
            !told["data"]["error"].as_str().unwrap().is_empty() && told["data"]["hint"].is_string(),
            "{told}"
        );
        assert_eq!(metric(&rig, "defrost_last_run_exit_code"), Some(f64::from(code)));
        assert_eq!(metric(&rig, "defrost_last_run_success"), Some(0.0));
        assert_eq!(metric(&rig, "defrost_last_success_timestamp_seconds"), None, "there was none yet");
    }
    run(&rig, Keys::GOOD, &["--fresh"]).expect(0);
    let success = metric(&rig, "defrost_last_success_timestamp_seconds").unwrap();
    // The safety limit: some were asked for before.
    rig.server.clock().advance(std::time::Duration::from_hours(24 * 30));
    rig.server.add_fault(denied());
    run(&rig, Keys::GOOD, &["--max-same-refusals", "3", "--concurrency", "1"]).expect(3);
    let told = hook.came().last().unwrap().json();
    assert_eq!((&told["data"]["exit_code"], &told["data"]["exit_reason"]), (&3.into(), &"safety".into()));
    assert!(told["data"]["counts"]["requests"]["restore"].as_u64().unwrap() > 0, "{told}");
    assert!(told["data"]["way_on"].as_str().unwrap().contains("run job.toml"), "{told}");
    assert_eq!(metric(&rig, "defrost_last_success_timestamp_seconds"), Some(success), "it outlives failures");
    // Some objects failed.
    rig.server.clear_faults();
    rig.server.add_fault(denied());
    run(&rig, Keys::GOOD, &["--fresh", "--max-same-refusals", "0"]).expect(1);
    let told = hook.came().last().unwrap().json();
    assert_eq!(told["data"]["exit_reason"], "some_failed");
    let failed = rig.rows("r.csv").iter().filter(|row| row["action"] == "failed").count();
    assert!(failed > 0);
    assert_eq!(told["data"]["counts"]["errors"]["AccessDenied"]["objects"], failed);
    assert_eq!(told["data"]["counts"]["actions"]["failed"]["objects"], failed);
}

#[test]
fn who_wants_to_hear_of_some_runs_hears_of_these() {
    for (on, first, settled, failed) in [
        ("\"always\"", 1, 1, 1),
        ("\"failure\"", 0, 0, 1),
        ("\"change\"", 1, 0, 0),
        ("[\"change\", \"failure\"]", 1, 0, 1),
    ] {
        let hook = Hook::new(&[Act::Say(200, "")]);
        let rig = rig(&hook, &format!("on = {on}\n"));
        let mut before = 0;
        for (keys, code, wanted) in [(Keys::GOOD, 0, first), (Keys::GOOD, 0, settled), (NO_LIST, 4, failed)] {
            run(&rig, keys, &[]).expect(code);
            let now = hook.came().len();
            assert_eq!(now - before, wanted, "{on}, exit code {code}");
            before = now;
        }
    }
}

#[test]
fn a_command_is_given_what_happened() {
    let rig = scene(S3);
    let script = "#!/bin/sh\necho seen \"$@\"\ncat > got.json\n[ \"$2\" = 0 ]\n";
    std::fs::write(rig.path("tell.sh"), script).unwrap();
    std::fs::set_permissions(rig.path("tell.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    notify(
        &rig,
        "on_finish = [\"./tell.sh\", \"{job} {x}\", \"{exit_code}\", \"{report}\", \"{summary}\", \"; exit\"]\n",
        RESTORE,
    );
    let ran =
        run(&rig, Keys::GOOD, &[]).expect(0).says(&["seen job {x} 0 ", "/r.csv ", "/r.summary.json ; exit"]);
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("warning"), "{}", ran.stderr);
    let got: Value = serde_json::from_slice(&std::fs::read(rig.path("got.json")).unwrap()).unwrap();
    assert_eq!(got["data"]["counts"]["listed"], OBJECTS);
    // A report on stdout stays alone there.
    let ran = run(&rig, Keys::GOOD, &["--report", "-"]).expect(0).says(&["seen job {x} 0   ; exit"]);
    assert_eq!(ran.stdout.lines().count() as u64, OBJECTS + 1);
    // One that ends badly spoils nothing, and is told.
    run(&rig, NO_LIST, &["--fresh"])
        .expect(4)
        .says(&["warning: on_finish: `./tell.sh` ended with exit status: 1"]);
    for (command, said) in [
        ("[\"/no/such/program\"]", "`/no/such/program` cannot be started"),
        ("[\"sh\", \"-c\", \"kill -9 $$\"]", "signal: 9"),
        ("[\"sleep\", \"600\"]\ntime_limit = \"1s\"", "took longer than 1 s"),
    ] {
        notify(&rig, &format!("on_finish = {command}\n"), RESTORE);
        let ran = run(&rig, Keys::GOOD, &[]).expect(0).says(&["warning: on_finish: ", said, "hint: "]);
        assert_eq!(ran.stderr.matches("warning:").count(), 1, "{}", ran.stderr);
        run(&rig, Keys::GOOD, &["--json-log"]).expect(0).says(&["warning: on_finish"]);
        let quiet = run(&rig, Keys::GOOD, &["-qq"]).expect(0);
        assert!(quiet.stderr.is_empty(), "{}", quiet.stderr);
    }
}

#[test]
fn figures_are_written_after_every_run_for_anybody_to_read() {
    let rig = scene(S3);
    notify(&rig, "", RESTORE);
    let line = ["-c", "umask 077; exec \"$0\" run job.toml", env!("CARGO_BIN_EXE_defrost")];
    let mut command = Command::new("sh");
    command.args(line).env_clear().env("HOME", rig.folder()).env("DEFROST_NO_METADATA", "1");
    Keys::GOOD.put(&mut command);
    Ran::of(&command.current_dir(rig.folder()).output().unwrap()).expect(0);
    let mode = std::fs::metadata(rig.path("m/job.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let text = std::fs::read_to_string(rig.path("m/job.prom")).unwrap();
    let sample = "defrost_last_run_objects{job=\"job\",storage_class=\"GLACIER\",state=\"restoring\"} 25";
    assert!(text.lines().any(|line| line == sample), "{text}");
    // Of a plan and a retry they stand apart; of a scan by its URL where the flag says.
    for (verb, file) in [(["plan", "job.toml"], "m/job-plan.prom"), (["retry", "job.toml"], "m/job.prom")] {
        run_as(&rig, Keys::GOOD, &verb).expect(0);
        assert!(rig.path(file).exists(), "{file}");
    }
    let (url, endpoint) = (S3.url(""), rig.server.url());
    let scan = [
        "scan",
        &url,
        "--region",
        S3.region,
        "--endpoint-url",
        &endpoint,
        "--metrics",
        "s.prom",
        "--report",
        "s.csv",
    ];
    run_as(&rig, Keys::GOOD, &scan).expect(0);
    assert!(std::fs::read_to_string(rig.path("s.prom")).unwrap().contains("verb=\"scan\""));
    // A place that cannot be written is a warning.
    std::fs::write(rig.path("file"), "").unwrap();
    let line = ["--metrics", "file/x.prom"];
    let ran =
        run(&rig, Keys::GOOD, &line).expect(0).says(&["warning: cannot write the figures", "file/x.prom"]);
    assert_eq!(ran.stderr.matches("warning:").count(), 1, "{}", ran.stderr);
}

#[test]
fn figures_take_the_place_of_no_pipe_and_wait_for_none() {
    for pipe in ["m/job.prom", "m/job.prom.new"] {
        let rig = scene(S3);
        notify(&rig, "", RESTORE);
        std::fs::create_dir(rig.path("m")).unwrap();
        assert!(Command::new("mkfifo").arg(rig.path(pipe)).status().unwrap().success());
        let checked = run_as(&rig, Keys::GOOD, &["check", "job.toml"]).expect(0);
        checked.says(&["the figures for Prometheus could not be written", "is not a plain file"]);
        let going = Going::spawn(rig.command(&["run", "job.toml"]), &rig.path("stderr"));
        let ran = going.wait().expect(0).says(&[pipe, "is not a plain file", "hint: "]);
        assert_eq!(ran.stderr.matches("warning: cannot write the figures").count(), 1, "{}", ran.stderr);
        let left = std::fs::symlink_metadata(rig.path(pipe)).unwrap().file_type();
        assert!(left.is_fifo(), "{pipe} is as it was");
    }
}

#[test]
fn what_a_command_has_started_ends_with_its_time_limit_and_not_with_itself() {
    for (waits, outlives) in [("wait", false), ("true", true)] {
        let rig = scene(S3);
        // Named when it is there: who reads the file reads a whole number.
        let script = format!("sleep 600 >/dev/null 2>&1 & echo $! > p && mv p pid; {waits}");
        let lines = format!("on_finish = [\"sh\", \"-c\", \"{script}\"]\ntime_limit = \"5s\"\n");
        notify(&rig, &lines, RESTORE);
        let ran = run(&rig, Keys::GOOD, &[]).expect(0);
        assert_eq!(ran.stderr.contains("took longer than 5 s"), !outlives, "{}", ran.stderr);
        let pid = std::fs::read_to_string(rig.path("pid")).unwrap();
        let kill = |signal: &str| {
            let line = format!("kill -{signal} {} 2>/dev/null", pid.trim());
            Command::new("sh").args(["-c", &line]).status().unwrap().success()
        };
        if outlives {
            assert!(kill("KILL"), "a command that ends well may leave something behind");
        } else {
            // Where nobody waits for orphans it stays in the table, dead.
            let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            until("it is gone", || !kill("0") || stat().contains(") Z"));
        }
    }
}

#[test]
fn a_signal_ends_the_telling_and_nothing_else() {
    for (signal, more) in [("INT", ""), ("TERM", "on_finish = [\"sleep\", \"600\"]\n")] {
        let hook = Hook::new(&[Act::Hang]);
        let rig = rig(&hook, &format!("time_limit = \"10m\"\n{more}"));
        let mut command = bare(rig.folder(), &["run", "job.toml"]);
        Keys::GOOD.put(&mut command);
        let going = Going::spawn(command, &rig.path("stderr"));
        until("the server was asked", || !hook.came().is_empty());
        going.signal(signal);
        going.wait().expect(0).says(&["warning: ", "a signal came"]);
        assert_eq!(rig.rows("r.csv").len() as u64, OBJECTS);
        assert_eq!(metric(&rig, "defrost_last_run_success"), Some(1.0));
    }
}

#[test]
fn a_crash_while_telling_leaves_a_finished_run() {
    let hook = Hook::new(&[Act::Hang, Act::Say(200, "")]);
    let rig = rig(&hook, "time_limit = \"10m\"\n");
    let mut command = bare(rig.folder(), &["run", "job.toml"]);
    Keys::GOOD.put(&mut command);
    let going = Going::spawn(command, &rig.path("stderr"));
    until("the server was asked", || !hook.came().is_empty());
    going.kill();
    assert_eq!(rig.rows("r.csv").len() as u64, OBJECTS);
    run(&rig, Keys::GOOD, &[]).expect(0);
    assert_eq!(rig.server.ledger().counts().restore, OBJECTS, "nothing is asked for twice");
    assert_eq!(hook.came().len(), 2);
}

#[test]
fn an_interrupted_run_is_told_with_the_way_on_and_one_ended_at_once_is_not() {
    use defrost::sim::{Call, Fault, FaultKind};
    for (signals, code, messages) in [(1, 130, 1), (2, 130, 0)] {
        let hook = Hook::new(&[Act::Say(200, "")]);
        let rig = rig(&hook, "");
        let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
        rig.server.add_fault(Fault { skip: 3, delay_ms: Some(600_000), ..slow });
        let mut command = bare(rig.folder(), &["run", "job.toml", "--concurrency", "1"]);
        Keys::GOOD.put(&mut command);
        let going = Going::spawn(command, &rig.path("stderr"));
        until("a request hangs", || rig.server.ledger().counts().restore > 3);
        going.signal("INT");
        if signals == 2 {
            until("it drains", || going.said().contains("waiting up to"));
            going.signal("INT");
        }
        going.wait().expect(code);
        assert_eq!(hook.came().len(), messages, "{signals} signals");
        if let Some(came) = hook.came().first() {
            let told = came.json();
            assert_eq!(told["data"]["exit_reason"], "interrupted");
            assert_eq!(told["data"]["way_on"].as_str().unwrap().split(' ').next_back(), Some("1"));
            assert!(told["data"]["report"].as_str().unwrap().ends_with("r.csv.partial"), "{told}");
        }
        assert_eq!(metric(&rig, "defrost_last_run_exit_code"), Some(f64::from(code)));
    }
}

#[test]
fn check_says_what_would_not_work_and_sends_nothing() {
    let hook = Hook::new(&[Act::Say(200, "")]);
    let rig = rig(&hook, "webhook_secret_env = \"NO_SUCH_SECRET\"\n");
    for verb in [&["check", "job.toml"][..], &["check", "job.toml", "--online"]] {
        let ran = run_as(&rig, Keys::GOOD, verb).expect(0);
        ran.says(&["the webhook would not be called: the variable NO_SUCH_SECRET is not set", "set it"]);
    }
    // A command that is not there is told without one that is being started.
    std::fs::write(rig.path("plain.txt"), "").unwrap();
    for (program, why) in [
        ("./gone.sh", "could not start `./gone.sh`: there is no such file"),
        ("./plain.txt", "could not start `./plain.txt`: it is not executable"),
        ("./m", "could not start `./m`: it is no file"),
        ("no-such-program", "could not start `no-such-program`: no folder of PATH has it"),
    ] {
        std::fs::create_dir_all(rig.path("m")).unwrap();
        notify(&rig, &format!("on_finish = [\"{program}\"]\n"), RESTORE);
        let mut command = bare(rig.folder(), &["check", "job.toml"]);
        let ran = Ran::of(&command.env("PATH", "/usr/bin:/bin").output().unwrap()).expect(0);
        ran.says(&["as things stand here, on_finish", why]);
    }
    notify(&rig, "on_finish = [\"touch\", \"started\"]\n", RESTORE);
    let mut command = bare(rig.folder(), &["check", "job.toml"]);
    let ran = Ran::of(&command.env("PATH", "/usr/bin:/bin").output().unwrap()).expect(0);
    assert!(!ran.stderr.contains("on_finish") && !rig.path("started").exists(), "{}", ran.stderr);
    notify(&rig, &format!("webhook = \"{}\"\nwebhook_secret_env = \"NO_SUCH_SECRET\"\n", hook.url), RESTORE);
    // Without its secret a message is not sent, rather than sent unsigned.
    run_as(&rig, Keys::GOOD, &["run", "job.toml"])
        .expect(0)
        .says(&["warning: ", "NO_SUCH_SECRET is not set"]);
    notify(&rig, &format!("webhook = \"{}\"\nwebhook_secret_file = \"hook.secret\"\n", hook.url), RESTORE);
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0).says(&["warning: ", "hook.secret"]);
    assert!(hook.came().is_empty());
    std::fs::write(rig.path("hook.secret"), format!("{SECRET}\n")).unwrap();
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    is_signed(&hook.came()[0]);
}
