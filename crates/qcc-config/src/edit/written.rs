//! The file in the words of its user, for lists and for commands that change it: what is written, with the defaults, but
//! with every `${...}` as it stands, so that no variable has to be set to look at it.

use crate::env::is_reference;
use crate::file::{self, File};
use crate::value::{At, FromText, after_userinfo};

/// Where the credential of a provider comes from. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The client's own goes through.
    Passthrough,
    /// The text is one `${VAR}` or `${file:...}`, as written.
    Reference(String),
    /// It stands in the file itself.
    Literal,
    /// There is none.
    Missing,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenProvider {
    /// As written.
    pub name: String,
    /// `type`
    pub kind: String,
    /// Without user information and query, in which secrets may stand.
    pub base_url: String,
    /// `auth_type`
    pub auth_type: String,
    /// `auth_value`
    pub credential: Credential,
    /// `enabled`
    pub enabled: bool,
    /// 1-based line.
    pub line: usize,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenProfile {
    /// As written.
    pub name: String,
    /// Empty when there is none.
    pub description: String,
    /// `primary`, `secondary`, `fallback`.
    pub tier: Option<String>,
    /// `None`: the one of `loadbalancer.strategy`.
    pub strategy: Option<String>,
    /// In file order.
    pub endpoints: Vec<WrittenEndpoint>,
    /// 1-based line.
    pub line: usize,
}

/// A provider's place in a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEndpoint {
    /// Name of the provider.
    pub provider: String,
    /// `weight`, as a number where it is one.
    pub weight: u32,
    /// `priority`, as a number where it is one.
    pub priority: u32,
    /// `enabled`
    pub enabled: bool,
    /// 1-based line.
    pub line: usize,
}

/// A model route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRoute {
    /// The glob as written.
    pub glob: String,
    /// Providers that it names.
    pub providers: Vec<String>,
    /// Profiles that it names.
    pub profiles: Vec<String>,
    /// 1-based line.
    pub line: usize,
}

/// All of them, in file order.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) providers: Vec<WrittenProvider>,
    pub(super) profiles: Vec<WrittenProfile>,
    pub(super) routes: Vec<WrittenRoute>,
}

impl Written {
    pub(super) fn of(file: &File) -> Self {
        let profiles = file.profiles.iter().flat_map(|profiles| &profiles.0);
        let routes = file.model_routes.iter().flat_map(|routes| &routes.0);
        Self {
            providers: file.providers.iter().flatten().map(provider).collect(),
            profiles: profiles.map(|(name, written)| profile(name, written)).collect(),
            routes: routes.map(|(glob, entries)| route(glob, entries)).collect(),
        }
    }
}

fn provider(written: &file::Provider) -> WrittenProvider {
    let auth_type = text_or(written.auth_type.as_ref(), "api_key");
    WrittenProvider {
        name: written.name.text().to_owned(),
        kind: text_or(written.kind.as_ref(), "anthropic"),
        base_url: shown_url(written.base_url.text()),
        credential: credential(&auth_type, written.auth_value.as_ref().map(At::text)),
        auth_type,
        enabled: switch(written.enabled.as_ref()),
        line: written.name.place.line,
    }
}

fn profile(name: &At<String>, written: &file::Profile) -> WrittenProfile {
    WrittenProfile {
        name: name.text().to_owned(),
        description: text_or(written.description.as_ref(), ""),
        tier: written.tier.as_ref().map(|tier| tier.text().to_owned()),
        strategy: written.strategy.as_ref().map(|strategy| strategy.text().to_owned()),
        endpoints: written.endpoints.iter().flatten().map(endpoint).collect(),
        line: name.place.line,
    }
}

fn endpoint(written: &file::Endpoint) -> WrittenEndpoint {
    WrittenEndpoint {
        provider: written.provider.text().to_owned(),
        weight: number_or(written.weight.as_ref(), 100),
        priority: number_or(written.priority.as_ref(), 1),
        enabled: switch(written.enabled.as_ref()),
        line: written.provider.place.line,
    }
}

fn route(glob: &At<String>, entries: &[file::RouteEntry]) -> WrittenRoute {
    let texts = |named: fn(&file::RouteEntry) -> &Option<At<String>>| {
        entries.iter().filter_map(|entry| Some(named(entry).as_ref()?.text().to_owned())).collect()
    };
    WrittenRoute {
        glob: glob.text().to_owned(),
        providers: texts(|entry| &entry.provider),
        profiles: texts(|entry| &entry.profile),
        line: glob.place.line,
    }
}

fn credential(auth_type: &str, value: Option<&str>) -> Credential {
    match value {
        _ if auth_type == "passthrough" => Credential::Passthrough,
        Some("passthrough") => Credential::Passthrough,
        Some(text) if is_reference(text) => Credential::Reference(text.to_owned()),
        Some(text) if !text.is_empty() => Credential::Literal,
        _ => Credential::Missing,
    }
}

fn text_or<T>(written: Option<&At<T>>, default: &str) -> String {
    written.map_or(default, At::text).to_owned()
}

fn number_or(written: Option<&At<u32>>, default: u32) -> u32 {
    written.and_then(|at| at.text().parse().ok()).unwrap_or(default)
}

fn switch(written: Option<&At<bool>>) -> bool {
    written.is_none_or(|at| bool::from_text(at.text()).unwrap_or(true))
}

/// A URL without the parts in which secrets stand.
fn shown_url(url: &str) -> String {
    let url = url.find(['?', '#']).map_or(url, |at| &url[..at]);
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", after_userinfo(rest).unwrap_or(rest)),
        None => after_userinfo(url).unwrap_or(url).to_owned(),
    }
}
