//! All breakers of one kind, by key. A key that was never heard of has a closed breaker and takes no memory.
//!
//! Keys may hold names that clients choose, so their number is bounded. Past `most`, closed breakers make room before
//! others, and of each kind those that were not used for longest: what a flood of invented models pushes out first is
//! its own kind. Keys of which the configuration bounds the number belong into a value of their own, with a bound that
//! they never reach. The length of a name is the caller's to bound, see [`crate::cooldown::LONGEST_MODEL`].

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Breaker, Config, Numbers, Pass, Report, Saved, Standing, Transition};

/// One part in so many makes room at once, so that a flood does not search all of them for every newcomer.
const ROOM: usize = 16;

/// Breakers by key. One value serves all requests; a call costs the look-up and, apart from what says otherwise, no
/// more than the few leases of one key. Cloning a key should be cheap: an `Arc<str>` rather than a `String`.
#[derive(Debug, Clone)]
pub struct Breakers<K> {
    config: Config,
    most: usize,
    numbers: Numbers,
    /// Of keys that are not in `entries`, results of passes from before it do not count.
    forgotten: u64,
    entries: BTreeMap<K, Breaker>,
}

impl<K: Ord + Clone> Breakers<K> {
    /// All are closed. `most`: how many are kept, at least 1.
    pub fn new(config: Config, most: usize) -> Self {
        Self { config, most: most.max(1), numbers: Numbers::default(), forgotten: 0, entries: BTreeMap::new() }
    }

    /// A new configuration, as after a reload. Open times in force stay as they are, but with an `open_initial` of zero
    /// all breakers close. A new window begins to count anew. Costs a visit to every breaker.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
        if config.is_off() {
            self.forget(|_| true);
        }
        for breaker in self.entries.values_mut() {
            breaker.configure(&config);
        }
    }

    /// Whether no breaker is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether this key has a breaker, closed or not.
    pub fn is_known(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// What the breaker of a key says at this moment. Takes no lease.
    pub fn standing(&self, key: &K, now: Instant) -> Standing {
        self.entries.get(key).map_or(Standing::Closed, |breaker| breaker.standing(&self.config, now))
    }

    /// Asks for one attempt. Where only probes pass this takes a lease. Every pass is to be reported by
    /// [`succeed`](Self::succeed), [`fail`](Self::fail) or [`release`](Self::release), and each result once; a pass that
    /// is lost costs no more than its lease's time.
    pub fn admit(&mut self, key: &K, now: Instant) -> Option<Pass> {
        match self.entries.get_mut(key) {
            Some(breaker) => breaker.admit(false, &self.config, &mut self.numbers, now),
            None => Some(self.plain()),
        }
    }

    /// An attempt in any case: nothing better is left. It is a probe if a lease was left for it; if not, somebody is
    /// trying already.
    pub fn admit_anyway(&mut self, key: &K, now: Instant) -> Pass {
        let pass =
            self.entries.get_mut(key).and_then(|breaker| breaker.admit(true, &self.config, &mut self.numbers, now));
        pass.unwrap_or_else(|| self.plain())
    }

    /// The attempt ended well: its terminal event was seen.
    pub fn succeed(&mut self, key: &K, pass: Pass, now: Instant) -> Option<Transition> {
        self.insert(key, now);
        self.entries.get_mut(key)?.succeed(pass, &self.config, now)
    }

    /// The attempt failed by the fault of what the key stands for. `draw` is uniform over all of `u64`.
    pub fn fail(&mut self, key: &K, pass: Pass, draw: u64, now: Instant) -> Option<Transition> {
        self.insert(key, now);
        self.entries.get_mut(key)?.fail(pass, &self.config, &mut self.numbers, draw, now)
    }

    /// The attempt says nothing about health: its client left, the request was at fault, the provider throttled. Only
    /// frees its lease. May also come before the result, as when a long stream has begun well: then the next probe need
    /// not wait for its end, and its result counts all the same.
    pub fn release(&mut self, key: &K, pass: Pass) {
        if let Some(breaker) = self.entries.get_mut(key) {
            breaker.release(pass);
        }
    }

    /// Takes back one failure: that of `pass`, which [`fail`](Self::fail) took in at `charged_at` (the `now` of that
    /// call). It turned out to be the request's fault. Does nothing where that failure counts no more.
    pub fn refund(&mut self, key: &K, pass: Pass, charged_at: Instant, now: Instant) -> Option<Transition> {
        self.entries.get_mut(key)?.refund(pass, charged_at, &self.config, now)
    }

    /// Closes at once, without a ramp, and forgets all counts: somebody enabled the endpoint by hand. Results of
    /// attempts that are under way do not count.
    pub fn reset(&mut self, key: &K, now: Instant) -> Option<Transition> {
        if let Some(breaker) = self.entries.get_mut(key) {
            return breaker.reset(&mut self.numbers, now);
        }
        self.forgotten = self.numbers.next();
        None
    }

    /// Drops the breakers of these keys: their provider is gone, or another one by now. Returns how many that were.
    /// Costs a visit to every breaker.
    pub fn forget(&mut self, mut which: impl FnMut(&K) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|key, _| !which(key));
        self.forgotten = self.numbers.next();
        before - self.entries.len()
    }

    /// The share of new sessions that may choose this key while others are admissible, 0 to 1. Closed: 1, or less in the
    /// ramp after a recovery, which grows from [`RAMP_LEAST`](super::RAMP_LEAST) to 1 over the last open time, at most
    /// [`RAMP_MOST`](super::RAMP_MOST). Half-open: 1 with a lease free, since leases bound it already. Else 0.
    pub fn share(&self, key: &K, now: Instant) -> f64 {
        self.entries.get(key).map_or(1.0, |breaker| breaker.share(&self.config, now))
    }

    /// The first moment after `now` at which time alone lets an attempt pass that may not now. Visits every breaker.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let due = self.entries.values().filter_map(|breaker| breaker.standing(&self.config, now).due());
        due.filter(|due| *due > now).min()
    }

    /// Every breaker that is kept, by key, for a status page.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = (&K, Report)> {
        self.entries.iter().map(move |(key, breaker)| (key, breaker.report(&self.config, now)))
    }

    /// What is to be kept over a restart: all that are not closed.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (&K, Saved)> {
        self.entries.iter().filter_map(move |(key, breaker)| Some((key, breaker.saved(now)?)))
    }

    /// Puts back what was kept, within the bounds of today's configuration. What is known already wins.
    pub fn restore(&mut self, key: K, saved: Saved, now: Instant) {
        if self.config.is_off() || self.entries.contains_key(&key) {
            return;
        }
        self.make_room();
        self.entries.insert(key, Breaker::restored(saved, &self.config, &mut self.numbers, now));
    }

    fn plain(&self) -> Pass {
        Pass { generation: self.numbers.latest(), lease: None }
    }

    /// Makes a breaker for the first result of a key.
    fn insert(&mut self, key: &K, now: Instant) {
        if self.entries.contains_key(key) {
            return;
        }
        // Before others make room: that makes no result of this key an old one.
        let generation = self.forgotten;
        self.make_room();
        self.entries.insert(key.clone(), Breaker::new(generation, self.config.window, now));
    }

    fn make_room(&mut self) {
        if self.entries.len() < self.most {
            return;
        }
        let rank = |breaker: &Breaker| (!breaker.is_closed(), breaker.latest());
        let mut ranks: Vec<_> = self.entries.values().map(rank).collect();
        let mut left = (self.most / ROOM).max(1);
        let (_, &mut last, _) = ranks.select_nth_unstable(left - 1);
        let mut forgotten = false;
        self.entries.retain(|_, breaker| {
            let goes = left > 0 && rank(breaker) <= last;
            left -= usize::from(goes);
            forgotten |= goes && breaker.is_newer(self.forgotten);
            !goes
        });
        if forgotten {
            self.forgotten = self.numbers.next();
        }
    }
}
