//! `qcc endpoint add PROFILE`, in three ways: reuse what is there by reference (`-f`), type a provider in, or take a
//! vendor's preset. A reference, so that a new key changes in one place.

use qcc_config::edit::{Document, Edit, Node, WrittenEndpoint, WrittenProfile};
use serde_json::json;

use super::profile;
use crate::cli::setup::{AddEndpoint, NewProvider};
use crate::commands::setup::{add as setup, provider};
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, Outcome};
use crate::names::{listed, resolve};
use crate::output::harmless;
use crate::prompt::{Choice, Prompt};

pub(super) fn run(context: &Context, add: &AddEndpoint) -> Outcome {
    let document = edits::document(context)?;
    let target = profile(&document, &add.profile)?;
    if let Some(from) = &add.from {
        return reuse(context, &target.name, from, add);
    }
    let prompt = Prompt::new(context.output);
    if provider::is_asked_for(&add.provider) {
        return type_in(context, &document, &target.name, &add.provider, add, prompt);
    }
    provider::needs_address(&add.provider)?;
    let Some(prompt) = prompt else {
        let hint = "-f NAME reuses a provider or profile, --preset NAME takes a vendor, --base-url URL any other";
        return Err(Failure::usage("nothing says which provider to add", hint));
    };
    ask(context, prompt, &document, &target, add)
}

/// The three ways, then a place in the profile.
fn ask(context: &Context, prompt: Prompt, document: &Document, target: &WrittenProfile, add: &AddEndpoint) -> Outcome {
    let sources = sources(document, target);
    let ways = [
        Choice::new("one that is already there", "by reference: its key stays in one place"),
        Choice::new("a new provider", "Anthropic, OpenRouter, DeepSeek, Kimi, GLM, Qwen, a relay, ..."),
    ];
    let offered = if sources.is_empty() { &ways[1..] } else { &ways[..] };
    let question = format!("What shall be added to {}?", harmless(&target.name));
    let reused = match offered {
        [_] => false,
        several => prompt.select(&question, several)? == 0,
    };
    let (from, flags) = if reused {
        let choices: Vec<Choice> = sources.iter().map(|(name, note)| Choice::new(name, note)).collect();
        let chosen = prompt.select("Which one?", &choices)?;
        (sources.get(chosen).map(|(name, _)| name.clone()), NewProvider::default())
    } else {
        (None, setup::ask_vendor(prompt, &add.provider)?)
    };
    let add = AddEndpoint {
        profile: target.name.clone(),
        from: None,
        name: add.name.clone(),
        provider: flags.clone(),
        weight: Some(number(prompt, "Weight (share among equal priorities):", add.weight.unwrap_or(100), 10_000)?),
        priority: Some(number(prompt, "Priority (lower is asked first):", add.priority.unwrap_or(1), 1_000)?),
    };
    match from {
        Some(from) => reuse(context, &target.name, &from, &add),
        None => type_in(context, document, &target.name, &flags, &add, Some(prompt)),
    }
}

fn number(prompt: Prompt, question: &str, default: u32, most: u32) -> Result<u32, Failure> {
    let parse = move |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number <= most);
    let text = prompt.text(question, Some(&default.to_string()), &|text| match parse(text) {
        Some(_) => Ok(()),
        None => Err(format!("a whole number from 0 to {most}")),
    })?;
    Ok(parse(&text).unwrap_or(default))
}

/// What can be reused: providers that are not in the profile, and other profiles with endpoints.
fn sources(document: &Document, target: &WrittenProfile) -> Vec<(String, String)> {
    let there = |name: &str| target.endpoints.iter().any(|endpoint| endpoint.provider == name);
    let providers = document.providers().into_iter().filter(|provider| !there(&provider.name));
    let mut all: Vec<(String, String)> = providers.map(|provider| (provider.name, provider.base_url)).collect();
    for profile in document.profiles() {
        let known = all.iter().any(|(name, _)| *name == profile.name);
        if !known && profile.name != target.name && !profile.endpoints.is_empty() {
            let names: Vec<&str> = profile.endpoints.iter().map(|endpoint| endpoint.provider.as_str()).collect();
            all.push((profile.name.clone(), format!("the endpoints of this profile: {}", names.join(", "))));
        }
    }
    all
}

fn reuse(context: &Context, target: &str, from: &str, add: &AddEndpoint) -> Outcome {
    let mut added = Vec::new();
    let changed = edits::change(context, &format!("endpoint add {target} -f {from}"), |document| {
        let target = profile(document, target)?;
        let new = missing(&target, &referenced(document, &target, from)?, add)?;
        added = new.iter().map(|endpoint| endpoint.provider.clone()).collect();
        Ok(new.iter().map(|endpoint| append(&target.name, node(endpoint, add))).collect())
    })?;
    let names: Vec<&str> = added.iter().map(String::as_str).collect();
    let (shown, target_shown) = (listed(&names), harmless(target));
    let done = match changed.version {
        Some(_) => format!("{shown} {} now in the profile {target_shown}", if names.len() == 1 { "is" } else { "are" }),
        None => format!("`{}` is in the profile {target_shown} already", harmless(from)),
    };
    edits::tell(context, &changed, &done, json!({ "profile": target, "added": added }))
}

/// What `-f NAME` stands for: a provider, or every endpoint of a profile.
fn referenced(document: &Document, target: &WrittenProfile, from: &str) -> Result<Vec<WrittenEndpoint>, Failure> {
    let (providers, profiles) = (document.providers(), document.profiles());
    let mut names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    let others = profiles.iter().filter(|profile| profile.name != target.name).map(|profile| profile.name.as_str());
    let others: Vec<&str> = others.filter(|name| !names.contains(name)).collect();
    names.extend(others);
    let name = resolve("provider or profile", from, &names, "qcc list")?;
    if let Some(provider) = providers.iter().find(|provider| provider.name == name) {
        let plain = WrittenEndpoint {
            provider: provider.name.clone(),
            weight: 100,
            priority: 1,
            enabled: true,
            line: provider.line,
        };
        return Ok(vec![plain]);
    }
    let profile = profiles.iter().find(|profile| profile.name == name);
    let endpoints = profile.map(|profile| profile.endpoints.clone()).unwrap_or_default();
    if endpoints.is_empty() {
        let message = format!("the profile `{}` has no endpoints to reuse", harmless(name));
        return Err(Failure::new(message, format!("fill it first: `qcc endpoint add {}`", harmless(name))));
    }
    Ok(endpoints)
}

/// Those that the profile does not have yet. One that is there with other numbers than asked for is not changed unasked.
fn missing(
    target: &WrittenProfile,
    wanted: &[WrittenEndpoint],
    add: &AddEndpoint,
) -> Result<Vec<WrittenEndpoint>, Failure> {
    let there = |name: &str| target.endpoints.iter().find(|endpoint| endpoint.provider == name);
    if let [one] = wanted
        && let Some(old) = there(&one.provider)
        && (add.weight.is_some_and(|weight| weight != old.weight)
            || add.priority.is_some_and(|priority| priority != old.priority))
    {
        let (profile, name) = (harmless(&target.name), harmless(&one.provider));
        let message = format!("`{name}` is in the profile `{profile}` already, with other numbers (line {})", old.line);
        let hint =
            format!("change them: `qcc config set profiles.{profile}.endpoints.{name}.weight N` (or `.priority`)");
        return Err(Failure::new(message, hint));
    }
    Ok(wanted.iter().filter(|endpoint| there(&endpoint.provider).is_none()).cloned().collect())
}

fn type_in(
    context: &Context,
    document: &Document,
    target: &str,
    flags: &NewProvider,
    add: &AddEndpoint,
    prompt: Option<Prompt>,
) -> Outcome {
    let new = provider::gather(context, flags, add.name.as_deref(), document, prompt)?;
    if let Some(prompt) = prompt.filter(|_| flags.api_key.is_none()) {
        setup::confirm(context, prompt, &new)?;
    }
    let changed = edits::change(context, &format!("endpoint add {target}"), |document| {
        let target = profile(document, target)?;
        if let Some(old) = document.providers().iter().find(|provider| provider.name == new.name) {
            let name = harmless(&old.name);
            let message = format!("there is already a provider `{name}` (line {})", old.line);
            return Err(Failure::new(message, format!("reuse it with `-f {name}`, or give the new one --name NAME")));
        }
        let endpoint = WrittenEndpoint { provider: new.name.clone(), weight: 100, priority: 1, enabled: true, line: 0 };
        let provider = Edit::Append { path: vec!["providers".into()], value: new.node() };
        Ok(vec![provider, append(&target.name, node(&endpoint, add))])
    })?;
    let done = format!(
        "added {} to the profile {}: {}, key: {}",
        harmless(&new.name),
        harmless(target),
        harmless(&new.address_in_words()),
        new.key_in_words()
    );
    let about = json!({ "profile": target, "added": [new.name] });
    let outcome = edits::tell(context, &changed, &done, about)?;
    if new.is_literal() {
        setup::literal_note(context);
    }
    setup::models_note(context, &new);
    Ok(outcome)
}

fn append(profile: &str, value: Node) -> Edit {
    Edit::Append { path: vec!["profiles".into(), profile.into(), "endpoints".into()], value }
}

/// As it is written: what equals a default is left out, but for numbers that were asked for.
fn node(endpoint: &WrittenEndpoint, add: &AddEndpoint) -> Node {
    let mut entries = vec![("provider", Node::text(&endpoint.provider))];
    let number = |asked: Option<u32>, own: u32, default: u32| asked.or_else(|| (own != default).then_some(own));
    if let Some(weight) = number(add.weight, endpoint.weight, 100) {
        entries.push(("weight", Node::number(weight.into())));
    }
    if let Some(priority) = number(add.priority, endpoint.priority, 1) {
        entries.push(("priority", Node::number(priority.into())));
    }
    if !endpoint.enabled {
        entries.push(("enabled", Node::bool(false)));
    }
    Node::map(entries)
}
