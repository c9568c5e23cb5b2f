//! `qcc doctor`: what is wrong, and the command that mends it. It spends no money, changes nothing and shows no secret.
//!
//! Facts are gathered once; then each check of the table below looks at them. A check cannot fail: what it cannot find
//! out is a finding too, so that one broken thing never hides another.

mod client;
mod clock;
mod configuration;
mod facts;
mod files;
mod finding;
mod gateway;
mod keys;
mod profiles;
mod providers;
mod references;
mod self_loop;
mod show;
mod trust;

use std::io::IsTerminal;

use serde_json::json;

use crate::context::Context;
use crate::failure::{FAILED, OK, Outcome};

use facts::Facts;
use finding::{Finding, State};
use show::Group;

/// One look at the facts.
struct Check {
    /// As in `--json`.
    name: &'static str,
    /// For people.
    label: &'static str,
    look: fn(&Facts<'_>) -> Vec<Finding>,
}

/// From what everything else depends on to what depends on everything else.
const CHECKS: [Check; 10] = [
    Check { name: "configuration", label: "configuration", look: configuration::check },
    Check { name: "files", label: "files", look: files::check },
    Check { name: "keys", label: "keys", look: keys::check },
    Check { name: "gateway", label: "gateway", look: gateway::check },
    Check { name: "self_loop", label: "self-loop", look: self_loop::check },
    Check { name: "clock", label: "clock", look: clock::check },
    Check { name: "tls", label: "TLS", look: trust::check },
    Check { name: "providers", label: "providers", look: providers::check },
    Check { name: "profiles", label: "profiles", look: profiles::check },
    Check { name: "claude_code", label: "Claude Code", look: client::check },
];

pub(crate) fn run(context: &Context) -> Outcome {
    let facts = Facts::gather(context);
    let groups: Vec<Group> =
        CHECKS.iter().map(|check| Group { label: check.label, findings: (check.look)(&facts) }).collect();
    let bad = groups.iter().flat_map(|group| &group.findings).any(|finding| finding.state == State::Problem);
    let output = context.output;
    if output.json {
        let found = CHECKS
            .iter()
            .zip(&groups)
            .flat_map(|(check, group)| group.findings.iter().map(|finding| finding.document(check.name)));
        output.document(&json!({ "ok": !bad, "findings": found.collect::<Vec<_>>() }))?;
    } else {
        output.data(show::report(&groups, width()))?;
    }
    Ok(if bad { FAILED } else { OK })
}

/// Columns of the terminal; `None` where the report goes elsewhere.
fn width() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
}
