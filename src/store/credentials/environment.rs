//! The environment as an argument: variables, home folder, and the small files in it.

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use super::CredentialError;

/// The largest file that is read: configuration files and tokens have a few kilobytes.
const FILE_LIMIT: u64 = 1 << 20;

/// Variables and home folder, as the process has them or as a test wants them.
///
/// A variable that is set to nothing counts as not set, as the vendors' tools have it. `Debug`
/// shows no values.
#[derive(Clone, Default)]
pub struct Environment {
    vars: BTreeMap<String, String>,
    home: Option<PathBuf>,
}

impl Environment {
    /// These variables and this home folder, and nothing else.
    pub fn new<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>, home: Option<PathBuf>) -> Self {
        let vars = vars
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { vars, home }
    }

    /// The environment of this process; variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self { vars, home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) }
    }

    /// Every variable that is set to anything, by name.
    #[must_use]
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// The value of the variable `name`, if it is set to anything.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str)
    }

    /// The first of `names` that is set, with its value.
    #[must_use]
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        names.iter().find_map(|name| Some((*name, self.var(name)?)))
    }

    /// Whether the variable says yes: `1`, `true`, `yes` or `on`, in any letter case.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.var(name)
            .is_some_and(|value| ["1", "true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// Reads the file at `path`, where `~/` stands for the home folder; `None` if there is none.
    ///
    /// # Errors
    /// [`CredentialError::File`] if it exists but cannot be read, is larger than 1 MiB or is not
    /// UTF-8.
    pub fn read(&self, path: &str) -> Result<Option<String>, CredentialError> {
        let fault = |why: String| CredentialError::File { path: path.to_owned(), line: None, why };
        let Some(place) = self.expand(path) else { return Ok(None) };
        let file = match fs::File::open(&place) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(fault(e.kind().to_string())),
        };
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(|e| fault(e.kind().to_string()))?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(fault("it is larger than 1 MiB".to_owned()));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| fault("it is not UTF-8".to_owned()))
    }

    fn expand(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix("~/") {
            Some(rest) => Some(self.home.as_ref()?.join(rest)),
            None => Some(Path::new(path).to_owned()),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}

impl reqsign_core::Env for Environment {
    fn var(&self, key: &str) -> Option<String> {
        self.vars.get(key).cloned()
    }

    fn vars(&self) -> HashMap<String, String> {
        self.vars.clone().into_iter().collect()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        self.home.clone()
    }
}

impl reqsign_core::FileRead for Environment {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        // The files are small and local; a trip to another thread would cost more than the read.
        match self.read(path) {
            Ok(Some(text)) => Ok(text.into_bytes()),
            Ok(None) => Err(reqsign_core::Error::config_invalid(format!("`{path}` does not exist"))),
            Err(fault) => Err(reqsign_core::Error::config_invalid(fault.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set_and_debug_shows_no_value() {
        let env = Environment::new([("A", ""), ("B", "hush-hush"), ("C", "True")], None);
        assert_eq!(env.var("A"), None);
        assert_eq!(env.first(&["A", "B", "C"]), Some(("B", "hush-hush")));
        assert!(env.flag("C") && !env.flag("B") && !env.flag("A"));
        assert!(!format!("{env:?}").contains("hush"));
    }

    #[test]
    fn files_are_found_under_home_and_faults_name_the_path() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("good"), "text").unwrap();
        fs::write(home.path().join("bad"), [0xff, 0xfe]).unwrap();
        fs::write(home.path().join("huge"), vec![b'a'; 1024 * 1024 + 1]).unwrap();
        let env = Environment::new([], Some(home.path().to_owned()));
        assert_eq!(env.read("~/good").unwrap().as_deref(), Some("text"));
        assert_eq!(env.read("~/none").unwrap(), None);
        assert_eq!(env.read("~/good/under").unwrap(), None);
        assert_eq!(Environment::default().read("~/good").unwrap(), None);
        assert_eq!(env.read("~/bad").unwrap_err().to_string(), "cannot read `~/bad`: it is not UTF-8");
        assert!(env.read("~/huge").unwrap_err().to_string().contains("1 MiB"));
        assert!(env.read("~/").unwrap_err().to_string().contains("`~/`"));
    }
}
