//! Whole requests and streams against their snapshots.

use super::*;

/// Every request in the folder as it goes to providers that differ most.
#[test]
fn every_request_is_written_as_its_snapshot_says() {
    let targets = [
        (Vendor::OpenAi, "gpt-5.1"),
        (Vendor::OpenRouter, "anthropic/claude-sonnet-5"),
        (Vendor::DeepSeek, "deepseek-v4-pro"),
        (Vendor::Mistral, "mistral-large"),
        (Vendor::Unknown, "some-model"),
    ];
    for name in GOLDEN.inputs("request", ".json") {
        let body: Value = serde_json::from_slice(&GOLDEN.read("request", &format!("{name}.json"))).unwrap();
        for (vendor, model) in targets {
            let written = Sent::shown(try_send(&vendor.traits(), model, body.clone()));
            golden!(GOLDEN, "request", format!("{name}.{vendor:?}"), written);
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
