//! Commands that are other names of keys of the file: shown with their values in force, changed as `config set` would.

use owo_colors::Style;
use qcc_config::edit::{Document, Edit, Node};
use qcc_config::key;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::table::{Cell, table};

/// Some keys, each with what the command calls it.
pub(super) struct Keys {
    /// The command, for the history of the file.
    pub(super) command: &'static str,
    /// What they are together in the document for `--json`.
    pub(super) about: &'static str,
    pub(super) keys: &'static [(&'static str, &'static str)],
}

/// A key and the text that it shall have.
pub(super) type Wanted = Vec<(&'static str, String)>;

// === impl Keys ===

impl Keys {
    /// Gives the keys their texts; without any shows all.
    pub(super) fn run(&self, context: &Context, wanted: &Wanted) -> Outcome {
        if wanted.is_empty() {
            return self.show(context);
        }
        let changed = edits::change(context, self.command, |document| {
            wanted.iter().map(|(name, text)| self.edit(document, name, text)).collect()
        })?;
        let words: Vec<String> = wanted.iter().map(|(name, text)| format!("{} {text}", self.called(name))).collect();
        let about = json!({ self.about: self.document(&edits::document(context)?)? });
        edits::tell(context, &changed, &words.join(", "), about)
    }

    fn called<'k>(&self, name: &'k str) -> &'k str {
        self.keys.iter().find(|(key, _)| *key == name).map_or(name, |(_, called)| called)
    }

    fn edit(&self, document: &Document, name: &str, text: &str) -> Result<Edit, Failure> {
        let unfit =
            |unfit: qcc_config::Unfit| Failure::usage(format!("{}: {}", self.called(name), unfit.message), unfit.hint);
        let key = key(name, document).map_err(unfit)?;
        let value = key.value(text).map_err(unfit)?;
        Ok(Edit::Set { path: key.path, value })
    }

    fn show(&self, context: &Context) -> Outcome {
        let all = self.document(&edits::document(context)?)?;
        if context.output.json {
            context.output.document(&json!({ self.about: all }))?;
            return Ok(OK);
        }
        let rows: Vec<Vec<Cell>> = self
            .keys
            .iter()
            .map(|(name, called)| {
                let value = all.get(*name).and_then(Value::as_str).unwrap_or_default();
                vec![Cell::new(called), Cell::new(value), Cell::styled(name, Style::new().dimmed())]
            })
            .collect();
        context.output.data(table(&rows))?;
        Ok(OK)
    }

    /// Every key with its value in force.
    fn document(&self, document: &Document) -> Result<Map<String, Value>, Failure> {
        let mut all = Map::new();
        for (name, _) in self.keys {
            let key = key(name, document).map_err(|unfit| Failure::new(unfit.message, unfit.hint))?;
            let written = document.get(&key.path).and_then(Node::as_text).map(str::to_owned);
            all.insert((*name).to_owned(), json!(written.or(key.default)));
        }
        Ok(all)
    }
}

/// What two opposite flags ask for.
pub(super) fn switched(yes: bool, no: bool) -> Option<String> {
    (yes || no).then(|| yes.to_string())
}

/// A duration where a bare number means seconds.
pub(super) fn seconds(text: &str) -> String {
    let number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if number && text != "0" { format!("{text}s") } else { text.to_owned() }
}
