//! The words between the line and its caller: why somebody waits, whether that may help, and what it is told.

use std::time::{Duration, Instant};

use crate::classify::{Reason, Scope};
use crate::cooldown::Standing;
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

/// Why a candidate cannot be used at the moment, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    pub(super) provider: ProviderId,
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
                Reason::Fault => true,
                Reason::Throttled | Reason::Limited | Reason::Permission | Reason::ModelMissing => {
                    until.saturating_duration_since(now) <= max_wait
                }
                Reason::Credential | Reason::Quota | Reason::ClientCredential => false,
            },
        })
}

impl Absence {
    /// Of a candidate, by what is said of it now. `fingerprint` is of the client's own credential, `None` where a pooled
    /// one is used.
    pub fn new(provider: ProviderId, fingerprint: Option<u64>, standing: Standing, now: Instant) -> Self {
        match standing {
            Standing::Admissible => Self { provider, until: now, shared: true, guess: true },
            Standing::Out { until, reason } => {
                let shared = match reason.scope() {
                    Scope::Provider => true,
                    Scope::Credential => fingerprint.is_none(),
                    Scope::Model => false,
                };
                Self { provider, until, shared, guess: reason == Reason::Fault }
            }
        }
    }
}
