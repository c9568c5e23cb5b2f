//! `qcc proxy stop`: asks the gateway to finish what it does and go, and waits until it is gone.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::claude;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::pidfile::{self, Running, Stopped, Waited};
use crate::progress::Progress;
use crate::serve::farewell;

/// On top of `proxy.drain`: for ending the process once its streams have ended.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn run(context: &Context) -> Outcome {
    let stopped = stop(context)?;
    let output = context.output;
    claude::tell_stopped(context);
    if output.json {
        let (was_running, how) = (stopped.is_some(), stopped.flatten());
        output.document(&json!({
            "was_running": was_running,
            "finished": how.map(|how| how.finished),
            "cut": how.map(|how| how.cut),
        }))?;
        return Ok(OK);
    }
    match stopped {
        Some(how) => output.data(farewell(how))?,
        None => output.data("qcc is not running")?,
    }
    Ok(OK)
}

/// Stops the gateway and waits for its end. `None` when none ran; otherwise what it said at the end, if it did.
///
/// # Errors
/// When it cannot be signalled, or does not end.
pub(super) fn stop(context: &Context) -> Result<Option<Option<Stopped>>, Failure> {
    let path = &context.locations.pid;
    let Some(running) = pidfile::running(path).map_err(|error| Failure::file("read", path, &error))? else {
        return Ok(None);
    };
    let pid = running.record.pid;
    let drain = context.load().map_or(Duration::from_secs(30), |loaded| loaded.config.settings.proxy.drain);
    terminate(&running)?;
    let watch = running.watch();
    let limit = drain + GRACE;
    let progress =
        Progress::start(context.output, format!("waiting for running requests, at most {} s", limit.as_secs()));
    let mut waited = watch.wait(limit);
    if waited == Waited::Running {
        // A second signal ends it at once.
        signal(pid)?;
        progress.set("ending it at once");
        waited = watch.wait(GRACE);
    }
    match waited {
        Waited::Ended(how) => Ok(Some(how)),
        Waited::Running => {
            Err(Failure::new(format!("qcc (pid {pid}) does not stop"), format!("end it by force: `kill -9 {pid}`")))
        }
    }
}

/// The pid is taken from a file that is locked at this moment, so it belongs to the gateway and to nobody else.
fn terminate(running: &Running) -> Result<(), Failure> {
    signal(running.record.pid)
}

fn signal(pid: u32) -> Result<(), Failure> {
    let target = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let target = target.ok_or_else(|| {
        Failure::new(
            format!("the pid file names {pid}, which is no process"),
            "remove the pid file and end qcc by hand",
        )
    })?;
    match kill_process(target, Signal::TERM) {
        // It has gone in this very moment, which is what was wanted.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            let error = io::Error::from(error);
            Err(Failure::new(
                format!("cannot stop qcc (pid {pid}): {error}"),
                "it was started by another user: stop it as that user",
            ))
        }
    }
}
