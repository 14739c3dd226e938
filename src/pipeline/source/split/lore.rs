//! What all pages together have shown: which characters stand at which place of a path.
//!
//! A page of January shows the digits of January. That months end at 12, that years begin with 20
//! and that a counter of eight digits begins with zeros is only seen by pages from far apart, so
//! it is remembered by place: how many folders deep, which word of the name, which letter of it.

use std::collections::HashMap;

use super::letter;

/// Characters of one key that are looked at.
const REACH: usize = 160;
/// Keys looked at in a page.
const KEYS: usize = 6;
/// Places remembered; what lies beyond is simply not remembered.
const PLACES: usize = 4096;

/// A place in a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    folder: u8,
    word: u8,
    letter: u8,
}

impl Place {
    /// The place behind this one, if `c` stands here.
    pub(super) fn past(self, c: u32) -> Self {
        let ascii = u8::try_from(c).unwrap_or(b'x');
        if ascii == b'/' {
            Self { folder: self.folder.saturating_add(1), word: 0, letter: 0 }
        } else if ascii < 0x80 && !ascii.is_ascii_alphanumeric() {
            Self { word: self.word.saturating_add(1), letter: 0, ..self }
        } else {
            Self { letter: self.letter.saturating_add(1), ..self }
        }
    }

    /// The place behind `head`.
    pub(super) fn behind(head: &[u8]) -> Self {
        let (mut place, mut at) = (Self::default(), 0);
        while let Some((c, len)) = head.get(at..).and_then(letter::first) {
            place = place.past(c);
            at += len;
        }
        place
    }
}

/// What is known of one place.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// ASCII characters that stood there.
    seen: u128,
    /// Those that a cut guessed in vain, once or oftener, and twice or oftener.
    once: u128,
    twice: u128,
    /// Digits guessed in vain.
    digits: u32,
}

const DIGITS: u128 = 0x3ff << b'0';
/// Digits guessed in vain at a place before no digit is guessed there that was never seen.
const VAIN: u32 = 4;

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub(super) struct Lore {
    places: HashMap<Place, Known>,
}

impl Lore {
    fn known(&mut self, place: Place) -> Option<&mut Known> {
        if self.places.len() < PLACES || self.places.contains_key(&place) {
            Some(self.places.entry(place).or_default())
        } else {
            None
        }
    }

    /// Takes note of what a page shows.
    pub(super) fn note(&mut self, samples: &[&[u8]]) {
        let step = samples.len().div_ceil(KEYS).max(1);
        for key in samples.iter().step_by(step) {
            let (mut place, mut at) = (Place::default(), 0);
            while let Some((c, len)) = key.get(at..).and_then(letter::first) {
                if at > REACH {
                    break;
                }
                if c < 128
                    && let Some(known) = self.known(place)
                {
                    known.seen |= 1 << c;
                }
                place = place.past(c);
                at += len;
            }
        }
    }

    /// No key begins with the cut `m`, of which the first `real` bytes are those of real keys.
    pub(super) fn vain(&mut self, m: &[u8], real: usize) {
        let real = letter::floor(m, real);
        let (Some(head), Some((c, _))) = (m.get(..real), m.get(real..).and_then(letter::first)) else {
            return;
        };
        if c < 128
            && let Some(known) = self.known(Place::behind(head))
        {
            known.twice |= known.once & 1 << c;
            known.once |= 1 << c;
            if DIGITS >> c & 1 == 1 && known.seen >> c & 1 == 0 {
                known.digits += 1;
            }
        }
    }

    /// ASCII characters not worth a guess at `place`.
    pub(super) fn futile(&self, place: Place) -> u128 {
        self.places.get(&place).map_or(0, |known| {
            let digits = if known.digits >= VAIN { DIGITS } else { 0 };
            (known.twice | digits) & !known.seen
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_in_vain_is_not_made_a_third_time() {
        let mut lore = Lore::default();
        let place = Place::behind(b"x/dt=2022-");
        lore.note(&[b"x/dt=2022-01", b"y/dt=2023-12"]);
        lore.vain(b"x/dt=2022-4", 10);
        assert_eq!(lore.futile(place), 0);
        // Places of the same kind in other folders teach each other.
        lore.vain(b"y/dt=2023-45/", 10);
        assert_eq!(lore.futile(place), 1 << b'4');
        lore.vain(b"y/dt=2023-6", 10);
        lore.vain(b"y/dt=2023-7", 10);
        // After four digits no digit is guessed that was not seen.
        assert_eq!(lore.futile(place), DIGITS & !(1 << b'0' | 1 << b'1'));
        lore.note(&[b"z/dt=2023-40"]);
        assert_eq!(lore.futile(place) >> b'4' & 1, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lore = Lore::default();
        for n in 0..200_u32 {
            let key: Vec<u8> =
                "a/".repeat(n as usize % 60).into_bytes().into_iter().chain([b'x'; 100]).collect();
            lore.note(&[&key]);
        }
        assert!(lore.places.len() <= PLACES);
    }
}
