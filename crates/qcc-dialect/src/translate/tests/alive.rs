//! Signs of life of a provider, and answers in another form than they were asked for.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::*;
use crate::asker::Asker;
use crate::capabilities::Capabilities;

fn back(asker: Asker, dialect: Dialect, body: &Value) -> Back {
    let body = body.to_string();
    let question =
        Question { asker, body: body.as_bytes(), model: None, request_id: "qcc_1", created: 1, recalled: &|_| None };
    Tongue::new(dialect, "http://localhost").outgoing(&question, &Capabilities::default()).unwrap().back
}

fn asking() -> Value {
    json!({"model": "m", "max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "Hi"}]})
}

/// Case 47: who waits has to see that the provider is there, wherever the chunks are cut.
#[test]
fn a_provider_that_only_keeps_the_connection_open_is_passed_on_as_such() {
    let stream = ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n: OPENROUTER PROCESSING\n\n";
    let back = back(Asker::Anthropic, Dialect::OpenAi, &asking());
    let mut whole = back.stream();
    let expected = whole.push(Bytes::from_static(stream.as_bytes()));
    let text = String::from_utf8_lossy(&expected);
    assert_eq!(text.matches(": keep-alive\n\n").count(), 2, "{text}");
    assert!(text.starts_with(": keep-alive\n\nevent: message_start"), "{text}");
    let mut pieces = back.stream();
    let joined: Vec<u8> =
        stream.bytes().flat_map(|byte| pieces.push(Bytes::copy_from_slice(&[byte])).to_vec()).collect();
    assert_eq!(joined, expected);
    let ping = Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    let mut chat = self::back(Asker::OpenAi, Dialect::Anthropic, &asking()).stream();
    assert_eq!(chat.push(ping), ": keep-alive\n\n");
}

/// Cases 36 and 47: a comment in front of data hides nothing, whatever ends the lines.
#[test]
fn a_comment_in_front_of_data_is_no_sign_of_life_alone() {
    let data = r#"data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!(": x{end}{data}{end}{end}");
        let back = back(Asker::Anthropic, Dialect::OpenAi, &asking());
        let down = |pieces: &mut dyn Iterator<Item = &[u8]>| -> Vec<u8> {
            let mut stream = back.stream();
            let mut down: Vec<u8> = pieces.flat_map(|piece| stream.push(Bytes::copy_from_slice(piece))).collect();
            down.extend(stream.finish());
            down
        };
        let whole = down(&mut std::iter::once(stream.as_bytes()));
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(text.contains("\"Hi\"") && text.contains("message_stop") && !text.contains("keep-alive"), "{text}");
        for size in 1..stream.len() {
            assert!(down(&mut stream.as_bytes().chunks(size)) == whole, "{end:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_model_that_only_streams_or_never_does_is_asked_so() {
    let mut asked = asking();
    for (streams, wanted, sent) in [
        (crate::capabilities::Streams::Only, false, true),
        (crate::capabilities::Streams::Never, true, false),
        (crate::capabilities::Streams::Both, false, false),
    ] {
        asked["stream"] = json!(wanted);
        let body = asked.to_string();
        let question = Question {
            asker: Asker::Anthropic,
            body: body.as_bytes(),
            model: None,
            request_id: "qcc_1",
            created: 1,
            recalled: &|_| None,
        };
        let known = Capabilities { streams: Some(streams), ..Capabilities::default() };
        let outgoing = Tongue::new(Dialect::OpenAi, "http://localhost").outgoing(&question, &known).unwrap();
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        assert_eq!((outgoing.stream, body["stream"].as_bool()), (sent, Some(sent)));
    }
}
