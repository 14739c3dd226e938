//! What the system keeps of a run: modes of files, and no image of the memory.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use defrost::sim::{Call, Fault, FaultKind};

use super::{clean, rig};
use crate::support::{Keys, Ran, S3, VENDORS, until};

/// Every file below `folder`, with its mode.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        all.push((path.display().to_string(), mode));
        if path.is_dir() {
            all.extend(modes(&path));
        }
    }
    all
}

#[test]
fn state_is_for_nobody_else() {
    for vendor in VENDORS {
        let rig = rig(vendor, 0);
        rig.server.add_fault(Fault { skip: 1, ..Fault::new(FaultKind::Internal).on(Call::List) });
        let url = vendor.url("p/");
        let line = ["restore", &url, "--days", "2", "--page-size", "3", "--max-attempts", "1"];
        let place = rig.place(vendor);
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let look = |again: i32| {
            // However generous the user's own habit is.
            let mut generous = Command::new("sh");
            generous.args(["-c", "umask 000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_defrost")]);
            generous.args(line).args(&place).args(["--report", "r.csv", "--list-concurrency", "1"]);
            generous.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", rig.folder());
            Keys::GOOD.put(&mut generous);
            Ran::of(&generous.current_dir(rig.folder()).output().unwrap()).expect(again);
            let found = modes(&rig.path(".defrost"));
            assert!(found.len() > 3, "{found:?}");
            for (path, mode) in found {
                assert_eq!(mode & 0o077, 0, "{path} has the mode {mode:o}");
            }
            let folder = std::fs::metadata(rig.path(".defrost")).unwrap().permissions().mode();
            assert_eq!(folder & 0o077, 0, ".defrost has the mode {folder:o}");
        };
        look(1);
        rig.server.clear_faults();
        look(0);
    }
}

/// A crash leaves no image of the memory, where the keys are, whatever the limits of the shell.
#[test]
fn a_crash_dumps_no_core() {
    let rig = rig(S3, 0);
    let stall = Fault { delay_ms: Some(60_000), ..Fault::new(FaultKind::Stall) };
    rig.server.add_fault(stall.on(Call::List));
    let mut shell = Command::new("sh");
    let script = "ulimit -S -c $(ulimit -H -c); exec \"$@\"";
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_defrost"), "scan", &S3.url("p/")]);
    shell.args(rig.place(S3)).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", rig.folder());
    Keys::GOOD.put(&mut shell);
    let mut child =
        shell.current_dir(rig.folder()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("it asks", || rig.server.ledger().counts().total + rig.server.ledger().counts().faults > 0);
    if let Ok(limits) = std::fs::read_to_string(format!("/proc/{}/limits", child.id())) {
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
    let sent = Command::new("sh").args(["-c", &format!("kill -ABRT {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    clean(rig.folder());
}
