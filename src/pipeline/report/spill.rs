//! The file in which rows wait for their turn, packed: to pack rows that look much like each other takes
//! less than to hand them to the disk as they are, which would write nearly every row of a large listing
//! twice.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{compress_bound, find_frame_compressed_size, get_frame_content_size};

use super::durable::{Durable, Sum};
use super::unsynced::Unsynced;
use super::{ReportError, cache};
use crate::model::Spare;
use crate::pipeline::checkpoint::{CommitPoint, pass};

/// Frames unpacked ahead; each holds the rows of a page.
const AHEAD: usize = 2;
/// Bytes of packed rows read at a time.
const READ: u64 = 256 << 10;
/// Extents that the thread that reads ahead is told of at a time.
const TOLD: usize = 64;
/// How hard rows are packed: at this level of zstd a row takes a fifth of its room, and the packing less
/// time than the writing of the other four fifths.
const LEVEL: i32 = -5;

/// A stretch of the file: whole frames of zstd, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Offset of its first byte.
    pub start: u64,
    /// Its length in bytes.
    pub len: u64,
}

impl Extent {
    /// Offset behind its last byte.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start + self.len
    }
}

/// Rows set aside. Grows only; it is emptied when nothing waits in it any more.
pub struct Spill {
    file: Arc<File>,
    path: PathBuf,
    /// Of everything in the file.
    sum: Sum,
    packer: Compressor<'static>,
    packed: Vec<u8>,
    /// Whether bytes were added since the last [`Spill::unsynced`].
    dirty: bool,
    /// What is still to be read back.
    unread: Option<Durable>,
    /// Reads ahead; started when it is first needed.
    reader: Option<Reader>,
}

impl Spill {
    /// The file at `path`, of which an earlier session left the `durable` part: [`Spill::read_back`]
    /// must be called before rows are added, unless it is empty.
    ///
    /// # Errors
    /// If it cannot be opened, or is shorter than that.
    pub fn open(path: &Path, durable: &Durable) -> Result<Self, ReportError> {
        let io = |what| move |source| ReportError::Io { what, path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // It names a customer's keys.
            options.mode(0o600);
        }
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(io("open rows set aside for"))?;
        durable.fits(&file, path)?;
        let unread = Some(durable.clone());
        let packer = Compressor::new(LEVEL).map_err(io("set rows aside for"))?;
        let mut spill = Self {
            file: Arc::new(file),
            path: path.to_owned(),
            sum: Sum::quick(),
            packer,
            packed: Vec::new(),
            dirty: false,
            unread,
            reader: None,
        };
        if durable.len == 0 {
            spill.read_back()?;
        }
        Ok(spill)
    }

    /// Reads what an earlier session left, if that has not been done, and cuts the file back to it.
    ///
    /// # Errors
    /// If it is not as it was, or cannot be cut.
    pub fn read_back(&mut self) -> Result<(), ReportError> {
        let Some(durable) = self.unread.take() else { return Ok(()) };
        self.sum = durable.of_file(&self.file, &self.path)?;
        let cut = self.file.set_len(durable.len);
        cut.map_err(|source| self.failed("cut back rows set aside for", source))
    }

    /// Adds rows and says where they lie.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put(&mut self, rows: &[u8]) -> Result<Extent, ReportError> {
        let start = self.sum.len();
        let written = self.pack(rows).and_then(|()| {
            self.file.seek(SeekFrom::Start(start))?;
            self.file.write_all(&self.packed)
        });
        written.map_err(|source| self.failed("set rows aside for", source))?;
        self.sum.update(&self.packed);
        self.dirty = true;
        Ok(Extent { start, len: self.packed.len() as u64 })
    }

    fn pack(&mut self, rows: &[u8]) -> io::Result<()> {
        self.packed.clear();
        self.packed.reserve(compress_bound(rows.len()));
        self.packer.compress_to_buffer(rows, &mut self.packed).map(drop)
    }

    /// Reads a piece of the rows of `extents` back, the first one that was not read yet: each call takes up where
    /// the last one ended, so `extents` must begin there, and may have grown at its end meanwhile. The rows
    /// are in a buffer of `spare`, and those behind them are read ahead in a thread of their own.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn take(
        &mut self,
        extents: impl Iterator<Item = Extent>,
        spare: &Arc<Spare>,
    ) -> Result<Piece, ReportError> {
        let reader = match &mut self.reader {
            Some(reader) => Ok(reader),
            none => Reader::start(&self.path, spare).map(|reader| none.insert(reader)),
        };
        let piece = reader.and_then(|reader| reader.next(extents));
        piece.map_err(|source| self.failed("read rows set aside for", source))
    }

    /// All rows so far, on their way to the disk.
    pub fn unsynced(&mut self) -> Unsynced {
        let dirty = std::mem::take(&mut self.dirty);
        Unsynced {
            file: dirty.then(|| Arc::clone(&self.file)),
            path: self.path.clone(),
            what: "sync rows set aside for",
            durable: self.sum.durable(),
            let_go: None,
            point: CommitPoint::AsideSynced,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sum.len() == 0
    }

    /// Gives the space back. Only when no mark counts on the rows any more.
    ///
    /// # Errors
    /// If the file cannot be cut.
    pub fn clear(&mut self) -> Result<(), ReportError> {
        if !self.is_empty() {
            self.file.set_len(0).map_err(|source| self.failed("clear rows set aside for", source))?;
            self.sum = Sum::quick();
            self.dirty = false;
            pass(CommitPoint::AsideCleared);
        }
        Ok(())
    }

    fn failed(&self, what: &'static str, source: io::Error) -> ReportError {
        ReportError::Io { what, path: self.path.clone(), source }
    }
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spill").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Rows that were read back.
#[derive(Debug)]
pub struct Piece {
    /// The rows.
    pub rows: Vec<u8>,
    /// How many bytes of the file they took.
    pub len: u64,
}

/// The thread that reads ahead, as whoever wants the rows sees it.
struct Reader {
    orders: SyncSender<Vec<Extent>>,
    pieces: Receiver<io::Result<Piece>>,
    /// Bytes of the file that it was told of and that have not been taken.
    owed: u64,
}

impl Reader {
    fn start(path: &Path, spare: &Arc<Spare>) -> io::Result<Self> {
        // Told of more only when all has been taken, it never makes anybody wait.
        let (orders, inbox) = sync_channel::<Vec<Extent>>(1);
        let (ahead, pieces) = sync_channel(AHEAD);
        // A place in the file of its own, so that rows may be added meanwhile.
        let mut unpacker = Unpacker::new(File::open(path)?, Arc::clone(spare))?;
        let read = move || {
            for extent in inbox.into_iter().flatten() {
                unpacker.unread = extent;
                while let Some(piece) = unpacker.piece().transpose() {
                    let failed = piece.is_err();
                    // Nobody takes more of them once one failed.
                    if ahead.send(piece).is_err() || failed {
                        return;
                    }
                }
            }
        };
        thread::Builder::new().name("reader".to_owned()).spawn(read)?;
        Ok(Self { orders, pieces, owed: 0 })
    }

    fn next(&mut self, extents: impl Iterator<Item = Extent>) -> io::Result<Piece> {
        let died = || io::Error::other("the thread that reads them ended before its time");
        if self.owed == 0 {
            let told: Vec<Extent> = extents.take(TOLD).collect();
            self.owed = told.iter().map(|extent| extent.len).sum();
            self.orders.send(told).map_err(|_| died())?;
        }
        let piece = self.pieces.recv().map_err(|_| died())??;
        self.owed = self.owed.saturating_sub(piece.len);
        Ok(piece)
    }
}

/// Unpacks the rows of an extent, frame by frame.
struct Unpacker {
    file: File,
    /// What is left of it in the file.
    unread: Extent,
    /// What of it was read and not unpacked: from `at` on.
    packed: Vec<u8>,
    at: usize,
    frames: Decompressor<'static>,
    spare: Arc<Spare>,
}

impl Unpacker {
    fn new(file: File, spare: Arc<Spare>) -> io::Result<Self> {
        let (unread, frames) = (Extent { start: 0, len: 0 }, Decompressor::new()?);
        Ok(Self { file, unread, packed: Vec::new(), at: 0, frames, spare })
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let packed = &self.packed[self.at..];
            // Fails for a frame of which there is only a part so far.
            if let Ok(len) = find_frame_compressed_size(packed) {
                let size = get_frame_content_size(packed).ok().flatten();
                let size =
                    usize::try_from(size.ok_or(io::ErrorKind::InvalidData)?).map_err(io::Error::other)?;
                let mut rows = self.spare.take(size);
                self.frames.decompress_to_buffer(&packed[..len], &mut rows)?;
                self.at += len;
                return Ok(Some(Piece { rows, len: len as u64 }));
            }
            if self.unread.len > 0 {
                self.read()?;
            } else if self.at < self.packed.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            } else {
                return Ok(None);
            }
        }
    }

    /// Reads a stretch more.
    fn read(&mut self) -> io::Result<()> {
        self.packed.drain(..self.at);
        self.at = 0;
        let had = self.packed.len();
        self.file.seek(SeekFrom::Start(self.unread.start))?;
        (&self.file).take(self.unread.len.min(READ)).read_to_end(&mut self.packed)?;
        let read = (self.packed.len() - had) as u64;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        cache::let_go(&self.file, self.unread.start, read);
        self.unread = Extent { start: self.unread.start + read, len: self.unread.len - read };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(spill: &mut Spill, extents: &[Extent]) -> Result<Vec<u8>, ReportError> {
        let (spare, mut taken) = (Arc::new(Spare::new(1, 1 << 20)), Vec::new());
        let mut left = extents.to_vec();
        while !left.is_empty() {
            // What was taken is left out the next time.
            let piece = spill.take(left.iter().copied(), &spare)?;
            left[0] = Extent { start: left[0].start + piece.len, len: left[0].len.saturating_sub(piece.len) };
            left.retain(|extent| extent.len > 0);
            taken.extend_from_slice(&piece.rows);
            spare.put(piece.rows);
        }
        Ok(taken)
    }

    /// Rows that do not pack well, so that they are many bytes in the file, too.
    fn rows(seed: u64, count: usize) -> Vec<u8> {
        let mut state = seed;
        let mut row = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("b,{state:016x},GLACIER\n").into_bytes()
        };
        (0..count).flat_map(|_| row()).collect()
    }

    #[test]
    fn rows_that_wait_are_known_again_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aside");
        let mut spill = Spill::open(&path, &Durable::default()).unwrap();
        let first = spill.put(b"one\n").unwrap();
        let durable = spill.unsynced().sync().unwrap();
        let second = spill.put(b"two\n").unwrap();
        drop(spill);
        let mut again = Spill::open(&path, &durable).unwrap();
        again.read_back().unwrap();
        assert_eq!(again.put(b"three\n").unwrap().start, second.start, "what was not durable is gone");
        assert_eq!(taken(&mut again, &[first]).unwrap(), b"one\n");
        drop(again);
        let whole = std::fs::read(&path).unwrap();
        let mut edited = whole.clone();
        edited[5] ^= 1;
        std::fs::write(&path, edited).unwrap();
        let refused = Spill::open(&path, &durable).unwrap().read_back();
        assert!(matches!(refused, Err(ReportError::Edited { .. })));
        std::fs::write(&path, &whole[..usize::try_from(durable.len).unwrap() - 1]).unwrap();
        assert!(matches!(Spill::open(&path, &durable), Err(ReportError::Shortened { .. })));
    }

    #[test]
    fn rows_come_back_in_the_order_they_are_asked_for_few_or_many() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(&folder.path().join("aside"), &Durable::default()).unwrap();
        let pages: Vec<_> = (0..200).map(|n| rows(n, if n % 9 == 0 { 1 } else { 700 })).collect();
        let mut extents: Vec<_> = pages.iter().map(|rows| spill.put(rows).unwrap()).collect();
        // Two that lie side by side are one.
        extents[20].len += extents.remove(21).len;
        assert!(extents.iter().map(|extent| extent.len).sum::<u64>() > 4 * READ);
        extents.reverse();
        let mut wanted: Vec<&[u8]> = pages.iter().map(Vec::as_slice).collect();
        wanted.swap(20, 21);
        wanted.reverse();
        assert!(taken(&mut spill, &extents).unwrap() == wanted.concat());
        assert!(taken(&mut spill, &extents[7..9]).unwrap() == wanted[7..9].concat());
        assert!(taken(&mut spill, &[]).unwrap().is_empty());
    }

    #[test]
    fn rows_that_are_cut_off_or_spoilt_are_an_error_and_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aside");
        for count in [5, 20_000] {
            let mut spill = Spill::open(&path, &Durable::default()).unwrap();
            let extent = spill.put(&rows(1, count)).unwrap();
            let short = Extent { len: extent.len - 1, ..extent };
            assert!(matches!(taken(&mut spill, &[short]), Err(ReportError::Io { .. })));
            let beyond = Extent { len: extent.len + 9, ..extent };
            assert!(matches!(taken(&mut spill, &[beyond]), Err(ReportError::Io { .. })));
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(0).unwrap();
            file.set_len(extent.len).unwrap();
            assert!(matches!(taken(&mut spill, &[extent]), Err(ReportError::Io { .. })));
            spill.clear().unwrap();
        }
    }

    #[test]
    fn rows_may_be_added_and_taken_in_turns() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(&folder.path().join("aside"), &Durable::default()).unwrap();
        let spare = Arc::new(Spare::new(1, 1 << 20));
        let (mut extents, mut at) = (vec![spill.put(&rows(0, 100)).unwrap()], 0);
        for n in 1..300 {
            let extent = spill.put(&rows(n, 100)).unwrap();
            // What lies side by side is one extent, which grows while it is read.
            match extents.last_mut() {
                Some(last) if n % 5 > 0 => last.len += extent.len,
                _ => extents.push(extent),
            }
            let piece = spill.take(extents.iter().copied(), &spare).unwrap();
            assert!(piece.rows == rows(at, 100), "page {at}");
            at += 1;
            extents[0] = Extent { start: extents[0].start + piece.len, len: extents[0].len - piece.len };
            extents.retain(|extent| extent.len > 0);
        }
        assert!(taken(&mut spill, &extents).unwrap() == rows(at, 100));
    }
}
