//! Whole requests and streams against their snapshots.

use super::*;

/// Every request in the folder as it goes to a model that thinks, to one that does not, and to one nobody knows.
#[test]
fn every_request_is_written_as_its_snapshot_says() {
    let never = Capabilities { thinking: Some(Thinks::Never), mid_system: Some(false), ..Capabilities::default() };
    let targets = [("thinks", thinking()), ("does_not_think", never), ("unknown", Capabilities::default())];
    for name in GOLDEN.inputs("request", ".json") {
        let body: Value = serde_json::from_slice(&GOLDEN.read("request", &format!("{name}.json"))).unwrap();
        for (target, capabilities) in &targets {
            golden!(
                GOLDEN,
                "request",
                format!("{name}.{target}"),
                Sent::shown(try_send(&request(body.clone()), capabilities))
            );
        }
    }
}

#[test]
fn every_stream_is_read_as_its_snapshot_says() {
    for name in GOLDEN.inputs("stream", ".sse") {
        let events = decode(&GOLDEN.read("stream", &format!("{name}.sse")));
        golden!(GOLDEN, "stream", name, lines(&events));
    }
}

#[test]
fn an_answer_is_written_as_its_snapshot_says() {
    let events = decode(&GOLDEN.read("stream", "openai_tools.sse"));
    golden!(GOLDEN, "client", "stream_of_openai_tools", written(&events, &[]));
}

/// A request of the real codex, read and written for the two dialects that differ most from it.
#[test]
fn a_request_of_codex_is_read_and_written_as_its_snapshots_say() {
    let mut request = client::decode_request(&GOLDEN.read("client", "codex.json")).unwrap();
    let is_search =
        |tool: &crate::canon::Tool| matches!(tool, crate::canon::Tool::Other { kind, .. } if kind == "web_search");
    assert!(request.tools.iter().any(is_search), "codex always tells of its vendor's search");
    request.tools.retain(|tool| !is_search(tool));
    golden!(GOLDEN, "client", "codex.responses", Sent::shown(try_send(&request, &thinking())));
    let mut losses = Losses::new();
    let body = crate::anthropic::canon::encode_request(
        &request,
        &Capabilities::of_model("claude-opus-5"),
        "claude-opus-5",
        &mut losses,
    )
    .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let lost: Vec<String> = losses.iter().map(ToString::to_string).collect();
    golden!(GOLDEN, "client", "codex.anthropic", format!("{body:#}\n\nlost:\n{}", lost.join("\n")));
}
