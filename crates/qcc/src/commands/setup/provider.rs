//! A new provider from what was typed: flags, a preset, standard input, and on a terminal the answers to what is missing.

use std::io::IsTerminal;

use qcc_config::edit::{Document, Node};
use qcc_config::{Secret, is_reference};

use crate::cli::setup::{AuthName, DialectName, NewProvider, word};
use crate::context::{Context, variable};
use crate::failure::Failure;
use crate::presets::{self, Preset};
use crate::prompt::{Choice, Prompt};
use crate::stdin;

/// A provider that is not in the file yet.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) kind: DialectName,
    pub(crate) base_url: String,
    pub(crate) credential: Credential,
    pub(crate) auth: AuthName,
    pub(crate) allow_passthrough: bool,
    pub(crate) models: Vec<(String, String)>,
}

/// What goes into `auth_value`.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// Nothing: the client's own goes through.
    Passthrough,
    /// As it is to be written: a key, `${VAR}` or `${file:/path}`.
    Value(Secret),
}

/// Whether the flags ask for a provider at all.
pub(crate) fn is_asked_for(flags: &NewProvider) -> bool {
    flags.preset.is_some() || flags.base_url.is_some()
}

/// The flags that make no sense without an address.
///
/// # Errors
/// When one of them is given.
pub(crate) fn needs_address(flags: &NewProvider) -> Result<(), Failure> {
    let given = [
        ("--api-key", flags.api_key.is_some()),
        ("--type", flags.kind.is_some()),
        ("--auth-type", flags.auth_type.is_some()),
        ("--allow-passthrough", flags.allow_passthrough),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::usage(
            format!("{flag} belongs to a provider, and there is no address for one"),
            "add --base-url URL, or --preset NAME (`qcc presets` lists them)",
        )),
        None => Ok(()),
    }
}

/// The provider that the flags describe; `name` where the command names it. What is missing is asked for where there is
/// somebody to ask.
///
/// # Errors
/// When something is missing or contradicts itself, or the answer to a question is not given.
pub(crate) fn gather(
    context: &Context,
    flags: &NewProvider,
    name: Option<&str>,
    document: &Document,
    prompt: Option<Prompt>,
) -> Result<Provider, Failure> {
    let preset = flags.preset.as_deref().map(presets::find).transpose()?;
    if let (Some(preset), Some(kind), None) = (preset, flags.kind, &flags.base_url) {
        speaks(preset, kind)?;
    }
    let Some(base_url) = flags.base_url.clone().or_else(|| preset.map(|preset| preset.base_url.clone())) else {
        return Err(Failure::usage("a provider needs an address", "add --base-url URL, or --preset NAME"));
    };
    let auth = flags.auth_type.or_else(|| preset.and_then(|preset| auth_of(&preset.auth_type)));
    let credential = credential(context, flags, auth, preset, &base_url, prompt)?;
    let auth = match credential {
        Credential::Passthrough => AuthName::Passthrough,
        Credential::Value(_) => auth.unwrap_or(AuthName::ApiKey),
    };
    let name = name.map_or_else(|| usual_name(flags, document), str::to_owned);
    let models = preset.map(|preset| preset.models.clone().into_iter().collect()).unwrap_or_default();
    let kind = flags.kind.or_else(|| dialect_of_host(&base_url)).unwrap_or(DialectName::Anthropic);
    Ok(Provider { name, kind, base_url, credential, auth, allow_passthrough: flags.allow_passthrough, models })
}

/// The address of a preset speaks one dialect, and a vendor's other ones have addresses of their own.
fn speaks(preset: &Preset, kind: DialectName) -> Result<(), Failure> {
    if kind == DialectName::Anthropic {
        return Ok(());
    }
    let kind = word(kind);
    Err(Failure::usage(
        format!("the preset `{}` is an address of type anthropic, not {kind}", preset.name),
        format!("leave --type out, or name the vendor's address of type {kind}: --base-url URL instead of --preset"),
    ))
}

/// What a provider is called when nobody says: like its preset or its host.
pub(crate) fn usual_name(flags: &NewProvider, document: &Document) -> String {
    let host = || host_of(flags.base_url.as_deref().unwrap_or_default());
    free_name(flags.preset.as_ref().map_or_else(host, |preset| preset.to_lowercase()), document)
}

fn auth_of(name: &str) -> Option<AuthName> {
    match name {
        "api_key" => Some(AuthName::ApiKey),
        "auth_token" => Some(AuthName::AuthToken),
        "passthrough" => Some(AuthName::Passthrough),
        _ => None,
    }
}

fn credential(
    context: &Context,
    flags: &NewProvider,
    auth: Option<AuthName>,
    preset: Option<&Preset>,
    base_url: &str,
    prompt: Option<Prompt>,
) -> Result<Credential, Failure> {
    let own = auth == Some(AuthName::Passthrough);
    match flags.api_key.as_deref() {
        Some("passthrough") => Ok(Credential::Passthrough),
        Some(_) if own => Err(Failure::usage(
            "--api-key has no use with --auth-type passthrough, which sends the client's own credential",
            "leave one of the two out",
        )),
        Some("-") => Ok(Credential::Value(stdin::secret_line(context.output, "the key of the provider")?)),
        Some("") => Err(Failure::usage("the key is empty", "is the variable set that it comes from?")),
        Some(key) => Ok(Credential::Value(Secret::new(key))),
        None if own => Ok(Credential::Passthrough),
        None => match (prompt, preset) {
            (Some(prompt), _) => ask_key(context, prompt, preset, base_url),
            (None, Some(preset)) => Ok(Credential::Value(Secret::new(format!("${{{}}}", preset.variable)))),
            (None, None) => Err(no_key()),
        },
    }
}

fn no_key() -> Failure {
    let hint = "--api-key '${MY_KEY}' takes it from a variable, --api-key - from standard input; --auth-type passthrough \
                sends the client's own";
    let why = if std::io::stdin().is_terminal() { "" } else { ", and nobody can be asked here" };
    Failure::usage(format!("the key of the provider is missing{why}"), hint)
}

/// From a variable, so that it stands in no file; or typed unseen.
fn ask_key(context: &Context, prompt: Prompt, preset: Option<&Preset>, base_url: &str) -> Result<Credential, Failure> {
    let known = preset.map(|preset| preset.variable.as_str());
    let is_set = known.and_then(variable).is_some_and(|value| !value.is_empty());
    let by_variable = match known {
        Some(name) if is_set => Choice::new(format!("from the variable {name}"), "it is set here"),
        Some(name) => Choice::new(format!("from the variable {name}"), "it is not set here"),
        None => Choice::new("from a variable", "so that it stands in no file"),
    };
    let typed = Choice::new("type or paste it", "it is written into the file, which only you can read");
    let mut ways = if is_set { vec![(0, by_variable), (1, typed)] } else { vec![(1, typed), (0, by_variable)] };
    // To any other host the client's own credential goes only when that is allowed by a flag.
    if is_anthropics(base_url) {
        ways.push((2, Choice::new("none", "the client's own credential is passed through")));
    }
    if let Some(preset) = preset {
        context.output.talk(format_args!("keys of {} are made at {}", preset.title, preset.keys_at));
    }
    let shown: Vec<Choice> = ways.iter().map(|(_, choice)| choice.clone()).collect();
    let chosen = prompt.select("Where does its key come from?", &shown)?;
    match ways.get(chosen).map(|(way, _)| way) {
        Some(0) => {
            let name = match known {
                Some(name) => name.to_owned(),
                None => ask_variable(prompt)?,
            };
            Ok(Credential::Value(Secret::new(format!("${{{name}}}"))))
        }
        Some(1) => Ok(Credential::Value(prompt.secret("Key (not shown):")?)),
        _ => Ok(Credential::Passthrough),
    }
}

fn ask_variable(prompt: Prompt) -> Result<String, Failure> {
    prompt.text("Name of the variable:", None, &|name| {
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !(first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
            return Err("letters, digits and `_`, as in RELAY_API_KEY".to_owned());
        }
        variable(name).map(|_| ()).ok_or_else(|| format!("{name} is not set here, so the file would not be valid"))
    })
}

fn is_anthropics(base_url: &str) -> bool {
    let host = host_of(base_url).to_ascii_lowercase();
    host == "anthropic.com" || host.ends_with(".anthropic.com")
}

/// What a host speaks that surely does not speak Anthropic's dialect: there, leaving `--type` out is a slip.
pub(super) fn dialect_of_host(base_url: &str) -> Option<DialectName> {
    match host_of(base_url).to_ascii_lowercase().as_str() {
        "openai.com" | "groq.com" | "mistral.ai" => Some(DialectName::Openai),
        "generativelanguage.googleapis.com" => Some(DialectName::Gemini),
        _ => None,
    }
}

/// `api.relay.example:8443/x` is called `relay.example`.
fn host_of(base_url: &str) -> String {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let short = host.strip_prefix("api.").or_else(|| host.strip_prefix("www.")).unwrap_or(host);
    if short.is_empty() { "provider".to_owned() } else { short.to_owned() }
}

/// The name, with a number where it is taken.
pub(crate) fn free_name(wanted: String, document: &Document) -> String {
    let providers = document.providers();
    let taken = |name: &str| providers.iter().any(|provider| provider.name == name);
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(wanted)
}

impl Provider {
    /// As it is written into the file: what equals a default is left out.
    pub(crate) fn node(&self) -> Node {
        let mut entries = vec![("name".to_owned(), Node::text(&self.name))];
        let mut put = |key: &str, value: Node| entries.push((key.to_owned(), value));
        if self.kind != DialectName::Anthropic {
            put("type", Node::text(word(self.kind)));
        }
        put("base_url", Node::text(&self.base_url));
        if self.auth != AuthName::ApiKey {
            put("auth_type", Node::text(word(self.auth)));
        }
        if let Credential::Value(value) = &self.credential {
            put("auth_value", Node::text(value.expose()));
        }
        if self.allow_passthrough {
            put("allow_passthrough", Node::bool(true));
        }
        if !self.models.is_empty() {
            put("models", Node::map(self.models.iter().map(|(glob, name)| (glob.clone(), Node::text(name)))));
        }
        Node::Map(entries)
    }

    /// Where it is, for a summary, and what it speaks where that is not what most do.
    pub(crate) fn address_in_words(&self) -> String {
        match self.kind {
            DialectName::Anthropic => self.base_url.clone(),
            kind => format!("{}, type {}", self.base_url, word(kind)),
        }
    }

    /// Where its key comes from, for a summary.
    pub(crate) fn key_in_words(&self) -> String {
        match &self.credential {
            Credential::Passthrough => "the client's own".to_owned(),
            Credential::Value(value) if is_reference(value.expose()) => value.expose().to_owned(),
            Credential::Value(_) => "in the file".to_owned(),
        }
    }

    /// Whether the key itself stands in the file.
    pub(crate) fn is_literal(&self) -> bool {
        matches!(&self.credential, Credential::Value(value) if !is_reference(value.expose()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_provider_without_a_name_is_called_like_its_host() {
        for (url, name) in [
            ("https://api.relay.example/claude", "relay.example"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080/x", "::1"),
            ("https://user:secret@relay.example", "relay.example"),
            ("nonsense", "nonsense"),
            ("https://", "provider"),
        ] {
            assert_eq!(host_of(url), name, "{url}");
        }
    }

    #[test]
    fn what_a_well_known_host_speaks_need_not_be_said() {
        for (url, dialect) in [
            ("https://api.openai.com/v1", Some(DialectName::Openai)),
            ("https://generativelanguage.googleapis.com", Some(DialectName::Gemini)),
            ("https://api.openai.com.relay.example", None),
            ("https://relay.example/openai.com", None),
        ] {
            assert_eq!(dialect_of_host(url), dialect, "{url}");
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let text = "providers: [{name: relay, base_url: 'https://a.example', auth_value: k}]";
        let document = Document::parse(Path::new("config.yaml"), text).unwrap();
        assert_eq!(free_name("relay".to_owned(), &document), "relay-2");
        assert_eq!(free_name("other".to_owned(), &document), "other");
    }
}
