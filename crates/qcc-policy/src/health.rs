//! How well a provider is, from 0 to 100, by everything that is known of it: the outcomes of real traffic, at no cost,
//! and of our own probes. And the factor by which that changes its weight.
//!
//! **One scale.** Every piece of evidence is worth points as a conversational check is (see [`Code::judge`]): up
//! to 50 for a proper answer, 30 for its speed, 20 for its quality; a failure is worth none. Real requests carry long
//! prompts, so their speed is that of the first semantic event, on a wider scale. A throttle is worth
//! [`THROTTLED`] points, in the middle of degraded: the provider is well, but cannot be counted on. The request's own
//! faults, and those of credential, quota, permission and model, are no evidence at all (see [`Evidence::of`]).
//!
//! **The score** is the mean of the recent evidence: it fades by half in [`HALF_LIFE`], and there is never more of it
//! than [`MOST_EVIDENCE`] answers' worth, so a busy provider is judged by its latest requests. [`PRIOR`] answers' worth
//! of a good opinion are always added: a single failure after a quiet night makes nobody unhealthy. Three failures in a
//! row, which trip a breaker, make a provider of which nothing else is known unhealthy; four make a busy one degraded.
//! A conversational check weighs as two answers, since it proves that the model answers; a free probe that succeeds weighs
//! a quarter, since a list of models proves little.
//!
//! **The factor**, [`FACTOR_LEAST`] to 1, changes the weight of a provider. It leaves 1 when the score falls under
//! [`HEALTHY`], and heads for 1 again at [`RECOVERED`]; between these it keeps its way. It moves in steps, not before
//! `min_checks` pieces of evidence, and halves its distance to 1 in every [`HALF_LIFE`] without any: a provider that
//! lost its traffic to a low factor gets another chance.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::classify::Blame;
use crate::outcome::ProviderId;

mod check;
mod mean;
mod state;

pub use check::{ANSWER_TOKENS, Answer, Code, Judgement};
pub use state::{HealthReport, SavedHealth};

use state::Health;

/// Evidence counts half after this time: as long as the longest open time of a breaker.
pub const HALF_LIFE: Duration = Duration::from_mins(10);
/// No more evidence counts than this many answers' worth.
pub const MOST_EVIDENCE: f64 = 10.0;
/// The good opinion that is always added, in answers' worth.
pub const PRIOR: f64 = 2.0;
/// What an answer of the good opinion is worth: a proper one that is not fast.
pub const PRIOR_POINTS: f64 = 85.0;
/// What a throttle is worth.
pub const THROTTLED: f64 = 55.0;
/// The least score of a healthy provider.
pub const HEALTHY: u8 = 70;
/// The least score of a degraded provider.
pub const DEGRADED: u8 = 40;
/// The score at which a lowered factor heads for 1 again.
pub const RECOVERED: u8 = 80;
/// The least factor: a provider of weight 100 still gets as much as one of weight 10, and so a way to show that it is
/// well.
pub const FACTOR_LEAST: f64 = 0.1;
/// How much of its way the factor goes with each piece of evidence.
const FACTOR_STEP: f64 = 0.3;
/// A class is left for a better one only when the score passes its bound by this much, so that no log flutters.
const CLASS_MARGIN: u8 = 5;
/// Under so much evidence a provider's health is not known.
const EVIDENCE_LEAST: f64 = 0.1;

/// How well a provider is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing is known, or not any more.
    Unknown,
    /// 70 or more.
    Healthy,
    /// 40 to 69.
    Degraded,
    /// Under 40.
    Unhealthy,
    /// Its breaker is half-open: it is being tried again.
    Recovering,
}

impl Class {
    /// The class of a score.
    pub fn of(score: u8) -> Self {
        match score {
            HEALTHY.. => Self::Healthy,
            DEGRADED.. => Self::Degraded,
            _ => Self::Unhealthy,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Recovering => "recovering",
        })
    }
}

/// Something that was learned about a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A real request was answered to its end.
    Answered {
        /// From its start to its first semantic event; of an answer that is not streamed, to its end.
        first_event: Duration,
    },
    /// A request or a check failed by the provider's fault.
    Fault,
    /// A request or a check met a 429.
    Throttled,
    /// A free probe (a connection, or a call that costs nothing) succeeded.
    Reached {
        /// From its start to its end.
        took: Duration,
    },
    /// A free probe failed by the provider's fault.
    Unreached,
    /// A conversational check was answered.
    Checked(Judgement),
}

impl Evidence {
    /// What the end of a real attempt, or of a conversational check without an answer, tells of the provider's health.
    /// `first_event` matters only where nobody is to blame.
    pub fn of(blame: Blame, first_event: Duration) -> Option<Self> {
        match blame {
            Blame::Nobody => Some(Self::Answered { first_event }),
            Blame::Provider => Some(Self::Fault),
            Blame::Load => Some(Self::Throttled),
            Blame::Request | Blame::Credential | Blame::Quota | Blame::Permission | Blame::Model | Blame::Client => {
                None
            }
        }
    }

    /// What it is worth, 0 to 100.
    fn points(self) -> f64 {
        match self {
            Self::Answered { first_event } => check::VALID + check::speed(first_event, [2, 5, 15]) + check::QUALITY,
            Self::Reached { took } => check::VALID + check::swiftness(took) + check::QUALITY,
            Self::Fault | Self::Unreached => 0.0,
            Self::Throttled => THROTTLED,
            Self::Checked(judgement) => f64::from(judgement.score),
        }
    }

    /// How much it counts, in answers.
    fn weight(self) -> f64 {
        match self {
            Self::Answered { .. } | Self::Fault | Self::Unreached => 1.0,
            Self::Throttled => 0.5,
            Self::Reached { .. } => 0.25,
            Self::Checked(_) => 2.0,
        }
    }

    /// Whether it was a success; a throttle is neither.
    fn success(self) -> Option<bool> {
        match self {
            Self::Answered { .. } | Self::Reached { .. } => Some(true),
            Self::Fault | Self::Unreached => Some(false),
            Self::Throttled => None,
            Self::Checked(judgement) => Some(judgement.answer.is_valid()),
        }
    }
}

/// How weights follow health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSettings {
    /// Whether they do at all: `health.weight_adjustment`.
    pub weight_adjustment: bool,
    /// How many pieces of evidence must be there before they do: `health.min_checks`.
    pub min_checks: u32,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { weight_adjustment: true, min_checks: 3 }
    }
}

/// A provider's class changed: worth a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassChange {
    /// Which provider.
    pub provider: ProviderId,
    /// What it was when this was last told.
    pub from: Class,
    /// What it is.
    pub to: Class,
    /// Its score.
    pub score: u8,
}

/// The health of all providers. One value serves all requests; its size is bounded by the configuration.
#[derive(Debug, Clone, Default)]
pub struct HealthTable {
    settings: HealthSettings,
    providers: BTreeMap<ProviderId, Health>,
}

impl HealthTable {
    /// Nothing is known of anybody.
    pub fn new(settings: HealthSettings) -> Self {
        Self { settings, providers: BTreeMap::new() }
    }

    /// New settings, as after a reload; what is known stays.
    pub fn configure(&mut self, settings: HealthSettings) {
        self.settings = settings;
    }

    /// Takes evidence into account. Tells where the class changed.
    pub fn record(&mut self, provider: ProviderId, evidence: Evidence, now: Instant) -> Option<ClassChange> {
        let settings = self.settings;
        let (from, to, score) = self.providers.entry(provider).or_default().record(evidence, settings, now)?;
        Some(ClassChange { provider, from, to, score })
    }

    /// By what a provider's weight is multiplied, [`FACTOR_LEAST`] to 1.
    pub fn factor(&self, provider: ProviderId, now: Instant) -> f64 {
        if !self.settings.weight_adjustment {
            return 1.0;
        }
        self.providers.get(&provider).map_or(1.0, |health| health.factor(now))
    }

    /// Everything that is known of a provider. `half_open`: whether its breaker is.
    pub fn report(&self, provider: ProviderId, half_open: bool, now: Instant) -> HealthReport {
        let mut report = self.providers.get(&provider).copied().unwrap_or_default().report(now);
        report.factor = self.factor(provider, now);
        if half_open {
            report.class = Class::Recovering;
        }
        report
    }

    /// Forgets a provider: it is gone, its key changed, or somebody enabled it by hand.
    pub fn forget(&mut self, provider: ProviderId) {
        self.providers.remove(&provider);
    }

    /// Drops providers that are gone.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.providers.retain(|provider, _| keep(*provider));
    }

    /// What is known, for the database.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, SavedHealth)> + '_ {
        self.providers.iter().map(move |(&provider, health)| (provider, health.export(now)))
    }

    /// Takes back what was exported `ago`. Values that make no sense are put right; what was recorded since the start
    /// is better, and stays.
    pub fn restore(&mut self, provider: ProviderId, saved: &SavedHealth, ago: Duration, now: Instant) {
        self.providers.entry(provider).or_insert_with(|| Health::restore(saved, ago, now));
    }
}

#[cfg(test)]
mod tests;
