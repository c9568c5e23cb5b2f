//! What is configured or learned of a model wins over what holds for its vendor.

use super::*;
use crate::canon::Effort;
use crate::capabilities::{Efforts, Forced, Member, Refused, Thinks};

fn known(set: impl FnOnce(&mut Capabilities)) -> Capabilities {
    let mut known = Capabilities::default();
    set(&mut known);
    known
}

fn to(vendor: Vendor, known: &Capabilities, body: Value) -> Sent {
    try_send_known(&vendor.traits(), known, "some-model", body).unwrap()
}

fn refusal(known: &Capabilities, body: Value) -> Option<String> {
    try_send_known(&Vendor::Unknown.traits(), known, "some-model", body).err().map(|unfit| unfit.to_string())
}

fn user(content: Value) -> Value {
    conversation(json!([{"role": "user", "content": content}]))
}

fn image() -> Value {
    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}})
}

/// Case 28: what the target cannot read would be missing from the answer.
#[test]
fn what_the_model_cannot_read_or_call_makes_the_request_unfit() {
    let pdf =
        json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}});
    let text = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}});
    let tool = json!([{"name": "t", "input_schema": {"type": "object"}}]);
    let result = conversation(json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [call("a", "t")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [image()]}]},
    ]));
    let blind = known(|known| known.images = Some(false));
    let why = Some("messages.content.image: the model reads no images".to_owned());
    assert_eq!(refusal(&blind, user(json!([image()]))), why);
    assert_eq!(refusal(&blind, result), why, "in the result of a tool too");
    assert_eq!(refusal(&blind, user(json!("q"))), None);
    let unread = known(|known| known.documents = Some(false));
    let why = Some("messages.content.document: the model reads no documents".to_owned());
    assert_eq!((refusal(&unread, user(json!([pdf.clone()]))), refusal(&unread, user(json!([text])))), (why, None));
    let handless = known(|known| known.tools = Some(false));
    let why = Some("tools: the model cannot call tools".to_owned());
    assert_eq!(refusal(&handless, json!({"tools": tool})), why);
    let none = json!({"tools": tool, "tool_choice": {"type": "none"}});
    assert_eq!((refusal(&handless, none), refusal(&handless, json!({}))), (None, None));
    let reads = known(|known| (known.images, known.documents) = (Some(true), Some(true)));
    let sent = to(Vendor::DeepSeek, &reads, user(json!([image(), pdf])));
    let parts = said(&sent)[0].1.clone();
    let kinds: Vec<&str> = parts.as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["image_url", "file"]);
}

#[test]
fn a_prompt_that_cannot_fit_is_not_sent_and_one_that_may_is() {
    let small = known(|known| known.context = Some(1_000));
    let why = "messages: prompt is too long: 1001 tokens > 1000 maximum";
    assert_eq!(refusal(&small, user(json!("a ".repeat(1_001)))).as_deref(), Some(why));
    assert_eq!(refusal(&small, user(json!("a ".repeat(1_000)))), None);
    assert_eq!(refusal(&small, user(json!("\u{4f60}".repeat(100_000)))), None, "who knows how long its words are");
    let data = "A".repeat(1_000_000);
    let large = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    assert_eq!(refusal(&small, user(json!([large]))), None, "an image is worth a thousand");
    let system = json!({"system": "b ".repeat(600), "messages": [{"role": "user", "content": "a ".repeat(600)}]});
    assert!(refusal(&small, system).is_some(), "all texts together count");
}

/// Case 23: the limit is clamped, under the name that the model knows.
#[test]
fn limits_are_clamped_to_what_is_known() {
    let short = known(|known| (known.max_output, known.max_completion_tokens) = (Some(500), Some(true)));
    let sent = to(Vendor::Unknown, &short, json!({}));
    assert_eq!((sent.body.get("max_tokens"), &sent.body["max_completion_tokens"]), (None, &json!(500)));
    assert_eq!(sent.losses, ["max_tokens: clamped to 500"]);
    let old = known(|known| known.max_completion_tokens = Some(false));
    assert_eq!(to(Vendor::OpenAi, &old, json!({})).body["max_tokens"], 1000);
}

/// Case 25: sampling goes only to models that take it.
#[test]
fn members_that_are_refused_are_left_out_and_named() {
    let body = json!({"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["x"], "stream": true, "metadata": {"user_id": "u"}});
    let cold = known(|known| (known.sampling, known.stop) = (Some(false), Some(false)));
    let sent = to(Vendor::OpenAi, &cold, body.clone());
    assert_eq!(sent.losses, ["temperature: dropped", "top_p: dropped", "stop_sequences: dropped"]);
    let refused = [Member::TopP, Member::StreamOptions, Member::User];
    let picky = known(|known| known.refused = Refused::these(&refused));
    let sent = to(Vendor::OpenAi, &picky, body);
    assert_eq!(sent.losses, ["top_p: dropped", "metadata.user_id: dropped"]);
    let members = ["temperature", "top_p", "stream_options", "safety_identifier"];
    assert_eq!(members.map(|name| sent.body.get(name).is_some()), [true, false, false, false]);
    let mut asked = request(json!({}));
    let seven = || crate::canon::Json::from_text("7".to_owned()).unwrap();
    asked.others = vec![("seed".to_owned(), seven()), ("presence_penalty".to_owned(), seven())];
    let seedless = known(|known| known.refused = Refused::these(&[Member::Seed]));
    let mut losses = Losses::new();
    let encoded = encode_request(&asked, &Vendor::Unknown.traits(), &seedless, "m", &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!((body.get("seed"), &body["presence_penalty"]), (None, &json!(7)));
    assert_eq!(losses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["seed: dropped"]);
}

/// Case 26: a choice that the model does not take.
#[test]
fn choices_of_tools_go_as_far_as_the_model_takes_them() {
    let body = |choice: Value| json!({"tools": [{"name": "t", "strict": true, "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}}], "tool_choice": choice});
    let any = || body(json!({"type": "any"}));
    let free = known(|known| known.forced_tools = Some(Forced::No));
    let sent = to(Vendor::OpenAi, &free, any());
    assert_eq!(
        (&sent.body["tool_choice"], sent.losses),
        (&json!("auto"), vec!["tool_choice: sent as auto".to_owned()])
    );
    let silent = known(|known| known.refused = Refused::these(&[Member::ToolChoice]));
    let sent = to(Vendor::OpenAi, &silent, any());
    assert_eq!((sent.body.get("tool_choice"), sent.losses), (None, vec!["tool_choice: dropped".to_owned()]));
    assert_eq!(to(Vendor::OpenAi, &silent, body(json!({"type": "auto"}))).losses, [""; 0]);
    let single = json!({"type": "auto", "disable_parallel_tool_use": true});
    let plain = known(|known| (known.parallel_tools, known.strict_tools) = (Some(false), Some(false)));
    let sent = to(Vendor::OpenAi, &plain, body(single));
    assert_eq!(sent.body["tools"][0]["function"].get("strict"), None);
    assert_eq!(sent.losses, ["tools.strict: dropped", "tool_choice.disable_parallel_tool_use: dropped"]);
}

/// Case 27: a way to think that the model does not have.
#[test]
fn thinking_is_told_only_as_far_as_the_model_can_be_told() {
    let effort = |word: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": word}});
    let sent = |vendor, known: &Capabilities, body| {
        let sent = to(vendor, known, body);
        let members = ["reasoning_effort", "reasoning", "thinking"].map(|name| sent.body.get(name).cloned());
        (members.into_iter().flatten().next(), sent.losses.join("; "))
    };
    let three = known(|known| known.efforts = Some(Efforts::these([Effort::Low, Effort::High])));
    let lost = |text: &str| text.to_owned();
    assert_eq!(
        sent(Vendor::Unknown, &three, effort("medium")),
        (Some(json!("high")), lost("output_config.effort: sent as high"))
    );
    assert_eq!(
        sent(Vendor::OpenRouter, &three, effort("max")),
        (Some(json!({"effort": "high"})), lost("output_config.effort: sent as high"))
    );
    let untold = known(|known| known.effort = Some(false));
    assert_eq!(sent(Vendor::Unknown, &untold, effort("low")), (None, lost("output_config.effort: dropped")));
    let never = known(|known| known.thinking = Some(Thinks::Never));
    assert_eq!(
        sent(Vendor::DeepSeek, &never, effort("high")),
        (None, lost("thinking: left to the model; output_config.effort: dropped"))
    );
    let always =
        known(|known| (known.thinking, known.forced_tools) = (Some(Thinks::Always), Some(Forced::WithoutThinking)));
    let off = json!({"thinking": {"type": "disabled"}});
    assert_eq!(sent(Vendor::OpenRouter, &always, off), (None, lost("thinking: cannot be switched off")));
    let forced = json!({"tools": [{"name": "t", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}});
    assert_eq!(to(Vendor::OpenRouter, &always, forced).body["tool_choice"], "auto");
}

#[test]
fn the_conversation_is_put_as_the_model_takes_it() {
    let operator = conversation(json!([{"role": "user", "content": "q"}, {"role": "system", "content": "now"}]));
    let roles = |sent: &Sent| said(sent).into_iter().map(|(role, _)| role).collect::<Vec<_>>();
    let hears = known(|known| (known.mid_system, known.developer_role) = (Some(true), Some(true)));
    assert_eq!(roles(&to(Vendor::Unknown, &hears, operator.clone())), ["user", "developer"]);
    let deaf = known(|known| known.mid_system = Some(false));
    assert_eq!(roles(&to(Vendor::OpenAi, &deaf, operator)), ["user"]);
    let begun = conversation(json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "The"}]));
    let goes_on = known(|known| known.prefill = Some(true));
    let sent = to(Vendor::Unknown, &goes_on, begun);
    assert_eq!((roles(&sent), sent.losses), (vec!["user".to_owned(), "assistant".to_owned()], vec![]));
    let spoken = conversation(
        json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]),
    );
    let strict = known(|known| known.needs_thinking = Some(true));
    let thinks = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096, "messages": spoken["messages"]});
    assert_eq!(to(Vendor::Unknown, &strict, thinks).body["messages"][1]["reasoning_content"], "");
}

#[test]
fn a_form_that_the_model_does_not_keep_is_told_to_it() {
    let body =
        json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}});
    let kind = |vendor, known: &Capabilities| to(vendor, known, body.clone()).body["response_format"]["type"].clone();
    let object = known(|known| known.schemas = Some(false));
    assert_eq!(kind(Vendor::OpenAi, &object), "json_object");
    let nothing = known(|known| known.refused = Refused::these(&[Member::ResponseFormat]));
    assert_eq!(kind(Vendor::OpenAi, &nothing), Value::Null);
    let schema = known(|known| known.schemas = Some(true));
    assert_eq!(kind(Vendor::DeepSeek, &schema), "json_schema");
}
