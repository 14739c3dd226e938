//! Flag over environment over file: which of the places where a setting may stand decides it.

use super::fault::{At, Fault, Faults, Place, Problem, shown};
use super::file::{self, Document};
use super::read::{self, Value, Written};
use super::settings;
use super::variables::{Env, slips};

/// A setting's value and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Picked<T> {
    pub(super) value: T,
    pub(super) at: At,
}

/// Everything that was written, and what is found wrong with it on the way.
pub(super) struct Layers<'e> {
    env: &'e Env,
    /// The job file; none where a job is made from a URL.
    pub(super) document: Option<Document>,
    faults: Vec<Fault>,
}

impl<'e> Layers<'e> {
    pub(super) fn new(env: &'e Env, mut document: Option<Document>) -> Self {
        let faults =
            document.as_mut().map(|document| std::mem::take(&mut document.faults)).unwrap_or_default();
        Self { env, document, faults }
    }

    /// The value of `key`: the flag, else the environment, else the file. All of them are read, so
    /// that a fault in one that is overridden is told as well.
    pub(super) fn pick<T>(
        &mut self,
        key: &str,
        flag: Option<Value>,
        read: impl Fn(&Value) -> Result<T, Problem>,
    ) -> Option<Picked<T>> {
        let mut picked = None;
        for (i, written) in self.layers(key, flag.map(|value| typed(key, value))).into_iter().enumerate() {
            match read(&written.value) {
                Ok(value) if i == 0 => picked = Some(Picked { value, at: written.at }),
                Ok(_) => {}
                Err(problem) => self.faults.push(problem.at(written.at)),
            }
        }
        picked
    }

    /// The same without its place.
    pub(super) fn value<T>(
        &mut self,
        key: &str,
        flag: Option<Value>,
        read: impl Fn(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        self.pick(key, flag, read).map(|picked| picked.value)
    }

    /// The items of the list `key`. `commas` says whether one flag may hold several.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        flags: &[String],
        commas: bool,
        read: impl Fn(&Value) -> Result<T, Problem>,
    ) -> Vec<Picked<T>> {
        let flag = (!flags.is_empty()).then(|| {
            let items = flags.iter().map(|text| typed(key, Value::Typed(text.clone())));
            let items = items.flat_map(|written| read::items(&written, commas)).collect();
            Written { at: typed(key, Value::Table).at, value: Value::List(items) }
        });
        let mut picked = Vec::new();
        for (i, written) in self.layers(key, flag).into_iter().enumerate() {
            for item in read::items(&written, commas) {
                match read(&item.value) {
                    Ok(value) if i == 0 => picked.push(Picked { value, at: item.at }),
                    Ok(_) => {}
                    Err(problem) => self.faults.push(problem.at(item.at)),
                }
            }
        }
        picked
    }

    /// The first of `variables` that is set: the vendors' own, which decide where nothing else does.
    pub(super) fn ambient<T>(
        &mut self,
        key: &str,
        variables: &[&'static str],
        read: impl Fn(&Value) -> Result<T, Problem>,
    ) -> Option<Picked<T>> {
        let written = variables.iter().find_map(|variable| self.variable(key, variable))?;
        match read(&written.value) {
            Ok(value) => Some(Picked { value, at: written.at }),
            Err(problem) => {
                self.faults.push(problem.at(written.at));
                None
            }
        }
    }

    /// Whether the environment or the file names `key`.
    pub(super) fn has(&mut self, key: &str) -> bool {
        !self.layers(key, None).is_empty()
    }

    /// Where the file says `key`, if it does.
    pub(super) fn in_file(&self, key: &str) -> Option<At> {
        Some(self.document.as_ref()?.values.get(key)?.at.clone())
    }

    /// Whether `key` is said anywhere, as a flag if `typed`, rightly or not.
    pub(super) fn written(&mut self, key: &str, typed: bool) -> bool {
        typed || self.has(key)
    }

    /// Where the table `name` begins in the file, if it is there.
    pub(super) fn table(&self, name: &str) -> Option<At> {
        self.document.as_ref()?.tables.get(name).cloned()
    }

    /// Notes `problem` at `at`.
    pub(super) fn fault(&mut self, problem: Problem, at: At) {
        self.faults.push(problem.at(at));
    }

    /// Notes the variables that were meant for this job and have another name than ours; `own` is the one
    /// that the job names itself.
    pub(super) fn slips(&mut self, own: Option<&str>) {
        self.faults.extend(slips(self.env, own));
    }

    /// Notes that something needed is missing. In a torn file it may well be there.
    pub(super) fn missing(&mut self, problem: Problem, at: At) {
        if self.document.as_ref().is_none_or(|document| document.torn_at.is_none()) {
            self.faults.push(problem.at(at));
        }
    }

    /// `job`, if nothing is wrong.
    pub(super) fn finish<T>(self, job: Option<T>) -> Result<T, Faults> {
        let torn_at = self.document.and_then(|document| document.torn_at);
        let mut faults = self.faults;
        // Behind a syntax error keys may have landed in the wrong table.
        if let Some(torn_at) = torn_at {
            faults.retain(|fault| fault.at.key.is_empty() || fault.line().is_none_or(|line| line < torn_at));
        }
        match job {
            Some(job) if faults.is_empty() => Ok(job),
            _ => Err(Faults::new(faults)),
        }
    }

    /// Every place where `key` is written, the deciding one first.
    fn layers(&mut self, key: &str, flag: Option<Written>) -> Vec<Written> {
        let env = settings::setting(key).and_then(|setting| self.variable(key, setting.env));
        let file = self.document.as_ref().and_then(|document| document.values.get(key)).cloned();
        [flag, env, file].into_iter().flatten().collect()
    }

    fn variable(&self, key: &str, name: &'static str) -> Option<Written> {
        let text = self.env.get(name)?;
        // As in most tools, an empty variable is one that is not set.
        (!text.is_empty()).then(|| {
            let value = (!settings::looks_like_key(text)).then(|| shown(text));
            let at = At { place: Place::Env(name), key: key.to_owned(), value };
            Written { at, value: Value::Typed(text.clone()) }
        })
    }
}

/// A flag's value and place. `value` that is not text was said by the flag's mere presence.
pub(super) fn typed(key: &str, value: Value) -> Written {
    let flag = settings::setting(key).map_or("", |setting| setting.flag);
    let said = match &value {
        Value::Typed(text) if !settings::looks_like_key(text) => Some(shown(text)),
        _ => None,
    };
    Written { at: At { place: Place::Flag(flag), key: key.to_owned(), value: said }, value }
}

/// Text in which an access key would be a leak: it is refused and not repeated.
pub(super) fn public_text(value: &Value) -> Result<String, Problem> {
    let text = read::text(value)?;
    if settings::looks_like_key(&text) { Err(file::secret()) } else { Ok(text) }
}
