//! The plan: which candidates a request has, in which order. All of it follows from the configuration and the model
//! asked for, so everything but the choice of the route is worked out when the configuration is loaded.
//!
//! Whether a candidate is out at the moment is not asked here: the plan is the user's order, [`crate::failover`] walks
//! it. The one strategy so far is `priority`: lower numbers first, equal ones in file order.

use std::sync::Arc;
use std::time::Instant;

use crate::cooldown::Standing;
use crate::outcome::ProviderId;

mod glob;

use glob::Glob;

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
    /// Whether something is odd about it.
    pub warning: Option<Warning>,
}

#[derive(Debug)]
struct Route {
    written: Arc<str>,
    glob: Glob,
    candidates: Vec<Candidate>,
}

/// Answers with a plan for every model. Built once per configuration.
#[derive(Debug)]
pub struct Router {
    /// The most specific first: the first match is the right one.
    routes: Vec<Route>,
    /// Place in `routes` of the one that stands in where none matches.
    stand_in: Option<usize>,
    /// For models without a route, where no route may stand in.
    by_profile: Vec<Candidate>,
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
                candidates: route_candidates(input, route),
            })
            .collect();
        // Stable: equally specific routes stay in file order.
        routes.sort_by_key(|route| std::cmp::Reverse(route.glob.literals()));
        let stand_in = ["*sonnet*", "*opus*"]
            .iter()
            .find_map(|name| routes.iter().position(|route| route.written.eq_ignore_ascii_case(name)));
        Self { routes, stand_in, by_profile: profile_candidates(input) }
    }

    /// The plan for a request that asks for `model`.
    pub fn plan(&self, model: &str) -> Plan {
        if let Some(route) = self.routes.iter().find(|route| route.glob.matches(model)) {
            return Plan { candidates: route.candidates.clone(), warning: None };
        }
        match self.stand_in.and_then(|place| self.routes.get(place)) {
            Some(route) => Plan {
                candidates: route.candidates.clone(),
                warning: Some(Warning::StandIn { glob: Arc::clone(&route.written) }),
            },
            None => Plan { candidates: self.by_profile.clone(), warning: None },
        }
    }

    /// The profile whose endpoint would be tried first now, as [`Failover`](crate::Failover) chooses. `None` without
    /// profiles, and when nobody may be tried at all. `standing` answers for a provider as a whole.
    pub fn lead(&self, standing: &mut dyn FnMut(ProviderId) -> Standing) -> Option<Lead> {
        let mut due_first: Option<(Instant, usize)> = None;
        for candidate in &self.by_profile {
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
        let turn = |place| self.by_profile.iter().position(|candidate| candidate.profile == Some(place));
        turn(profile).zip(turn(other)).is_some_and(|(one, two)| one < two)
    }
}

fn route_candidates(input: &PlanInput, route: &PlanRoute) -> Vec<Candidate> {
    let mut lines: Vec<&PlanCandidate> = route.candidates.iter().collect();
    lines.sort_by_key(|line| line.priority);
    let mut candidates = Vec::new();
    for line in lines {
        match line.target {
            PlanTarget::Provider(provider) => {
                if is_enabled(input, provider) {
                    add(&mut candidates, provider, line.model.as_ref(), None);
                }
            }
            PlanTarget::Profile(place) => {
                if let Some(profile) = input.profiles.get(place) {
                    add_profile(&mut candidates, input, profile, line.model.as_ref(), None);
                }
            }
        }
    }
    candidates
}

fn profile_candidates(input: &PlanInput) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    // Profiles that are made before their endpoints must not leave everybody without a provider in between.
    if input.profiles.iter().all(|profile| profile.endpoints.is_empty()) {
        for provider in input.providers.iter().filter(|provider| provider.enabled) {
            add(&mut candidates, provider.id, None, None);
        }
        return candidates;
    }
    if let Some(profile) = input.pinned.and_then(|place| input.profiles.get(place)) {
        add_profile(&mut candidates, input, profile, None, input.pinned);
    }
    let untiered = input.profiles.iter().all(|profile| profile.tier.is_none());
    for tier in [Tier::Primary, Tier::Secondary, Tier::Fallback] {
        if !input.auto && !candidates.is_empty() {
            break;
        }
        for (place, profile) in input.profiles.iter().enumerate() {
            let own = profile.tier.or_else(|| untiered.then_some(Tier::Primary));
            if own == Some(tier) {
                add_profile(&mut candidates, input, profile, None, Some(place));
            }
        }
    }
    candidates
}

fn add_profile(
    candidates: &mut Vec<Candidate>,
    input: &PlanInput,
    profile: &PlanProfile,
    model: Option<&Arc<str>>,
    turn: Option<usize>,
) {
    let mut endpoints: Vec<&PlanEndpoint> =
        profile.endpoints.iter().filter(|endpoint| endpoint.enabled && is_enabled(input, endpoint.provider)).collect();
    endpoints.sort_by_key(|endpoint| endpoint.priority);
    for endpoint in endpoints {
        add(candidates, endpoint.provider, model, turn);
    }
}

/// The same question to the same provider is asked once; its best place counts.
fn add(candidates: &mut Vec<Candidate>, provider: ProviderId, model: Option<&Arc<str>>, profile: Option<usize>) {
    let known = candidates.iter().any(|known| known.provider == provider && known.model.as_ref() == model);
    if !known {
        candidates.push(Candidate { provider, model: model.cloned(), profile });
    }
}

fn is_enabled(input: &PlanInput, id: ProviderId) -> bool {
    input.providers.iter().any(|provider| provider.id == id && provider.enabled)
}

#[cfg(test)]
mod tests;
