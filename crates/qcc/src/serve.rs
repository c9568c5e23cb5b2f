//! The process that serves, in the background or in sight: claim the pid file, start the gateway, say so, then wait for
//! signals. SIGTERM and SIGINT finish what runs and stop, a second one stops at once, SIGHUP reloads.

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZero;
use std::process;

use owo_colors::OwoColorize;
use qcc_config::{ColorChoice, Loaded, LoggingSettings};
use qcc_server::{Banner, Drained, Gateway, Log, Options, StartError, VERSION};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ask;
use crate::cli::Listen;
use crate::context::Context;
use crate::daemon::{self, Report};
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::output::{count, harmless};
use crate::pidfile::{self, Claim, Record, Stopped};
use crate::port;

/// Who is told about the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// The command that put us in the background, over a pipe.
    Starter,
    /// A person at a terminal, or a service manager's journal.
    Terminal,
}

/// The second child of `proxy start`: serves until it is told to stop, and reports its start over standard output.
///
/// # Errors
/// Never in effect: whoever could be told is told by the report.
pub(crate) fn background(context: &Context, listen: &Listen) -> Outcome {
    name_process();
    match serve(context, listen, Audience::Starter) {
        Ok(true) => Ok(OK),
        Ok(false) => {
            daemon::report(&Report::Taken);
            Ok(FAILED)
        }
        Err(failure) => {
            daemon::report(&Report::from(&failure));
            Ok(failure.exit())
        }
    }
}

/// `proxy start --foreground`.
///
/// # Errors
/// When it does not start, for instance because a gateway runs already.
pub(crate) fn foreground(context: &Context, listen: &Listen) -> Outcome {
    if serve(context, listen, Audience::Terminal)? {
        return Ok(OK);
    }
    let running = pidfile::running(&context.locations.pid).ok().flatten();
    let address = running
        .and_then(|running| running.record.address)
        .map_or_else(String::new, |address| format!(" at {}", ask::url(address)));
    Err(Failure::new(format!("qcc is already running{address}"), "stop it first: `qcc proxy stop`"))
}

/// The kernel names a process after the file that was executed, which is `exe` for `/proc/self/exe`.
fn name_process() {
    let _only_cosmetic = std::fs::write("/proc/self/comm", "qcc");
}

/// A worker relays over 50,000 events a second: more of them only cost memory.
const MOST_WORKERS: usize = 8;

/// Serves to the end. `false` when another process is the gateway of this state directory.
fn serve(context: &Context, listen: &Listen, audience: Audience) -> Result<bool, Failure> {
    let state = &context.locations.state_dir;
    let loaded = context.load()?;
    pidfile::make_directory(state).map_err(|error| Failure::file("make the folder", state, &error))?;
    let pid = &context.locations.pid;
    let mut record = first_record(context, listen);
    let Some(mut claim) = Claim::take(pid, &record).map_err(|error| Failure::file("write", pid, &error))? else {
        return Ok(false);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::bare(format!("cannot start threads: {error}")))?;
    let log = open_log(context, &loaded.config.settings.logging, audience)?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let gateway = start(context, listen, &loaded, log.clone()).await?;
        record.address = Some(gateway.address());
        claim.write(&record).map_err(|error| Failure::file("write", pid, &error))?;
        announce(context, &gateway, audience)?;
        Ok(until_stopped(gateway, &mut signals).await)
    });
    runtime.shutdown_background();
    log.flush();
    match ended {
        Ok(drained) => {
            record.stopped = drained
                .map(|drained| Stopped { finished: drained.running.saturating_sub(drained.cut), cut: drained.cut });
            if audience == Audience::Terminal {
                context.output.talk(farewell(record.stopped));
            }
            claim.retire(&record).map_err(|error| Failure::file("remove", pid, &error))?;
            Ok(true)
        }
        Err(failure) => {
            // Nothing ran, so nothing is left to be told; a file that cannot be removed is taken over by the next start.
            let _next_start_heals = claim.retire(&record);
            Err(failure)
        }
    }
}

fn first_record(context: &Context, listen: &Listen) -> Record {
    Record {
        pid: process::id(),
        address: None,
        started: jiff::Timestamp::now().to_string(),
        version: VERSION.to_owned(),
        config: context.locations.config.clone(),
        host: listen.host.clone(),
        port: listen.port,
        stopped: None,
    }
}

fn open_log(context: &Context, settings: &LoggingSettings, audience: Audience) -> Result<Log, Failure> {
    let path = &context.locations.log;
    let colour = match settings.color {
        ColorChoice::Always if !context.output.colour_is_chosen() => true,
        ColorChoice::Never if !context.output.colour_is_chosen() => false,
        _ => context.output.colours_stderr(),
    };
    let log = match audience {
        Audience::Starter => Log::to_file(path, settings),
        Audience::Terminal => Log::both(path, colour, settings),
    };
    log.map_err(|error| Failure::file("write the log", path, &error))
}

async fn start(context: &Context, listen: &Listen, loaded: &Loaded, log: Log) -> Result<Gateway, Failure> {
    let options = Options {
        source: context.source(),
        host: listen.host.clone(),
        port: listen.port,
        log,
        watch: true,
        workers: workers(),
        database: Some(context.locations.database.clone()),
    };
    let proxy = &loaded.config.settings.proxy;
    let host = listen.host.as_deref().unwrap_or(&proxy.host);
    let port = listen.port.unwrap_or(proxy.port);
    Gateway::start(options).await.map_err(|error| not_started(error, host, port))
}

/// Threads that serve: one for each core, up to what the traffic of a team can fill.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS)
}

/// Why it did not start, with what can be found out about it here.
fn not_started(error: StartError, host: &str, port: u16) -> Failure {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let (address, source) = match error {
        StartError::Config(error) => return error.into(),
        StartError::Bind { address, source } => (address, source),
        other => return told(&other.to_string()),
    };
    let message = format!("cannot listen on {address}: {source}");
    match source.kind() {
        AddrInUse => match resolve(host, port) {
            Some(address) => port::taken(address),
            None => Failure::new(message, "choose another port with --port N"),
        },
        AddrNotAvailable => Failure::new(message, "this machine has no such address; 127.0.0.1 always works"),
        PermissionDenied => {
            Failure::new(message, "ports below 1024 are for the system's own services: choose another with --port N")
        }
        _ => told(&message),
    }
}

/// A text that may bring its own hint.
fn told(text: &str) -> Failure {
    match text.split_once("\nhint: ") {
        Some((message, hint)) => Failure::new(message, hint),
        None => Failure::bare(text),
    }
}

fn resolve(host: &str, port: u16) -> Option<SocketAddr> {
    (host.trim_matches(['[', ']']), port).to_socket_addrs().ok()?.next()
}

fn announce(context: &Context, gateway: &Gateway, audience: Audience) -> Result<(), Failure> {
    let address = gateway.address();
    match audience {
        Audience::Starter => {
            daemon::report(&Report::Ready { address, pid: process::id() });
            Ok(())
        }
        Audience::Terminal if context.output.json => context.output.document(
            &json!({ "running": true, "already": false, "address": ask::url(address), "pid": process::id() }),
        ),
        Audience::Terminal => {
            let banner = gateway.banner();
            context.output.talk(banner_text(&banner, context.output.colours_stderr()));
            for notice in &banner.notices {
                context.output.note(&notice.message);
            }
            Ok(())
        }
    }
}

/// What a person sees first: a frame on a terminal, plain lines elsewhere, where frames only spoil the log.
fn banner_text(banner: &Banner, framed: bool) -> String {
    let usable = banner.providers.iter().filter(|provider| provider.usable).count();
    let mut lines = vec![
        format!("version    {}", banner.version),
        format!("providers  {usable} of {} usable", banner.providers.len()),
    ];
    lines.extend(banner.providers.iter().map(|provider| {
        let mark = if provider.usable { "✓" } else { "✗" };
        format!("  [{mark}] {} ({}): {}", harmless(&provider.name), provider.dialect, harmless(&provider.base_url))
    }));
    lines.push(format!("log level  {}", format!("{:?}", banner.level).to_lowercase()));
    lines.push(format!("listening  {}", banner.address));
    if !framed {
        return lines.join("\n");
    }
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let top = format!("╭─ {} {}╮", "qcc".bold(), "─".repeat(width.saturating_sub(4)));
    let bottom = format!("╰{}╯", "─".repeat(width + 2));
    let row = |line: &String| {
        let padding = " ".repeat(width - line.chars().count());
        let line = line.replace("[✓]", &format!("[{}]", "✓".green())).replace("[✗]", &format!("[{}]", "✗".red()));
        format!("│ {line}{padding} │")
    };
    let rows: Vec<String> = lines.iter().map(row).collect();
    format!("{top}\n{}\n{bottom}", rows.join("\n"))
}

/// One sentence on how the running requests fared.
pub(crate) fn farewell(stopped: Option<Stopped>) -> String {
    match stopped {
        None => "qcc has stopped at once".to_owned(),
        Some(Stopped { finished: 0, cut: 0 }) => "qcc has stopped".to_owned(),
        Some(Stopped { finished, cut: 0 }) => {
            format!("qcc has stopped, {} finished", count(finished, "running request"))
        }
        Some(Stopped { finished, cut }) => {
            format!("qcc has stopped, {} finished, {cut} cut off after waiting", count(finished, "running request"))
        }
    }
}

/// The signals that steer the gateway.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

// === impl Signals ===

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::bare(format!("cannot listen for signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until told to stop, then drains. `None` when a second signal ended that early.
async fn until_stopped(gateway: Gateway, signals: &mut Signals) -> Option<Drained> {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hang_up.recv() => {
                // Both outcomes are in the log, which is where one looks after a signal.
                let _logged = gateway.reload();
            }
        }
    }
    tokio::select! {
        drained = gateway.drain() => Some(drained),
        () = signals.stop() => None,
    }
}

#[cfg(test)]
mod tests;
