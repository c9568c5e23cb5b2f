//! `qcc env`: the variables that point a client at the gateway, as lines for a shell to read.
//!
//! Only lines that may be evaluated go to standard output. A client key is a secret and is never printed: where one is
//! needed a comment says so, and `qcc run` sets it unseen.

use serde_json::{Map, Value, json};

use crate::ask;
use crate::cli::{Env, Shell};
use crate::context::{Context, variable};
use crate::failure::{Failure, OK, Outcome};
use crate::pidfile;
use crate::variables::Variables;

const KEY_NEEDED: &str =
    "ANTHROPIC_API_KEY has to be one of proxy.client_keys; it is not printed here, `qcc run` sets it by itself";

pub(crate) fn run(context: &Context, env: &Env) -> Outcome {
    let loaded = context.load()?;
    let proxy = &loaded.config.settings.proxy;
    let running = pidfile::running(&context.locations.pid).ok().flatten().and_then(|running| running.record.address);
    let url = match running {
        Some(address) => ask::url(address),
        None => configured(&proxy.host, proxy.port)?,
    };
    let mut variables = Variables::new(&loaded.config, &url);
    if running.is_none() {
        variables.notes.push("qcc is not running: start it with `qcc proxy start`".to_owned());
    }
    if context.output.json {
        let set: Map<String, Value> =
            variables.plain.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        if variables.client_key.is_some() {
            variables.notes.push(KEY_NEEDED.to_owned());
        }
        context
            .output
            .document(&json!({ "variables": set, "running": running.is_some(), "notes": variables.notes }))?;
        return Ok(OK);
    }
    let shell = env.shell.unwrap_or_else(|| Shell::from_path(&variable("SHELL").unwrap_or_default()));
    for (name, value) in &variables.plain {
        context.output.data(shell.export(name, value))?;
    }
    if variables.client_key.is_some() {
        context.output.data(shell.comment(KEY_NEEDED))?;
    }
    for note in &variables.notes {
        context.output.note(note);
    }
    Ok(OK)
}

/// Where the gateway will be once it runs.
pub(in crate::commands) fn configured(host: &str, port: u16) -> Result<String, Failure> {
    if port == 0 {
        return Err(Failure::new(
            "the port is chosen when the gateway starts, and it is not running",
            "start it: `qcc proxy start`",
        ));
    }
    let host = host.trim_matches(['[', ']']);
    match host.parse::<std::net::IpAddr>() {
        Ok(ip) => Ok(ask::url((ip, port).into())),
        Err(_name) => Ok(format!("http://{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_to_be_is_one_that_clients_can_use() {
        let urls = ["127.0.0.1", "localhost", "0.0.0.0", "::1", "[::]"].map(|host| configured(host, 7860).unwrap());
        let expected = [
            "http://127.0.0.1:7860",
            "http://localhost:7860",
            "http://127.0.0.1:7860",
            "http://[::1]:7860",
            "http://[::1]:7860",
        ];
        assert_eq!(urls, expected);
    }

    #[test]
    fn a_port_that_is_not_chosen_yet_cannot_be_exported() {
        assert!(configured("127.0.0.1", 0).is_err());
    }
}
