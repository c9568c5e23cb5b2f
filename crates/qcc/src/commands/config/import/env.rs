//! `qcc config import --from env`: the provider that the variables of claude-code-proxy describe, beside those that the
//! file has. A key of the environment stays there, and the file refers to it; one of a `.env` file is written into ours,
//! because nobody sets that file's variables for the gateway.

use std::path::Path;

use qcc_config::edit::{Document, Edit, Node, Step};
use qcc_config::import::{Described, Variables};
use qcc_config::{Dialect, Unfit};
use serde_json::json;

use super::super::diff;
use super::{text, would};
use crate::cli::setup::{AuthName, DialectName};
use crate::commands::setup::provider::{Credential, Provider, free_name};
use crate::context::{Context, variable};
use crate::edits;
use crate::failure::{Failure, Outcome};
use crate::names::listed;
use crate::output::harmless;

pub(super) fn run(context: &Context, path: Option<&Path>, dry_run: bool) -> Outcome {
    let (variables, source) = match path {
        None => (Variables::of_environment(&variable), "the environment".to_owned()),
        Some(path) => {
            let (text, source) = text(path)?;
            let read = Variables::of_file(&text, &variable);
            (read.map_err(|fault| said_of(&source, fault))?, source)
        }
    };
    let described = variables.provider().map_err(|fault| said_of(&source, fault))?;
    let document = edits::document(context)?;
    let provider = provider(&described, &document);
    let what = format!("config import --from env ({})", harmless(&source));
    let plan = |document: &Document| Ok::<_, Failure>(edit(&provider, document));
    let changed = if dry_run {
        let text = document.edited(&edit(&provider, &document))?;
        edits::editor(context).replace(&what, text.text(), true, true, edits::now(), &variable)?
    } else {
        edits::change(context, &what, plan)?
    };
    let name = harmless(&provider.name);
    let about = json!({
        "source": source,
        "dry_run": dry_run,
        "diff": diff::document(&changed.diff),
        "provider": provider.name,
        "left_out": described.left_out,
    });
    let output = context.output;
    if !output.json {
        diff::show(context, &changed.diff)?;
    }
    if !described.left_out.is_empty() {
        let names: Vec<&str> = described.left_out.iter().map(String::as_str).collect();
        output.note(format_args!("not taken over: {}", listed(&names)));
    }
    if described.left_out.iter().any(|name| name == "ANTHROPIC_API_KEY") {
        output.talk("if ANTHROPIC_API_KEY is what clients have to present: `qcc config set proxy.client_keys -`");
    }
    if dry_run {
        return would(context, &source, &changed, about);
    }
    let outcome = edits::tell(
        context,
        &changed,
        &format!("the provider {name} is the one that {} describes", harmless(&source)),
        about,
    );
    if changed.version.is_some() {
        advise(context, &provider, &document);
    }
    outcome
}

/// What was wrong, with where it was read.
fn said_of(source: &str, fault: Unfit) -> Failure {
    Failure::new(format!("{}: {}", harmless(source), harmless(&fault.message)), harmless(&fault.hint))
}

fn provider(described: &Described, document: &Document) -> Provider {
    let mut provider = Provider {
        name: described.name.to_owned(),
        kind: match described.dialect {
            Dialect::Anthropic => DialectName::Anthropic,
            Dialect::Openai => DialectName::Openai,
            Dialect::Responses => DialectName::Responses,
            Dialect::Gemini => DialectName::Gemini,
        },
        base_url: described.base_url.clone(),
        credential: Credential::Value(described.key.clone()),
        auth: AuthName::ApiKey,
        allow_passthrough: false,
        models: described.models.clone(),
    };
    provider.name = same(&provider, document).unwrap_or_else(|| free_name(provider.name.clone(), document));
    provider
}

/// The name of a provider of the file that is the same, from an import before.
fn same(provider: &Provider, document: &Document) -> Option<String> {
    let nameless = |node: &Node| match node {
        Node::Map(entries) => entries.iter().filter(|(key, _)| key != "name").cloned().collect(),
        _ => Vec::new(),
    };
    let wanted = nameless(&provider.node());
    let written = document.providers().into_iter().enumerate();
    let mut same = written.filter(|(place, _)| {
        let node = document.get(&["providers".into(), Step::Item(*place)]);
        node.is_some_and(|node| nameless(node) == wanted)
    });
    same.next().map(|(_, written)| written.name)
}

fn edit(provider: &Provider, document: &Document) -> Vec<Edit> {
    if same(provider, document).is_some() {
        return Vec::new();
    }
    vec![Edit::Append { path: vec!["providers".into()], value: provider.node() }]
}

/// What there is to know and to do once it stands in the file.
fn advise(context: &Context, provider: &Provider, before: &Document) {
    let (output, name) = (context.output, harmless(&provider.name));
    if provider.is_literal() {
        output.note("its key stands in the configuration file now");
    }
    let grouped = before.profiles().iter().any(|profile| !profile.endpoints.is_empty());
    if grouped {
        output.talk(format_args!("next: `qcc endpoint add PROFILE -f {name}`, so that a profile asks it"));
    } else {
        output.talk("next: `qcc models` shows who is asked for which model");
    }
    output.talk("undo: `qcc config rollback`");
}
