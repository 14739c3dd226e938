//! As many list requests in flight as bring more.
//!
//! More requests bring more pages only as long as somebody has time for them. Once the store, the network
//! or this machine is the slow one, each of them adds a page that stands somewhere in a queue, often in our
//! memory, and a request that the store works on ahead of its time; nothing gets faster. Three things tell:
//!
//! - The store says so.
//! - A page is whole and waits to be taken in: this machine is behind.
//! - Pages take longer than they did with few in flight. Where nobody is behind, a page takes what it takes,
//!   whatever else is in flight; where somebody is, it takes longer by as much as there are more. Somebody
//!   may be our own list rate: a page's time begins when it is wanted, not when its request may leave.
//!
//! Whether more bring more can only be tried, and each try that fails is a moment of more memory. So tries
//! that fail are made ever more rarely, until one succeeds.

use std::time::Duration;

/// So many are in flight from the start, and however long pages take or wait: they fit into the memory that
/// a listing is promised to need. Only a store that asks for less gets less.
const PLENTY: usize = 64;
/// A page that waited longer than this was late: taking in a page costs a fraction of a millisecond, so that
/// many stood before it.
const LATE: Duration = Duration::from_millis(5);
/// Pages are slow while their mean is more than this many hundredths of what they take with few in flight. The
/// mean over a round scatters too: by a twentieth where times do by half. Where they scatter much more, fewer
/// than there might be are in flight at times.
const SLOW: u32 = 120;
/// With fewer in flight than this pages are slow or late for another reason than that there are more: a fifth
/// more take a fifth longer at most.
const TELLING: usize = PLENTY * 6 / 5;
/// So many pages in time make room for one more request.
const EARN: usize = 16;
/// The same before any page was slow or late: a sixth more with each round. What a page takes is the mean over
/// a round, so that where more bring nothing about as many are too many before that shows;
const EARN_AT_FIRST: usize = 6;
/// unless it is seen to begin: the mean is more than this many hundredths of what pages take with few in flight.
/// By chance it is so at times, too, and then the climb is as it is later.
const SLOWER: u32 = 105;
/// So many pages while they are slow take the room of one.
const LOSE: usize = 4;
/// With as many as this, or as many as the job allows, more than plenty have brought something.
const MUCH: usize = PLENTY * 2;
/// Where more brought nothing there is one less with every so many pages, down to plenty. With all of them less
/// at once the store has little new to do, and answers the others faster than their pages are taken in.
const BACK: usize = 2;
/// From then on it is so many pages before it tries again,
const REST: usize = 256;
/// for twice as many each time, and at most for so many: each try is a moment of more memory, and tells what
/// the last one did.
const LONGEST_REST: usize = 64 * REST;
/// Pages after which it is believed that they take less for good, and not by chance or since they are short
/// for a while;
const LESS: usize = 512;
/// and that they take longer for good, and not since the machine is busy for some seconds.
const LONGER: usize = 4096;

const _: () = assert!((MUCH - PLENTY) * BACK < REST, "the way back must be shorter than the rest");

/// How many requests may be in flight.
#[derive(Debug)]
pub(super) struct Concurrency {
    /// As the job says.
    most: usize,
    limit: usize,
    /// Whether there ever were too many for pages to come in time.
    behind: bool,
    /// The page, counted from the first, at which the store last asked for fewer.
    asked_at: Option<usize>,
    /// Pages in time since the last that was not, or since they last made room.
    timely: usize,
    /// Pages while they are slow, since the last that was in time, or since they last took room away.
    slow: usize,
    /// Pages that come before it tries again whether more bring anything.
    rest: usize,
    /// The same after the next try that fails.
    next_rest: usize,
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
            limit: most.min(PLENTY),
            behind: false,
            asked_at: None,
            timely: 0,
            slow: 0,
            rest: 0,
            next_rest: REST,
            pages: 0,
            lately: Duration::ZERO,
            usual: Duration::ZERO,
        }
    }

    /// Requests that may be in flight now.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Takes note that the store asked for fewer. It says so to many that are in flight together, and once
    /// is enough for all of them.
    pub(super) fn slow_down(&mut self) {
        if self.asked_at.is_none_or(|page| self.pages - page >= self.limit) {
            self.asked_at = Some(self.pages);
            self.limit = (self.limit * 3 / 4).max(1);
            self.timely = 0;
        }
    }

    /// Takes note of a page that `took` so long from its request until it was taken in, for the last part of
    /// which it was whole and `waited`, and that came while so many were in flight `besides`.
    pub(super) fn took_in(&mut self, took: Duration, waited: Duration, besides: usize) {
        self.measure(took);
        self.rest = self.rest.saturating_sub(1);
        if self.rest > 0 && self.limit > PLENTY {
            // On the way back from a try that failed.
            self.limit -= usize::from(waited > LATE || self.rest.is_multiple_of(BACK));
            return;
        }
        // Below plenty only the store lowers it.
        let below_plenty = self.limit < PLENTY;
        if waited > LATE && !below_plenty {
            self.shrink();
        } else if self.is_slow() && !below_plenty {
            self.timely = 0;
            self.slow += 1;
            if self.slow >= LOSE && (TELLING..MUCH).contains(&self.limit) {
                self.give_up();
            } else if self.slow >= LOSE {
                self.shrink();
            }
        } else if self.is_measured() || below_plenty {
            self.slow = 0;
            // Where not even half of those that may be are in flight, their times say nothing of more.
            if besides >= self.limit / 2 {
                self.timely += 1;
            }
            if (self.rest == 0 || below_plenty) && self.timely >= self.earn() {
                self.timely = 0;
                self.limit = (self.limit + 1).min(self.most);
                if self.limit >= MUCH.min(self.most) && !self.takes_more_than(SLOWER) {
                    self.next_rest = REST;
                }
            }
        }
    }

    /// One less, since pages are late or slow.
    fn shrink(&mut self) {
        (self.timely, self.slow) = (0, 0);
        self.behind |= self.limit >= TELLING;
        self.limit = (self.limit - 1).max(self.most.min(PLENTY));
    }

    /// Begins to go back to plenty, and to stay there for a while, since a few more brought nothing.
    fn give_up(&mut self) {
        (self.timely, self.slow) = (0, 0);
        self.behind = true;
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
    }

    /// Pages in time that make room for one more.
    fn earn(&self) -> usize {
        match (self.asked_at, self.behind) {
            // One with each round, for as long as the listing goes on.
            (Some(_), _) => self.limit,
            (None, false) if !self.takes_more_than(SLOWER) => EARN_AT_FIRST,
            (None, _) => EARN,
        }
    }

    /// Whether it is known what a page takes.
    const fn is_measured(&self) -> bool {
        self.pages >= PLENTY
    }

    fn is_slow(&self) -> bool {
        self.is_measured() && self.takes_more_than(SLOW)
    }

    /// Whether pages take more than so many hundredths of what they take with few in flight.
    fn takes_more_than(&self, hundredths: u32) -> bool {
        self.lately * 100 > self.usual * hundredths
    }

    fn measure(&mut self, took: Duration) {
        self.pages = self.pages.saturating_add(1);
        // One that took very long was refused and asked for again, and tells little of the others.
        let told = if self.pages == 1 { took } else { took.min((self.lately * 2).max(LATE)) };
        self.lately = mean(self.lately, told, self.pages.min(self.limit));
        if !self.is_measured() {
            self.usual = self.lately;
        } else if self.lately < self.usual {
            self.usual = mean(self.usual, self.lately, LESS);
        } else if self.limit <= PLENTY {
            self.usual = mean(self.usual, self.lately, LONGER);
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
    /// Pages that bring a listing of at most 256 there, where everybody keeps up: the first of them to see what
    /// one takes.
    const CLIMB: usize = PLENTY + (256 - PLENTY) * EARN_AT_FIRST;

    /// Lets so many pages come that each take what `took` says of the requests in flight and the page's
    /// number, and tells how many were in flight before each.
    fn come(
        at: &mut Concurrency,
        pages: usize,
        mut took: impl FnMut(usize, usize) -> Duration,
    ) -> Vec<usize> {
        let one = |page| {
            let now = at.limit();
            at.took_in(took(now, page), Duration::ZERO, now - 1);
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

    /// Times that scatter by half of their mean, each for itself: the mean times the sum of four times of a
    /// queue over four.
    fn scattering(mean: Duration, seed: u64) -> impl FnMut() -> Duration {
        let mut state = seed;
        let mut even = move || {
            // SplitMix64, whose values pass for chance.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let x = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        move || mean.mul_f64((0..4).map(|_| -(1.0 - even()).ln()).sum::<f64>() / 4.0)
    }

    /// What a page takes where somebody can do no more than with 64 in flight.
    fn saturated(now: usize, _: usize) -> Duration {
        PAGE.mul_f64(now as f64 / 64.0)
    }

    #[test]
    fn all_are_in_flight_after_few_rounds_where_everybody_keeps_up() {
        assert_eq!(after(63, |_, _| PAGE).limit(), 64);
        // Each a sixth more than the last.
        let rounds = [64, 64, 74, 87, 101, 118, 138, 161, 188, 219, 255];
        assert_eq!(after(rounds.iter().sum(), |_, _| PAGE).limit(), 256);
        assert_eq!(after(100_000, |_, _| PAGE).limit(), 256);
    }

    #[test]
    fn nearly_all_are_in_flight_where_times_scatter_by_half() {
        let mean = |seed| {
            let mut times = scattering(PAGE, seed);
            let levels = come(&mut Concurrency::new(256), 6000, |_, _| times());
            levels[3000..].iter().sum::<usize>() / 3000
        };
        // One in twenty takes chance for a reason at times, and is back later.
        let means: Vec<_> = (0..100).map(mean).collect();
        assert!(means.iter().filter(|mean| **mean >= 220).count() >= 95, "{means:?}");
    }

    #[test]
    fn what_came_with_few_in_flight_is_no_reason_for_more() {
        let mut at = Concurrency::new(256);
        (0..1000).for_each(|_| at.took_in(PAGE, Duration::ZERO, 31));
        assert_eq!(at.limit(), 64);
        (0..1000).for_each(|_| at.took_in(PAGE, Duration::ZERO, 63));
        assert_eq!(at.limit(), 128);
    }

    #[test]
    fn the_first_ones_may_take_longer_since_connections_are_made() {
        assert_eq!(after(CLIMB, |_, page| if page < 64 { PAGE * 3 } else { PAGE }).limit(), 256);
    }

    #[test]
    fn pages_that_take_longer_the_more_are_in_flight_bring_it_down_to_plenty() {
        // Who is behind takes in a page every millisecond.
        for busy in [1, 2, 10] {
            let took = |now: usize| PAGE.max(Duration::from_millis(now as u64 * busy));
            let levels = come(&mut Concurrency::new(256), 20_000, |now, _| took(now));
            let most = levels[2000..].iter().max();
            assert!(most.is_some_and(|most| *most <= 64 * 4 / 3), "{most:?}");
            for seed in 0..5 {
                let mut times = scattering(Duration::from_secs(1), seed);
                let times = |now, _| took(now).mul_f64(times().as_secs_f64());
                let levels = come(&mut Concurrency::new(256), 20_000, times);
                let most = levels[2000..].iter().max();
                assert!(most.is_some_and(|most| *most <= 64 * 3 / 2), "{most:?}");
            }
        }
    }

    #[test]
    fn where_pages_take_longer_for_good_it_comes_down_and_climbs_again() {
        let mut at = after(2000, |_, _| PAGE);
        assert_eq!(at.limit(), 256);
        let levels = come(&mut at, 20_000, |_, _| PAGE * 2);
        assert!(levels[..2000].contains(&64), "nobody knows yet why they do");
        assert_eq!(at.limit(), 256);
    }

    #[test]
    fn where_more_bring_nothing_they_are_tried_ever_more_rarely() {
        let mut at = Concurrency::new(256);
        let levels = come(&mut at, 100_000, saturated);
        let tried = |pages: &[usize]| pages.iter().filter(|now| **now >= TELLING).count();
        let (first, last) = (tried(&levels[..10_000]), tried(&levels[60_000..]));
        assert!(first > 0 && last > 0 && last < 400, "{first} of 10,000, and {last} of 40,000 later");
        // Once they do bring something, all are in flight a rest and some rounds later;
        let levels = come(&mut at, LONGEST_REST + 192 * EARN, |_, _| PAGE);
        assert_eq!((levels.first(), at.limit()), (Some(&64), 256));
        // and the next time that they do not it rests no longer than the first time.
        for _ in 0..2000 {
            if at.limit() > 64 {
                come(&mut at, 1, saturated);
            }
        }
        assert_eq!(at.limit(), 64);
        come(&mut at, REST, |_, _| PAGE);
        assert!(come(&mut at, EARN * 20, |_, _| PAGE).iter().any(|now| *now > 64));
    }

    #[test]
    fn a_try_that_reached_what_the_job_allows_succeeded() {
        let mut at = Concurrency::new(100);
        while at.next_rest < LONGEST_REST {
            come(&mut at, 1, |now, _| if now >= TELLING { PAGE * 2 } else { PAGE });
        }
        come(&mut at, LONGEST_REST + 36 * EARN, |_, _| PAGE);
        assert_eq!((at.limit(), at.next_rest), (100, REST));
        // But not one that is there before it is seen to cost time.
        let mut at = Concurrency::new(80);
        come(&mut at, 20_000, saturated);
        assert!(at.next_rest >= 8 * REST, "{}", at.next_rest);
    }

    #[test]
    fn a_climb_goes_on_slowly_once_it_is_seen_to_cost_time() {
        // What a page takes shows a round later than what made it take longer.
        let levels = come(&mut Concurrency::new(256), 400, saturated);
        let most = levels.iter().max();
        assert!(most.is_some_and(|most| *most <= TELLING + 8), "{most:?}");
    }

    #[test]
    fn a_try_that_failed_is_taken_back_bit_by_bit() {
        let mut at = Concurrency::new(256);
        while at.rest == 0 {
            come(&mut at, 1, saturated);
        }
        let levels = come(&mut at, REST - 1, saturated);
        let slowly = levels.windows(BACK + 1).all(|some| some[0] - some[BACK] <= 1);
        assert!(levels[0] >= TELLING && slowly, "{levels:?}");
        assert_eq!(at.limit(), 64, "{levels:?}");
    }

    #[test]
    fn a_rest_keeps_nobody_from_coming_back_to_plenty() {
        let mut at = after(64, |_, _| PAGE);
        while at.rest < LONGEST_REST / 2 || at.limit() > 64 {
            come(&mut at, 1, saturated);
        }
        at.slow_down();
        assert_eq!(at.limit(), 48);
        come(&mut at, 64 * 16, |_, _| PAGE);
        assert_eq!(at.limit(), 64);
    }

    #[test]
    fn pages_that_are_slow_with_hardly_more_in_flight_are_so_for_another_reason() {
        let mut at = after(64, |_, _| PAGE);
        let levels = come(&mut at, 200, |_, _| PAGE * 2);
        assert!(levels.iter().all(|now| *now < TELLING));
        // It climbs as it does at first as soon as they are no more.
        let quick = come(&mut at, 500, |_, _| PAGE);
        assert!(quick.last().is_some_and(|now| *now > 64 + 500 / EARN * 3 / 2), "{quick:?}");
    }

    #[test]
    fn pages_that_were_asked_for_twice_do_not_matter() {
        // One in thirty takes a second.
        let took = |_, page: usize| if page.is_multiple_of(30) { PAGE * 20 } else { PAGE };
        assert_eq!(after(CLIMB, took).limit(), 256);
    }

    #[test]
    fn pages_that_wait_bring_it_down_to_plenty_and_no_further() {
        for (pages, now) in [(56, 200), (1000, 64)] {
            let mut at = after(CLIMB, |_, _| PAGE);
            (0..pages).for_each(|_| at.took_in(PAGE, LATE * 2, at.limit() - 1));
            assert_eq!(at.limit(), now);
            // It climbs again when they do not.
            come(&mut at, EARN * 10, |_, _| PAGE);
            assert_eq!(at.limit(), now + 10);
        }
    }

    #[test]
    fn a_store_that_asks_to_slow_down_gets_a_quarter_less_once_a_round() {
        let mut at = after(CLIMB, |_, _| PAGE);
        (0..10).for_each(|_| at.slow_down());
        assert_eq!(at.limit(), 192);
        come(&mut at, 191, |_, _| PAGE);
        at.slow_down();
        assert_eq!(at.limit(), 192);
        come(&mut at, 1, |_, _| PAGE);
        assert_eq!(at.limit(), 193, "one more with a round");
        come(&mut at, 1, |_, _| PAGE);
        at.slow_down();
        assert_eq!(at.limit(), 144);
        // Less than plenty as well, and then one more with each round, slow or not.
        let mut at = Concurrency::new(64);
        at.slow_down();
        assert_eq!(at.limit(), 48);
        come(&mut at, 48 + 49 + 50, |_, page| PAGE * u32::try_from(page).unwrap());
        assert_eq!(at.limit(), 51);
        let mut at = Concurrency::new(1);
        at.slow_down();
        assert_eq!(at.limit(), 1);
    }

    #[test]
    fn what_a_job_asks_for_within_plenty_it_gets_at_once_and_keeps() {
        for most in [1, 8, 64] {
            for (took, waited) in [(PAGE, LATE), (PAGE * 9, LATE), (PAGE, LATE * 2)] {
                let mut at = Concurrency::new(most);
                (0..1000).for_each(|_| at.took_in(PAGE, Duration::ZERO, most - 1));
                (0..1000).for_each(|_| at.took_in(took, waited, most - 1));
                assert_eq!(at.limit(), most);
            }
        }
    }
}
