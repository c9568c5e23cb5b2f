//! What is read of a request.

use super::*;
use crate::anthropic::tests::fixture;
use crate::canon::{
    Cache, Document, Effort, Format, Image, Role, SearchResult, Source, Thinking, Thought, Tool, ToolChoice,
    ToolResult, Turn,
};

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { id: id.to_owned(), parts, is_error, cache: None })
}

/// The names of what has no place.
fn lost(request: &Request) -> Vec<&str> {
    request.others.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_plain_request_is_read_whole() {
    let request = decode(&json!({
        "model": "claude-opus-5", "max_tokens": 64, "stream": true, "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [{"type": "text", "text": "Yes?"}]}],
        "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END"],
        "metadata": {"user_id": "u"}, "thinking": {"type": "enabled", "budget_tokens": 2048},
        "output_config": {"effort": "xhigh", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "tools": [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}, "strict": true}],
    }));
    let expected = Request {
        model: "claude-opus-5".to_owned(),
        system: vec![Text { text: "Be brief.".to_owned(), cache: None }],
        turns: vec![turn(Role::User, vec![text("Hi")]), turn(Role::Assistant, vec![text("Yes?")])],
        tools: vec![Tool::Custom {
            name: "look".to_owned(),
            description: Some("Looks.".to_owned()),
            schema: raw(r#"{"type":"object"}"#),
            strict: Some(true),
            cache: None,
        }],
        tool_choice: Some(ToolChoice::Any),
        parallel_tools: Some(false),
        max_tokens: Some(64),
        stop: vec!["END".to_owned()],
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        thinking: Some(Thinking::Budget(2048)),
        effort: Some(Effort::XHigh),
        format: Some(Format::JsonSchema { name: None, schema: raw(r#"{"type":"object"}"#), strict: None }),
        user: Some("u".to_owned()),
        stream: true,
        include_usage: false,
        client_tools: Vec::new(),
        others: vec![],
    };
    assert_eq!(request, expected);
}

/// Case 1: the operator may speak in mid conversation.
#[test]
fn the_operator_may_speak_in_mid_conversation() {
    let request = decode(&conversation(&json!([
        {"role": "user", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b"}], "clear_at": "never"},
        {"role": "assistant", "content": "c"},
    ])));
    assert_eq!(request.turns[1], turn(Role::System, vec![text("b")]));
    assert_eq!(lost(&request), ["messages.clear_at"]);
}

/// Cases 3 and 4: order and division stay as the client has them; putting them right is the target's.
#[test]
fn results_and_texts_keep_their_order_and_their_messages() {
    let request = decode(&conversation(&json!([
        {"role": "user", "content": [
            {"type": "text", "text": "before"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"},
            {"type": "text", "text": "between"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "2"},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_3", "content": "3"}]},
    ])));
    let one = |id: &str, words: &str| result(id, vec![text(words)], false);
    let mixed = vec![text("before"), one("toolu_1", "1"), text("between"), one("toolu_2", "2")];
    assert_eq!(request.turns, [turn(Role::User, mixed), turn(Role::User, vec![one("toolu_3", "3")])]);
}

/// Case 2: what a call brings may be images and documents; which targets bear them there is the target's.
#[test]
fn the_result_of_a_call_may_be_images_documents_and_blocks_of_its_own() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    let request = decode(&conversation(&json!([{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": [image, {"type": "tool_reference", "tool_name": "x"}]},
    ]}])));
    let source = Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
    let other =
        Part::Other { kind: "tool_reference".to_owned(), raw: raw(r#"{"type":"tool_reference","tool_name":"x"}"#) };
    let parts = vec![Part::Image(Image { source, detail: None, cache: None }), other];
    assert_eq!(request.turns[0].parts, [result("t", parts, false)]);
}

/// Case 5: a failed call may have nothing to say.
#[test]
fn a_failed_call_may_have_nothing_to_say() {
    let request = decode(&conversation(&json!([{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "is_error": true},
        {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": ""},
        {"type": "tool_result", "tool_use_id": "c", "content": []},
        {"type": "tool_result", "tool_use_id": "d", "content": null, "is_error": null},
    ]}])));
    let expected = [
        result("a", vec![], true),
        result("b", vec![text("")], true),
        result("c", vec![], false),
        result("d", vec![], false),
    ];
    assert_eq!(request.turns[0].parts, expected);
}

/// Cases 6 and 8: a string and a list are one thing, and empty texts are left for the target to bear or to leave out.
#[test]
fn empty_texts_of_a_history_are_read_with_their_breakpoints() {
    let request = decode(&conversation(&json!([
        {"role": "user", "content": ""},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"type": "text", "text": "", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": " \n"},
    ])));
    let marked = Part::Text(Text { text: String::new(), cache: Some(Cache::Short) });
    let parts: Vec<Vec<Part>> = request.turns.into_iter().map(|turn| turn.parts).collect();
    assert_eq!(parts, [vec![text("")], vec![], vec![marked], vec![text(" \n")]]);
}

/// Cases 7 and 9: nothing is added to a turn of calls alone, and a server's calls stay where they were among the client's.
#[test]
fn calls_of_client_and_server_keep_their_order() {
    let request = decode(&conversation(&json!([{"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}, "caller": {"type": "direct"}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    ]}])));
    let kinds: Vec<&str> = request.turns[0].parts.iter().map(kind).collect();
    assert_eq!(kinds, ["call", "server_tool_use", "web_search_tool_result"]);
    assert_eq!(lost(&request), [""; 0]);
}

fn kind(part: &Part) -> &str {
    match part {
        Part::ToolUse(_) => "call",
        Part::Other { kind, .. } => kind,
        _ => "else",
    }
}

/// Cases 10 and 12: order, signatures and sealed blocks are what they were; a missing signature is none.
#[test]
fn thinking_is_read_with_and_without_a_signature() {
    let request = decode(&conversation(&json!([{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking", "thinking": "so"},
        {"type": "thinking", "thinking": "ours", "signature": "qcc1.unsigned."},
    ]}])));
    let thought = |text: &str, signature: Option<&str>| {
        Part::Thinking(Thought { text: text.to_owned(), signature: signature.map(str::to_owned) })
    };
    let expected = [
        thought("hm", Some("EqQB")),
        Part::Redacted("sealed".to_owned()),
        thought("", Some("")),
        thought("so", None),
        thought("ours", None),
    ];
    assert_eq!(request.turns[0].parts, expected);
}

/// Case 15: whatever a client calls its tools is the target's to bear.
#[test]
fn names_of_tools_are_read_as_they_are() {
    let long = "mcp__server.with/dots__".to_owned() + &"ä".repeat(100);
    let request = decode(&json!({
        "model": "m", "max_tokens": 1, "tool_choice": {"type": "tool", "name": long},
        "tools": [{"name": long, "input_schema": {}}],
        "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": long, "input": {}}]}],
    }));
    assert_eq!(request.tool_choice, Some(ToolChoice::Tool(long.clone())));
    assert_eq!(request.turns[0].parts, [call("t", &long, "{}")]);
    assert!(matches!(&request.tools[0], Tool::Custom { name, .. } if *name == long));
}

/// Case 16: a name of a call that was escaped on the way down is the vendors again.
#[test]
fn a_name_of_a_call_that_was_escaped_on_the_way_down_is_the_vendors_again() {
    let request = decode(&conversation(&json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": "qcc-functions-2ebash-3a0", "name": "bash", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "qcc-functions-2ebash-3a0"}]},
    ])));
    assert_eq!(request.turns[0].parts, [call("functions.bash:0", "bash", "{}")]);
    assert_eq!(request.turns[1].parts, [result("functions.bash:0", vec![], false)]);
}

/// Cases 17, 18 and 19: schemas and inputs are texts; nothing of them is judged, ordered or counted anew.
#[test]
fn schemas_and_inputs_stay_letter_for_letter() {
    let odd = [
        "{}",
        r##"{"properties":{"b":true,"a":{"$ref":"#/$defs/a"}},"required":["zz"],"$schema":"x"}"##,
        r#"{"anyOf":[{"type":"object"},false]}"#,
        r#"{ "z" : 1.0, "a": 1e3,  "n": 123456789012345678901234567890, "m": -0, "d": 1, "d": 2 }"#,
        r#"{"half":"\ud83d","nul":"\u0000","slash":"\/","e":"é"}"#,
    ];
    for json in odd {
        let body = format!(
            r#"{{"model":"m","max_tokens":1,"tools":[{{"name":"t","input_schema":{json}}}],"messages":[{{"role":"assistant",
            "content":[{{"type":"tool_use","id":"i","name":"t","input":{json}}},{{"type":"new_kind","x":{json}}}]}}]}}"#
        );
        let request = decode_request(body.as_bytes()).unwrap();
        assert!(matches!(&request.tools[0], Tool::Custom { schema, .. } if schema.text() == json), "{json}");
        assert_eq!(request.turns[0].parts[0], call("i", "t", json));
        assert_eq!(kind(&request.turns[0].parts[1]), "new_kind");
        assert!(matches!(&request.turns[0].parts[1], Part::Other { raw, .. } if raw.text().contains(json)), "{json}");
    }
}

/// Case 19: texts with nul and pairs are read and half a pair is refused.
#[test]
fn texts_with_nul_and_pairs_are_read_and_half_a_pair_is_refused() {
    let body =
        |text: &str| format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let request = decode_request(body(r"a\u0000\ud83d\ude00").as_bytes()).unwrap();
    assert_eq!(request.turns[0].parts, [text("a\0😀")]);
    assert_eq!(
        refusal(&body(r"\ud83d")),
        "messages.0.content: Input should be a valid string, unable to parse raw data as a unicode string"
    );
}

/// Case 19: the last of two members with one name counts.
#[test]
fn the_last_of_two_members_with_one_name_counts() {
    let body = r#"{"model":"a","max_tokens":1,"messages":[{"role":"user","content":"x"}],"model":"b","odd":1,"odd":2}"#;
    let request = decode_request(body.as_bytes()).unwrap();
    assert_eq!((request.model.as_str(), request.others), ("b", vec![("odd".to_owned(), raw("2"))]));
}

/// Case 20: what is new is taken as it comes and named.
#[test]
fn what_is_new_is_taken_as_it_comes_and_named() {
    let request = decode(&json!({
        "model": "m", "max_tokens": 1, "container": {"id": "c"}, "speed": "fast", "inference_geo": null,
        "thinking": {"type": "between_tools"}, "tool_choice": {"type": "some_day"},
        "metadata": {"user_id": "u", "tier": 2},
        "output_config": {"effort": "heroic", "task_budget": {"type": "tokens", "total": 5}, "format": {"type": "xml"}},
        "tools": [
            {"type": "web_search_20260318", "name": "web_search"},
            {"type": "computer_toolset_20260801"},
            {"name": "t", "input_schema": {}, "defer_loading": true, "input_examples": [], "eager_input_streaming": false},
            {"type": "custom", "name": "u", "input_schema": {}, "defer_loading": true},
        ],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "x", "citations": null},
            {"type": "text", "text": "y", "citations": [{"type": "char_location"}]},
            {"type": "image", "source": {"type": "hologram"}},
        ]}],
    }));
    let mut names = lost(&request);
    names.sort_unstable();
    let expected = [
        "container",
        "messages.content.citations",
        "metadata.tier",
        "output_config.effort",
        "output_config.format",
        "output_config.task_budget",
        "speed",
        "thinking",
        "tool_choice",
        "tools.defer_loading",
    ];
    assert_eq!(names, expected);
    let search = Tool::Other {
        kind: "web_search_20260318".to_owned(),
        name: Some("web_search".to_owned()),
        raw: raw(r#"{"type":"web_search_20260318","name":"web_search"}"#),
    };
    assert_eq!(request.tools[0], search);
    assert!(matches!(&request.tools[1], Tool::Other { name: None, .. }));
    assert_eq!(kind(&request.turns[0].parts[2]), "image");
}

#[test]
fn what_claude_code_sends_is_read_without_a_loss() {
    let request = decode_request(&fixture("request", "claude_code.json")).unwrap();
    assert_eq!(lost(&request), [""; 0]);
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::System, Role::Assistant, Role::User]);
    assert_eq!((request.thinking, request.effort), (Some(Thinking::Adaptive), Some(Effort::High)));
}

#[test]
fn a_count_may_be_written_as_a_float() {
    let limit = |text: &str| {
        let body = format!(r#"{{"model":"m","max_tokens":{text},"messages":[{{"role":"user","content":"x"}}]}}"#);
        decode_request(body.as_bytes()).ok().and_then(|request| request.max_tokens)
    };
    assert_eq!((limit("1e0"), limit("64.0"), limit("-0.0")), (Some(1), Some(64), Some(0)));
    assert_eq!((limit("1.5"), limit("1e99"), limit("-1.0"), limit("\"1\"")), (None, None, None, None));
}

/// Case 23: a request that only warms the cache is read.
#[test]
fn a_request_that_only_warms_the_cache_is_read() {
    let request = decode(&json!({"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "x"}]}));
    assert_eq!(request.max_tokens, Some(0));
}

/// Case 28: images and documents are read from every source.
#[test]
fn images_and_documents_are_read_from_every_source() {
    let request = decode(&conversation(&json!([{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "t"}, "title": "T", "context": "C",
         "citations": {"enabled": true}},
        {"type": "document", "source": {"type": "content", "content": "inner"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        {"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "found"}]},
    ]}])));
    let plain = |source| Part::Document(Document { source, title: None, context: None, citations: false, cache: None });
    let told = Document {
        source: Source::Text("t".to_owned()),
        title: Some("T".to_owned()),
        context: Some("C".to_owned()),
        citations: true,
        cache: None,
    };
    let expected = [
        Part::Image(Image {
            source: Source::Url("https://x/y.png".to_owned()),
            detail: None,
            cache: Some(Cache::Long),
        }),
        Part::Image(Image { source: Source::File("file_1".to_owned()), detail: None, cache: None }),
        Part::Document(told),
        plain(Source::Parts(vec![text("inner")])),
        plain(Source::Base64 { media_type: "application/pdf".to_owned(), data: "JVBE".to_owned() }),
        Part::SearchResult(SearchResult {
            source: "https://s".to_owned(),
            title: "S".to_owned(),
            texts: vec!["found".to_owned()],
        }),
    ];
    assert_eq!(request.turns[0].parts, expected);
}

/// Case 29: which of them a target takes is its own to say.
#[test]
fn any_number_of_stop_texts_is_read() {
    let mut body = conversation(&json!([{"role": "user", "content": "x"}]));
    body["stop_sequences"] = json!(["a", "b", "c", "d", "e", " "]);
    assert_eq!(decode(&body).stop, ["a", "b", "c", "d", "e", " "]);
}

/// Case 30: every breakpoint is read where it stands.
#[test]
fn every_breakpoint_is_read_where_it_stands() {
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let request = decode(&json!({
        "model": "m", "max_tokens": 1,
        "system": [{"type": "text", "text": "a", "cache_control": hour}, {"type": "text", "text": "b"},
                   {"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "t", "input_schema": {}, "cache_control": hour}],
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "cache_control": hour,
            "content": [{"type": "text", "text": "in", "cache_control": {"type": "ephemeral", "ttl": "5m"}}]}]}],
    }));
    let marks: Vec<Option<Cache>> = request.system.iter().map(|text| text.cache).collect();
    assert_eq!(marks, [Some(Cache::Long), None, Some(Cache::Short)]);
    assert!(matches!(&request.tools[0], Tool::Custom { cache: Some(Cache::Long), .. }));
    let Part::ToolResult(result) = &request.turns[0].parts[0] else { panic!("{request:?}") };
    let inner = Part::Text(Text { text: "in".to_owned(), cache: Some(Cache::Short) });
    assert_eq!((result.cache, result.parts.as_slice()), (Some(Cache::Long), [inner].as_slice()));
}

/// Each is looked at once: a body of any number of strange members is read in one pass, and the last of a name counts.
#[test]
fn strange_members_are_kept_once_each_and_only_so_many_are_named_as_lost() {
    let strange: String = (0..60_000).map(|number| format!(r#""x{}":{number},"#, number % 30_000)).collect();
    let body =
        format!(r#"{{{strange}"x0":null,"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"a"}}]}}"#);
    let request = decode_request(body.as_bytes()).unwrap();
    assert_eq!(request.others.len(), 29_999);
    assert_eq!(request.others[0].1.text(), "30001");
    let mut losses = crate::canon::Losses::new();
    request.others.iter().for_each(|(name, _)| losses.dropped(name.clone()));
    assert_eq!(losses.iter().count(), 200);
}
