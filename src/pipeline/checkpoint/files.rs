//! Files that are there whole or not at all, and folders that stay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::point::{CommitPoint, pass};

/// Writes `bytes` to `path` so that a reader finds either the old content or all of the new one;
/// only its owner may read it.
pub(in crate::pipeline) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, private())
}

/// The same for a file that stands beside a report, and may be read by whom the report may.
pub(crate) fn publish_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, OpenOptions::new())
}

/// The same for a file that anybody on the machine may read, whatever the umask: a collector of figures runs
/// as a user of its own.
pub(crate) fn publish_readable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = Fresh::published(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fresh.out.get_ref().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    fresh.write_all(bytes)?;
    fresh.publish()
}

fn replace(path: &Path, bytes: &[u8], options: OpenOptions) -> io::Result<()> {
    let mut fresh = Fresh::with(path, options)?;
    fresh.write_all(bytes)?;
    fresh.publish()
}

/// The new content of a file, written bit by bit under another name. The old content stands until it
/// is whole.
#[derive(Debug)]
pub(crate) struct Fresh {
    path: PathBuf,
    under: PathBuf,
    out: BufWriter<File>,
}

impl Fresh {
    /// Begins what will take the place of `path`; only its owner may read it.
    pub(in crate::pipeline) fn begin(path: &Path) -> io::Result<Self> {
        Self::with(path, private())
    }

    /// The same for a file that may be read by whom others in its folder may.
    pub(crate) fn published(path: &Path) -> io::Result<Self> {
        Self::with(path, OpenOptions::new())
    }

    /// The name under which the new content of `path` stands until it is whole.
    pub(crate) fn under(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        PathBuf::from(name)
    }

    fn with(path: &Path, mut options: OpenOptions) -> io::Result<Self> {
        let under = Self::under(path);
        let file = options.create(true).write(true).truncate(true).open(&under)?;
        Ok(Self { path: path.to_owned(), under, out: BufWriter::new(file) })
    }

    /// Gives it its name, when all of it is on disk.
    pub(crate) fn publish(self) -> io::Result<()> {
        self.whole()?.publish()
    }

    /// Takes note that nothing more comes: all of it is on disk, still under another name.
    ///
    /// # Errors
    /// If it does not get there; what there is of it is removed.
    pub(in crate::pipeline) fn whole(self) -> io::Result<Whole> {
        let Self { path, under, out } = self;
        let synced =
            out.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        if let Err(error) = synced {
            let _ = fs::remove_file(&under);
            return Err(error);
        }
        pass(CommitPoint::FileWritten);
        Ok(Whole { path, under })
    }

    /// Gives it up. What is left of it, if anything, will be written over.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.under);
    }
}

/// The new content of a file, on disk under another name.
#[derive(Debug)]
pub(in crate::pipeline) struct Whole {
    path: PathBuf,
    under: PathBuf,
}

impl Whole {
    /// Gives it up. What is left of it, if anything, will be written over.
    pub(in crate::pipeline) fn discard(self) {
        let _ = fs::remove_file(&self.under);
    }

    /// Gives it its name.
    pub(in crate::pipeline) fn publish(self) -> io::Result<()> {
        fs::rename(&self.under, &self.path)?;
        pass(CommitPoint::FileRenamed);
        sync_folder_of(&self.path)
    }
}

impl Write for Fresh {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Removes the file at `path`, if there is one, so that it stays removed.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder_of(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Makes what became of a name in the folder of `path` (made, renamed, removed) survive a crash.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

/// Options for files that only their owner may read: they name a customer's keys.
pub(in crate::pipeline) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Makes a folder, with its parents, that only its owner may enter, and that a crash does not take
/// away again.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let made: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)?;
    let mut named = made.into_iter().filter(|folder| !folder.as_os_str().is_empty());
    named.try_for_each(|folder| match sync_folder_of(folder) {
        // A folder may be open to writing, but not to reading, which syncing takes.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    })
}
