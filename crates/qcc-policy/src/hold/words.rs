//! The words between the line and its caller: why somebody waits, whether that may help, and what it is told.

use std::time::{Duration, Instant};

use crate::classify::{Reason, Scope};
use crate::cooldown::Standing;
use crate::engine::{Target, model_hash};
use crate::outcome::ProviderId;

/// A place in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The request waits.
    Held(Ticket),
    /// There are as many waiters as may be, or holding is off.
    Full,
}

/// What is in or out together for those who wait: a provider, or one model on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Door {
    pub(super) provider: ProviderId,
    /// A hash of the model; 0: the provider as a whole.
    pub(super) model: u64,
}

impl Door {
    pub(super) fn of(provider: ProviderId) -> Self {
        Self { provider, model: 0 }
    }
}

/// Why a candidate cannot be used at the moment, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    pub(super) door: Door,
    pub(super) until: Instant,
    /// Whether everybody is affected.
    pub(super) shared: bool,
    /// Whether its end is only a guess of ours.
    pub(super) guess: bool,
}

/// What happens to a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEvent {
    /// It goes on. Its ticket stays good until it is answered, leaves or its deadline has come.
    Go {
        /// Who.
        ticket: Ticket,
        /// Where to.
        provider: ProviderId,
        /// Whether that provider is still out, so that it is tried by force, and no other one.
        trial: bool,
    },
    /// It has waited long enough; its ticket is void.
    Over {
        /// Who.
        ticket: Ticket,
    },
}

/// Whether a request may wait for one of its candidates: not where all are out for a credential or a quota, or for
/// longer than `max_wait` by a word that is to be believed.
pub fn may_hold(standings: impl IntoIterator<Item = Standing>, max_wait: Duration, now: Instant) -> bool {
    !max_wait.is_zero()
        && standings.into_iter().any(|standing| match standing {
            // It failed this request, and may do better.
            Standing::Admissible => true,
            Standing::Out { until, reason } => match reason {
                Reason::Fault | Reason::ModelFault => true,
                Reason::Throttled | Reason::Limited | Reason::Permission | Reason::ModelMissing => {
                    until.saturating_duration_since(now) <= max_wait
                }
                Reason::Credential | Reason::Quota | Reason::ClientCredential | Reason::Unfit => false,
            },
        })
}

impl Absence {
    /// Of a candidate, by what is said of it now.
    pub fn new(target: &Target, standing: Standing, now: Instant) -> Self {
        let whole = Door::of(target.provider);
        match standing {
            Standing::Admissible => Self { door: whole, until: now, shared: true, guess: true },
            // Whoever wants that model is affected alike, and nobody else.
            Standing::Out { until, reason: Reason::ModelFault } => {
                let door = Door { model: model_hash(&target.model).max(1), ..whole };
                Self { door, until, shared: true, guess: true }
            }
            Standing::Out { until, reason } => {
                let shared = match reason.scope() {
                    Scope::Provider => true,
                    Scope::Credential => target.fingerprint.is_none(),
                    Scope::Model => false,
                };
                Self { door: whole, until, shared, guess: reason.is_guess() }
            }
        }
    }
}
