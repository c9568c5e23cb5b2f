//! Decides how far an estimate is from what a provider counts, learned from the prompts that it did count: one ratio for
//! each provider and model, over the documented factor.
//!
//! To compare, a prompt has to be estimated again, which costs up to a tenth of a second of a core. So this also says which
//! requests are worth it: few, spread over time.

use std::time::{Duration, Instant};

use super::Estimate;

/// Providers' models that are remembered; the one that was heard of longest ago makes room.
const MAX_KNOWN: usize = 64;

/// No model has a longer name, in bytes; what a client makes up is not remembered.
const MAX_NAME: usize = 200;

/// Between two samples at least, whatever the models.
const BETWEEN: Duration = Duration::from_secs(10);

/// Between two samples of a model that is known well.
const BETWEEN_OF_KNOWN: Duration = Duration::from_mins(5);

/// So many samples make a model known well; later ones count as much as the last of these.
const ENOUGH: u64 = 5;

/// A shorter text says little: the frames weigh too much.
const MIN_TEXT: u64 = 500;

/// In thousandths: beyond these it is no count of this prompt. A server's own tool ran, a relay made a number up, or a
/// cache was left out.
const BELIEVED: std::ops::RangeInclusive<u64> = 250..=4000;

/// How long a ratio goes on counting when nothing is heard any more: it fades to the documented factor all along.
const FADES: Duration = Duration::from_hours(14 * 24);

/// A factor in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(u64);

impl Ratio {
    /// As documented.
    pub const DOCUMENTED: Self = Self(1000);

    /// So many tokens, corrected.
    #[must_use]
    pub fn of(self, tokens: u64) -> u64 {
        tokens.saturating_mul(self.0).div_ceil(1000)
    }
}

/// What is known of how providers count. Bounded in memory.
#[derive(Debug, Default)]
pub struct Corrections {
    known: Vec<Known>,
    /// When the latest sample was begun.
    sampled: Option<Instant>,
}

/// A model at a provider.
#[derive(Debug)]
struct Known {
    provider: u32,
    model: String,
    /// Thousandths.
    ratio: u64,
    samples: u64,
    /// When the latest sample of it was begun.
    sampled: Instant,
    /// When the latest count was learned.
    heard: Instant,
}

impl Known {
    /// Its ratio now, in thousandths: the more documented, the longer nothing was heard.
    fn faded(&self, now: Instant) -> u64 {
        let silent = now.saturating_duration_since(self.heard).min(FADES).as_secs();
        let left = FADES.as_secs() - silent;
        (self.ratio * left + Ratio::DOCUMENTED.0 * silent + FADES.as_secs() / 2) / FADES.as_secs()
    }

    /// One more count. A single one moves it by no more than half of what it is, for one is not many.
    fn learn(&mut self, seen: u64, now: Instant) {
        let before = self.faded(now);
        let seen = if self.samples == 0 {
            seen.clamp(Ratio::DOCUMENTED.0 / 2, Ratio::DOCUMENTED.0 * 2)
        } else {
            seen.clamp(before * 2 / 3, before * 3 / 2)
        };
        self.samples = (self.samples + 1).min(ENOUGH);
        self.ratio = (before * (self.samples - 1) + seen) / self.samples;
        self.heard = now;
    }
}

impl Corrections {
    /// Whether a request to this model is to be compared; then it counts as begun. `provider` is any number that stays
    /// the provider's.
    pub fn sample(&mut self, provider: u32, model: &str, now: Instant) -> bool {
        let since = |when: Instant| now.saturating_duration_since(when);
        if model.len() > MAX_NAME || self.sampled.is_some_and(|when| since(when) < BETWEEN) {
            return false;
        }
        match self.position(provider, model) {
            Some(at) => {
                let known = &mut self.known[at];
                if known.samples >= ENOUGH && since(known.sampled) < BETWEEN_OF_KNOWN {
                    return false;
                }
                known.sampled = now;
            }
            None => self.add(provider, model, now),
        }
        self.sampled = Some(now);
        true
    }

    /// A prompt of this estimate was counted: `real` tokens, with those that came from a cache or went into one.
    pub fn learn(&mut self, provider: u32, model: &str, estimate: Estimate, real: u64, now: Instant) {
        // Of images and the like the rules are known; where they weigh much, a difference says nothing of text.
        if estimate.text < MIN_TEXT || estimate.other > estimate.text / 2 {
            return;
        }
        let seen = real.saturating_sub(estimate.other).saturating_mul(1000) / estimate.text;
        if !BELIEVED.contains(&seen) {
            return;
        }
        if let Some(at) = self.position(provider, model) {
            self.known[at].learn(seen, now);
        }
    }

    /// By how much estimates for this model are to be corrected.
    #[must_use]
    pub fn ratio(&self, provider: u32, model: &str, now: Instant) -> Ratio {
        self.position(provider, model).map_or(Ratio::DOCUMENTED, |at| Ratio(self.known[at].faded(now)))
    }

    fn position(&self, provider: u32, model: &str) -> Option<usize> {
        self.known.iter().position(|known| known.provider == provider && known.model == model)
    }

    fn add(&mut self, provider: u32, model: &str, now: Instant) {
        if self.known.len() >= MAX_KNOWN {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, known)| known.sampled);
            if let Some((at, _)) = oldest {
                self.known.swap_remove(at);
            }
        }
        let model = model.to_owned();
        self.known.push(Known { provider, model, ratio: Ratio::DOCUMENTED.0, samples: 0, sampled: now, heard: now });
    }
}

#[cfg(test)]
mod tests;
