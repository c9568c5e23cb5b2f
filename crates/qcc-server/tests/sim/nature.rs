//! How providers behave over time.

use std::time::Duration;

use crate::random::Random;

/// How a provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Well,
    /// Nobody listens.
    Refusing,
    /// Connections are never made.
    Swallowing,
    /// Connections end as soon as a request is there.
    HangingUp,
    /// Takes the request, says nothing.
    Silent,
    /// The head, then nothing.
    SilentAfterHead,
    /// Stops in the middle of an answer.
    Stalling,
    /// Pings, and nothing else.
    Pinging,
    /// A 200 whose first event is an error.
    ErrorFirst,
    /// An error event after content.
    ErrorLater,
    /// A web page under 200.
    Page,
    /// A web page under this status.
    PageUnder(u16),
    /// A 200 without a byte of a body.
    Empty,
    /// Ends in order before the end.
    Truncating,
    /// Closes in the middle.
    Cutting,
    /// Resets after so many bytes.
    Resetting(u64),
    /// Whole answers, a byte at a time.
    Trickling,
    /// 429 with nothing, `retry-after`, `retry-after-ms`, a date, a limit's reset.
    Throttling(u8),
    /// 529.
    Overloaded,
    /// Another error of its own.
    Failing(u16),
    /// Refuses the credential (401), the account (402), the permission (403), the model (404).
    Forbidding(u16),
}

/// What a provider does from which time on, and what share of the requests has to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Script(Vec<(Duration, Nature, u64)>);

impl Nature {
    pub(crate) fn any(random: &mut Random) -> Self {
        match random.below(30) {
            0 | 1 => Self::Refusing,
            2 => Self::Swallowing,
            3 => Self::HangingUp,
            4 => Self::Silent,
            5 => Self::SilentAfterHead,
            6 => Self::Stalling,
            7 => Self::Pinging,
            8 => Self::ErrorFirst,
            9 => Self::ErrorLater,
            10 => Self::Page,
            11 => Self::PageUnder(random.of(&[403, 404, 502])),
            12 => Self::Empty,
            13 | 14 => Self::Truncating,
            15 => Self::Cutting,
            16 => Self::Resetting(random.below(3000)),
            17 => Self::Trickling,
            18 | 19 => Self::Throttling(random.below(5) as u8),
            20 => Self::Overloaded,
            21 | 22 => Self::Failing(random.of(&[500, 502, 503, 504, 408, 418])),
            23..25 => Self::Forbidding(random.of(&[401, 402, 403, 404])),
            // In the midst of an answer there is most to be done wrong.
            25..28 => Self::Truncating,
            28 => Self::Cutting,
            _ => Self::ErrorLater,
        }
    }
}

impl Script {
    /// Well until `end` but for up to three faults.
    pub(crate) fn any(end: Duration, random: &mut Random) -> Self {
        let mut script = vec![(Duration::ZERO, Nature::Well, 100)];
        let third = end.as_millis() as u64 / 3;
        let mut from = Duration::ZERO;
        for _ in 0..random.below(4) {
            from += random.millis(0..third);
            script.push((from, Nature::any(random), random.of(&[100, 100, 60, 20])));
            from += random.millis(0..third);
            script.push((from, Nature::Well, 100));
        }
        script.retain(|(from, ..)| *from < end);
        script.push((end, Nature::Well, 100));
        Self(script)
    }

    /// As it is, but like this between these times.
    pub(crate) fn cut(&mut self, from: Duration, to: Duration, nature: Nature) {
        let (_, after, share) = self.entry(to);
        self.0.retain(|(start, ..)| *start < from || *start > to);
        self.0.extend([(from, nature, 100), (to, after, share)]);
        self.0.sort_by_key(|(start, ..)| *start);
    }

    fn entry(&self, time: Duration) -> (Duration, Nature, u64) {
        let last = self.0.iter().rev().find(|(start, ..)| *start <= time);
        last.copied().unwrap_or((Duration::ZERO, Nature::Well, 100))
    }

    /// What it does to somebody who comes now.
    pub(crate) fn now(&self, time: Duration, random: &mut Random) -> Nature {
        let (_, nature, share) = self.entry(time);
        if random.percent(share) { nature } else { Nature::Well }
    }

    /// Whether it is well from then on until then.
    pub(crate) fn is_well(&self, from: Duration, to: Duration) -> bool {
        let inside = self.0.iter().filter(|(start, ..)| (from..=to).contains(start));
        self.entry(from).1 == Nature::Well && inside.clone().all(|(_, nature, _)| *nature == Nature::Well)
    }
}
