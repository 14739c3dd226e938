//! `defrost init --demo`: the campaign of `jobs/demo.toml`, for a binary without a checkout.

use std::io;
use std::path::{Path, PathBuf};

use super::write;

/// The job, as it stands in `jobs/`.
const JOB: &str = include_str!("../../../jobs/demo.toml");
/// What is in its store.
const SEED: &str = include_str!("../../../jobs/demo-seed.toml");

/// What is said in another way in a folder of its own.
const HERE: [(&str, &str); 4] = [
    // No schema lies beside it.
    ("#:schema ./defrost.schema.json\n", ""),
    ("`defrost run jobs/demo.toml`", "`defrost run demo.toml`, in this folder"),
    ("deleting jobs/.defrost", "deleting .defrost beside this file"),
    ("\"../out/demo.csv\"  ", "\"demo.csv\"         "),
];

/// Writes job and seed into `folder`, which is made if it is not there, and tells their paths.
///
/// # Errors
/// If one of them is there already and `force` does not allow to write over it, or cannot be written.
pub(super) fn make(folder: &Path, force: bool) -> Result<[PathBuf; 2], (PathBuf, io::Error)> {
    std::fs::create_dir_all(folder).map_err(|e| (folder.to_owned(), e))?;
    let files = [folder.join("demo.toml"), folder.join("demo-seed.toml")];
    for (file, text) in files.iter().zip([job(), SEED.to_owned()]) {
        write(file, &text, force).map_err(|e| (file.clone(), e))?;
    }
    Ok(files)
}

fn job() -> String {
    HERE.iter().fold(JOB.to_owned(), |text, (there, here)| text.replace(there, here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{self, Overrides};

    #[test]
    fn the_demo_speaks_of_its_own_folder() {
        for (there, _) in HERE {
            assert!(JOB.contains(there), "{there}");
        }
        let text = job();
        assert!(!text.contains("jobs/") && !text.contains("../"), "{text}");
        let job =
            job::from_file(Path::new("d/demo.toml"), &text, &Overrides::default(), &crate::job::Env::new())
                .unwrap();
        assert_eq!(job.report.path.as_deref(), Some("demo.csv"));
        assert_eq!(job.simulator.unwrap().seed, Path::new("d/demo-seed.toml"));
    }
}
