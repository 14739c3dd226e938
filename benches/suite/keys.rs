//! The keys that the bench's store holds.

use anyhow::{Context as _, Result, bail};

use super::planner::{EIGHT, Keys as _, Space};

/// Which keys a store is to hold; told to its process as one word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spec {
    /// `data/0000000042.bin` and so on: computed, so any number of them costs no memory.
    Numbered(u64),
    /// One of the eight key spaces of the planner's trials, of about so many keys; held in memory.
    Space(&'static str, u64),
    /// So many versions of one key.
    Versions(u64),
}

impl Spec {
    pub(crate) fn word(self) -> String {
        match self {
            Self::Numbered(count) => format!("numbered:{count}"),
            Self::Space(name, count) => format!("{name}:{count}"),
            Self::Versions(count) => format!("versions:{count}"),
        }
    }

    /// # Errors
    /// If `word` is none that [`Spec::word`] makes.
    pub(crate) fn read(word: &str) -> Result<Self> {
        let (name, count) = word.split_once(':').context("NAME:COUNT")?;
        let count = count.parse()?;
        Ok(match name {
            "numbered" => Self::Numbered(count),
            "versions" => Self::Versions(count),
            _ => match EIGHT.into_iter().find(|space| *space == name) {
                Some(space) => Self::Space(space, count),
                None => bail!("there is no key space `{name}`"),
            },
        })
    }
}

/// Sorted keys.
pub(crate) enum Keys {
    Numbered(u64),
    Held(Held),
    Versions(u64),
}

/// Keys one behind the other, as bytes and as they stand in an answer.
pub(crate) struct Held {
    plain: Strings,
    /// Where they differ from the plain ones.
    encoded: Option<Strings>,
}

#[derive(Default)]
struct Strings {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len());
    }

    fn get(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }
}

/// The key whose versions a store of versions holds.
pub(crate) const ONE_KEY: &[u8] = b"ledger/balance.json";
const HEAD: &[u8] = b"data/";
const DIGITS: usize = 10;
const TAIL: &[u8] = b".bin";

impl Keys {
    pub(crate) fn new(spec: Spec) -> Self {
        match spec {
            Spec::Numbered(count) => Self::Numbered(count),
            Spec::Versions(count) => Self::Versions(count),
            Spec::Space(name, count) => Self::Held(held(&Space::new(name, count))),
        }
    }

    /// How many entries a listing has.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numbered(count) | Self::Versions(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::Held(held) => held.plain.ends.len(),
        }
    }

    /// Writes key `i` as it stands in an answer, URL-encoded.
    pub(crate) fn put(&self, i: usize, out: &mut Vec<u8>) {
        match self {
            Self::Numbered(_) => number(i, out),
            Self::Held(held) => out.extend_from_slice(held.encoded.as_ref().unwrap_or(&held.plain).get(i)),
            Self::Versions(_) => out.extend_from_slice(ONE_KEY),
        }
    }

    /// Index of the first key after `key`.
    pub(crate) fn after(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.count());
        let mut text = Vec::with_capacity(32);
        while low < high {
            let mid = low.midpoint(high);
            let at: &[u8] = match self {
                Self::Held(held) => held.plain.get(mid),
                Self::Numbered(_) => {
                    text.clear();
                    number(mid, &mut text);
                    &text
                }
                Self::Versions(_) => ONE_KEY,
            };
            if at <= key { low = mid + 1 } else { high = mid }
        }
        low
    }
}

fn number(mut n: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
    }
    out.extend_from_slice(HEAD);
    out.extend_from_slice(&digits);
    out.extend_from_slice(TAIL);
}

fn held(space: &Space) -> Held {
    let (mut plain, mut encoded) = (Strings::default(), Strings::default());
    let mut text = String::new();
    let mut code = Vec::new();
    for i in 0..space.count() {
        space.key(i, &mut text);
        encode(text.as_bytes(), &mut code);
        plain.push(text.as_bytes());
        encoded.push(&code);
    }
    Held { encoded: (plain.text != encoded.text).then_some(encoded), plain }
}

/// As S3 writes keys under `encoding-type=url`: a space is `+`, a slash stands for itself.
fn encode(key: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.clear();
    for byte in key {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => out.push(*byte),
            b' ' => out.push(b'+'),
            _ => out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
}
