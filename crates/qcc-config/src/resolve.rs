//! From what was written to what is in force: defaults, references, rules between keys. Every rule of the file that is
//! not the meaning of one value is decided here or in the three files below.

mod provider;
mod routing;
mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::error::{ConfigError, Place};
use crate::file::File;
use crate::source::{Problems, Source};
use crate::types::{Auth, Config, Dialect, Env, Limits, Loaded, Notice, Provider, Timeouts};
use crate::value::{At, FromText};
use crate::{balancer, env};

/// What the resolving of all parts shares.
struct Resolver<'a> {
    problems: Problems<'a>,
    env: Env<'a>,
    notices: Vec<Notice>,
    /// Keys that are valid and have no effect yet.
    idle: Vec<String>,
}

/// # Errors
/// All faults of the values and references of the file, in file order.
pub(crate) fn resolve(mut file: File, source: &Source, env: Env<'_>) -> Result<Loaded, ConfigError> {
    let mut problems = Problems::new(source);
    let mut notices = Vec::new();
    balancer::move_settings(&mut file, &mut problems, &mut notices);
    let mut resolver = Resolver { problems, env, notices, idle: Vec::new() };
    let settings = resolver.settings(&file);
    let mut providers = resolver.providers(file.providers.as_deref().unwrap_or_default(), &settings.timeouts);
    if providers.is_empty() {
        providers.push(implicit_provider(settings.timeouts));
    }
    // Names as written, so that a provider with a fault of its own is not missed as well.
    let written = file.providers.iter().flatten().map(|provider| provider.name.text());
    let implicit = providers.iter().map(|provider| provider.name.as_str()).filter(|_| written.clone().next().is_none());
    let names: Vec<&str> = written.clone().chain(implicit).collect();
    let usual = file.loadbalancer.as_ref().map(|section| section.strategy(&mut resolver.problems)).unwrap_or_default();
    let profiles = resolver.profiles(file.profiles.as_ref(), &names, usual);
    let routes = resolver.routes(file.model_routes.as_ref(), &names, &profiles);
    let Resolver { problems, mut notices, idle, .. } = resolver;
    problems.finish()?;
    notices.sort_by_key(|notice| notice.line);
    if !idle.is_empty() {
        let message = format!("accepted but without effect yet: {}", idle.join(", "));
        notices.push(Notice { message, line: None });
    }
    let config = Config { providers, profiles, routes, settings };
    Ok(Loaded { config, notices, path: Some(source.path.clone()) })
}

/// The configuration without a file: one provider, `https://api.anthropic.com`, with the client's own credential.
#[must_use]
pub fn implicit() -> Loaded {
    let settings = settings::defaults();
    let providers = vec![implicit_provider(settings.timeouts)];
    let config = Config { providers, profiles: Vec::new(), routes: Vec::new(), settings };
    Loaded { config, notices: Vec::new(), path: None }
}

fn implicit_provider(timeouts: Timeouts) -> Provider {
    Provider {
        name: "anthropic".to_owned(),
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com".to_owned(),
        auth: Auth::Passthrough,
        enabled: true,
        proxy: None,
        ca_file: None,
        headers: Vec::new(),
        timeouts,
        models: Vec::new(),
        capabilities: Vec::new(),
        allow_passthrough: false,
        limits: Limits::default(),
        health_model: None,
    }
}

/// Whether a listen host is reached from this machine alone: a loopback address or a `localhost` name (RFC 6761,
/// section 6.3). Everything else needs `proxy.client_keys`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

impl Resolver<'_> {
    /// The text with its `${...}` replaced; a fault is noted and gives `None`.
    fn text(&mut self, at: &At<String>) -> Option<Zeroizing<String>> {
        match env::interpolate(at.text(), self.problems.source.folder(), self.env) {
            Ok(text) => Some(text),
            Err(wrong) => {
                self.problems.add(at.place, wrong.message, wrong.hint);
                None
            }
        }
    }

    /// A value or its default.
    fn or<T: FromText>(&mut self, at: Option<&At<T>>, default: T) -> T {
        at.and_then(|at| at.get(&mut self.problems)).unwrap_or(default)
    }

    /// A number or its default, within a range.
    fn number(&mut self, at: Option<&At<u32>>, default: u32, high: u32) -> u32 {
        let Some(at) = at else { return default };
        let Some(value) = at.get(&mut self.problems) else { return default };
        if value > high {
            let hint = format!("write a number from 0 to {high}");
            self.problems.add(at.place, format!("{value} is out of range"), hint);
        }
        value
    }

    /// A name that the user gives: not empty, printable, not endless, and not given before.
    fn new_name<'n>(&mut self, at: &'n At<String>, what: &str, taken: &mut BTreeMap<&'n str, Place>) -> Option<String> {
        let name = at.get(&mut self.problems)?;
        if name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > 100 {
            let message = format!("this is no name for a {what}");
            self.problems.add(at.place, message, "write 1 to 100 printable characters");
        }
        if let Some(first) = taken.get(at.text()) {
            let message = format!("there is already a {what} `{name}` at line {}", first.line);
            self.problems.add(at.place, message, "names are unique: rename or remove one of the two");
        } else {
            taken.insert(at.text(), at.place);
        }
        Some(name)
    }
}
