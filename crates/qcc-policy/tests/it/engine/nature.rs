//! How providers behave over time, and what that makes of an attempt.

use std::time::Duration;

use qcc_policy::{Failure, Outcome, Phase, Refusal};

use crate::random::Random;

/// How a provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Healthy,
    /// Nobody listens.
    Refusing,
    /// So many of a hundred fail.
    Failing(u64),
    /// Accepts, and says nothing.
    Stalling,
    /// 429, perhaps with a stated wait.
    Throttling(Option<Duration>),
    /// Refuses the credential (401) or has no quota for it (402).
    Forbidding(u16),
    /// So many of a hundred answers end in the middle.
    Truncating(u64),
    /// So many of a hundred connections die before an answer.
    Dying(u64),
}

/// What becomes of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    /// When its first event comes, from its start. `None`: it has none, or is answered as a whole.
    pub(super) first: Option<Duration>,
    /// When it is over, from its start.
    pub(super) over: Duration,
    pub(super) outcome: Outcome,
}

/// What a provider does from which time on; the first entry begins at zero.
#[derive(Debug, Clone)]
pub(super) struct Script(Vec<(Duration, Nature)>);

impl Nature {
    pub(super) fn any(random: &mut Random) -> Self {
        match random.below(12) {
            0 | 1 => Self::Refusing,
            2 => Self::Failing(100),
            3 => Self::Failing(random.below(80)),
            4 => Self::Stalling,
            5 => Self::Throttling(None),
            6 => Self::Throttling(Some(random.millis(40_000))),
            7 => Self::Forbidding(401),
            8 => Self::Forbidding(402),
            9 => Self::Truncating(random.below(100)),
            10 => Self::Dying(random.below(100)),
            _ => Self::Healthy,
        }
    }

    /// `bad`: the status with which a provider that is well refuses this request.
    pub(super) fn fate(self, bad: Option<u16>, random: &mut Random) -> Fate {
        let soon = Duration::from_millis(20 + random.below(200));
        let at = |over, outcome| Fate { first: None, over, outcome };
        let fails = |share: u64, random: &mut Random| random.percent(share);
        match self {
            Self::Refusing => return at(soon, Outcome::Failed(Failure::Connect)),
            Self::Failing(share) if fails(share, random) => return at(soon, refused(random.of(&[500, 502, 503, 529]))),
            Self::Stalling => return at(Duration::from_secs(15), Outcome::Failed(Failure::Timeout(Phase::FirstByte))),
            Self::Throttling(retry_after) => {
                return at(soon, Outcome::Refused(Refusal { retry_after, ..Refusal::of(429) }));
            }
            Self::Forbidding(status) => return at(soon, refused(status)),
            Self::Dying(share) if fails(share, random) => return at(soon, Outcome::Failed(Failure::DiedBeforeAnswer)),
            Self::Healthy | Self::Failing(_) | Self::Truncating(_) | Self::Dying(_) => {}
        }
        if let Some(status) = bad {
            return at(soon, refused(status));
        }
        let first = soon + random.millis(2500);
        let over = first + random.millis(6000);
        let is_cut = matches!(self, Self::Truncating(share) if fails(share, random));
        let outcome = if is_cut { Outcome::Failed(Failure::Truncated) } else { Outcome::Done };
        let first = (is_cut || random.percent(85)).then_some(first);
        Fate { first, over, outcome }
    }
}

fn refused(status: u16) -> Outcome {
    Outcome::Refused(Refusal::of(status))
}

impl Script {
    /// Healthy until `end`, with up to three faults before.
    pub(super) fn any(end: Duration, random: &mut Random) -> Self {
        let mut script = vec![(Duration::ZERO, Nature::Healthy)];
        let mut from = Duration::ZERO;
        for _ in 0..random.below(4) {
            from += random.millis(end.as_millis() as u64 / 3);
            script.push((from, Nature::any(random)));
            from += random.millis(end.as_millis() as u64 / 3);
            script.push((from, Nature::Healthy));
        }
        script.retain(|(from, _)| *from < end);
        script.push((end, Nature::Healthy));
        Self(script)
    }

    /// As it is, but refusing between these times.
    pub(super) fn cut(&mut self, from: Duration, to: Duration) {
        let after = self.at(to);
        self.0.retain(|(start, _)| *start < from || *start > to);
        self.0.extend([(from, Nature::Refusing), (to, after)]);
        self.0.sort_by_key(|(start, _)| *start);
    }

    pub(super) fn at(&self, time: Duration) -> Nature {
        self.0.iter().rev().find(|(start, _)| *start <= time).map_or(Nature::Healthy, |(_, nature)| *nature)
    }

    /// Whether it is well from then on until then.
    pub(super) fn is_well(&self, from: Duration, to: Duration) -> bool {
        let inside = self.0.iter().filter(|(start, _)| (from..=to).contains(start));
        self.at(from) == Nature::Healthy && inside.clone().all(|(_, nature)| *nature == Nature::Healthy)
    }
}
