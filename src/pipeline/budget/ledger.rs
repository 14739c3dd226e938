//! The ledger: the purse of a run, and its file in the state folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Account, Amount, Purse};
use crate::job::Job;
use crate::model::{Spending, Spent, hex};
use crate::pipeline::checkpoint::{CheckpointError, StateDir, replace_file};

/// The file's name in the state folder.
const FILE: &str = "budget.json";
/// The layout of the file; one of another layout is refused.
const FORMAT: u32 = 1;
/// How the names of the accounts begin that belong to other runs of the same job file.
const OF_ANOTHER: &str = "budget-of-";
/// A file larger than this is no ledger: two claims of 32 stretches of keys of 1,024 bytes have some
/// 300 KB.
const MAX_LEDGER: u64 = 4 << 20;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: u32,
    sha256: String,
    account: Box<RawValue>,
}

/// The purse of a run and where it is kept.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    purse: Mutex<Purse>,
    /// One writer at a time, so that the newest state is the last one written.
    turn: Mutex<()>,
    /// The lock on the state folder, where nothing else of the run holds it.
    _lock: Option<StateDir>,
}

impl Ledger {
    /// The ledger of the run `run_id` of `job`; `None` if it has no budget. `lock` is kept for as long
    /// as the ledger is; `fresh` begins a new account where the old one is damaged.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn open(
        job: &Job,
        run_id: &str,
        now: Timestamp,
        fresh: bool,
        lock: Option<StateDir>,
    ) -> Result<Option<Self>, CheckpointError> {
        let budget = &job.budget;
        if budget.run.is_none() && budget.day.is_none() {
            return Ok(None);
        }
        let path = path_of(&job.state_dir, &job.shared_dir);
        let account = match read(&path) {
            Err(CheckpointError::Damaged { .. }) if fresh => Account::default(),
            read => read?.unwrap_or_default(),
        };
        // What the other runs of the file took of a day is no more to be had here.
        let others = others(&path, &job.shared_dir)?;
        let purse = Purse::open(budget, job.zone.clone(), account, run_id, now).beside(others);
        Ok(Some(Self { path, purse: Mutex::new(purse), turn: Mutex::new(()), _lock: lock }))
    }

    /// The purse.
    pub fn purse(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the account on disk as it is now.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self) -> Result<(), CheckpointError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let account = self.purse().account.clone();
        text(&account)
            .and_then(|text| replace_file(&self.path, text.as_bytes()))
            .map_err(|source| self.unwritten(source))
    }

    /// What to say when the file was not written.
    pub fn unwritten(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Io { what: "write the budget", path: self.path.clone(), source }
    }
}

/// Where the account of the job is kept whose state is at `state`: in the folder `shared` that all runs
/// of its job file share, so that each of them finds what the others took of a day.
fn path_of(state: &Path, shared: &Path) -> PathBuf {
    if state == shared {
        return shared.join(FILE);
    }
    let name = state.file_name().unwrap_or_default().to_string_lossy();
    shared.join(format!("{OF_ANOTHER}{name}.json"))
}

/// The accounts in `shared` but the one at `own`.
fn others(own: &Path, shared: &Path) -> Result<Vec<Account>, CheckpointError> {
    let mut accounts = Vec::new();
    let Ok(entries) = std::fs::read_dir(shared) else { return Ok(accounts) };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let is_one = name == FILE || (name.starts_with(OF_ANOTHER) && name.ends_with(".json"));
        if is_one && path != own {
            accounts.extend(read(&path)?);
        }
    }
    Ok(accounts)
}

/// What was spent on a job whose state is at `folder`, and which shares the folder `shared` with the
/// other runs of its file: by its last run, and by day; and what those others took of that day, if
/// anything. `None` if it keeps no account. Takes no lock; for looking only.
///
/// # Errors
/// If a file cannot be read, or is damaged.
pub fn peek(folder: &Path, shared: &Path) -> Result<Option<(Spending, Option<Spent>)>, CheckpointError> {
    let path = path_of(folder, shared);
    let Some(account) = read(&path)? else { return Ok(None) };
    let currency = account.currency.as_deref();
    let last = account.days.last_key_value();
    let mut elsewhere = Amount::default();
    if let Some((day, _)) = last {
        for other in others(&path, shared)? {
            let same = other.currency == account.currency;
            let amount = other.days.get(day).copied().unwrap_or_default();
            elsewhere = elsewhere.plus(if same { amount } else { Amount { micros: 0, ..amount } });
        }
    }
    let spending = Spending {
        run: spent(account.run, currency),
        day: last.map(|(day, amount)| (day.to_string(), spent(*amount, currency))),
    };
    Ok(Some((spending, (!elsewhere.is_nothing()).then(|| spent(elsewhere, currency)))))
}

/// An amount in the words of the summary.
pub(super) fn spent(amount: super::Amount, currency: Option<&str>) -> Spent {
    let currency = currency.and_then(crate::model::Currency::from_word);
    Spent {
        objects: amount.objects,
        bytes: amount.bytes,
        cost: currency
            .map(|currency| crate::model::Money { currency, micros: amount.micros.into() }.to_string()),
    }
}

fn text(account: &Account) -> io::Result<String> {
    let account = RawValue::from_string(serde_json::to_string(account)?)?;
    let sha256 = checksum(account.get());
    Ok(serde_json::to_string(&Envelope { format: FORMAT, sha256, account })?)
}

fn read(path: &Path) -> Result<Option<Account>, CheckpointError> {
    let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
    let mut text = String::new();
    let size = match File::open(path).and_then(|file| file.take(MAX_LEDGER + 1).read_to_string(&mut text)) {
        Ok(size) => size,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(damaged("it is not text".to_owned())),
        Err(source) => {
            return Err(CheckpointError::Io { what: "read the budget", path: path.to_owned(), source });
        }
    };
    if size as u64 > MAX_LEDGER {
        return Err(damaged("it is larger than any budget".to_owned()));
    }
    let envelope: Envelope = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    if envelope.format != FORMAT {
        return Err(damaged(format!("it has format {}, this version reads {FORMAT}", envelope.format)));
    }
    if checksum(envelope.account.get()) != envelope.sha256 {
        return Err(damaged("its checksum does not match its content".to_owned()));
    }
    serde_json::from_str(envelope.account.get()).map(Some).map_err(|e| damaged(e.to_string()))
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
