//! What a request remembers of its candidates and their providers: some of it for one walk, some as long as it lives.

use crate::classify::{Blame, Repeat};
use crate::outcome::ProviderId;

use super::{Billed, Refund};

/// A candidate within this request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    /// Place of its provider in `Failover::hosts`.
    pub(super) host: usize,
    /// This walk tried it.
    pub(super) tried: bool,
    /// That was although it was out, so it is not repeated.
    pub(super) anyway: bool,
    /// It comes after the others.
    pub(super) deferred: bool,
    /// The latest verdict of this request, once there is one.
    pub(super) last: Option<(Blame, Repeat)>,
}

/// A provider within this request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host {
    /// This walk tried it.
    pub(super) tried: bool,
    /// In this request.
    pub(super) repeats: u32,
    /// This walk had its repeat at once.
    pub(super) at_once_spent: bool,
    /// Whether its latest outcome in this walk, under any of its candidates, allows a repeat.
    pub(super) repeatable: bool,
}

/// An unexplained 4xx, kept in case that a second provider confirms it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strange {
    pub(super) status: u16,
    pub(super) refund: Refund,
}

/// What a try changed, in case that it cannot begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) candidate: usize,
    pub(super) seat: Seat,
    pub(super) host: Host,
    pub(super) withheld: Option<Billed>,
}

/// The place of every candidate's provider among those of the request, which are numbered as they come. Providers have
/// small numbers, so a table finds them; only where one has not are they compared with each other.
pub(super) fn places(providers: &[ProviderId]) -> Vec<usize> {
    let most = providers.iter().map(|provider| provider.0 as usize).max().unwrap_or(0);
    let mut known = 0;
    let mut next = || {
        known += 1;
        known - 1
    };
    if most <= TABLE {
        let mut table = vec![usize::MAX; most + 1];
        let place = |provider: &ProviderId| {
            let place = &mut table[provider.0 as usize];
            if *place == usize::MAX {
                *place = next();
            }
            *place
        };
        return providers.iter().map(place).collect();
    }
    let mut places: Vec<usize> = Vec::with_capacity(providers.len());
    for (at, provider) in providers.iter().enumerate() {
        let before = providers[..at].iter().position(|known| known == provider);
        places.push(before.map_or_else(&mut next, |before| places[before]));
    }
    places
}

/// The largest number for which a table is made.
const TABLE: usize = 4096;
