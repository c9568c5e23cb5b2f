//! Whole requests and streams against their snapshots.

use super::*;

/// Every request in the folder as it goes to models that differ most.
#[test]
fn every_request_is_written_as_its_snapshot_says() {
    for name in GOLDEN.inputs("request", ".json") {
        let body: Value = serde_json::from_slice(&GOLDEN.read("request", &format!("{name}.json"))).unwrap();
        for model in [PRO, FLASH_2_5, "my-model"] {
            let written = Sent::shown(try_send(&Capabilities::default(), model, body.clone()));
            golden!(GOLDEN, "request", format!("{name}.{model}"), written);
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
