//! Every form holds what the CSV holds, always in the same bytes, and is refused when it is damaged.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::csv::header;
use super::super::{COLUMNS, ReadError, Render, Report, Rows};
use super::*;
use crate::model::Packing;
use crate::model::{Access, Action, Flag, Kind, Listed, Outcome, Reason, RestoreMark, State, Tier};
use crate::pipeline::checkpoint::FinishedFile;

const ABOUT: About<'static> = About { job: "nightly \"ü\"", run_id: "20261121T010000Z-5eed" };

/// One row's worth of choices.
type Choice = (Vec<u8>, (String, u64, i64), (bool, u8, u32));

fn choice() -> impl Strategy<Value = Choice> {
    let key = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..40),
        "[a-z/]{1,30}".prop_map(String::into_bytes),
        Just("a,\"b\" 'c'\\d\u{1f600}\u{2028}\u{7f}\0\r\n\t".as_bytes().to_vec()),
    ];
    let size = prop_oneof![0..5_u64, Just(i64::MAX.cast_unsigned()), any::<u32>().prop_map(u64::from)];
    // Nanoseconds of some ten thousand years.
    let time = prop_oneof![-1_000_000_000_i64..1_000_000_000, any::<i32>().prop_map(i64::from)];
    (key, (".{0,12}", size, time), (any::<bool>(), any::<u8>(), any::<u32>()))
}

/// The CSV of `rows`.
fn csv_of(rows: &[Choice]) -> Vec<u8> {
    let mut text = header().unwrap();
    for (key, (word, size, time), (on, small, days)) in rows {
        let at = |nanos: i64| {
            jiff::Timestamp::from_nanosecond(i128::from(*time) * 1_000_000_007 + i128::from(nanos)).unwrap()
        };
        let object = Listed {
            kind: Kind::Object,
            key,
            version_id: if *on { b"null" } else { b"" },
            is_latest: *on,
            class: word.as_bytes(),
            access: Access::Archived,
            access_tier: b"",
            size: *size,
            etag: if *small > 99 { b"d41d8cd98f00b204e9800998ecf8427e" } else { b"" },
            last_modified: (*small % 2 == 0).then(|| at(0)),
            restore: RestoreMark::Absent,
        };
        let mut outcome = Outcome::seen(State::ALL[usize::from(*small) % State::ALL.len()], None, at(1));
        if *on {
            outcome.action = Action::Requested;
            outcome.reason = Some(Reason::Throttled);
            outcome.tier = Some(Tier::Bulk);
            outcome.days = Some(days % 4000);
            outcome.http_status = Some(202);
            outcome.expires_at = Some(at(999));
            outcome.error_code = Some(format!("Code{word}").into());
            outcome.request_id = Some(word.as_str().into());
            outcome.attempts = days % 9;
        }
        let mut render = Render::new("bucket,\"1\"", Vec::new());
        render.row(&object, &outcome, (*small > 200).then_some(Flag::Stuck));
        text.extend(render.finish());
    }
    text
}

fn rows_of(path: &Path) -> Result<Vec<Vec<String>>, ReadError> {
    let mut rows = Rows::open(path)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next_row()? {
        all.push(COLUMNS.map(|column| row.text(column).to_owned()).to_vec());
    }
    Ok(all)
}

/// Makes the CSV `text` into `form`; the folder and the file.
fn made(text: &[u8], form: Form) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("r.partial");
    // What lies behind the sealed part does not count.
    std::fs::write(&rows, [text, b"half a ro"].concat()).unwrap();
    let path = folder.path().join(format!("r.{form}"));
    let made = make(&rows, text.len() as u64, &path, form, ABOUT).unwrap();
    made.whole.publish().unwrap();
    let (bytes, durable) = (std::fs::read(&path).unwrap(), made.durable);
    let sum = crate::model::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    let file = FinishedFile { path: path.clone(), whole: durable };
    assert_eq!((file.whole.len, file.sha256()), (bytes.len() as u64, sum));
    (folder, path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_form_holds_what_the_csv_holds(choices in proptest::collection::vec(choice(), 0..40)) {
        let text = csv_of(&choices);
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let wanted: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        for form in Form::ALL {
            let (_folder, path) = made(&text, form);
            prop_assert_eq!(&rows_of(&path).unwrap(), &wanted, "{}", form);
            let mut rows = Rows::open(&path).unwrap();
            prop_assert!(COLUMNS.iter().all(|column| rows.has(column)));
            for (key, ..) in &choices {
                prop_assert_eq!(&rows.next_row().unwrap().unwrap().key().unwrap(), key);
            }
            let (_again, again) = made(&text, form);
            prop_assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(again).unwrap());
            // A name that says nothing: what begins the file tells.
            let nameless = path.with_file_name("keys");
            std::fs::rename(&path, &nameless).unwrap();
            if form.layout != Layout::Jsonl || !choices.is_empty() {
                prop_assert_eq!(&rows_of(&nameless).unwrap(), &wanted, "{}", form);
            }
        }
    }
}

#[test]
fn forms_that_cannot_all_be_made_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.parquet");
    let mut report = Report::create(&path).unwrap();
    report.sync().unwrap();
    let also = [Form::of_word("csv.gz").unwrap(), Form::of_word("jsonl").unwrap()];
    // Where the last one would be written, something else stands.
    std::fs::create_dir(folder.path().join("r.jsonl.new")).unwrap();
    report.make(&also, ABOUT).unwrap_err();
    let left = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(left(), ["r.jsonl.new", "r.parquet.partial"]);
    std::fs::remove_dir(folder.path().join("r.jsonl.new")).unwrap();
    let made = report.make(&also, ABOUT).unwrap();
    report.name(made).unwrap();
    assert_eq!(left(), ["r.csv.gz", "r.jsonl", "r.parquet"]);
}

/// Enough rows for several batches and pages.
fn many() -> Vec<u8> {
    let choices: Vec<Choice> = (0..1500_u32)
        .map(|n| {
            let key = format!("logs/2026/{n:06}.gz").into_bytes();
            let small = u8::try_from(n % 251).unwrap();
            (key, ("GLACIER".to_owned(), u64::from(n), i64::from(n)), (n % 3 > 0, small, n))
        })
        .collect();
    csv_of(&choices)
}

#[test]
fn json_lines_are_json_with_types() {
    let (_folder, path) = made(&many(), Form::of_word("jsonl").unwrap());
    let text = std::fs::read_to_string(path).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let second: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(first["size"], 0);
    assert_eq!(first["is_latest"], false);
    assert!(first["days"].is_null() && first["error_code"].is_null() && first["version_id"].is_null());
    assert_eq!(second["days"], 1);
    assert_eq!(second["http_status"], 202);
    assert_eq!(second["version_id"], "null", "the text, which is a version's name in S3");
    assert!(second["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let keys: Vec<&str> =
        text.lines().next().unwrap().split(",\"").map(|part| part.split('"').next().unwrap()).collect();
    assert_eq!(keys[1..], COLUMNS[1..], "columns stand in their order");
}

#[test]
fn a_form_that_is_cut_short_is_never_read_as_a_shorter_one() {
    let text = many();
    for form in Form::ALL {
        let (_folder, path) = made(&text, form);
        let whole = std::fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(whole.len() / 37 + 1).chain([whole.len() - 1]) {
            // Lines that are all whole cannot be told from a shorter file.
            if form.packing == Packing::Plain
                && form.layout != Layout::Parquet
                && (cut == 0
                    || whole[cut - 1] == b'\n'
                    || (form.layout == Layout::Jsonl && whole[cut - 1] == b'}'))
            {
                continue;
            }
            std::fs::write(&path, &whole[..cut]).unwrap();
            let error = rows_of(&path).expect_err(&format!("{form} cut at {cut}")).to_string();
            assert!(error.contains(&format!("r.{form}")), "{error}");
        }
    }
}

#[test]
fn a_packed_form_with_a_changed_byte_is_refused_or_tells_the_same() {
    let text = many();
    for form in
        Form::ALL.into_iter().filter(|form| form.layout == Layout::Parquet || form.packing != Packing::Plain)
    {
        let (_folder, path) = made(&text, form);
        let (whole, wanted) = (std::fs::read(&path).unwrap(), rows_of(&path).unwrap());
        for at in (0..whole.len()).step_by(whole.len() / 101 + 1) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(rows) = rows_of(&path) {
                assert!(rows == wanted, "{form}, byte {at} of {}", whole.len());
            }
        }
    }
}

/// The crate that reads Parquet panics over some of these.
#[test]
fn a_changed_bit_in_what_a_parquet_says_of_itself_is_refused_or_makes_no_difference() {
    let rows: Vec<Choice> =
        (0..3_u8).map(|n| (vec![b'a' + n], ("GLACIER".to_owned(), 7, 1), (n > 0, n, 1))).collect();
    let (_folder, path) = made(&csv_of(&rows), Form::of_word("parquet").unwrap());
    let (whole, wanted) = (std::fs::read(&path).unwrap(), rows_of(&path).unwrap());
    let end = whole.len() - 8;
    let length = u32::from_le_bytes(whole[end..end + 4].try_into().unwrap());
    for at in end - usize::try_from(length).unwrap()..end {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        match rows_of(&path) {
            Ok(rows) => assert!(rows == wanted, "byte {at}"),
            Err(error) => assert!(matches!(error, ReadError::Damaged { .. }), "byte {at}: {error}"),
        }
    }
}

#[test]
fn what_is_not_what_its_name_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = rows_of(&path).expect_err(name).to_string();
        error.replace(&folder.path().display().to_string(), "")
    };
    assert_eq!(
        told("x.parquet", b"key\na\n"),
        "`/x.parquet` does not begin as its name says: a .parquet file was expected"
    );
    assert_eq!(told("x.csv.gz", b""), "`/x.csv.gz` is empty: a .csv.gz file was expected");
    assert_eq!(
        told("x.csv.zst", b"\x1f\x8b\x08"),
        "`/x.csv.zst` does not begin as its name says: a .csv.zst file was expected"
    );
    assert_eq!(
        told("x.jsonl", b"{\"size\":1}\n"),
        "`/x.jsonl` has no `key` in its first line: each line must be an object with one"
    );
    for (line, what) in [
        ("{\"key\":\"b\",\"key\":\"c\"}\n", "`key` stands in it twice"),
        ("{\"key\":[\"b\"]}\n", "expected text, a number, true, false or null"),
        ("[\"b\"]\n", "expected an object"),
        ("{\"key\":\"b\"} x\n", "trailing characters"),
    ] {
        let error = told("x.jsonl", format!("{{\"key\":\"a\"}}\n{line}").as_bytes());
        assert!(error.starts_with("`/x.jsonl`, line 2: ") && error.contains(what), "{error}");
    }
}

#[test]
fn lines_and_rows_without_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(3 << 20);
    for (name, head) in [("x.csv", "key\na\n\""), ("x.jsonl", "{\"key\":\"a\"}\n{\"key\":\"")] {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{head}{long}")).unwrap();
        let error = rows_of(&path).unwrap_err().to_string();
        assert!(error.contains("more than a million bytes"), "{error}");
    }
}

#[test]
fn several_members_and_frames_are_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, packing) in [("x.csv.gz", Packing::Gzip), ("x.csv.zst", Packing::Zstd)] {
        let mut bytes = Vec::new();
        for piece in ["key,size\na,1\n", "b,2\n"] {
            let mut packer = Packer::new(&mut bytes, packing).unwrap();
            packer.write_all(piece.as_bytes()).unwrap();
            packer.finish().unwrap();
        }
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let keys: Vec<String> = rows_of(&path).unwrap().iter().map(|row| row[1].clone()).collect();
        assert_eq!(keys, ["a", "b"]);
    }
}
