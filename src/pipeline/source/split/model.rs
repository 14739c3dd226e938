//! Where a key lies in a stretch of keys, judged by the characters that its pages show.

use super::letter;
use super::lore::{Lore, Place};

/// Keys are told apart within this many characters behind the base.
const PLACES: usize = 40;
/// Positions are f64: beyond this many bits more characters would not show.
const BITS: f64 = 50.0;

/// Times that the characters before a place must have changed within one page for the characters
/// at it to be all that there are: no others are guessed then.
const CYCLES: usize = 5;

/// The characters seen at one place.
#[derive(Clone, Debug, Default)]
struct Alphabet {
    ascii: u128,
    /// Stretches of those beyond ASCII, ascending, both ends included.
    wide: Vec<(u32, u32)>,
}

/// Letters that belong together: if two of a stretch are seen, the others may come.
const SCRIPTS: [(u32, u32); 8] = [
    (0x391, 0x3c9),
    (0x410, 0x44f),
    (0x5d0, 0x5ea),
    (0x621, 0x64a),
    (0xe01, 0xe4e),
    (0x3041, 0x30fa),
    (0x4e00, 0x9fa5),
    (0xac00, 0xd7a3),
];

const DIGITS: u128 = span(b'0', b'9');
const LOWER: u128 = span(b'a', b'z');
const UPPER: u128 = span(b'A', b'Z');
const HEX_LOWER: u128 = span(b'a', b'f');
const HEX_UPPER: u128 = span(b'A', b'F');

/// The set of ASCII characters from `a` to `b`.
const fn span(a: u8, b: u8) -> u128 {
    (u128::MAX >> (127 - (b - a))) << a
}

impl Alphabet {
    fn add(&mut self, c: u32) {
        if c < 128 {
            self.ascii |= 1 << c;
        } else if let Err(at) = self.wide.binary_search(&(c, c)) {
            self.wide.insert(at, (c, c));
        }
    }

    fn len(&self) -> usize {
        self.ascii.count_ones() as usize
            + self.wide.iter().map(|(from, to)| (to - from + 1) as usize).sum::<usize>()
    }

    /// How many members lie below `c`, and whether `c` is one.
    fn rank(&self, c: u32) -> (usize, bool) {
        if c < 128 {
            let below = self.ascii & ((1 << c) - 1);
            return (below.count_ones() as usize, self.ascii >> c & 1 == 1);
        }
        let mut rank = self.ascii.count_ones() as usize;
        for (from, to) in &self.wide {
            if c < *from {
                break;
            }
            if c <= *to {
                return (rank + (c - from) as usize, true);
            }
            rank += (to - from + 1) as usize;
        }
        (rank, false)
    }

    fn nth(&self, n: usize) -> Option<u32> {
        let mut left = u32::try_from(n).ok()?;
        let mut set = self.ascii;
        while set != 0 {
            if left == 0 {
                return Some(set.trailing_zeros());
            }
            left -= 1;
            set &= set - 1;
        }
        for (from, to) in &self.wide {
            if left <= to - from {
                return Some(from + left);
            }
            left -= to - from + 1;
        }
        None
    }

    /// Adds the characters that belong with those seen. A single letter stays as it is: it may be
    /// part of a word that never changes.
    fn close(&mut self, hex: bool, futile: u128, edge: bool) {
        let seen = self.ascii;
        if seen & DIGITS != 0 {
            self.ascii |= DIGITS;
        }
        if hex {
            let letters = if seen & UPPER != 0 { HEX_UPPER } else { HEX_LOWER };
            self.ascii |= DIGITS | letters;
        } else {
            for class in [LOWER, UPPER] {
                if (seen & class).count_ones() > u32::from(!edge) {
                    self.ascii |= class;
                }
            }
        }
        self.ascii = seen | (self.ascii & !futile);
    }

    fn close_wide(&mut self, edge: bool) {
        if let (Some((first, _)), Some((last, _))) = (self.wide.first(), self.wide.last())
            && (edge || first < last)
        {
            let script = SCRIPTS.iter().find(|(from, to)| first >= from && last <= to);
            self.wide = vec![*script.unwrap_or(&(*first, *last))];
        }
    }
}

/// Whether the word of `key` around offset `at` looks like a hexadecimal number.
pub(super) fn hex_like(key: &[u8], at: usize) -> bool {
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    let from = key.get(..at).map_or(0, |head| head.len() - head.iter().rev().take_while(|b| word(b)).count());
    let word = key.get(from..).map_or(&[][..], |tail| {
        let len = tail.iter().take_while(|b| word(b)).count();
        tail.get(..len).unwrap_or_default()
    });
    let digit = word.iter().any(u8::is_ascii_digit);
    word.len() > 3
        && digit
        && word.iter().all(u8::is_ascii_hexdigit)
        && !(word.iter().all(u8::is_ascii_digit))
}

/// Key ↔ position in [0, 1] for all keys that begin with one base.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    base: Vec<u8>,
    places: Vec<Alphabet>,
}

impl Model {
    /// Learns from sample keys; those that do not begin with `base` are passed over.
    pub(super) fn learn(base: &[u8], samples: &[&[u8]], lore: &Lore) -> Self {
        let mut at = Place::behind(base);
        let mut tails: Vec<(&[u8], usize)> =
            samples.iter().filter(|key| key.starts_with(base)).map(|key| (*key, base.len())).collect();
        let mut turns: Vec<usize> =
            tails.windows(2).filter_map(|w| Some(letter::common(w.first()?.0, w.get(1)?.0))).collect();
        turns.sort_unstable();
        let mut places = Vec::new();
        let mut bits = 0.0;
        while places.len() < PLACES && bits < BITS {
            let mut place = Alphabet::default();
            let judges = [0, tails.len() / 2, tails.len().saturating_sub(1)];
            let hex =
                judges.iter().filter_map(|n| tails.get(*n)).filter(|(key, at)| hex_like(key, *at)).count();
            let mut seen = false;
            let futile = lore.futile(at);
            if let Some(c) = tails.last().and_then(|(key, at)| key.get(*at..)).and_then(letter::first) {
                at = at.past(c.0);
            }
            for (key, at) in &mut tails {
                if let Some((c, len)) = key.get(*at..).and_then(letter::first) {
                    place.add(c);
                    seen = true;
                    *at += len;
                }
            }
            if !seen {
                break;
            }
            let here = tails.get(judges[1]).map_or(0, |(_, at)| at.saturating_sub(1));
            if turns.partition_point(|turn| *turn < here) < CYCLES {
                place.close(hex > 1, futile, places.is_empty());
            }
            place.close_wide(places.is_empty());
            bits += (place.len() as f64).log2();
            places.push(place);
        }
        Self { base: base.to_vec(), places }
    }

    /// Position of `key`: 0 at or below the base, 1 above all that begins with it. Never falls as
    /// keys rise.
    pub(super) fn position(&self, key: &[u8]) -> f64 {
        let Some(tail) = key.strip_prefix(self.base.as_slice()) else {
            return if key > self.base.as_slice() { 1.0 } else { 0.0 };
        };
        let (mut x, mut scale, mut at) = (0.0, 1.0, 0);
        for place in &self.places {
            let Some((c, len)) = tail.get(at..).and_then(letter::first) else { break };
            at += len;
            let (rank, member) = place.rank(c);
            scale /= place.len() as f64;
            x += rank as f64 * scale;
            if !member {
                break;
            }
        }
        x.min(1.0)
    }

    /// The shortest key at `x`, give or take `grain`.
    pub(super) fn key(&self, x: f64, grain: f64) -> Vec<u8> {
        let mut out = self.base.clone();
        let (mut rest, mut scale) = (x.clamp(0.0, 1.0), 1.0);
        for place in &self.places {
            let size = place.len();
            let at = (rest * size as f64).max(0.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
            let rank = (at as usize).min(size - 1);
            let Some(c) = place.nth(rank) else { break };
            letter::push(&mut out, c);
            rest = at - rank as f64;
            scale /= size as f64;
            if rest * scale <= grain {
                break;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(base: &str, samples: &[&str]) -> Model {
        let samples: Vec<&[u8]> = samples.iter().map(|key| key.as_bytes()).collect();
        Model::learn(base.as_bytes(), &samples, &Lore::default())
    }

    #[test]
    fn positions_rise_with_keys_and_lead_back() {
        let m = model("a/", &["a/0f-x", "a/1b-x", "a/2c-x"]);
        let keys = ["Z", "a/", "a/0", "a/0f-x", "a/10", "a/1b-x", "a/2c-x", "a/9f", "a0", "b"];
        let at: Vec<f64> = keys.iter().map(|key| m.position(key.as_bytes())).collect();
        assert!(at.is_sorted(), "{at:?}");
        assert_eq!((at[0], at[1], at[8], at[9]), (0.0, 0.0, 1.0, 1.0));
        for x in [0.0, 0.2, 0.5, 0.77] {
            assert!((m.position(&m.key(x, 0.001)) - x).abs() < 0.001, "{x}");
        }
    }

    #[test]
    fn a_cut_is_no_longer_than_it_must() {
        let m = model("", &["0123", "4567", "8901"]);
        assert_eq!(m.key(0.5, 0.05), b"5");
        assert_eq!(m.key(0.52, 0.005), b"52");
    }

    #[test]
    fn digits_are_guessed_unless_they_ran_through() {
        // Tens move once, ones run through 0 to 4 eight times.
        let samples: Vec<String> = (0..40).map(|n| format!("{:02}{}", n / 5, n % 5)).collect();
        let m = model("", &samples.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(m.places.iter().map(Alphabet::len).collect::<Vec<_>>(), [10, 10, 5]);
    }

    #[test]
    fn letters_of_a_script_are_guessed_together() {
        let m = model("", &["丁.txt", "丂.txt"]);
        assert_eq!(m.places[0].len(), 0x9fa5 - 0x4e00 + 1);
        assert_eq!(m.places[1].len(), 1);
        assert!(str::from_utf8(&m.key(0.5, 0.001)).is_ok());
    }

    #[test]
    fn hexadecimal_words_are_told_from_words() {
        assert!(hex_like(b"x/00ff12-a", 4));
        assert!(hex_like(b"x/00ff12-a", 2));
        for word in ["face", "cafe/12", "2021", "12g4"] {
            assert!(!hex_like(word.as_bytes(), 0), "{word}");
        }
    }
}
