//! The end-to-end test with the real client: Claude Code from npm, the real `qcc` in the background, scripted providers,
//! all on loopback and with a clean home. A fault of the first provider must leave no trace in what Claude Code prints.
//!
//! It stands beside `qcc drill` because a drill's client only imitates. How the real one reacts changes with its
//! versions, and this is what notices.
//!
//! Usage: `cargo build --release && cargo run --release -p qcc-testkit --example e2e_claude -- [--only NAME] [--list]`.
//! `QCC_E2E_CLAUDE_DIR` names a folder in which Claude Code is, or will be, installed. Where npm or its registry cannot
//! be reached, the test says so and counts as passed.

mod install;
#[path = "../common/run.rs"]
mod run;
mod scenario;
mod stage;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use install::{Claude, Found};
use scenario::Scenario;

/// What the command line asked for.
#[derive(Default)]
struct Wish {
    list: bool,
    only: Vec<String>,
}

/// What came of a scenario.
struct Report {
    name: &'static str,
    took: Duration,
    /// What was expected and what came instead.
    broken: Option<String>,
}

fn main() -> ExitCode {
    match perform() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            talk(&format!("e2e_claude: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn perform() -> io::Result<bool> {
    let wish = wish()?;
    let chosen = choose(scenario::all(), &wish.only)?;
    if wish.list {
        let names: String = chosen.iter().map(|scenario| format!("{}\n", scenario.name)).collect();
        io::stdout().write_all(names.as_bytes())?;
        return Ok(true);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // What was started is ended as its values are dropped, so an interrupt must end in order.
        tokio::select! {
            passed = test(&chosen) => passed,
            _ = tokio::signal::ctrl_c() => Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")),
        }
    })
}

fn wish() -> io::Result<Wish> {
    let mut wish = Wish::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => wish.list = true,
            "--only" => wish.only.extend(arguments.next()),
            other => return Err(usage(&format!("`{other}` is unknown\nhint: [--only NAME]... [--list]"))),
        }
    }
    Ok(wish)
}

fn choose(all: Vec<Scenario>, only: &[String]) -> io::Result<Vec<Scenario>> {
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|scenario| scenario.name != **name)) {
        return Err(usage(&format!("no scenario is called `{unknown}`\nhint: `--list` shows their names")));
    }
    Ok(all.into_iter().filter(|scenario| only.is_empty() || only.iter().any(|name| name == scenario.name)).collect())
}

fn usage(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.to_owned())
}

/// Plays the scenarios one after the other: each start of Claude Code takes a core for about a second.
async fn test(chosen: &[Scenario]) -> io::Result<bool> {
    let qcc = run::program()?;
    let claude = match install::claude().await? {
        Found::Claude(claude) => claude,
        Found::Nowhere(why) => {
            io::stdout().write_all(format!("skipped: {why}\n").as_bytes())?;
            return Ok(true);
        }
    };
    let mut reports = Vec::with_capacity(chosen.len());
    for scenario in chosen {
        talk(&format!("{} of {}: {}", reports.len() + 1, chosen.len(), scenario.name));
        let started = Instant::now();
        let broken = scenario.play(&qcc, &claude).await.err();
        reports.push(Report { name: scenario.name, took: started.elapsed(), broken });
    }
    io::stdout().write_all(table(&claude, &reports).as_bytes())?;
    Ok(reports.iter().all(|report| report.broken.is_none()))
}

fn table(claude: &Claude, reports: &[Report]) -> String {
    let width = reports.iter().map(|report| report.name.len()).max().unwrap_or_default();
    let mut text = format!("Claude Code {}\n\n", claude.version);
    for report in reports {
        let mark = if report.broken.is_none() { '✓' } else { '✗' };
        text += &format!("{mark} {:<width$}  {:.1} s\n", report.name, report.took.as_secs_f64());
        for line in report.broken.iter().flat_map(|broken| broken.lines()) {
            text += &format!("    {line}\n");
        }
    }
    let good = reports.iter().filter(|report| report.broken.is_none()).count();
    text + &format!("\n{good} of {} scenarios went unnoticed by Claude Code\n", reports.len())
}

/// Progress goes to stderr; a terminal that has gone away is no reason to stop.
fn talk(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
