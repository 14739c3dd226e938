//! Commit points: the named moments between two writes at which a crash must do no harm.
//!
//! Whoever writes calls [`pass`] when the write is done. In a build with debug assertions, which is
//! what tests run, the variable [`VARIABLE`] makes the process send itself a signal at one of them:
//! `DEFROST_AT="file-renamed 3 KILL"` dies of the third renaming; several wishes are parted by commas.
//! A release build has neither the variable nor the code behind it.

/// The variable that names a commit point, which of its passes is meant, from 1, and a signal.
pub const VARIABLE: &str = "DEFROST_AT";

/// A moment between two writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPoint {
    /// The mark of an unfinished run that is not gone on with is removed.
    MarkForgotten,
    /// The partial report of a run whose copies have lapsed has got the name under which it is kept.
    LapsedReportKept,
    /// A new report is there, with its header.
    ReportMade,
    /// A report is cut back to what its mark counts.
    ReportCutBack,
    /// The journal is open, new or cut back to its sound lines.
    JournalOpened,
    /// It is on disk what the requests of a page will have spent.
    BudgetSaved,
    /// It is on disk which objects of a page are about to be asked for.
    AskingSynced,
    /// An answer stands in the journal, not yet synced.
    AnswerWritten,
    /// The journal is synced.
    JournalSynced,
    /// Rows that waited are copied into the report; the mark counts them among those that wait.
    RowsMoved,
    /// The report's rows are synced.
    RowsSynced,
    /// Rows that wait are synced.
    AsideSynced,
    /// The new content of some file (mark, journal, summary, hints) is synced under another name.
    FileWritten,
    /// That file has its name; its folder is not synced.
    FileRenamed,
    /// The mark is in place.
    MarkSaved,
    /// The space of rows that waited is given back.
    AsideCleared,
    /// The mark says that the report is whole.
    ReportSealed,
    /// Of a report in another form than plain CSV: the mark counts the finished file, which is on disk
    /// under another name.
    FormMarked,
    /// A file of an earlier report, which stood where this run's shall stand, has got the name under which it
    /// is kept.
    EarlierMoved,
    /// All of that report has, its summary the last.
    EarlierKept,
    /// The report has its final name.
    ReportNamed,
    /// The rows from which a report in another form was made are removed.
    RowsRemoved,
    /// The summary is in place.
    SummarySaved,
    /// The mark says that the run is finished.
    RunFinished,
    /// The file for rows that wait is removed.
    AsideRemoved,
    /// Of a wait: what became readable is on disk; the memory does not count it yet.
    OutboxSynced,
    /// Of a wait: the keys of what became readable stand in their file.
    KeysWritten,
    /// Of a wait: it is on disk how far it is.
    WaitSaved,
}

impl CommitPoint {
    /// Those of a wait, in the order in which it passes them first.
    pub const OF_WAITS: [Self; 3] = [Self::OutboxSynced, Self::KeysWritten, Self::WaitSaved];

    /// Every point of a run, in the order in which a run may pass them first.
    pub const ALL: [Self; 25] = [
        Self::MarkForgotten,
        Self::LapsedReportKept,
        Self::ReportMade,
        Self::ReportCutBack,
        Self::JournalOpened,
        Self::BudgetSaved,
        Self::AskingSynced,
        Self::AnswerWritten,
        Self::JournalSynced,
        Self::RowsMoved,
        Self::RowsSynced,
        Self::AsideSynced,
        Self::FileWritten,
        Self::FileRenamed,
        Self::MarkSaved,
        Self::AsideCleared,
        Self::ReportSealed,
        Self::FormMarked,
        Self::EarlierMoved,
        Self::EarlierKept,
        Self::ReportNamed,
        Self::RowsRemoved,
        Self::SummarySaved,
        Self::RunFinished,
        Self::AsideRemoved,
    ];

    /// Its name in [`VARIABLE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MarkForgotten => "mark-forgotten",
            Self::LapsedReportKept => "lapsed-report-kept",
            Self::ReportMade => "report-made",
            Self::ReportCutBack => "report-cut-back",
            Self::JournalOpened => "journal-opened",
            Self::BudgetSaved => "budget-saved",
            Self::AskingSynced => "asking-synced",
            Self::AnswerWritten => "answer-written",
            Self::JournalSynced => "journal-synced",
            Self::RowsMoved => "rows-moved",
            Self::RowsSynced => "rows-synced",
            Self::AsideSynced => "aside-synced",
            Self::FileWritten => "file-written",
            Self::FileRenamed => "file-renamed",
            Self::MarkSaved => "mark-saved",
            Self::AsideCleared => "aside-cleared",
            Self::ReportSealed => "report-sealed",
            Self::FormMarked => "form-marked",
            Self::EarlierMoved => "earlier-moved",
            Self::EarlierKept => "earlier-kept",
            Self::ReportNamed => "report-named",
            Self::RowsRemoved => "rows-removed",
            Self::SummarySaved => "summary-saved",
            Self::RunFinished => "run-finished",
            Self::AsideRemoved => "aside-removed",
            Self::OutboxSynced => "outbox-synced",
            Self::KeysWritten => "keys-written",
            Self::WaitSaved => "wait-saved",
        }
    }
}

/// Passes `point`. Nothing but a test's wish makes a difference.
#[cfg(not(all(debug_assertions, unix)))]
pub(crate) const fn pass(_point: CommitPoint) {}

#[cfg(all(debug_assertions, unix))]
pub(crate) use self::wish::pass;

#[cfg(all(debug_assertions, unix))]
mod wish {
    use std::process::Command;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{CommitPoint, VARIABLE};

    /// What a test wishes to happen.
    struct Wish {
        point: String,
        /// Passes until then.
        left: AtomicU32,
        signal: String,
    }

    static WISHES: OnceLock<Vec<Wish>> = OnceLock::new();

    fn read() -> Vec<Wish> {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let wish = |text: &str| {
            let mut words = text.split(' ').map(str::to_owned);
            let (point, pass, signal) = (words.next()?, words.next()?, words.next()?);
            Some(Wish { point, left: AtomicU32::new(pass.parse().ok()?), signal })
        };
        text.split(',').filter_map(wish).collect()
    }

    /// Passes `point`, with a signal to this process if a test wishes so.
    pub(crate) fn pass(point: CommitPoint) {
        for wish in WISHES.get_or_init(read).iter().filter(|wish| wish.point == point.name()) {
            if wish.left.fetch_sub(1, Ordering::Relaxed) == 1 {
                // The shell sends it, since the standard library cannot. After SIGKILL the wait never
                // ends.
                let kill = format!("kill -s {} \"$PPID\"", wish.signal);
                let _ = Command::new("/bin/sh").args(["-c", &kill]).status();
            }
        }
    }
}
