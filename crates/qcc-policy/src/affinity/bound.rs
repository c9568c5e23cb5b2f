//! What a binding is worth: how far ahead its provider goes, and how long it is waited for.

use std::time::Duration;

use super::LONG_CACHE_LIFETIME;
use crate::classify::Reason;
use crate::outcome::ProviderId;

/// Tokens per second that are read from scratch: Anthropic measured 11.5 s to the first token of a prompt of 100,000
/// tokens, and 2.4 s from the cache (announcement of prompt caching, August 2024).
pub const PREFILL_PER_SECOND: f64 = 11_000.0;
/// Tokens whose loss costs as much as a second of waiting. Writing a token costs 1.25 times its price, reading it from
/// the cache 0.1 times; at 3 USD per million the loss of one is 3.45 millionths. An hour of waiting is put at 60 USD.
pub const PRICE_PER_SECOND: f64 = 4_800.0;

/// How far ahead the preferred provider goes in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Before all candidates.
    Plan,
    /// Before the candidates of its own tier, or of the same priority of a route: better ones go first.
    Tier,
}

/// The preference of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Who is preferred, as long as it is admissible.
    pub provider: ProviderId,
    /// How far ahead it goes.
    pub reach: Reach,
    /// Tokens that it holds of this request's prompt, as far as known. 0 for a model that follows its session.
    pub cache_tokens: u32,
    /// How long it still holds them; zero: the session is cold.
    pub warm_for: Duration,
}

impl Bound {
    /// Whether the session would lose a cache by going elsewhere.
    pub fn is_warm(&self) -> bool {
        !self.warm_for.is_zero()
    }

    /// Whether to wait for the provider, which is out for the known time `wait`, rather than to go elsewhere: as long as
    /// the wait costs no more than the cache. Going elsewhere costs the time in which the prompt is read anew
    /// ([`PREFILL_PER_SECOND`]) and its price ([`PRICE_PER_SECOND`]); together about one second per 3,300 tokens, so the
    /// usual limit of 10 s is reached with 33,000 tokens. `max_wait` bounds the wait whatever is lost (zero: no wait).
    ///
    /// `wait` has to be known, from a stated `retry-after` or a limit of our own. The end of a cooldown for a fault is a
    /// guess and nothing to wait for while another candidate is admissible.
    pub fn is_worth_waiting_for(&self, wait: Duration, max_wait: Duration) -> bool {
        let lost = f64::from(self.cache_tokens);
        let cost = lost / PREFILL_PER_SECOND + lost / PRICE_PER_SECOND;
        wait <= max_wait && wait < self.warm_for && wait.as_secs_f64() <= cost
    }
}

/// Whether a provider that is out for everybody for this reason and time loses its sessions
/// ([`forget`](super::Affinity::forget)): no cache outlives the absence, or nobody knows its end. Not where only a model
/// or a client's own credential is out.
pub fn ends_bindings(reason: Reason, term: Duration) -> bool {
    match reason {
        Reason::Credential | Reason::Quota => true,
        Reason::Fault | Reason::Throttled => term >= LONG_CACHE_LIFETIME,
        Reason::ModelFault
        | Reason::Limited
        | Reason::ClientCredential
        | Reason::Permission
        | Reason::ModelMissing
        | Reason::Unfit => false,
    }
}
