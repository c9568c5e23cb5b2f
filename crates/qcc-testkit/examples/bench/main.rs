//! The benchmark: what does a gateway cost? The same load goes straight to a mock provider, through nginx and through
//! qcc, on loopback, in turns, so that the noise of the machine falls on all three. The answer is Markdown on stdout.
//!
//! nginx is the yardstick because it is the fastest proxy that people would otherwise put there: it moves bytes and
//! decides nothing. Ratios to it survive a change of machine; absolute numbers do not.
//!
//! Usage: `cargo run --release -p qcc-testkit --example bench -- [--quick] [--only NAME] [--list]`, after
//! `cargo build --release`.

mod answers;
mod ask;
mod load;
mod measure;
mod mock;
mod process;
mod report;
mod scenario;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use scenario::{SCENARIOS, Scenario};
use target::{Kind, Setup};

/// What the command line asked for.
#[derive(Default)]
struct Wish {
    quick: bool,
    list: bool,
    only: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            talk(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    process::raise_file_limit()?;
    // One thread each for the mock and for the load: the machine belongs to the proxy.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if arguments.first().is_some_and(|first| first == "upstream") {
        return runtime.block_on(mock::serve());
    }
    let wish = wish(arguments)?;
    if wish.list {
        let lines: String =
            SCENARIOS.iter().map(|scenario| format!("{}: {}\n", scenario.name, scenario.title)).collect();
        return io::stdout().write_all(lines.as_bytes());
    }
    runtime.block_on(bench(&wish))
}

fn wish(arguments: Vec<String>) -> io::Result<Wish> {
    let mut wish = Wish::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => wish.quick = true,
            "--list" => wish.list = true,
            "--only" => wish.only.extend(arguments.next()),
            other => {
                let text = format!("`{other}` is unknown\nhint: [--quick] [--only NAME]... [--list]");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
    }
    if let Some(unknown) = wish.only.iter().find(|name| SCENARIOS.iter().all(|scenario| scenario.name != **name)) {
        let text = format!("no scenario is called `{unknown}`\nhint: `--list` shows their names");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(wish)
}

async fn bench(wish: &Wish) -> io::Result<()> {
    let setup = Setup::new().await?;
    for missing in setup.missing() {
        talk(&missing);
    }
    let chosen: Vec<&Scenario> = SCENARIOS
        .iter()
        .filter(|scenario| wish.only.is_empty() || wish.only.iter().any(|name| name == scenario.name))
        .collect();
    let rounds = if wish.quick { 1 } else { 3 };
    let mut out = io::stdout();
    out.write_all(report::heading(&setup, rounds, wish.quick).as_bytes())?;
    for scenario in chosen {
        talk(&format!("{}: {}", scenario.name, scenario.title));
        let mut results = report::Results::default();
        for round in 0..rounds {
            for kind in setup.kinds() {
                let sample = scenario.run(kind, &setup, wish.quick).await;
                let sample = sample.map_err(|error| about(scenario, kind, &error))?;
                talk(&format!("  round {} {:<6} {}", round + 1, kind.name(), report::in_short(&sample)));
                results.add(round, kind, sample);
            }
        }
        out.write_all(report::table(scenario, &setup.kinds(), &results).as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

fn about(scenario: &Scenario, kind: Kind, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} through {}: {error}", scenario.name, kind.name()))
}

/// Progress goes to stderr; a terminal that has gone away is no reason to stop.
fn talk(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
