//! `qcc` alone: is it running, with what, and what to do next. Three lines.

use serde_json::json;

use crate::ask;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::output::{count, human};

use super::status;

pub(crate) fn run(context: &Context) -> Outcome {
    let output = context.output;
    let version = env!("CARGO_PKG_VERSION");
    let record = status::running(context)?;
    let address = record.as_ref().and_then(|record| record.address).map(ask::url);
    let (configuration, usable) = configuration(context);
    let next = match (&record, usable) {
        (_, false) => "qcc config validate",
        (None, true) if context.config_in_use().is_none() => "qcc init",
        (None, true) => "qcc proxy start",
        (Some(_), true) => "qcc run -- claude",
    };
    if output.json {
        output.document(&json!({
            "version": version,
            "running": record.is_some(),
            "address": address,
            "pid": record.as_ref().map(|record| record.pid),
            "config": context.config_in_use(),
            "config_valid": usable,
            "next": next,
        }))?;
        return Ok(OK);
    }
    let state = match (&record, &address) {
        (None, _) => "is not running".to_owned(),
        (Some(_), None) => "is starting".to_owned(),
        (Some(record), Some(address)) => {
            format!("is running at {address} (pid {}, up {})", record.pid, human(status::uptime(record)))
        }
    };
    output.data(format_args!(
        "qcc {version} {state}\nconfig: {configuration}\nnext: `{next}` (all commands: `qcc --help`)"
    ))?;
    Ok(OK)
}

/// The configuration in half a line, and whether it can be used.
fn configuration(context: &Context) -> (String, bool) {
    let path = context.config_in_use().map(|path| path.display().to_string());
    match (context.load(), path) {
        (Ok(loaded), Some(path)) => (format!("{path} ({})", count(loaded.config.providers.len(), "provider")), true),
        (Ok(_), None) => ("none yet, so requests go to Anthropic with the client's own credential".to_owned(), true),
        (Err(Failure::Config(error)), _) => {
            (format!("{} has {}", error.path.display(), count(error.problems.len(), "fault")), false)
        }
        (Err(_), path) => (format!("{} cannot be read", path.unwrap_or_default()), false),
    }
}
