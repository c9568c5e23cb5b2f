//! In which order the endpoints of one profile are asked for one request: the strategy's choice first, and behind it
//! whom to ask if that fails.
//!
//! Who takes part:
//! - Disabled endpoints and those of weight 0 do not, under any strategy and not for a session that is bound to one.
//! - Those that are not usable now come last, by priority and place: while the request runs they may return.
//! - One that just recovered takes part with its ramp share, by draw; else it stands behind all that are usable, whatever
//!   its priority. A bound session does not stand back: the ramp is for new ones.
//!
//! Under [`Strategy::Priority`] lower numbers go first and equal ones share by weight, in turn. Every other strategy
//! says itself how to choose, and ignores the numbers: a user who names it wants all endpoints at work. The provider
//! that a session prefers goes to the front of its profile, and takes no turn: turns share out new sessions.
//!
//! A strategy is one rule, "choose one of these". The order is that rule applied again to those who are left, for
//! [`DEPTH`] places; who stands farther back hears only of requests that so many have failed, and stands by priority
//! and place. One difference: behind the first place those who share in turn are drawn by weight instead. Failing
//! requests would else fall on whoever has the next turn, all on the same one.
//!
//! Cost: one pass over the endpoints and one per place chosen, so it grows linearly. Nothing is allocated once the
//! [`Order`] has held as many endpoints.

use std::ops::Range;

use crate::load::Load;
use crate::outcome::ProviderId;

mod draws;
mod rotation;

use draws::Draws;
pub use rotation::{Rotation, Rotations};

/// How many places the strategy fills: as many as `retry.max_attempts` has tries by default.
pub const DEPTH: usize = 5;

/// Heavier counts as this heavy. Keeps the sums of weights finite.
const HEAVIEST: f64 = 1e12;

/// How one of several endpoints is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// Lower numbers first; equal ones in turn, by weight.
    #[default]
    Priority,
    /// All in turn, by weight.
    Weighted,
    /// All in turn. Weights do not count, except 0.
    RoundRobin,
    /// By draw, by weight.
    Random,
    /// The least attempts in flight (failures that are not made up for included) per weight. Equals by draw, by weight.
    LeastInflight,
    /// Of two that are drawn the one with the lower product of latency and queue per weight. Not the best of all: many
    /// requests at once would all see the same best one.
    Latency,
}

impl Strategy {
    /// Whether it reads [`Member::load`]. For the others the caller need not look it up.
    pub fn reads_load(self) -> bool {
        match self {
            Self::LeastInflight | Self::Latency => true,
            Self::Priority | Self::Weighted | Self::RoundRobin | Self::Random => false,
        }
    }
}

/// An endpoint at the moment of the choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// Whose endpoint it is.
    pub provider: ProviderId,
    /// Lower numbers first.
    pub priority: u32,
    /// The configured weight times the factor of its health. 0, less, or not a number: it takes no part.
    pub weight: f64,
    /// Whether endpoint and provider take part at all.
    pub enabled: bool,
    /// Whether it may be asked now: no cooldown, breaker, limit or missing credential stands against it.
    pub usable: bool,
    /// The share of new sessions that may choose it, 0 to 1; less than 1 for a while after it recovered.
    pub ramp: f64,
    /// How busy and slow it is, where [`Strategy::reads_load`].
    pub load: Load,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// How to choose.
    pub strategy: Strategy,
    /// The provider that the session is bound to.
    pub preferred: Option<ProviderId>,
    /// Whether the choice takes a turn. `false` for a look ahead, and for requests that bind no session (counting
    /// tokens before a session's first message would else always take the other one's turn).
    pub takes_turn: bool,
    /// Uniform over all of `u64`.
    pub draw: u64,
}

/// An endpoint that takes part.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Its place among the members.
    place: usize,
    priority: u32,
    /// Positive.
    weight: f64,
    /// What the strategy compares; lower is better.
    cost: f64,
}

/// The order for one request. Reuse it: it keeps its memory.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// First those that are chosen from, then those that a ramp holds back, then those that are not usable.
    slots: Vec<Slot>,
    /// Where the first of these sections ends.
    free: usize,
    /// Where the second one ends.
    usable: usize,
    /// Only while it is filled: the second and the third section.
    held_back: Vec<Slot>,
    unusable: Vec<Slot>,
}

// === impl Order ===

impl Order {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The choice, as its place among the members. `None`: nobody is usable.
    pub fn first(&self) -> Option<usize> {
        self.usable().next()
    }

    /// Who is usable now, best first, as places among the members.
    pub fn usable(&self) -> impl ExactSizeIterator<Item = usize> {
        self.slots[..self.usable].iter().map(|slot| slot.place)
    }

    /// Everybody who takes part: the usable first, then those that are not usable now.
    pub fn all(&self) -> impl ExactSizeIterator<Item = usize> {
        self.slots.iter().map(|slot| slot.place)
    }

    /// Who takes part, by section, priority and place, before any choice.
    fn fill(&mut self, members: &[Member], strategy: Strategy, draws: &mut Draws) {
        self.slots.clear();
        self.slots.reserve(members.len());
        for (place, member) in members.iter().enumerate() {
            let Some(weight) = weight(member, strategy) else {
                continue;
            };
            let slot = Slot { place, priority: member.priority, weight, cost: cost(strategy, &member.load, weight) };
            if !member.usable {
                self.unusable.push(slot);
            } else if member.ramp < 1.0 && draws.unit() >= member.ramp {
                self.held_back.push(slot);
            } else {
                self.slots.push(slot);
            }
        }
        self.free = self.slots.len();
        self.slots.append(&mut self.held_back);
        self.usable = self.slots.len();
        self.slots.append(&mut self.unusable);
        for section in [0..self.free, self.free..self.usable, self.usable..self.slots.len()] {
            let section = &mut self.slots[section];
            // Sorted by the configuration as a rule.
            if !section.is_sorted_by_key(|slot| slot.priority) {
                section.sort_unstable_by_key(|slot| (slot.priority, slot.place));
            }
        }
    }

    /// Moves the slot at `from` to the place before `to`; the others keep their order.
    fn bring(&mut self, from: usize, to: usize) {
        let slot = self.slots[from];
        self.slots.copy_within(to..from, to + 1);
        self.slots[to] = slot;
    }

    /// The slots from here on that are as good as the one at `from`.
    fn run(&self, from: usize, strategy: Strategy) -> Range<usize> {
        let section = if from < self.free { self.free } else { self.usable };
        if strategy != Strategy::Priority {
            return from..section;
        }
        let priority = self.slots[from].priority;
        from..from + self.slots[from..section].partition_point(|slot| slot.priority == priority)
    }
}

/// Puts the members into the order for one request.
fn arrange(rotation: &mut Rotation, members: &[Member], ask: &Ask, order: &mut Order) {
    let mut draws = Draws::new(ask.draw);
    order.fill(members, ask.strategy, &mut draws);
    let bound = ask.preferred.and_then(|preferred| {
        order.slots[..order.usable].iter().position(|slot| members[slot.place].provider == preferred)
    });
    if let Some(bound) = bound {
        order.bring(bound, 0);
        order.free += usize::from(bound >= order.free);
    }
    let mut run = 0..0;
    let mut total = 0.0;
    for place in usize::from(bound.is_some())..order.usable.min(DEPTH) {
        run.start = place;
        if run.is_empty() {
            run = order.run(place, ask.strategy);
            total = weigh(&order.slots[run.clone()]);
        }
        let slots = &order.slots[run.clone()];
        let chosen = match ask.strategy {
            _ if slots.len() == 1 => 0,
            Strategy::Priority | Strategy::Weighted | Strategy::RoundRobin if place == 0 => {
                rotation.choose(slots, total, ask.takes_turn)
            }
            Strategy::Priority | Strategy::Weighted | Strategy::RoundRobin | Strategy::Random => {
                draws.weighted(slots, total)
            }
            Strategy::LeastInflight => draws.least(slots),
            Strategy::Latency => draws.better_of_two(slots),
        };
        let weight = slots[chosen].weight;
        order.bring(place + chosen, place);
        total -= weight;
        // A small difference of large numbers is mostly rounding.
        if total < weight {
            total = weigh(&order.slots[place + 1..run.end]);
        }
    }
}

fn weigh(slots: &[Slot]) -> f64 {
    slots.iter().map(|slot| slot.weight).sum()
}

/// `None`: it takes no part.
fn weight(member: &Member, strategy: Strategy) -> Option<f64> {
    if !member.enabled || member.weight.is_nan() || member.weight <= 0.0 {
        return None;
    }
    Some(if strategy == Strategy::RoundRobin { 1.0 } else { member.weight.clamp(f64::MIN_POSITIVE, HEAVIEST) })
}

fn group(strategy: Strategy, member: &Member) -> u32 {
    if strategy == Strategy::Priority { member.priority } else { 0 }
}

fn cost(strategy: Strategy, load: &Load, weight: f64) -> f64 {
    let busy = f64::from(load.in_flight) + load.debt;
    match strategy {
        Strategy::LeastInflight => busy / weight,
        Strategy::Latency => load.latency * (busy + 1.0) / weight,
        Strategy::Priority | Strategy::Weighted | Strategy::RoundRobin | Strategy::Random => 0.0,
    }
}

#[cfg(test)]
mod tests;
