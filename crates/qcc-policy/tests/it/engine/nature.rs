//! How providers behave over time, what that makes of an attempt, and who is truly to blame for it.

use std::time::Duration;

use qcc_policy::{Blame, Failure, Outcome, Phase, Refusal, Topic};

use crate::random::Random;

/// The longest that a provider which is well lets a stream wait for its first event, and a whole answer take.
pub(super) const SLOWEST: Duration = Duration::from_secs(9);
/// After so long an unused connection may have died.
const IDLE: Duration = Duration::from_secs(20);

/// How a provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Healthy,
    /// Well, but a trickle.
    Slow,
    /// Nobody listens.
    Refusing,
    /// So many of a hundred fail.
    Failing(u64),
    /// Everything is refused with 529 or 503.
    Storm,
    /// Accepts, and says nothing.
    Stalling,
    /// 429, perhaps with a stated wait.
    Throttling(Option<Duration>),
    /// Refuses the credential (401), has no quota for it (402), or forbids the model (403).
    Forbidding(u16),
    /// So many of a hundred answers begin well and break.
    Breaking(u64),
    /// So many of a hundred connections die before an answer.
    Dying(u64),
}

/// What a request is, apart from whom it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    /// With what every provider that is well refuses it.
    pub(super) bad: Option<u16>,
    /// The provider does not serve its model.
    pub(super) missing: bool,
    /// How long its provider's connections have been idle.
    pub(super) idle: Duration,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    /// When its first event comes, from its start. `None`: it has none, or is answered as a whole.
    pub(super) first: Option<Duration>,
    /// When it is over, from its start.
    pub(super) over: Duration,
    pub(super) outcome: Outcome,
    /// Whose fault that is.
    pub(super) truth: Blame,
}

/// What a provider does from which time on; the first entry begins at zero.
#[derive(Debug, Clone)]
pub(super) struct Script(Vec<(Duration, Nature)>);

impl Nature {
    pub(super) fn any(random: &mut Random) -> Self {
        match random.below(15) {
            0 | 1 => Self::Refusing,
            2 => Self::Failing(100),
            3 => Self::Failing(random.below(80)),
            4 | 5 => Self::Stalling,
            6 => Self::Throttling(None),
            7 => Self::Throttling(Some(random.millis(40_000))),
            8 => Self::Forbidding(random.of(&[401, 402, 403])),
            9 => Self::Breaking(random.below(100)),
            10 => Self::Dying(random.below(100)),
            11 => Self::Slow,
            12 | 13 => Self::Storm,
            _ => Self::Healthy,
        }
    }

    pub(super) fn is_well(self) -> bool {
        matches!(self, Self::Healthy | Self::Slow)
    }

    pub(super) fn fate(self, ask: &Ask, random: &mut Random) -> Fate {
        let soon = Duration::from_millis(20 + random.below(200));
        let at = |over, outcome, truth| Fate { first: None, over, outcome, truth };
        let broken = |failure| Outcome::Failed(failure);
        match self {
            Self::Refusing => return at(soon, broken(Failure::Connect), Blame::Provider),
            Self::Storm => return at(soon, refused(random.of(&[529, 529, 503])), Blame::Provider),
            Self::Failing(share) if random.percent(share) => return failing(soon, random),
            Self::Stalling => return stalling(random),
            Self::Throttling(retry_after) => {
                return at(soon, Outcome::Refused(Refusal { retry_after, ..Refusal::of(429) }), Blame::Load);
            }
            Self::Forbidding(status) => return at(soon, refused(status), forbidden(status)),
            Self::Dying(share) if random.percent(share) => {
                return at(soon, broken(Failure::DiedBeforeAnswer), Blame::Provider);
            }
            Self::Healthy | Self::Slow | Self::Failing(_) | Self::Breaking(_) | Self::Dying(_) => {}
        }
        if ask.idle > IDLE && random.percent(3) {
            return at(soon, broken(Failure::IdleDied), Blame::Nobody);
        }
        if let Some(status) = ask.bad {
            return at(soon, refused(status), Blame::Request);
        }
        if ask.missing {
            return at(soon, refused(404), Blame::Model);
        }
        let pace = if self == Self::Slow { 4 } else { 1 };
        let first = soon + random.millis(2500) * pace;
        let longest = if random.percent(5) { 120_000 } else { 6000 };
        let over = first + random.millis(longest);
        match self {
            Self::Breaking(share) if random.percent(share) => breaking(first, over, random),
            // Whole answers are short.
            _ if random.percent(15) => at(first + random.millis(6000), Outcome::Done, Blame::Nobody),
            _ => Fate { first: Some(first), over, outcome: Outcome::Done, truth: Blame::Nobody },
        }
    }
}

fn failing(soon: Duration, random: &mut Random) -> Fate {
    let outcome = match random.below(8) {
        0 => Outcome::Failed(Failure::NotTheDialect),
        1 => Outcome::Refused(Refusal { html: true, ..Refusal::of(403) }),
        2 => Outcome::Refused(Refusal { topic: Topic::Overloaded, ..Refusal::of(500) }),
        _ => refused(random.of(&[408, 500, 502, 503, 504, 529])),
    };
    Fate { first: None, over: soon, outcome, truth: Blame::Provider }
}

fn stalling(random: &mut Random) -> Fate {
    let (seconds, phase) = random.of(&[(10, Phase::Connect), (15, Phase::FirstByte), (15, Phase::Stall)]);
    let outcome = Outcome::Failed(Failure::Timeout(phase));
    Fate { first: None, over: Duration::from_secs(seconds), outcome, truth: Blame::Provider }
}

/// A 200, and then: reset before any content, cut in the middle, an error event, or silence.
fn breaking(first: Duration, over: Duration, random: &mut Random) -> Fate {
    let truth = Blame::Provider;
    let cut = Outcome::Failed(Failure::Truncated);
    match random.below(6) {
        0 => Fate { first: None, over: first, outcome: cut, truth },
        1 => Fate { first: None, over: first, outcome: refused(529), truth },
        2 => Fate { first: Some(first), over, outcome: refused(500), truth },
        3 => {
            let outcome = Outcome::Failed(Failure::Timeout(random.of(&[Phase::Idle, Phase::Stall])));
            Fate { first: Some(first), over: over + Duration::from_secs(30), outcome, truth }
        }
        _ => Fate { first: Some(first), over, outcome: cut, truth },
    }
}

fn refused(status: u16) -> Outcome {
    Outcome::Refused(Refusal::of(status))
}

fn forbidden(status: u16) -> Blame {
    match status {
        401 => Blame::Credential,
        402 => Blame::Quota,
        _ => Blame::Permission,
    }
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

    /// As it is, but like this between these times.
    pub(super) fn cut(&mut self, from: Duration, to: Duration, nature: Nature) {
        let after = self.at(to);
        self.0.retain(|(start, _)| *start < from || *start > to);
        self.0.extend([(from, nature), (to, after)]);
        self.0.sort_by_key(|(start, _)| *start);
    }

    pub(super) fn at(&self, time: Duration) -> Nature {
        self.0.iter().rev().find(|(start, _)| *start <= time).map_or(Nature::Healthy, |(_, nature)| *nature)
    }

    /// Whether it is well from then on until then.
    pub(super) fn is_well(&self, from: Duration, to: Duration) -> bool {
        let inside = self.0.iter().filter(|(start, _)| (from..=to).contains(start));
        self.at(from).is_well() && inside.clone().all(|(_, nature)| nature.is_well())
    }

    /// Since when it is healthy, if it is.
    pub(super) fn healthy_since(&self, time: Duration) -> Option<Duration> {
        let past = self.0.iter().rev().skip_while(|(start, _)| *start > time);
        past.take_while(|(_, nature)| *nature == Nature::Healthy).last().map(|(start, _)| *start)
    }

    /// Whether it is healthy all that time: no trickle either.
    pub(super) fn is_prompt(&self, from: Duration, to: Duration) -> bool {
        let inside = self.0.iter().filter(|(start, _)| (from..=to).contains(start));
        self.at(from) == Nature::Healthy && inside.clone().all(|(_, nature)| *nature == Nature::Healthy)
    }
}
