//! Who is presumed loaded. A 529 speaks of the machines that serve a model, and providers on one host, such as two keys of
//! one vendor, are served by the same machines. So after one of them said so, all of that host come last for this model
//! for a moment: elsewhere first, and nobody is left out, since it is only presumed.
//!
//! A session whose warm prompt cache is there still asks there first: one 529 is not worth the cache.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::later;
use crate::outcome::ProviderId;

/// How long. Vendors speak of a few seconds; half a minute is the most that any of them asks for.
pub const PRESUMED_LOADED: Duration = Duration::from_secs(10);

/// How many hosts and models are remembered. Models are named by clients; past this the longest known makes room.
const MOST: usize = 256;

/// Hosts that said they are overloaded.
#[derive(Debug, Clone, Default)]
pub struct Overloads {
    hosts: BTreeMap<ProviderId, u64>,
    until: BTreeMap<(u64, u64), Instant>,
}

impl Overloads {
    /// Nobody is.
    pub fn new() -> Self {
        Self::default()
    }

    /// On which host a provider is: the same number for the same host.
    pub fn place(&mut self, provider: ProviderId, host: u64) {
        self.hosts.insert(provider, host);
    }

    /// Drops providers that are gone.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.hosts.retain(|provider, _| keep(*provider));
    }

    /// A provider said that it is overloaded, asked for this model (a hash of the client's name for it).
    pub fn said(&mut self, provider: ProviderId, model: u64, now: Instant) {
        let Some(host) = self.hosts.get(&provider) else { return };
        if self.until.len() >= MOST {
            self.until.retain(|_, until| *until > now);
        }
        if self.until.len() >= MOST
            && let Some(first) = self.until.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key)
        {
            self.until.remove(&first);
        }
        self.until.insert((*host, model), later(now, PRESUMED_LOADED));
    }

    /// Whether it comes last for this model.
    pub fn is_presumed(&self, provider: ProviderId, model: u64, now: Instant) -> bool {
        if self.until.is_empty() {
            return false;
        }
        let host = self.hosts.get(&provider);
        host.and_then(|host| self.until.get(&(*host, model))).is_some_and(|until| *until > now)
    }

    /// Whether nobody has said so lately.
    pub fn is_idle(&self) -> bool {
        self.until.is_empty()
    }
}

#[cfg(test)]
mod tests;
