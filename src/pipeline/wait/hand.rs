//! Handing readable objects to a command, in batches on its standard input.

use std::time::Duration;

use crate::model::Clock;
use crate::pipeline::command::{Call, run_command};

/// A command that takes longer with a batch is ended, and the batch counts as not taken.
const TIME_LIMIT: Duration = Duration::from_hours(1);

/// Gives `batch`, the wait's `number`th, to the command `line`. Says why the command did not take it,
/// if it did not.
///
/// The words are handed over as they are, without a shell; `{ready_file}` and `{batch}` are filled
/// in. What the command writes to its stdout comes out of our stderr. It is killed when the
/// future is dropped.
pub(super) async fn hand(
    line: &[String],
    ready_file: &str,
    number: u64,
    batch: &[u8],
    clock: &dyn Clock,
) -> Result<(), String> {
    let number = number.to_string();
    let filled = [("{ready_file}", ready_file), ("{batch}", number.as_str())];
    run_command(Call { line, filled: &filled, input: batch, time_limit: TIME_LIMIT }, clock).await
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::model::SystemClock;

    #[tokio::test]
    async fn a_command_gets_its_batch_and_says_whether_it_took_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let script = format!("echo \"$1\" > '{0}'; cat >> '{0}'", out.display());
        let line = ["sh", "-c", &script, "sh", "{ready_file} {batch}; $(exit)"].map(str::to_owned);
        let clock = SystemClock::new();
        hand(&line, "keys.txt", 7, b"{}\n", &clock).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "keys.txt 7; $(exit)\n{}\n");
        for (line, why) in [
            (&["sh", "-c", "exit 3"][..], "exit status: 3"),
            (&["sh", "-c", "kill -9 $$"], "signal: 9"),
            (&["/no/such/program"], "cannot be started"),
        ] {
            let line: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            let batch = vec![b'x'; 1 << 20];
            let told = hand(&line, "", 1, &batch, &clock).await.unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
