//! `qcc config list [PREFIX]`: keys, the values that count, and where these come from.

use owo_colors::Style;
use qcc_config::edit::{Document, Step};
use qcc_config::{Takes, key, keys, sections};
use serde_json::json;

use crate::cli::List;
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::table::{Cell, Table};

use super::{Entry, unfit};

pub(super) fn run(context: &Context, list: &List) -> Outcome {
    let document = edits::document(context)?;
    let mut entries = match &list.prefix {
        Some(prefix) => beginning(&document, prefix)?,
        None => all(&document),
    };
    let whole = list.prefix.is_none() && !list.set && !context.output.json;
    let count = entries.len();
    entries.retain(|entry| entry.is_set() || !(list.set || whole && is_own(entry)));
    show(context, &entries)?;
    if entries.is_empty() && !context.output.json {
        context.output.talk("the file sets no such key: `qcc config list` without --set shows the defaults");
    } else if entries.len() < count && whole {
        context.output.talk("what a provider or a profile leaves to its default: `qcc config list providers`");
    }
    Ok(OK)
}

/// Everything below a section.
pub(super) fn below(context: &Context, document: &Document, section: &str) -> Outcome {
    show(context, &under(document, section))?;
    Ok(OK)
}

/// A key of something that the user named, of which there are too many to show all.
fn is_own(entry: &Entry) -> bool {
    !matches!(entry.key.path.first(), Some(Step::Key(section)) if sections().contains(&section.as_str()))
}

fn all(document: &Document) -> Vec<Entry> {
    keys(document).into_iter().map(|key| Entry::of(key, document)).collect()
}

fn under(document: &Document, section: &str) -> Vec<Entry> {
    let below = format!("{section}.");
    let mut entries = all(document);
    entries.retain(|entry| entry.key.name.starts_with(&below));
    entries
}

/// The keys of a section, one key, or those whose names begin so.
fn beginning(document: &Document, prefix: &str) -> Result<Vec<Entry>, Failure> {
    let found = match key(prefix.trim_end_matches('.'), document) {
        Ok(key) if key.takes == Takes::Section => return Ok(under(document, &key.name)),
        Ok(key) => return Ok(vec![Entry::of(key, document)]),
        Err(found) => found,
    };
    let mut entries = all(document);
    entries.retain(|entry| entry.key.name.starts_with(prefix));
    if entries.is_empty() { Err(unfit(found)) } else { Ok(entries) }
}

fn show(context: &Context, entries: &[Entry]) -> Result<(), Failure> {
    let output = context.output;
    if output.json {
        let keys: Vec<_> = entries.iter().map(Entry::document).collect();
        return output.document(&json!({ "file": context.config_in_use(), "keys": keys }));
    }
    let mut table = Table::new(&["KEY", "VALUE", "FROM"]).shrink(1);
    for entry in entries {
        let style = if entry.is_set() { Style::new().bold() } else { Style::new().dimmed() };
        table.row(vec![
            Cell::new(&entry.key.name),
            Cell::styled(entry.text().unwrap_or_else(|| "-".to_owned()), style),
            Cell::styled(entry.origin(), style),
        ]);
    }
    output.table(&table)
}
