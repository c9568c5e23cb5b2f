//! The plan: which candidates a request has, in which order. All of it follows from the configuration and the model
//! asked for, so everything but the choice of the route is worked out when the configuration is loaded.
//!
//! Whether a candidate is out at the moment is not asked here, nor whose turn it is: the plan is made of turns, which
//! [`crate::engine`] puts into the order for one request and [`crate::failover`] walks.

use std::sync::Arc;
use std::time::Instant;

use crate::cooldown::Standing;
use crate::outcome::ProviderId;
use crate::select::Strategy;

mod glob;

pub use glob::Glob;

/// The order of profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Tried first.
    Primary,
    /// Tried when no primary can.
    Secondary,
    /// The last resort.
    Fallback,
}

/// What of the configuration decides plans. Lists are in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInput {
    /// Every provider; one that is not listed here, or is disabled, is in no plan.
    pub providers: Vec<PlanProvider>,
    /// Every profile.
    pub profiles: Vec<PlanProfile>,
    /// Every model route.
    pub routes: Vec<PlanRoute>,
    /// The profile that goes before all tiers, by its place in `profiles`. One without usable endpoints is skipped.
    /// Routes do not heed it.
    pub pinned: Option<usize>,
    /// Whether the pinned profile, or the first usable tier, is ever left for the next one.
    pub auto: bool,
}

impl Default for PlanInput {
    fn default() -> Self {
        Self { providers: Vec::new(), profiles: Vec::new(), routes: Vec::new(), pinned: None, auto: true }
    }
}

/// A provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanProvider {
    /// Which one.
    pub id: ProviderId,
    /// Whether it takes part at all.
    pub enabled: bool,
}

/// A named group of endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProfile {
    /// Without one it takes part only through routes, unless no profile has one: then all are primary.
    pub tier: Option<Tier>,
    /// How its endpoints are ordered.
    pub strategy: Strategy,
    /// Names its turns over a reload; no two profiles have the same.
    pub key: u64,
    /// Its providers.
    pub endpoints: Vec<PlanEndpoint>,
}

/// A provider's place in a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanEndpoint {
    /// Which provider.
    pub provider: ProviderId,
    /// Lower numbers first.
    pub priority: u32,
    /// Share of new sessions among equals; 0: it takes no part.
    pub weight: u32,
    /// Whether it takes part in this profile.
    pub enabled: bool,
}

/// A model glob and its candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRoute {
    /// `*` is any text, `?` one character; case does not matter.
    pub glob: String,
    /// Its lines.
    pub candidates: Vec<PlanCandidate>,
}

/// One line of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCandidate {
    /// Who is to be asked.
    pub target: PlanTarget,
    /// The model to ask for; `None`: the one that the client asked for.
    pub model: Option<Arc<str>>,
    /// Lower numbers first.
    pub priority: u32,
}

/// What a route line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanTarget {
    /// One provider.
    Provider(ProviderId),
    /// Every provider of a profile, by its place in [`PlanInput::profiles`]. Its tier does not matter here.
    Profile(usize),
}

/// What may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which provider.
    pub provider: ProviderId,
    /// The model that the route names; `None`: the one that the client asked for.
    pub model: Option<Arc<str>>,
    /// The profile in whose turn it comes, by its place in [`PlanInput::profiles`]. `None` where a route named it, and
    /// without profiles.
    pub profile: Option<usize>,
    /// Those of equal rank are of one tier, or of one priority of a route; lower ranks come first.
    pub rank: u32,
}

/// Candidates that are ordered among themselves: a profile, or one line of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// See [`Candidate::profile`].
    pub profile: Option<usize>,
    /// See [`Candidate::rank`].
    pub rank: u32,
    /// How they are ordered.
    pub strategy: Strategy,
    /// Names the turns that its members take.
    pub key: u64,
    /// See [`Candidate::model`].
    pub model: Option<Arc<str>>,
    /// Those that take part, by priority.
    pub members: Vec<PlanEndpoint>,
}

/// All turns of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) turns: Vec<Turn>,
    /// Nobody is in them twice.
    pub(crate) distinct: bool,
}

/// The candidates of a request as they are put together.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) list: Vec<Candidate>,
    /// Nobody will be added twice.
    pub(crate) distinct: bool,
}

/// The profile that new requests go to, as far as no route takes them elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// Its place in [`PlanInput::profiles`].
    pub profile: usize,
    /// Whether one of its providers is admissible. Else all are out, and this one has the provider that is due first.
    pub admissible: bool,
}

/// Something about a plan that its user should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// No route matches the model, so another one stood in.
    StandIn {
        /// The glob of the route that was taken, as written.
        glob: Arc<str>,
    },
}

/// The candidates of one request, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are tried; empty if the configuration leaves nothing for this model.
    pub candidates: Vec<Candidate>,
    /// The glob of the route that it is made from, as written; `None`: from the profiles.
    pub route: Option<Arc<str>>,
    /// Whether something is odd about it.
    pub warning: Option<Warning>,
}

#[derive(Debug)]
struct Route {
    written: Arc<str>,
    glob: Glob,
    turns: Turns,
}

/// Answers with a plan for every model. Built once per configuration.
#[derive(Debug)]
pub struct Router {
    /// The most specific first: the first match is the right one.
    routes: Vec<Route>,
    /// Place in `routes` of the one that stands in where none matches.
    stand_in: Option<usize>,
    /// For models without a route, where no route may stand in.
    by_profile: Turns,
    /// The same in the order of the configuration.
    in_order: Vec<Candidate>,
}

impl Router {
    /// Works out all plans.
    pub fn new(input: &PlanInput) -> Self {
        let mut routes: Vec<Route> = input
            .routes
            .iter()
            .map(|route| Route {
                written: Arc::from(route.glob.as_str()),
                glob: Glob::new(&route.glob),
                turns: Turns::new(route_turns(input, route)),
            })
            .collect();
        // Stable: equally specific routes stay in file order.
        routes.sort_by_key(|route| std::cmp::Reverse(route.glob.literals()));
        let stand_in = ["*sonnet*", "*opus*"]
            .iter()
            .find_map(|name| routes.iter().position(|route| route.written.eq_ignore_ascii_case(name)));
        let by_profile = Turns::new(profile_turns(input));
        let in_order = in_order(&by_profile);
        Self { routes, stand_in, by_profile, in_order }
    }

    /// The turns of a request that asks for `model`, and whether something is odd about them.
    pub(crate) fn turns(&self, model: &str) -> (&Turns, Option<Warning>) {
        match self.routes.iter().find(|route| route.glob.matches(model)) {
            Some(route) => (&route.turns, None),
            None => self.without_route(),
        }
    }

    fn without_route(&self) -> (&Turns, Option<Warning>) {
        match self.stand_in.and_then(|place| self.routes.get(place)) {
            Some(route) => (&route.turns, Some(Warning::StandIn { glob: Arc::clone(&route.written) })),
            None => (&self.by_profile, None),
        }
    }

    /// The plan for a request that asks for `model`, in the order of the configuration: nobody's health, share or
    /// session counts.
    pub fn plan(&self, model: &str) -> Plan {
        match self.routes.iter().find(|route| route.glob.matches(model)) {
            Some(route) => {
                let route_named = Some(Arc::clone(&route.written));
                Plan { candidates: in_order(&route.turns), route: route_named, warning: None }
            }
            None => self.plan_without_route(),
        }
    }

    /// The same for every model that no route matches.
    pub fn plan_without_route(&self) -> Plan {
        let (turns, warning) = self.without_route();
        let route = warning.as_ref().map(|Warning::StandIn { glob }| Arc::clone(glob));
        Plan { candidates: in_order(turns), route, warning }
    }

    /// The globs of the routes as written, in the order in which a model is compared with them.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.written)
    }

    /// Whose turns are taken here, see [`PlanProfile::key`].
    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        let routes = self.routes.iter().flat_map(|route| &route.turns.turns);
        routes.chain(&self.by_profile.turns).map(|turn| turn.key)
    }

    /// The turns of profiles, for models without a route.
    pub(crate) fn profile_turns(&self) -> &Turns {
        &self.by_profile
    }

    /// The profile whose endpoint would be tried first now, as [`Failover`](crate::Failover) chooses. `None` without
    /// profiles, and when nobody may be tried at all. `last`: ranks that come after the others. `standing` answers for a
    /// provider as a whole.
    pub(crate) fn lead(&self, last: &[u32], standing: &mut dyn FnMut(ProviderId) -> Standing) -> Option<Lead> {
        let mut due_first: Option<(Instant, usize)> = None;
        let (late, early): (Vec<&Candidate>, Vec<&Candidate>) =
            self.in_order.iter().partition(|candidate| last.contains(&candidate.rank));
        for candidate in early.into_iter().chain(late) {
            let profile = candidate.profile?;
            match standing(candidate.provider) {
                Standing::Admissible => return Some(Lead { profile, admissible: true }),
                Standing::Out { until, reason } => {
                    if reason.may_be_tried_anyway() && due_first.is_none_or(|(due, _)| until < due) {
                        due_first = Some((until, profile));
                    }
                }
            }
        }
        due_first.map(|(_, profile)| Lead { profile, admissible: false })
    }

    /// Whether the turn of `profile` comes before that of `other`. Not where one of them has none.
    pub fn is_before(&self, profile: usize, other: usize) -> bool {
        let turn = |place| self.in_order.iter().position(|candidate| candidate.profile == Some(place));
        turn(profile).zip(turn(other)).is_some_and(|(one, two)| one < two)
    }
}

fn in_order(turns: &Turns) -> Vec<Candidate> {
    let mut candidates = Candidates { list: Vec::new(), distinct: turns.distinct };
    for turn in &turns.turns {
        for member in &turn.members {
            candidates.add(turn.candidate(member.provider));
        }
    }
    candidates.list
}

impl Turns {
    fn new(turns: Vec<Turn>) -> Self {
        let members = turns.iter().flat_map(|turn| turn.members.iter().map(|member| member.provider));
        let mut members: Vec<ProviderId> = members.collect();
        let all = members.len();
        members.sort_unstable();
        members.dedup();
        Self { distinct: members.len() == all, turns }
    }
}

impl Candidates {
    /// The same question to the same provider is asked once; its best place counts.
    pub(crate) fn add(&mut self, candidate: Candidate) {
        let known = |known: &Candidate| known.provider == candidate.provider && known.model == candidate.model;
        if self.distinct || !self.list.iter().any(known) {
            self.list.push(candidate);
        }
    }
}

impl Turn {
    /// One of its members as a candidate.
    pub(crate) fn candidate(&self, provider: ProviderId) -> Candidate {
        Candidate { provider, model: self.model.clone(), profile: self.profile, rank: self.rank }
    }

    /// A single provider in the turn of nobody else.
    fn alone(provider: ProviderId, model: Option<Arc<str>>, rank: u32) -> Self {
        let member = PlanEndpoint { provider, priority: 0, weight: 1, enabled: true };
        Self { profile: None, rank, strategy: Strategy::Priority, key: 0, model, members: vec![member] }
    }

    fn of_profile(
        input: &PlanInput,
        profile: &PlanProfile,
        model: Option<Arc<str>>,
        turn: Option<usize>,
        rank: u32,
    ) -> Self {
        let takes_part =
            |endpoint: &&PlanEndpoint| endpoint.enabled && endpoint.weight > 0 && is_enabled(input, endpoint.provider);
        let mut members: Vec<PlanEndpoint> = profile.endpoints.iter().filter(takes_part).copied().collect();
        members.sort_by_key(|endpoint| endpoint.priority);
        Self { profile: turn, rank, strategy: profile.strategy, key: profile.key, model, members }
    }
}

fn route_turns(input: &PlanInput, route: &PlanRoute) -> Vec<Turn> {
    let mut lines: Vec<&PlanCandidate> = route.candidates.iter().collect();
    lines.sort_by_key(|line| line.priority);
    let turn = |line: &PlanCandidate| match line.target {
        PlanTarget::Provider(provider) => {
            is_enabled(input, provider).then(|| Turn::alone(provider, line.model.clone(), line.priority))
        }
        PlanTarget::Profile(place) => {
            let profile = input.profiles.get(place)?;
            Some(Turn::of_profile(input, profile, line.model.clone(), None, line.priority))
        }
    };
    lines.into_iter().filter_map(turn).collect()
}

fn profile_turns(input: &PlanInput) -> Vec<Turn> {
    // Profiles that are made before their endpoints must not leave everybody without a provider in between.
    if input.profiles.iter().all(|profile| profile.endpoints.is_empty()) {
        let enabled = input.providers.iter().filter(|provider| provider.enabled);
        return enabled.map(|provider| Turn::alone(provider.id, None, 0)).collect();
    }
    let mut turns = Vec::new();
    if let Some(profile) = input.pinned.and_then(|place| input.profiles.get(place)) {
        turns.push(Turn::of_profile(input, profile, None, input.pinned, 0));
    }
    let untiered = input.profiles.iter().all(|profile| profile.tier.is_none());
    for (rank, tier) in (1..).zip([Tier::Primary, Tier::Secondary, Tier::Fallback]) {
        if !input.auto && turns.iter().any(|turn: &Turn| !turn.members.is_empty()) {
            break;
        }
        for (place, profile) in input.profiles.iter().enumerate() {
            let own = profile.tier.or_else(|| untiered.then_some(Tier::Primary));
            if own == Some(tier) {
                turns.push(Turn::of_profile(input, profile, None, Some(place), rank));
            }
        }
    }
    turns
}

fn is_enabled(input: &PlanInput, id: ProviderId) -> bool {
    input.providers.iter().any(|provider| provider.id == id && provider.enabled)
}

#[cfg(test)]
mod tests;
