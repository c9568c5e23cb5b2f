//! Who is out, until when and why. One failure puts a provider out for the configured time; a refusal puts out exactly
//! what it was about (a credential, a model), for the time that it states.
//!
//! Many requests run at once, so the order in which their news arrive is not the order of what happened:
//! - A charge extends a cooldown, never shortens it: a short `retry-after` does not undo a long one.
//! - A success counts only against charges older than the start of its own attempt. A stream that began while all was
//!   well proves nothing about the failures since.
//! - A success ends what it disproves (a fault, a refused credential, permission or model), not what the provider
//!   announced (a throttle, a quota): one request that slips through does not lift a limit.
//! - A refund takes back one charge. While other requests' charges stand, the provider stays out.
//!
//! Keys hold models and credentials that clients choose, so they are bounded: model names over [`LONGEST_MODEL`] bytes
//! are not kept, and past [`MOST_ENTRIES`] those that are due first make room, the expired ones before all. Entries of a
//! provider as a whole, of which the configuration bounds the number, never make room.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::classify::{Charge, Reason, Scope, Term};
use crate::later;
use crate::outcome::ProviderId;

mod keep;

pub use keep::KeptCooldown;

/// How many entries with a client's model or credential are kept.
pub const MOST_ENTRIES: usize = 4096;
/// How many of them make room at once, so that a flood does not search the whole table for every newcomer.
const ROOM: usize = MOST_ENTRIES / 16;
/// The longest model name that is kept, in bytes. Real ones stay under 100.
pub const LONGEST_MODEL: usize = 256;

/// Not a throttle or a quota: those are the provider's own word on time.
const DISPROVED_BY_SUCCESS: [Reason; 5] =
    [Reason::Fault, Reason::Credential, Reason::ClientCredential, Reason::Permission, Reason::ModelMissing];

/// Whether a provider may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Admissible,
    /// It is left out.
    Out {
        /// When everything that keeps it out is over.
        until: Instant,
        /// Of several reasons one that forbids even a last try, else the longest.
        reason: Reason,
    },
}

impl Standing {
    pub(crate) fn with(self, until: Instant, reason: Reason) -> Self {
        match self {
            Self::Admissible => Self::Out { until, reason },
            Self::Out { until: known, reason: other } => {
                let stricter = match (other.may_be_tried_anyway(), reason.may_be_tried_anyway()) {
                    (true, false) => reason,
                    (false, true) => other,
                    (true, true) | (false, false) if until > known => reason,
                    (true, true) | (false, false) => other,
                };
                Self::Out { until: until.max(known), reason: stricter }
            }
        }
    }
}

/// A change worth a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// A provider is out that was not, for this reason.
    Out {
        /// Which provider.
        provider: ProviderId,
        /// Which model, where only that is out.
        model: Option<String>,
        /// Why.
        reason: Reason,
        /// For how long, from now.
        term: Duration,
    },
    /// A provider is no longer out for this reason.
    Back {
        /// Which provider.
        provider: ProviderId,
        /// Which model, where only that was out.
        model: Option<String>,
        /// Why it had been out.
        reason: Reason,
        /// How long ago it was put out.
        after: Duration,
    },
}

/// One cooldown in force, for a status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown<'a> {
    /// Which provider.
    pub provider: ProviderId,
    /// Which model, where only that is out.
    pub model: Option<&'a str>,
    /// Which client's credential, where only that is out.
    pub fingerprint: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// When it was put out.
    pub since: Instant,
    /// When it returns.
    pub until: Instant,
}

/// What exactly is out. The reason is part of it, so that an announced limit and a fault end independently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    provider: ProviderId,
    reason: Reason,
    fingerprint: Option<u64>,
    model: Option<Cow<'a, str>>,
}

impl<'a> Place<'a> {
    /// `None` where the place is not kept: its model name is too long to be a real one.
    fn new(reason: Reason, provider: ProviderId, model: Option<&'a str>, fingerprint: Option<u64>) -> Option<Self> {
        let (fingerprint, model) = match reason.scope() {
            Scope::Provider => (None, None),
            Scope::Credential => (fingerprint, None),
            Scope::Model => (fingerprint, model),
        };
        if model.is_some_and(|name| name.len() > LONGEST_MODEL) {
            return None;
        }
        Some(Self { provider, reason, fingerprint, model: model.map(Cow::Borrowed) })
    }

    fn into_owned(self) -> Place<'static> {
        Place {
            provider: self.provider,
            reason: self.reason,
            fingerprint: self.fingerprint,
            model: self.model.map(|name| Cow::Owned(name.into_owned())),
        }
    }

    /// Whether a client's choice of words made this place.
    fn is_made_by_a_client(&self) -> bool {
        self.fingerprint.is_some() || self.model.is_some()
    }

    fn back(self, entry: Entry, now: Instant) -> Transition {
        Transition::Back {
            provider: self.provider,
            model: self.model.map(Cow::into_owned),
            reason: self.reason,
            after: now.saturating_duration_since(entry.since),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The first charge of this cooldown.
    since: Instant,
    /// The latest charge.
    latest: Instant,
    until: Instant,
    /// Charges that were not refunded.
    charges: u32,
}

/// Everything that is out. One value serves all requests.
#[derive(Debug, Clone)]
pub struct Cooldowns {
    fault_term: Duration,
    entries: BTreeMap<Place<'static>, Entry>,
}

impl Cooldowns {
    /// Nobody is out. `fault_term`: how long a provider's own fault puts it out; zero: not at all.
    pub fn new(fault_term: Duration) -> Self {
        Self { fault_term, entries: BTreeMap::new() }
    }

    /// A new `fault_term`, as after a reload. Cooldowns in force keep theirs.
    pub fn set_fault_term(&mut self, fault_term: Duration) {
        self.fault_term = fault_term;
    }

    /// Applies a charge. `model` is the name as sent upstream; `fingerprint` is of the client's own credential, `None`
    /// where a pooled one was used. Reports only who was not out before: an extension is no news.
    pub fn charge(
        &mut self,
        provider: ProviderId,
        model: Option<&str>,
        fingerprint: Option<u64>,
        charge: Charge,
        now: Instant,
    ) -> Option<Transition> {
        let (reason, term) = match charge {
            Charge::None => return None,
            Charge::Out { reason, how_long } => match how_long {
                Term::Configured => (reason, self.fault_term),
                Term::For(term) => (reason, term),
            },
        };
        if term.is_zero() {
            return None;
        }
        let place = Place::new(reason, provider, model, fingerprint)?.into_owned();
        let until = later(now, term);
        if let Some(entry) = self.entries.get_mut(&place)
            && entry.until > now
        {
            entry.latest = entry.latest.max(now);
            entry.until = entry.until.max(until);
            entry.charges = entry.charges.saturating_add(1);
            return None;
        }
        let news = Transition::Out { provider, model: place.model.as_deref().map(str::to_owned), reason, term };
        self.make_room(&place);
        let entry = Entry { since: now, latest: now, until, charges: 1 };
        self.entries.insert(place, entry);
        Some(news)
    }

    /// An attempt that began at `started` ended well. Ends what that disproves and reports the widest of it; also
    /// where the time was already over, since only now it is known that the provider is back.
    pub fn succeed(
        &mut self,
        provider: ProviderId,
        model: Option<&str>,
        fingerprint: Option<u64>,
        started: Instant,
        now: Instant,
    ) -> Option<Transition> {
        if self.entries.is_empty() {
            return None;
        }
        let mut news = None;
        for reason in DISPROVED_BY_SUCCESS {
            let Some(place) = Place::new(reason, provider, model, fingerprint) else {
                continue;
            };
            let older = find(&self.entries, &place).filter(|entry| entry.latest <= started);
            if let Some(entry) = older.copied() {
                let place = place.into_owned();
                self.entries.remove(&place);
                news = news.or_else(|| Some(place.back(entry, now)));
            }
        }
        news
    }

    /// Takes back one charge that was applied at `charged_at` (the `now` of that call): it turned out not to be the
    /// provider's fault. Does nothing where that cooldown has ended meanwhile, even if there is a newer one.
    pub fn refund(
        &mut self,
        provider: ProviderId,
        model: Option<&str>,
        fingerprint: Option<u64>,
        charge: Charge,
        charged_at: Instant,
        now: Instant,
    ) -> Option<Transition> {
        let reason = match charge {
            Charge::None => return None,
            Charge::Out { reason, .. } => reason,
        };
        let place = Place::new(reason, provider, model, fingerprint)?.into_owned();
        let entry = self.entries.get_mut(&place)?;
        if entry.since > charged_at {
            return None;
        }
        entry.charges = entry.charges.saturating_sub(1);
        if entry.charges > 0 {
            return None;
        }
        let entry = self.entries.remove(&place)?;
        (entry.until > now).then(|| place.back(entry, now))
    }

    /// Forgets everything about a provider: its key changed, or somebody enabled it by hand. Returns how many
    /// entries that were.
    pub fn clear(&mut self, provider: ProviderId) -> usize {
        let before = self.entries.len();
        self.entries.retain(|place, _| place.provider != provider);
        before - self.entries.len()
    }

    /// Whether a provider may be tried with this model and credential.
    pub fn standing(
        &self,
        provider: ProviderId,
        model: Option<&str>,
        fingerprint: Option<u64>,
        now: Instant,
    ) -> Standing {
        if self.entries.is_empty() {
            return Standing::Admissible;
        }
        Reason::ALL.into_iter().fold(Standing::Admissible, |standing, reason| {
            Place::new(reason, provider, model, fingerprint)
                .and_then(|place| find(&self.entries, &place))
                .filter(|entry| entry.until > now)
                .map_or(standing, |entry| standing.with(entry.until, reason))
        })
    }

    /// What is out at the moment, by provider.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = Cooldown<'_>> {
        self.entries.iter().filter(move |(_, entry)| entry.until > now).map(|(place, entry)| Cooldown {
            provider: place.provider,
            model: place.model.as_deref(),
            fingerprint: place.fingerprint,
            reason: place.reason,
            since: entry.since,
            until: entry.until,
        })
    }

    /// Drops what is over. Faults of providers stay remembered, so that the next success can report the return.
    pub fn prune(&mut self, now: Instant) {
        self.entries.retain(|place, entry| entry.until > now || place.reason == Reason::Fault);
    }

    fn make_room(&mut self, place: &Place<'static>) {
        if !place.is_made_by_a_client() || self.entries.len() < MOST_ENTRIES {
            return;
        }
        let mut due: Vec<Instant> = self
            .entries
            .iter()
            .filter(|(place, _)| place.is_made_by_a_client())
            .map(|(_, entry)| entry.until)
            .collect();
        due.sort_unstable();
        let Some(&last) = due.get(ROOM - 1).or_else(|| due.last()) else {
            return;
        };
        let mut left = ROOM;
        self.entries.retain(|place, entry| {
            let goes = left > 0 && place.is_made_by_a_client() && entry.until <= last;
            left -= usize::from(goes);
            !goes
        });
    }
}

/// A free function so that the borrow of the map may shrink to that of the key: no allocation for a look-up.
fn find<'a, 'm>(entries: &'m BTreeMap<Place<'a>, Entry>, place: &Place<'a>) -> Option<&'m Entry> {
    entries.get(place)
}

#[cfg(test)]
mod tests;
