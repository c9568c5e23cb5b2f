//! What to do. Every decision about an attempt's outcome is taken here: whose fault it is ([`classify()`]), who is left
//! out for it and how long ([`cooldown`], [`breaker`]), who is at a limit ([`limit`]), how well everybody is
//! ([`health`]) and when to find out ([`probe`]), what may be tried for a request ([`plan`]), who of several goes first
//! ([`select`], by how busy and slow they are: [`load`]), whom a session prefers ([`affinity`]), what is tried next
//! ([`failover`]), and who waits for a provider to return ([`hold`]). [`engine`] is all of it together.
//!
//! The crate is pure so that its rules can be read and tested without a network: no clock, no randomness, no log, no
//! file. `now` is the last argument of everything that depends on time, a random draw is a `u64` argument, and what is
//! worth logging is returned as data. It is also total: nothing here returns an error or panics.

pub mod affinity;
pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod classify;
pub mod cooldown;
pub mod engine;
pub mod failback;
pub mod failover;
pub mod health;
pub mod hold;
pub mod limit;
pub mod load;
pub mod outcome;
pub mod overload;
pub mod plan;
pub mod probe;
pub mod select;
mod sliding;
pub mod window;

#[cfg(test)]
mod testing;

pub use affinity::{Affinity, AffinitySettings, KeptBinding, Moved, Reach, Served, SessionKey};
pub use backoff::Backoff;
pub use breaker::{Breakers, Pass};
pub use budget::RetryBudget;
pub use classify::{Blame, Charge, Next, Reason, Repeat, Scope, Term, Verdict, classify, is_overload};
pub use cooldown::{Cooldown, Cooldowns, KeptCooldown, Standing, Transition};
pub use failback::{FailbackSettings, KeptAbsence, KeptEnd};
pub use failover::{Billed, Failover, Final, Limits, Recorded, Refund, Step};
pub use health::{
    Answer, Class, ClassChange, Code, Evidence, HealthReport, HealthSettings, HealthTable, Judgement, SavedHealth,
};
pub use hold::{Absence, Entry, Hold, HoldEvent, Ticket};
pub use limit::{Announced, Bound, Caps, Counter, KeptLane, Limiters, Permit, Room, Unified, Usage};
pub use load::{Ended, Load, Loads, Remembered, Running};
pub use outcome::{Failure, Outcome, Phase, ProviderId, Refusal, Topic};
pub use plan::{Candidate, Glob, Lead, Plan, PlanInput, Router, Tier, Warning};
pub use probe::{Due, ProbeKind, ProbeLease, ProbeRefused, ProbeReport, ProbeSettings, Probes};
pub use select::{Ask, Member, Order, Rotation, Rotations, Strategy};
pub use window::{Counts, Window};

use std::time::{Duration, Instant};

/// No wait that is stated or configured can mean more; it also keeps the arithmetic far from overflow.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// `now + term`, for any term: an absurd one is cut to [`LONGEST`] instead of overflowing.
fn later(now: Instant, term: Duration) -> Instant {
    now.checked_add(term.min(LONGEST)).unwrap_or(now)
}
