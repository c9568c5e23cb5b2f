//! `qcc config`: the configuration as a whole. One file per command; here is what they share.

use std::path::Path;

use qcc_config::edit::{Document, Node};
use qcc_config::{InForce, Key, Origin, Takes, Unfit};
use serde_json::{Value, json};

use crate::cli::Config;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::output::harmless;

mod diff;
mod export;
mod get;
mod history;
mod import;
mod list;
mod reset;
mod rollback;
mod set;
mod validate;

pub(super) use validate::{notices, tell_notices};

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

pub(crate) fn run(context: &Context, command: &Config) -> Outcome {
    match command {
        Config::Get { key } => get::run(context, key),
        Config::Set { key, value } => set::run(context, key, value),
        Config::List(list) => list::run(context, list),
        Config::Reset { key: Some(key), .. } => reset::one(context, key),
        Config::Reset { key: None, yes } => reset::all(context, *yes),
        Config::Export(export) => export::run(context, export),
        Config::Import(import) => import::run(context, import),
        Config::Validate { file } => validate::run(context, file.as_deref()),
        Config::Schema => context.output.document(&qcc_config::schema()).map(|()| OK),
        Config::History { number: None } => history::list(context),
        Config::History { number: Some(number) } => history::show(context, *number),
        Config::Rollback { number } => rollback::run(context, *number),
    }
}

/// What was typed does not fit: the command line is wrong.
fn unfit(unfit: Unfit) -> Failure {
    Failure::usage(harmless(&unfit.message), harmless(&unfit.hint))
}

/// A key with the value that counts.
struct Entry {
    key: Key,
    in_force: Option<InForce>,
}

impl Entry {
    fn of(key: Key, document: &Document) -> Self {
        let in_force = key.in_force(document);
        Self { key, in_force }
    }

    /// As it may be shown and as `config set` takes it; `None` when there is no value.
    fn text(&self) -> Option<String> {
        self.in_force.as_ref().map(|in_force| shown(&self.key, &in_force.value))
    }

    fn is_set(&self) -> bool {
        matches!(&self.in_force, Some(InForce { origin: Origin::File, .. }))
    }

    /// Where the value comes from, in one word.
    fn origin(&self) -> &str {
        match self.in_force.as_ref().map(|in_force| &in_force.origin) {
            Some(Origin::File) => "file",
            Some(Origin::Settings(old)) => old,
            Some(Origin::Default) => "default",
            None => "-",
        }
    }

    fn document(&self) -> Value {
        let key = &self.key;
        json!({
            "key": key.name,
            "value": self.in_force.as_ref().map(|in_force| value(key, &in_force.value)),
            "default": key.default.as_ref().and_then(|text| Some(value(key, &key.value(text).ok()?))),
            "set": self.is_set(),
            "from": self.in_force.as_ref().map(|_| self.origin()),
            "secret": key.secret,
            "description": key.help,
        })
    }
}

/// The value as it may be shown, in the form that `config set` takes.
fn shown(key: &Key, node: &Node) -> String {
    match node {
        Node::Scalar { text, .. } => key.shown(text),
        Node::List(items) => {
            format!("[{}]", items.iter().map(|item| item_shown(key, item)).collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    }
}

fn item_shown(key: &Key, item: &Node) -> String {
    let text = shown(key, item);
    let plain = !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\'', '\\']);
    if plain { text } else { Value::from(text).to_string() }
}

/// The value as it may be shown, with its type.
fn value(key: &Key, node: &Node) -> Value {
    match node {
        Node::Scalar { text, .. } => {
            let typed = match key.takes {
                Takes::Bool | Takes::Number { .. } => serde_json::from_str(text).ok(),
                _ => None,
            };
            typed.unwrap_or_else(|| Value::from(key.shown(text)))
        }
        Node::List(items) => items.iter().map(|item| value(key, item)).collect(),
        _ => Value::Null,
    }
}

/// The file as it is named in a sentence.
fn file(context: &Context) -> String {
    harmless(&name(&context.locations.config))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
