//! What maps to what: for every model the providers that would be asked, in which order, under which name, and which rule
//! says so. From the configuration alone, with the router and the tables that requests go by; nobody's health, share or
//! session counts here.

use qcc_config::{Config, Provider, Route};
use qcc_policy::plan::Plan;
use qcc_policy::{ProviderId, Router};

use crate::observe;
use crate::state::dialect_name;
use crate::upstream::names::Names;

/// The rules of a configuration.
pub struct Mapping<'a> {
    config: &'a Config,
    router: Router,
    /// Those that can be asked; the place is the number that the router knows them by.
    callable: Vec<(&'a Provider, Names)>,
}

/// By which rule a model finds its candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<'a> {
    /// A route matches; its glob.
    Route(&'a str),
    /// No route matches, and this one stands in, with a warning in the log.
    StandIn(&'a str),
    /// No route: the profiles, in the order in which they are asked. Empty: all enabled providers in file order.
    Profiles(Vec<&'a str>),
}

/// Everybody who may be asked for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// How they were found.
    pub way: Way<'a>,
    /// In the order of the configuration.
    pub candidates: Vec<Candidate<'a>>,
}

/// One who may be asked, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// What it speaks: `anthropic`.
    pub dialect: &'static str,
    /// The profile in whose turn it comes; `None` where a route names it, and without profiles.
    pub profile: Option<&'a str>,
    /// The model's name as it is sent.
    pub sent: String,
    /// Whether the route names a model.
    pub routed: bool,
    /// The glob of the provider's `models` that gave the name, or kept it.
    pub entry: Option<&'a str>,
}

// === impl Mapping ===

impl<'a> Mapping<'a> {
    /// `pinned`: the profile that goes before all tiers, if there is one of this name.
    #[must_use]
    pub fn new(config: &'a Config, pinned: Option<&str>) -> Self {
        let callable: Vec<&Provider> = config.providers.iter().filter(|provider| provider.enabled).collect();
        let numbered: Vec<_> =
            callable.iter().map(|provider| provider.name.as_str()).zip((0..).map(ProviderId)).collect();
        let pinned = config.profiles.iter().position(|profile| pinned == Some(profile.name.as_str()));
        let router = observe::router_of(config, &numbered, pinned);
        let callable = callable.into_iter().map(|provider| (provider, Names::new(&provider.models))).collect();
        Self { config, router, callable }
    }

    /// The routes, in the order in which a model is compared with them.
    pub fn routes(&self) -> impl Iterator<Item = &'a Route> {
        let config = self.config;
        self.router.globs().filter_map(|glob| config.routes.iter().find(|route| route.glob == glob))
    }

    /// The providers that can be asked, in file order.
    pub fn providers(&self) -> impl Iterator<Item = &'a Provider> {
        self.callable.iter().map(|(provider, _)| *provider)
    }

    /// How models find their candidates that no route matches.
    #[must_use]
    pub fn without_route(&self) -> Way<'a> {
        self.way(&self.router.plan_without_route())
    }

    /// Who would be asked for `model`.
    #[must_use]
    pub fn of(&self, model: &str) -> Asked<'a> {
        let plan = self.router.plan(model);
        let candidate = |candidate: &qcc_policy::Candidate| {
            let (provider, names) = self.callable.get(candidate.provider.0 as usize)?;
            let sent = names.sent(model, candidate.model.as_deref());
            let entry = provider.models.iter().map(|(glob, _)| glob.as_str()).find(|glob| Some(*glob) == sent.entry);
            Some(Candidate {
                provider: &provider.name,
                dialect: dialect_name(provider.dialect),
                profile: candidate.profile.and_then(|place| self.profile(place)),
                sent: sent.name.to_owned(),
                routed: candidate.model.is_some(),
                entry,
            })
        };
        Asked { way: self.way(&plan), candidates: plan.candidates.iter().filter_map(candidate).collect() }
    }

    /// Providers of the file that take no part: they are disabled.
    pub fn left_out(&self) -> impl Iterator<Item = &'a str> {
        self.config.providers.iter().filter(|provider| !provider.enabled).map(|provider| provider.name.as_str())
    }

    fn way(&self, plan: &Plan) -> Way<'a> {
        let written = |glob: &str| self.config.routes.iter().map(|route| route.glob.as_str()).find(|one| *one == glob);
        match plan.route.as_deref().and_then(written) {
            Some(glob) if plan.warning.is_some() => Way::StandIn(glob),
            Some(glob) => Way::Route(glob),
            None => {
                let mut places: Vec<usize> = plan.candidates.iter().filter_map(|candidate| candidate.profile).collect();
                places.dedup();
                Way::Profiles(places.into_iter().filter_map(|place| self.profile(place)).collect())
            }
        }
    }

    fn profile(&self, place: usize) -> Option<&'a str> {
        self.config.profiles.get(place).map(|profile| profile.name.as_str())
    }
}

#[cfg(test)]
mod tests;
