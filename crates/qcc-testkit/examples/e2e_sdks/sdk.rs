//! Plays scenarios with an SDK: one gateway and one run of the driver for all of them, each with providers of its own.

use std::path::Path;
use std::time::Duration;

use qcc_testkit::provider::Provider;
use qcc_testkit::replies::{Call, Dialect, INPUT, OUTPUT};
use serde_json::{Value, json};

use crate::client::{Client, Kind};
use crate::install::Folder;
use crate::report::{Outcome, exchange};
use crate::run::finish;
use crate::scenario::{Actor, Casting, IMAGE, Plot, Scenario, THOUGHT};
use crate::stage::Stage;

/// The drivers give up a case after 20 s.
const EACH: Duration = Duration::from_secs(25);

/// What the drivers say before the conversation (`common.py`, `common.mjs`).
const INSTRUCTION: &str = "You answer questions about the weather.";

/// Plays these scenarios with first providers of this dialect.
pub(crate) async fn play(
    client: &Client,
    dialect: Dialect,
    scenarios: &[Scenario],
    folder: &Folder,
    qcc: &Path,
) -> Result<Vec<Outcome>, String> {
    let stage = Stage::new(qcc).map_err(|error| error.to_string())?;
    let mut casts = Vec::new();
    for &scenario in scenarios {
        let calls = calls(scenario.plot);
        let casting = Casting { scenario, dialect, calls: &calls, instruction: Some(INSTRUCTION), tenacious: false };
        casts.push(casting.start().await.map_err(|error| error.to_string())?);
    }
    let routes: Vec<(&str, &[Actor])> =
        scenarios.iter().zip(&casts).map(|(scenario, actors)| (scenario.name, &**actors)).collect();
    let address = stage.start(&routes).await?;
    let saw = drive(client, &stage, folder, &address, scenarios).await?;
    let outcomes = scenarios.iter().zip(&casts).map(|(scenario, actors)| {
        let seen = saw.iter().find(|line| line["name"] == scenario.name).unwrap_or(&Value::Null);
        let broken = judge(client, dialect, *scenario, seen, actors).err();
        let exchange = exchange(&seen.to_string(), actors, &stage);
        Outcome { scenario: scenario.name, broken, exchange }
    });
    Ok(outcomes.collect())
}

/// Runs the driver and returns what it saw.
async fn drive(
    client: &Client,
    stage: &Stage<'_>,
    folder: &Folder,
    address: &str,
    scenarios: &[Scenario],
) -> Result<Vec<Value>, String> {
    let cases = scenarios.iter().map(|scenario| {
        json!({
            "name": scenario.name,
            "model": scenario.name,
            "stream": scenario.stream,
            "think": scenario.plot.thinks(),
            "image": (scenario.plot == Plot::Image).then_some(IMAGE)
        })
    });
    let (program, driver) = match client.kind {
        Kind::Python(driver) => (folder.python(), driver),
        Kind::Node(driver) => (crate::install::on_path("node").unwrap_or_default(), driver),
        Kind::Codex | Kind::Claude => return Err("an agent needs no driver".to_owned()),
    };
    let mut command = stage.command(&program);
    command.arg(folder.driver(driver)).arg(address).arg(cases.collect::<Value>().to_string());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let limit = EACH * u32::try_from(scenarios.len()).unwrap_or(u32::MAX);
    let ran = finish(command, limit).await?;
    if ran.code != Some(0) {
        return Err(format!("the driver ended with {:?}: {}", ran.code, ran.err.trim()));
    }
    Ok(ran.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// What the tools are called with. A letter of two bytes stands in one of them, so that a cut through it is noticed.
fn calls(plot: Plot) -> Vec<Call> {
    let cities: &[&str] = if plot == Plot::Parallel { &["Reykjavík", "Lima"] } else { &["Reykjavík"] };
    let call = |(index, city)| Call {
        id: format!("call_testkit{index}"),
        name: "get_weather".to_owned(),
        input: json!({"city": city}),
    };
    cities.iter().enumerate().map(call).collect()
}

fn judge(client: &Client, dialect: Dialect, scenario: Scenario, seen: &Value, actors: &[Actor]) -> Result<(), String> {
    let raised = seen["raised"].as_str();
    if let Plot::Truncated | Plot::Html = scenario.plot {
        return match raised {
            Some(_) => asked(&actors[0]),
            None => Err(format!("the SDK raised nothing and took this for an answer: {seen}")),
        };
    }
    if let Some(raised) = raised {
        return Err(format!("the SDK raised {raised}"));
    }
    let calls = calls(scenario.plot);
    let returned: Vec<String> =
        calls.iter().map(|call| format!("{}: 17 degrees", call.input["city"].as_str().unwrap_or_default())).collect();
    let spoke = actors.last().map_or(dialect, |actor| actor.dialect);
    let thought = if scenario.plot.thinks() { THOUGHT } else { "" };
    let made: Vec<Value> = calls.iter().map(|call| json!({"name": call.name, "input": call.input})).collect();
    same("text", &seen["text"], &json!(Provider::sentence(returned.iter().map(String::as_str))))?;
    same("calls", &seen["calls"], &json!(made))?;
    same("thought", &seen["thought"], &json!(thought))?;
    same("usage", &seen["usage"], &json!([INPUT, spoke.cached(), OUTPUT]))?;
    actors.iter().try_for_each(asked)?;
    if scenario.plot == Plot::Reasoning && client.keeps_signatures() && dialect != Dialect::Openai {
        return signature_returned(&actors[0]);
    }
    Ok(())
}

fn same(what: &str, got: &Value, expected: &Value) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected}, got {got}")) }
}

fn asked(actor: &Actor) -> Result<(), String> {
    let asked = !actor.upstream.posts().is_empty();
    if asked { Ok(()) } else { Err(format!("{} was never asked", actor.name)) }
}

/// What the provider has signed is in the last request, as it was.
fn signature_returned(actor: &Actor) -> Result<(), String> {
    let last = actor.upstream.posts().pop();
    let returned = last.is_some_and(|post| String::from_utf8_lossy(&post.body).contains(actor.dialect.signature()));
    if returned { Ok(()) } else { Err("the signature of the thinking did not come back to its provider".to_owned()) }
}
