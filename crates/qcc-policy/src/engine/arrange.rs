//! The order in which a request asks its candidates: what the strategies, the tiers that were left, the session's prompt
//! cache and the hosts that are presumed loaded say, together.
//!
//! A tier that new sessions stay away from comes after the others, a host that is presumed loaded after everybody, and a
//! warm session's provider before all of that: its prompt cache is worth more.

use std::time::{Duration, Instant};

use super::{Arranged, Asking, Engine, MODEL_TURNS};
use crate::affinity::{self, Reach};
use crate::cooldown::Standing;
use crate::later;
use crate::load::Load;
use crate::outcome::ProviderId;
use crate::plan::{Candidate, Candidates, Lead, PlanEndpoint, Router, Turn, Turns};
use crate::select::{Ask, Member};

/// How long a look at a provider holds to which nothing happened: only time changes it then, and only the order of
/// candidates goes by it. Who is tried is looked at for every request.
const GLANCE: Duration = Duration::from_millis(100);

/// Providers are numbered from 0; beyond this nobody is remembered.
const MOST_GLANCES: usize = 10_000;

/// How a provider looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    at: Instant,
    until: Instant,
    usable: bool,
    factor: f64,
    ramp: f64,
    /// Whether the load was looked at.
    loads: bool,
    load: Load,
}

impl Engine {
    /// The candidates of a request, in the order in which it asks them.
    pub fn arrange(&mut self, router: &Router, asking: &Asking<'_>, now: Instant) -> Arranged {
        let (Turns { turns, distinct }, warning) = router.turns(asking.model);
        let in_plan = |provider| turns.iter().any(|turn| turn.members.iter().any(|member| member.provider == provider));
        let bound = asking.session.and_then(|key| self.affinity.prefer(key, in_plan, now));
        let most = turns.iter().map(|turn| turn.members.len()).sum();
        let mut candidates = Candidates { list: Vec::with_capacity(most), distinct: *distinct };
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
        let mut candidates = candidates.list;
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
    fn order_turn(&mut self, turn: &Turn, model: u64, ask: &Ask, candidates: &mut Candidates, now: Instant) -> bool {
        if let [one] = turn.members.as_slice() {
            candidates.add(turn.candidate(one.provider));
            let usable = self.is_admissible(one.provider, now);
            if ask.takes_turn && !usable {
                self.probes.wanted(one.provider, now);
            }
            return usable;
        }
        let mut members = std::mem::take(&mut self.members);
        members.clear();
        members.extend(turn.members.iter().map(|member| self.member(member, ask.strategy.reads_load(), now)));
        let missed = members.iter().filter(|member| ask.takes_turn && member.enabled && !member.usable);
        missed.for_each(|member| self.probes.wanted(member.provider, now));
        let mut order = std::mem::take(&mut self.order);
        // The models of a client take turns of their own: it asks two at once, which would always meet the same two.
        self.turns.of((turn.key, model & MODEL_TURNS)).order(&members, ask, &mut order);
        for place in order.all() {
            candidates.add(turn.candidate(members[place].provider));
        }
        let chosen = order.first().is_some();
        (self.members, self.order) = (members, order);
        chosen
    }

    fn member(&mut self, member: &PlanEndpoint, reads_load: bool, now: Instant) -> Member {
        let provider = member.provider;
        let glance = self.glance(provider, reads_load, now);
        Member {
            provider,
            priority: member.priority,
            weight: f64::from(member.weight) * glance.factor,
            enabled: member.enabled,
            usable: glance.usable,
            ramp: glance.ramp,
            load: glance.load,
        }
    }

    /// How a provider looks at the moment. Looking it up among all machines costs ten times as much as the choice itself,
    /// and the order of candidates needs it of everybody, so an unchanged one is looked at once in [`GLANCE`].
    fn glance(&mut self, provider: ProviderId, reads_load: bool, now: Instant) -> Glance {
        let place = provider.0 as usize;
        if let Some(Some(glance)) = self.glances.get(place)
            && (glance.loads || !reads_load)
            && (glance.at..glance.until).contains(&now)
        {
            return *glance;
        }
        let glance = Glance {
            at: now,
            until: later(now, GLANCE),
            usable: self.is_admissible(provider, now),
            factor: self.health.factor(provider, now),
            ramp: self.breakers.share(&provider, now),
            loads: reads_load,
            load: if reads_load { self.loads.load(provider, now) } else { Load::UNKNOWN },
        };
        if place < MOST_GLANCES {
            if self.glances.len() <= place {
                self.glances.resize(place + 1, None);
            }
            self.glances[place] = Some(glance);
        }
        glance
    }

    /// Something happened to a provider.
    pub(super) fn touch(&mut self, provider: ProviderId) {
        if let Some(glance) = self.glances.get_mut(provider.0 as usize) {
            *glance = None;
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
        let held_back = self.held_back(&router.profile_turns().turns, now);
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
