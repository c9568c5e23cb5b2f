//! What a reload changes, for the report to the user, and what only a restart can change.

use crate::{Config, Provider};

/// The difference between two configurations. All names are in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Providers that only the new one has.
    pub added: Vec<String>,
    /// Providers that only the old one has.
    pub removed: Vec<String>,
    /// Providers of both that differ in any field.
    pub changed: Vec<String>,
    /// Other parts that differ, by the name of their section in the file.
    pub sections: Vec<&'static str>,
    /// Keys that differ but keep their old effect until a restart: `proxy.host`, `proxy.port`,
    /// `storage.path`.
    pub needs_restart: Vec<&'static str>,
}

impl Changes {
    /// Whether the two are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares the configuration in force with the one that shall replace it.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Changes {
    let missing_in = |from: &[Provider], other: &[Provider]| -> Vec<String> {
        from.iter().filter(|provider| find(other, provider).is_none()).map(|provider| provider.name.clone()).collect()
    };
    let differs = |provider: &&Provider| find(&old.providers, provider).is_some_and(|before| before != *provider);
    let (before, after) = (&old.settings, &new.settings);
    let sections = [
        ("profiles", old.profiles != new.profiles),
        ("model_routes", old.routes != new.routes),
        ("proxy", before.proxy != after.proxy),
        ("pool", before.pool != after.pool),
        ("timeouts", before.timeouts != after.timeouts),
        ("retry", before.retry != after.retry),
        ("breaker", before.breaker != after.breaker),
        ("failover", before.failover != after.failover),
        ("affinity", before.affinity != after.affinity),
        ("hold", before.hold != after.hold),
        ("health", before.health != after.health),
        ("storage", (&before.storage_path, before.storage_retention) != (&after.storage_path, after.storage_retention)),
        ("logging", before.logging != after.logging),
    ];
    // The listening socket is bound once, at start, and the database is opened then.
    let restart = [
        ("proxy.host", before.proxy.host != after.proxy.host),
        ("proxy.port", before.proxy.port != after.proxy.port),
        ("storage.path", before.storage_path != after.storage_path),
    ];
    Changes {
        added: missing_in(&new.providers, &old.providers),
        removed: missing_in(&old.providers, &new.providers),
        changed: new.providers.iter().filter(differs).map(|provider| provider.name.clone()).collect(),
        sections: names_of(&sections),
        needs_restart: names_of(&restart),
    }
}

fn find<'a>(providers: &'a [Provider], wanted: &Provider) -> Option<&'a Provider> {
    providers.iter().find(|provider| provider.name == wanted.name)
}

fn names_of(parts: &[(&'static str, bool)]) -> Vec<&'static str> {
    parts.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}
