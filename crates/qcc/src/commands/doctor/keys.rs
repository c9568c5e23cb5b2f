//! The credentials: are they there, and do they look like credentials at all? A key itself is never shown, neither whole
//! nor in part.

use std::path::Path;

use qcc_config::{Auth, Provider, Secret};

use crate::output::count;
use crate::variables::bourne;

use super::facts::Facts;
use super::finding::{Finding, Fix, State};
use super::references::{Fault, Reference, Target, lacking};
use crate::place::Place;

/// How keys of Anthropic's own begin: API keys, and the tokens of its subscriptions.
const ANTHROPIC: &str = "sk-ant-";

/// Parts of what examples write in place of a key, without `-`, `_` and blanks, in lower case.
const EXAMPLES: [&str; 9] = [
    "yourkey",
    "yourapikey",
    "yourtoken",
    "yoursecret",
    "changeme",
    "replaceme",
    "inserthere",
    "keyhere",
    "placeholder",
];

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.config().is_none() {
        return vec![Finding::skipped("not known while the configuration has faults")];
    }
    let mut findings: Vec<Finding> = (0..facts.references.len()).map(|place| missing(facts, place)).collect();
    let keyed: Vec<(&Provider, &Secret)> = facts
        .enabled()
        .filter(|provider| facts.is_whole(provider))
        .filter_map(|provider| Some((provider, key_of(provider)?)))
        .collect();
    findings.extend(keyed.iter().flat_map(|(provider, key)| of_provider(provider, key.expose())));
    findings.extend(shared(&keyed));
    if findings.iter().all(|finding| finding.state == State::Ok) {
        let own = facts.enabled().count() - keyed.len();
        findings.push(match (keyed.len(), own) {
            (0, 0) => Finding::skipped("no provider is enabled"),
            (0, _) => Finding::ok("the client's own credential is passed through"),
            (keys, _) => Finding::ok(format!("{} in place", count(keys, "key"))),
        });
    }
    findings
}

fn key_of(provider: &Provider) -> Option<&Secret> {
    match &provider.auth {
        Auth::ApiKey(key) | Auth::Token(key) => Some(key),
        Auth::Passthrough => None,
    }
}

/// A variable or file that the configuration names in vain.
fn missing(facts: &Facts<'_>, place: usize) -> Finding {
    let Some(reference) = facts.references.get(place) else { return Finding::skipped("not known") };
    let users: Vec<&str> = facts
        .enabled()
        .filter(|provider| lacking(provider, &facts.references).contains(&place))
        .map(|provider| provider.name.as_str())
        .collect();
    let who = match (users.is_empty(), reference.line) {
        (false, _) => users.join(", "),
        (true, Some(line)) => format!("line {line}"),
        (true, None) => "a setting".to_owned(),
    };
    match &reference.to {
        Target::Variable(name) => variable(facts, &who, name, reference),
        Target::File(path) => file(&who, path, reference),
    }
}

fn variable(facts: &Facts<'_>, who: &str, name: &str, reference: &Reference) -> Finding {
    let what = match reference.fault {
        Fault::Missing(_) => "is not set in this shell",
        Fault::Empty => "is empty in this shell",
        Fault::Blanks => "has blanks or line breaks around it, or control characters in it",
    };
    let fix = Fix::run(format!("export {name}=..."));
    match facts.gateway.record().map(|record| given_to(record.pid, name)) {
        None => Finding::problem(format!("{who}: the variable {name} {what}"), fix),
        Some(Some(true)) => Finding::warning(
            format!(
                "{who}: the variable {name} {what}; the running gateway has it, and would lose it in a restart from here"
            ),
            fix,
        ),
        Some(Some(false)) => Finding::problem(
            format!("{who}: the variable {name} {what}, and the running gateway does not have it either"),
            Fix::sentence(format!("`export {name}=...`, then `qcc proxy restart`")),
        ),
        Some(None) => Finding::problem(
            format!("{who}: the variable {name} {what}; whether the running gateway has it cannot be seen"),
            Fix::sentence(format!("`export {name}=...`, then `qcc proxy restart`")),
        ),
    }
}

/// Whether a process was started with this variable, and not with nothing in it. Linux tells it of one's own processes.
fn given_to(pid: u32, name: &str) -> Option<bool> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    Some(environment.split(|byte| *byte == 0).any(|entry| is_entry(entry, name)))
}

fn is_entry(entry: &[u8], name: &str) -> bool {
    entry.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")).is_some_and(|value| !value.is_empty())
}

fn file(who: &str, path: &Path, reference: &Reference) -> Finding {
    let shown = path.display();
    let what = match &reference.fault {
        Fault::Missing(why) => format!("cannot be read: {why}"),
        Fault::Empty => "is empty".to_owned(),
        Fault::Blanks => "has more in it than one line without blanks around it".to_owned(),
    };
    let fix = if reference.fault != Fault::Empty && path.is_file() && std::fs::File::open(path).is_err() {
        Fix::run(format!("chmod u+r {}", bourne(&shown.to_string())))
    } else {
        Fix::sentence(format!("write the key, and nothing else, into {shown}, for you alone (mode 600)"))
    };
    Finding::problem(format!("{who}: the file {shown} {what}"), fix)
}

fn of_provider(provider: &Provider, key: &str) -> Vec<Finding> {
    let name = &provider.name;
    let set = || Fix::run(set_key(name));
    let mut findings = Vec::new();
    if let Some(what) = placeholder(key) {
        findings.push(Finding::problem(format!("{name}: its key is {what}"), set()));
    } else if let Some(what) = garbled(key) {
        findings.push(Finding::problem(format!("{name}: its key {what}"), set()));
    } else if let Some(place) = Place::of(&provider.base_url) {
        findings.extend(misplaced(name, key, &place));
    }
    findings
}

/// The command that gives a provider another key, by a variable, so that no key gets into the history of a shell.
pub(super) fn set_key(provider: &str) -> String {
    let word: String =
        provider.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let digit = if word.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    format!("qcc config set {} '${{{digit}{word}_API_KEY}}'", bourne(&format!("providers.{provider}.auth_value")))
}

/// What stands where a key should be, when it was taken over from an example.
fn placeholder(key: &str) -> Option<&'static str> {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let filling = key.rsplit('-').next().unwrap_or_default();
    let is_filling = filling.len() >= 3 && filling.chars().all(|c| "xX*.…".contains(c));
    if key == crate::variables::MANAGED {
        return Some("`proxy-managed`, which stands for a key between client and gateway and is none");
    }
    if key.starts_with('$') {
        return Some("the name of a variable without braces: write `${NAME}`");
    }
    let is_example = is_filling
        || key.contains("...")
        || key.contains('…')
        || key.starts_with('<') && key.ends_with('>')
        || EXAMPLES.iter().any(|example| plain.contains(example))
        || ["key", "apikey", "token", "none", "null", "undefined", "skant", "sk"].contains(&plain.as_str());
    is_example.then_some("the placeholder of an example")
}

/// What went wrong when a key was copied.
fn garbled(key: &str) -> Option<&'static str> {
    let quoted = |quote: char| key.contains(quote);
    if quoted('"') || quoted('\'') || quoted('`') {
        return Some("has a quote in it, which belongs to the shell or the file and not to the key");
    }
    if key.contains(char::is_whitespace) {
        return Some(if key.starts_with("Bearer ") {
            "begins with `Bearer`, which qcc adds by itself where it is needed"
        } else {
            "has a blank or a line break in it"
        });
    }
    None
}

/// A key at a host that it was not made for.
fn misplaced(name: &str, key: &str, place: &Place) -> Option<Finding> {
    let official = place.host == "anthropic.com" || place.host.ends_with(".anthropic.com");
    match (key.starts_with(ANTHROPIC), official) {
        (true, false) => Some(Finding::warning(
            format!("{name}: a key of Anthropic's goes to {}, which is not Anthropic's", place.host),
            Fix::run(set_key(name)),
        )),
        (false, true) => Some(Finding::warning(
            format!("{name}: its key does not look like one of Anthropic's, which begin with `{ANTHROPIC}`"),
            Fix::run(set_key(name)),
        )),
        _ => None,
    }
}

/// Providers that are one account: when its quota ends, all of them end, and nothing is left to fail over to.
fn shared(keyed: &[(&Provider, &Secret)]) -> Vec<Finding> {
    let host = |provider: &Provider| Place::of(&provider.base_url).map(|place| place.shown());
    let mut findings = Vec::new();
    for (at, (later, key)) in keyed.iter().enumerate() {
        let same = |(provider, other): &&(&Provider, &Secret)| {
            other == key && provider.dialect == later.dialect && host(provider) == host(later)
        };
        if let Some((first, _)) = keyed.iter().take(at).find(same) {
            let message = format!("{} and {} are one account: same key, same host", first.name, later.name);
            let disable = format!("qcc config set {} false", bourne(&format!("providers.{}.enabled", later.name)));
            findings.push(Finding::warning(message, Fix::run(disable)));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
