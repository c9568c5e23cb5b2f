//! `qcc drill`: every known fault of providers, played against the real gateway in this process, and whether its promise
//! held. No key, no network, no file and no fixed port is needed, so it is what a newcomer can run first.

mod faults;
mod scenario;
mod verdict;

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use owo_colors::{OwoColorize, Style};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cli::Drill;
use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::output::Output;
use crate::progress::Progress;
use crate::table::{Cell, Table};
use scenario::Scenario;

/// Scenarios at once. Most of them wait, so more than there are cores; not all, because each has its own gateway.
const AT_ONCE: usize = 8;

/// Variables that would lead the gateway's requests away from loopback.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What came of one scenario.
#[derive(Debug)]
struct Report {
    name: &'static str,
    promise: &'static str,
    saw: String,
    did: String,
    took: Duration,
    /// What was expected and what came instead; empty when the promise held.
    broken: Vec<String>,
}

pub(crate) fn run(context: &Context, drill: &Drill) -> Outcome {
    let output = context.output;
    let chosen = choose(faults::all(), &drill.only)?;
    if drill.list {
        list(output, &chosen)?;
        return Ok(OK);
    }
    if PROXIES.into_iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(without_proxies());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::bare(format!("cannot start the gateway: {error}")))?;
    let started = Instant::now();
    let reports = runtime.block_on(play(output, chosen))?;
    let took = started.elapsed();
    let broken = reports.iter().filter(|report| !report.broken.is_empty()).count();
    if output.json {
        output.document(&document(&reports, broken, took))?;
    } else {
        output.table(&table(&reports))?;
        let broken_promises = broken_promises(&reports);
        if !broken_promises.is_empty() {
            output.data(broken_promises)?;
        }
        output.data(summary(reports.len(), broken, took))?;
    }
    Ok(if broken == 0 { OK } else { FAILED })
}

/// The scenarios with these names, or all.
fn choose(all: Vec<Scenario>, only: &[String]) -> Result<Vec<Scenario>, Failure> {
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|scenario| scenario.name != **name)) {
        return Err(Failure::usage(format!("there is no fault `{unknown}`"), "`qcc drill --list` shows them"));
    }
    Ok(all.into_iter().filter(|scenario| only.is_empty() || only.iter().any(|name| name == scenario.name)).collect())
}

/// Becomes the same command without the variables that name proxies. Comes back only when that fails.
fn without_proxies() -> Failure {
    let error = std::env::current_exe().map(|program| {
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1));
        for name in PROXIES {
            command.env_remove(name);
        }
        command.exec()
    });
    let error = error.unwrap_or_else(|error| error);
    let hint = "run it with HTTP_PROXY, HTTPS_PROXY and ALL_PROXY unset: the drill must stay on this machine";
    Failure::new(format!("cannot start without a proxy: {error}"), hint)
}

/// Plays them, some at a time, and reports in the order of the list.
async fn play(output: Output, chosen: Vec<Scenario>) -> Result<Vec<Report>, Failure> {
    let all = chosen.len();
    let progress = Progress::start(output, done_of(0, all));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (index, scenario) in chosen.into_iter().enumerate() {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire().await;
            (index, report(&scenario).await)
        });
    }
    let mut reports = Vec::new();
    while let Some(done) = running.join_next().await {
        reports.push(done.map_err(|error| Failure::bare(format!("a scenario did not come to its end: {error}")))?);
        progress.set(done_of(reports.len(), all));
    }
    reports.sort_by_key(|(index, _)| *index);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

async fn report(scenario: &Scenario) -> Report {
    let (name, promise) = (scenario.name, scenario.promise.text());
    match scenario.play().await {
        Ok(seen) => {
            let (saw, did) = (verdict::saw(&seen), verdict::did(&seen));
            Report { name, promise, saw, did, took: seen.took, broken: verdict::judge(scenario, &seen) }
        }
        Err(why) => {
            let broken = vec![format!("it could not be played: {why}")];
            Report { name, promise, saw: "-".to_owned(), did: "-".to_owned(), took: Duration::ZERO, broken }
        }
    }
}

fn list(output: Output, chosen: &[Scenario]) -> Result<(), Failure> {
    if output.json {
        let faults: Vec<_> = chosen.iter().map(|it| json!({"name": it.name, "promise": it.promise.text()})).collect();
        return output.document(&json!({ "faults": faults }));
    }
    let mut table = Table::new(&["FAULT", "PROMISE"]).wrap(1);
    for scenario in chosen {
        table.row(vec![Cell::new(scenario.name), Cell::new(scenario.promise.text())]);
    }
    output.table(&table)
}

fn document(reports: &[Report], broken: usize, took: Duration) -> serde_json::Value {
    let fault = |report: &Report| {
        json!({
            "name": report.name,
            "promise": report.promise,
            "client_saw": report.saw,
            "qcc_did": report.did,
            "ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            "held": report.broken.is_empty(),
            "why": (!report.broken.is_empty()).then(|| report.broken.join("; ")),
        })
    };
    json!({
        "held": reports.len() - broken,
        "broken": broken,
        "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
        "faults": reports.iter().map(fault).collect::<Vec<_>>(),
    })
}

fn table(reports: &[Report]) -> Table {
    let mut table = Table::new(&["", "FAULT", "CLIENT SAW", "QCC DID", "TOOK"]).wrap(2).wrap(3);
    for report in reports {
        table.row(vec![
            Cell::mark(report.broken.is_empty()),
            Cell::new(report.name),
            Cell::new(&report.saw),
            Cell::new(&report.did),
            Cell::styled(time(report.took), Style::new().dimmed()),
        ]);
    }
    table
}

/// What was broken and how. Empty when all was well.
fn broken_promises(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports.iter().filter(|report| !report.broken.is_empty()) {
        text += &format!("\n{} {}: {}", "✗".red(), report.name.bold(), report.promise);
        text.extend(report.broken.iter().map(|finding| format!("\n    {finding}")));
        text += "\n";
    }
    text
}

fn done_of(done: usize, all: usize) -> String {
    format!("drill: {done} of {all} faults")
}

fn time(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

fn summary(all: usize, broken: usize, took: Duration) -> String {
    let text = format!("{} of {all} promises held in {:.1} s", all - broken, took.as_secs_f64());
    if broken == 0 { text.green().to_string() } else { text.red().to_string() }
}

#[cfg(test)]
mod tests;
