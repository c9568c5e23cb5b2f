//! `qcc config rollback [N]`: the file as it was before the newest change, or as version N.

use serde_json::json;

use crate::context::{Context, variable};
use crate::edits;
use crate::failure::Outcome;

use super::{diff, file};

pub(super) fn run(context: &Context, number: Option<u64>) -> Outcome {
    let changed = edits::editor(context).rollback(number, edits::now(), &variable)?;
    let output = context.output;
    if !output.json {
        diff::show(context, &changed.diff)?;
    }
    let done = match number {
        Some(number) => format!("{} is as version {number} again", file(context)),
        None => format!("{} is as before the newest change", file(context)),
    };
    let about = json!({ "diff": diff::document(&changed.diff), "valid": changed.loaded.is_some() });
    let outcome = edits::tell(context, &changed, &done, about);
    if changed.loaded.is_none() {
        output.note("it cannot be used as it is: `qcc config validate` says why");
    }
    outcome
}
