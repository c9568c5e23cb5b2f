//! `qcc proxy start`: puts the gateway in the background, or serves right here with `--foreground`.

use qcc_config::Loaded;
use serde_json::json;

use crate::claude;
use crate::cli::{Listen, Shell, Start};
use crate::context::Context;
use crate::daemon::{self, Started};
use crate::failure::{Failure, OK, Outcome};
use crate::table::Cell;
use crate::variables::Variables;
use crate::{ask, serve};

pub(crate) fn run(context: &Context, start: &Start) -> Outcome {
    if start.foreground {
        return serve::foreground(context, &start.listen);
    }
    let loaded = context.load()?;
    background(context, &loaded, &start.listen)
}

/// Starts in the background and says where it is and what to do next.
///
/// # Errors
/// When it does not start.
pub(super) fn background(context: &Context, loaded: &Loaded, listen: &Listen) -> Outcome {
    let started = daemon::ensure(context, listen)?;
    tell(context, loaded, listen, started)?;
    Ok(OK)
}

fn tell(context: &Context, loaded: &Loaded, listen: &Listen, started: Started) -> Result<(), Failure> {
    let output = context.output;
    let url = ask::url(started.address);
    claude::tell_started(context, started.address);
    if output.json {
        return output
            .document(&json!({ "running": true, "already": started.already, "address": url, "pid": started.pid }));
    }
    let already = if started.already { "already " } else { "" };
    output.data(format_args!("{} qcc is {already}running: {url}", Cell::mark(true)))?;
    if started.already && (listen.host.is_some() || listen.port.is_some()) {
        output.note("it was started before, so --host and --port have no effect: use `qcc proxy restart` with them");
    }
    for notice in &loaded.notices {
        output.note(&notice.message);
    }
    output.talk(next_step(loaded, &url));
    Ok(())
}

/// The exports that lead a client here, and the shorter way.
fn next_step(loaded: &Loaded, url: &str) -> String {
    let variables = Variables::new(&loaded.config, url);
    let mut lines = vec!["next: `qcc run -- claude`, or in your shell:".to_owned()];
    // Tool search and patience are set by `qcc env`; here stand the two that nobody can do without.
    let shown = variables.plain.iter().filter(|(name, _)| matches!(*name, "ANTHROPIC_BASE_URL" | "ANTHROPIC_API_KEY"));
    lines.extend(shown.map(|(name, value)| format!("  {}", Shell::Bash.export(name, value))));
    if variables.client_key.is_some() {
        lines.push("  export ANTHROPIC_API_KEY=...   # one of proxy.client_keys".to_owned());
    }
    lines.join("\n")
}
