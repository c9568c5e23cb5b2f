//! `qcc config get KEY`: the value that counts, alone on standard output, so that a script can use it.

use qcc_config::{Takes, key};

use crate::context::Context;
use crate::edits;
use crate::failure::{OK, Outcome};
use crate::output::harmless;

use super::{Entry, list, unfit};

pub(super) fn run(context: &Context, typed: &str) -> Outcome {
    let document = edits::document(context)?;
    let key = key(typed, &document).map_err(unfit)?;
    if key.takes == Takes::Section {
        return list::below(context, &document, &key.name);
    }
    let entry = Entry::of(key, &document);
    let output = context.output;
    if output.json {
        output.document(&entry.document())?;
        return Ok(OK);
    }
    match entry.text() {
        Some(text) => output.data(harmless(&text))?,
        None => output.note(format_args!("{} is not set, and has no default", harmless(&entry.key.name))),
    }
    Ok(OK)
}
