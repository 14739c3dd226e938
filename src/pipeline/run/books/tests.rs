//! Books at moments that a run passes too quickly to be broken off at.

use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::*;
use crate::job::{Env, Overrides, from_url};
use crate::model::Still;

const FIRST: RangeId = RangeId(0);
const SECOND: RangeId = RangeId(1);
const ASIDE: &str = "aside.csv.zst";

/// A scan whose files stand in `folder`.
fn scan(folder: &TempDir) -> Job {
    let mut job = from_url(Verb::Scan, "s3://bucket/", &Overrides::default(), &Env::new()).unwrap();
    job.state_dir = folder.path().join("state");
    job
}

fn open(job: &Job) -> (Books, Found) {
    let options = Options {
        fresh: false,
        fail_empty: false,
        stream: None,
        report: job.state_dir.with_file_name("r.csv"),
        names: None,
        prices: Arc::default(),
        confirmed: false,
        mute: false,
    };
    let requests: Requests = Box::new(RequestCounts::default);
    let pulse = Arc::new(Pulse::new("scan", 0));
    // No commit is ever due by itself.
    let clock = Arc::new(Still(Timestamp::UNIX_EPOCH));
    Books::open(job, clock, (requests, pulse), options, None, &|_| {}).unwrap()
}

/// Takes the page `number` of `range`: one row, of `key`.
fn take(books: &mut Books, (range, number, last): (RangeId, u64, bool), key: &str) {
    let sheet = Sheet {
        text: format!("{key}\n").into_bytes(),
        rows: 1,
        last: Some((key.as_bytes().to_vec(), Vec::new())),
        ..Sheet::default()
    };
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    books.take(&Placing { range, number, last }, Paged { sheet, last, permit }).unwrap();
}

/// Books whose last mark counts on a row that waits, and that have moved it since.
fn with_moved_rows(job: &Job) -> Books {
    let (mut books, _) = open(job);
    books.cut(FIRST, SECOND, b"m".to_vec());
    take(&mut books, (SECOND, 0, false), "n");
    books.commit().unwrap();
    take(&mut books, (FIRST, 0, true), "a");
    books.move_some().unwrap();
    assert!(!books.has_movable());
    books
}

/// The rows of the finished report, and its header before them.
fn rows(closed: &Closed) -> Vec<String> {
    let report = std::fs::read_to_string(closed.report.as_ref().unwrap()).unwrap();
    report.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn rows_of_the_first_range_that_wait_when_all_is_listed_are_moved_by_the_next_session() {
    let folder = tempfile::tempdir().unwrap();
    let job = scan(&folder);
    let (mut books, _) = open(&job);
    books.cut(FIRST, SECOND, b"m".to_vec());
    take(&mut books, (SECOND, 0, false), "n");
    take(&mut books, (SECOND, 1, true), "o");
    take(&mut books, (FIRST, 0, true), "a");
    assert!(books.has_movable());
    books.commit().unwrap();
    drop(books);

    let (mut books, found) = open(&job);
    let [left] = found.segments.as_slice() else { panic!("{:?}", found.segments) };
    assert!(left.done && !left.aside.is_empty() && !found.sealed);
    books.settle().unwrap();
    assert_eq!(rows(&books.finish(&job, &[]).unwrap()), ["a", "n", "o"]);
}

#[test]
fn what_is_written_while_a_commit_is_under_way_is_left_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let job = scan(&folder);
    let (mut books, found) = open(&job);
    take(&mut books, (FIRST, 0, false), "a");
    {
        // A commit ends with the journal, and not before it has that.
        let journal = found.journal.unwrap();
        let _held = journal.lock().unwrap();
        books.begin_commit().unwrap();
        take(&mut books, (FIRST, 1, false), "b");
        books.next_save = Duration::ZERO;
        books.pause().unwrap();
        assert!(books.dirty, "one at a time");
    }
    books.heed(Committer::wait).unwrap();
    drop(books);

    let (mut books, found) = open(&job);
    assert_eq!(found.segments[0].reached.as_ref().unwrap().key, b"a");
    books.settle().unwrap();
    take(&mut books, (FIRST, 0, true), "c");
    let closed = books.finish(&job, &[]).unwrap();
    assert_eq!(rows(&closed), ["a", "c"], "what no mark counts is made again");
}

#[test]
fn the_room_of_rows_that_waited_is_given_back_when_none_wait() {
    let folder = tempfile::tempdir().unwrap();
    let job = scan(&folder);
    let mut books = with_moved_rows(&job);
    let room = || std::fs::metadata(job.state_dir.join(ASIDE)).unwrap().len();
    assert!(room() > 0);
    books.begin_commit().unwrap();
    assert_eq!(StateDir::peek(&job.state_dir).unwrap().unwrap().aside.len, 0, "the mark was waited for");
    assert_eq!(room(), 0);
    // What has to wait from now on waits in the same file.
    books.cut(SECOND, RangeId(2), b"s".to_vec());
    take(&mut books, (RangeId(2), 0, true), "t");
    assert!(room() > 0);
    take(&mut books, (SECOND, 1, true), "o");
    assert_eq!(rows(&books.finish(&job, &[]).unwrap()), ["a", "n", "o", "t"]);
}

#[test]
fn rows_that_a_mark_counts_on_keep_their_room_until_there_is_another_mark() {
    let folder = tempfile::tempdir().unwrap();
    let job = scan(&folder);
    let mut books = with_moved_rows(&job);
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(&job.state_dir, &elsewhere).unwrap();
    assert!(books.begin_commit().is_err());
    assert!(std::fs::metadata(elsewhere.join(ASIDE)).unwrap().len() > 0);
}

#[test]
fn a_commit_that_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let job = scan(&folder);
    let (mut books, _) = open(&job);
    std::fs::rename(&job.state_dir, folder.path().join("elsewhere")).unwrap();
    take(&mut books, (FIRST, 0, false), "a");
    books.begin_commit().unwrap();
    let told = books.heed(Committer::wait).unwrap_err().to_string();
    assert!(told.contains("checkpoint.json"), "{told}");
}
