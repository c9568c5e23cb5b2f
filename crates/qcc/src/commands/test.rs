//! `qcc test`: is the configuration sound, and can every provider be reached? Nothing that costs money is called.

use owo_colors::Style;
use qcc_config::{Config, Loaded};
use qcc_server::Reach;
use serde_json::json;

use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::output::{count, harmless};
use crate::progress::Progress;
use crate::table::{Cell, Table};

use super::config::{notices, tell_notices};

pub(crate) fn run(context: &Context) -> Outcome {
    let loaded = context.load()?;
    let warnings = warnings(context, &loaded);
    let reached = reach(context, &loaded)?;
    let good = reached.iter().all(|reach| reach.ok) && warnings.is_empty() && !reached.is_empty();
    let output = context.output;
    if output.json {
        output.document(&json!({
            "ok": good,
            "config": context.config_in_use(),
            "providers": reached.iter().map(document).collect::<Vec<_>>(),
            "warnings": warnings,
            "notices": notices(&loaded),
        }))?;
        return Ok(if good { OK } else { FAILED });
    }
    output.table(&table(&reached))?;
    for reach in &reached {
        if let (false, Some(hint)) = (reach.ok, &reach.hint) {
            output.talk(format_args!("hint: {}: {hint}", harmless(&reach.provider)));
        }
    }
    for warning in &warnings {
        output.talk(format_args!("warning: {warning}"));
    }
    tell_notices(context, &loaded);
    let reachable = reached.iter().filter(|reach| reach.ok).count();
    output.data(format_args!(
        "{reachable} of {} reachable, {}",
        count(reached.len(), "provider"),
        count(warnings.len(), "warning")
    ))?;
    Ok(if good { OK } else { FAILED })
}

fn reach(context: &Context, loaded: &Loaded) -> Result<Vec<Reach>, Failure> {
    let enabled = loaded.config.providers.iter().filter(|provider| provider.enabled).count();
    let _progress = Progress::start(context.output, format!("reaching {}", count(enabled, "provider")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::bare(format!("cannot open connections: {error}")))?;
    Ok(runtime.block_on(qcc_server::reach(loaded)))
}

/// What is valid and yet wrong.
fn warnings(context: &Context, loaded: &Loaded) -> Vec<String> {
    let mut warnings: Vec<String> =
        context.config_in_use().and_then(qcc_config::permissions).map(|notice| notice.message).into_iter().collect();
    if !loaded.config.providers.iter().any(|provider| provider.enabled) {
        warnings.push("no provider is enabled, so every request would be refused".to_owned());
    }
    let idle = idle_profiles(&loaded.config);
    warnings.extend(
        idle.map(|name| format!("profile {name} has no usable endpoint and is skipped: enable one, or its provider")),
    );
    warnings
}

/// Profiles in which nobody can answer.
fn idle_profiles(config: &Config) -> impl Iterator<Item = &str> {
    let enabled = |name: &str| config.providers.iter().any(|provider| provider.name == name && provider.enabled);
    let idle = move |endpoints: &[qcc_config::Endpoint]| {
        !endpoints.iter().any(|endpoint| endpoint.enabled && enabled(&endpoint.provider))
    };
    config.profiles.iter().filter(move |profile| idle(&profile.endpoints)).map(|profile| profile.name.as_str())
}

fn table(reached: &[Reach]) -> Table {
    let mut table = Table::new(&["", "PROVIDER", "STATUS", "TIME", "DETAIL"]).shrink(1).wrap(4);
    for reach in reached {
        table.row(vec![
            Cell::mark(reach.ok),
            Cell::new(&reach.provider),
            Cell::new(reach.status.map_or_else(|| "-".to_owned(), |status| status.to_string())),
            Cell::styled(format_args!("{} ms", reach.ms), Style::new().dimmed()),
            Cell::new(&reach.detail),
        ]);
    }
    table
}

fn document(reach: &Reach) -> serde_json::Value {
    json!({
        "provider": reach.provider,
        "ok": reach.ok,
        "status": reach.status,
        "ms": reach.ms,
        "detail": reach.detail,
        "hint": reach.hint,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_profile_in_which_nobody_can_answer_is_found() {
        let text = "
providers:
  - {name: on, type: anthropic, base_url: 'https://a.example', auth_value: k}
  - {name: off, type: anthropic, base_url: 'https://b.example', auth_value: k, enabled: false}
profiles:
  good: {endpoints: [{provider: off}, {provider: on}]}
  empty: {endpoints: []}
  asleep: {endpoints: [{provider: off}, {provider: on, enabled: false}]}
";
        let loaded = qcc_config::parse(text, Path::new("config.yaml"), &|_| None).unwrap();
        assert_eq!(idle_profiles(&loaded.config).collect::<Vec<_>>(), ["empty", "asleep"]);
    }
}
