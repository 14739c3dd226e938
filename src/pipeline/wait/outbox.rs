//! What became readable, as JSON lines in the state folder, and the file of keys beside them.
//!
//! The lines are the one account of what is to be handed on: the file of keys, and the batches of the
//! command, are made from them and can be made again, byte for byte. So a crash at any moment
//! leaves each key in the file once.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::look::Ready;
use super::memory::Open;
use crate::model::unpercent;
use crate::pipeline::checkpoint::{CheckpointError, CommitPoint, pass, private, sync_folder_of};
use crate::pipeline::report::shown_key;

/// A readable object, as the command gets it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    bucket: String,
    key: String,
    /// `url` if the key is percent-encoded, as in reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key_encoding: String,
    version_id: String,
    size: u64,
    class: String,
    expires_at: Option<Timestamp>,
}

/// The name of the file with this number.
fn name(number: u64) -> String {
    format!("ready-{number}.jsonl")
}

/// Where the file with this number stands in `folder`.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(name(number))
}

/// The file being written.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    out: BufWriter<File>,
    len: u64,
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    move |source| CheckpointError::Io { what, path: path.to_owned(), source }
}

impl Outbox {
    /// Opens the file at `path` behind its first `len` bytes, which count; the rest is forgotten.
    pub(super) fn open(path: PathBuf, len: u64) -> Result<Self, CheckpointError> {
        let opened = || {
            let mut file = private().create(true).truncate(false).write(true).open(&path)?;
            let found = file.metadata()?.len();
            if found >= len {
                file.set_len(len)?;
                file.seek(SeekFrom::Start(len))?;
            }
            Ok((file, found))
        };
        let (file, found) = opened().map_err(failed("open", &path))?;
        if found < len {
            let what = format!("it holds {found} bytes, and {len} were written");
            return Err(CheckpointError::Damaged { path, what });
        }
        Ok(Self { path, out: BufWriter::new(file), len })
    }

    /// Adds a readable object.
    pub(super) fn put(&mut self, bucket: &str, open: &Open, ready: &Ready) -> Result<(), CheckpointError> {
        let (key, encoded) = shown_key(&open.key);
        let line = Line {
            bucket: bucket.to_owned(),
            key: key.into_owned(),
            key_encoding: if encoded { "url".to_owned() } else { String::new() },
            version_id: String::from_utf8_lossy(&open.version).into_owned(),
            size: ready.size,
            class: String::from_utf8_lossy(&ready.class).into_owned(),
            expires_at: ready.expires_at,
        };
        let mut text =
            serde_json::to_vec(&line).map_err(io::Error::other).map_err(failed("write", &self.path))?;
        text.push(b'\n');
        self.len += text.len() as u64;
        self.out.write_all(&text).map_err(failed("write", &self.path))
    }

    /// Brings everything to the disk and says how much it is.
    pub(super) fn sync(&mut self) -> Result<u64, CheckpointError> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        synced.and_then(|()| sync_folder_of(&self.path)).map_err(failed("sync", &self.path))?;
        pass(CommitPoint::OutboxSynced);
        Ok(self.len)
    }
}

/// Lines of an outbox from `at` on, up to `end`.
fn lines(path: &Path, at: u64, end: u64) -> io::Result<BufReader<io::Take<File>>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(BufReader::new(file.take(end.saturating_sub(at))))
}

/// The next `most` lines from `at` on: their bytes, and how many they are.
pub(super) fn batch(path: &Path, at: u64, end: u64, most: u32) -> Result<(Vec<u8>, u32), CheckpointError> {
    let read = || {
        let mut lines = lines(path, at, end)?;
        let (mut batch, mut count) = (Vec::new(), 0);
        while count < most && lines.read_until(b'\n', &mut batch)? > 0 {
            count += 1;
        }
        Ok((batch, count))
    };
    read().map_err(failed("read", path))
}

/// How far the file of keys has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// Which file.
    pub(super) path: PathBuf,
    /// How long it is, with what others wrote in front of the first key.
    pub(super) len: u64,
    /// Up to where the outbox stands in it.
    pub(super) taken: u64,
    /// Keys that cannot stand in a line: they hold line breaks.
    pub(super) unlisted: u64,
}

impl KeyFile {
    /// A file at `path`, to be written behind what is there. It is made at once, so that one that cannot
    /// be written is told before the wait and not hours later.
    pub(super) fn new(path: &Path) -> Result<Self, CheckpointError> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let len = opened.and_then(|file| file.metadata()).map_err(failed("write", path))?.len();
        Ok(Self { path: path.to_owned(), len, taken: 0, unlisted: 0 })
    }

    /// The same, set to where the keys of the outbox up to `end` go: where it stands, or behind what others
    /// wrote there meanwhile, whose keys may be of another job. To be marked before [`KeyFile::bring_up`].
    pub(super) fn placed(&self, outbox: &Path, end: u64) -> Result<Self, CheckpointError> {
        let place = || {
            let file = match File::open(&self.path) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(e) => return Err(e),
            };
            let whole = file.metadata()?.len();
            // Somebody may have taken keys away: then it goes on at the end.
            let len = self.len.min(whole);
            let mut found = BufReader::new(file);
            found.seek(SeekFrom::Start(len))?;
            let ours = begin_with(&mut found, keys(outbox, self.taken, end)?)?;
            Ok(if ours { len } else { whole })
        };
        let len = place().map_err(failed("read", &self.path))?;
        Ok(Self { len, ..self.clone() })
    }

    /// Adds the keys of the outbox up to `end`. Done again after a crash, it writes the same bytes to
    /// the same place.
    pub(super) fn bring_up(&self, outbox: &Path, end: u64) -> Result<Self, CheckpointError> {
        let write = || {
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path)?;
            let mut len = self.len.min(file.metadata()?.len());
            let mut unlisted = self.unlisted;
            file.seek(SeekFrom::Start(len))?;
            let mut out = BufWriter::new(file);
            for key in keys(outbox, self.taken, end)? {
                let Some(key) = key? else {
                    unlisted += 1;
                    continue;
                };
                out.write_all(&key)?;
                len += key.len() as u64;
            }
            out.flush()?;
            out.get_ref().sync_data()?;
            sync_folder_of(&self.path)?;
            pass(CommitPoint::KeysWritten);
            Ok(Self { path: self.path.clone(), len, taken: end, unlisted })
        };
        write().map_err(failed("write", &self.path))
    }
}

/// The keys of the lines of an outbox from `at` on, up to `end`, as they stand in the file of keys; none
/// for one that cannot.
fn keys(outbox: &Path, at: u64, end: u64) -> io::Result<impl Iterator<Item = io::Result<Option<Vec<u8>>>>> {
    Ok(lines(outbox, at, end)?.lines().map(|line| key(&line?)))
}

/// The key of a line of the outbox as it stands in the file of keys; none if it cannot.
fn key(line: &str) -> io::Result<Option<Vec<u8>>> {
    let line: Line = serde_json::from_str(line).map_err(io::Error::other)?;
    let mut key = match line.key_encoding.as_str() {
        "" => line.key.into_bytes(),
        _ => unpercent(line.key.as_bytes()).unwrap_or_default(),
    };
    if key.contains(&b'\n') || key.contains(&b'\r') {
        return Ok(None);
    }
    key.push(b'\n');
    Ok(Some(key))
}

/// Whether `found` is empty or begins with `keys`, or ends within them, as a crash may have left it.
fn begin_with(
    found: &mut impl Read,
    keys: impl Iterator<Item = io::Result<Option<Vec<u8>>>>,
) -> io::Result<bool> {
    let mut there = Vec::new();
    for key in keys {
        let Some(key) = key? else { continue };
        there.clear();
        found.take(key.len() as u64).read_to_end(&mut there)?;
        if !key.starts_with(&there) {
            return Ok(false);
        }
        if there.len() < key.len() {
            break;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(key: &[u8]) -> Open {
        Open {
            key: key.to_vec(),
            version: Vec::new(),
            class: String::new(),
            access_tier: String::new(),
            tier: None,
            asked: false,
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_key_stands_once_in_the_file_whatever_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let (box_path, keys) = (path(folder.path(), 3), folder.path().join("ready.txt"));
        std::fs::write(&keys, "mine\n").unwrap();
        let ready = Ready { size: 7, class: b"GLACIER".to_vec(), expires_at: None };
        let mut outbox = Outbox::open(box_path.clone(), 0).unwrap();
        for key in [&b"a b"[..], b"c\xff", b"d\ne"] {
            outbox.put("b", &open(key), &ready).unwrap();
        }
        let first = outbox.sync().unwrap();
        let begun = KeyFile::new(&keys).unwrap();
        let done = begun.bring_up(&box_path, first).unwrap();
        let text = std::fs::read(&keys).unwrap();
        assert_eq!(text, b"mine\na b\nc\xff\n");
        assert_eq!((done.len, done.taken, done.unlisted), (text.len() as u64, first, 1));
        // A crash before the mark: the same again.
        assert_eq!(begun.bring_up(&box_path, first).unwrap(), done);
        assert_eq!(std::fs::read(&keys).unwrap(), text);
        // Lines that the memory does not count are cut off and made again.
        outbox.put("b", &open(b"lost"), &ready).unwrap();
        outbox.sync().unwrap();
        let mut outbox = Outbox::open(box_path.clone(), first).unwrap();
        outbox.put("b", &open(b"z"), &ready).unwrap();
        let second = outbox.sync().unwrap();
        done.bring_up(&box_path, second).unwrap();
        assert_eq!(std::fs::read(&keys).unwrap(), b"mine\na b\nc\xff\nz\n");
        let (text, count) = batch(&box_path, first, second, 10).unwrap();
        let wanted =
            r#"{"bucket":"b","key":"z","version_id":"","size":7,"class":"GLACIER","expires_at":null}"#;
        assert_eq!((std::str::from_utf8(&text).unwrap().trim_end(), count), (wanted, 1));
        assert_eq!(batch(&box_path, 0, second, 2).unwrap().1, 2);
    }

    #[test]
    fn what_another_job_added_to_the_file_of_keys_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (box_path, keys) = (path(folder.path(), 1), folder.path().join("ready.txt"));
        let ready = Ready { size: 7, class: Vec::new(), expires_at: None };
        let mut outbox = Outbox::open(box_path.clone(), 0).unwrap();
        outbox.put("b", &open(b"a"), &ready).unwrap();
        let first = outbox.sync().unwrap();
        let done = KeyFile::new(&keys).unwrap().bring_up(&box_path, first).unwrap();
        let add = |text: &str| {
            let mut file = OpenOptions::new().append(true).open(&keys).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        add("theirs\n");
        outbox.put("b", &open(b"b"), &ready).unwrap();
        outbox.put("b", &open(b"c"), &ready).unwrap();
        let second = outbox.sync().unwrap();
        let at_end = done.placed(&box_path, second).unwrap();
        let again = at_end.bring_up(&box_path, second).unwrap();
        assert_eq!(std::fs::read(&keys).unwrap(), b"a\ntheirs\nb\nc\n");
        // Killed behind the writing, or within it: what is there of it is not written twice.
        add("more\n");
        assert_eq!(at_end.placed(&box_path, second).unwrap(), at_end);
        assert_eq!(at_end.bring_up(&box_path, second).unwrap(), again);
        assert_eq!(std::fs::read(&keys).unwrap(), b"a\ntheirs\nb\nc\nmore\n");
        std::fs::write(&keys, "a\ntheirs\nb").unwrap();
        assert_eq!(at_end.placed(&box_path, second).unwrap(), at_end);
        assert_eq!(at_end.bring_up(&box_path, second).unwrap(), again);
        assert_eq!(std::fs::read(&keys).unwrap(), b"a\ntheirs\nb\nc\n");
    }

    #[test]
    fn a_shortened_outbox_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Outbox::open(path(folder.path(), 0), 9).unwrap_err().to_string();
        assert!(refused.contains("it holds 0 bytes, and 9 were written"), "{refused}");
    }
}
