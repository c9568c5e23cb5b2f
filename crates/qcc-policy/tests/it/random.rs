//! Arbitrary but repeatable choices: everything follows from a seed, so a failure can be replayed.

use std::time::{Duration, Instant};

use qcc_policy::{Failure, Outcome, Phase, Refusal, Topic};

/// Where virtual time starts.
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made otherwise")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// Marsaglia's xorshift64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would stay zero; a few rounds spread small seeds.
        let mut random = Self(seed ^ 0x9e37_79b9_7f4a_7c15);
        random.0 |= 1;
        for _ in 0..8 {
            random.draw();
        }
        random
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to `end`, without `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.draw() >> 11) % end
    }

    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub(crate) fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }

    /// Any way in which a provider can fail an attempt without saying that the request is wrong.
    pub(crate) fn trouble(&mut self) -> Outcome {
        if self.percent(40) {
            return Outcome::Failed(self.of(&[
                Failure::Connect,
                Failure::DiedBeforeAnswer,
                Failure::NotTheDialect,
                Failure::Truncated,
                Failure::Timeout(Phase::Connect),
                Failure::Timeout(Phase::FirstByte),
                Failure::Timeout(Phase::Stall),
            ]));
        }
        let status = self.of(&[302, 401, 402, 403, 404, 408, 409, 418, 429, 500, 502, 503, 529]);
        Outcome::Refused(Refusal {
            html: self.percent(10),
            retry_after: self.percent(50).then(|| self.millis(90_000)),
            until: self.percent(10).then(|| self.millis(9_000_000)),
            topic: if self.percent(80) {
                Topic::None
            } else {
                self.of(&[Topic::Quota, Topic::ModelMissing, Topic::Overloaded, Topic::Permission])
            },
            ..Refusal::of(status)
        })
    }

    /// Any outcome at all.
    pub(crate) fn outcome(&mut self) -> Outcome {
        match self.below(20) {
            0 => Outcome::Done,
            1 => Outcome::ClientGone,
            2 => Outcome::Refused(Refusal::of(self.of(&[400, 413, 422]))),
            _ => self.trouble(),
        }
    }
}
