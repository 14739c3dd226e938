//! The memory of what is being restored, and since when: a file in the job's state folder.
//!
//! # The file
//! A line for each object, fields parted by tabs and percent-encoded: since when (seconds since 1970),
//! `asked` or `seen`, tier (`-` if it is not known), storage class, access tier, key, version, CRC-32
//! of the line up to there. Lines stand in listing order, so that a few reads find those of a page.
//! The last line is `end`, a JSON object ([`Tail`]), and its CRC-32: without it the file is cut short.
//!
//! It is written anew by the end of each run and by each poll of a wait, whole or not at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Tier, push_percent, unpercent};
use crate::pipeline::checkpoint::{CheckpointError, Fresh};

/// The name of the file.
pub(in crate::pipeline) const NAME: &str = "restoring";
/// The layout of the file. It grows when a field changes its meaning, comes or goes.
const FORMAT: u32 = 1;
/// A longer line is none of ours: a key has 1,024 bytes at most, which encoded are three times that.
const MAX_LINE: usize = 32 << 10;
/// A search by halves ends when it is down to so many bytes; the rest is read through.
const NEAR: u64 = 4 << 10;
/// What the last line begins with; no number does.
const END: &[u8] = b"end\t";

/// An object that was being restored when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its key.
    pub key: Vec<u8>,
    /// Its version; empty outside of listings of versions.
    pub version: Vec<u8>,
    /// Storage class in the vendor's spelling.
    pub class: String,
    /// Access tier, where the listing showed one.
    pub access_tier: String,
    /// The tier that was asked for; `None` if somebody else asked, or none was named.
    pub tier: Option<Tier>,
    /// Whether a run of this job asked for it: [`Open::since`] is then when, else when it was first
    /// seen.
    pub asked: bool,
    /// Since when, in whole seconds.
    pub since: Timestamp,
}

impl Open {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = format!(
            "{}\t{}\t{}",
            self.since.as_second(),
            if self.asked { "asked" } else { "seen" },
            self.tier.map_or("-", Tier::as_str)
        );
        for field in [self.class.as_bytes(), self.access_tier.as_bytes(), &self.key, &self.version] {
            line.push('\t');
            push_percent(&mut line, field, true);
        }
        sealed(out, line)
    }

    fn read(line: &[u8]) -> Option<Self> {
        let mut fields = unsealed(line)?.split(|byte| *byte == b'\t');
        let mut text = || std::str::from_utf8(fields.next()?).ok();
        let since = Timestamp::from_second(text()?.parse().ok()?).ok()?;
        let asked = match text()? {
            "asked" => true,
            "seen" => false,
            _ => return None,
        };
        let tier = match text()? {
            "-" => None,
            word => Some(Tier::from_word(word)?),
        };
        let mut bytes = || unpercent(fields.next()?);
        let class = String::from_utf8(bytes()?).ok()?;
        let access_tier = String::from_utf8(bytes()?).ok()?;
        let (key, version) = (bytes()?, bytes()?);
        fields.next().is_none().then_some(Self { key, version, class, access_tier, tier, asked, since })
    }
}

/// Writes a line and its checksum.
fn sealed(out: &mut impl Write, line: String) -> io::Result<()> {
    let sum = crc32fast::hash(line.as_bytes());
    out.write_all((line + &format!("\t{sum:08x}\n")).as_bytes())
}

/// A line without its checksum; `None` if that is not its own.
fn unsealed(line: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'\t', line)?;
    let sum = std::str::from_utf8(&line[at + 1..]).ok()?;
    let fits = sum.len() == 8 && u32::from_str_radix(sum, 16) == Ok(crc32fast::hash(&line[..at]));
    fits.then(|| &line[..at])
}

/// What the file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Layout of the file.
    pub format: u32,
    /// Scheme and bucket: what was remembered of another one is no memory of this one.
    pub target: String,
    /// Whether versions were listed.
    pub versioned: bool,
    /// The run that last reported; a wait belongs to it.
    pub run_id: String,
    /// Lines in front of this one.
    pub records: u64,
    /// Which file takes down what becomes readable.
    pub outbox: u64,
    /// How much of that file is durable and counts.
    pub outbox_len: u64,
    /// Objects that have become readable since the run.
    pub ready: u64,
    /// Objects that have gone since the run.
    pub missing: u64,
    /// Objects that are archived again, without having been seen readable.
    pub archived: u64,
}

/// A file of memory, found sound at both ends. Its lines are checked when they are read.
#[derive(Clone, Debug)]
pub struct Memory {
    path: PathBuf,
    /// Where the last line begins.
    end: u64,
    tail: Tail,
}

impl Memory {
    /// The memory at `path`; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is not as it was written.
    pub fn open(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(path, source)),
        };
        let read = |file: &mut File| -> io::Result<(u64, Vec<u8>)> {
            let size = file.seek(SeekFrom::End(0))?;
            let from = size.saturating_sub(MAX_LINE as u64);
            file.seek(SeekFrom::Start(from))?;
            let mut last = Vec::new();
            file.take(MAX_LINE as u64).read_to_end(&mut last)?;
            Ok((from, last))
        };
        let (from, last) = read(&mut file).map_err(|source| unreadable(path, source))?;
        let damaged = |what: &str| damaged(path, what);
        let whole = last.strip_suffix(b"\n").ok_or_else(|| damaged("it is cut short"))?;
        let begin = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
        let line =
            unsealed(&whole[begin..]).ok_or_else(|| damaged("its last line is not what was written"))?;
        let json = line.strip_prefix(END).ok_or_else(|| damaged("it is cut short"))?;
        let format =
            serde_json::from_slice::<serde_json::Value>(json).ok().and_then(|v| v["format"].as_u64());
        if format != Some(u64::from(FORMAT)) {
            let found = format.map_or_else(|| "none".to_owned(), |found| found.to_string());
            return Err(damaged(&format!("its format is {found}, and this version reads {FORMAT}")));
        }
        let tail = serde_json::from_slice(json).map_err(|e| damaged(&e.to_string()))?;
        Ok(Some(Self { path: path.to_owned(), end: from + begin as u64, tail }))
    }

    /// What it says of itself.
    #[must_use]
    pub const fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Whether it is of this place, listed in this manner.
    #[must_use]
    pub fn is_of(&self, target: &str, versioned: bool) -> bool {
        self.tail.target == target && self.tail.versioned == versioned
    }

    /// All of it, in listing order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn records(&self) -> Result<Records, CheckpointError> {
        self.records_from(0)
    }

    fn records_from(&self, at: u64) -> Result<Records, CheckpointError> {
        let io = |source| unreadable(&self.path, source);
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        let lines = BufReader::new(file.take(self.end - at));
        Ok(Records { path: self.path.clone(), lines, last: Vec::new(), line: Vec::new(), read: 0 })
    }

    /// What is remembered of `wanted` (key and version), which stand in listing order.
    ///
    /// # Errors
    /// If what is read is not as it was written.
    pub fn find(&self, wanted: &[(&[u8], &[u8])]) -> Result<Vec<Option<Open>>, CheckpointError> {
        let mut found = vec![None; wanted.len()];
        let (Some((first, _)), Some((last, _))) = (wanted.first(), wanted.last()) else { return Ok(found) };
        let mut records = self.records_from(self.seek(first)?)?;
        let mut at = 0;
        while let Some(open) = records.next()? {
            if open.key.as_slice() > *last {
                break;
            }
            while wanted.get(at).is_some_and(|(key, _)| *key < open.key.as_slice()) {
                at += 1;
            }
            let same_key = wanted[at..].iter().take_while(|(key, _)| *key == open.key.as_slice());
            if let Some(place) =
                same_key.into_iter().position(|(_, version)| *version == open.version.as_slice())
            {
                found[at + place] = Some(open);
            }
        }
        Ok(found)
    }

    /// The beginning of a line in front of which no line has `key` or a later one.
    fn seek(&self, key: &[u8]) -> Result<u64, CheckpointError> {
        // Line beginnings; what lies before `low` comes before the key.
        let (mut low, mut high) = (0, self.end);
        while high - low > NEAR {
            let middle = low + (high - low) / 2;
            let mut records = self.records_from(middle)?;
            let skipped = records.skip_line()?;
            match records.next()? {
                Some(open) if open.key.as_slice() < key => low = middle + skipped,
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }
}

fn unreadable(path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { what: "read", path: path.to_owned(), source }
}

fn damaged(path: &Path, what: &str) -> CheckpointError {
    CheckpointError::Damaged { path: path.to_owned(), what: what.to_owned() }
}

/// Lines of a memory, one after the other.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    lines: BufReader<Take<File>>,
    last: Vec<u8>,
    line: Vec<u8>,
    read: u64,
}

impl Records {
    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// If it is not as it was written.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results would be asked on after an error"
    )]
    pub fn next(&mut self) -> Result<Option<Open>, CheckpointError> {
        if self.skip_line()? == 0 {
            return Ok(None);
        }
        self.read += 1;
        let line = self.line.strip_suffix(b"\n").unwrap_or_default();
        let open = Open::read(line).filter(|open| open.key >= self.last);
        let open = open.ok_or_else(|| damaged(&self.path, "a line is not what was written"))?;
        self.last.clone_from(&open.key);
        Ok(Some(open))
    }

    /// Lines read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.read
    }

    /// Reads on to the end of the line, and says how many bytes that were.
    fn skip_line(&mut self) -> Result<u64, CheckpointError> {
        self.line.clear();
        let io = |source| unreadable(&self.path, source);
        let mut bounded = self.lines.by_ref().take(MAX_LINE as u64);
        Ok(bounded.read_until(b'\n', &mut self.line).map_err(io)? as u64)
    }
}

/// Writes a memory that takes the place of the former one when it is whole.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    fresh: Fresh,
    records: u64,
}

impl Writer {
    /// Begins a new memory at `path`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn begin(path: &Path) -> Result<Self, CheckpointError> {
        let fresh = Fresh::begin(path).map_err(|source| unwritable(path, source))?;
        Ok(Self { path: path.to_owned(), fresh, records: 0 })
    }

    /// Adds an object; they come in listing order.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&mut self, open: &Open) -> Result<(), CheckpointError> {
        self.records += 1;
        open.write(&mut self.fresh).map_err(|source| unwritable(&self.path, source))
    }

    /// Gives it its name and returns it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(self, tail: Tail) -> Result<Memory, CheckpointError> {
        let Self { path, mut fresh, records } = self;
        let tail = Tail { format: FORMAT, records, ..tail };
        let json = serde_json::to_string(&tail).map_err(io::Error::other);
        json.and_then(|json| sealed(&mut fresh, format!("end\t{json}")))
            .and_then(|()| fresh.publish())
            .map_err(|source| unwritable(&path, source))?;
        Memory::open(&path)?.ok_or_else(|| unwritable(&path, io::ErrorKind::NotFound.into()))
    }
}

fn unwritable(path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { what: "write", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(key: &[u8], version: &[u8], second: i64) -> Open {
        Open {
            key: key.to_vec(),
            version: version.to_vec(),
            class: "DEEP_ARCHIVE".to_owned(),
            access_tier: String::new(),
            tier: [None, Some(Tier::Bulk)][usize::from(second % 2 == 0)],
            asked: second % 3 == 0,
            since: Timestamp::from_second(second).unwrap(),
        }
    }

    fn written(path: &Path, all: &[Open]) -> Memory {
        let mut writer = Writer::begin(path).unwrap();
        for open in all {
            writer.put(open).unwrap();
        }
        writer.publish(Tail { target: "s3://b".to_owned(), ready: 7, ..Tail::default() }).unwrap()
    }

    fn all(memory: &Memory) -> Result<Vec<Open>, CheckpointError> {
        let mut records = memory.records()?;
        let mut all = Vec::new();
        while let Some(open) = records.next()? {
            all.push(open);
        }
        Ok(all)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_remembered_is_found_again(
            keys in proptest::collection::btree_set(proptest::collection::vec(any::<u8>(), 1..60), 0..300),
            others in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 0..20),
            seconds in 0_i64..1000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(NAME);
            let objects: Vec<Open> = keys.iter().map(|key| open(key, b"", seconds + i64::from(key[0]))).collect();
            let memory = written(&path, &objects);
            prop_assert_eq!(all(&memory).unwrap(), objects.clone());
            prop_assert_eq!((memory.tail().records, memory.tail().ready), (objects.len() as u64, 7));
            let mut wanted: Vec<&[u8]> = keys.iter().step_by(3).chain(&others).map(Vec::as_slice).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let pairs: Vec<(&[u8], &[u8])> = wanted.iter().map(|key| (*key, &b""[..])).collect();
            for page in pairs.chunks(7) {
                for ((key, _), found) in page.iter().zip(memory.find(page).unwrap()) {
                    prop_assert_eq!(found.as_ref(), objects.iter().find(|open| open.key == *key));
                }
            }
        }

        #[test]
        fn a_spoilt_memory_is_refused_or_says_what_it_said(at: prop::sample::Index, flip in 1_u8.., cut: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(NAME);
            let objects: Vec<Open> = (0..40).map(|n| open(format!("k{n:02}").as_bytes(), b"v", n)).collect();
            let memory = written(&path, &objects);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= flip;
            }
            std::fs::write(&path, bytes).unwrap();
            let said = Memory::open(&path).and_then(|found| {
                let found = found.expect("it is there");
                Ok((all(&found)?, found.tail().clone()))
            });
            match said {
                Ok((back, tail)) => prop_assert_eq!((back, &tail), (objects, memory.tail())),
                Err(CheckpointError::Damaged { .. }) => {}
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }

    #[test]
    fn versions_of_a_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let versions = [b"z", b"a", b"m"];
        let objects: Vec<Open> = versions.iter().zip(1..).map(|(v, n)| open(b"k", &v[..], n)).collect();
        let memory = written(&folder.path().join(NAME), &objects);
        let found = memory.find(&[(b"k", b"m"), (b"k", b"none"), (b"k", b"z"), (b"l", b"z")]).unwrap();
        let since: Vec<_> =
            found.iter().map(|open| open.as_ref().map(|open| open.since.as_second())).collect();
        assert_eq!(since, [Some(3), None, Some(1), None]);
    }
}
