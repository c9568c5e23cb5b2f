//! `qcc config validate`: whether a file may be used, and what should be known about it.

use std::path::Path;

use qcc_config::Loaded;
use serde_json::json;

use crate::context::Context;
use crate::failure::{OK, Outcome};
use crate::output::count;
use crate::table::Cell;

pub(super) fn run(context: &Context, file: Option<&Path>) -> Outcome {
    let output = context.output;
    let path = file.or_else(|| context.config_in_use());
    let loaded = match path {
        Some(path) => context.load_file(path)?,
        None => qcc_config::implicit(),
    };
    let (providers, profiles, routes) =
        (loaded.config.providers.len(), loaded.config.profiles.len(), loaded.config.routes.len());
    if output.json {
        output.document(&json!({
            "valid": true,
            "file": path,
            "providers": providers,
            "profiles": profiles,
            "routes": routes,
            "notices": notices(&loaded),
        }))?;
        return Ok(OK);
    }
    match path {
        Some(path) => {
            let found = [count(providers, "provider"), count(profiles, "profile"), count(routes, "route")].join(", ");
            output.data(format_args!("{} {} is valid: {found}", Cell::mark(true), path.display()))?;
        }
        None => {
            output.data(format_args!(
                "{} no configuration file: every request goes to {} with the client's own credential",
                Cell::mark(true),
                loaded.config.providers.first().map_or("", |provider| provider.base_url.as_str()),
            ))?;
            output.talk(format_args!("next: write {}", context.locations.config.display()));
        }
    }
    tell_notices(context, &loaded);
    Ok(OK)
}

/// For people, with the line where there is one.
pub(in crate::commands) fn tell_notices(context: &Context, loaded: &Loaded) {
    for notice in &loaded.notices {
        match notice.line {
            Some(line) => context.output.note(format_args!("line {line}: {}", notice.message)),
            None => context.output.note(&notice.message),
        }
    }
}

/// For `--json`.
pub(in crate::commands) fn notices(loaded: &Loaded) -> Vec<serde_json::Value> {
    loaded.notices.iter().map(|notice| json!({ "message": notice.message, "line": notice.line })).collect()
}
