//! What makes a provider the same one after a reload and after a restart: its name, its address and its key. A new key or
//! address is a new provider as far as its past faults go; "out until its key changes" follows from that.
//!
//! What is known of a provider is kept when it leaves the configuration, because it may be back with the next edit, and an
//! announced limit or a refused key still hold then. [`MOST_GONE`] of them are remembered; beyond that those that are
//! gone for longest are forgotten, so that a key which is renewed with every reload does not fill the memory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use qcc_config::{Auth, Provider};
use qcc_policy::ProviderId;
use sha2::{Digest, Sha256};

/// Providers that are remembered though the configuration does not name them: more than anybody edits in and out.
const MOST_GONE: usize = 256;

/// Stable over restarts and builds. It tells nothing of the key: it is half of a SHA-256 over name, address and
/// fingerprint, and who could guess a key to compare it with would have to guess some hundred bits. Only a key that is no
/// secret can be found so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity([u8; 16]);

/// The number of each provider of this run. No number is given twice.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: HashMap<Identity, Known>,
    next: u32,
    /// Configurations so far.
    turn: u64,
}

#[derive(Debug)]
struct Known {
    id: ProviderId,
    /// The latest configuration that named it.
    named: u64,
}

// === impl Identity ===

impl Identity {
    pub(crate) fn of(provider: &Provider) -> Self {
        let (kind, fingerprint) = match &provider.auth {
            Auth::ApiKey(key) => (1, key.fingerprint()),
            Auth::Token(token) => (2, token.fingerprint()),
            Auth::Passthrough => (3, 0),
        };
        let mut hash = Sha256::new();
        for part in [provider.name.as_str(), provider.base_url.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update([kind]);
        hash.update(fingerprint.to_be_bytes());
        let mut half = [0; 16];
        half.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Self(half)
    }
}

/// As in the database.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a provider is named in the database, for a command that changes what is kept while no gateway runs.
#[must_use]
pub fn identity_of(provider: &Provider) -> String {
    Identity::of(provider).to_string()
}

// === impl Identities ===

impl Identities {
    /// A new configuration is read; it may still be refused.
    pub(super) fn begin(&mut self) {
        self.turn += 1;
    }

    /// The number of a provider that it names.
    pub(super) fn id(&mut self, provider: &Provider) -> ProviderId {
        let next = ProviderId(self.next);
        let known = self.known.entry(Identity::of(provider)).or_insert_with(|| {
            self.next = self.next.saturating_add(1);
            Known { id: next, named: 0 }
        });
        known.named = self.turn;
        known.id
    }

    /// The configuration is in force. Where some are forgotten now: who is left.
    pub(super) fn settle(&mut self) -> Option<BTreeSet<ProviderId>> {
        let turn = self.turn;
        let mut gone: Vec<u64> = self.known.values().map(|known| known.named).filter(|named| *named < turn).collect();
        let excess = gone.len().checked_sub(MOST_GONE).filter(|excess| *excess > 0)?;
        gone.sort_unstable();
        let last = gone[excess - 1];
        let mut left = excess;
        self.known.retain(|_, known| {
            let goes = left > 0 && known.named <= last;
            left -= usize::from(goes);
            !goes
        });
        Some(self.known.values().map(|known| known.id).collect())
    }

    /// Every provider of this run, by its name in the database.
    pub(super) fn by_name(&self) -> HashMap<String, ProviderId> {
        self.known.iter().map(|(identity, known)| (identity.to_string(), known.id)).collect()
    }

    /// The names in the database, by number.
    pub(super) fn names(&self) -> HashMap<ProviderId, String> {
        self.known.iter().map(|(identity, known)| (known.id, identity.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn provider(name: &str, url: &str, key: &str) -> Provider {
        let text = format!("providers: [{{name: {name}, base_url: '{url}', auth_value: {key}}}]");
        let loaded = qcc_config::parse(&text, Path::new("t"), &|_| None).unwrap_or_else(|error| panic!("{error}"));
        loaded.config.providers.into_iter().next().unwrap()
    }

    fn of(n: u32) -> Provider {
        provider("one", "https://one.example", &format!("key-{n}"))
    }

    #[test]
    fn an_identity_is_the_same_in_every_build_and_another_one_with_another_name_address_or_key() {
        let one = provider("one", "https://one.example", "key-1");
        assert_eq!(identity_of(&one), "863b75546217d18658cbe81f1a506b7c");
        let others = [
            provider("two", "https://one.example", "key-1"),
            provider("one", "https://two.example", "key-1"),
            provider("one", "https://one.example", "key-2"),
        ];
        assert!(others.iter().all(|other| identity_of(other) != identity_of(&one)));
    }

    #[test]
    fn who_comes_back_has_its_number_and_who_is_gone_for_longest_is_forgotten_first() {
        let mut all = Identities::default();
        let most = u32::try_from(MOST_GONE).unwrap();
        for n in 0..=most {
            all.begin();
            assert_eq!(all.id(&of(n)), ProviderId(n));
            assert_eq!(all.settle(), None, "{n}");
        }
        all.begin();
        assert_eq!(all.id(&of(1)), ProviderId(1), "it is back");
        assert_eq!(all.settle(), None);
        all.begin();
        assert_eq!(all.id(&of(most + 1)), ProviderId(most + 1));
        let left = all.settle().unwrap();
        assert_eq!(
            (left.len(), left.contains(&ProviderId(0)), left.contains(&ProviderId(1))),
            (MOST_GONE + 1, false, true)
        );
        all.begin();
        assert_eq!(all.id(&of(0)), ProviderId(most + 2), "a new one");
    }
}
