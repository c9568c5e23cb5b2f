//! Whole requests and streams against their snapshots.

use insta::{assert_snapshot, with_settings};

use super::*;

macro_rules! golden {
    ($kind:literal, $name:expr, $text:expr) => {
        with_settings!({snapshot_path => folder($kind), prepend_module_to_snapshot => false, omit_expression => true}, {
            assert_snapshot!($name, $text);
        });
    };
}

fn shown(sent: Result<Sent, Unfit>) -> String {
    match sent {
        Ok(sent) => format!("{:#}\n\nlost:\n{}", sent.body, sent.losses.join("\n")),
        Err(unfit) => format!("unfit: {unfit}"),
    }
}

/// Every request in the folder as it goes to a model that thinks, to one that does not, and to one nobody knows.
#[test]
fn every_request_is_written_as_its_snapshot_says() {
    let never = Capabilities { thinking: Some(Thinks::Never), mid_system: Some(false), ..Capabilities::default() };
    let targets = [("thinks", thinking()), ("does_not_think", never), ("unknown", Capabilities::default())];
    for name in inputs("request", ".json") {
        let body: Value = serde_json::from_slice(&fixture("request", &format!("{name}.json"))).unwrap();
        for (target, capabilities) in &targets {
            golden!("request", format!("{name}.{target}"), shown(try_send(&request(body.clone()), capabilities)));
        }
    }
}

#[test]
fn every_stream_is_read_as_its_snapshot_says() {
    for name in inputs("stream", ".sse") {
        let events = decode(&fixture("stream", &format!("{name}.sse")));
        let lines: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        golden!("stream", name, lines.join("\n"));
    }
}

#[test]
fn an_answer_is_written_as_its_snapshot_says() {
    let events = decode(&fixture("stream", "openai_tools.sse"));
    golden!("client", "stream_of_openai_tools", written(&events, &[]));
}

/// A request of the real codex, read and written for the two dialects that differ most from it.
#[test]
fn a_request_of_codex_is_read_and_written_as_its_snapshots_say() {
    let mut request = client::decode_request(&fixture("client", "codex.json")).unwrap();
    let is_search =
        |tool: &crate::canon::Tool| matches!(tool, crate::canon::Tool::Other { kind, .. } if kind == "web_search");
    assert!(request.tools.iter().any(is_search), "codex always tells of its vendor's search");
    request.tools.retain(|tool| !is_search(tool));
    golden!("client", "codex.responses", shown(try_send(&request, &thinking())));
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
    golden!("client", "codex.anthropic", format!("{body:#}\n\nlost:\n{}", lost.join("\n")));
}
