//! Whom TLS trusts: the system's roots, what variables put in their place, and the providers' own.

use std::path::Path;

use qcc_server::{certificates_in, trusted};

use crate::context::variable;
use crate::output::count;
use crate::variables::bourne;

use super::facts::Facts;
use super::finding::{Finding, Fix};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = variables();
    findings.push(roots(findings.is_empty()));
    let files = facts.enabled().filter_map(|provider| Some((provider.name.as_str(), provider.ca_file.as_deref()?)));
    findings.extend(files.map(|(name, path)| ca_file(name, path)));
    findings
}

/// Either variable replaces the roots of the system, so one that leads nowhere takes all of them away.
fn variables() -> Vec<Finding> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let file = set("SSL_CERT_FILE").filter(|path| !Path::new(path).is_file()).map(|path| {
        Finding::problem(format!("SSL_CERT_FILE names {path}, where there is no file"), Fix::run("unset SSL_CERT_FILE"))
    });
    let folders = set("SSL_CERT_DIR").unwrap_or_default();
    let folder =
        std::env::split_paths(&folders).find(|path| !path.as_os_str().is_empty() && !path.is_dir()).map(|path| {
            let message = format!("SSL_CERT_DIR names {}, where there is no folder", path.display());
            Finding::problem(message, Fix::run("unset SSL_CERT_DIR"))
        });
    file.into_iter().chain(folder).collect()
}

/// `unexplained`: no variable is known to be the reason for what is missing.
fn roots(unexplained: bool) -> Finding {
    let found = trusted();
    match (found.system, found.faults.first()) {
        (0, why) => {
            let why = why.filter(|_| unexplained).map_or_else(String::new, |why| format!(" ({why})"));
            let message = format!("the system gives no roots{why}: Mozilla's stand in, and your own are not trusted");
            let install = "install the package of root certificates (`ca-certificates`)";
            if unexplained { Finding::warning(message, Fix::sentence(install)) } else { Finding::notice(message) }
        }
        (number, Some(why)) => {
            let message = format!("{number} roots of the system, and {}: {why}", count(found.faults.len(), "fault"));
            Finding::notice(message)
        }
        (number, None) => Finding::ok(format!("{} of the system", count(number, "root"))),
    }
}

fn ca_file(provider: &str, path: &Path) -> Finding {
    match certificates_in(path) {
        Ok(number) => Finding::ok(format!("{provider}: {} in its ca_file", count(number, "more root"))),
        Err(why) => Finding::problem(
            format!("{provider}: its ca_file {} cannot be used: {why}", path.display()),
            Fix::run(format!("qcc config reset {}", bourne(&format!("providers.{provider}.ca_file")))),
        ),
    }
}
