//! What is played: turns that go well, a provider that dies between two of them, and every fault that was seen to make
//! Claude Code retry, give up or stop in the middle, on the first of two providers.

use std::path::Path;
use std::time::Duration;

use qcc_testkit::replies::{self, Cut, Stream, TruncateAt, status};
use qcc_testkit::{Received, Refusing, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::install::Claude;
use crate::run::Ran;
use crate::stage::Stage;

/// What the user says. The scripted providers do not read it.
const PROMPT: &str = "say hello";

/// What is in the file that Claude Code is made to read.
const SECRET: &str = "marmalade-7431";

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    plot: Plot,
}

enum Plot {
    /// A turn with a good provider.
    Plain,
    /// A turn in which the model calls a tool.
    Tool,
    /// Two turns; the first provider is gone before the second.
    Death,
    /// A turn through `qcc run`.
    Run,
    /// Everything is set up by command, as in the README.
    QuickStart,
    /// Claude Code is led by its own settings, and then no longer.
    Connect,
    /// A turn with a first provider that refuses connections.
    Refused,
    /// A turn with a first provider that answers everything so.
    Fault(Reply),
    /// A turn in which the first provider's stream breaks after its tool call.
    BreakAfterTool,
}

/// Every scenario.
pub(crate) fn all() -> Vec<Scenario> {
    let turns = [
        ("plain-turn", Plot::Plain),
        ("tool-round-trip", Plot::Tool),
        ("provider-dies-between-turns", Plot::Death),
        ("qcc-run", Plot::Run),
        ("quick-start", Plot::QuickStart),
        ("claude-connect", Plot::Connect),
        ("connection-refused", Plot::Refused),
        ("break-after-tool-use", Plot::BreakAfterTool),
    ];
    let faults = statuses().into_iter().chain(answers()).chain(streams());
    let faults = faults.map(|(name, reply)| (name, Plot::Fault(reply)));
    turns.into_iter().chain(faults).map(|(name, plot)| Scenario { name, plot }).collect()
}

/// Refusals. Left alone, Claude Code retries some of them for minutes and gives up at once on others.
fn statuses() -> Vec<(&'static str, Reply)> {
    let api = |code| status(code, "api_error", "scripted", &[]);
    let limit = |headers: &[(&str, &str)]| status(429, "rate_limit_error", "scripted", headers);
    vec![
        ("status-401", status(401, "authentication_error", "scripted", &[])),
        ("status-402", status(402, "billing_error", "scripted", &[])),
        ("status-403", status(403, "permission_error", "scripted", &[])),
        ("status-404", status(404, "not_found_error", "model: claude-opus-4-8", &[])),
        ("status-408", api(408)),
        ("status-409", api(409)),
        ("status-429", limit(&[])),
        ("status-429-wait-90", limit(&[("retry-after", "90")])),
        ("status-429-no-retry", limit(&[("x-should-retry", "false")])),
        ("status-500", api(500)),
        ("status-502-html", replies::html(502)),
        ("status-503", api(503)),
        ("status-503-overloaded", status(503, "overloaded_error", "scripted", &[])),
        ("status-503-wait-90", status(503, "api_error", "scripted", &[("retry-after", "90")])),
        ("status-504", api(504)),
        ("status-520", api(520)),
        ("status-529", status(529, "overloaded_error", "scripted", &[])),
    ]
}

/// What is no stream, or no answer at all.
fn answers() -> Vec<(&'static str, Reply)> {
    let error = replies::error_body("api_error", "scripted");
    let media = [("content-type", "text/event-stream")];
    vec![
        ("closed-before-answer", Reply::new().close()),
        ("reset-before-answer", Reply::new().reset()),
        ("silence", replies::silence()),
        ("error-under-200", replies::json_body(200, &[], &error)),
        ("html-under-200", replies::html(200)),
        ("html-in-the-stream", replies::whole(200, &media, b"<html><body>Sign in</body></html>\n")),
        ("empty-answer", replies::whole(200, &[], b"")),
    ]
}

/// Streams that break before the client has a whole block.
fn streams() -> Vec<(&'static str, Reply)> {
    let cut = |at, how| Stream::text(["never ", "to be ", "seen ", "again"]).truncated(at, how).reply();
    vec![
        ("no-event", replies::empty_stream()),
        ("only-pings", replies::pings_only(Duration::from_millis(500))),
        ("error-event-overloaded", replies::error_event("overloaded_error")),
        ("error-event-api", replies::error_event("api_error")),
        ("error-event-rate-limit", replies::error_event("rate_limit_error")),
        ("end-before-content", cut(TruncateAt::BeforeContent, Cut::Clean)),
        ("cut-before-content", cut(TruncateAt::BeforeContent, Cut::Close)),
        ("stall-before-content", cut(TruncateAt::BeforeContent, Cut::Stall)),
        ("end-in-first-block", cut(TruncateAt::MidFirstBlock, Cut::Clean)),
        ("cut-in-first-block", cut(TruncateAt::MidFirstBlock, Cut::Close)),
        ("half-an-event", cut(TruncateAt::MidEvent, Cut::Close)),
        ("stall-in-first-block", cut(TruncateAt::MidFirstBlock, Cut::Stall)),
    ]
}

// === impl Scenario ===

impl Scenario {
    /// Plays it.
    ///
    /// # Errors
    /// What was expected and what came instead.
    pub(crate) async fn play(&self, qcc: &Path, claude: &Claude) -> Result<(), String> {
        let second = Upstream::start(good("second")).await.map_err(no_port)?;
        let stage = |first: &str| Stage::new(qcc, claude, first, &second.url()).map_err(|error| error.to_string());
        if let Plot::Refused = self.plot {
            let refusing = Refusing::new().map_err(no_port)?;
            let stage = stage(&refusing.url())?;
            return unnoticed(&turn(&stage).await?, &hello("second"));
        }
        let first = Upstream::start(good("first")).await.map_err(no_port)?;
        if let Plot::QuickStart | Plot::Connect = self.plot {
            let stage = Stage::bare(qcc, claude).map_err(|error| error.to_string())?;
            return match self.plot {
                Plot::Connect => connect(&stage, &first).await,
                _ => quick_start(&stage, &first, &second).await,
            };
        }
        let stage = stage(&first.url())?;
        match &self.plot {
            Plot::Plain => {
                unnoticed(&turn(&stage).await?, &hello("first"))?;
                nobody_asked(&second)
            }
            Plot::Tool => tool(&stage, &first).await,
            Plot::Death => death(&stage, first, &second).await,
            Plot::Run => quiet(&stage.qcc_run(&["-p", PROMPT]).await?, &hello("first")),
            Plot::BreakAfterTool => break_after_tool(&stage, &first, &second).await,
            Plot::Fault(reply) => {
                first.set_script(reply.clone());
                unnoticed(&turn(&stage).await?, &hello("second"))?;
                somebody_asked(&first)
            }
            Plot::Refused | Plot::QuickStart | Plot::Connect => Ok(()),
        }
    }
}

/// From nothing to a failover, without a file being opened; then the first provider overloads.
async fn quick_start(stage: &Stage<'_>, first: &Upstream, second: &Upstream) -> Result<(), String> {
    let lines = [
        "init".to_owned(),
        "config set proxy.port 0".to_owned(),
        format!("add work --base-url {} --api-key key-of-first", first.url()),
        format!("add personal --base-url {} --api-key key-of-second", second.url()),
        "add production --description everyday".to_owned(),
        "endpoint add production -f work".to_owned(),
        "add backup --description reserve".to_owned(),
        "endpoint add backup -f personal".to_owned(),
        "priority set production primary".to_owned(),
        "priority set backup secondary".to_owned(),
        "priority policy --auto-failover --auto-recovery".to_owned(),
    ];
    for line in lines {
        stage.qcc(&line).await?;
    }
    unnoticed(&turn(stage).await?, &hello("first"))?;
    nobody_asked(second)?;
    first.set_script(status(529, "overloaded_error", "scripted", &[]));
    unnoticed(&turn(stage).await?, &hello("second"))?;
    // The switch goes to the reserve although the first is well again.
    first.set_script(good("first"));
    stage.qcc("endpoint enable production work").await?;
    stage.qcc("use backup").await?;
    unnoticed(&turn(stage).await?, &hello("second"))?;
    stage.qcc("use auto").await?;
    unnoticed(&turn(stage).await?, &hello("first"))
}

/// Connected, a turn without any variable; disconnected, the settings are what they were.
async fn connect(stage: &Stage<'_>, first: &Upstream) -> Result<(), String> {
    let before = "{\n    \"env\": {\"MINE\": \"1\"},\n    \"includeCoAuthoredBy\": false\n}\n";
    let settings = stage.settings();
    let told = |error: std::io::Error| format!("{}: {error}", settings.display());
    settings.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(told)?;
    std::fs::write(&settings, before).map_err(told)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(no_port)?.port();
    stage.qcc(&format!("config set proxy.port {port}")).await?;
    stage.qcc(&format!("add work --base-url {} --api-key key-of-first", first.url())).await?;
    stage.qcc("claude connect").await?;
    quiet(&stage.bare_claude(&["-p", PROMPT]).await?, &hello("first"))?;
    somebody_asked(first)?;
    stage.qcc("claude disconnect").await?;
    let after = std::fs::read_to_string(&settings).map_err(told)?;
    if after == before { Ok(()) } else { Err(format!("the settings are not what they were:\n{after}")) }
}

/// One turn with everything that Claude Code can tell about it.
async fn turn(stage: &Stage<'_>) -> Result<Ran, String> {
    let address = stage.start().await?;
    stage.claude(&address, &["-p", PROMPT, "--output-format", "stream-json", "--verbose"]).await
}

/// The model asks for a file; its content must come back as the tool's result, and the second answer be printed.
async fn tool(stage: &Stage<'_>, first: &Upstream) -> Result<(), String> {
    let path = stage.file("notes.txt", SECRET).map_err(|error| error.to_string())?;
    let call = Stream::text(["Let me look."]).and_tool_use("Read", &json!({"file_path": path}));
    first.set_script(calling(call.reply(), "first"));
    unnoticed(&turn(stage).await?, &hello("first"))?;
    has_tool_result(first)
}

/// The stream of the call breaks off right after it: the tool is run all the same, and the second provider goes on.
async fn break_after_tool(stage: &Stage<'_>, first: &Upstream, second: &Upstream) -> Result<(), String> {
    let path = stage.file("notes.txt", SECRET).map_err(|error| error.to_string())?;
    let call = Stream::text(["Let me look."]).and_tool_use("Read", &json!({"file_path": path}));
    first.set_script(call.truncated(TruncateAt::AfterToolUse, Cut::Close).reply());
    unnoticed(&turn(stage).await?, &hello("second"))?;
    somebody_asked(first)?;
    has_tool_result(second)
}

async fn death(stage: &Stage<'_>, first: Upstream, second: &Upstream) -> Result<(), String> {
    let address = stage.start().await?;
    quiet(&stage.claude(&address, &["-p", PROMPT]).await?, &hello("first"))?;
    somebody_asked(&first)?;
    nobody_asked(second)?;
    first.stop().await;
    quiet(&stage.claude(&address, &["-p", "--continue", "and again"]).await?, &hello("second"))?;
    let asked = second.posts();
    let knows = asked.iter().any(|post| String::from_utf8_lossy(&post.body).contains(&hello("first")));
    if knows { Ok(()) } else { Err("the second turn does not continue the first".to_owned()) }
}

/// What a good provider of this name answers.
fn hello(name: &str) -> String {
    format!("Hello from {name}.")
}

/// A good provider.
fn good(name: &'static str) -> Script {
    Script::new(move |received, _| good_reply(received, name))
}

/// A good provider that calls a tool first.
fn calling(call: Reply, name: &'static str) -> Script {
    Script::new(move |received, _| {
        if asks_for_stream(received) && tool_results(received).is_empty() {
            return call.clone();
        }
        good_reply(received, name)
    })
}

fn good_reply(received: &Received, name: &str) -> Reply {
    let text = hello(name);
    if received.path.contains("count_tokens") {
        return replies::json_body(200, &[], &json!({"input_tokens": 25}));
    }
    if asks_for_stream(received) { replies::stream([&*text]) } else { replies::message_json(&text) }
}

fn asks_for_stream(received: &Received) -> bool {
    received.json()["stream"] == true
}

/// Every result of a tool in a request.
fn tool_results(received: &Received) -> Vec<Value> {
    let body = received.json();
    let messages = body["messages"].as_array().into_iter().flatten();
    let blocks = messages.filter_map(|message| message["content"].as_array()).flatten();
    blocks.filter(|block| block["type"] == "tool_result").cloned().collect()
}

fn has_tool_result(upstream: &Upstream) -> Result<(), String> {
    let results: Vec<Value> = upstream.posts().iter().flat_map(tool_results).collect();
    if results.iter().any(|result| result["content"].to_string().contains(SECRET)) {
        return Ok(());
    }
    Err(format!("expected the content of the file as a tool's result, got {results:?}"))
}

fn somebody_asked(upstream: &Upstream) -> Result<(), String> {
    let asked = !upstream.posts().is_empty();
    if asked { Ok(()) } else { Err("the faulty provider was never asked, so nothing was shown".to_owned()) }
}

fn nobody_asked(upstream: &Upstream) -> Result<(), String> {
    let asked = upstream.posts().len();
    if asked == 0 { Ok(()) } else { Err(format!("the second provider was asked {asked} times without need")) }
}

/// Plain output: the answer, and not a word besides.
fn quiet(ran: &Ran, answer: &str) -> Result<(), String> {
    // `qcc run` says on standard error where it runs; nothing else may stand there.
    let words: Vec<&str> = ran.err.lines().filter(|line| !line.starts_with("qcc is running: ")).collect();
    if ran.code == Some(0) && ran.out.trim_end() == answer && words.is_empty() {
        return Ok(());
    }
    Err(format!("expected only {answer:?} and exit 0, got exit {:?}: {}{}", ran.code, ran.out, ran.err))
}

/// Detailed output: the answer, and no retry on the way to it.
fn unnoticed(ran: &Ran, answer: &str) -> Result<(), String> {
    let lines: Vec<Value> = ran.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if let Some(retry) = lines.iter().find(|line| line["subtype"] == "api_retry") {
        return Err(format!("Claude Code had to try again: {retry}"));
    }
    let last = lines.iter().rfind(|line| line["type"] == "result");
    let result = last.and_then(|line| line["result"].as_str()).unwrap_or("nothing");
    let failed = last.is_none_or(|line| line["is_error"] != false);
    if ran.code == Some(0) && !failed && result == answer {
        return Ok(());
    }
    Err(format!("expected {answer:?} and exit 0, got exit {:?}: {result}\n{}", ran.code, ran.err))
}

fn no_port(error: std::io::Error) -> String {
    format!("no port of 127.0.0.1 could be had: {error}")
}
