//! A report and the summary beside it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::count::count;
use crate::model::{Audit, Currency, Money, RunFacts, Seal, hex};
use crate::pipeline::report::{ReadError, Rows, Summary};

/// Bytes read at a time for the checksum.
const PIECE: usize = 1 << 18;
/// What the name of an unfinished report ends in.
const PARTIAL: &str = "partial";

/// The audit of the report at `path`, with what the summary beside it tells; it is `now`.
///
/// # Errors
/// If the report cannot be read. A summary that cannot be read is told in the audit.
pub fn audit_of_file(path: &Path, now: Timestamp) -> Result<Audit, ReadError> {
    let mut rows = Rows::open(path)?;
    let mut audit = Audit::new(path.to_string_lossy().into_owned(), now);
    audit.unfinished = path.extension().is_some_and(|extension| extension == PARTIAL);
    if audit.unfinished {
        // A summary is written when a run ends; one that stands there is that of an earlier one.
        count(&mut audit, &mut rows)?;
        return Ok(audit);
    }
    let summary = summary(path);
    let told = summary.as_ref().map(|(_, told)| told.clone()).unwrap_or_default();
    // Both passes at once: what one reads the other finds in memory.
    let found = thread::scope(|scope| {
        let sum = (!told.is_empty()).then(|| scope.spawn(|| sha256(path)));
        count(&mut audit, &mut rows)?;
        let found = sum.map(|sum| sum.join().unwrap_or_else(|_| Err(io::Error::other("a thread died"))));
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        found.transpose().map_err(io)
    })?;
    audit.seal = match (&summary, found) {
        (Err(seal), _) => seal.clone(),
        (Ok(_), None) => Seal::NoChecksum,
        (Ok(_), Some(found)) if found == told => Seal::Intact { sha256: found },
        (Ok(_), Some(found)) => Seal::Changed { told, found },
    };
    audit.run = summary.ok().map(|(summary, _)| facts(summary));
    Ok(audit)
}

/// The audit of a CSV that `source` sends; it is `now`.
///
/// # Errors
/// If it cannot be read.
pub fn audit_of_stream(source: impl Read + Send + 'static, now: Timestamp) -> Result<Audit, ReadError> {
    let mut rows = Rows::of(Path::new("-"), source)?;
    let mut audit = Audit::new("-".to_owned(), now);
    count(&mut audit, &mut rows)?;
    Ok(audit)
}

/// The summary beside the report at `path`, and the checksum that it tells of it; or why there is none to
/// go by.
fn summary(path: &Path) -> Result<(Summary, String), Seal> {
    let found = Summary::beside(path).map_err(|error| Seal::BadSummary { why: error.to_string() })?;
    let summary = found.ok_or(Seal::NoSummary)?;
    match summary.sha256_of(path).map(str::to_owned) {
        Some(told) => Ok((summary, told)),
        None => Err(Seal::OtherFile { name: summary.report }),
    }
}

/// The SHA-256 of the file at `path` in lower-case hexadecimal.
fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut sum, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(&sum.finalize())),
            Ok(read) => sum.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What a page tells of the run.
fn facts(summary: Summary) -> RunFacts {
    let fees = &summary.fees;
    let sums = fees.sums.iter().map(|sum| money(&sum.amount, &sum.currency));
    RunFacts {
        fees: sums.collect(),
        fees_unknown: fees.unknown.clone(),
        defrost: summary.defrost,
        job: summary.job,
        verb: summary.verb,
        target: summary.target,
        simulated: summary.simulated,
        run_id: summary.run_id,
        started_at: summary.started_at,
        finished_at: summary.finished_at,
        exit_reason: summary.exit_reason,
        exit_code: summary.exit_code,
        elapsed_seconds: summary.elapsed_seconds,
        sessions: summary.sessions,
        listed: summary.tally.listed,
        delete_markers: summary.tally.delete_markers,
        matched: summary.tally.matched.objects,
        requests: summary.requests,
        listed_per_second: summary.listed_per_second,
        restores_per_second: summary.restores_per_second,
        spending: summary.spending,
        timeline: summary.timeline,
    }
}

/// An amount as on a bill; as the summary spells it if that is not as summaries are written.
fn money(amount: &str, currency: &str) -> String {
    let micros = amount.split_once('.').filter(|(_, places)| places.len() == 6);
    let micros = micros.and_then(|(whole, places)| format!("{whole}{places}").parse::<i128>().ok());
    match (micros, Currency::from_word(currency)) {
        (Some(micros), Some(currency)) => Money { currency, micros }.to_string(),
        _ => format!("{amount} {currency}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timeline;

    const REPORT: &[u8] = b"key,state,size\na,archived,7\n";

    fn beside(report: &str, sha256: &str) -> String {
        format!(
            r#"{{"format":1,"defrost":"0.1.0","job":"j","verb":"restore","target":"oss://b/","run_id":"r",
            "started_at":"2026-11-21T01:00:00Z","finished_at":"2026-11-21T02:00:00Z","exit_reason":"complete",
            "exit_code":0,"elapsed_seconds":3600.0,"sessions":1,
            "tally":{{"listed":1,"delete_markers":0,"matched":{{"objects":1,"bytes":7}},"classes":{{}},
            "actions":{{}},"reasons":{{}},"errors":{{}}}},
            "requests":{{"list":1,"head":0,"restore":0,"retries":0,"throttled":0}},
            "fees":{{"complete":false,"sums":[{{"currency":"CNY","amount":"12.345678"}}],"unknown":["copies"],
            "unanswered_requests":0,"lines":[]}},
            "listed_per_second":1.0,"restores_per_second":0.0,"report":"{report}","report_sha256":"{sha256}"}}"#
        )
    }

    fn seal(name: &str, report: &[u8], summary: Option<&str>) -> Audit {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, report).unwrap();
        if let Some(summary) = summary {
            std::fs::write(folder.path().join("r.summary.json"), summary).unwrap();
        }
        audit_of_file(&path, "2026-11-22T00:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_report_is_held_against_its_summary() {
        let right = hex(&Sha256::digest(REPORT));
        let audit = seal("r.csv", REPORT, Some(&beside("r.csv", &right)));
        assert_eq!(audit.seal, Seal::Intact { sha256: right.clone() });
        let run = audit.run.unwrap();
        assert_eq!((run.job.as_str(), run.exit_code, run.timeline), ("j", 0, Timeline::default()));
        assert_eq!((run.fees, run.fees_unknown), (vec!["12.35 CNY".to_owned()], vec!["copies".to_owned()]));

        let changed = seal("r.csv", b"key,state,size\na,readable,7\n", Some(&beside("r.csv", &right)));
        assert!(matches!(changed.seal, Seal::Changed { told, found } if told == right && found != right));
        assert!(changed.run.is_some());

        assert_eq!(seal("r.csv", REPORT, None).seal, Seal::NoSummary);
        assert_eq!(seal("r.csv", REPORT, Some(&beside("r.csv", ""))).seal, Seal::NoChecksum);
        assert!(matches!(seal("r.csv", REPORT, Some("{}")).seal, Seal::BadSummary { .. }));
        let other = seal("r.csv", REPORT, Some(&beside("q.csv", &right)));
        assert_eq!((other.seal, other.run), (Seal::OtherFile { name: "q.csv".to_owned() }, None));
    }

    #[test]
    fn a_report_in_another_form_has_the_summary_of_its_run() {
        let rows = b"{\"key\":\"a\",\"state\":\"archived\",\"size\":7}\n";
        let right = hex(&Sha256::digest(rows));
        let summary = beside("r.csv", "00");
        let also = |sha256: &str| {
            let also = format!(r#","also":[{{"file":"r.jsonl","sha256":"{sha256}"}}]}}"#);
            format!("{}{also}", summary.strip_suffix('}').unwrap())
        };
        let audit = seal("r.jsonl", rows, Some(&also(&right)));
        assert_eq!((audit.seal, audit.run.is_some()), (Seal::Intact { sha256: right.clone() }, true));
        assert!(matches!(seal("r.jsonl", rows, Some(&also("00"))).seal, Seal::Changed { .. }));
        let other = seal("r.ndjson", rows, Some(&also(&right)));
        assert_eq!(other.seal, Seal::OtherFile { name: "r.csv".to_owned() });
    }

    #[test]
    fn an_unfinished_report_has_no_summary_of_its_own() {
        let torn = seal("r.csv.partial", b"key,state,size\na,archived,7\nb,ar", Some(&beside("r.csv", "00")));
        assert!(torn.unfinished && torn.torn && torn.run.is_none());
        assert_eq!((torn.seal, torn.total.objects), (Seal::NoSummary, 1));
        let whole = seal("r.csv.partial", REPORT, None);
        assert!(whole.unfinished && !whole.torn);
    }
}
