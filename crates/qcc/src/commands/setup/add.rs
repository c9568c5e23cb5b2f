//! `qcc add NAME`: a provider with a profile of the same name that holds it; or an empty profile, to be filled by
//! `qcc endpoint add`.

use qcc_config::edit::{Document, Edit, Node, Step};
use serde_json::json;

use super::provider::{self, Provider};
use crate::cli::setup::{Add, DialectName, NewProvider, word};
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, Outcome};
use crate::names::listed;
use crate::output::harmless;
use crate::presets;
use crate::prompt::{Choice, Prompt};

pub(crate) fn run(context: &Context, add: &Add) -> Outcome {
    let prompt = Prompt::new(context.output);
    let document = edits::document(context)?;
    is_new(&add.name, &document)?;
    let flags = match prompt {
        Some(prompt) if asks(add) => ask_what(prompt, &add.name, &add.provider)?,
        _ => Some(add.provider.clone()).filter(provider::is_asked_for),
    };
    let Some(flags) = flags else {
        provider::needs_address(&add.provider)?;
        return write(context, &add.name, add.description.as_deref(), None);
    };
    let provider = provider::gather(context, &flags, Some(&add.name), &document, prompt)?;
    if let Some(prompt) = prompt.filter(|_| flags.api_key.is_none()) {
        confirm(context, prompt, &provider)?;
    }
    write(context, &add.name, add.description.as_deref(), Some(&provider))
}

/// Only the bare `qcc add NAME` leaves open what is wanted.
fn asks(add: &Add) -> bool {
    let flags = &add.provider;
    !provider::is_asked_for(flags) && add.description.is_none() && flags.api_key.is_none() && flags.auth_type.is_none()
}

/// A provider of some kind, or `None` for an empty profile.
fn ask_what(prompt: Prompt, name: &str, flags: &NewProvider) -> Result<Option<NewProvider>, Failure> {
    let ways = [
        Choice::new("a provider", "Anthropic, OpenRouter, DeepSeek, Kimi, GLM, Qwen, a relay, ..."),
        Choice::new("an empty profile", "to put providers into with `qcc endpoint add`"),
    ];
    match prompt.select(&format!("What is {}?", harmless(name)), &ways)? {
        0 => ask_vendor(prompt, flags).map(Some),
        _ => Ok(None),
    }
}

/// A vendor's preset, or another address.
pub(crate) fn ask_vendor(prompt: Prompt, flags: &NewProvider) -> Result<NewProvider, Failure> {
    let mut choices: Vec<Choice> =
        presets::all().iter().map(|preset| Choice::new(&preset.title, &preset.base_url)).collect();
    choices.push(Choice::new("another address", "OpenAI's, Google's, a relay, a model of your own, ..."));
    let chosen = prompt.select("Which provider?", &choices)?;
    match presets::all().get(chosen) {
        Some(preset) => Ok(NewProvider { preset: Some(preset.name.clone()), ..flags.clone() }),
        None => {
            let base_url = ask_address(prompt)?;
            let known = flags.kind.or_else(|| provider::dialect_of_host(&base_url));
            let kind = known.map_or_else(|| ask_dialect(prompt), Ok)?;
            Ok(NewProvider { base_url: Some(base_url), kind: Some(kind), ..flags.clone() })
        }
    }
}

/// What a provider speaks of which only the address is known.
fn ask_dialect(prompt: Prompt) -> Result<DialectName, Failure> {
    let dialects = [
        (DialectName::Anthropic, "Anthropic's Messages: relays for Claude Code"),
        (DialectName::Openai, "OpenAI's Chat Completions: most other vendors, and servers of your own"),
        (DialectName::Responses, "OpenAI's Responses"),
        (DialectName::Gemini, "Google's Gemini"),
    ];
    let choices = dialects.map(|(dialect, note)| Choice::new(word(dialect), note));
    let chosen = prompt.select("What does it speak?", &choices)?;
    Ok(dialects.get(chosen).map_or(DialectName::Anthropic, |(dialect, _)| *dialect))
}

/// The address of a provider that is no preset.
fn ask_address(prompt: Prompt) -> Result<String, Failure> {
    prompt.text("Base URL:", None, &|text| {
        let fits = text.starts_with("https://") || text.starts_with("http://");
        if fits { Ok(()) } else { Err("it begins with https:// or http://".to_owned()) }
    })
}

/// What is about to be written, before it is.
pub(crate) fn confirm(context: &Context, prompt: Prompt, provider: &Provider) -> Result<(), Failure> {
    context.output.talk(format_args!(
        "{}: {}, key: {}, into {}",
        harmless(&provider.name),
        harmless(&provider.address_in_words()),
        provider.key_in_words(),
        context.locations.config.display()
    ));
    if prompt.confirm("Write it?", true)? {
        return Ok(());
    }
    Err(Failure::bare("nothing was changed, as you wished"))
}

/// Neither a profile nor a provider may have the name.
fn is_new(name: &str, document: &Document) -> Result<(), Failure> {
    let there = |kind: &str, line: usize| {
        let hint = format!("choose another name, or look at it with `qcc list`; `qcc remove {name}` removes it");
        Err(Failure::new(format!("there is already a {kind} `{}` (line {line})", harmless(name)), hint))
    };
    if let Some(profile) = document.profiles().iter().find(|profile| profile.name == name) {
        return there("profile", profile.line);
    }
    match document.providers().iter().find(|provider| provider.name == name) {
        Some(provider) => there("provider", provider.line),
        None => Ok(()),
    }
}

pub(super) fn write(context: &Context, name: &str, description: Option<&str>, provider: Option<&Provider>) -> Outcome {
    let mut stranded = Vec::new();
    let changed = edits::change(context, &format!("add {name}"), |document| {
        is_new(name, document)?;
        stranded = without_profile(document);
        let mut edits = Vec::new();
        if let Some(provider) = provider {
            edits.push(Edit::Append { path: vec!["providers".into()], value: provider.node() });
        }
        edits
            .push(Edit::Set { path: vec!["profiles".into(), Step::from(name)], value: profile(description, provider) });
        Ok(edits)
    })?;
    let shown = harmless(name);
    let done = match provider {
        Some(provider) => {
            format!("added {shown}: {}, key: {}", harmless(&provider.address_in_words()), provider.key_in_words())
        }
        None => format!("added the empty profile {shown}"),
    };
    let about = json!({
        "profile": name,
        "provider": provider.map(|provider| &provider.name),
        "base_url": provider.map(|provider| &provider.base_url),
    });
    let outcome = edits::tell(context, &changed, &done, about)?;
    if provider.is_some_and(Provider::is_literal) {
        literal_note(context);
    }
    if !stranded.is_empty() && provider.is_some() {
        let names: Vec<&str> = stranded.iter().map(String::as_str).collect();
        context.output.note(format_args!(
            "from now on the profiles decide who is asked, and {} is in none: `qcc endpoint add {shown} -f NAME`",
            listed(&names)
        ));
    }
    match provider {
        Some(provider) => models_note(context, provider),
        None => context.output.talk(format_args!("next: `qcc endpoint add {shown}`")),
    }
    Ok(outcome)
}

/// A vendor of another dialect seldom knows the names of Claude's models.
pub(crate) fn models_note(context: &Context, provider: &Provider) {
    if provider.kind == DialectName::Anthropic || !provider.models.is_empty() {
        return;
    }
    let name = harmless(&provider.name);
    let name = if name.contains('.') { format!("\"{name}\"") } else { name };
    context.output.talk(format_args!(
        "next: which of its models does Claude Code get? `qcc config set 'providers.{name}.models.claude*' MODEL`"
    ));
}

/// A key on a command line stays in the history of the shell.
pub(crate) fn literal_note(context: &Context) {
    if std::env::args_os()
        .any(|argument| argument == "--api-key" || argument.to_string_lossy().starts_with("--api-key="))
        && !std::env::args_os().any(|argument| argument == "-" || argument == "--api-key=-")
    {
        context.output.note(
            "the key stands in the file and in the history of your shell: '${VAR}' or - keeps it out of the latter",
        );
    }
}

/// Providers that were asked because there was no profile.
fn without_profile(document: &Document) -> Vec<String> {
    if !document.profiles().is_empty() {
        return Vec::new();
    }
    let providers = document.providers().into_iter().filter(|provider| provider.enabled);
    providers.map(|provider| provider.name).collect()
}

fn profile(description: Option<&str>, provider: Option<&Provider>) -> Node {
    let mut entries = Vec::new();
    if let Some(description) = description {
        entries.push(("description", Node::text(description)));
    }
    let endpoints = provider.map(|provider| Node::map([("provider", Node::text(&provider.name))]));
    entries.push(("endpoints", Node::List(endpoints.into_iter().collect())));
    Node::map(entries)
}
