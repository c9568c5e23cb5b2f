//! Plays a scenario with an agent: codex or Claude Code at work in a folder, asked something on the command line. Their
//! tools are real: the provider has them read a file, and its words must come back.

use std::path::Path;
use std::time::Duration;

use qcc_testkit::replies::{Call, Dialect};
use serde_json::json;

use crate::client::{Client, Kind};
use crate::install::Folder;
use crate::report::{Outcome, exchange};
use crate::run::{Ran, finish};
use crate::scenario::{Actor, Casting, IMAGE, Plot, Scenario};
use crate::stage::Stage;

/// A turn takes seconds; the waits of an agent's own retries may double that.
const TURN_LIMIT: Duration = Duration::from_mins(2);

const PROMPT: &str = "What is in the files here?";

/// What is in the files.
const SECRETS: [(&str, &str); 2] = [("notes.txt", "marmalade-7431"), ("list.txt", "porridge-1208")];

const PICTURE: &str = "picture.png";

/// Plays one scenario.
pub(crate) async fn play(
    client: &Client,
    dialect: Dialect,
    scenario: Scenario,
    folder: &Folder,
    qcc: &Path,
) -> Result<Outcome, String> {
    let stage = Stage::new(qcc).map_err(|error| error.to_string())?;
    prepare(&stage).map_err(|error| error.to_string())?;
    let calls = calls(client, scenario.plot, &stage);
    let casting = Casting { scenario, dialect, calls: &calls, instruction: None, tenacious: true };
    let actors = casting.start().await.map_err(|error| error.to_string())?;
    let address = stage.start(&[("*", &actors)]).await?;
    let ran = match client.kind {
        Kind::Codex => codex(&stage, folder, &address, scenario.plot).await,
        _ => claude(&stage, folder, &address).await,
    };
    let broken = ran.as_ref().map_err(Clone::clone).and_then(|ran| judge(scenario.plot, ran, &actors)).err();
    let exchange = exchange(&format!("{ran:#?}"), &actors, &stage);
    Ok(Outcome { scenario: scenario.name, broken, exchange })
}

fn prepare(stage: &Stage<'_>) -> std::io::Result<()> {
    for (name, secret) in SECRETS {
        std::fs::write(stage.project(name), secret)?;
    }
    std::fs::write(stage.project(PICTURE), decoded(IMAGE))
}

/// What the provider has the agent do.
fn calls(client: &Client, plot: Plot, stage: &Stage<'_>) -> Vec<Call> {
    let files: &[&str] = match plot {
        Plot::Parallel => &[SECRETS[0].0, SECRETS[1].0],
        Plot::Image => &[PICTURE],
        _ => &[SECRETS[0].0],
    };
    let call = |(index, file): (usize, &&str)| {
        let path = stage.project(file);
        let (name, input) = match (client.kind, plot) {
            (Kind::Codex, Plot::Image) => ("view_image", json!({"path": path})),
            (Kind::Codex, _) => ("exec_command", json!({"cmd": format!("cat {file}")})),
            _ => ("Read", json!({"file_path": path})),
        };
        Call { id: format!("call_testkit{index}"), name: name.to_owned(), input }
    };
    files.iter().enumerate().map(call).collect()
}

async fn claude(stage: &Stage<'_>, folder: &Folder, address: &str) -> Result<Ran, String> {
    let mut command = stage.command(&folder.tool("claude"));
    command.env("ANTHROPIC_BASE_URL", address).env("ANTHROPIC_API_KEY", "proxy-managed");
    command.args(["--model", "claude-opus-4-8", "-p", PROMPT]);
    finish(command, TURN_LIMIT).await
}

/// Its answer goes to a file; what it prints besides is its own matter.
async fn codex(stage: &Stage<'_>, folder: &Folder, address: &str, plot: Plot) -> Result<Ran, String> {
    let effort = if plot.thinks() { "model_reasoning_effort = \"high\"\n" } else { "" };
    // Its web search is OpenAI's: a request that offers it is for providers that have it.
    let config = format!(
        "web_search = \"disabled\"\nmodel = \"gpt-5.1\"\nmodel_provider = \"qcc\"\ncheck_for_update_on_startup = false\n{effort}\
         [model_providers.qcc]\nname = \"qcc\"\nbase_url = \"{address}/v1\"\nwire_api = \"responses\"\n\
         env_key = \"QCC_KEY\"\n"
    );
    let home = stage.home(".codex");
    let answer = stage.home("answer.txt");
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    std::fs::write(home.join("config.toml"), config).map_err(|error| error.to_string())?;
    let mut command = stage.command(&folder.tool("codex"));
    command.env("QCC_KEY", "proxy-managed").args(["exec", "--skip-git-repo-check"]);
    // It works in a folder of its own that is thrown away, on two files that are read.
    command.arg("--dangerously-bypass-approvals-and-sandbox").arg("--output-last-message").arg(&answer).arg(PROMPT);
    let ran = finish(command, TURN_LIMIT).await?;
    let out = std::fs::read_to_string(&answer).unwrap_or_default();
    Ok(Ran { err: format!("{}{}", ran.out, ran.err), out, ..ran })
}

fn judge(plot: Plot, ran: &Ran, actors: &[Actor]) -> Result<(), String> {
    let secrets: &[(&str, &str)] = match plot {
        Plot::Parallel => &SECRETS,
        Plot::Image => &[],
        _ => &SECRETS[..1],
    };
    let said = ran.out.trim();
    let whole = said.starts_with("The tools say: ") && secrets.iter().all(|(_, secret)| said.contains(secret));
    if ran.code != Some(0) || !whole {
        let wanted: Vec<&str> = secrets.iter().map(|(_, secret)| *secret).collect();
        let words = ran.err.lines().rfind(|line| line.contains("ERROR")).unwrap_or_default();
        return Err(format!("expected what the tools say, with {wanted:?}, got exit {:?}: {said}\n{words}", ran.code));
    }
    match actors.iter().find(|actor| actor.upstream.posts().is_empty()) {
        Some(actor) => Err(format!("{} was never asked", actor.name)),
        None => Ok(()),
    }
}

/// The bytes of a text in base64 that is known to be right.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values: Vec<usize> = text.chars().filter_map(|letter| LETTERS.find(letter)).collect();
    let bits = |group: &[usize]| group.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - group.len()));
    let bytes = values.chunks(4).flat_map(|group| {
        let bits = bits(group);
        [bits >> 16, bits >> 8, bits].into_iter().take(group.len() - 1)
    });
    bytes.map(|byte| u8::try_from(byte & 0xff).unwrap_or_default()).collect()
}
