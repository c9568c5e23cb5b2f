//! `qcc config reset [KEY]`: back to the default, by taking the key out of the file.

use qcc_config::edit::{Document, Edit, Step};
use qcc_config::{Key, Takes, key, sections};
use serde_json::json;

use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, Outcome};
use crate::output::harmless;
use crate::prompt::Prompt;

use super::{Entry, file, unfit};

/// One key, or all keys of a section.
pub(super) fn one(context: &Context, typed: &str) -> Outcome {
    let mut name = String::new();
    let what = format!("config reset {}", key(typed, &edits::document(context)?).map_err(unfit)?.name);
    let changed = edits::change(context, &what, |document| {
        let key = key(typed, document).map_err(unfit)?;
        may_go(&key)?;
        name.clone_from(&key.name);
        Ok(vec![Edit::Remove { path: key.path }])
    })?;
    let document = edits::document(context)?;
    let left = key(typed, &document).ok().map(|key| Entry::of(key, &document));
    let value = left.as_ref().and_then(Entry::text);
    let done = match (&value, &left) {
        (Some(value), _) => format!("{name} is {value}, its default, in {}", file(context)),
        (None, Some(left)) if left.key.takes != Takes::Section => format!("{name} is not set in {}", file(context)),
        _ => format!("{name} has no value of its own in {}", file(context)),
    };
    let about = json!({ "key": name, "value": left.map(|left| left.document()["value"].clone()) });
    edits::tell(context, &changed, &harmless(&done), about)
}

/// All settings, but nothing that has a name of its own.
pub(super) fn all(context: &Context, yes: bool) -> Outcome {
    let document = edits::document(context)?;
    let found = written(&document);
    if !found.is_empty() && !yes {
        ask(context, &found)?;
    }
    let mut gone = Vec::new();
    let changed = edits::change(context, "config reset", |document| {
        gone = written(document);
        Ok::<_, Failure>(gone.iter().map(|section| Edit::Remove { path: vec![Step::from(*section)] }).collect())
    })?;
    let done = match gone.as_slice() {
        [] => format!("no settings are written in {}", file(context)),
        gone => format!("back to the defaults in {}: {}", file(context), gone.join(", ")),
    };
    let outcome = edits::tell(context, &changed, &done, json!({ "sections": gone }));
    if changed.version.is_some() {
        context.output.talk("undo: `qcc config rollback`");
    }
    outcome
}

fn ask(context: &Context, found: &[&str]) -> Result<(), Failure> {
    let Some(prompt) = Prompt::new(context.output) else {
        let message = format!("this would take {} out of the file", found.join(", "));
        return Err(Failure::usage(message, "say that you mean it: `qcc config reset --yes`, or name a key"));
    };
    if prompt.confirm(&format!("Take {} out of the file?", found.join(", ")), false)? {
        return Ok(());
    }
    Err(Failure::bare("nothing was changed"))
}

/// The sections of settings that the file has.
fn written(document: &Document) -> Vec<&'static str> {
    let mut found = sections();
    found.retain(|section| document.get(&[Step::from(*section)]).is_some());
    found
}

/// Things with a name go by their own commands, which see to what refers to them.
fn may_go(key: &Key) -> Result<(), Failure> {
    let name = |at: usize| key.name.splitn(at + 1, '.').nth(at).unwrap_or_default().to_owned();
    let refuse = |hint: String| {
        let message = format!("`{}` is more than a setting", harmless(&key.name));
        Err(Failure::usage(message, harmless(&hint)))
    };
    match key.path.as_slice() {
        [Step::Key(own)] if ["providers", "profiles", "model_routes"].contains(&own.as_str()) => {
            refuse("`qcc list` shows what there is, `qcc remove NAME` removes one".to_owned())
        }
        [Step::Key(own), _] if ["providers", "profiles"].contains(&own.as_str()) => {
            refuse(format!("`qcc remove {}` removes it", name(1)))
        }
        [Step::Key(own), Step::Key(profile), Step::Key(list), ..]
            if own == "profiles" && list == "endpoints" && key.takes == Takes::Section =>
        {
            refuse(format!("`qcc endpoint remove {profile} ID` removes one"))
        }
        _ => Ok(()),
    }
}
