//! Whatever goes wrong before the first content is repaired unseen: the client gets the second provider's answer byte
//! for byte, the first one is left out, and the next request does not ask it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::replies::{
    Cut, Framing, Stream, TruncateAt, chunk, empty_stream, error_body, error_event, event, head, html, json_body,
    message, message_json, pings_only, silence, status, stream_head, whole,
};
use qcc_testkit::{Ended, Refusing, Reply, Request, Script, Upstream};
use serde_json::json;

use crate::support::{QUICK, Running, for_message, for_stream, pass_time, providers};

/// A way to fail and what the provider is left out for.
type Fault = (String, Reply, &'static str);

const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// Error types of Anthropic's list that another provider may do better with, and one that nobody knows.
const TYPES: [(&str, &str); 9] = [
    ("overloaded_error", "fault"),
    ("api_error", "fault"),
    ("timeout_error", "fault"),
    ("conflict_error", "fault"),
    ("rate_limit_error", "throttled"),
    ("authentication_error", "credential"),
    ("billing_error", "quota"),
    ("permission_error", "permission"),
    ("unheard_of_error", "fault"),
];

fn from_b() -> Stream {
    Stream::text(["from ", "b"])
}

/// Error statuses: as JSON, as a web page, and without a body.
fn refusals() -> Vec<Fault> {
    let statuses = [
        (401, "authentication_error", "credential", "credential"),
        (402, "billing_error", "quota", "quota"),
        (403, "permission_error", "permission", "fault"),
        (404, "not_found_error", "model_missing", "fault"),
        (408, "timeout_error", "fault", "fault"),
        (409, "conflict_error", "fault", "fault"),
        (429, "rate_limit_error", "throttled", "throttled"),
        (500, "api_error", "fault", "fault"),
        (502, "api_error", "fault", "fault"),
        (503, "api_error", "fault", "fault"),
        (504, "timeout_error", "fault", "fault"),
        (520, "api_error", "fault", "fault"),
        (529, "overloaded_error", "fault", "fault"),
    ];
    let mut faults = Vec::new();
    for (code, kind, json, page) in statuses {
        faults.push((format!("{code} JSON"), status(code, kind, "scripted", &[]), json));
        faults.push((format!("{code} HTML"), html(code), page));
        faults.push((format!("{code} empty"), whole(code, &[], b""), json));
    }
    faults.push(("307".into(), whole(307, &[("location", "http://127.0.0.1:1/elsewhere")], b""), "fault"));
    faults.push(("204".into(), Reply::new().write("HTTP/1.1 204 No Content\r\n\r\n"), "fault"));
    faults.push((
        "a used up quota under 400".into(),
        { status(400, "invalid_request_error", "Your credit balance is too low to access the API.", &[]) },
        "quota",
    ));
    faults.push(("an overload under 400".into(), status(400, "overloaded_error", "Overloaded", &[]), "fault"));
    faults.push((
        "a missing model under 503".into(),
        {
            json_body(503, &[], &json!({"error": {"message": "当前分组下对于模型无可用渠道", "type": "new_api_error"}}))
        },
        "model_missing",
    ));
    faults
}

/// Answers that are none, whatever was asked for.
fn nonsense() -> Vec<Fault> {
    let mut faults: Vec<Fault> = vec![
        ("reset before headers".into(), Reply::new().reset(), "fault"),
        ("closed before headers".into(), Reply::new().close(), "fault"),
        ("half a head".into(), Reply::new().write("HTTP/1.1 200 OK\r\ncontent-ty").close(), "fault"),
        ("no HTTP".into(), Reply::new().write("220 mail.example ESMTP\r\n\r\n").close(), "fault"),
        ("200 HTML".into(), html(200), "fault"),
        ("200 empty".into(), whole(200, &[("content-type", "application/json")], b""), "fault"),
        ("200 empty without a type".into(), whole(200, &[], b""), "fault"),
        ("200 in an unknown compression".into(), whole(200, &[("content-encoding", "zstd")], b"\x28\xb5"), "fault"),
        ("200 that is no gzip".into(), whole(200, &[("content-encoding", "gzip")], b"{\"type\":\"mess"), "fault"),
        ("200 with a relay's own error".into(), json_body(200, &[], &json!({"error": "no channel"})), "fault"),
        (
            "200 of the other dialect".into(),
            { json_body(200, &[], &json!({"object": "chat.completion", "choices": [{"message": {"content": "hi"}}]})) },
            "fault",
        ),
    ];
    for (kind, standing) in TYPES {
        let body = error_body(kind, &format!("scripted {kind}"));
        faults.push((format!("200 JSON {kind}"), json_body(200, &[], &body), standing));
    }
    faults
}

/// Answers that are no stream, or none that comes to content.
fn broken_streams() -> Vec<Fault> {
    let sse = |body: &str| whole(200, &[EVENT_STREAM], body.as_bytes());
    let start = r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":1}}}"#;
    let mut faults: Vec<Fault> = vec![
        ("a whole message for a stream".into(), message_json("whole"), "fault"),
        ("an empty stream".into(), empty_stream(), "fault"),
        ("HTML as events".into(), sse("<!DOCTYPE html><html><body>sign in</body></html>"), "fault"),
        ("JSON as events".into(), sse(&error_body("api_error", "oh").to_string()), "fault"),
        ("an event that is no JSON".into(), sse("event: message_start\ndata: {\"type\": \n\n"), "fault"),
        (
            "chunks of the other dialect".into(),
            sse("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"),
            "fault",
        ),
        ("only its end".into(), sse("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "fault"),
        (
            "only its end, and the connection stays".into(),
            {
                let end = event("message_stop", &json!({"type": "message_stop"}));
                Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&end)).stall()
            },
            "fault",
        ),
        (
            "an end without content".into(),
            {
                sse(&format!(
                    "event: message_start\ndata: {start}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
                ))
            },
            "fault",
        ),
        (
            "an error after the start".into(),
            {
                sse(&format!(
                    "event: message_start\ndata: {start}\n\nevent: error\ndata: {}\n\n",
                    error_body("api_error", "oh")
                ))
            },
            "fault",
        ),
        (
            "a delta of no block".into(),
            {
                let delta =
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}});
                sse(&format!("event: content_block_delta\ndata: {delta}\n\n"))
            },
            "fault",
        ),
    ];
    for cut in [Cut::Clean, Cut::Close, Cut::Reset] {
        let begun = from_b().truncated(TruncateAt::BeforeContent, cut).reply();
        faults.push((format!("the start, then {cut:?}"), begun, "fault"));
    }
    for framing in [Framing::ContentLength, Framing::CloseDelimited] {
        let begun = from_b().framed(framing).truncated(TruncateAt::BeforeContent, Cut::Close).reply();
        faults.push((format!("the start, then closed, {framing:?}"), begun, "fault"));
    }
    for (kind, standing) in TYPES {
        faults.push((format!("a first event {kind}"), error_event(kind), standing));
    }
    faults
}

/// Answers that are no whole message.
fn broken_messages() -> Vec<Fault> {
    let text = message("cut").to_string();
    let half = &text.as_bytes()[..text.len() / 2];
    let json = [("content-type", "application/json")];
    vec![
        (
            "cut in the middle of its length".into(),
            { Reply::new().write(head(200, &json, Framing::ContentLength, text.len())).write(half.to_vec()).close() },
            "fault",
        ),
        (
            "reset in the middle".into(),
            { Reply::new().write(head(200, &json, Framing::ContentLength, text.len())).write(half.to_vec()).reset() },
            "fault",
        ),
        (
            "cut between chunks".into(),
            { Reply::new().write(head(200, &json, Framing::Chunked, 0)).write(chunk(half)).close() },
            "fault",
        ),
        (
            "half, and closed as its end".into(),
            { Reply::new().write(head(200, &json, Framing::CloseDelimited, 0)).write(half.to_vec()).close() },
            "fault",
        ),
        ("half, and called whole".into(), whole(200, &json, half), "fault"),
        ("a stream for a whole message".into(), from_b().reply(), "fault"),
        ("plain text".into(), whole(200, &[("content-type", "text/plain")], b"upstream connect error"), "fault"),
    ]
}

/// Provider `a` fails so, provider `b` answers; then once more.
async fn is_repaired((name, fault, standing): Fault, request: &Request, good: Reply, expected: &Bytes) {
    let (a, b) = (Upstream::start(fault).await.unwrap(), Upstream::start(good).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], QUICK).await;
    let answer = running.ask(request).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    assert_eq!(answer.body, *expected, "{name}");
    assert_eq!(answer.ended, Ended::Clean, "{name}");
    assert_eq!(answer.header("x-qcc-provider"), Some("b"), "{name}");
    let tries = a.posts().len();
    assert_eq!(answer.header("x-qcc-attempts").unwrap(), (tries + 1).to_string(), "{name}");
    assert_eq!(running.standing("a").await, standing, "{name}");
    assert_eq!(running.standing("b").await, "closed", "{name}");
    let again = running.ask(request).await;
    assert_eq!(again.header("x-qcc-provider"), Some("b"), "{name}");
    assert_eq!(a.posts().len(), tries, "{name}: a provider that is out was asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_repaired_whatever_status_the_first_provider_answers() {
    for fault in refusals() {
        is_repaired(fault, &for_stream(), from_b().reply(), &from_b().body()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_repaired_whatever_the_first_provider_calls_a_success() {
    for fault in nonsense().into_iter().chain(broken_streams()) {
        is_repaired(fault, &for_stream(), from_b().reply(), &from_b().body()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_is_repaired_whatever_the_first_provider_does() {
    let expected = Bytes::from(message("from b").to_string());
    for fault in refusals().into_iter().chain(nonsense()).chain(broken_messages()) {
        is_repaired(fault, &for_message(), message_json("from b"), &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_connections_is_passed_over() {
    let a = Refusing::new().unwrap();
    let b = Upstream::start(from_b().reply()).await.unwrap();
    let running = Running::start(&providers(&[("a", a.url()), ("b", b.url())])).await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.status, answer.body), (200, from_b().body()));
    assert_eq!(running.standing("a").await, "fault");
}

/// Provider `a` with these short limits, provider `b` with the usual ones.
async fn with_short_limits(a: &Upstream, b: &Upstream, limits: &str) -> Running {
    Running::start(&format!(
        "providers:\n  - {{name: a, base_url: '{}', auth_value: k, timeouts: {{{limits}}}}}\n  \
         - {{name: b, base_url: '{}', auth_value: k}}\n",
        a.url(),
        b.url()
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_before_content_is_repaired_by_the_limit_that_is_meant_for_it() {
    let begun = || from_b().truncated(TruncateAt::BeforeContent, Cut::Stall).reply();
    let head_only = || Reply::new().write(stream_head(Framing::Chunked)).stall();
    let cases = [
        ("no head", silence(), "first_byte: 100ms", "first_byte"),
        ("a head only", head_only(), "first_byte: 100ms", "first_byte"),
        ("a start, then nothing", begun(), "idle: 100ms", "idle"),
        ("only pings", pings_only(Duration::from_millis(5)), "stall: 100ms", "stall"),
    ];
    for (name, fault, limits, said) in cases {
        let (a, b) = (Upstream::start(fault).await.unwrap(), Upstream::start(from_b().reply()).await.unwrap());
        let mut running = with_short_limits(&a, &b, limits).await;
        let answer = running.ask(&for_stream()).await;
        assert_eq!((answer.status, answer.body), (200, from_b().body()), "{name}");
        let failed = running.event("attempt_failed").await;
        assert!(failed["error"].as_str().unwrap().contains(said), "{name}: {failed}");
        assert_eq!(running.standing("a").await, "fault", "{name}");
        assert_eq!(a.closed(1).await, 1, "{name}: the silent provider was not let go");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_instead_of_a_whole_answer_is_repaired() {
    let half = Reply::new().write(head(200, &[], Framing::ContentLength, 100)).write("{\"type\":").stall();
    for fault in [silence(), half] {
        let (a, b) = (Upstream::start(fault).await.unwrap(), Upstream::start(message_json("from b")).await.unwrap());
        let running = with_short_limits(&a, &b, "response: 100ms").await;
        assert_eq!(running.ask(&for_message()).await.said(), "from b");
        assert_eq!(running.standing("a").await, "fault");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_died_is_replaced_without_anybody_noticing() {
    for dying in [Reply::new().reset(), Reply::new().close()] {
        let good = from_b().reply();
        let a = Upstream::start(dying_on_first_reuse(dying, good.clone())).await.unwrap();
        let b = Upstream::start(good).await.unwrap();
        let running = Running::with(&[("a", &a), ("b", &b)], "").await;
        // A connection is kept a moment after its client has read the answer, so the next request may still miss it.
        let mut answer = running.ask(&for_stream()).await;
        for _ in 0..100 {
            assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("a")));
            if answer.header("x-qcc-attempts") == Some("2") {
                break;
            }
            answer = running.ask(&for_stream()).await;
        }
        assert_eq!(answer.header("x-qcc-attempts"), Some("2"), "a kept connection was used, and replaced");
        assert_eq!(running.standing("a").await, "closed", "nobody is charged for it");
        assert!(b.posts().is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_died_after_a_rest_is_nobodys_fault_even_where_nothing_may_be_repeated() {
    let good = from_b().reply();
    let a = Upstream::start(dying_on_first_reuse(Reply::new().reset(), good.clone())).await.unwrap();
    let b = Upstream::start(good).await.unwrap();
    let running = Running::with(&[("a", &a), ("b", &b)], "retry: {budget: 0, budget_floor: 0}\n").await;
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("a"));
    pass_time(Duration::from_secs(2)).await;
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("b"));
    assert_eq!((a.posts().len(), running.standing("a").await), (2, "closed".to_owned()));
}

/// Answers well, but once: on the first connection that is used again.
fn dying_on_first_reuse(dying: Reply, good: Reply) -> Script {
    let (used, died) = (Mutex::new(HashSet::new()), AtomicBool::new(false));
    Script::new(move |received, _| {
        let kept = received.method == "POST" && !used.lock().unwrap().insert(received.connection);
        if kept && !died.swap(true, Ordering::Relaxed) { dying.clone() } else { good.clone() }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_provider_closed_while_it_idled_costs_nothing() {
    let a = Upstream::start(from_b().reply().close()).await.unwrap();
    let b = Upstream::start(from_b().reply()).await.unwrap();
    let running = Running::with(&[("a", &a), ("b", &b)], "").await;
    for _ in 0..5 {
        let answer = running.ask(&for_stream()).await;
        assert_eq!((answer.body.clone(), answer.header("x-qcc-provider")), (from_b().body(), Some("a")));
    }
    assert_eq!(running.standing("a").await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_same_breath_as_the_first_content_is_still_repaired() {
    let frames = from_b().events();
    let mut burst = frames[..4].concat();
    burst.extend_from_slice(&event("error", &error_body("overloaded_error", "Overloaded")));
    // Head and chunk in one write, so that the gateway reads them together.
    let a = Upstream::start(Reply::new().write([&stream_head(Framing::Chunked)[..], &chunk(&burst)].concat()).close());
    let (a, b) = (a.await.unwrap(), Upstream::start(from_b().reply()).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], "").await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.header("x-qcc-provider"), answer.body.clone()), (Some("b"), from_b().body()));
}

#[tokio::test(flavor = "multi_thread")]
async fn careless_media_types_are_not_held_against_a_good_answer() {
    for media in ["text/plain", "application/octet-stream", "text/event-stream"] {
        let a = Upstream::start(whole(200, &[("content-type", media)], &from_b().body())).await.unwrap();
        let running = Running::with(&[("a", &a)], "").await;
        let answer = running.ask(&for_stream()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)));
        assert_eq!(answer.body, from_b().body());
    }
    let a = Upstream::start(whole(200, &[("content-type", "text/html")], message("fine").to_string().as_bytes()));
    let a = a.await.unwrap();
    assert_eq!(Running::with(&[("a", &a)], "").await.ask(&for_message()).await.said(), "fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preamble_without_end_is_committed_when_its_bound_is_reached() {
    let pings: Vec<u8> = (0..64).flat_map(|_| event("ping", &json!({"type": "ping"})).to_vec()).collect();
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&pings)).stall();
    let a = Upstream::start(reply).await.unwrap();
    let running = Running::with(&[("a", &a)], "").await;
    let mut client = qcc_testkit::Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    assert_eq!(client.receive_head().await.unwrap().status, 200);
    assert_eq!(client.read_until(|read| read.len() >= pings.len()).await.unwrap(), pings);
}
