//! What is known of one provider, and how it changes with evidence and time.

use std::time::{Duration, Instant};

use super::mean::{Mean, faded};
use super::{
    CLASS_MARGIN, Class, EVIDENCE_LEAST, Evidence, FACTOR_LEAST, FACTOR_STEP, HEALTHY, HealthSettings, MOST_EVIDENCE,
    PRIOR, PRIOR_POINTS, RECOVERED,
};
use crate::LONGEST;

/// Everything that is known of a provider's health, for a status page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HealthReport {
    /// 0 to 100; `None` while nothing is known.
    pub score: Option<u8>,
    /// The score in a word.
    pub class: Class,
    /// Failures since the last success. The success of a free probe ends them only where free probes were all that failed.
    pub consecutive_failures: u32,
    /// Share of successes among the recent evidence, 0 to 1; a throttle is neither.
    pub success_rate: Option<f64>,
    /// Mean time to the first semantic event of recent answers, conversational checks included.
    pub average_response: Option<Duration>,
    /// How long ago anything was learned, from traffic or by a probe.
    pub last_check: Option<Duration>,
    /// How many pieces of evidence there were.
    pub checks: u32,
    /// By what the weight is multiplied.
    pub factor: f64,
}

/// A provider's health as it is kept in the database.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SavedHealth {
    /// Mean points, 0 to 100, without the good opinion.
    pub points: f64,
    /// How much evidence that rests on.
    pub points_weight: f64,
    /// Share of successes, 0 to 1.
    pub success: f64,
    /// How much evidence that rests on.
    pub success_weight: f64,
    /// Mean time to the first semantic event, in seconds.
    pub response_secs: f64,
    /// How much evidence that rests on.
    pub response_weight: f64,
    /// By what the weight is multiplied.
    pub factor: f64,
    /// Whether the factor was lowered and has not been sent back to 1.
    pub lowered: bool,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Whether a request or a conversation is among them.
    pub conversation_failed: bool,
    /// How many pieces of evidence there were.
    pub checks: u32,
    /// How long before the export anything was learned.
    pub last_check: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Health {
    points: Mean,
    success: Mean,
    response_secs: Mean,
    factor: f64,
    lowered: bool,
    consecutive_failures: u32,
    /// Whether a request or a conversation is among these failures.
    conversation_failed: bool,
    checks: u32,
    /// All means and the factor are as of this moment.
    as_of: Option<Instant>,
    last_check: Option<Instant>,
    /// The class that was told last.
    told: Class,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            points: Mean::default(),
            success: Mean::default(),
            response_secs: Mean::default(),
            factor: 1.0,
            lowered: false,
            consecutive_failures: 0,
            conversation_failed: false,
            checks: 0,
            as_of: None,
            last_check: None,
            told: Class::Unknown,
        }
    }
}

impl Health {
    /// Returns the class before and after, where it changed, and the score.
    pub(super) fn record(
        &mut self,
        evidence: Evidence,
        settings: HealthSettings,
        now: Instant,
    ) -> Option<(Class, Class, u8)> {
        self.fade(now);
        self.last_check = self.as_of;
        self.checks = self.checks.saturating_add(1);
        self.points.add(evidence.points(), evidence.weight());
        self.count(evidence);
        if settings.weight_adjustment && self.checks >= settings.min_checks {
            self.move_factor();
        }
        let (from, to) = (self.told, self.class_to_tell());
        self.told = to;
        (from != to).then(|| (from, to, self.score()))
    }

    fn count(&mut self, evidence: Evidence) {
        if let Some(success) = evidence.success() {
            self.success.add(f64::from(u8::from(success)), evidence.weight());
            let free = matches!(evidence, Evidence::Reached { .. } | Evidence::Unreached);
            if !success {
                self.consecutive_failures = self.consecutive_failures.saturating_add(1);
                self.conversation_failed |= !free;
            } else if !(free && self.conversation_failed) {
                self.consecutive_failures = 0;
                self.conversation_failed = false;
            }
        }
        let took = match evidence {
            Evidence::Answered { first_event } => first_event,
            Evidence::Checked(judgement) => judgement.took,
            Evidence::Fault | Evidence::Throttled | Evidence::Reached { .. } | Evidence::Unreached => return,
        };
        self.response_secs.add(took.min(LONGEST).as_secs_f64(), 1.0);
    }

    fn move_factor(&mut self) {
        let score = self.score();
        self.lowered = if self.lowered { score < RECOVERED } else { score < HEALTHY };
        let target = if self.lowered {
            FACTOR_LEAST + (1.0 - FACTOR_LEAST) * f64::from(score) / f64::from(RECOVERED)
        } else {
            1.0
        };
        self.factor += (target - self.factor) * FACTOR_STEP;
        // Steps alone would never arrive.
        if !self.lowered && self.factor > 0.99 {
            self.factor = 1.0;
        }
        self.factor = self.factor.clamp(FACTOR_LEAST, 1.0);
    }

    pub(super) fn factor(&self, now: Instant) -> f64 {
        if self.factor >= 1.0 {
            return 1.0;
        }
        1.0 - faded(1.0 - self.factor, self.since(now))
    }

    pub(super) fn report(&self, now: Instant) -> HealthReport {
        let mut then = *self;
        then.fade(now);
        let known = |mean: Mean| (mean.weight >= EVIDENCE_LEAST).then_some(mean.value);
        let ago = |moment: Option<Instant>| moment.map(|moment| now.saturating_duration_since(moment));
        let score = known(then.points).map(|_| then.score());
        HealthReport {
            score,
            class: score.map_or(Class::Unknown, Class::of),
            consecutive_failures: then.consecutive_failures,
            success_rate: known(then.success),
            average_response: known(then.response_secs).and_then(|secs| Duration::try_from_secs_f64(secs).ok()),
            last_check: ago(then.last_check),
            checks: then.checks,
            factor: then.factor,
        }
    }

    pub(super) fn export(&self, now: Instant) -> SavedHealth {
        let mut then = *self;
        then.fade(now);
        let ago = |moment: Option<Instant>| moment.map(|moment| now.saturating_duration_since(moment));
        SavedHealth {
            points: then.points.value,
            points_weight: then.points.weight,
            success: then.success.value,
            success_weight: then.success.weight,
            response_secs: then.response_secs.value,
            response_weight: then.response_secs.weight,
            factor: then.factor,
            lowered: then.lowered,
            consecutive_failures: then.consecutive_failures,
            conversation_failed: then.conversation_failed,
            checks: then.checks,
            last_check: ago(then.last_check),
        }
    }

    pub(super) fn restore(saved: &SavedHealth, ago: Duration, now: Instant) -> Self {
        // The machine may have started later than that; then the age is lost, which only a status page notices.
        let moment = |before: Option<Duration>| now.checked_sub(before?.saturating_add(ago));
        let factor = if saved.factor.is_finite() { saved.factor.clamp(FACTOR_LEAST, 1.0) } else { 1.0 };
        let mut health = Self {
            points: Mean::bounded(saved.points, saved.points_weight, 100.0),
            success: Mean::bounded(saved.success, saved.success_weight, 1.0),
            response_secs: Mean::bounded(saved.response_secs, saved.response_weight, LONGEST.as_secs_f64()),
            factor: 1.0 - faded(1.0 - factor, ago),
            lowered: saved.lowered,
            consecutive_failures: saved.consecutive_failures,
            conversation_failed: saved.conversation_failed,
            checks: saved.checks,
            as_of: Some(now),
            last_check: moment(saved.last_check),
            ..Self::default()
        };
        for mean in [&mut health.points, &mut health.success, &mut health.response_secs] {
            mean.fade(ago);
        }
        health.told = health.report(now).class;
        health
    }

    /// The score, 0 to 100, as of the last fading.
    fn score(&self) -> u8 {
        let Mean { value, weight } = self.points;
        let score = (value * weight + PRIOR_POINTS * PRIOR) / (weight + PRIOR);
        // A float is cut to the range of the integer, never wrapped.
        score.round().clamp(0.0, 100.0) as u8
    }

    fn class_to_tell(&self) -> Class {
        let score = self.score();
        let class = Class::of(score);
        if class < self.told && self.told != Class::Unknown {
            return Class::of(score.saturating_sub(CLASS_MARGIN)).min(self.told);
        }
        class
    }

    /// Threads may hand in instants slightly out of order; an older one counts as newest.
    fn since(&self, now: Instant) -> Duration {
        self.as_of.map_or(Duration::ZERO, |as_of| now.saturating_duration_since(as_of))
    }

    fn fade(&mut self, now: Instant) {
        let since = self.since(now);
        for mean in [&mut self.points, &mut self.success, &mut self.response_secs] {
            mean.fade(since);
        }
        if self.factor < 1.0 {
            self.factor = 1.0 - faded(1.0 - self.factor, since);
        }
        self.as_of = self.as_of.max(Some(now));
    }
}

const _: () = assert!(MOST_EVIDENCE > PRIOR, "evidence must outweigh the good opinion");
