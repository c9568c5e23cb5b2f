//! One provider: its address, its credential, and whether the credential may go to that address.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::Uri;
use http::header::HeaderName;
use zeroize::Zeroizing;

use super::Resolver;
use super::settings::is_header_text;
use crate::capabilities::Capabilities;
use crate::error::Place;
use crate::file::{self, AuthType};
use crate::secret::Secret;
use crate::sections;
use crate::types::{Auth, Dialect, Limits, Notice, Provider, Timeouts};
use crate::value::{At, FromText, Wrong, after_userinfo};

impl Resolver<'_> {
    pub(super) fn providers(&mut self, written: &[file::Provider], timeouts: &Timeouts) -> Vec<Provider> {
        let mut taken = BTreeMap::new();
        let mut providers = Vec::new();
        for provider in written {
            let name = self.new_name(&provider.name, "provider", &mut taken);
            providers.extend(name.and_then(|name| self.provider(name, provider, timeouts)));
        }
        providers
    }

    /// `None` when a fault was noted that leaves nothing to go on with.
    fn provider(&mut self, name: String, written: &file::Provider, timeouts: &Timeouts) -> Option<Provider> {
        let enabled = self.or(written.enabled.as_ref(), true);
        let dialect = self.or(written.kind.as_ref(), Dialect::Anthropic);
        let allow_passthrough = self.or(written.allow_passthrough.as_ref(), false);
        let auth = self.auth(written, enabled);
        let base_url = self.base_url(&written.base_url, enabled);
        match (&auth, &base_url) {
            (Some(Auth::Passthrough), _) if dialect == Dialect::Gemini => self.nobodys_credential(written),
            (Some(Auth::Passthrough), Some(base_url)) if !allow_passthrough => {
                self.passthrough_host(base_url, written.base_url.place);
            }
            _ => {}
        }
        let proxy = written.proxy.as_ref().and_then(|at| self.upstream_proxy(at, enabled));
        let ca_file = written.ca_file.as_ref().and_then(|at| self.ca_file(at, enabled));
        let headers = self.headers(written, enabled);
        let timeouts = self.own_timeouts(written.timeouts.as_ref(), timeouts);
        let models = self.models(written);
        let capabilities = self.capabilities(written);
        let limits = self.limits(written);
        let health_model = written.health_model.as_ref().and_then(|at| self.model_name(at));
        self.note_streaming_mode(&name, written);
        Some(Provider {
            name,
            dialect,
            base_url: base_url?,
            auth: auth?,
            enabled,
            proxy,
            ca_file,
            headers,
            timeouts,
            models,
            capabilities,
            allow_passthrough,
            limits,
            health_model,
        })
    }

    /// Text of a provider: one that is disabled keeps its `${...}` as written, because its variable need not exist.
    fn own_text(&mut self, at: &At<String>, enabled: bool) -> Option<Zeroizing<String>> {
        if enabled { self.text(at) } else { Some(Zeroizing::new(at.text().to_owned())) }
    }

    fn auth(&mut self, written: &file::Provider, enabled: bool) -> Option<Auth> {
        let kind = match &written.auth_type {
            Some(at) => at.get(&mut self.problems)?,
            None => AuthType::ApiKey,
        };
        let value = written.auth_value.as_ref();
        if value.is_some_and(|at| at.text() == "passthrough") {
            return Some(Auth::Passthrough);
        }
        if kind == AuthType::Passthrough {
            if let Some(at) = value {
                let hint = "remove auth_value, or write `auth_type: api_key` to send it";
                self.problems.add(at.place, "auth_value has no use with `auth_type: passthrough`", hint);
            }
            return Some(Auth::Passthrough);
        }
        let Some(at) = value else {
            let message = format!("the provider `{}` has no auth_value", written.name.text());
            let hint =
                "add `auth_value: ${MY_API_KEY}`, or `auth_type: passthrough` to send the client's own credential";
            self.problems.add(written.name.place, message, hint);
            return None;
        };
        let text = self.own_text(at, enabled)?;
        if enabled && !is_header_text(&text) {
            let hint = "a credential is printable ASCII without blanks around it: check the variable, file or literal";
            self.problems.add(at.place, "this credential is empty or cannot stand in a header", hint);
        }
        let secret = Secret::new(text.as_str());
        Some(if kind == AuthType::AuthToken { Auth::Token(secret) } else { Auth::ApiKey(secret) })
    }

    fn base_url(&mut self, at: &At<String>, enabled: bool) -> Option<String> {
        let text = self.own_text(at, enabled)?;
        if !enabled && text.contains("${") {
            return Some(text.as_str().to_owned());
        }
        match base_url(&text) {
            Ok(url) => Some(url),
            Err(wrong) => {
                self.problems.add(at.place, wrong.message, wrong.hint);
                None
            }
        }
    }

    /// A client's credential goes to providers of its own dialect alone, and no client asks in Gemini's.
    fn nobodys_credential(&mut self, written: &file::Provider) {
        let value = written.auth_value.as_ref().map(|at| at.place);
        let place = written.auth_type.as_ref().map(|at| at.place).or(value).unwrap_or(written.name.place);
        let message =
            "no client has a credential of its own for a provider of type gemini, so nothing could be asked there";
        self.problems.add(place, message, "give it a key: `auth_value: ${GEMINI_API_KEY}` without auth_type");
    }

    /// The client's own credential must not go to just any host because a file says so.
    fn passthrough_host(&mut self, base_url: &str, place: Place) {
        let host = base_url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_ascii_lowercase));
        let Some(host) = host else { return };
        let host = host.trim_end_matches('.');
        if host == "anthropic.com" || host.ends_with(".anthropic.com") {
            return;
        }
        let message = format!("the client's own credential would go to `{host}`, which is not Anthropic's");
        let hint =
            "write `allow_passthrough: true` for this provider if you trust it, or give it an auth_value of its own";
        self.problems.add(place, message, hint);
    }

    fn upstream_proxy(&mut self, at: &At<String>, enabled: bool) -> Option<Secret> {
        let text = self.own_text(at, enabled)?;
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
        let known = ["http", "https", "socks5", "socks5h"].contains(&scheme.as_str());
        let host = text.parse::<Uri>().is_ok_and(|url| url.host().is_some_and(|host| !host.is_empty()));
        if enabled && !(known && host) {
            let hint = "write a URL such as `http://proxy.lan:3128` or `socks5h://127.0.0.1:1080`";
            self.problems.add(at.place, "this is not the URL of a proxy", hint);
        }
        Some(Secret::new(text.as_str()))
    }

    fn ca_file(&mut self, at: &At<String>, enabled: bool) -> Option<PathBuf> {
        let text = self.own_text(at, enabled)?;
        let path = self.problems.source.folder().join(text.as_str());
        if enabled && !path.is_file() {
            let message = format!("there is no file `{}`", path.display());
            self.problems.add(
                at.place,
                message,
                "ca_file names a PEM file; a relative path starts at the folder of this file",
            );
        }
        Some(path)
    }

    fn headers(&mut self, written: &file::Provider, enabled: bool) -> Vec<(String, Secret)> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        for (name, value) in written.headers.iter().flat_map(|headers| &headers.0) {
            let lower = name.text().to_ascii_lowercase();
            if HeaderName::from_bytes(lower.as_bytes()).is_err() {
                self.problems.add(name.place, "this is no name of a header", "write a name such as `x-team`");
            } else if RESERVED.contains(&lower.as_str()) {
                let message = format!("the header `{lower}` is set by qcc itself");
                self.problems.add(name.place, message, "remove it: it frames the request");
            } else if headers.iter().any(|(other, _)| *other == lower) {
                let message = format!("the header `{lower}` is written twice");
                self.problems.add(name.place, message, "case does not matter in names of headers: keep one of the two");
            }
            let Some(text) = self.own_text(value, enabled) else { continue };
            if enabled && !text.is_empty() && !is_header_text(&text) {
                let hint = "write printable ASCII without blanks around it";
                self.problems.add(value.place, "this value cannot stand in a header", hint);
            }
            headers.push((lower, Secret::new(text.as_str())));
        }
        headers
    }

    fn own_timeouts(&mut self, written: Option<&sections::Timeouts>, global: &Timeouts) -> Timeouts {
        let mut own = *global;
        let Some(written) = written else { return own };
        let fields = [
            (&written.connect, &mut own.connect),
            (&written.first_byte, &mut own.first_byte),
            (&written.response, &mut own.response),
            (&written.idle, &mut own.idle),
            (&written.stall, &mut own.stall),
            (&written.total, &mut own.total),
        ];
        for (at, field) in fields {
            if let Some(time) = at.as_ref().and_then(|at| at.get(&mut self.problems)) {
                *field = time.on();
            }
        }
        own
    }

    fn limits(&mut self, written: &file::Provider) -> Limits {
        let Some(limits) = &written.limits else { return Limits::default() };
        Limits {
            rpm: self.or(limits.rpm.as_ref(), 0),
            tpm: self.or(limits.tpm.as_ref(), 0),
            concurrency: self.or(limits.concurrency.as_ref(), 0),
        }
    }

    fn models(&mut self, written: &file::Provider) -> Vec<(String, String)> {
        let mut models = Vec::new();
        for (glob, name) in written.models.iter().flat_map(|models| &models.0) {
            self.check_glob(glob);
            if let Some(model) = self.model_name(name) {
                models.push((glob.text().to_owned(), model));
            }
        }
        models
    }

    fn capabilities(&mut self, written: &file::Provider) -> Vec<(String, Capabilities)> {
        let mut all = Vec::new();
        for (glob, known) in written.capabilities.iter().flat_map(|capabilities| &capabilities.0) {
            self.check_glob(glob);
            all.push((glob.text().to_owned(), known.resolve(&mut self.problems)));
        }
        all
    }

    /// A name of a model: not empty.
    pub(super) fn model_name(&mut self, at: &At<String>) -> Option<String> {
        let name = at.get(&mut self.problems)?;
        if name.trim().is_empty() {
            self.problems.add(at.place, "the name of the model is empty", "write the name that the provider knows");
        }
        Some(name)
    }

    /// A glob: not empty, no blanks around it.
    pub(super) fn check_glob(&mut self, at: &At<String>) {
        let glob = at.text();
        if glob.is_empty() || glob.trim() != glob || glob.len() > 256 {
            let hint = "write a model name, where `*` stands for any text, such as `\"*haiku*\"`";
            self.problems.add(at.place, "this glob is empty, has blanks around it or is too long", hint);
        }
    }

    fn note_streaming_mode(&mut self, name: &str, written: &file::Provider) {
        if let Some(at) = &written.streaming_mode
            && at.get(&mut self.problems).is_some()
        {
            let message = format!("streaming_mode of `{name}` has no counterpart in qcc and is ignored");
            self.notices.push(Notice { message, line: Some(at.place.line) });
        }
    }
}

/// Headers that frame a request or a connection (RFC 9110, section 7.6.1; RFC 9112, section 6).
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Checks a base URL and drops its trailing slashes. The messages never quote it: a credential may stand in it.
fn base_url(text: &str) -> Result<String, Wrong> {
    let example = "write a URL such as `https://api.anthropic.com`";
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Wrong::new("base_url has no scheme", example));
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(Wrong::new("base_url is neither http nor https", example));
    }
    if after_userinfo(rest).is_some() {
        return Err(Wrong::new("base_url holds a user or password", "put the credential into auth_value"));
    }
    if text.contains(['?', '#']) {
        return Err(Wrong::new("base_url holds a query or fragment", "remove everything from `?` or `#` on"));
    }
    let wrong = || Wrong::new("base_url is not a valid URL", example);
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let host = url.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    // The parser leaves a port that is no number, or is too large, in the authority.
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority.get(host.len()..).unwrap_or_default();
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(|port| u16::from_text(port).is_ok_and(|port| port > 0)))
    {
        return Err(Wrong::new("the port of base_url is not a number from 1 to 65535", example));
    }
    let scheme = scheme.to_ascii_lowercase();
    Ok(format!("{scheme}://{}", rest.trim_end_matches('/')))
}
