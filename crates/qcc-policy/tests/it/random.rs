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
    /// Every seed gives a sequence of its own, also seeds beside each other.
    pub(crate) fn new(seed: u64) -> Self {
        // SplitMix64's step: one to one, and small seeds come out far apart.
        let mut spread = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        spread = (spread ^ (spread >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        spread = (spread ^ (spread >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        spread ^= spread >> 31;
        // Zero would stay zero.
        Self(if spread == 0 { u64::MAX } else { spread })
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
                Failure::IdleDied,
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

#[test]
fn neighbouring_seeds_make_different_choices() {
    let first = |seed| {
        let mut random = Random::new(seed);
        [random.draw(), random.draw()]
    };
    let mut seen: Vec<_> = (0..1000).map(first).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1000);
    let shares = (0..1000).filter(|&seed| Random::new(seed).percent(50)).count();
    assert!((400..600).contains(&shares), "{shares}: the first choice of small seeds is not even");
}
