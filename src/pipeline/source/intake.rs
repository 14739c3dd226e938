//! As many requests in flight as their pages are taken in.
//!
//! More requests bring more pages only as long as somebody is free to take them in. Beyond that each of
//! them adds a page that stands in memory and a request that the store works on ahead of its time; nothing
//! gets faster. How long pages that are whole wait to be taken shows it, whatever the network does. Pages that
//! are not whole since there is no memory for them are bounded where that is shared out, in `store/body.rs`.

use std::time::Duration;

/// So many are in flight from the start, and however late their pages are taken: they fit into the memory
/// that a listing is promised to need.
const PLENTY: usize = 64;
/// A page that waited longer than this was late: taking in a page costs a fraction of a millisecond, so that
/// many stood before it.
const LATE: Duration = Duration::from_millis(5);
/// Once a page was late, so many in time make room for one more.
const EARN: usize = 16;
/// The same before one was late: half as many again with each round.
const EARN_AT_FIRST: usize = 2;

/// How many requests may be in flight.
#[derive(Debug)]
pub(super) struct Intake {
    most: usize,
    now: usize,
    /// Pages in time since the last that was late, or since they last made room.
    timely: usize,
    /// Whether a page was late yet.
    late: bool,
}

impl Intake {
    /// At most so many, as the job says.
    pub(super) fn new(most: usize) -> Self {
        Self { most, now: most.min(PLENTY), timely: 0, late: false }
    }

    /// Requests that may be in flight now.
    pub(super) const fn now(&self) -> usize {
        self.now
    }

    /// Takes note of a page that was whole for so long when it was taken in.
    pub(super) fn took_in(&mut self, waited: Duration) {
        if waited > LATE {
            self.late = true;
            self.timely = 0;
            self.now = (self.now - 1).max(self.most.min(PLENTY));
            return;
        }
        self.timely += 1;
        if self.timely >= if self.late { EARN } else { EARN_AT_FIRST } {
            self.timely = 0;
            self.now = (self.now + 1).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of pages in time, and of pages too late, in turn.
    fn after(most: usize, pages: &[(usize, bool)]) -> usize {
        let mut intake = Intake::new(most);
        for (count, late) in pages {
            let waited = if *late { LATE * 2 } else { LATE };
            (0..*count).for_each(|_| intake.took_in(waited));
        }
        intake.now()
    }

    #[test]
    fn a_machine_that_keeps_up_has_all_in_flight_after_few_rounds() {
        assert_eq!(after(256, &[]), 64);
        assert_eq!(after(256, &[(64, false)]), 96);
        // 64, 96, 144, 216 pages.
        assert_eq!(after(256, &[(64 + 96 + 144 + 216, false)]), 256);
        assert_eq!(after(256, &[(100_000, false)]), 256);
    }

    #[test]
    fn pages_that_wait_bring_it_down_to_plenty_and_no_further() {
        assert_eq!(after(256, &[(1000, false), (56, true)]), 200);
        assert_eq!(after(256, &[(1000, false), (1000, true)]), 64);
    }

    #[test]
    fn it_climbs_again_when_pages_are_taken_in_time() {
        assert_eq!(after(256, &[(1, true), (EARN * 10, false)]), 74);
        assert_eq!(after(256, &[(1, true), (EARN * 200, false)]), 256);
        // Where one late page takes away what those in time bring, it stands still.
        let even = [&[(64 * EARN_AT_FIRST, false)][..], &[(1, true), (EARN, false)].repeat(500)].concat();
        assert_eq!(after(256, &even), 128);
    }

    #[test]
    fn what_a_job_asks_for_within_plenty_it_gets_at_once_and_keeps() {
        for most in [1, 8, 64] {
            for pages in [&[][..], &[(1000, false)], &[(1000, true)]] {
                assert_eq!(after(most, pages), most);
            }
        }
    }
}
