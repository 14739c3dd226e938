//! Files that are there whole or not at all, and folders that stay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::point::{CommitPoint, pass};

/// Writes `bytes` to `path` so that a reader finds either the old content or all of the new one;
/// only its owner may read it.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, private())
}

/// The same for a file that stands beside a report, and may be read by whom the report may.
pub(crate) fn publish_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, OpenOptions::new())
}

fn replace(path: &Path, bytes: &[u8], mut options: OpenOptions) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = Path::new(&name);
    let mut file = options.create(true).write(true).truncate(true).open(fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    pass(CommitPoint::FileWritten);
    fs::rename(fresh, path)?;
    pass(CommitPoint::FileRenamed);
    sync_folder_of(path)
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
pub(super) fn private() -> OpenOptions {
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
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
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
