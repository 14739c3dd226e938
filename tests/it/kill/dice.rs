//! Choices that can be made again.

use defrost::pipeline::checkpoint::CommitPoint;

use super::life::Moment;

/// The choices of one run of this test (splitmix64, so that a seed means the same for ever).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) const fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// A moment in a session that takes a second or so.
    pub(super) fn moment(&mut self, passes: u64) -> Moment {
        let pass = 1 + u32::try_from(self.roll(passes)).unwrap();
        match self.roll(if cfg!(debug_assertions) { 4 } else { 2 }) {
            0 => Moment::Served(1 + self.roll(60)),
            1 => Moment::After(self.roll(900)),
            2 => Moment::Asked(self.point(), pass),
            _ => Moment::Point(self.point(), pass),
        }
    }

    fn point(&mut self) -> CommitPoint {
        CommitPoint::ALL[usize::try_from(self.roll(CommitPoint::ALL.len() as u64)).unwrap()]
    }
}
