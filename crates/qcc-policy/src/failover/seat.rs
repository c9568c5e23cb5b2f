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
    pub(super) provider: ProviderId,
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
