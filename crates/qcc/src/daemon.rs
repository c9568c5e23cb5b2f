//! Puts the gateway in the background, and knows whether that worked.
//!
//! A running, threaded process must not fork, so the program starts itself anew, twice: the first child leaves the
//! caller's session and everything else of the caller's behind, then starts the second, which serves. The second child
//! is nobody's: it survives the terminal, and `qcc run` does not become its parent. Its standard output is a pipe to
//! the waiting command, on which it says in one line of JSON where it serves or why it does not.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

use crate::cli::{Listen, Serve};
use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::progress::Progress;
use crate::{ask, pidfile};

/// A gateway binds and answers within milliseconds; a machine that needs longer than this has another problem.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the process in the background says, once, about its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// It listens and answers.
    Ready {
        /// Where.
        address: SocketAddr,
        /// Who.
        pid: u32,
    },
    /// Another process became the gateway in the meantime.
    Taken,
    /// It did not start.
    Failed {
        /// What happened and why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// A gateway that serves in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// It ran before we came.
    pub(crate) already: bool,
}

/// Starts the gateway in the background unless it runs, and returns once it answers.
///
/// # Errors
/// When it does not start; the reason is the background process's own.
pub(crate) fn ensure(context: &Context, listen: &Listen) -> Result<Started, Failure> {
    let _progress = Progress::start(context.output, "starting the gateway");
    if let Some(started) = already(context)? {
        return Ok(started);
    }
    match spawn(context, listen)? {
        Report::Ready { address, pid } => match ask::get(address, "/ready", None) {
            Ok(_any_answer_means_serving) => Ok(Started { address, pid, already: false }),
            Err(error) => Err(Failure::new(
                format!("the gateway started at {} but does not answer: {error}", ask::url(address)),
                "see `qcc proxy logs`, or run it in sight with `qcc proxy start --foreground`",
            )),
        },
        Report::Taken => already(context)?.ok_or_else(|| {
            Failure::new(
                "another start was under way and did not succeed",
                "try again, or see why with `qcc proxy start --foreground`",
            )
        }),
        Report::Failed { message, hint } => Err(Failure::Told { message, hint, exit: FAILED }),
    }
}

/// The gateway that runs already, if there is one.
fn already(context: &Context) -> Result<Option<Started>, Failure> {
    let path = &context.locations.pid;
    let running = pidfile::running(path).map_err(|error| Failure::file("read", path, &error))?;
    let settled = running.and_then(|running| running.settled(START_LIMIT));
    Ok(settled
        .and_then(|running| Some(Started { address: running.record.address?, pid: running.record.pid, already: true })))
}

/// Where the background process's standard error goes: only a crash writes there, everything else is in the log.
fn crash_file(context: &Context) -> PathBuf {
    context.locations.log.with_extension("out")
}

fn spawn(context: &Context, listen: &Listen) -> Result<Report, Failure> {
    let state = &context.locations.state_dir;
    pidfile::make_directory(state).map_err(|error| Failure::file("make the folder", state, &error))?;
    let crashes = crash_file(context);
    let stderr = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&crashes);
    let stderr = stderr.map_err(|error| Failure::file("write", &crashes, &error))?;

    let mut command = this_program();
    command.arg("__serve").arg("--detach").args(context.arguments()).args(flags(listen)).envs(context.variables());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    let mut child =
        command.spawn().map_err(|error| Failure::bare(format!("cannot start a process in the background: {error}")))?;
    let pipe = child.stdout.take();
    // The first child ends as soon as it has started the second.
    let first = child.wait().map_err(|error| Failure::bare(format!("lost the process in the background: {error}")))?;
    let line = pipe.filter(|_| first.success()).and_then(|pipe| read_line(pipe, START_LIMIT));
    match line.map(|line| serde_json::from_str(&line)) {
        Some(Ok(report)) => Ok(report),
        _ => Err(silent(&crashes)),
    }
}

/// It ended, or hung, without a word. What a crash leaves is in the file.
fn silent(crashes: &Path) -> Failure {
    let text = fs::read_to_string(crashes).unwrap_or_default();
    let hint = "run it in sight: `qcc proxy start --foreground`";
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => Failure::new(format!("the gateway did not start: {line}"), hint),
        None => Failure::new(
            format!("the gateway did not start within {} s and gave no reason", START_LIMIT.as_secs()),
            hint,
        ),
    }
}

fn read_line(pipe: ChildStdout, limit: Duration) -> Option<String> {
    let (found, line) = mpsc::channel();
    thread::spawn(move || {
        let first = BufReader::new(pipe).lines().next().and_then(Result::ok);
        let _waiter_may_be_gone = found.send(first);
    });
    line.recv_timeout(limit).ok().flatten()
}

/// `/proc/self/exe` still leads to this program when its file was deleted or replaced (by an upgrade, or because a tool
/// cache was cleaned); where it does not exist the path of the program has to do.
fn this_program() -> Command {
    let link = PathBuf::from("/proc/self/exe");
    let program = if link.exists() { link } else { std::env::current_exe().unwrap_or_else(|_| PathBuf::from("qcc")) };
    let mut command = Command::new(program);
    command.arg0("qcc");
    command
}

fn flags(listen: &Listen) -> Vec<OsString> {
    let host = listen.host.iter().flat_map(|host| ["--host".into(), host.into()]);
    let port = listen.port.iter().flat_map(|port| ["--port".into(), port.to_string().into()]);
    host.chain(port).collect()
}

/// The first child: leaves the caller's terminal, folder, file mask and open files, and starts the second.
///
/// Files that the caller had open without close-on-exec (a pipe of a script, a lock of a build tool) would otherwise
/// stay open for weeks, and somebody would wait for them. They are marked rather than closed: what is marked disappears
/// with the exec below, and nothing in this process can be left holding a closed descriptor.
///
/// # Errors
/// When the second child cannot be started.
pub(crate) fn detach(context: &Context, serve: &Serve) -> Outcome {
    close_fds::set_fds_cloexec(3, &[]);
    // Fails only for the leader of a process group, which a child never is.
    let _session = rustix::process::setsid();
    rustix::process::umask(Mode::from_bits_retain(0o077));
    let mut command = this_program();
    command
        .arg("__serve")
        .args(context.arguments())
        .args(flags(&serve.listen))
        .envs(context.variables())
        .current_dir("/");
    command.spawn().map_err(|error| Failure::bare(format!("cannot start the gateway: {error}")))?;
    Ok(OK)
}

/// Tells the waiting command how the start went, then leaves it alone: nothing is ever written to its pipe again.
pub(crate) fn report(report: &Report) {
    let mut stdout = io::stdout().lock();
    let line = serde_json::to_string(report).unwrap_or_default();
    let _starter_may_be_gone = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _pipe_stays_open_but_unused = rustix::stdio::dup2_stdout(nowhere);
    }
}

// === impl Report ===

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Told { message, hint, .. } => Self::Failed { message: message.clone(), hint: hint.clone() },
            other => Self::Failed { message: other.to_string().trim_start_matches("error: ").to_owned(), hint: None },
        }
    }
}
