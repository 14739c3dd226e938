//! One bucket at work: its named objects, its formula, and the restores accepted so far.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::check::ConfigError;
use super::class::{Class, Tier};
use super::config::{BucketConfig, Dialect, Quirks, Seeded, Versioning};
use super::fixed::{DEFAULT_DAYS, Fixed, seed_mark};
use super::generate::{Generator, Lot, scale, scramble};
use super::mark::Mark;
use super::state::Changed;
use super::version::{At, Id, Slot, Version};
use super::wire::date::Secs;
use super::wire::encode::{STRICT, decode};

/// Made copies became readable at most so long before the start, less than the default days.
const READY_SPREAD: u64 = 3 * 86_400;

/// Restores accepted since the start; a mark here hides the seeded one.
pub(super) type Marks = HashMap<At, Mark>;

/// One bucket at work.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: Arc<str>,
    pub(super) dialect: Dialect,
    pub(super) region: String,
    pub(super) versioning: Versioning,
    pub(super) owner: Option<String>,
    /// Whether objects of the class Archive are readable as they are.
    pub(super) direct_read: bool,
    pub(super) quirks: Quirks,
    /// The hour at which the store first started.
    start: Secs,
    /// By key, ascending.
    fixed: Vec<Fixed>,
    made: Option<Generator>,
    /// The class of delete markers and of nothing.
    standard: Class,
    marks: RwLock<Marks>,
}

/// A place between two keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    fixed: usize,
    made: u64,
}

impl Bucket {
    /// Builds what `from` describes, for a store that first started at `start`.
    pub(super) fn new(from: &BucketConfig, start: Secs) -> Result<Self, ConfigError> {
        let dialect = from.provider;
        let mut fixed = from
            .objects
            .iter()
            .map(|object| Fixed::new(from, object, start))
            .collect::<Result<Vec<_>, ConfigError>>()?;
        fixed.sort_by(|a, b| a.key.cmp(&b.key));
        let versioned = from.versioning != Versioning::Off;
        let made = match &from.generate {
            Some(g) => Some(Generator::new(g, dialect, versioned, &format!("bucket `{}`", from.name))?),
            None => None,
        };
        Ok(Self {
            name: Arc::from(from.name.as_str()),
            dialect,
            region: from.region().to_owned(),
            versioning: from.versioning,
            owner: from.owner.clone(),
            direct_read: from.archive_direct_read,
            quirks: from.quirks.clone(),
            start,
            fixed,
            made,
            standard: Class::standard(dialect),
            marks: RwLock::default(),
        })
    }

    /// The restores accepted so far, for reading.
    pub(super) fn marks(&self) -> RwLockReadGuard<'_, Marks> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on a restore while nobody else can: `decide` sees the version and says what its new
    /// mark is, if it gets one.
    pub(super) fn decide<T>(&self, at: At, decide: impl FnOnce(&Version<'_>) -> (Option<Mark>, T)) -> T {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let (mark, answer) = decide(&self.version(at, &marks));
        if let Some(mark) = mark {
            marks.insert(at, mark);
        }
        answer
    }

    /// Number of versions of a key, delete markers included.
    pub(super) fn depth(&self, slot: Slot) -> u32 {
        match &self.made {
            Some(made) if slot.made => made.versions() + u32::from(made.deleted(slot.index)),
            _ => u32::try_from(self.named(slot).map_or(0, |f| f.versions.len())).unwrap_or(u32::MAX),
        }
    }

    /// Whether the current version is a delete marker.
    pub(super) fn deleted(&self, slot: Slot) -> bool {
        match &self.made {
            Some(made) if slot.made => made.deleted(slot.index),
            _ => self.named(slot).and_then(|f| f.versions.first()).is_some_and(|v| v.delete_marker),
        }
    }

    fn named(&self, slot: Slot) -> Option<&Fixed> {
        usize::try_from(slot.index).ok().and_then(|i| self.fixed.get(i))
    }

    /// All about one version.
    pub(super) fn version(&self, at: At, marks: &Marks) -> Version<'_> {
        let mut version = match &self.made {
            Some(made) if at.slot.made => self.made_version(made, at),
            _ => self.fixed_version(at),
        };
        if !marks.is_empty()
            && let Some(mark) = marks.get(&at)
        {
            version.mark = Some(*mark);
        }
        version
    }

    fn fixed_version(&self, at: At) -> Version<'_> {
        let found = self.named(at.slot).and_then(|f| f.version(at.ordinal));
        found.unwrap_or_else(|| self.marker(at, Id::Null, 0, self.start))
    }

    const fn marker(&self, at: At, id: Id<'static>, lot: u64, modified: Secs) -> Version<'_> {
        Version {
            id,
            latest: at.ordinal == 0,
            delete_marker: true,
            class: &self.standard,
            access: None,
            size: 0,
            modified,
            lot,
            symlink: None,
            mark: None,
        }
    }

    fn made_version<'b>(&'b self, made: &'b Generator, at: At) -> Version<'b> {
        let (i, n) = (at.slot.index, at.ordinal);
        let lot = made.lot(i, n, 8);
        let id = match self.versioning {
            Versioning::Off => Id::Null,
            Versioning::Suspended if n == 0 => Id::Null,
            Versioning::Suspended | Versioning::Enabled => Id::Made(lot),
        };
        let modified = self.start - made.age(i, n);
        if n == 0 && made.deleted(i) {
            return self.marker(at, id, lot, modified);
        }
        let (class, access) = made.class(i, n);
        let mark = match (made.restore(i, n), class.vault(self.dialect, access)) {
            (Lot::Plain, _) | (_, None) => None,
            (lot_of, Some(vault)) => {
                let chance = made.lot(i, n, 9);
                let seeded = if lot_of == Lot::Restoring { Seeded::Running } else { Seeded::Restored };
                let spread = match seeded {
                    Seeded::Running => vault.ready_after(Tier::Standard).unwrap_or(0).unsigned_abs(),
                    Seeded::Restored => READY_SPREAD,
                };
                let ago = scale(chance, spread.max(1)).cast_signed();
                seed_mark(self.dialect, class, vault, seeded, Tier::Standard, DEFAULT_DAYS, self.start - ago)
            }
        };
        Version {
            id,
            latest: n == 0,
            delete_marker: false,
            class,
            access,
            size: made.size(i, n),
            modified,
            lot,
            symlink: None,
            mark,
        }
    }

    /// The key `key`, if the bucket holds it in any version.
    pub(super) fn find(&self, key: &[u8]) -> Option<Slot> {
        if let Ok(index) = self.fixed.binary_search_by(|f| f.key.as_slice().cmp(key)) {
            return Some(Slot { made: false, index: u64::try_from(index).ok()? });
        }
        let made = self.made.as_ref()?;
        let index = made.lower_bound(key, false);
        let mut found = Vec::with_capacity(key.len() + 48);
        (index < made.count()).then(|| made.push_key(&mut found, index))?;
        (found == key).then_some(Slot { made: true, index })
    }

    /// The place before the first key that is `>= key`, or with `after` `> key`.
    pub(super) fn seek(&self, key: &[u8], after: bool) -> Cursor {
        let before = |f: &Fixed| if after { f.key.as_slice() <= key } else { f.key.as_slice() < key };
        Cursor {
            fixed: self.fixed.partition_point(before),
            made: self.made.as_ref().map_or(0, |m| m.lower_bound(key, after)),
        }
    }

    /// The key after `cursor`, which moves past it; its bytes go into `key`. A named object hides a
    /// made one of the same key.
    pub(super) fn next(&self, cursor: &mut Cursor, key: &mut Vec<u8>) -> Option<Slot> {
        key.clear();
        let made = self.made.as_ref().filter(|m| cursor.made < m.count());
        if let Some(made) = made {
            made.push_key(key, cursor.made);
        }
        if let Some(fixed) = self.fixed.get(cursor.fixed)
            && (made.is_none() || fixed.key.as_slice() <= key.as_slice())
        {
            if made.is_some() && fixed.key == *key {
                cursor.made += 1;
            }
            key.clear();
            key.extend_from_slice(&fixed.key);
            let index = u64::try_from(cursor.fixed).ok()?;
            cursor.fixed += 1;
            return Some(Slot { made: false, index });
        }
        made?;
        cursor.made += 1;
        Some(Slot { made: true, index: cursor.made - 1 })
    }

    /// Appends a version id as the vendor writes it.
    pub(super) fn push_id(&self, out: &mut Vec<u8>, id: Id<'_>) {
        match id {
            // Source: COS GET Bucket Object versions page: empty if versioning was never on.
            Id::Null if self.dialect == Dialect::Cos && self.versioning == Versioning::Off => {}
            Id::Null => out.extend_from_slice(b"null"),
            Id::Named(text) => out.extend_from_slice(text.as_bytes()),
            Id::Made(lot) => {
                let (head, length): (&[u8], usize) = match self.dialect {
                    Dialect::Oss => (b"CAEQ", 60),
                    Dialect::Cos => (b"MTg0NDUx", 40),
                    Dialect::S3 => (b"", 32),
                };
                out.extend_from_slice(head);
                let alphabet: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
                let mut word = lot;
                for n in 0..length {
                    if n % 10 == 0 {
                        word = scramble(word);
                    }
                    let six = (word >> (6 * (n % 10))) & 63;
                    out.push(alphabet[usize::try_from(six).unwrap_or(0)]);
                }
            }
        }
    }

    /// The version of `slot` with the id `id`.
    pub(super) fn version_by_id(&self, slot: Slot, id: &[u8]) -> Option<At> {
        let marks = Marks::new();
        let mut text = Vec::with_capacity(72);
        (0..self.depth(slot)).map(|ordinal| At { slot, ordinal }).find(|at| {
            let found = self.version(*at, &marks).id;
            text.clear();
            self.push_id(&mut text, found);
            text == id || (found == Id::Null && id == b"null")
        })
    }

    /// Appends the key of `slot`.
    fn push_key(&self, out: &mut Vec<u8>, slot: Slot) {
        match &self.made {
            Some(made) if slot.made => made.push_key(out, slot.index),
            _ => out.extend_from_slice(self.named(slot).map_or(&[], |f| f.key.as_slice())),
        }
    }

    /// The restores accepted so far, by key.
    pub(super) fn changed(&self) -> Vec<Changed> {
        let marks = self.marks();
        let mut all: Vec<Changed> = marks
            .iter()
            .map(|(at, mark)| {
                let mut key = Vec::new();
                self.push_key(&mut key, at.slot);
                Changed { key: STRICT.text(&key), ordinal: at.ordinal, mark: *mark }
            })
            .collect();
        all.sort_by(|a, b| (&a.key, a.ordinal).cmp(&(&b.key, b.ordinal)));
        all
    }

    /// Takes over what an earlier run left; what the bucket does not hold any more is dropped.
    pub(super) fn take_over(&self, changed: &[Changed]) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        for one in changed {
            if let Some(slot) = self.find(&decode(one.key.as_bytes(), false))
                && one.ordinal < self.depth(slot)
            {
                marks.insert(At { slot, ordinal: one.ordinal }, one.mark);
            }
        }
    }
}
