//! Announced limits on their way to the database and back. Of a lane only that it is shut is kept: that is the
//! provider's word. How starts were spread before is told anew by the next answer's headers. Own limits look back one
//! minute, and begin anew.

use std::time::{Duration, Instant};

use super::{Lane, Limiters};
use crate::outcome::ProviderId;

/// A lane that is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLane {
    /// Its number.
    pub lane: u64,
    /// How much longer, as of the export, for each of what is counted: requests, tokens, input tokens, output tokens, a
    /// subscription's window. Zero: there it is not.
    pub left: [Duration; 5],
}

impl Limiters {
    /// The lanes that are shut, by provider.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, KeptLane)> + '_ {
        let shut = self.lanes.iter().filter(move |(_, known)| known.empty_until(now).is_some());
        shut.map(move |(&(provider, lane), known)| (provider, KeptLane { lane, left: known.export(now) }))
    }

    /// Takes up what was exported `away` ago, as far as it is not over. What is known already counts more.
    pub fn restore(&mut self, provider: ProviderId, kept: KeptLane, away: Duration, now: Instant) {
        let lane = Lane::restored(kept.left, away, now);
        if lane.matters(now) && !self.lanes.contains_key(&(provider, kept.lane)) {
            self.make_room(now);
            self.lanes.insert((provider, kept.lane), lane);
        }
    }

    /// Drops providers that are gone. Attempts that still run on them end without effect.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.own.retain(|provider, _| keep(*provider));
        self.lanes.retain(|(provider, _), _| keep(*provider));
    }
}
