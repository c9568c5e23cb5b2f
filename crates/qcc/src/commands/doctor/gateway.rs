//! The running gateway: is it there, does it answer, and is it the one that this configuration describes?

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use qcc_config::{Config, Secret};
use serde::Deserialize;

use crate::ask;
use crate::commands::status::uptime;
use crate::output::{harmless, human};
use crate::pidfile::{self, Record};
use crate::variables::bourne;
use crate::{port, tail};

use super::facts::Facts;
use super::finding::{Finding, Fix};

/// A gateway that is up binds within milliseconds; one that has no address after this time hangs.
const STARTING: Duration = Duration::from_secs(30);

/// Whoever holds a port of this machine takes a connection at once.
const CONNECT: Duration = Duration::from_secs(1);

/// What is known of the gateway of this state folder.
#[derive(Debug)]
pub(super) enum Gateway {
    /// The pid file cannot be looked at.
    Unknown(io::Error),
    Stopped {
        /// A pid file that nobody holds: what it says, where it can be read.
        left_behind: Option<Option<Record>>,
    },
    Running(Box<Served>),
}

/// A gateway that holds its pid file.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) record: Record,
    /// Its providers, or why they are not known.
    pub(super) providers: Result<Vec<Provider>, Silence>,
}

/// Why a gateway does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    /// It has no address yet.
    Starting,
    /// It does not answer at all.
    Hung(String),
    /// It answers, but not with its providers.
    Refused(String),
}

/// What `GET /providers` says of one provider, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Provider {
    name: String,
    base_url: String,
    enabled: bool,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Cooldown {
    reason: String,
    model: Option<String>,
    #[serde(rename = "seconds", deserialize_with = "whole")]
    left: Duration,
}

#[derive(Deserialize)]
struct Providers {
    providers: Vec<Provider>,
}

fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    f64::deserialize(deserializer).map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

// === impl Gateway ===

impl Gateway {
    /// Looks at the pid file and asks the gateway behind it.
    pub(super) fn look(pid_file: &Path, key: Option<&Secret>) -> Self {
        match pidfile::running(pid_file) {
            Err(error) => Self::Unknown(error),
            Ok(None) => {
                let text = fs::read_to_string(pid_file).ok();
                Self::Stopped { left_behind: text.map(|text| serde_json::from_str(&text).ok()) }
            }
            Ok(Some(running)) => {
                let providers = running.record.address.ok_or(Silence::Starting).and_then(|at| providers(at, key));
                Self::Running(Box::new(Served { record: running.record, providers }))
            }
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.record()?.address
    }

    /// What it says of itself, while it runs.
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Self::Running(served) => Some(&served.record),
            _ => None,
        }
    }
}

fn providers(address: SocketAddr, key: Option<&Secret>) -> Result<Vec<Provider>, Silence> {
    let told = |path| {
        ask::get(address, path, key).map_err(|error| match error.kind() {
            // Which of the two a socket gives for a time-out depends on the system.
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Silence::Hung("no answer in time".to_owned()),
            _ => Silence::Hung(error.to_string()),
        })
    };
    told("/live")?;
    let answer = told("/providers")?;
    match answer.status {
        200 => serde_json::from_slice::<Providers>(&answer.body)
            .map(|all| all.providers)
            .map_err(|_| Silence::Refused("its answer is not understood".to_owned())),
        401 | 403 => Err(Silence::Refused("it wants a client key that the configuration does not hold".to_owned())),
        other => Err(Silence::Refused(format!("it answered with status {other}"))),
    }
}

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    match &facts.gateway {
        Gateway::Unknown(error) => vec![unknown(&facts.context.locations.pid, error)],
        Gateway::Stopped { left_behind } => {
            let left = left_behind.as_ref().map(|record| stale(&facts.context.locations.pid, record.as_ref()));
            let taken = facts.here.addresses.first().and_then(|address| taken(*address));
            let mut findings: Vec<Finding> = left.into_iter().chain(taken).collect();
            if findings.is_empty() {
                findings.push(Finding::skipped("not running; `qcc proxy start` starts it"));
            }
            findings
        }
        Gateway::Running(served) => running(facts, served),
    }
}

fn unknown(path: &Path, error: &io::Error) -> Finding {
    let message = format!("whether it runs is not known: {} cannot be read: {error}", path.display());
    let fix = match error.kind() {
        io::ErrorKind::InvalidData => Fix::sentence("end the process that holds this file, then `qcc proxy start`"),
        _ => Fix::sentence("make it a file that you may read, or name another folder as QCC_HOME"),
    };
    Finding::problem(message, fix)
}

/// The file of a gateway that did not end in order. The next start takes it over.
fn stale(path: &Path, record: Option<&Record>) -> Finding {
    let path = path.display();
    let message = match record {
        Some(Record { pid, .. }) if Path::new(&format!("/proc/{pid}")).exists() => {
            format!("not running: it crashed and left {path}, whose pid {pid} belongs to another program by now")
        }
        Some(Record { pid, .. }) => format!("not running: pid {pid} crashed or was killed, and left {path}"),
        None => format!("not running: {path} was left behind and cannot be understood"),
    };
    Finding::warning(message, Fix::run("qcc proxy start"))
}

/// Whether somebody else has the address that this gateway wants.
fn taken(address: SocketAddr) -> Option<Finding> {
    TcpStream::connect_timeout(&ask::reachable(address), CONNECT).ok()?;
    let other = Fix::run(format!("qcc config set proxy.port {}", address.port().checked_add(1).unwrap_or(7860)));
    let (by, fix) = match port::holder(address) {
        Some(holder) if holder.is_qcc => (
            format!("another qcc (pid {}), which has another state folder", holder.pid),
            Fix::sentence(format!(
                "stop it with `qcc proxy stop` under its own QCC_HOME or with `kill {}`, or choose another port: `{other}`",
                holder.pid
            )),
        ),
        Some(holder) => (format!("pid {} ({})", holder.pid, holder.command), other),
        None => ("a process that cannot be seen from here".to_owned(), other),
    };
    Some(Finding::problem(format!("not running, and {address} is taken by {by}"), fix))
}

fn running(facts: &Facts<'_>, served: &Served) -> Vec<Finding> {
    let record = &served.record;
    let mut findings = vec![answers(served)];
    let (here, there) = (env!("CARGO_PKG_VERSION"), &record.version);
    if there != here {
        findings.push(Finding::warning(
            format!("version {} is running, and this is {here}", harmless(there)),
            Fix::run("qcc proxy restart"),
        ));
    }
    let ours = &facts.context.locations.config;
    if record.config != *ours {
        let message =
            format!("it was started with {}, and this command uses {}", record.config.display(), ours.display());
        let fix = format!("qcc --config {} proxy restart", bourne(&ours.display().to_string()));
        findings.push(Finding::warning(message, Fix::run(fix)));
        return findings;
    }
    match &facts.loaded {
        Err(_) => findings.push(Finding::warning(
            "it still serves the configuration from before the fault",
            Fix::sentence("correct the file: it is read again when you save it"),
        )),
        Ok(loaded) => {
            findings.extend(exposed(record, &loaded.config));
            findings.extend(moved(record, &loaded.config));
            let providers = served.providers.as_deref().unwrap_or_default();
            if served.providers.is_ok() {
                findings.extend(outdated(facts, &loaded.config, providers));
            }
            findings.extend(providers.iter().flat_map(|provider| left_out(&loaded.config, provider)));
        }
    }
    findings
}

fn answers(served: &Served) -> Finding {
    let Record { pid, .. } = served.record;
    let up = uptime(&served.record);
    let url = served.record.address.map(ask::url).unwrap_or_default();
    match &served.providers {
        Ok(_) => Finding::ok(format!("running at {url} (pid {pid}, up {})", human(up))),
        Err(Silence::Starting) if up < STARTING => Finding::notice(format!("starting (pid {pid})")),
        Err(Silence::Starting) => {
            Finding::problem(format!("pid {pid} has been starting for {}", human(up)), Fix::run("qcc proxy restart"))
        }
        Err(Silence::Hung(why)) => Finding::problem(
            format!("pid {pid} runs but does not answer at {url}: {why}"),
            Fix::sentence(format!("`qcc proxy restart`; if it does not stop, `kill -9 {pid}` first")),
        ),
        Err(Silence::Refused(why)) => Finding::warning(
            format!("running at {url} (pid {pid}, up {}), but {why}", human(up)),
            Fix::run("qcc proxy restart"),
        ),
    }
}

/// The address may come from a flag, so the rule of the file does not cover it.
fn exposed(record: &Record, config: &Config) -> Option<Finding> {
    let address = record.address.filter(|address| !address.ip().to_canonical().is_loopback())?;
    config.settings.proxy.client_keys.is_empty().then(|| {
        Finding::problem(
            format!("it listens on {address} without client keys: whoever reaches this machine can spend your money"),
            Fix::run("qcc proxy restart --host 127.0.0.1"),
        )
    })
}

/// Host and port are taken at the start alone.
fn moved(record: &Record, config: &Config) -> Option<Finding> {
    let (address, proxy) = (record.address?, &config.settings.proxy);
    let other_port = record.port.is_none() && proxy.port != 0 && proxy.port != address.port();
    let host = proxy.host.trim_matches(['[', ']']).parse().ok();
    let other_host = record.host.is_none() && host.is_some_and(|host: std::net::IpAddr| host != address.ip());
    (other_port || other_host).then(|| {
        let message =
            format!("the file says {}:{}, and it listens on {address} until a restart", proxy.host, proxy.port);
        Finding::warning(message, Fix::run("qcc proxy restart"))
    })
}

/// A difference between what is served and what the file says: a reload did not happen.
fn outdated(facts: &Facts<'_>, config: &Config, served: &[Provider]) -> Option<Finding> {
    let find = |name: &str| served.iter().find(|provider| provider.name == name);
    let added = config.providers.iter().filter(|ours| find(&ours.name).is_none()).map(|ours| format!("+{}", ours.name));
    let gone = served.iter().filter(|theirs| config.providers.iter().all(|ours| ours.name != theirs.name));
    let changed = config.providers.iter().filter(|ours| {
        let differs = |theirs: &Provider| theirs.base_url != ours.base_url || theirs.enabled != ours.enabled;
        facts.is_whole(ours) && find(&ours.name).is_some_and(differs)
    });
    let names: Vec<String> = added
        .chain(gone.map(|theirs| format!("-{}", theirs.name)))
        .chain(changed.map(|ours| format!("~{}", ours.name)))
        .collect();
    if names.is_empty() {
        return None;
    }
    let why = last_refusal(&facts.context.locations.log).map_or_else(String::new, |why| format!("; it refused: {why}"));
    let message = format!("it does not serve what the file says ({}){why}", names.join(", "));
    Some(Finding::problem(message, Fix::run("qcc proxy restart")))
}

/// The first line of the last refusal, when nothing was taken into force since.
fn last_refusal(log: &Path) -> Option<String> {
    let about =
        |line: &str| ["config_refused", "config_reloaded", "gateway_started"].iter().any(|event| line.contains(event));
    let (lines, _) = tail::last(log, 1, &about).ok()?;
    let line: serde_json::Value = serde_json::from_str(lines.first()?).ok()?;
    let error = (line["event"] == "config_refused").then(|| line["error"].as_str()).flatten()?;
    Some(error.lines().next()?.trim_start_matches("error: ").to_owned())
}

fn left_out(config: &Config, provider: &Provider) -> Vec<Finding> {
    let holds = |profile: &&qcc_config::Profile| profile.endpoints.iter().any(|at| at.provider == provider.name);
    let profile = config.profiles.iter().find(holds).map(|profile| bourne(&profile.name));
    let told = |cooldown: &Cooldown| {
        let model = cooldown.model.as_ref().map_or_else(String::new, |model| format!(" for {model}"));
        let (reason, left) = (cooldown.reason.replace('_', " "), human(cooldown.left));
        let message = format!("{} is left out{model} for another {left}: {reason}", provider.name);
        match &profile {
            Some(profile) => {
                Finding::warning(message, Fix::run(format!("qcc endpoint enable {profile} {}", bourne(&provider.name))))
            }
            None => Finding::notice(message),
        }
    };
    provider.cooldowns.iter().map(told).collect()
}

#[cfg(test)]
mod tests;
