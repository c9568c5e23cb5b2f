//! `qcc init`: the first configuration file. On a terminal one provider is asked for; elsewhere, and with `--sample`, a
//! commented sample is written in which nothing is active.

use qcc_config::edit::Document;
use serde_json::json;

use super::add;
use super::provider;
use crate::cli::setup::{AuthName, Init, NewProvider};
use crate::context::{Context, variable};
use crate::edits;
use crate::failure::{Failure, Outcome};
use crate::prompt::{Choice, Prompt};

/// Nothing in it is active: every line is a comment.
const SAMPLE: &str = include_str!("sample.yaml");

pub(crate) fn run(context: &Context, init: &Init) -> Outcome {
    let document = edits::document(context)?;
    if document.exists() {
        let message = format!("there is already a configuration: {}", context.locations.config.display());
        return Err(Failure::new(message, "add to it with `qcc add NAME`; `qcc config list` shows its settings"));
    }
    match Prompt::new(context.output).filter(|_| !init.sample) {
        Some(prompt) => ask(context, prompt, &document),
        None => sample(context),
    }
}

fn sample(context: &Context) -> Outcome {
    let changed = edits::editor(context).replace("init", SAMPLE, true, false, edits::now(), &variable)?;
    let done = format!("wrote a sample to {}", context.locations.config.display());
    let outcome = edits::tell(context, &changed, &done, json!({}))?;
    context.output.talk("nothing in it is active: until you add a provider, requests go to Anthropic as they come");
    context.output.talk("next: `qcc add NAME --preset PRESET` (`qcc presets` lists them), then `qcc proxy start`");
    Ok(outcome)
}

/// The sample first, so that the file explains itself; then one provider into it.
fn ask(context: &Context, prompt: Prompt, document: &Document) -> Outcome {
    context
        .output
        .talk("This makes a configuration with one provider; `qcc add` adds more. Esc leaves everything as it is.");
    let choices = [
        Choice::new("a provider with a key of mine", "Anthropic, OpenRouter, DeepSeek, Kimi, GLM, Qwen, a relay, ..."),
        Choice::new(
            "Anthropic with the login of Claude Code",
            "the client's own credential goes through, as without a file",
        ),
        Choice::new("only a commented sample", "to be edited by hand"),
    ];
    let chosen = prompt.select("What do you have?", &choices)?;
    if chosen == 2 {
        return sample(context);
    }
    let flags = if chosen == 1 {
        NewProvider {
            preset: Some("official".to_owned()),
            auth_type: Some(AuthName::Passthrough),
            ..NewProvider::default()
        }
    } else {
        add::ask_vendor(prompt, &NewProvider::default())?
    };
    let usual = provider::usual_name(&flags, document);
    let name = prompt.text("A name for it:", Some(&usual), &|name| {
        let usable = !name.trim().is_empty() && name != "auto" && name.chars().count() <= 100;
        if usable { Ok(()) } else { Err("1 to 100 characters, and not `auto`".to_owned()) }
    })?;
    let provider = provider::gather(context, &flags, Some(&name), document, Some(prompt))?;
    add::confirm(context, prompt, &provider)?;
    edits::editor(context).replace("init", SAMPLE, true, false, edits::now(), &variable)?;
    let outcome = add::write(context, &name, None, Some(&provider))?;
    context.output.talk("next: `qcc test` reaches it without spending anything; `qcc run -- claude` uses it");
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn nothing_in_the_sample_is_active() {
        assert!(SAMPLE.lines().all(|line| line.is_empty() || line.starts_with('#')));
        let loaded = qcc_config::parse(SAMPLE, Path::new("config.yaml"), &|_| None).unwrap();
        assert_eq!(loaded.config, qcc_config::implicit().config);
    }

    #[test]
    fn the_sample_is_a_valid_configuration_once_its_comments_are_taken_off() {
        let is_prose = |line: &str| line.strip_prefix(' ').is_some_and(|rest| !rest.starts_with(' '));
        let lines = SAMPLE.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !is_prose(line));
        let active: String = lines.map(|line| format!("{line}\n")).collect();
        let loaded = qcc_config::parse(&active, Path::new("config.yaml"), &|_| Some("key".to_owned())).unwrap();
        assert_eq!((loaded.config.providers.len(), loaded.config.profiles.len()), (2, 2));
    }
}
