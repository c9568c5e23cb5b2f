//! What goes through is what came in: bytes of bodies both ways, header values, the query; and what must not go through
//! does not.

use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::claude::{Claude, SESSION, claude_request};
use qcc_testkit::replies::{
    Framing, Stream, big_event, chunk, head, message, message_json, status, stream_head, whole,
};
use qcc_testkit::{Ended, Received, Reply, Request, Script, Upstream};
use serde_json::json;

use crate::support::{QUICK, Running, asking, for_message, for_stream};

pub(crate) async fn up(script: impl Into<Script>) -> Upstream {
    Upstream::start(script).await.unwrap()
}

/// What a provider received of this request.
async fn sent_up(request: &Request) -> Received {
    let a = up(Stream::text(["fine"]).reply()).await;
    let running = Running::with(&[("a", &a)], "").await;
    running.ask(request).await;
    a.posts().remove(0)
}

/// What a client receives of this reply, which has to end well.
pub(crate) async fn sent_down(request: &Request, reply: Reply) -> qcc_testkit::Answer {
    let a = up(reply).await;
    let answer = Running::with(&[("a", &a)], "").await.ask(request).await;
    assert_eq!((answer.status, answer.ended), (200, Ended::Clean), "{}", answer.text());
    answer
}

fn values<'r>(received: &'r Received, name: &str) -> Vec<&'r str> {
    let all = received.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    all.map(|(_, value)| value.as_str()).collect()
}

/// JSON as nobody's printer writes it, with bytes that are not even UTF-8.
fn odd_body() -> Bytes {
    let text = "\n{\t\"messages\" :[ {\"role\":\"user\",\"content\":\"\\u4f60\\/ 你好 🙂 \\ud83d\\ude42 \x7f\"} ],\r\n\
        \"n\":[1E400,-0,0.10,123456789012345678901234567890],\"a\":{\"a\":1,\"a\":2,\"model\":\"x\",\"stream\":false},\
        \"model\":\"claude-opus-4-8\" ,\"stream\"\t: true,\"later_field\":null, \"raw\":\"";
    Bytes::from([text.as_bytes(), b"\xff\xfe", b"\" }\n\n"].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_goes_up_byte_for_byte() {
    let request = asking(&json!({})).body(odd_body());
    assert_eq!(sent_up(&request).await.body, odd_body());
    for kilobytes in [3, 90] {
        for stream in [true, false] {
            let request = claude_request("claude-opus-4-8", stream, kilobytes);
            assert_eq!(sent_up(&request).await.body, request.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_goes_up_whole_with_its_length() {
    let received = sent_up(&asking(&json!({})).body(odd_body()).chunked(7)).await;
    assert_eq!(received.body, odd_body());
    assert_eq!(received.header("content-length"), Some(odd_body().len().to_string().as_str()));
    assert_eq!(received.header("transfer-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_goes_up_as_it_is() {
    for path in ["/v1/messages", "/v1/messages?beta=true", "/v1/messages?a=%20%2F&&b&=c&beta=true&a=1"] {
        let mut request = for_stream();
        request.path = path.to_owned();
        assert_eq!(sent_up(&request).await.path, path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_go_up_untouched_and_credentials_do_not() {
    let request = Claude::new("claude-opus-4-8").agent("a1b2").request();
    let received = sent_up(&request).await;
    let ours = ["host", "content-length", "accept-encoding", "connection", "x-api-key"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !ours.contains(&&*name.to_ascii_lowercase())) {
        assert_eq!(values(&received, name), [value], "{name}");
    }
    assert_eq!(received.header("x-claude-code-session-id"), Some(SESSION));
    assert_eq!(values(&received, "x-api-key"), ["key-a"]);
    assert_eq!(values(&received, "accept-encoding"), ["identity"]);
    let expected = request.headers.len() - 1;
    assert_eq!(received.headers.len(), expected, "all but `connection`, and nothing more: {:?}", received.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_and_odd_headers_keep_every_value() {
    let request = for_stream()
        .header("anthropic-beta", "one-2025-01-01,two-2025-01-01")
        .header("X-Later-Header", "\"q\"; a=b,  c\tü 中")
        .header("Anthropic-Beta", "three-2025-01-01")
        .header("anthropic-version", "2026-10-21")
        .header("x-empty", "")
        .header("x-qcc-note", "mine");
    let received = sent_up(&request).await;
    assert_eq!(values(&received, "anthropic-beta"), ["one-2025-01-01,two-2025-01-01", "three-2025-01-01"]);
    assert_eq!(values(&received, "x-later-header"), ["\"q\"; a=b,  c\tü 中"]);
    assert_eq!(values(&received, "anthropic-version"), ["2023-06-01", "2026-10-21"]);
    assert_eq!(values(&received, "x-empty"), [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_this_hop_or_for_us_alone_does_not_go_up() {
    let private = [
        ("authorization", "Bearer client-token"),
        ("x-goog-api-key", "client-goog"),
        ("cookie", "sid=1"),
        ("proxy-authorization", "Basic eDp5"),
        ("connection", "keep-alive, x-this-hop"),
        ("x-this-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("upgrade", "h2c"),
        ("accept-encoding", "gzip, br"),
    ];
    let request = private.iter().fold(for_stream(), |request, (name, value)| request.header(name, value));
    let received = sent_up(&request).await;
    for (name, value) in private {
        assert_ne!(received.header(name), Some(value), "{name}");
    }
    assert_eq!(received.header("x-this-hop"), None);
    assert!(!format!("{:?}", received.headers).contains("client-"), "{:?}", received.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_own_credential_and_headers_are_put_on() {
    let a = up(Stream::text(["fine"]).reply()).await;
    let yaml = format!(
        "providers: [{{name: a, base_url: '{}', auth_type: auth_token, auth_value: tok, \
         headers: {{x-team: red, user-agent: qcc-tests}}}}]\n",
        a.url()
    );
    let request = for_stream().header("Authorization", "Bearer mine").header("User-Agent", "claude-cli/2");
    Running::start(&yaml).await.ask(&request.header("X-Team", "blue")).await;
    let received = a.posts().remove(0);
    assert_eq!(values(&received, "authorization"), ["Bearer tok"]);
    assert_eq!(values(&received, "x-api-key"), [""; 0]);
    assert_eq!((values(&received, "x-team"), values(&received, "user-agent")), (vec!["red"], vec!["qcc-tests"]));
    assert_eq!(received.header("host"), Some(a.addr().to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_credential_goes_up_as_it_came_where_that_is_wanted() {
    let a = up(Stream::text(["fine"]).reply()).await;
    let yaml =
        format!("providers: [{{name: a, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}]\n", a.url());
    let running = Running::start(&yaml).await;
    running.ask(&for_stream().header("Authorization", "Bearer  odd token")).await;
    let received = a.posts().remove(0);
    assert_eq!(values(&received, "x-api-key"), ["client-key"]);
    assert_eq!(values(&received, "authorization"), ["Bearer  odd token"]);
}

/// A body of exactly so many bytes.
fn body_of(size: usize) -> Bytes {
    let (start, end) =
        ("{\"model\":\"claude-opus-4-8\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"", "\"}]}");
    // Not periodic in any buffer size, so that a piece lost or doubled is seen.
    let filling = (0_u32..).flat_map(|n| format!("{n} 汉 ").into_bytes()).take(size - start.len() - end.len());
    let mut body = start.as_bytes().to_vec();
    body.extend(filling);
    body.extend_from_slice(end.as_bytes());
    body.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_fail_over_with_identical_bytes() {
    for size in [10 * 1024 * 1024, 32 * 1024 * 1024] {
        let body = body_of(size);
        // One refuses after it has read everything, one dies on the first bytes, one answers.
        let refusing = up(status(529, "overloaded_error", "Overloaded", &[])).await;
        let dying = up(Script::always(Reply::new().reset()).at_head()).await;
        let good = up(Stream::text(["fine"]).reply()).await;
        let running = Running::with(&[("a", &refusing), ("b", &dying), ("c", &good)], QUICK).await;
        let answer = running.ask(&asking(&json!({})).body(body.clone())).await;
        assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("c")));
        assert!(refusing.posts()[0].body == body, "{size}");
        assert!(good.posts()[0].body == body, "{size}");
        assert!(!dying.posts().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_with_a_mapped_model_changes_only_there() {
    let body = body_of(10 * 1024 * 1024);
    let a = up(Stream::text(["fine"]).reply()).await;
    let yaml =
        format!("providers: [{{name: a, base_url: '{}', auth_value: k, models: {{'*opus*': glm-5}}}}]\n", a.url());
    Running::start(&yaml).await.ask(&asking(&json!({})).body(body.clone())).await;
    let sent = a.posts().remove(0).body;
    assert!(sent.starts_with(b"{\"model\":\"glm-5\",\"stream\""));
    assert!(sent[16..] == body[26..]);
}

/// A good stream as no provider writes it: every line end, comments, unknown events and fields, data alone, data in two
/// lines, numbers that no type holds, bytes that are not UTF-8.
fn odd_stream() -> Bytes {
    let parts: [&[u8]; 13] = [
        b": hello\r\n\r\n",
        b"event:message_start\r\ndata:{\"type\":\"message_start\" , \"message\":{\"id\":\"msg_1\",\"content\":[],\
          \"usage\":{\"input_tokens\":123456789012345678901234567890,\"x\":1.0e0}}}\r\n\r\n",
        b"\n",
        "event: vendor_extension\nid: 7\nretry: 10\ndata: {\"type\":\"vendor_extension\",\ndata: \"深\":1}\n\n".as_bytes(),
        b"event: ping\ndata: {\"type\": \"ping\", \"x\": \"\xff\xfe\"}\n\n",
        b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":\
          {\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"delta\":{\"text\":\"你好，世界 \\ud83d\\ude42 🙂\",\"type\":\"text_delta\"},\
         \"index\":0,\"type\":\"content_block_delta\"}\n\n"
            .as_bytes(),
        b"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"alone\"}}\r\r",
        b": a comment\n: and another\n\n\n\n",
        b"event: content_block_stop\r\ndata: {\"type\":\"content_block_stop\",\"index\":0}\r\n\r\n",
        b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"odd\"},\"usage\":{}}\n\n",
        b"event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
        b": bye\n\n",
    ];
    Bytes::from(parts.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_comes_down_byte_for_byte_whatever_pieces_the_network_makes_of_it() {
    let expected = odd_stream();
    let in_chunks = |size: usize| {
        let start = Reply::new().write(stream_head(Framing::Chunked));
        expected.chunks(size).fold(start, |reply, part| reply.write(chunk(part))).write(chunk(b""))
    };
    for (name, reply) in [
        ("in one piece", in_chunks(expected.len())),
        ("chunks of one byte", in_chunks(1)),
        ("chunks of seven bytes", in_chunks(7)),
        ("segments of one byte", in_chunks(expected.len()).in_pieces(1, Duration::ZERO)),
        ("chunks in segments of three bytes", in_chunks(100).in_pieces(3, Duration::ZERO)),
        ("with a length", whole(200, &[("content-type", "text/event-stream")], &expected)),
        ("until the connection closes", {
            Reply::new().write(stream_head(Framing::CloseDelimited)).write(expected.clone()).close()
        }),
        ("with a trailer", {
            Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&expected)).write("0\r\nx-sum: 1\r\n\r\n")
        }),
    ] {
        assert_eq!(sent_down(&for_stream(), reply).await.body, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_two_megabytes_comes_down_byte_for_byte() {
    let expected = Stream::text([&*"x".repeat(2 * 1024 * 1024)]).body();
    for reply in [big_event(2 * 1024 * 1024), big_event(2 * 1024 * 1024).in_pieces(4000, Duration::ZERO)] {
        assert!(sent_down(&for_stream(), reply).await.body == expected);
    }
    let crlf = Stream::text([&*"\u{4e2d}".repeat(700_000), "after"]).crlf();
    assert!(sent_down(&for_stream(), crlf.reply()).await.body == crlf.body());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_comes_down_byte_for_byte() {
    let odd = Bytes::from(
        "\n{ \"type\" :\"message\",\t\"content\":[{\"type\":\"text\",\"text\":\"\\u4f60 你 🙂\"}],\"n\":[1e400,-0],\
         \"usage\":{\"input_tokens\":123456789012345678901234567890} , \"later\":{}}\r\n\n",
    );
    let media = ("content-type", "Application/JSON ; charset=UTF-8");
    let chunked = Reply::new().write(head(200, &[media], Framing::Chunked, 0)).write(chunk(&odd)).write(chunk(b""));
    let until_close = Reply::new().write(head(200, &[media], Framing::CloseDelimited, 0)).write(odd.clone()).close();
    for reply in [whole(200, &[media], &odd), chunked.in_pieces(1, Duration::ZERO), until_close] {
        let answer = sent_down(&for_message(), reply).await;
        assert_eq!((&answer.body, answer.header("content-type")), (&odd, Some(media.1)));
        assert_eq!(answer.header("content-length"), Some(odd.len().to_string().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_headers_come_down_untouched_but_for_those_of_this_hop() {
    let headers = [
        ("content-type", "application/json"),
        ("Request-Id", "req_1"),
        ("x-later", "\"q\"; a=b,  c ü"),
        ("via", "1.1 one"),
        ("via", "1.1 two"),
        ("connection", "keep-alive, x-this-hop"),
        ("keep-alive", "timeout=5"),
        ("x-this-hop", "1"),
    ];
    let answer = sent_down(&for_message(), whole(200, &headers, message("hi").to_string().as_bytes())).await;
    assert_eq!((answer.header("request-id"), answer.header("x-later")), (Some("req_1"), Some("\"q\"; a=b,  c ü")));
    let vias: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "via").map(|(_, value)| &**value).collect();
    assert_eq!(vias, ["1.1 one", "1.1 two"]);
    for hop in ["connection", "keep-alive", "x-this-hop"] {
        assert_eq!(answer.header(hop), None, "{hop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_of_a_provider_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    for (request, good) in [(for_stream(), Stream::text(["fine"]).reply()), (for_message(), message_json("fine"))] {
        let mut reply = Reply::new().write(interim);
        reply.steps.extend(good.steps);
        let answer = sent_down(&request, reply).await;
        assert_eq!((answer.said().as_str(), answer.header("link")), ("fine", None));
    }
}
