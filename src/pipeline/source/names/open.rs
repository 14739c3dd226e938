//! A list, found sound and ready to be read again.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::NamesError;
use super::read::{Entries, Form, Frame, unread};
use crate::job::{Job, KeyList};
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::report::{Again, Rows};

/// A sound list of named objects.
#[derive(Clone)]
pub struct Names {
    frame: Frame,
    file: Arc<File>,
    digest: String,
    count: u64,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("list", &self.frame.list)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Names {
    /// The list that `job` names, read through once; `None` if it names none. Standard input, and
    /// whatever else cannot be read twice, is copied into the job's state folder. Where standard input
    /// is empty and a run is unfinished, the copy that this run began with is taken.
    ///
    /// # Errors
    /// The first fault of the list. One that names no object is faulty as well, unless only failed rows
    /// are wanted of it.
    pub fn open(job: &Job) -> Result<Option<Self>, NamesError> {
        let Some(list) = &job.source.key_list else {
            return Ok(None);
        };
        let (path, form) = match list {
            KeyList::Keys { file, nul } => (file, if *nul { Form::Nul } else { Form::Lines }),
            KeyList::Csv { file, failed } => (file, Form::Csv { failed: *failed }),
        };
        let shown = path.as_ref().map_or("standard input".to_owned(), |path| path.display().to_string());
        let frame = Frame {
            list: shown,
            form,
            bucket: job.source.bucket.clone(),
            prefix: job.source.prefix.as_bytes().to_vec(),
        };
        let file = match path {
            None => copied(job, &mut io::stdin().lock())?,
            Some(path) => {
                let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
                let (about, mut file) = opened.map_err(|e| frame.unreadable(None, &e))?;
                if about.is_dir() {
                    return Err(frame.unreadable(None, &io::ErrorKind::IsADirectory.into()));
                }
                if about.is_file() { file } else { copied(job, &mut file)? }
            }
        };
        let mut names = Self { frame, file: Arc::new(file), digest: String::new(), count: 0 };
        let mut entries = names.entries()?;
        while let Some(name) = entries.next()? {
            names.count = name.number;
        }
        names.digest = entries.digest();
        if names.count == 0 && form != (Form::Csv { failed: true }) {
            return Err(NamesError::Bad {
                list: names.frame.list,
                line: None,
                what: "names no object".to_owned(),
                way_out: "write one key a line, or leave the list out to look at the whole prefix".to_owned(),
            });
        }
        Ok(Some(names))
    }

    /// Whether the list that `job` names is sound, as far as that can be told without using it up:
    /// standard input and pipes are let be.
    ///
    /// # Errors
    /// As [`Names::open`].
    pub fn check(job: &Job) -> Result<(), NamesError> {
        let (KeyList::Keys { file: Some(path), .. } | KeyList::Csv { file: Some(path), .. }) =
            (match &job.source.key_list {
                Some(list) => list,
                None => return Ok(()),
            })
        else {
            return Ok(());
        };
        let once = std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir());
        if once { Ok(()) } else { Self::open(job).map(drop) }
    }

    /// How many objects are named, repeats next to each other counted once.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The list's SHA-256 in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The list's name, for messages.
    pub(in crate::pipeline) fn list(&self) -> &str {
        &self.frame.list
    }

    /// The names from the first one on.
    pub(in crate::pipeline) fn entries(&self) -> Result<Entries<Again>, NamesError> {
        let frame = self.frame.clone();
        let rows = matches!(frame.form, Form::Csv { .. });
        let plain = |file| Rows::is_plain_csv(Path::new(&frame.list), file);
        if rows && !plain(&self.file).map_err(|error| unread(&frame, error))? {
            return Entries::of_rows(frame, Arc::clone(&self.file));
        }
        Entries::new(frame, Again::from_start(Arc::clone(&self.file)))
    }
}

/// A copy of what `from` holds, in the job's state folder.
fn copied(job: &Job, from: &mut dyn Read) -> Result<File, NamesError> {
    let path = StateDir::names_path(&job.state_dir);
    let failed = |source| NamesError::Copy { path: path.clone(), source };
    let kept = |path: &Path| match StateDir::peek_unfinished(&job.state_dir) {
        Ok(Some(_)) => File::open(path).ok(),
        Ok(None) | Err(_) => None,
    };
    let mut first = [0; 1];
    let count = from.read(&mut first).map_err(failed)?;
    if count == 0
        && let Some(kept) = kept(&path)
    {
        return Ok(kept);
    }
    StateDir::keep_names(&path, &mut first[..count].chain(from)).map_err(failed)
}
