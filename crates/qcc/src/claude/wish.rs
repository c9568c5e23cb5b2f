//! Which variables `connect` sets in the settings, and which it takes out.
//!
//! The stand-in for a credential is `ANTHROPIC_AUTH_TOKEN` here, not `ANTHROPIC_API_KEY` as in a shell. Measured with
//! Claude Code 2.1.197: with a new API key it asks "Do you want to use this API key?", recommends No, and after No it is
//! "Not logged in"; at its very first start it wants to reach api.anthropic.com as well. With the token it does neither.
//!
//! Both credentials are sent when both are set. One that belongs to where Claude Code was led before must not reach
//! another provider, so it is taken out with that address, and both come back together.

use qcc_config::{Config, Provider, is_loopback};

use crate::output::harmless;
use crate::place::Place;
use crate::variables::{MANAGED, Variables, takes_claudes};

use super::journal::BASE_URL;
use super::settings::Settings;

pub(crate) const API_KEY: &str = "ANTHROPIC_API_KEY";
pub(crate) const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";
const CUSTOM_HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";
const TOOL_SEARCH: &str = "ENABLE_TOOL_SEARCH";
const PATIENCE: &str = "CLAUDE_STREAM_IDLE_TIMEOUT_MS";

/// Every variable that qcc may have set.
pub(crate) const OURS: [&str; 6] = [BASE_URL, AUTH_TOKEN, API_KEY, CUSTOM_HEADERS, TOOL_SEARCH, PATIENCE];

/// What `connect` is to bring about.
pub(crate) struct Wish {
    /// Variables and their values; `None` takes one out.
    pub(crate) keys: Vec<(String, Option<String>)>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

/// Why `connect` must not be done: what happened, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// What to set in `settings` for a gateway with `config` at `url`. `shell` looks up what Claude Code would inherit.
///
/// # Errors
/// When a credential that is there would go to a provider that it does not belong to.
pub(crate) fn wish(
    config: &Config,
    url: &str,
    settings: &Settings,
    shell: &dyn Fn(&str) -> Option<String>,
) -> Result<Wish, Refusal> {
    let variables = Variables::new(config, url);
    let mut keys = vec![(BASE_URL.to_owned(), Some(url.to_owned()))];
    let mut notes = Vec::new();
    let strangers = strangers(config, settings);
    let helper_strays = settings.has_helper() && !strangers.is_empty();
    if helper_strays || variables.own_credential && !strangers.is_empty() && !own(settings).is_empty() {
        return Err(refusal(settings, &strangers));
    }
    if variables.own_credential {
        let lookup = |name: &str| settings.get(name).map(str::to_owned).or_else(|| shell(name));
        if variables.client_key.is_some() {
            let plain = variables.plain.len();
            let client = variables.for_child(&lookup).split_off(plain);
            keys.extend(client.into_iter().map(|(name, value)| (name.to_owned(), Some(value))));
        }
        // The stand-in of another gateway is no credential, and would hide the user's own.
        let stand_ins = [API_KEY, AUTH_TOKEN].into_iter().filter(|name| settings.get(name) == Some(MANAGED));
        let free: Vec<_> = stand_ins.filter(|name| keys.iter().all(|(key, _)| key != name)).collect();
        keys.extend(free.into_iter().map(|name| (name.to_owned(), None)));
        notes.push("your own credential is passed through, so none is set: log in as usual".to_owned());
    } else {
        let key = variables.client_key.as_ref().map_or(MANAGED, |key| key.expose()).to_owned();
        keys.extend(credentials(config, settings, key, strangers.is_empty(), &mut notes));
    }
    let others = variables.plain.iter().filter(|(name, _)| [TOOL_SEARCH, PATIENCE].contains(name));
    let others = others.filter(|(name, value)| !is_chosen(name, value, settings));
    keys.extend(others.map(|(name, value)| ((*name).to_owned(), Some(value.clone()))));
    if settings.has_helper() {
        notes.push(helper(config));
    }
    Ok(Wish { keys, notes })
}

/// The stand-in, in the variable that leaves a way for the user's own credential where a provider takes it.
fn credentials(
    config: &Config,
    settings: &Settings,
    key: String,
    at_home: bool,
    notes: &mut Vec<String>,
) -> Vec<(String, Option<String>)> {
    let passing: Vec<&str> = passthrough(config).map(|provider| provider.name.as_str()).collect();
    let own = if passing.is_empty() || !at_home { Vec::new() } else { own(settings) };
    let (set, other) = if own == [AUTH_TOKEN] { (API_KEY, AUTH_TOKEN) } else { (AUTH_TOKEN, API_KEY) };
    let mut keys = vec![(set.to_owned(), Some(key))];
    if own.contains(&other) {
        let names = harmless(&passing.join(", "));
        notes.push(format!("{other} stays in the settings: it is the credential for {names}"));
        if set == API_KEY {
            notes.push(format!("Claude Code will ask once whether to use {API_KEY}: say yes"));
        }
    } else {
        if settings.has(other) {
            keys.push((other.to_owned(), None));
        }
        if !passing.is_empty() {
            let names = harmless(&passing.join(", "));
            notes
                .push(format!("{names}: passes the client's own credential through and is left out, as there is none"));
        }
    }
    keys
}

/// A choice of the user's that does what ours would do.
fn is_chosen(name: &str, value: &str, settings: &Settings) -> bool {
    match (name, settings.get(name)) {
        (_, None) => false,
        (TOOL_SEARCH, Some(_)) => true,
        (_, Some(set)) => set.parse::<u64>().is_ok_and(|set| value.parse().is_ok_and(|needed: u64| set >= needed)),
    }
}

/// Credentials of the user's own among the variables.
fn own(settings: &Settings) -> Vec<&'static str> {
    let real = |name: &&str| settings.get(name).is_some_and(|value| !value.is_empty() && value != MANAGED);
    [API_KEY, AUTH_TOKEN].into_iter().filter(real).collect()
}

fn passthrough(config: &Config) -> impl Iterator<Item = &Provider> {
    config.providers.iter().filter(|provider| takes_claudes(provider))
}

/// Providers that would be given the client's credential, though the settings have it for somebody else. Without an
/// address in the settings it is for Anthropic, or for whom the configuration says.
fn strangers<'a>(config: &'a Config, settings: &Settings) -> Vec<&'a Provider> {
    let Some(home) = settings.get(BASE_URL).filter(|url| !url.is_empty()).map(host_of) else { return Vec::new() };
    // A gateway on this machine hides who the credential is for; only a stand-in there is harmless, and that is no
    // credential.
    passthrough(config).filter(|provider| host_of(&provider.base_url) != home).collect()
}

/// The host, with all of Anthropic's taken for one.
fn host_of(url: &str) -> Option<String> {
    let host = Place::of(url)?.host;
    let anthropic = host == "anthropic.com" || host.ends_with(".anthropic.com");
    Some(if anthropic { "anthropic.com".to_owned() } else { host })
}

fn refusal(settings: &Settings, strangers: &[&Provider]) -> Refusal {
    let place = settings.get(BASE_URL).and_then(Place::of);
    let home = place.as_ref().map_or_else(|| "another address".to_owned(), Place::shown);
    let what = own(settings).first().copied().unwrap_or("apiKeyHelper");
    let names: Vec<&str> = strangers.iter().map(|provider| provider.name.as_str()).collect();
    let names = harmless(&names.join(", "));
    let local = place.is_some_and(|place| is_loopback(&place.host));
    let hint = if local {
        format!("take {what} out of the settings, or give {names} a key of its own")
    } else {
        "make that address a provider with its key: `qcc add NAME --base-url URL --auth-type auth_token --api-key -`"
            .to_owned()
    };
    Refusal { message: format!("the settings hold {what} for {home}, and {names} would be given it"), hint }
}

fn helper(config: &Config) -> String {
    let passing: Vec<&str> = passthrough(config).map(|provider| provider.name.as_str()).collect();
    let goes = match passing.as_slice() {
        [] => "qcc passes it to no provider".to_owned(),
        names => format!("qcc passes it to {} alone", harmless(&names.join(", "))),
    };
    format!("apiKeyHelper stays: Claude Code sends its key beside ours and warns that both are set; {goes}")
}

#[cfg(test)]
mod tests;
