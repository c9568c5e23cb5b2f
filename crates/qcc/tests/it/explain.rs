//! What became of a request, and how the providers do, by command.

use insta::assert_snapshot;
use qcc_testkit::{Request, Upstream, claude::claude_request, exchange, replies};
use regex::Regex;

use crate::home::{Ended, Home};

/// A gateway whose first provider fails, after one request, and the request's id.
async fn after_one_request() -> (Home, String) {
    let work = Upstream::start(replies::status(500, "api_error", "down", &[])).await.unwrap();
    let relay = Upstream::start(replies::message_json("from relay")).await.unwrap();
    let home = Home::with(&format!(
        "
proxy: {{port: 0}}
retry: {{same_provider: 0}}
breaker: {{failure_threshold: 1}}
providers:
  - {{name: work, base_url: '{}', auth_value: k1}}
  - {{name: relay, base_url: '{}', auth_value: k2}}
profiles:
  production: {{tier: primary, endpoints: [{{provider: work}}]}}
  backup: {{tier: secondary, endpoints: [{{provider: relay}}]}}
",
        work.url(),
        relay.url()
    ));
    let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "").parse().unwrap();
    let answer = exchange(address, &claude_request("claude-sonnet-5", false, 4)).await.unwrap();
    let id = answer.header("x-qcc-request-id").unwrap().to_owned();
    (home, id)
}

/// With every time and the id replaced.
fn shown(ended: &Ended, home: &Home, id: &str) -> String {
    let text = ended.shown(home).replace(id, "[id]");
    let times = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
        (r"\d+ ms|\d+\.\d s", "[span]"),
        (r"\b(\d+m( \d+s)?|\d+s)\b", "[wait]"),
        (r"(AFTER|TOOK|MEDIAN|P95|FIRST EVENT|RETRY IN|\[span\]|\[wait\]| -) {2,}", "$1  "),
    ];
    times
        .iter()
        .fold(text, |text, (pattern, stable)| Regex::new(pattern).unwrap().replace_all(&text, *stable).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_explained_with_its_tries_and_reasons() {
    let (home, id) = after_one_request().await;
    assert_snapshot!(shown(&home.qcc(&["explain", &id]), &home, &id), @r"
    exit 0
    --- stdout
    request  [id]
    time     [time]
    asked    claude-sonnet-5, in one piece, POST /v1/messages
    end      a whole answer, status 200, stopped by end_turn
    why      relay, in the turn of the profile backup: after 1 failed attempt
    took     [span], first byte after [span]
    tokens   25 in, 15 out, 0 read from the cache, 0 written to it

       AFTER  PROVIDER  RESULT    STATUS  TOOK  WHY
    ✗  [span]  work      failed    500     [span]  500 api_error: down; blame: provider; charged: fault
    ✓  [span]  relay     answered  200     [span]
    ");
    let document = home.json(&["explain", &id]);
    assert_eq!(document["attempts"][0]["provider"], "work");
    home.qcc(&["proxy", "stop"]);
    assert_eq!(home.json(&["explain", &id]), document, "the database alone says the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_explained_with_what_a_translation_lost_or_could_not_do() {
    let upstream = Upstream::start(replies::message_json("hi")).await.unwrap();
    let home = Home::with(&format!(
        "proxy: {{port: 0}}\nproviders: [{{name: relay, base_url: '{}', auth_value: k1}}]\n",
        upstream.url()
    ));
    let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "").parse().unwrap();
    let body = serde_json::json!({"model": "m", "logprobs": true, "messages": [{"role": "user", "content": "Hi"}]});
    let answer = exchange(address, &Request::post_json("/v1/chat/completions", &body)).await.unwrap();
    let id = answer.header("x-qcc-request-id").unwrap();
    assert_snapshot!(shown(&home.qcc(&["explain", id]), &home, id), @"
    exit 0
    --- stdout
    request     [id]
    time        [time]
    asked       m, in one piece, POST /v1/chat/completions
    end         a whole answer, status 200, stopped by stop
    why         relay: first in line
    took        [span], first byte after [span]
    tokens      25 in, 15 out, 0 read from the cache, 0 written to it
    translated  openai to anthropic and back: logprobs: dropped

       AFTER  PROVIDER  RESULT    STATUS  TOOK
    ✓  [span]  relay     answered  200     [span]
    ");
    let body = serde_json::json!({"model": "m", "input": "Hi", "previous_response_id": "resp_1"});
    let answer = exchange(address, &Request::post_json("/v1/responses", &body)).await.unwrap();
    let id = answer.header("x-qcc-request-id").unwrap();
    assert_snapshot!(shown(&home.qcc(&["explain", id]), &home, id), @"
    exit 0
    --- stdout
    request  [id]
    time     [time]
    asked    m, in one piece, POST /v1/responses
    end      nobody answered, status 403
    why      nobody could be asked
    took     [span]
    error    No provider can be asked this: relay: it cannot be asked this: previous_response_id: the conversation is kept elsewhere. hint: leave it out of the request, add a provider that can, or set `drop_server_tools` in a provider's capabilities where a tool may be left out

       AFTER  PROVIDER  RESULT       WHY
    ·  [span]  relay     passed over  it cannot be asked this: previous_response_id: the conversation is kept elsewhere
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_are_told_with_health_and_traffic() {
    let (home, id) = after_one_request().await;
    assert_snapshot!(shown(&home.qcc(&["stats"]), &home, &id), @r"
    exit 0
    --- stdout
       PROVIDER  HEALTH   REQUESTS  OK       FAILURES  MEDIAN  P95  FIRST EVENT  TOKENS  RETRY IN  LAST ERROR
    ✗  work      down     1         0.0 %    1         -  -     -  0       [wait]  500 api_error: down
    ✓  relay     healthy  1         100.0 %  0         [span]  [span]  -            40
    Overall: 1/2 healthy, 0 recovering, 1 down
    ");
    let document = home.json(&["stats", "--hours", "1"]);
    assert_eq!((&document["overall"]["healthy"], &document["overall"]["down"]), (&1.into(), &1.into()));
    home.qcc(&["proxy", "stop"]);
    assert_snapshot!(shown(&home.qcc(&["stats"]), &home, &id), @r"
    exit 0
    --- stdout
    PROVIDER  HEALTH  REQUESTS  OK       FAILURES  MEDIAN  P95  FIRST EVENT  TOKENS  LAST ERROR
    relay     -  1         100.0 %  0         [span]  [span]  -            40
    work      -  1         0.0 %    1         -  -     -  0       500 api_error: down
    --- stderr
    the gateway is not running, so nothing is known of their health: `qcc proxy start`
    ");
}

#[test]
fn what_is_not_known_is_said() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["explain", "nothing"]).shown(&home), @r"
    exit 1
    --- stderr
    error: there is no request `nothing`
    hint: ids are in `qcc proxy logs --grep request_finished`; rows are kept for storage.retention
    ");
    assert_snapshot!(home.qcc(&["stats"]).shown(&home), @r"
    exit 0
    --- stdout
    no request in the last 24 hours
    --- stderr
    the gateway is not running, so nothing is known of their health: `qcc proxy start`
    ");
    assert_eq!(home.qcc(&["stats", "--hours", "0"]).code, Some(2));
}
