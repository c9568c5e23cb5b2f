//! Refusals as providers word them, and what each teaches.

mod here;
mod taught;

use serde_json::{Value, json};

use super::*;
use crate::anthropic::canon::decode_request;
use crate::canon::{Effort, Json, Losses};
use crate::capabilities::{Efforts, Forced, Member, Refused, Thinks};
use crate::openai::{Vendor, encode_request};

/// A request that has everything that can be refused.
fn everything() -> Request {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    let pdf =
        json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}});
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": ""});
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let body = json!({
        "model": "m", "max_tokens": 100_000, "stream": true, "temperature": 0.5, "top_p": 0.9, "top_k": 4,
        "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "system": "Be.",
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "output_config": {"effort": "xhigh", "format": {"type": "json_schema", "schema": schema}},
        "tools": [{"name": "t", "input_schema": schema, "strict": true}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": [image, pdf]},
            {"role": "system", "content": "now"},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "The"}]},
        ],
    });
    let mut request = decode_request(body.to_string().as_bytes()).unwrap();
    let one = || Json::from_text("1".to_owned()).unwrap();
    request.others = ["seed", "presence_penalty", "prompt_cache_key"].map(|name| (name.to_owned(), one())).to_vec();
    request
}

fn bare() -> Request {
    let body = json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "q"}]});
    decode_request(body.to_string().as_bytes()).unwrap()
}

fn ask(status: u16, body: &str, request: &Request, known: &Capabilities) -> Option<Repair> {
    repair(&ErrorFacts::from_response(status, body.as_bytes()), body.as_bytes(), request, known)
}

/// An error of OpenAI's kind.
fn openai(message: &str, param: &str, code: &str) -> String {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}).to_string()
}

/// One of Anthropic's.
fn anthropic(message: &str) -> String {
    json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}).to_string()
}

/// One that is no more than a text.
fn text(message: &str) -> String {
    json!({"error": {"message": message, "type": "BadRequestError", "param": null, "code": 400}}).to_string()
}

fn fastapi(path: &[&str], message: &str) -> String {
    json!({"detail": [{"type": "extra_forbidden", "loc": path, "msg": message, "input": 1}]}).to_string()
}

fn known(set: impl FnOnce(&mut Capabilities)) -> Capabilities {
    let mut known = Capabilities::default();
    set(&mut known);
    known
}

fn without(member: Member) -> Capabilities {
    known(|known| known.refused = Refused::these(&[member]))
}

#[track_caller]
fn teaches(table: &[(String, Capabilities)]) {
    for (body, learned) in table {
        let repair = ask(400, body, &everything(), &Capabilities::UNKNOWN);
        assert_eq!(repair.map(|repair| repair.learned), Some(*learned), "{body}");
        assert_eq!(ask(400, body, &bare(), learned), None, "it is learned once: {body}");
    }
}

#[test]
fn nothing_is_learned_from_what_is_the_requests_own_fault() {
    let table = [
        (
            400,
            anthropic(
                "messages.0.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels",
            ),
        ),
        (
            400,
            anthropic(
                "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
            ),
        ),
        (400, text("Unsupported image format. Only png and jpeg are supported.")),
        (400, anthropic("temperature: range: 0..1")),
        (400, anthropic("max_tokens: Field required")),
        (400, anthropic("messages: at least one message is required")),
        (400, anthropic("prompt is too long: 210000 tokens > 200000 maximum")),
        (
            400,
            openai(
                "Invalid schema for function 't': schema must have a 'type' key.",
                "tools[0].function.parameters",
                "invalid_function_parameters",
            ),
        ),
        (400, anthropic("Your credit balance is too low to access the Anthropic API.")),
        (400, text("The model `m` does not exist")),
        (404, text("model 'm' not found, `temperature` is not supported")),
        (401, anthropic("`temperature` is not supported")),
        (429, anthropic("`temperature` is not supported")),
        (500, anthropic("`temperature` is not supported")),
        (400, String::new()),
        (400, "<html><body>not supported: `temperature`</body></html>".to_owned()),
        (400, text("")),
    ];
    for (status, body) in table {
        assert_eq!(ask(status, &body, &everything(), &Capabilities::UNKNOWN), None, "{status} {body}");
    }
}

/// Case 17: the schema of one tool, or of one answer, says nothing of tools and forms of other requests.
#[test]
fn nothing_is_learned_of_a_model_from_a_schema_that_is_refused() {
    let table = [
        anthropic("tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"),
        anthropic("output_config.format.schema: For 'string' type, property 'minLength' is not supported"),
        openai(
            "Invalid schema for function 'tools': In context=('properties', 'a'), 'default' is not permitted.",
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        openai(
            "Invalid schema for response_format 'answer': In context=(), 'allOf' is not permitted.",
            "response_format",
            "",
        ),
        openai(
            "Invalid schema for response_format 'answer': In context=(), 'allOf' is not permitted.",
            "text.format.schema",
            "invalid_json_schema",
        ),
        text(
            "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type",
        ),
        text(
            "Invalid JSON payload received. Unknown name \"exclusiveMinimum\" at 'tools[0].function_declarations[6].parameters.properties[0].value': Cannot find field.",
        ),
    ];
    for body in table {
        assert_eq!(ask(400, &body, &everything(), &Capabilities::UNKNOWN), None, "{body}");
    }
}

#[test]
fn a_lesson_is_none_where_the_request_has_not_what_was_refused() {
    let refusals = [
        openai(
            "Unsupported parameter: 'temperature' is not supported with this model.",
            "temperature",
            "unsupported_parameter",
        ),
        text("This model does not support image input"),
        text("some-model does not support tools"),
        text("System message must be at the beginning."),
        anthropic("This model does not support assistant message prefill."),
        text("Unrecognized request argument supplied: reasoning_effort"),
        text("tool_choice is not supported"),
        text("Unknown parameter: 'seed'."),
        fastapi(&["body", "stream_options"], "Extra inputs are not permitted"),
    ];
    for refusal in refusals {
        assert_eq!(ask(400, &refusal, &bare(), &Capabilities::UNKNOWN), None, "{refusal}");
    }
}

#[test]
fn a_refusal_is_read_through_what_relays_wrap_around_it() {
    let inner = openai("Unsupported value.", "temperature", "unsupported_value");
    let relayed = [
        json!({"error": {"message": format!("provider error: {inner}"), "code": 400}}).to_string(),
        json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": inner}}}).to_string(),
        json!([{"error": {"message": "x", "upstream_error": serde_json::from_str::<Value>(&inner).unwrap()}}])
            .to_string(),
    ];
    for body in relayed {
        let learned = ask(400, &body, &everything(), &Capabilities::UNKNOWN).map(|repair| repair.learned.sampling);
        assert_eq!(learned, Some(Some(false)), "{body}");
    }
    let mistral = json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "parallel_tool_calls"], "msg": "Extra inputs are not permitted"}]}}).to_string();
    let learned = ask(422, &mistral, &everything(), &Capabilities::UNKNOWN).unwrap().learned;
    assert_eq!(learned.parallel_tools, Some(false));
}

#[test]
fn what_was_learned_is_not_sent_again_and_the_loss_says_so() {
    let refusal = openai(
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "temperature",
        "unsupported_parameter",
    );
    let mut request = bare();
    request.temperature = Some(0.5);
    let written = |known: &Capabilities| {
        let body = encode_request(&request, &Vendor::Unknown.traits(), known, "m", &mut Losses::new()).unwrap().body;
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    assert_eq!(written(&Capabilities::UNKNOWN)["temperature"], 0.5);
    let repair = ask(400, &refusal, &request, &Capabilities::UNKNOWN).unwrap();
    assert_eq!(repair.loss.to_string(), "temperature: changed or left out in a repeat, for the provider refused it");
    assert_eq!(written(&repair.learned).get("temperature"), None);
    assert_eq!(ask(400, &refusal, &request, &repair.learned), None);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_body_is_read_without_a_fault(body in prop::collection::vec(any::<u8>(), 0..300), status in 400_u16..430) {
            drop(ask(status, &String::from_utf8_lossy(&body), &everything(), &Capabilities::UNKNOWN));
        }

        #[test]
        fn no_refusal_is_repaired_for_ever(words in prop::collection::vec(prop::sample::select(WORDS), 1..12)) {
            let body = text(&words.join(" "));
            let (request, mut known) = (everything(), Capabilities::UNKNOWN);
            let mut repeats = 0;
            while let Some(repair) = ask(400, &body, &request, &known) {
                known = repair.learned.or(&known);
                repeats += 1;
                prop_assert!(repeats < 5, "{}", body);
            }
        }
    }

    const WORDS: &[&str] = &[
        "'temperature'",
        "`thinking`",
        "tool_choice",
        "response_format",
        "not supported",
        "image",
        "system",
        "role",
        "'developer'",
        "\"effort\"",
        "one of",
        "'low'",
        "max_tokens",
        "max_completion_tokens",
        "at most",
        "4096",
        "think",
        "enabled",
        "disabled",
        "adaptive",
        "use ",
        "prefill",
        "Unknown name",
        "é",
        "'",
        "...",
        "[0]",
    ];
}
