//! The terminal: reads the command line, runs one command, turns its outcome into an exit code.
//!
//! Exit codes: 0 done, 1 failed (or: not running, not valid, not reachable), 2 wrong usage. `qcc run` ends as its
//! command ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;

mod ask;
mod claude;
mod cli;
mod commands;
mod context;
mod daemon;
mod edits;
mod failure;
mod live;
mod names;
mod output;
mod pidfile;
mod place;
mod port;
mod presets;
mod progress;
mod prompt;
mod serve;
mod stdin;
mod table;
mod tail;
mod usage;
mod variables;

/// Many small, short-lived buffers on many threads: mimalloc keeps them from fragmenting a process that runs for weeks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    survive_full_files();
    match cli::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => usage::end(&error, &std::env::args_os().skip(1).collect::<Vec<_>>()),
    }
}

/// A write beyond the limit of the shell (`ulimit -f`) then fails like one on a full disk, and can be told and cleaned up
/// after. By default the signal ends the program between two steps.
fn survive_full_files() {
    let _only_the_default_is_replaced =
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}
