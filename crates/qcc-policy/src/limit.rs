//! Who is at a limit: the user's own per provider (`limits: {rpm, tpm, concurrency}`), and those that providers announce
//! in their headers. A provider at its limit is skipped, so that it need not refuse us.
//!
//! - **Own limits** hold for every sliding minute, not for minutes of the clock and not on average. Tokens are booked as
//!   estimated when an attempt begins; its end corrects the estimate: what was too much is taken back from where it was
//!   booked, what was too little is booked at the end, when it is known. A request larger than the whole limit goes once
//!   the minute is empty, since it could go at no other time.
//! - **Announced limits** are of one *lane*: what a provider counts together, which is a credential and a model. The
//!   caller makes its number (a hash of the client's credential where that was used, and the model as sent), so that
//!   one client's spent subscription shuts out nobody else, and one model's limit no other model. Only the provider's own
//!   "nothing remains" shuts a lane, until the stated reset. When little remains, starts are spread in time, by at most
//!   [`SPREAD_MOST`]: how much a request will cost is an estimate (cache reads are mostly not counted), and an estimate
//!   must not shut out anybody.
//!
//! `admit` only asks; `begin` books, whatever `admit` said: an attempt that is made anyway costs as much. Ask and begin
//! under one lock, so that no two take the last room.
//!
//! Lanes are kept only while little remains, at most [`MOST_LANES`] of them; past that those that are due first make
//! room. Everything else is bounded by the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::later;
use crate::outcome::ProviderId;
use crate::sliding::{Sliding, Stamp};

mod keep;
mod lane;

pub use keep::KeptLane;

use lane::Lane;

/// How many announced limits are kept.
pub const MOST_LANES: usize = 4096;
/// How many of them make room at once, so that a flood does not search the whole table for every newcomer.
const ROOM: usize = MOST_LANES / 16;
/// The longest wait between two starts where little remains. A client waits this long for its warm prompt cache
/// (`affinity.max_wait`), so a session stays.
pub const SPREAD_MOST: Duration = Duration::from_secs(10);
/// When somebody who is out for concurrency may ask again, as far as the clock goes. The end of any attempt on that
/// provider makes room earlier.
pub const BUSY_LOOK: Duration = Duration::from_secs(1);

/// The user's limits for one provider; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Attempts that may begin in any 60 seconds.
    pub rpm: u32,
    /// Tokens, input and output together, in any 60 seconds.
    pub tpm: u32,
    /// Attempts that may run at once.
    pub concurrency: u32,
}

/// Which limit keeps a request out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// `limits.rpm`.
    Requests,
    /// `limits.tpm`.
    Tokens,
    /// `limits.concurrency`.
    Concurrency,
    /// The provider announced that nothing remains.
    Announced,
    /// The provider announced that little remains.
    Spread,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "rpm",
            Self::Tokens => "tpm",
            Self::Concurrency => "concurrency",
            Self::Announced => "announced",
            Self::Spread => "spread",
        })
    }
}

/// Whether there is room for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Free,
    /// There is not.
    Out {
        /// When there will be, if nobody else begins before. For [`Bound::Concurrency`]: when to look again.
        until: Instant,
        /// Of several limits the one that holds longest.
        bound: Bound,
    },
}

impl Room {
    fn with(self, other: Option<(Instant, Bound)>) -> Self {
        match (self, other) {
            (Self::Out { until: known, .. }, Some((until, _))) if known >= until => self,
            (_, Some((until, bound))) => Self::Out { until, bound },
            (_, None) => self,
        }
    }
}

/// One count that a provider announces, such as `anthropic-ratelimit-requests-{limit,remaining,reset}` or
/// `x-ratelimit-{limit,remaining,reset}-tokens`. Without a reset a count says nothing that could be acted upon: leave it
/// out then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// How much there is when all is fresh. 0 is what some send who count nothing: such a counter is passed over.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: u64,
    /// From now until all is fresh; bounded to 1 s and 24 h.
    pub reset: Duration,
}

/// The window of a subscription: the `anthropic-ratelimit-unified-*` family. Only a rejection counts: how a user spreads
/// the work of five hours or a week is not ours to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unified {
    /// `-status` is `rejected`.
    pub rejected: bool,
    /// `-overage-status` allows: requests are served beyond the window, so a rejection does not count.
    pub overage: bool,
    /// `-reset`, from now; bounded to 1 s and 24 h, 30 s without.
    pub reset: Option<Duration>,
}

/// What the headers of one answer say. The priority and fast families are left out: at their end requests are served at
/// the ordinary rate. What is `None` leaves in force what was announced before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Announced {
    /// Requests.
    pub requests: Option<Counter>,
    /// Tokens of both kinds.
    pub tokens: Option<Counter>,
    /// Input tokens.
    pub input_tokens: Option<Counter>,
    /// Output tokens. What an answer will cost is not known when it begins, so only an end of them counts.
    pub output_tokens: Option<Counter>,
    /// A subscription's window.
    pub unified: Option<Unified>,
}

/// The room that one running attempt takes. It must come back through [`Limiters::end`], also when the client left.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "room that is not given back is lost"]
pub struct Permit {
    provider: ProviderId,
    generation: u64,
    estimate: u32,
    stamp: Option<Stamp>,
}

/// One provider's use, for a status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The limits in force.
    pub caps: Caps,
    /// Attempts that run.
    pub in_flight: u32,
    /// Attempts begun in the last minute; 0 where that was never limited.
    pub requests: u64,
    /// Tokens booked in the last minute; 0 where that was never limited.
    pub tokens: u64,
}

/// A provider's own limits and what counts against them.
#[derive(Debug, Clone)]
struct Own {
    /// Tells permits of this provider from those of its life before it was forgotten.
    generation: u64,
    caps: Caps,
    in_flight: u32,
    /// Made when a limit is first set and kept from then on, so that stamps stay true over reloads.
    requests: Option<Sliding>,
    tokens: Option<Sliding>,
}

impl Own {
    fn configure(&mut self, caps: Caps) {
        self.caps = caps;
        if caps.rpm > 0 {
            self.requests.get_or_insert_with(minute);
        }
        if caps.tpm > 0 {
            self.tokens.get_or_insert_with(minute);
        }
    }

    fn room(&mut self, tokens: u32, now: Instant) -> Room {
        let mut room = Room::Free;
        if let (1.., Some(spent)) = (self.caps.rpm, &mut self.requests) {
            let until = spent.full_until(1, u64::from(self.caps.rpm), now);
            room = room.with(until.map(|until| (until, Bound::Requests)));
        }
        if let (1.., Some(spent)) = (self.caps.tpm, &mut self.tokens) {
            let until = spent.full_until(u64::from(tokens), u64::from(self.caps.tpm), now);
            room = room.with(until.map(|until| (until, Bound::Tokens)));
        }
        let busy = self.caps.concurrency > 0 && self.in_flight >= self.caps.concurrency;
        room.with(busy.then(|| (later(now, BUSY_LOOK), Bound::Concurrency)))
    }
}

fn minute() -> Sliding {
    Sliding::new(1, 60)
}

/// Tokens as they are booked. More than 4 billion in one request is nonsense from upstream, and over every limit alike.
fn bounded(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// The limits of all providers. One value serves all requests.
#[derive(Debug, Clone, Default)]
pub struct Limiters {
    own: BTreeMap<ProviderId, Own>,
    lanes: BTreeMap<(ProviderId, u64), Lane>,
    generations: u64,
}

impl Limiters {
    /// Nobody is limited.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a provider's own limits, as at start and after a reload; what counts against them stays. A limit that was
    /// never set before counts from here on.
    pub fn configure(&mut self, provider: ProviderId, caps: Caps) {
        self.own(provider).configure(caps);
    }

    /// Forgets what a provider announced: its key changed, or somebody enabled it by hand. Its own limits stay.
    pub fn clear(&mut self, provider: ProviderId) {
        self.lanes.retain(|(known, _), _| *known != provider);
    }

    /// Whether a request of about so many tokens (input and expected output) may begin. `lane`: see the module.
    pub fn admit(&mut self, provider: ProviderId, lane: u64, tokens: u64, now: Instant) -> Room {
        let tokens = bounded(tokens);
        let room = self.own.get_mut(&provider).map_or(Room::Free, |own| own.room(tokens, now));
        if self.lanes.is_empty() {
            return room;
        }
        room.with(self.lanes.get(&(provider, lane)).and_then(|lane| lane.shut_until(tokens, now)))
    }

    /// Books an attempt of about so many tokens.
    pub fn begin(&mut self, provider: ProviderId, lane: u64, tokens: u64, now: Instant) -> Permit {
        let estimate = bounded(tokens);
        if let Some(lane) = self.lanes.get_mut(&(provider, lane)) {
            lane.begin(estimate, now);
        }
        let own = self.own(provider);
        own.in_flight = own.in_flight.saturating_add(1);
        if let Some(spent) = &mut own.requests {
            spent.add(1, now);
        }
        let stamp = own.tokens.as_mut().map(|spent| spent.add(estimate, now));
        Permit { provider, generation: own.generation, estimate, stamp }
    }

    /// An attempt ended, in whatever way. `tokens`: what it really cost, 0 where it never reached the provider; `None`
    /// where that is not known: then the estimate stands.
    pub fn end(&mut self, permit: Permit, tokens: Option<u64>, now: Instant) {
        let Some(own) = self.own.get_mut(&permit.provider).filter(|own| own.generation == permit.generation) else {
            return;
        };
        own.in_flight = own.in_flight.saturating_sub(1);
        let (Some(actual), Some(stamp), Some(spent)) = (tokens.map(bounded), permit.stamp, &mut own.tokens) else {
            return;
        };
        if actual > permit.estimate {
            spent.add(actual - permit.estimate, now);
        } else {
            spent.take_back(stamp, permit.estimate - actual, now);
        }
    }

    /// Learns from the headers of an answer. Tells when the lane reopens where this shut it: worth a log line.
    pub fn observe(&mut self, provider: ProviderId, lane: u64, said: &Announced, now: Instant) -> Option<Instant> {
        let key = (provider, lane);
        let known = self.lanes.get(&key).copied();
        let learned = known.unwrap_or_default().learn(said, now);
        if !learned.matters(now) {
            if known.is_some() {
                self.lanes.remove(&key);
            }
            return None;
        }
        if known.is_none() {
            self.make_room(now);
        }
        self.lanes.insert(key, learned);
        let was_shut = known.and_then(|lane| lane.empty_until(now)).is_some();
        learned.empty_until(now).filter(|_| !was_shut)
    }

    /// What a provider uses of its own limits.
    pub fn usage(&mut self, provider: ProviderId, now: Instant) -> Option<Usage> {
        let own = self.own.get_mut(&provider)?;
        Some(Usage {
            caps: own.caps,
            in_flight: own.in_flight,
            requests: own.requests.as_mut().map_or(0, |spent| spent.sum(now)),
            tokens: own.tokens.as_mut().map_or(0, |spent| spent.sum(now)),
        })
    }

    /// The lanes that are shut by their provider's word, and until when.
    pub fn shut(&self, now: Instant) -> impl Iterator<Item = (ProviderId, u64, Instant)> + '_ {
        self.lanes.iter().filter_map(move |(&(provider, lane), known)| Some((provider, lane, known.empty_until(now)?)))
    }

    fn own(&mut self, provider: ProviderId) -> &mut Own {
        let generations = &mut self.generations;
        self.own.entry(provider).or_insert_with(|| {
            *generations += 1;
            Own { generation: *generations, caps: Caps::default(), in_flight: 0, requests: None, tokens: None }
        })
    }

    fn make_room(&mut self, now: Instant) {
        if self.lanes.len() < MOST_LANES {
            return;
        }
        let mut due: Vec<Instant> = self.lanes.values().map(|lane| lane.due(now)).collect();
        due.sort_unstable();
        let Some(&last) = due.get(ROOM - 1) else {
            return;
        };
        let mut left = ROOM;
        self.lanes.retain(|_, lane| {
            let goes = left > 0 && lane.due(now) <= last;
            left -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests;
