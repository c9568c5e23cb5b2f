//! One file per command. This one leads each command line to its file and tells a failure.

use std::process::ExitCode;

use crate::cli::{Cli, Command, Proxy};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Output;
use crate::{daemon, serve};

mod claude;
mod completions;
mod config;
mod doctor;
mod drill;
mod endpoint;
mod env;
mod explain;
mod health;
mod keyed;
mod logs;
mod models;
mod priority;
mod restart;
mod run;
mod setup;
mod start;
mod stats;
mod status;
mod stop;
mod summary;
mod test;

/// Runs the command, tells why if it fails, gives its exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let output = Output::new(&cli.global);
    let context = Context::new(&cli.global, output);
    // The background half was started by a command that has done this, and nobody reads what it says.
    if !matches!(cli.command, Some(Command::Serve(_))) {
        crate::claude::heal(&context);
    }
    match dispatch(context, cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit())
        }
    }
}

fn dispatch(context: Context, command: Option<Command>) -> Outcome {
    match command {
        None => summary::run(&context),
        Some(Command::Init(init)) => setup::init::run(&context, &init),
        Some(Command::Add(add)) => setup::add::run(&context, &add),
        Some(Command::List) => setup::list::run(&context),
        Some(Command::Use { profile }) => priority::switch(&context, &profile),
        Some(Command::Remove(remove)) => setup::remove::run(&context, &remove),
        Some(Command::Endpoint(command)) => endpoint::run(&context, &command),
        Some(Command::Priority(command)) => priority::run(&context, &command),
        Some(Command::Health(command)) => health::run(&context, &command),
        Some(Command::Presets) => setup::presets::run(&context),
        Some(Command::Models { models }) => models::run(&context, &models),
        Some(Command::Proxy(Proxy::Start(start))) => start::run(&context, &start),
        Some(Command::Proxy(Proxy::Stop)) => stop::run(&context),
        Some(Command::Proxy(Proxy::Restart(listen))) => restart::run(context, listen),
        Some(Command::Proxy(Proxy::Status)) => status::run(&context),
        Some(Command::Proxy(Proxy::Logs(logs))) => logs::run(&context, &logs),
        Some(Command::Stats { hours }) => stats::run(&context, hours),
        Some(Command::Explain { request_id }) => explain::run(&context, &request_id),
        Some(Command::Run(command)) => run::run(&context, &command),
        Some(Command::Env(env)) => env::run(&context, &env),
        Some(Command::Claude(command)) => claude::run(&context, &command),
        Some(Command::Test) => test::run(&context),
        Some(Command::Doctor) => doctor::run(&context),
        Some(Command::Config(command)) => config::run(&context, &command),
        Some(Command::Drill(drill)) => drill::run(&context, &drill),
        Some(Command::Completions(completions)) => completions::run(&context, &completions),
        Some(Command::Serve(serve)) if serve.detach => daemon::detach(&context, &serve),
        Some(Command::Serve(serve)) => serve::background(&context, &serve.listen),
    }
}
