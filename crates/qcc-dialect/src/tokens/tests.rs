//! The estimate is a guess, but it must react to what the model reads and to nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const OLD: &str = "claude-sonnet-4-5";

fn count_for(model: &str, request: &Value) -> u64 {
    estimate(request.to_string().as_bytes(), model).total(Ratio::DOCUMENTED)
}

fn count(request: &Value) -> u64 {
    count_for(OLD, request)
}

fn user(content: &Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

#[test]
fn text_counts_with_the_factor_of_the_models_family() {
    // "hello world" is two tokens of o200k; one message.
    let table =
        [("claude-opus-4-8", 4), ("claude-sonnet-4-5", 3), ("gpt-5", 2), ("deepseek-chat", 3), ("unheard-of", 3)];
    for (model, tokens) in table {
        assert_eq!(count_for(model, &user(&json!("hello world"))), tokens + MESSAGE_FRAME, "{model}");
        assert_eq!(count_for(model, &user(&json!([{"type": "text", "text": "hello world"}]))), tokens + MESSAGE_FRAME);
    }
}

#[test]
fn everything_that_the_model_reads_counts() {
    let base = count(&user(&json!("hi")));
    let long = "some words that make a difference ".repeat(10);
    let additions = [
        json!({"type": "text", "text": long}),
        json!({"type": "thinking", "thinking": long, "signature": "x"}),
        json!({"type": "tool_use", "id": "t", "name": "read", "input": {"path": [long]}}),
        json!({"type": "tool_result", "tool_use_id": "t", "content": long}),
        json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": long}]}),
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": long}}),
        json!({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": long}]}}),
        json!({"type": "document", "title": long, "source": {"type": "file", "file_id": "f"}}),
        json!({"type": "a_kind_to_come", "words": long}),
    ];
    for block in additions {
        let counted = count(&user(&json!([{"type": "text", "text": "hi"}, block])));
        assert!(counted >= base + 60, "{counted} for {block}");
    }
    let mut request = user(&json!("hi"));
    request["system"] = json!([{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]);
    assert!(count(&request) >= base + 60);
    request["tools"] = json!([{"name": "t", "description": long, "input_schema": {"type": "object"}}]);
    assert!(count(&request) >= base + 120 + 346);
}

#[test]
fn what_only_steers_does_not_count() {
    let plain = user(&json!([{"type": "text", "text": "hi"}]));
    let mut marked =
        user(&json!([{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]));
    marked["stream"] = json!(true);
    marked["metadata"] = json!({"user_id": "x".repeat(500)});
    assert_eq!(count(&plain), count(&marked));
    let signed = json!([{"type": "text", "text": "hi"}, {"type": "redacted_thinking", "data": "opaque".repeat(100)}]);
    assert_eq!(count(&user(&signed)), count(&plain));
}

fn image_block(bytes: &[u8]) -> Value {
    json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": STANDARD.encode(bytes)}}])
}

fn png(width: u32, height: u32) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat()
}

#[test]
fn images_count_by_their_size_in_pixels() {
    let tokens = |bytes: &[u8]| count(&user(&image_block(bytes))) - MESSAGE_FRAME;
    assert_eq!(tokens(&png(280, 100)), 10 * 4);
    assert_eq!(tokens(&png(10_000, 10_000)), 1568, "scaled down by the provider");
    assert_eq!(tokens(&png(1, 1)), 1);
    assert_eq!(tokens(b"GIF89a\x4b\x00\x0a\x00rest"), 3, "75 x 10");
    let jpeg =
        [&b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xC2\x00\x11\x08"[..], &100u16.to_be_bytes(), &280u16.to_be_bytes()].concat();
    assert_eq!(tokens(&jpeg), 40);
    for webp in [
        &b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x17\x01\0\x63\0\0"[..],
        b"RIFF\0\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x17\xc1\x18\0",
        b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x18\x01\x64\0",
    ] {
        assert_eq!(tokens(webp), 40, "{webp:?}");
    }
    assert_eq!(tokens(b"RIFF....WEBP"), 1568, "unknown size");
    assert_eq!(tokens(b"\xFF\xD8\xFF"), 1568, "cut off");
    let by_url = json!([{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]);
    assert_eq!(count(&user(&by_url)) - MESSAGE_FRAME, 1568);
}

#[test]
fn each_family_counts_images_by_its_own_rule() {
    let table = [
        // Claude 5.5 was seen to count 2,691 for this one, GPT-5.5 2,448, Gemini 3 about 1,100.
        ("claude-opus-5-5", (1920, 1080), 2691),
        ("claude-opus-5-5", (4032, 3024), 4784),
        ("gpt-5.5", (1920, 1080), 2448),
        ("gemini-3-pro", (1920, 1080), 1120),
        // Worked examples of the vendors' documentation.
        ("gpt-4o", (1024, 1024), 85 + 4 * 170),
        ("gpt-4o", (2048, 4096), 85 + 6 * 170),
        ("gpt-4.1-mini", (1024, 1024), 1659),
        ("gemini-2.5-pro", (300, 384), 258),
        ("gemini-2.5-pro", (960, 540), 6 * 258),
    ];
    for (model, (width, height), tokens) in table {
        let counted = count_for(model, &user(&image_block(&png(width, height)))) - MESSAGE_FRAME;
        assert_eq!(counted, tokens, "{model}, {width} x {height}");
    }
    let unknown = user(&image_block(b"?"));
    let table = [("gpt-4o", 85 + 8 * 170), ("gemini-2.5-pro", 6 * 258), ("gpt-5.5", 12_000), ("gemini-3-pro", 1120)];
    for (model, tokens) in table {
        assert_eq!(count_for(model, &unknown) - MESSAGE_FRAME, tokens, "{model}");
    }
}

#[test]
fn documents_count_by_their_pages_or_else_by_their_length() {
    let tokens = |model: &str, data: String| {
        let source = json!({"type": "base64", "media_type": "application/pdf", "data": data});
        count_for(model, &user(&json!([{"type": "document", "source": source}]))) - MESSAGE_FRAME
    };
    assert_eq!(tokens(OLD, "A".repeat(100)), 3000);
    assert_eq!(tokens(OLD, "A".repeat(400_000)), 6 * 3000);
    assert_eq!(tokens(OLD, "not base64".to_owned()), 3000);
    let pdf = "%PDF-1.4 <</Type /Pages /Kids []>> <</Type/Page/Parent 1>> <</Type  /Page>> <</A /Page>> <</Type /Page";
    assert_eq!(tokens(OLD, STANDARD.encode(pdf)), 3 * 3000);
    assert_eq!(tokens("gemini-2.5-pro", STANDARD.encode(pdf)), 3 * 258);
    assert_eq!(tokens("gemini-3-pro", STANDARD.encode(pdf)), 3 * 560);
}

#[test]
fn garbage_counts_by_its_length_and_nothing_is_never_zero() {
    let of = |body: &[u8]| estimate(body, "gpt-5").total(Ratio::DOCUMENTED);
    assert_eq!(of(b""), 1);
    assert_eq!(of(b"{}"), 1);
    assert_eq!(of(&[0xff; 400]), 100);
    assert_eq!(of(b"[1,2,3,4]"), 3);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(of(deep.as_bytes()), 2500);
    assert_eq!(of(br#"{"messages":7,"system":{"x":[null,true]},"tools":"no"}"#), 1);
    assert_eq!(rough(400, "claude-opus-4-8"), 155);
}

#[test]
fn text_beyond_the_exactly_counted_part_is_taken_to_be_as_dense_as_it() {
    let half = "some words ".repeat(MAX_COUNTED / 22);
    let one = count(&user(&json!(half)));
    for parts in
        [json!([{"type": "text", "text": half.repeat(3)}]), json!(vec![json!({"type": "text", "text": half}); 3])]
    {
        let counted = count(&user(&parts));
        assert!(counted.abs_diff(3 * one) < 100, "{counted}, not {}", 3 * one);
    }
    let odd = format!("x{}", "\u{e4}".repeat(MAX_COUNTED));
    assert!(count(&user(&json!([{"type": "text", "text": odd}, {"type": "text", "text": "more"}]))) > 1);
}

/// Case 44: what a client is told before anybody has counted must not be the length of its pictures.
#[test]
fn a_rough_estimate_takes_images_and_documents_for_what_they_are() {
    let data = "A".repeat(2_000_000);
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let pdf = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}});
    let result = json!({"type": "tool_result", "tool_use_id": "t", "content": [image]});
    let told = |content: Value| {
        let body =
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}).to_string();
        let request = crate::anthropic::canon::decode_request(body.as_bytes()).unwrap();
        rough_of(&request, body.len(), "claude-opus-4-8")
    };
    let words = told(json!([{"type": "text", "text": "word ".repeat(4_000)}]));
    assert!((4_000..10_000).contains(&words), "{words}");
    let (seen, inside, read) = (told(json!([image])), told(json!([result])), told(json!([pdf])));
    assert!((1_000..10_000).contains(&seen) && (1_000..10_000).contains(&inside), "{seen} {inside}");
    assert!((30 * 1_000..30 * 10_000).contains(&read), "thirty pages, as it is long: {read}");
}
