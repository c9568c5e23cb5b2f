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

/// Every request in the folder as it goes to models that differ most.
#[test]
fn every_request_is_written_as_its_snapshot_says() {
    for name in inputs("request", ".json") {
        let body: Value = serde_json::from_slice(&fixture("request", &format!("{name}.json"))).unwrap();
        for model in [PRO, FLASH_2_5, "my-model"] {
            let written = match try_send(&Capabilities::default(), model, body.clone()) {
                Ok(sent) => format!("{:#}\n\nlost:\n{}", sent.body, sent.losses.join("\n")),
                Err(unfit) => format!("unfit: {unfit}"),
            };
            golden!("request", format!("{name}.{model}"), written);
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
