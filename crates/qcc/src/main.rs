//! The terminal: reads the command line, runs one command, turns its outcome into an exit code.
//!
//! Exit codes: 0 done, 1 failed (or: not running, not valid, not reachable), 2 wrong usage. `qcc run` ends as its
//! command ends.

use std::process::ExitCode;

use clap::Parser;

mod ask;
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
mod port;
mod presets;
mod serve;
mod tail;
mod variables;

/// Many small, short-lived buffers on many threads: mimalloc keeps them from fragmenting a process that runs for weeks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(usage) => {
            // A reader that went away (`qcc --help | head -1`) is no reason to complain.
            let _reader_may_be_gone = usage.print();
            ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
        }
    }
}
