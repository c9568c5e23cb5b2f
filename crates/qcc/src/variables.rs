//! Which variables make a client use the gateway, and how they are written for a shell.
//!
//! `ANTHROPIC_BASE_URL` leads Claude Code here. `ANTHROPIC_API_KEY=proxy-managed` keeps it from asking for a login where
//! the gateway has credentials of its own; the word itself is never sent to a provider. Behind a base URL of one's own
//! Claude Code switches tool search off unless `ENABLE_TOOL_SEARCH=true`. It gives a stream up after 300 s without an
//! event; the gateway notices a stall earlier (`timeouts.stall`) and goes elsewhere, and only when it was told to be
//! more patient than that does the client have to be too (`CLAUDE_STREAM_IDLE_TIMEOUT_MS`).

use std::time::Duration;

use qcc_config::{Auth, Config, Dialect, Provider, Secret};

use crate::cli::Shell;

/// Stands for "the gateway has the key".
pub(crate) const MANAGED: &str = "proxy-managed";

/// After this time without an event Claude Code drops a stream by itself (measured with 2.1.197).
const CLIENT_PATIENCE: Duration = Duration::from_secs(300);

/// How much more patient the client is made than the gateway, so that the gateway sees a stall first.
const MARGIN: Duration = Duration::from_secs(60);

/// The patience that stands for "never": one day.
const FOREVER: Duration = Duration::from_secs(24 * 3_600);

/// What to set for a client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variables {
    /// Names and values that may be shown.
    pub(crate) plain: Vec<(&'static str, String)>,
    /// What the client has to present as its key, where the configuration asks for one. Not to be shown.
    pub(crate) client_key: Option<Secret>,
    /// The client's own credential goes through, so none may be set over it.
    pub(crate) own_credential: bool,
    /// What the user should know, one sentence each.
    pub(crate) notes: Vec<String>,
}

// === impl Variables ===

impl Variables {
    /// For a gateway with `config` at `url`.
    pub(crate) fn new(config: &Config, url: &str) -> Self {
        let enabled = || config.providers.iter().filter(|provider| provider.enabled);
        let own: Vec<&str> =
            enabled().filter(|provider| takes_claudes(provider)).map(|provider| provider.name.as_str()).collect();
        let own_credential = !own.is_empty() && own.len() == enabled().count();
        let client_key = config.settings.proxy.client_keys.first().cloned();
        let mut notes = Vec::new();
        let mut plain = vec![("ANTHROPIC_BASE_URL", url.to_owned())];
        if own_credential {
            notes.push("your own credential is passed through, so ANTHROPIC_API_KEY is left as it is".to_owned());
        } else if client_key.is_none() {
            plain.push(("ANTHROPIC_API_KEY", MANAGED.to_owned()));
        }
        if !own_credential && !own.is_empty() {
            let names = own.join(", ");
            notes.push(format!(
                "{names}: passes the client's own credential through and is left out for clients that bring none"
            ));
        }
        plain.push(("ENABLE_TOOL_SEARCH", "true".to_owned()));
        if let Some(patience) = patience(config) {
            plain.push(("CLAUDE_STREAM_IDLE_TIMEOUT_MS", patience.as_millis().to_string()));
        }
        Self { plain, client_key, own_credential, notes }
    }

    /// Everything for a child process, the client key too. `current` looks up what the child would inherit.
    pub(crate) fn for_child(&self, current: &dyn Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
        let mut all = self.plain.clone();
        let Some(key) = &self.client_key else { return all };
        let key = key.expose().to_owned();
        let set = |name: &str| current(name).is_some_and(|value| !value.is_empty());
        // Whichever header carries the client key is used up by the gateway; the own credential needs the other one.
        all.push(match (self.own_credential, set("ANTHROPIC_API_KEY")) {
            (false, _) => ("ANTHROPIC_API_KEY", key),
            (true, true) => ("ANTHROPIC_AUTH_TOKEN", key),
            (true, false) => {
                let others = current("ANTHROPIC_CUSTOM_HEADERS")
                    .filter(|value| !value.is_empty())
                    .map_or_else(String::new, |others| others + "\n");
                ("ANTHROPIC_CUSTOM_HEADERS", format!("{others}x-api-key: {key}"))
            }
        });
        all
    }
}

/// Whether a provider is given the credential that Claude Code has of its own. Those of other dialects never are.
pub(crate) fn takes_claudes(provider: &Provider) -> bool {
    provider.enabled && provider.auth == Auth::Passthrough && provider.dialect == Dialect::Anthropic
}

/// How patient the client has to be made, where its own patience is not enough.
fn patience(config: &Config) -> Option<Duration> {
    match config.settings.timeouts.stall {
        None => Some(FOREVER),
        Some(stall) if stall >= CLIENT_PATIENCE => Some(stall + MARGIN),
        Some(_) => None,
    }
}

// === impl Shell ===

impl Shell {
    /// The shell that `SHELL` names; `bash` stands for every other one with the syntax of the Bourne shell.
    pub(crate) fn from_path(path: &str) -> Self {
        match path.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe") {
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            "pwsh" | "powershell" => Self::Powershell,
            "nu" => Self::Nu,
            _ => Self::Bash,
        }
    }

    /// A line that sets `name` for this shell and what it starts.
    pub(crate) fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("export {name}={}", bourne(value)),
            Self::Fish => format!("set -gx {name} '{}'", value.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Powershell => format!("$Env:{name} = '{}'", value.replace('\'', "''")),
            Self::Cmd => format!("set \"{name}={}\"", value.replace('%', "%%")),
            Self::Nu => format!("$env.{name} = \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }

    /// A line that does nothing.
    pub(crate) fn comment(self, text: &str) -> String {
        match self {
            Self::Cmd => format!("rem {text}"),
            _ => format!("# {text}"),
        }
    }
}

/// Quotes only where needed: most values are plain, and people read and copy these lines.
pub(crate) fn bourne(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
