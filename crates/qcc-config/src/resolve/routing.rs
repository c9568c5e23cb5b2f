//! Profiles and routes: that what they name exists.

use std::collections::BTreeMap;

use super::Resolver;
use crate::error::Place;
use crate::file;
use crate::suggest::nearest;
use crate::types::{Endpoint, Notice, Profile, Route, RouteCandidate, RouteTarget, Strategy};
use crate::value::{At, Entries};

/// An endpoint that says nothing has the full weight of the examples, so that a smaller number means less.
const DEFAULT_WEIGHT: u32 = 100;

impl Resolver<'_> {
    pub(super) fn profiles(
        &mut self,
        written: Option<&Entries<file::Profile>>,
        providers: &[&str],
        usual: Strategy,
    ) -> Vec<Profile> {
        let mut taken = BTreeMap::new();
        let mut profiles = Vec::new();
        for (at, profile) in written.map(|written| written.0.as_slice()).unwrap_or_default() {
            let Some(name) = self.new_name(at, "profile", &mut taken) else { continue };
            if name == "auto" {
                let hint = "rename it: `auto` is the word that ends a pin";
                self.problems.add(at.place, "a profile cannot be called `auto`", hint);
            }
            profiles.push(self.profile(name, profile, providers, usual));
        }
        profiles
    }

    fn profile(&mut self, name: String, written: &file::Profile, providers: &[&str], usual: Strategy) -> Profile {
        let description = written.description.as_ref().map(|at| at.text().to_owned()).unwrap_or_default();
        let tier = written.tier.as_ref().and_then(|at| at.get(&mut self.problems));
        let strategy = self.or(written.strategy.as_ref(), usual);
        let entries = written.endpoints.as_deref().unwrap_or_default();
        let mut taken: BTreeMap<&str, Place> = BTreeMap::new();
        let mut endpoints = Vec::new();
        for entry in entries {
            self.known(&entry.provider, "provider", providers.iter().copied());
            if let Some(first) = taken.insert(entry.provider.text(), entry.provider.place) {
                let message = format!(
                    "`{}` is already an endpoint of this profile at line {}",
                    entry.provider.text(),
                    first.line
                );
                self.problems.add(
                    entry.provider.place,
                    message,
                    "remove one of the two; `weight` gives a provider a larger share",
                );
            }
            endpoints.push(Endpoint {
                provider: entry.provider.text().to_owned(),
                weight: self.number(entry.weight.as_ref(), DEFAULT_WEIGHT, 10_000),
                priority: self.number(entry.priority.as_ref(), 1, 1000),
                enabled: self.or(entry.enabled.as_ref(), true),
            });
        }
        Profile { name, description, tier, strategy, endpoints }
    }

    pub(super) fn routes(
        &mut self,
        written: Option<&Entries<Vec<file::RouteEntry>>>,
        providers: &[&str],
        profiles: &[Profile],
    ) -> Vec<Route> {
        let mut taken: BTreeMap<String, Place> = BTreeMap::new();
        let mut routes = Vec::new();
        for (at, entries) in written.map(|written| written.0.as_slice()).unwrap_or_default() {
            self.check_glob(at);
            if let Some(first) = taken.insert(at.text().to_lowercase(), at.place) {
                let message = format!("there is already a route for `{}` at line {}", at.text(), first.line);
                self.problems.add(at.place, message, "case does not matter in globs: put the candidates together");
            }
            if entries.is_empty() {
                let hint = "add `- {provider: NAME}`, or remove the route so that the profiles are used";
                self.problems.add(at.place, format!("the route `{}` has no candidates", at.text()), hint);
                continue;
            }
            let mut candidates = Vec::new();
            for entry in entries {
                candidates.extend(self.candidate(at, entry, providers, profiles));
            }
            if candidates.is_empty() {
                // An empty route would refuse every request that it matches.
                let message = format!("the route `{}` is ignored: all its candidates are disabled", at.text());
                self.notices.push(Notice { message, line: Some(at.place.line) });
            } else {
                routes.push(Route { glob: at.text().to_owned(), candidates });
            }
        }
        routes
    }

    /// `None` for a disabled candidate, which is checked all the same.
    fn candidate(
        &mut self,
        glob: &At<String>,
        entry: &file::RouteEntry,
        providers: &[&str],
        profiles: &[Profile],
    ) -> Option<RouteCandidate> {
        let provider_names = || providers.iter().copied();
        let profile_names = || profiles.iter().map(|profile| profile.name.as_str());
        let target = match (&entry.provider, &entry.profile) {
            (Some(at), None) => {
                if !provider_names().any(|name| name == at.text()) && profile_names().any(|name| name == at.text()) {
                    let hint = format!("write `profile: {}`", at.text());
                    self.problems.add(at.place, format!("`{}` is a profile", at.text()), hint);
                } else {
                    self.known(at, "provider", provider_names());
                }
                RouteTarget::Provider(at.text().to_owned())
            }
            (None, Some(at)) => {
                self.known(at, "profile", profile_names());
                RouteTarget::Profile(at.text().to_owned())
            }
            (both, _) => {
                let place = both.as_ref().map_or(glob.place, |at| at.place);
                let message = format!("a candidate of the route `{}` names not exactly one target", glob.text());
                self.problems.add(place, message, "write either `provider: NAME` or `profile: NAME`");
                return None;
            }
        };
        let model = entry.model.as_ref().and_then(|at| self.model_name(at)).filter(|model| model != "passthrough");
        let priority = self.number(entry.priority.as_ref(), 1, 1000);
        let enabled = self.or(entry.enabled.as_ref(), true);
        if let Some(mode) = &entry.mode {
            let message = format!("mode in the route `{}` has no counterpart in qcc and is ignored", glob.text());
            self.notices.push(Notice { message, line: Some(mode.0.line) });
        }
        enabled.then_some(RouteCandidate { target, model, priority })
    }

    /// Notes a name that refers to nothing.
    fn known<'n>(&mut self, at: &At<String>, what: &str, names: impl Iterator<Item = &'n str> + Clone) {
        if names.clone().any(|name| name == at.text()) {
            return;
        }
        let hint = match nearest(at.text(), names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => match names.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => format!("the file names no {what}"),
                all => format!("there are: {all}"),
            },
        };
        self.problems.add(at.place, format!("there is no {what} `{}`", at.text()), hint);
    }
}
