//! `qcc config set KEY VALUE`: one value of the file, checked like the file itself.

use qcc_config::{Key, Unfit, key};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::harmless;
use crate::{edits, stdin};

use super::{Entry, REDACTED, file, unfit};

pub(super) fn run(context: &Context, typed: &str, value: &str) -> Outcome {
    let wanted = key(typed, &edits::document(context)?).map_err(unfit)?;
    let piped = value == "-";
    let secret =
        if piped { Some(stdin::secret_line(context.output, &format!("the value of {}", wanted.name))?) } else { None };
    let text = secret.as_ref().map_or(value, |secret| secret.expose());
    let mut before = None;
    let what = format!("config set {} {}", wanted.name, one_line(&wanted.shown(text)));
    let changed = edits::change(context, &what, |document| {
        // The file may be another one by now: places in it are looked up again.
        let key = key(typed, document).map_err(unfit)?;
        let edits = key.edits(document, text).map_err(|wrong| of_key(&key, wrong))?;
        before = Entry::of(key, document).text();
        Ok(edits)
    })?;
    let document = edits::document(context)?;
    let entry = Entry::of(key(typed, &document).map_err(unfit)?, &document);
    let now = entry.text().unwrap_or_default();
    let was = match before {
        Some(before) if before != now => format!(" (was {before})"),
        _ => String::new(),
    };
    let done = harmless(&format!("{} is {now}{was} in {}", entry.key.name, file(context)));
    let about = match entry.document() {
        Value::Object(about) => about,
        _ => Map::new(),
    };
    let outcome = edits::tell(context, &changed, &done, json!(about));
    if !piped && now.contains(REDACTED) {
        let advice = format!("`qcc config set {} -` reads it from standard input", wanted.name);
        context.output.note(format_args!("the secret is now in the history of your shell: {}", harmless(&advice)));
    }
    outcome
}

/// Says which key the value does not fit.
fn of_key(key: &Key, wrong: Unfit) -> Failure {
    let named = wrong.message.contains(&key.name);
    let message = if named { wrong.message } else { format!("{}: {}", key.name, wrong.message) };
    unfit(Unfit { message, hint: wrong.hint })
}

/// The history shows one line for each version.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect();
    line.trim_end().to_owned()
}
