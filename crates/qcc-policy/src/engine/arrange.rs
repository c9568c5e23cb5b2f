//! The order in which a request asks its candidates: what the strategies, the tiers that were left, the session's prompt
//! cache and the hosts that are presumed loaded say, together.
//!
//! A tier that new sessions stay away from comes after the others, a host that is presumed loaded after everybody, and a
//! warm session's provider before all of that: its prompt cache is worth more.

use std::time::Instant;

use super::{Arranged, Asking, Engine, MODEL_TURNS};
use crate::affinity::{self, Reach};
use crate::cooldown::Standing;
use crate::load::Load;
use crate::outcome::ProviderId;
use crate::plan::{self, Candidate, Lead, PlanEndpoint, Router, Turn};
use crate::select::{Ask, Member};

impl Engine {
    /// The candidates of a request, in the order in which it asks them.
    pub fn arrange(&mut self, router: &Router, asking: &Asking<'_>, now: Instant) -> Arranged {
        let (turns, warning) = router.turns(asking.model);
        let in_plan = |provider| turns.iter().any(|turn| turn.members.iter().any(|member| member.provider == provider));
        let bound = asking.session.and_then(|key| self.affinity.prefer(key, in_plan, now));
        let mut candidates = Vec::new();
        let mut takes_turn = asking.binds;
        let model = asking.session.map_or(0, |session| session.model);
        let held_back = self.held_back(turns, now);
        let first = turns.iter().filter(|turn| !held_back.contains(&turn.rank));
        let last = turns.iter().filter(|turn| held_back.contains(&turn.rank));
        for turn in first.chain(last) {
            let preferred = bound.map(|bound| bound.provider);
            let ask = Ask { strategy: turn.strategy, preferred, takes_turn, draw: asking.draw };
            let chosen = self.order_turn(turn, model, &ask, &mut candidates, now);
            takes_turn &= !chosen;
        }
        if !self.overloads.is_idle() {
            // Stable: the others keep their order.
            candidates.sort_by_key(|candidate| self.overloads.is_presumed(candidate.provider, model, now));
        }
        if let Some(bound) = bound {
            self.prefer(&mut candidates, &bound, now);
        }
        if let Some(session) = asking.session
            && let Some((provider, _)) = self.broken.get(&session.session).filter(|(_, until)| *until > now)
        {
            candidates.sort_by_key(|candidate| candidate.provider == *provider);
        }
        Arranged { candidates, bound, warning }
    }

    /// Whether the turn has somebody who is usable now.
    fn order_turn(
        &mut self,
        turn: &Turn,
        model: u64,
        ask: &Ask,
        candidates: &mut Vec<Candidate>,
        now: Instant,
    ) -> bool {
        if let [one] = turn.members.as_slice() {
            plan::add(candidates, turn.candidate(one.provider));
            return self.is_admissible(one.provider, now);
        }
        let mut members = std::mem::take(&mut self.members);
        members.clear();
        members.extend(turn.members.iter().map(|member| self.member(member, ask.strategy.reads_load(), now)));
        let mut order = std::mem::take(&mut self.order);
        // The models of a client take turns of their own: it asks two at once, which would always meet the same two.
        self.turns.of((turn.key, model & MODEL_TURNS)).order(&members, ask, &mut order);
        for place in order.all() {
            plan::add(candidates, turn.candidate(members[place].provider));
        }
        let chosen = order.first().is_some();
        (self.members, self.order) = (members, order);
        chosen
    }

    fn member(&mut self, member: &PlanEndpoint, reads_load: bool, now: Instant) -> Member {
        let provider = member.provider;
        Member {
            provider,
            priority: member.priority,
            weight: f64::from(member.weight) * self.health.factor(provider, now),
            enabled: member.enabled,
            usable: self.is_admissible(provider, now),
            ramp: self.breakers.share(&provider, now),
            load: if reads_load { self.loads.load(provider, now) } else { Load::UNKNOWN },
        }
    }

    fn is_admissible(&mut self, provider: ProviderId, now: Instant) -> bool {
        self.provider_standing(provider, now) == Standing::Admissible
    }

    /// Moves the session's provider ahead, as far as it reaches. Its place within its own turn is right already.
    fn prefer(&mut self, candidates: &mut Vec<Candidate>, bound: &affinity::Bound, now: Instant) {
        let Some(from) = candidates.iter().position(|candidate| candidate.provider == bound.provider) else { return };
        if !self.is_admissible(bound.provider, now) {
            return;
        }
        let to = match bound.reach {
            Reach::Plan => 0,
            Reach::Tier => {
                let rank = candidates[from].rank;
                candidates.iter().position(|candidate| candidate.rank == rank).unwrap_or(from)
            }
        };
        let candidate = candidates.remove(from);
        candidates.insert(to, candidate);
    }

    /// The ranks of tiers that new sessions stay away from. Routes have none.
    fn held_back(&self, turns: &[Turn], now: Instant) -> Vec<u32> {
        let mut ranks = Vec::new();
        if self.failback.is_idle() {
            return ranks;
        }
        for turn in turns.iter().filter(|turn| turn.profile.is_some() && !turn.members.is_empty()) {
            let of_tier = turns.iter().filter(|other| other.rank == turn.rank);
            let members = of_tier.flat_map(|turn| turn.members.iter().map(|member| member.provider));
            if !ranks.contains(&turn.rank) && self.failback.is_held_back(members, now) {
                ranks.push(turn.rank);
            }
        }
        ranks
    }

    /// The profile that a new session would be asked in first. `None` without profiles, and when nobody may be tried at
    /// all.
    pub fn lead(&mut self, router: &Router, now: Instant) -> Option<Lead> {
        let held_back = self.held_back(router.profile_turns(), now);
        router.lead(&held_back, &mut |provider| self.provider_standing(provider, now))
    }

    /// Another provider of the same host and model may be loaded as well, since this one says that it is.
    pub fn overloaded(&mut self, provider: ProviderId, model: u64, now: Instant) {
        self.overloads.said(provider, model, now);
    }

    /// Whether a provider comes last for this model at the moment.
    pub fn is_presumed_loaded(&self, provider: ProviderId, model: u64, now: Instant) -> bool {
        self.overloads.is_presumed(provider, model, now)
    }
}
