//! `qcc proxy restart`: stops and starts again with the same flags.
//!
//! The configuration is checked first: a gateway that runs is not given up for one that cannot start.

use crate::cli::Listen;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::pidfile;
use crate::serve::farewell;

use super::{start, stop};

pub(crate) fn run(context: Context, listen: Listen) -> Outcome {
    let path = &context.locations.pid;
    let running = pidfile::running(path).map_err(|error| Failure::file("read", path, &error))?;
    let (context, listen) = match running {
        None => (context, listen),
        Some(running) => {
            let record = running.record;
            let listen = Listen { host: listen.host.or(record.host), port: listen.port.or(record.port) };
            let asked_for_another = context.is_explicit() || record.config == context.locations.config;
            (if asked_for_another { context } else { context.with_config(record.config) }, listen)
        }
    };
    let loaded = context.load()?;
    match stop::stop(&context)? {
        Some(how) => context.output.talk(farewell(how)),
        None => context.output.talk("qcc was not running"),
    }
    start::background(&context, &loaded, &listen)
}
