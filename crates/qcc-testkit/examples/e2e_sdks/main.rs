//! The end-to-end test of the dialects: the official SDKs of Anthropic and OpenAI, codex and Claude Code, through the real
//! `qcc`, to scripted providers of each dialect that refuse whatever breaks a rule of theirs.
//!
//! It stands beside the golden files because those say what qcc writes, and only a client can say what it bears.
//!
//! Usage: `cargo build && cargo run -p qcc-testkit --example e2e_sdks -- [--client NAME]... [--provider DIALECT]...
//! [--only SCENARIO]... [--list]`. `QCC_E2E_SDKS_DIR` names a folder in which the clients are, or will be, installed. What
//! cannot be installed or run here is named as skipped and counts as passed.

mod agent;
mod client;
mod install;
mod report;
#[path = "../common/run.rs"]
mod run;
mod scenario;
mod sdk;
mod stage;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use client::Client;
use install::{Folder, on_path};
use qcc_testkit::replies::Dialect;
use report::{Row, Why, closing};
use scenario::Scenario;

/// What the command line asked for. An empty list means all.
#[derive(Default)]
struct Wish {
    list: bool,
    clients: Vec<String>,
    providers: Vec<String>,
    scenarios: Vec<String>,
}

fn main() -> ExitCode {
    match perform() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            talk(&format!("e2e_sdks: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn perform() -> io::Result<bool> {
    let wish = wish()?;
    let clients = choose("client", &client::ALL, |client| client.name, &wish.clients)?;
    let dialects = choose("provider", &Dialect::ALL, |dialect| dialect.name(), &wish.providers)?;
    let scenarios = choose("scenario", &scenario::ALL, |scenario| scenario.name, &wish.scenarios)?;
    if wish.list {
        let lists = [
            clients.iter().map(|client| client.name).collect::<Vec<_>>(),
            dialects.iter().map(|dialect| dialect.name()).collect(),
            scenarios.iter().map(|scenario| scenario.name).collect(),
        ];
        let [clients, dialects, scenarios] = lists.map(|names| names.join(" "));
        let text = format!("clients: {clients}\nproviders: {dialects}\nscenarios: {scenarios}\n");
        io::stdout().write_all(text.as_bytes())?;
        return Ok(true);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // What was started is ended as its values are dropped, so an interrupt must end in order.
        tokio::select! {
            passed = test(&clients, &dialects, &scenarios) => passed,
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
            "--client" => wish.clients.extend(arguments.next()),
            "--provider" => wish.providers.extend(arguments.next()),
            "--only" => wish.scenarios.extend(arguments.next()),
            other => {
                let hint = "[--client NAME]... [--provider DIALECT]... [--only SCENARIO]... [--list]";
                return Err(usage(&format!("`{other}` is unknown\nhint: {hint}")));
            }
        }
    }
    Ok(wish)
}

fn choose<T: Copy>(kind: &str, all: &[T], name: impl Fn(&T) -> &'static str, wanted: &[String]) -> io::Result<Vec<T>> {
    if let Some(unknown) = wanted.iter().find(|wanted| all.iter().all(|each| name(each) != **wanted)) {
        return Err(usage(&format!("no {kind} is called `{unknown}`\nhint: `--list` shows their names")));
    }
    let chosen = all.iter().filter(|each| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name(each)));
    Ok(chosen.copied().collect())
}

fn usage(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.to_owned())
}

async fn test(clients: &[Client], dialects: &[Dialect], scenarios: &[Scenario]) -> io::Result<bool> {
    let qcc = run::program()?;
    let folder = Folder::open()?;
    let exchanges = exchanges(&qcc);
    let mut rows = Vec::new();
    for client in clients {
        let missing = available(client, &folder).await.err();
        for &dialect in dialects {
            talk(&format!("{} with {}", client.name, dialect.name()));
            let result = match &missing {
                Some(why) => Err(Why::Skipped(why.clone())),
                None => play(client, dialect, scenarios, &folder, &qcc).await.map_err(Why::Broken),
            };
            let row = Row { client: *client, dialect, result };
            io::stdout().write_all(row.text(&exchanges).as_bytes())?;
            rows.push(row);
        }
    }
    io::stdout().write_all(closing(&rows).as_bytes())?;
    Ok(rows.iter().all(Row::is_good))
}

/// Whether the client is there, or can be had.
async fn available(client: &Client, folder: &Folder) -> Result<(), String> {
    if on_path(client.needs()).is_none() {
        return Err(format!("there is no {} here", client.needs()));
    }
    folder.get(&client.package).await
}

async fn play(
    client: &Client,
    dialect: Dialect,
    scenarios: &[Scenario],
    folder: &Folder,
    qcc: &Path,
) -> Result<Vec<report::Outcome>, String> {
    if !client.is_agent() {
        return sdk::play(client, dialect, scenarios, folder, qcc).await;
    }
    let mut outcomes = Vec::new();
    for &scenario in scenarios.iter().filter(|scenario| scenario.stream) {
        outcomes.push(agent::play(client, dialect, scenario, folder, qcc).await?);
    }
    Ok(outcomes)
}

/// Where the exchanges of failures are kept: beside the program under test.
fn exchanges(qcc: &Path) -> PathBuf {
    qcc.with_file_name("e2e_sdks")
}

/// Progress goes to stderr; a terminal that has gone away is no reason to stop.
fn talk(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
