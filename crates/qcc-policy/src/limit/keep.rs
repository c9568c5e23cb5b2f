//! Announced limits on their way to the database and back. Of a lane only that it is shut is kept: that is the
//! provider's word. How starts were spread before is told anew by the next answer's headers. Own limits look back one
//! minute, and begin anew.

use std::time::{Duration, Instant};

use super::{Lane, Limiters};
use crate::classify::THROTTLE_MOST;
use crate::later;
use crate::outcome::ProviderId;

/// A lane that is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLane {
    /// Its number.
    pub lane: u64,
    /// How much longer, as of the export.
    pub left: Duration,
}

impl Limiters {
    /// The lanes that are shut, by provider.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, KeptLane)> + '_ {
        let left = move |until: Instant| until.saturating_duration_since(now);
        self.shut(now).map(move |(provider, lane, until)| (provider, KeptLane { lane, left: left(until) }))
    }

    /// Takes up what was exported `away` ago, as far as it is not over. What is known already counts more.
    pub fn restore(&mut self, provider: ProviderId, kept: KeptLane, away: Duration, now: Instant) {
        let left = kept.left.saturating_sub(away).min(THROTTLE_MOST);
        if left.is_zero() || self.lanes.contains_key(&(provider, kept.lane)) {
            return;
        }
        self.make_room(now);
        self.lanes.insert((provider, kept.lane), Lane::shut(later(now, left)));
    }

    /// Drops providers that are gone. Attempts that still run on them end without effect.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.own.retain(|provider, _| keep(*provider));
        self.lanes.retain(|(provider, _), _| keep(*provider));
    }
}
