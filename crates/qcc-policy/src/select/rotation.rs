//! Whose turn it is. Every turn gives everybody a credit of their weight's share, and takes one from whoever has it.
//!
//! The common rule of smooth weighted round robin, "the highest credit has the turn", lets light endpoints fall behind
//! their share by more than a turn when there are many. Here the turn goes to whoever, of those with any credit, would
//! be a whole turn behind first. That is Balinski and Young's quota method: while weights and members stay, everybody's
//! turns are within one of their share after every single turn.
//!
//! Who is not usable gets no credit and loses none, so that nobody returns to a flood of saved turns. The state belongs
//! to the group that shares: a reload that leaves a group's members as they are does not disturb its turns.

use std::collections::BTreeMap;

use super::{Ask, Member, Order, Slot, Strategy, arrange, group};
use crate::outcome::ProviderId;

/// Sums of shares are not exact: a credit below this is none, a smaller difference too.
const CRUMB: f64 = 1e-9;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Seat {
    provider: ProviderId,
    group: u32,
    /// Turns that it is short of its share; negative: ahead.
    credit: f64,
}

/// How urgent a turn is.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// It has no credit. All are ahead only after the usable ones changed; then whoever is due first goes first.
    ahead: bool,
    /// So many turns from now it would be a whole one behind.
    turns: f64,
    /// Of equals the one that is farthest behind goes first, which spreads the turns more evenly.
    credit: f64,
}

/// The turns of one profile.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    /// In the order of the members.
    seats: Vec<Seat>,
}

/// The turns of many profiles, by a key that the configuration makes (never a client, since nothing bounds the keys).
#[derive(Debug, Clone)]
pub struct Rotations<K> {
    by_key: BTreeMap<K, Rotation>,
}

// === impl Due ===

impl Due {
    /// Equals are not before each other, so that the first in place stays first.
    fn is_before(self, other: Self) -> bool {
        if self.ahead != other.ahead {
            return other.ahead;
        }
        let crumb = CRUMB * other.turns.max(1.0);
        self.turns < other.turns - crumb || self.turns <= other.turns + crumb && self.credit > other.credit + CRUMB
    }
}

// === impl Rotation ===

impl Rotation {
    /// Nobody had a turn.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the members of the profile into the order for one request. At most one turn is taken, however far the
    /// request has to go along that order.
    pub fn order(&mut self, members: &[Member], ask: &Ask, order: &mut Order) {
        self.seat(members, ask.strategy);
        arrange(self, members, ask, order);
    }

    /// Who of the run has the turn; `total` is the run's weight.
    pub(super) fn choose(&mut self, run: &[Slot], total: f64, takes_turn: bool) -> usize {
        let mut best: Option<(usize, Due)> = None;
        for (at, slot) in run.iter().enumerate() {
            let share = slot.weight / total;
            let credit = self.seats[slot.place].credit + share;
            let due = Due { ahead: credit <= CRUMB, turns: (1.0 - credit) / share, credit };
            if best.is_none_or(|(_, first)| due.is_before(first)) {
                best = Some((at, due));
            }
        }
        let best = best.map_or(0, |(at, _)| at);
        if takes_turn {
            for (at, slot) in run.iter().enumerate() {
                let credit = &mut self.seats[slot.place].credit;
                let turn = if at == best { 1.0 } else { 0.0 };
                *credit = (*credit + slot.weight / total - turn).clamp(-1.0, 1.0);
            }
        }
        best
    }

    /// Makes the seats those of the members.
    fn seat(&mut self, members: &[Member], strategy: Strategy) {
        let known = |(seat, member): (&Seat, &Member)| {
            seat.provider == member.provider && seat.group == group(strategy, member)
        };
        if self.seats.len() == members.len() && self.seats.iter().zip(members).all(known) {
            return;
        }
        let place = |seat: &Seat| (seat.group, seat.provider);
        let mut old = std::mem::take(&mut self.seats);
        old.sort_by_key(place);
        self.seats.extend(members.iter().map(|member| Seat {
            provider: member.provider,
            group: group(strategy, member),
            credit: 0.0,
        }));
        let mut new: Vec<&mut Seat> = self.seats.iter_mut().collect();
        new.sort_by_key(|seat| place(seat));
        for group in new.chunk_by_mut(|one, two| one.group == two.group) {
            let number = group.first().map(|seat| seat.group);
            let start = old.partition_point(|seat| Some(seat.group) < number);
            let before = &old[start..old.partition_point(|seat| Some(seat.group) <= number)];
            let same = before.len() == group.len() && before.iter().zip(&*group).all(|(a, b)| a.provider == b.provider);
            if same {
                group.iter_mut().zip(before).for_each(|(seat, before)| seat.credit = before.credit);
            }
        }
    }
}

// === impl Rotations ===

impl<K> Default for Rotations<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new() }
    }
}

impl<K: Ord> Rotations<K> {
    /// Nobody had a turn.
    pub fn new() -> Self {
        Self::default()
    }

    /// The turns of a profile; new ones where there are none yet.
    pub fn of(&mut self, key: K) -> &mut Rotation {
        self.by_key.entry(key).or_default()
    }

    /// Drops the profiles that are gone, as after a reload.
    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.by_key.retain(|key, _| keep(key));
    }
}
