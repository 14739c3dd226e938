//! As many list requests in flight as bring more.
//!
//! More requests bring more pages only as long as somebody has time for them. Once the store, the network
//! or this machine is the slow one, each of them adds a page that stands somewhere in a queue, often in our
//! memory, and a request that the store works on ahead of its time; nothing gets faster. Three things tell:
//!
//! - The store says so.
//! - A page is whole and waits to be taken in: this machine is behind.
//! - Pages take longer than they did with few in flight. Where nobody is behind, a page takes what it takes,
//!   whatever else is in flight; where somebody is, it takes longer by as much as there are more.

use std::time::Duration;

/// So many are in flight from the start, and however long pages take or wait: they fit into the memory that
/// a listing is promised to need. Only a store that asks for less gets less.
const PLENTY: usize = 64;
/// A page that waited longer than this was late: taking in a page costs a fraction of a millisecond, so that
/// many stood before it.
const LATE: Duration = Duration::from_millis(5);
/// Pages are slow if they take more than this many hundredths of what they take with few in flight. Times
/// scatter; where they do as much as those of a queue, their mean over a round does by a tenth.
const SLOW: u32 = 120;
/// So many pages in time make room for one more request.
const EARN: usize = 16;
/// The same before any page was slow or late: half as many again with each round.
const EARN_AT_FIRST: usize = 2;
/// So many slow pages take the room of one.
const LOSE: usize = 4;
/// Pages after which it is believed that they take longer for good, and not since the machine is busy for
/// a moment: a few seconds.
const RELEARN: usize = 4096;

/// How many requests may be in flight.
#[derive(Debug)]
pub(super) struct Concurrency {
    most: usize,
    now: usize,
    /// Whether there ever were too many for pages to come in time.
    behind: bool,
    /// Pages that had come when the store last asked for fewer.
    asked: Option<usize>,
    /// Pages in time since the last that was not, or since they last made room.
    timely: usize,
    /// Slow pages since the last that was not, or since they last took room away.
    slow: usize,
    /// Pages that came.
    pages: usize,
    /// What a page takes: the mean over about a round.
    lately: Duration,
    /// What a page takes with few in flight.
    usual: Duration,
}

impl Concurrency {
    /// At most so many, as the job says.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            now: most.min(PLENTY),
            behind: false,
            asked: None,
            timely: 0,
            slow: 0,
            pages: 0,
            lately: Duration::ZERO,
            usual: Duration::ZERO,
        }
    }

    /// Requests that may be in flight now.
    pub(super) const fn now(&self) -> usize {
        self.now
    }

    /// Takes note that the store asked for fewer. It says so to many that are in flight together, and once
    /// is enough for all of them.
    pub(super) fn slow_down(&mut self) {
        if self.asked.is_none_or(|asked| self.pages - asked >= self.now) {
            self.asked = Some(self.pages);
            self.now = (self.now * 3 / 4).max(1);
            self.timely = 0;
        }
    }

    /// Takes note of a page that `took` so long from its request until it was taken in, for the last part of
    /// which it was whole and `waited`.
    pub(super) fn took_in(&mut self, took: Duration, waited: Duration) {
        self.measure(took);
        // There is always room for plenty.
        let in_time = self.now < PLENTY;
        if waited > LATE && !in_time {
            self.shrink();
        } else if self.is_slow() && !in_time {
            self.timely = 0;
            self.slow += 1;
            if self.slow >= LOSE {
                self.shrink();
            }
        } else if self.is_measured() || in_time {
            self.slow = 0;
            self.timely += 1;
            if self.timely >= self.earn() {
                self.timely = 0;
                self.now = (self.now + 1).min(self.most);
            }
        }
    }

    fn shrink(&mut self) {
        self.now = (self.now - 1).max(self.most.min(PLENTY));
        (self.timely, self.slow) = (0, 0);
        self.behind = true;
    }

    /// Pages in time that make room for one more.
    const fn earn(&self) -> usize {
        match (self.asked, self.behind) {
            // One with each round.
            (Some(_), _) => self.now,
            (None, true) => EARN,
            (None, false) => EARN_AT_FIRST,
        }
    }

    /// Whether it is known what a page takes.
    const fn is_measured(&self) -> bool {
        self.pages >= PLENTY
    }

    fn is_slow(&self) -> bool {
        self.is_measured() && self.lately * 100 > self.usual * SLOW
    }

    fn measure(&mut self, took: Duration) {
        self.pages = self.pages.saturating_add(1);
        // One that took very long was refused and asked for again, and tells little of the others.
        let told = if self.pages == 1 { took } else { took.min(self.lately * 2) };
        self.lately = mean(self.lately, told, self.pages.min(self.now));
        if self.lately < self.usual || !self.is_measured() {
            self.usual = mean(self.usual, self.lately, self.pages.min(PLENTY));
        } else if self.now <= PLENTY {
            self.usual = mean(self.usual, self.lately, RELEARN);
        }
    }
}

/// The mean of `of` values, `one` of them new and the others with this mean; where values keep coming,
/// roughly that of the last so many.
fn mean(others: Duration, one: Duration, of: usize) -> Duration {
    let of = u32::try_from(of).unwrap_or(u32::MAX).max(1);
    (others * (of - 1) + one) / of
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Duration = Duration::from_millis(50);

    /// Lets so many pages come that each take what `took` says of the requests in flight and the page's
    /// number, and tells how many were in flight before each.
    fn come(
        at: &mut Concurrency,
        pages: usize,
        mut took: impl FnMut(usize, usize) -> Duration,
    ) -> Vec<usize> {
        let one = |page| {
            let now = at.now();
            at.took_in(took(now, page), Duration::ZERO);
            now
        };
        (0..pages).map(one).collect()
    }

    /// The same of a listing of at most 256.
    fn after(pages: usize, took: impl FnMut(usize, usize) -> Duration) -> Concurrency {
        let mut at = Concurrency::new(256);
        come(&mut at, pages, took);
        at
    }

    /// Times that scatter as those of a queue do, as the multiples of the golden ratio's inverse do, which
    /// fill the interval from 0 to 1 evenly: most are short, and some many times the mean.
    fn scattered(mean: Duration, page: usize) -> Duration {
        let even = (page as f64 * 0.618_033_988_749_895 + 0.5).fract();
        mean.mul_f64(-(1.0 - even).ln())
    }

    #[test]
    fn all_are_in_flight_after_few_rounds_where_everybody_keeps_up() {
        assert_eq!(after(63, |_, _| PAGE).now(), 64);
        // 64, 96, 144, 216 pages, the first of them to see what one takes.
        assert_eq!(after(64 + 64 + 96 + 144 + 216, |_, _| PAGE).now(), 256);
        assert_eq!(after(100_000, |_, _| PAGE).now(), 256);
        // However times scatter.
        assert!(after(5_000, |_, page| scattered(PAGE, page)).now() >= 240);
    }

    #[test]
    fn the_first_ones_may_take_longer_since_connections_are_made() {
        assert_eq!(after(1000, |_, page| if page < 64 { PAGE * 3 } else { PAGE }).now(), 256);
    }

    #[test]
    fn pages_that_take_longer_the_more_are_in_flight_bring_it_down_to_plenty() {
        // Who is behind takes in a page every millisecond.
        for busy in [1, 2, 10] {
            let took = |now: usize| PAGE.max(Duration::from_millis(now as u64 * busy));
            let levels = come(&mut Concurrency::new(256), 20_000, |now, _| took(now));
            let most = levels[2000..].iter().max();
            assert!(most.is_some_and(|most| *most <= 64 * 5 / 4), "{most:?}");
            let times = |now, page| scattered(took(now), page);
            let levels = come(&mut Concurrency::new(256), 20_000, times);
            let most = levels[2000..].iter().max();
            assert!(most.is_some_and(|most| *most <= 64 * 3 / 2), "{most:?}");
        }
    }

    #[test]
    fn where_pages_take_longer_for_good_it_comes_down_and_climbs_again() {
        let mut at = after(2000, |_, _| PAGE);
        assert_eq!(at.now(), 256);
        let levels = come(&mut at, 20_000, |_, _| PAGE * 2);
        assert!(levels[..2000].contains(&64), "nobody knows yet why they do");
        assert_eq!(at.now(), 256);
    }

    #[test]
    fn pages_that_were_asked_for_twice_do_not_matter() {
        // One in thirty takes a second.
        let took = |_, page: usize| if page.is_multiple_of(30) { PAGE * 20 } else { PAGE };
        assert_eq!(after(1000, took).now(), 256);
    }

    #[test]
    fn pages_that_wait_bring_it_down_to_plenty_and_no_further() {
        for (pages, now) in [(56, 200), (1000, 64)] {
            let mut at = after(1000, |_, _| PAGE);
            (0..pages).for_each(|_| at.took_in(PAGE, LATE * 2));
            assert_eq!(at.now(), now);
            // It climbs again when they do not.
            come(&mut at, EARN * 10, |_, _| PAGE);
            assert_eq!(at.now(), now + 10);
        }
    }

    #[test]
    fn a_store_that_asks_to_slow_down_gets_a_quarter_less_once_a_round() {
        let mut at = after(1000, |_, _| PAGE);
        (0..10).for_each(|_| at.slow_down());
        assert_eq!(at.now(), 192);
        come(&mut at, 191, |_, _| PAGE);
        at.slow_down();
        assert_eq!(at.now(), 192);
        come(&mut at, 1, |_, _| PAGE);
        assert_eq!(at.now(), 193, "one more with a round");
        come(&mut at, 1, |_, _| PAGE);
        at.slow_down();
        assert_eq!(at.now(), 144);
        // Less than plenty as well, and then one more with each round, slow or not.
        let mut at = Concurrency::new(64);
        at.slow_down();
        assert_eq!(at.now(), 48);
        come(&mut at, 48 + 49 + 50, |_, page| PAGE * u32::try_from(page).unwrap());
        assert_eq!(at.now(), 51);
        let mut at = Concurrency::new(1);
        at.slow_down();
        assert_eq!(at.now(), 1);
    }

    #[test]
    fn what_a_job_asks_for_within_plenty_it_gets_at_once_and_keeps() {
        for most in [1, 8, 64] {
            for (took, waited) in [(PAGE, LATE), (PAGE * 9, LATE), (PAGE, LATE * 2)] {
                let mut at = Concurrency::new(most);
                (0..1000).for_each(|_| at.took_in(PAGE, Duration::ZERO));
                (0..1000).for_each(|_| at.took_in(took, waited));
                assert_eq!(at.now(), most);
            }
        }
    }
}
