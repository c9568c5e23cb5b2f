//! The other side: clients of this dialect.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::anthropic;
use crate::canon::{Collector, Part, Request, Role, Source, Tool, ToolChoice, ToolNames};
use crate::error::ErrorFacts;
use crate::openai::client::{self, Encoder};
use crate::sse::Splitter;

fn asked(body: &Value) -> Request {
    client::decode_request(body.to_string().as_bytes()).unwrap()
}

fn refused(body: &Value) -> String {
    client::decode_request(body.to_string().as_bytes()).unwrap_err().to_string()
}

fn written(events: &[Event], include_usage: bool) -> String {
    let mut encoder = Encoder::new("gpt-x", "chatcmpl-7", 7, include_usage);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    String::from_utf8(out.to_vec()).unwrap()
}

/// Cases 4, 7, 8: a request of this dialect comes out of the neutral form as it went in.
#[test]
fn a_request_survives_the_way_through_the_neutral_form() {
    let parameters = r#"{"type":"object","properties":{"z":{"maximum":1e3},"a":{}}}"#;
    let mut body = json!({
        "model": "gpt-5.1",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look."},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "t", "arguments": "{\"n\": 1.0}"}},
                {"id": "b", "type": "function", "function": {"name": "t", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "one"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "Well?"},
        ],
        "max_completion_tokens": 99,
        "tools": [{"type": "function", "function": {"name": "t", "description": "d", "parameters": serde_json::from_str::<Value>(parameters).unwrap()}}],
        "tool_choice": {"type": "function", "function": {"name": "t"}},
        "parallel_tool_calls": false,
        "reasoning_effort": "minimal",
        "seed": 7,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    let asked = asked(&body);
    assert!(asked.include_usage);
    let mut losses = Losses::new();
    let encoded =
        encode_request(&asked, &Vendor::OpenAi.traits(), &Capabilities::UNKNOWN, "gpt-5.1", &mut losses).unwrap();
    assert!(losses.is_empty(), "{losses:?}");
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    body["messages"][2]["tool_calls"][1]["function"]["arguments"] = json!("{}");
    body["messages"][4]["content"] = json!("two");
    body["messages"][1]["content"]
        .as_array_mut()
        .unwrap()
        .insert(3, json!({"type": "text", "text": "Document: a.pdf"}));
    assert_eq!(sent, body);
}

#[test]
fn the_operators_first_words_are_the_system_prompt_and_later_ones_stay_in_place() {
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": "A"}, {"role": "developer", "content": [{"type": "text", "text": "B"}]},
        {"role": "user", "content": "Hi"}, {"role": "system", "content": "C"},
        {"role": "assistant", "reasoning_content": "Hm.", "content": "Yes."},
    ]});
    let request = asked(&body);
    let system: Vec<&str> = request.system.iter().map(|text| text.text.as_str()).collect();
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!((system, roles), (vec!["A", "B"], vec![Role::User, Role::System, Role::Assistant]));
    assert_eq!(request.turns[2].parts.len(), 2);
}

#[test]
fn what_cannot_be_understood_is_refused_and_says_where() {
    let message = |message: Value| json!({"model": "m", "messages": [message]});
    let with = |name: &str, value: Value| {
        let mut body = message(json!({"role": "user", "content": "Hi"}));
        body[name] = value;
        body
    };
    let table = [
        (json!([]), "the request body must be an object"),
        (json!({"messages": []}), "model: is missing"),
        (json!({"model": "m"}), "messages: is missing or empty"),
        (
            with("reasoning_effort", json!("huge")),
            "reasoning_effort: must be none, minimal, low, medium, high, xhigh or max",
        ),
        (with("tool_choice", json!("some")), "tool_choice: must be none, auto, required or an object"),
        (
            with("response_format", json!({"type": "xml"})),
            "response_format.type: must be text, json_object or json_schema",
        ),
        (message(json!({"role": "robot"})), "messages.0.role: must be system, developer, user, assistant or tool"),
        (message(json!({"role": "tool", "content": "x"})), "messages.0.tool_call_id: is missing"),
        (message(json!({"role": "user", "content": 7})), "messages.0.content: must be a text or a list of parts"),
    ];
    for (body, why) in table {
        assert_eq!(refused(&body), why, "{body}");
    }
    assert!(client::decode_request(b"{\"model\":").unwrap_err().to_string().contains("not valid JSON"));
}

/// Case 40: clients give back what a model has written as the input of a call, whatever that was.
#[test]
fn the_input_of_a_call_in_the_conversation_need_not_be_an_object() {
    let read = |arguments: &str| {
        let call = json!({"id": "a", "type": "function", "function": {"name": "t", "arguments": arguments}});
        let message = json!({"role": "assistant", "tool_calls": [call]});
        let request = asked(&json!({"model": "m", "messages": [message]}));
        let [Part::ToolUse(call)] = request.turns[0].parts.as_slice() else { panic!("{:?}", request.turns) };
        call.input.text().to_owned()
    };
    assert_eq!([read(""), read("null"), read(" {}")], ["{}", "{}", "{}"].map(str::to_owned));
    assert_eq!(read("{\"a\": \"unfin"), r#"{"input":"{\"a\": \"unfin"}"#);
    assert_eq!(read("[1]"), r#"{"input":"[1]"}"#);
}

/// Case 53: what asks for something that only this dialect's vendors give is for them, and no bad request.
#[test]
fn what_only_this_dialects_vendors_give_is_told_apart_from_what_is_wrong() {
    let message = json!({"role": "user", "content": "Hi"});
    let with = |name: &str, value: Value| asked(&json!({"model": "m", "messages": [&message], name: value}));
    let refused = |name: &str, value: Value| with(name, value).answered_otherwise().map(|(what, _)| what.to_owned());
    assert_eq!(refused("n", json!(2)).as_deref(), Some("n"));
    assert_eq!(refused("modalities", json!(["text", "audio"])).as_deref(), Some("modalities"));
    for (name, value) in
        [("n", json!(1)), ("modalities", json!(["text"])), ("store", json!(true)), ("logit_bias", json!({}))]
    {
        let request = with(name, value);
        assert_eq!((request.answered_otherwise(), request.others.len()), (None, 0), "{name}");
    }
    let call = json!({"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** x"}});
    let called = asked(&json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]}));
    assert!(matches!(&called.turns[0].parts[..], [Part::Other { kind, .. }] if kind == "custom_tool_call"));
}

/// Case 28: a file comes as an address, or as the bytes of a PDF.
#[test]
fn a_file_may_be_given_without_its_kind() {
    let source = |data: &str| {
        let part = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": data}});
        let request = asked(&json!({"model": "m", "messages": [{"role": "user", "content": [part]}]}));
        let [Part::Document(document)] = request.turns[0].parts.as_slice() else { panic!("{:?}", request.turns) };
        document.source.clone()
    };
    let pdf = Source::Base64 { media_type: "application/pdf".to_owned(), data: "JVBERi0=".to_owned() };
    assert_eq!((source("JVBERi0="), source("data:application/pdf;base64,JVBERi0=")), (pdf.clone(), pdf));
    assert_eq!(source("https://a.example/a.pdf"), Source::Url("https://a.example/a.pdf".to_owned()));
}

/// Case 26: of tools of which only some are allowed the others are not there.
#[test]
fn a_choice_among_some_tools_leaves_only_those() {
    let function = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (mode, choice) in [("required", ToolChoice::Any), ("auto", ToolChoice::Auto)] {
        let request = asked(&json!({
            "model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [function("a"), function("b")],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [function("b")]}},
        }));
        assert!(matches!(&request.tools[..], [Tool::Custom { name, .. }] if name == "b"), "{:?}", request.tools);
        assert_eq!((request.tool_choice, request.others), (Some(choice), vec![]));
    }
}

/// Case 20: members without a place are kept by name, a choice in words that are not known too.
#[test]
fn what_has_no_place_is_kept_by_name() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
        "logprobs": true, "verbosity": null, "stop": "END", "tool_choice": {"type": "by_lot"}});
    let request = asked(&body);
    let names: Vec<&str> = request.others.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, request.stop), (vec!["logprobs", "tool_choice"], vec!["END".to_owned()]));
}

/// Every stream that can be read is written so that it reads the same, and is whole only if it was.
#[test]
fn an_answer_survives_the_way_to_the_client() {
    for name in GOLDEN.inputs("stream", ".sse") {
        let events = decode(&GOLDEN.read("stream", &format!("{name}.sse")));
        let text = written(&events, true);
        assert_eq!(text.ends_with("data: [DONE]\n\n"), events.contains(&Event::End), "{name}");
        let again = words(&decode(text.as_bytes()));
        let expected: Vec<String> = words(&events)
            .into_iter()
            .map(|word| word.replace("+signature", "").replace(":.", ":{}.").replace("StopSequencethree", "EndTurn"))
            .collect();
        let faulted = expected.last().is_some_and(|word| word.starts_with("fault"));
        if faulted {
            assert!(again.last().unwrap().starts_with("fault"), "{name}: {again:?}");
        } else if events.contains(&Event::End) {
            let without = |words: Vec<String>| words.into_iter().filter(|word| word != "usage").collect::<Vec<_>>();
            let expected = without(expected);
            let refused = expected.contains(&"Refusal".to_owned());
            let again = without(again);
            assert!(again == expected || refused, "{name}: {again:?} {expected:?}");
        } else {
            assert_eq!(again, expected, "{name}");
        }
    }
}

#[test]
fn chunks_are_as_the_sdks_expect_them() {
    let events = decode(&GOLDEN.read("stream", "openai_tools.sse"));
    let text = written(&events, true);
    let chunks: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let first = json!({"index": 0, "id": "call_A", "type": "function", "function": {"name": "Read", "arguments": ""}});
    assert_eq!(chunks[1]["choices"][0]["delta"]["tool_calls"], json!([first]));
    assert!(
        chunks.iter().all(|chunk| chunk["id"] == "chatcmpl-7" && chunk["model"] == "gpt-x" && chunk["created"] == 7)
    );
    let last = chunks.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["prompt_tokens"]), (&json!([]), &json!(1200)));
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 1024);
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "tool_calls");
    assert!(!written(&events, false).contains("usage"));
}

#[test]
fn a_whole_answer_is_as_the_sdks_expect_it() {
    let message = decode_message(&GOLDEN.read("response", "calls.json"), &ToolNames::new()).unwrap();
    let mut losses = Losses::new();
    let body = client::encode_message(&message, "gpt-x", "chatcmpl-7", 7, &mut losses);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["object"], &body["choices"][0]["finish_reason"]),
        (&json!("chat.completion"), &json!("tool_calls"))
    );
    let said = &body["choices"][0]["message"];
    assert_eq!((&said["content"], &said["reasoning_content"]), (&Value::Null, &json!("Hm.")));
    assert_eq!(said["tool_calls"][0]["function"]["arguments"], "{\"b\": 1.0, \"a\": 1e3}");
    assert_eq!(body["usage"]["total_tokens"], 1234);
    let again = decode_message(body.to_string().as_bytes(), &ToolNames::new()).unwrap();
    assert_eq!((again.parts, again.stop, again.usage.input), (message.parts, message.stop, message.usage.input));
    let error: Value = serde_json::from_slice(&client::error_body(503, "x", "qcc_1")).unwrap();
    let expected = json!({"message": "x", "type": "server_error", "param": null, "code": null});
    assert_eq!(error, json!({"error": expected, "request_id": "qcc_1"}));
}

/// Case 46: Anthropic's word for an overload stays with Anthropic.
#[test]
fn an_overload_is_told_in_this_dialects_word() {
    let fault =
        Event::Fault { status: 529, kind: "overloaded_error".to_owned(), message: "overloaded_error".to_owned() };
    let told = written(&[fault], true);
    assert!(told.contains("\"code\":\"server_is_overloaded\"") && !told.contains("overloaded_error"), "{told}");
}

#[test]
fn a_refusal_has_the_code_by_which_clients_know_it_or_the_providers_own() {
    let code = |status: u16, error: Value| {
        let facts = ErrorFacts::from_response(status, json!({"error": error}).to_string().as_bytes());
        let body: Value = serde_json::from_slice(&client::refusal_body(status, &facts)).unwrap();
        body["error"]["code"].clone()
    };
    assert_eq!(code(400, json!({"message": "x", "code": "content_filter"})), "content_filter");
    assert_eq!(code(400, json!({"message": "maximum context length", "code": "x"})), "context_length_exceeded");
    assert_eq!(code(400, json!({"message": "x", "code": 400})), Value::Null);
    assert_eq!(code(400, json!({"message": "x", "code": "invalid_request_error"})), Value::Null);
    assert_eq!(code(404, json!({"message": "x", "code": 404})), "not_found");
    assert_eq!(code(404, json!({"message": "x", "code": "DeploymentNotFound"})), "model_not_found", "Azure's word");
}

/// From a provider of this dialect to a client of Anthropic's: whole where the answer was, never else.
#[test]
fn every_stream_is_one_for_anthropics_clients_too() {
    for name in GOLDEN.inputs("stream", ".sse") {
        let events = decode(&GOLDEN.read("stream", &format!("{name}.sse")));
        let mut encoder = anthropic::canon::Encoder::new("claude".to_owned(), 100, "msg_1".to_owned());
        let mut out = BytesMut::new();
        events.iter().for_each(|event| encoder.push(event, &mut out));
        let mut watcher = anthropic::Watcher::new();
        let batch = Splitter::new().push(out.freeze());
        batch.events().for_each(|event| drop(watcher.observe(event)));
        assert_eq!(watcher.is_terminal(), events.contains(&Event::End), "{name}");
        let mut collector = Collector::new();
        events.into_iter().for_each(|event| collector.push(event));
        assert_eq!(collector.finish().is_some(), watcher.is_terminal(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..2000, byte in any::<u8>()) {
        drop(client::decode_request(&bytes));
        let mut body = GOLDEN.read("client", "request.json");
        let at = at % body.len();
        body[at] = byte;
        if let Ok(asked) = client::decode_request(&body) {
            drop(encode_request(&asked, &Vendor::Unknown.traits(), &Capabilities::UNKNOWN, "m", &mut Losses::new()));
            drop(anthropic::canon::encode_request(&asked, &Capabilities::UNKNOWN, "claude-opus-5", &mut Losses::new()));
        }
    }
}
