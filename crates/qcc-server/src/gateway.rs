//! Starting, reloading and stopping: what the terminal does with the server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use qcc_config::{Changes, Config, ConfigError, Level, Loaded, Notice};
use tokio::net::TcpListener;

use crate::VERSION;
use crate::events::Event;
use crate::listen::Listening;
use crate::log::Log;
use crate::outside;
use crate::state::State;
use crate::tasks;
use crate::workers::Workers;

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file that may be edited while the gateway runs. When it does not exist, the implicit provider is served.
    Path(PathBuf),
    /// A text that stays as it is: for the drill and for tests.
    Text(String),
}

/// How to start.
pub struct Options {
    /// The configuration.
    pub source: Source,
    /// Overrides `proxy.host`.
    pub host: Option<String>,
    /// Overrides `proxy.port`; 0 lets the system choose.
    pub port: Option<u16>,
    /// Where events go.
    pub log: Log,
    /// Whether edits of the file are picked up by themselves.
    pub watch: bool,
    /// Threads that serve connections; 0: the caller's runtime does.
    pub workers: usize,
    /// The database that keeps the pin and the history of failovers; `storage.path` wins over it. Without either nothing
    /// is kept over a restart. When it cannot be used that is said in the log, and everything else works.
    pub database: Option<PathBuf>,
}

/// A running gateway.
pub struct Gateway {
    state: Arc<State>,
    listening: Listening,
    address: SocketAddr,
    notices: Vec<Notice>,
    _watch: Option<tasks::reload::Watch>,
    _probing: Option<tasks::probe::Task>,
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be served.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A provider of the configuration cannot be called.
    #[error("{0}")]
    Provider(String),
    /// The address can be reached from elsewhere, and nothing would protect it.
    #[error(
        "{host} can be reached from other machines, whose users could spend your money\nhint: set proxy.client_keys, or listen on 127.0.0.1"
    )]
    Exposed {
        /// As given.
        host: String,
    },
    /// The threads that serve cannot be started.
    #[error("cannot start a thread: {0}")]
    Workers(io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// `host:port`
        address: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// What a person sees at the start.
#[derive(Debug, Clone)]
pub struct Banner {
    /// The package's version.
    pub version: &'static str,
    /// Every provider of the configuration.
    pub providers: Vec<BannerProvider>,
    /// `logging.level`
    pub level: Level,
    /// Where clients connect: `http://host:port`.
    pub address: String,
    /// What the user should know about the configuration.
    pub notices: Vec<Notice>,
}

/// A provider's line in the banner.
#[derive(Debug, Clone)]
pub struct BannerProvider {
    /// As written.
    pub name: String,
    /// As in the configuration: `anthropic`.
    pub dialect: &'static str,
    /// Without any credential.
    pub base_url: String,
    /// Whether it may be asked: enabled, and of a dialect that is served.
    pub usable: bool,
}

/// How stopping went.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// Requests that were running when stopping began.
    pub running: usize,
    /// Connections that outlived `proxy.drain` and were cut.
    pub cut: usize,
}

/// What a reload changed.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// The difference.
    pub changes: Changes,
    /// What the user should know about the new configuration.
    pub notices: Vec<Notice>,
    /// Enabled providers now.
    pub providers: usize,
}

// === impl Gateway ===

impl Gateway {
    /// Loads, binds and serves. When it returns the address answers.
    ///
    /// # Errors
    /// When the configuration is not valid or the address cannot be listened on. Nothing is left running.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let known = match &options.source {
            Source::Path(path) if options.watch => std::fs::read(path).ok(),
            _ => None,
        };
        let loaded = load(&options.source)?;
        let notices = loaded.notices.clone();
        let proxy = loaded.config.settings.proxy.clone();
        let host = options.host.clone().unwrap_or(proxy.host);
        let port = options.port.unwrap_or(proxy.port);
        options.log.set_level(loaded.config.settings.logging.level);
        let database = loaded.config.settings.storage_path.clone().or(options.database);
        check_exposure(&loaded.config, &host)?;
        // Before the database is touched: a start that cannot listen leaves no trace there.
        let listener = bind(&host, port).await?;
        let address =
            listener.local_addr().map_err(|source| StartError::Bind { address: format!("{host}:{port}"), source })?;
        let state = State::new(loaded, options.source.clone(), options.log.clone(), host, database)
            .map_err(|error| StartError::Provider(error.to_string()))?;
        let workers = Workers::start(options.workers).map_err(StartError::Workers)?;
        let listening = Listening::start(listener, Arc::clone(&state), workers);
        let watch = match &options.source {
            Source::Path(path) if options.watch => tasks::reload::watch(path, known, &state),
            _ => None,
        };
        announce(&state, address, &notices);
        Ok(Self::of_parts(state, listening, address, notices, watch))
    }

    /// Sets to work what runs beside the requests.
    pub(crate) fn of_parts(
        state: Arc<State>,
        listening: Listening,
        address: SocketAddr,
        notices: Vec<Notice>,
        watch: Option<tasks::reload::Watch>,
    ) -> Self {
        tasks::warm::start(&state);
        tasks::keep::start(&state);
        let probing = Some(tasks::probe::start(&state));
        Self { state, listening, address, notices, _watch: watch, _probing: probing }
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a person sees at the start.
    #[must_use]
    pub fn banner(&self) -> Banner {
        let snapshot = self.state.snapshot();
        let providers = snapshot.config.providers.iter().map(|provider| BannerProvider {
            name: provider.name.clone(),
            dialect: crate::state::dialect_name(provider.dialect),
            base_url: provider.base_url.clone(),
            usable: snapshot.upstreams.iter().any(|upstream| upstream.name() == provider.name),
        });
        Banner {
            version: VERSION,
            providers: providers.collect(),
            level: snapshot.config.settings.logging.level,
            address: format!("http://{}", self.address),
            notices: self.notices.clone(),
        }
    }

    /// Reads the configuration again. A bad one is refused and the old one stays in force.
    ///
    /// # Errors
    /// What is wrong with the new configuration.
    pub fn reload(&self) -> Result<Reloaded, String> {
        tasks::reload::reload(&self.state, "signal")
    }

    /// Stops accepting, lets running requests finish within `proxy.drain`, cuts the rest.
    pub async fn drain(self) -> Drained {
        let running = self.state.start_draining();
        self.state.log.emit(Event::GatewayDraining { running });
        let limit = self.state.snapshot().config.settings.proxy.drain;
        let cut = self.listening.drain(limit, || self.state.start_cutting()).await;
        let state = Arc::clone(&self.state);
        let _ended_before_it_was_written = outside::away(move || tasks::keep::finish(&state)).await;
        self.state.log.emit(Event::GatewayStopped { cut });
        Drained { running, cut }
    }
}

/// Reads `source` with the process environment.
pub(crate) fn load(source: &Source) -> Result<Loaded, ConfigError> {
    let env = |name: &str| std::env::var(name).ok();
    match source {
        Source::Path(path) if !path.exists() => Ok(Loaded { path: Some(path.clone()), ..qcc_config::implicit() }),
        Source::Path(path) => qcc_config::load(path, &env),
        Source::Text(text) => qcc_config::parse(text, std::path::Path::new("<text>"), &env),
    }
}

/// `--host` may open what the file did not.
fn check_exposure(config: &Config, host: &str) -> Result<(), StartError> {
    if qcc_config::is_loopback(host) || !config.settings.proxy.client_keys.is_empty() {
        return Ok(());
    }
    Err(StartError::Exposed { host: host.to_owned() })
}

async fn bind(host: &str, port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((host.trim_matches(['[', ']']), port))
        .await
        .map_err(|source| StartError::Bind { address: format!("{host}:{port}"), source })
}

fn announce(state: &State, address: SocketAddr, notices: &[Notice]) {
    let providers = state.snapshot().upstreams.len();
    state.log.emit(Event::GatewayStarted { address: format!("http://{address}"), version: VERSION, providers });
    for notice in notices {
        state.log.emit(Event::ConfigNoticed { message: notice.message.clone(), line: notice.line });
    }
}
