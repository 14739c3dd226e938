//! Changing bytes at random: the same seed, the same changes.

/// Most changes to one input.
const MOST_CHANGES: usize = 6;
/// Most times that a piece is repeated.
const MOST_REPEATS: usize = 64;

/// Numbers at which arithmetic goes wrong.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "127",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999",
];

/// SplitMix64: small, and good enough to pick changes by.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// A piece of a text of `len` bytes, mostly short.
    fn piece(&mut self, len: usize) -> std::ops::Range<usize> {
        let from = self.below(len + 1);
        let most = if self.below(4) == 0 { len - from } else { (len - from).min(16) };
        from..from + self.below(most + 1)
    }
}

/// `one` changed in a few places, some of it by pieces of `other` or by `words`.
pub(crate) fn mutate(rng: &mut Rng, one: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut text = one.to_vec();
    for _ in 0..=rng.below(MOST_CHANGES) {
        change(rng, &mut text, other, words);
    }
    text
}

fn change(rng: &mut Rng, text: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let at = rng.below(text.len() + 1);
    match rng.below(12) {
        0 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << rng.below(8);
            }
        }
        1 => {
            let byte = u8::try_from(rng.below(256)).unwrap_or(0);
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
        }
        2 => text.truncate(at),
        3 => drop(text.drain(rng.piece(text.len()))),
        4 => {
            let piece = text[rng.piece(text.len())].to_vec();
            text.splice(at..at, piece);
        }
        5 => {
            // Long runs of something short: nesting, lists, digits.
            let from = rng.below(text.len() + 1);
            let piece = text[from..(from + 1 + rng.below(24)).min(text.len())].to_vec();
            let many = piece.repeat(1 + rng.below(MOST_REPEATS));
            text.splice(at..at, many);
        }
        6 | 7 => {
            let word = rng.pick(words).as_bytes();
            text.splice(at..at, word.iter().copied());
        }
        8 => {
            let piece = rng.piece(text.len());
            let word = rng.pick(words).as_bytes();
            text.splice(piece, word.iter().copied());
        }
        9 => number(rng, text),
        10 => {
            let (piece, theirs) = (rng.piece(text.len()), rng.piece(other.len()));
            text.splice(piece, other[theirs].iter().copied());
        }
        _ => {
            // The front of one and the back of the other.
            text.truncate(at);
            text.extend_from_slice(&other[rng.below(other.len() + 1)..]);
        }
    }
}

/// Puts another number in the place of one.
fn number(rng: &mut Rng, text: &mut Vec<u8>) {
    let start = rng.below(text.len() + 1);
    let Some(first) = text[start..].iter().position(u8::is_ascii_digit).map(|n| start + n) else { return };
    let len = text[first..].iter().take_while(|b| b.is_ascii_digit()).count();
    text.splice(first..first + len, rng.pick(&NUMBERS).bytes());
}
