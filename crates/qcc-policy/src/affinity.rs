//! Which provider a session prefers: the one that holds its prompt cache. Reading a prompt anew costs more than ten
//! times as much as reading it from the cache, and seconds before the first word, so a session stays where it is while
//! it is warm, even after a better tier has recovered; when it has gone cold, it follows the plan like a new one.
//!
//! What is bound is the model within a session. A client runs several models under one session id, and a cache serves
//! one model, so with a single binding a title request to the small model would carry off the conversation of the large
//! one. A model that has nothing in a cache follows the rest of its session: that keeps a session together, and
//! subagents with their parent. The model is the name as the client sent it; what a provider makes of it follows from
//! the provider.
//!
//! The rules:
//! - Only a success binds. A failure elsewhere moves nobody.
//! - A later success elsewhere moves the binding. Of two that ran at the same time, the one that leaves more in the
//!   cache counts: a session begins with a large and a small request at once, which may go to two providers.
//! - What a provider holds is what the last answer read from its cache and wrote to it, the largest figure of one cache
//!   lifetime: a small request between two large ones does not shrink it.
//! - Warm is a success within the last [`CACHE_LIFETIME`], or [`LONG_CACHE_LIFETIME`] where a request asked for that.
//!   It counts from the end of the answer. Some providers count from its start; then staying is needless and harmless,
//!   while leaving too early costs the cache.
//! - A binding outlives a short absence of its provider. Whether to wait for the provider or to leave is
//!   [`Bound::is_worth_waiting_for`]. Who is out for long is forgotten, see [`ends_bindings`].
//! - The profile is not kept. It follows from the plan of the moment, and would go stale with every reload and switch.
//!
//! Sessions are named by clients, so their number is bounded: the one whose last success is oldest makes room. Both
//! maps are trees: no name that a client could choose makes them slow, and they need no random seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::outcome::ProviderId;

mod bound;
mod clock;
mod keep;
mod slot;

pub use bound::{Bound, PREFILL_PER_SECOND, PRICE_PER_SECOND, Reach, ends_bindings};
pub use keep::{Batch, KeptBinding, Void};

use clock::{Clock, millis};
use slot::{Session, Slot};

/// How long a provider keeps a prompt cache after its last use, unless asked otherwise (Anthropic: `ttl` `5m`).
pub const CACHE_LIFETIME: Duration = Duration::from_mins(5);
/// How long where a request asked for it (Anthropic: `ttl` `1h`).
pub const LONG_CACHE_LIFETIME: Duration = Duration::from_hours(1);
/// The shortest prefix that the current models cache, in tokens (512 to 4096 by model). Less is nothing to stay for.
pub const LEAST_CACHED: u32 = 512;
/// Models per session that are kept apart; a further one takes the place of the one used least recently. A client has
/// a large, a middle and a small one.
pub const MODELS: usize = 3;
/// How many sessions past their time every success removes, so that they go at least as fast as new ones come.
const EXPIRED_AT_ONCE: usize = 2;

/// A conversation with one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Hash of the session's name and of the client key, so that no client can move another one's session. It has to be
    /// the same after a restart.
    pub session: u64,
    /// Hash of the model's name as the client sent it.
    pub model: u64,
}

/// What of the configuration decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AffinitySettings {
    /// How long a session is remembered after its last success; zero: not at all.
    pub ttl: Duration,
    /// Sessions remembered at once; 0: none.
    pub max_sessions: usize,
    /// Whether a cold session returns to a better tier (`failover.recovery`).
    pub recovery: bool,
}

/// An answer that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Who gave it.
    pub provider: ProviderId,
    /// Tokens that this provider now holds of the prompt: read from the cache plus written to it. 0 where it does not
    /// say.
    pub cached: u32,
    /// Whether the request asked for the long cache.
    pub long: bool,
    /// When the attempt began.
    pub started: Instant,
}

/// A session went elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Who had it.
    pub from: ProviderId,
    /// Who has it now.
    pub to: ProviderId,
    /// Tokens in the cache that it left behind.
    pub cache_tokens: u32,
}

/// What was written before is void, and an attempt that began before binds nobody.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// The newest write of then. Times are too coarse for it.
    turn: u64,
    at: u64,
}

/// Every session's preference. One value serves all requests.
#[derive(Debug, Clone)]
pub struct Affinity {
    ttl: u64,
    max_sessions: usize,
    recovery: bool,
    clock: Clock,
    turn: u64,
    sessions: BTreeMap<u64, Box<Session>>,
    /// Sessions by their newest turn: the first one makes room.
    by_turn: BTreeMap<u64, u64>,
    switched: Mark,
    forgotten: BTreeMap<ProviderId, Mark>,
    /// What became void since the last [`Affinity::take_void`].
    void: Void,
}

impl Affinity {
    /// Nobody is bound.
    pub fn new(settings: AffinitySettings) -> Self {
        Self {
            ttl: millis(settings.ttl),
            max_sessions: settings.max_sessions,
            recovery: settings.recovery,
            clock: Clock::default(),
            turn: 0,
            sessions: BTreeMap::new(),
            by_turn: BTreeMap::new(),
            switched: Mark::default(),
            forgotten: BTreeMap::new(),
            void: Void::default(),
        }
    }

    /// New settings, as after a reload. Bindings stay, as many as fit.
    pub fn configure(&mut self, settings: AffinitySettings) {
        self.ttl = millis(settings.ttl);
        self.max_sessions = settings.max_sessions;
        self.recovery = settings.recovery;
        self.make_room();
    }

    /// Whom a request prefers. `in_plan` says whether a provider is among its candidates, admissible or not.
    pub fn prefer(&self, key: SessionKey, mut in_plan: impl FnMut(ProviderId) -> bool, now: Instant) -> Option<Bound> {
        let session = self.sessions.get(&key.session)?;
        let at = self.clock.at(now);
        let is_own = |slot: &Slot| slot.model == key.model;
        let usable = session.slots.iter().filter(|slot| self.is_in_force(slot, at) && in_plan(slot.provider));
        let best = usable.max_by_key(|slot| {
            (is_own(slot) && slot.is_worth_staying(at), slot.is_warm(at), slot.cached(at), slot.turn)
        })?;
        let warm = best.is_warm(at);
        Some(Bound {
            provider: best.provider,
            reach: if warm || !self.recovery { Reach::Plan } else { Reach::Tier },
            cache_tokens: if is_own(best) { best.cached(at) } else { 0 },
            warm_for: Duration::from_millis(best.warm_until.saturating_sub(at)),
        })
    }

    /// An answer came to its end. Not for `count_tokens`: it leaves nothing in a cache. Reports a session that went
    /// elsewhere.
    pub fn succeed(&mut self, key: SessionKey, served: Served, now: Instant) -> Option<Moved> {
        if self.is_off() {
            return None;
        }
        let at = self.clock.start(now);
        self.expire(at, EXPIRED_AT_ONCE);
        let began = self.clock.at(served.started).min(at);
        if began < self.switched.at || self.mark(served.provider).is_some_and(|mark| began < mark.at) {
            return None;
        }
        let known = self.known(key, at);
        // Threads may hand in instants slightly out of order; an older one counts as the newest.
        let at = known.map_or(at, |known| known.last.max(at));
        let elsewhere = known.filter(|known| known.provider != served.provider);
        if let Some(old) = elsewhere
            && old.is_warm(at)
            && began < old.last
            && served.cached < old.cached(at)
        {
            return None;
        }
        self.put(key.session, Slot::after(known, key, &served, self.turn + 1, at));
        self.make_room();
        elsewhere.map(|old| Moved { from: old.provider, to: served.provider, cache_tokens: old.cached(at) })
    }

    /// Nobody prefers this provider any longer, as when it is out for long ([`ends_bindings`]) or its health was reset
    /// by hand. Answers that it began before bind nobody either. Costs the same for any number of sessions. What was
    /// saved of it has to be deleted too, see [`Affinity::take_void`].
    pub fn forget(&mut self, provider: ProviderId, now: Instant) {
        let at = self.clock.start(now);
        self.forgotten.retain(|_, mark| mark.at.saturating_add(self.ttl) > at);
        self.forgotten.insert(provider, Mark { turn: self.turn, at });
        self.void.providers.insert(provider);
    }

    /// Somebody said by hand where requests go. All sessions start anew, so that it has effect at once. Costs the
    /// same for any number of sessions. What was saved of them has to be deleted too, see [`Affinity::take_void`].
    pub fn switch(&mut self, now: Instant) {
        let at = self.clock.start(now);
        self.switched = Mark { turn: self.turn, at };
        self.void = Void { all: true, ..Void::default() };
    }

    /// Removes sessions past their time or void, at most so many. For a timer: without traffic nothing else does.
    /// Returns how many were removed.
    pub fn prune(&mut self, most: usize, now: Instant) -> usize {
        let at = self.clock.at(now);
        self.expire(at, most)
    }

    /// How many sessions are remembered, those that nothing has removed yet included.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no session is remembered.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    fn is_off(&self) -> bool {
        self.ttl == 0 || self.max_sessions == 0
    }

    fn mark(&self, provider: ProviderId) -> Option<Mark> {
        if self.forgotten.is_empty() { None } else { self.forgotten.get(&provider).copied() }
    }

    /// Whether a slot was written, is not past its time, and its provider was not forgotten since.
    fn is_in_force(&self, slot: &Slot, at: u64) -> bool {
        slot.turn > self.switched.turn
            && slot.last.saturating_add(self.ttl) > at
            && self.mark(slot.provider).is_none_or(|mark| slot.turn > mark.turn)
    }

    /// A model's binding, where it is in force.
    fn known(&self, key: SessionKey, at: u64) -> Option<Slot> {
        let session = self.sessions.get(&key.session)?;
        let slot = session.slots[session.place(key.model)];
        (slot.model == key.model && self.is_in_force(&slot, at)).then_some(slot)
    }

    fn put(&mut self, name: u64, slot: Slot) {
        self.turn = slot.turn;
        let session =
            self.sessions.entry(name).or_insert_with(|| Box::new(Session { turn: 0, slots: [Slot::NEVER; MODELS] }));
        self.by_turn.remove(&session.turn);
        session.turn = slot.turn;
        session.slots[session.place(slot.model)] = slot;
        self.by_turn.insert(slot.turn, name);
    }

    fn make_room(&mut self) {
        let most = if self.is_off() { 0 } else { self.max_sessions };
        while self.sessions.len() > most
            && let Some((_, name)) = self.by_turn.pop_first()
        {
            self.sessions.remove(&name);
        }
    }

    fn expire(&mut self, at: u64, most: usize) -> usize {
        let mut removed = 0;
        while removed < most
            && let Some(first) = self.by_turn.first_entry()
            && (*first.key() <= self.switched.turn
                || self.sessions.get(first.get()).is_none_or(|session| session.last().saturating_add(self.ttl) <= at))
        {
            self.sessions.remove(&first.remove());
            removed += 1;
        }
        removed
    }
}

#[cfg(test)]
mod tests;
