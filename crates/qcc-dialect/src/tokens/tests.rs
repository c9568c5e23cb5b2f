//! The estimate is a guess, but it must react to what the model reads and to nothing else.

use serde_json::{Value, json};

use super::*;

fn count(request: &Value) -> u64 {
    estimate(request.to_string().as_bytes())
}

fn user(content: &Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

#[test]
fn text_counts_with_the_factor_for_claude() {
    // "hello world" is two tokens of o200k: 2 * 1.4, rounded up, and one message.
    assert_eq!(count(&user(&json!("hello world"))), 3 + MESSAGE_FRAME);
    assert_eq!(count(&user(&json!([{"type": "text", "text": "hello world"}]))), 3 + MESSAGE_FRAME);
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
    assert!(count(&request) >= base + 120 + TOOLS_FRAME);
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
    assert_eq!(tokens(&png(750, 100)), 100);
    assert_eq!(tokens(&png(10_000, 10_000)), MAX_IMAGE, "scaled down by the provider");
    assert_eq!(tokens(&png(1, 1)), 1);
    assert_eq!(tokens(b"GIF89a\x4b\x00\x0a\x00rest"), 1, "75 x 10");
    let jpeg =
        [&b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xC2\x00\x11\x08"[..], &100u16.to_be_bytes(), &750u16.to_be_bytes()].concat();
    assert_eq!(tokens(&jpeg), 100);
    assert_eq!(tokens(b"RIFF....WEBP"), MAX_IMAGE, "unknown size");
    assert_eq!(tokens(b"\xFF\xD8\xFF"), MAX_IMAGE, "cut off");
    let by_url = json!([{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]);
    assert_eq!(count(&user(&by_url)) - MESSAGE_FRAME, MAX_IMAGE);
}

#[test]
fn documents_count_by_their_length() {
    let tokens = |length: usize| {
        let source = json!({"type": "base64", "media_type": "application/pdf", "data": "A".repeat(length)});
        count(&user(&json!([{"type": "document", "source": source}]))) - MESSAGE_FRAME
    };
    assert_eq!(tokens(100), PDF_PAGE);
    assert_eq!(tokens(400_000), 6 * PDF_PAGE);
}

#[test]
fn garbage_counts_by_its_length_and_nothing_is_never_zero() {
    assert_eq!(estimate(b""), 1);
    assert_eq!(estimate(b"{}"), 1);
    assert_eq!(estimate(&[0xff; 400]), 100);
    assert_eq!(estimate(b"[1,2,3,4]"), 3);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(estimate(deep.as_bytes()), 2500);
    assert_eq!(estimate(br#"{"messages":7,"system":{"x":[null,true]},"tools":"no"}"#), 1);
}

#[test]
fn text_beyond_the_exactly_counted_part_counts_by_its_length() {
    let long = "x".repeat(MAX_COUNTED + 1);
    let expected = (MAX_COUNTED as u64 / 4 * PERCENT_OF_O200K).div_ceil(100) + MESSAGE_FRAME;
    assert_eq!(count(&user(&json!(long))), expected);
}
