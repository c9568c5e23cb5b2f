//! The terminal: reads the command line, runs one command, turns its outcome into an exit code.
//!
//! Exit codes: 0 done, 1 failed (or: not running, not valid, not reachable), 2 wrong usage. `qcc run` ends as its
//! command ends.

use std::process::ExitCode;

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
    match cli::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => usage::end(&error, &std::env::args_os().skip(1).collect::<Vec<_>>()),
    }
}
