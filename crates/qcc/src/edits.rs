//! A change of the configuration by a command: made in the file, put into force in the running gateway, and told.

use std::time::{SystemTime, UNIX_EPOCH};

use qcc_config::edit::{Document, Edit};
use qcc_config::{Changed, Editor};
use serde_json::{Value, json};

use crate::context::{Context, variable};
use crate::failure::{Failure, OK, Outcome};
use crate::live::Gateway;
use crate::table::{Cell, table};

/// What the running gateway made of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InForce {
    /// None runs, or none that uses this file.
    NotRunning,
    /// The change is in force.
    Reloaded,
    /// Some of it waits for a restart: these keys.
    NeedsRestart(Vec<String>),
    /// It will read the file by itself in a moment: the keys that clients must present have just changed.
    Soon,
    /// It keeps what it had, and says why.
    Refused(String),
}

/// The editor of the configuration file in use.
pub(crate) fn editor(context: &Context) -> Editor {
    Editor::new(&context.locations.config, &context.locations.state_dir)
}

/// The file as it is written; an empty document when there is none.
///
/// # Errors
/// When it cannot be read, or is not a configuration.
pub(crate) fn document(context: &Context) -> Result<Document, Failure> {
    Ok(Document::open(&context.locations.config)?)
}

/// Seconds since 1970, for the history.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Makes the edits that `plan` asks for. `what` is the command without secrets, for the history.
///
/// # Errors
/// What `plan` says, and whatever keeps the file from being changed; then it is as it was.
pub(crate) fn change(
    context: &Context,
    what: &str,
    plan: impl FnMut(&Document) -> Result<Vec<Edit>, Failure>,
) -> Result<Changed, Failure> {
    editor(context).change(what, now(), &variable, plan)
}

/// Tells `done` (one sentence without a full stop) and what became of the file and of the running gateway. `about` are the
/// command's own keys of the document for `--json`.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn tell(context: &Context, changed: &Changed, done: &str, about: Value) -> Outcome {
    let gateway = if changed.version.is_some() { in_force(context) } else { InForce::NotRunning };
    let output = context.output;
    let file = &context.locations.config;
    if output.json {
        let mut document = json!({
            "changed": changed.version.is_some(),
            "version": changed.version,
            "file": file,
            "created": changed.created,
            "gateway": gateway.to_json(),
        });
        if let (Some(all), Value::Object(about)) = (document.as_object_mut(), about) {
            all.extend(about);
        }
        output.document(&document)?;
        return Ok(OK);
    }
    let mark = table(&[vec![Cell::mark(true)]]);
    if changed.version.is_none() {
        output.data(format_args!("{mark} nothing to change: {done}"))?;
        return Ok(OK);
    }
    output.data(format_args!("{mark} {done}"))?;
    let file_shown = file.display().to_string();
    if changed.created && !done.contains(&file_shown) {
        output.note(format_args!("{file_shown} was made"));
    }
    gateway.tell(context);
    Ok(OK)
}

/// Has the running gateway read the file now, if it runs with this one. It would do so by itself a moment later; but who
/// types the next command wants to find this one done.
pub(crate) fn in_force(context: &Context) -> InForce {
    let Some(gateway) = Gateway::find(context) else { return InForce::NotRunning };
    match gateway.send("/providers/reload", &json!({})) {
        Ok(answer) => {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if answer.status == 401 {
                return InForce::Soon;
            }
            if answer.status != 200 {
                let why = body["error"]["message"].as_str().unwrap_or("it gave no reason");
                return InForce::Refused(why.trim_start_matches("the configuration was not changed\n").to_owned());
            }
            let waits = body["changes"]["needs_restart"].as_array().into_iter().flatten();
            let waits: Vec<String> = waits.filter_map(|key| Some(key.as_str()?.to_owned())).collect();
            if waits.is_empty() { InForce::Reloaded } else { InForce::NeedsRestart(waits) }
        }
        Err(error) => InForce::Refused(format!("it does not answer: {error}")),
    }
}

// === impl InForce ===

impl InForce {
    fn to_json(&self) -> Value {
        match self {
            Self::NotRunning => json!({ "state": "not_running" }),
            Self::Reloaded => json!({ "state": "reloaded" }),
            Self::Soon => json!({ "state": "soon" }),
            Self::NeedsRestart(keys) => json!({ "state": "needs_restart", "keys": keys }),
            Self::Refused(why) => json!({ "state": "refused", "reason": why }),
        }
    }

    fn tell(&self, context: &Context) {
        match self {
            Self::NotRunning => {}
            Self::Reloaded => context.output.talk("the running gateway uses it"),
            Self::Soon => context.output.talk("the running gateway reads it in a moment"),
            Self::NeedsRestart(keys) => {
                context.output.note(format_args!("{} takes effect after `qcc proxy restart`", keys.join(", ")));
            }
            Self::Refused(why) => {
                context.output.note(format_args!("the running gateway keeps its old configuration: {why}"));
            }
        }
    }
}
