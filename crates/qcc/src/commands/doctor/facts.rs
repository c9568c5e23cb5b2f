//! Everything that the checks look at, gathered once. Nothing in here ends the command: what cannot be found out becomes
//! a fact of its own, and a check says so.

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use qcc_config::{Config, ConfigError, Loaded, Provider, Secret};
use qcc_server::Reach;

use crate::context::{Context, variable};
use crate::output::count;

use super::gateway::Gateway;
use super::references::{self, Reference, lacking};
use crate::place::{Here, Place};

/// After this time the user is told what is being waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// Longest wait for looking a name up that may stand for this machine.
const LOOKUP: Duration = Duration::from_secs(2);

/// Variables that lead connections through a proxy; the first of a scheme that is set counts.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What is known about this installation.
pub(super) struct Facts<'c> {
    pub(super) context: &'c Context,
    /// The configuration file, where there is one or has to be one.
    pub(super) file: Option<PathBuf>,
    /// What it says; with stand-ins where [`references`](Self::references) are missing.
    pub(super) loaded: Result<Loaded, ConfigError>,
    /// What the file refers to and does not get.
    pub(super) references: Vec<Reference>,
    pub(super) gateway: Gateway,
    /// Where the gateway listens, or will.
    pub(super) here: Here,
    /// Ways back to the gateway.
    pub(super) loops: Vec<Loop>,
    /// What the enabled providers answered that were asked.
    pub(super) reached: Result<Vec<Reach>, String>,
}

/// Something that leads back to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loop {
    /// The `base_url` of this provider.
    Provider(String),
    /// The `proxy` of this provider.
    ProxyOf(String),
    /// This variable.
    Variable(&'static str),
}

// === impl Facts ===

impl<'c> Facts<'c> {
    pub(super) fn gather(context: &'c Context) -> Self {
        let file = file_in_use(context);
        let (loaded, references) = read(file.as_ref());
        let config = loaded.as_ref().ok().map(|loaded| &loaded.config);
        let key = config.and_then(|config| config.settings.proxy.client_keys.first());
        let gateway = Gateway::look(&context.locations.pid, key);
        let here = here(config, &gateway);
        let mut facts =
            Self { context, file, loaded, references, gateway, here, loops: Vec::new(), reached: Ok(Vec::new()) };
        facts.ask();
        facts
    }

    /// The configuration, when there is one to look at.
    pub(super) fn config(&self) -> Option<&Config> {
        self.loaded.as_ref().ok().map(|loaded| &loaded.config)
    }

    /// Providers that take part.
    pub(super) fn enabled(&self) -> impl Iterator<Item = &Provider> {
        self.config().into_iter().flat_map(|config| &config.providers).filter(|provider| provider.enabled)
    }

    /// Whether nothing is missing that the provider refers to.
    pub(super) fn is_whole(&self, provider: &Provider) -> bool {
        lacking(provider, &self.references).is_empty()
    }

    /// Whether what is sent to the provider comes back to the gateway.
    pub(super) fn is_looped(&self, provider: &Provider) -> bool {
        let through = detour(provider);
        self.loops.iter().any(|found| match found {
            Loop::Provider(name) | Loop::ProxyOf(name) => *name == provider.name,
            Loop::Variable(name) => through == Some(*name),
        })
    }

    /// Looks names up and reaches providers: all that goes over the network.
    fn ask(&mut self) {
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                self.reached = Err(format!("connections cannot be opened: {error}"));
                return;
            }
        };
        self.loops = runtime.block_on(self.find_loops());
        // A provider that leads back would make the gateway ask itself; one without its key would refuse a stand-in.
        let asked = self.loaded.as_ref().ok().map(|loaded| {
            let mut asked = loaded.clone();
            asked
                .config
                .providers
                .retain(|provider| provider.enabled && self.is_whole(provider) && !self.is_looped(provider));
            asked
        });
        if let Some(asked) = asked.filter(|asked| !asked.config.providers.is_empty()) {
            self.reached = Ok(runtime.block_on(self.waiting(asked.config.providers.len(), qcc_server::reach(&asked))));
        }
        // A name server that does not answer would keep its thread for a long time.
        runtime.shutdown_background();
    }

    /// Waits for `work` and says on a terminal that it does, when it takes long.
    async fn waiting<T>(&self, providers: usize, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
            return done;
        }
        if std::io::stderr().is_terminal() {
            self.context.output.talk(format_args!("asking {}, at most 10 s", count(providers, "provider")));
        }
        work.await
    }

    async fn find_loops(&self) -> Vec<Loop> {
        let proxy = |provider: &Provider| provider.proxy.as_ref().map(Secret::expose).and_then(Place::of);
        let providers = self.enabled().flat_map(|provider| {
            let name = &provider.name;
            let direct = Place::of(&provider.base_url).map(|place| (Loop::Provider(name.clone()), place));
            let through = proxy(provider).map(|place| (Loop::ProxyOf(name.clone()), place));
            direct.into_iter().chain(through)
        });
        let variables = PROXIES.into_iter().filter_map(|name| {
            Some((Loop::Variable(name), Place::of(&variable(name).filter(|url| !url.is_empty())?)?))
        });
        let mut found = Vec::new();
        for (way, place) in providers.chain(variables) {
            let resolved = if self.here.depends_on_name(&place) { lookup(&place).await } else { Vec::new() };
            if self.here.is(&place, &resolved) {
                found.push(way);
            }
        }
        found
    }
}

/// The variable that leads connections to this provider through a proxy: as the gateway's own client decides it, with
/// `NO_PROXY`.
pub(super) fn detour(provider: &Provider) -> Option<&'static str> {
    let url: http::Uri = provider.base_url.parse().ok()?;
    let of_scheme = format!("{}_", url.scheme_str()?);
    if provider.proxy.is_some() || Matcher::from_env().intercept(&url).is_none() {
        return None;
    }
    let counts = |name: &&str| {
        let lower = name.to_ascii_lowercase();
        (lower.starts_with(&of_scheme) || lower.starts_with("all_")) && is_set(name)
    };
    PROXIES.into_iter().find(counts)
}

fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|value| !value.is_empty())
}

async fn lookup(place: &Place) -> Vec<IpAddr> {
    let looking = tokio::net::lookup_host((place.host.as_str(), place.port));
    match tokio::time::timeout(LOOKUP, looking).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        _ => Vec::new(),
    }
}

/// A file that cannot be looked at is not one that does not exist.
fn file_in_use(context: &Context) -> Option<PathBuf> {
    let path = &context.locations.config;
    let missing = path.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    // A link to nothing was meant to be a file.
    (context.is_explicit() || !missing || path.is_symlink()).then(|| path.clone())
}

fn read(file: Option<&PathBuf>) -> (Result<Loaded, ConfigError>, Vec<Reference>) {
    let Some(path) = file else { return (Ok(qcc_config::implicit()), Vec::new()) };
    match qcc_config::load(path, &variable) {
        Ok(loaded) => (Ok(loaded), Vec::new()),
        Err(strict) => match references::without(path, &strict, &variable) {
            Some((loaded, references)) => (Ok(loaded), references),
            None => (Err(strict), Vec::new()),
        },
    }
}

/// The address in force, and the one after a restart.
fn here(config: Option<&Config>, gateway: &Gateway) -> Here {
    let running = gateway.address();
    let configured = config.and_then(|config| {
        let proxy = &config.settings.proxy;
        let ip = Place::of(&format!("http://{}", proxy.host)).and_then(|place| place.address())?;
        (proxy.port > 0).then(|| (ip, proxy.port).into())
    });
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Here { addresses: running.into_iter().chain(configured.filter(|own| Some(*own) != running)).collect(), name }
}
