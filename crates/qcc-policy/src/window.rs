//! How much failed lately: successes and failures of the last `span`, for a rule that speaks of a share.
//!
//! Exact counts, not a moving average: "5 of the last 10" is a sentence that an operator can check in the log, and an
//! average has no number of requests below which it says nothing.
//!
//! The span is cut into [`SLOTS`] slots, and the oldest is dropped as a whole. So everything of the last nine tenths of
//! the span counts, nothing older than the span does, and the memory is the same whatever the traffic.

use std::time::{Duration, Instant};

use crate::LONGEST;

/// Slots of one span. Ten make the window at most a tenth shorter than it says.
pub const SLOTS: usize = 10;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Attempts that ended well.
    pub successes: u32,
    /// Attempts that failed.
    pub failures: u32,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> u32 {
        self.successes.saturating_add(self.failures)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes.saturating_add(other.successes),
            failures: self.failures.saturating_add(other.failures),
        }
    }
}

/// Counts of the last `span`.
#[derive(Debug, Clone)]
pub struct Window {
    /// Nanoseconds of a slot; 0: nothing is counted.
    slot: u64,
    /// Where the first slot begins: the first count.
    epoch: Option<Instant>,
    /// The running slot, counted from the epoch.
    newest: u64,
    slots: [Counts; SLOTS],
}

impl Window {
    /// Nothing counted yet. `span`: how far it looks back; zero: nothing is ever counted.
    pub fn new(span: Duration) -> Self {
        Self { slot: slot_of(span), epoch: None, newest: 0, slots: [Counts::default(); SLOTS] }
    }

    /// A new span, as after a reload. Where it differs counting begins anew, since old slots fit no new ones.
    pub fn configure(&mut self, span: Duration) {
        if self.slot != slot_of(span) {
            *self = Self::new(span);
        }
    }

    /// Counts an attempt that ended well.
    pub fn succeed(&mut self, now: Instant) {
        if let Some(slot) = self.running(now) {
            slot.successes = slot.successes.saturating_add(1);
        }
    }

    /// Counts an attempt that failed.
    pub fn fail(&mut self, now: Instant) {
        if let Some(slot) = self.running(now) {
            slot.failures = slot.failures.saturating_add(1);
        }
    }

    /// Takes back one failure that was counted at `failed_at`. Returns whether there was one to take back: not where it
    /// is older than the window by now.
    pub fn refund(&mut self, failed_at: Instant) -> bool {
        let counted = self.epoch.is_some_and(|epoch| epoch <= failed_at);
        let slot = self.slot_at(failed_at);
        if !counted || slot < self.oldest(self.newest) {
            return false;
        }
        // An instant that came late was counted in a newer slot than its own.
        let taken = (slot..=self.newest).map(index).find(|&index| self.slots[index].failures > 0);
        if let Some(index) = taken {
            self.slots[index].failures -= 1;
        }
        taken.is_some()
    }

    /// What counts at `now`. An instant older than the newest count sees what that one saw.
    pub fn counts(&self, now: Instant) -> Counts {
        let oldest = self.oldest(self.slot_at(now));
        (oldest..=self.newest).fold(Counts::default(), |counts, slot| counts.plus(self.slots[index(slot)]))
    }

    /// Forgets everything that was counted.
    pub fn clear(&mut self) {
        self.epoch = None;
        self.newest = 0;
        self.slots = [Counts::default(); SLOTS];
    }

    /// The slot of this moment. Threads may hand in instants slightly out of order; an older one counts as newest, so
    /// that the window never runs backwards.
    fn running(&mut self, now: Instant) -> Option<&mut Counts> {
        if self.slot == 0 {
            return None;
        }
        self.epoch.get_or_insert(now);
        let slot = self.slot_at(now);
        if slot > self.newest {
            let passed = (slot - self.newest).min(SLOTS as u64);
            for empty in slot + 1 - passed..=slot {
                self.slots[index(empty)] = Counts::default();
            }
            self.newest = slot;
        }
        Some(&mut self.slots[index(self.newest)])
    }

    /// The oldest slot that counts when this one is running.
    fn oldest(&self, running: u64) -> u64 {
        (running.max(self.newest) + 1).saturating_sub(SLOTS as u64)
    }

    /// Before the epoch, and without one: the first slot.
    fn slot_at(&self, now: Instant) -> u64 {
        let since = self.epoch.map_or(Duration::ZERO, |epoch| now.saturating_duration_since(epoch));
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1);
        nanos.checked_div(self.slot).unwrap_or_default()
    }
}

fn slot_of(span: Duration) -> u64 {
    if span.is_zero() {
        return 0;
    }
    let nanos = u64::try_from(span.min(LONGEST).as_nanos()).unwrap_or(u64::MAX);
    (nanos / SLOTS as u64).max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "less than SLOTS")]
fn index(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests;
