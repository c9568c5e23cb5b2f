//! What only the running gateway knows (who is out, which profile serves) and what the database keeps while none runs.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use qcc_config::Secret;
use qcc_store::Store;
use serde::Deserialize;
use serde_json::Value;

use crate::ask;
use crate::context::{Context, same_file};
use crate::failure::Failure;
use crate::pidfile;

/// The running gateway that uses the configuration of this command.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: SocketAddr,
    key: Option<Secret>,
}

/// `GET /api/profiles`
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Profiles {
    pub(crate) active: Option<String>,
    pub(crate) pinned: Option<String>,
    pub(crate) profiles: Vec<Profile>,
}

/// A profile as it is served.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
}

/// An endpoint as it is served.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) provider: String,
    pub(crate) state: String,
}

// === impl Gateway ===

impl Gateway {
    /// The gateway, when one runs with this configuration.
    pub(crate) fn find(context: &Context) -> Option<Self> {
        let running = pidfile::running(&context.locations.pid).ok().flatten()?;
        let address = running.record.address?;
        if !same_file(&running.record.config, &context.locations.config) {
            return None;
        }
        // A file that is broken by now only means that no key is known; on loopback none is needed.
        let key = context.load().ok().and_then(|loaded| loaded.config.settings.proxy.client_keys.first().cloned());
        Some(Self { address, key })
    }

    /// A document of the gateway.
    ///
    /// # Errors
    /// When it does not answer, or refuses; with its own reason.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        answered(ask::get(self.address, path, self.key.as_ref()))
    }

    /// A document of the gateway with its status, where one of `others` is an answer as well.
    ///
    /// # Errors
    /// As [`Gateway::get`].
    pub(crate) fn look_up(&self, path: &str, others: &[u16]) -> Result<(u16, Value), Failure> {
        let answer = ask::get(self.address, path, self.key.as_ref());
        match &answer {
            Ok(answer) if others.contains(&answer.status) => {
                Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
            }
            _ => answered(answer).map(|body| (200, body)),
        }
    }

    /// Tells the gateway something, and gives its answer as it came.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn send(&self, path: &str, body: &Value) -> io::Result<ask::Answer> {
        ask::post(self.address, path, self.key.as_ref(), body)
    }

    /// Tells the gateway something.
    ///
    /// # Errors
    /// As [`Gateway::get`].
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        answered(self.send(path, body))
    }

    /// Tells the gateway something that takes it up to `limit`.
    ///
    /// # Errors
    /// As [`Gateway::get`].
    pub(crate) fn post_within(&self, limit: Duration, path: &str, body: &Value) -> Result<Value, Failure> {
        answered(ask::post_within(limit, self.address, path, self.key.as_ref(), body))
    }

    /// How the profiles are.
    ///
    /// # Errors
    /// As [`Gateway::get`].
    pub(crate) fn profiles(&self) -> Result<Profiles, Failure> {
        let value = self.get("/api/profiles")?;
        serde_json::from_value(value).map_err(|_| not_understood())
    }
}

fn answered(answer: io::Result<ask::Answer>) -> Result<Value, Failure> {
    let hint = "see how it is: `qcc doctor`";
    let answer = answer.map_err(|error| Failure::new(format!("the running gateway does not answer: {error}"), hint))?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match (answer.status, body) {
        (200, Some(body)) => Ok(body),
        (200, None) => Err(not_understood()),
        (status, body) => {
            let why = body.as_ref().and_then(|body| body["error"]["message"].as_str());
            let why = why.map_or_else(|| format!("status {status}"), str::to_owned);
            Err(Failure::new(format!("the running gateway refused: {why}"), hint))
        }
    }
}

/// The gateway answered with something else than this version does.
pub(crate) fn not_understood() -> Failure {
    Failure::new("the answer of the running gateway is not understood", "is it of this version? `qcc proxy restart`")
}

/// Where the database is: `storage.path`, or in the state folder.
pub(crate) fn database(context: &Context) -> PathBuf {
    let named = context.load().ok().and_then(|loaded| loaded.config.settings.storage_path);
    named.unwrap_or_else(|| context.locations.state_dir.join("qcc.db"))
}

/// The database, if there is one already. Looking something up makes none.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn kept(context: &Context) -> Result<Option<Store>, Failure> {
    Store::open_existing(&database(context)).map_err(|error| failed(&error))
}

/// The database, made where it is missing.
///
/// # Errors
/// When it cannot be opened or made.
pub(crate) fn store(context: &Context) -> Result<Store, Failure> {
    Store::open(&database(context)).map_err(|error| failed(&error))
}

/// What the database said.
pub(crate) fn failed(error: &qcc_store::StoreError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// The profile that `priority switch` put first: as the gateway says, or as the database kept it. What cannot be found
/// out counts as none.
pub(crate) fn pinned(context: &Context) -> Option<String> {
    match Gateway::find(context) {
        Some(gateway) => gateway.profiles().ok()?.pinned,
        None => kept(context).ok()??.pin().ok()?,
    }
}
