//! The list of faults, in the order of a request's life: a provider that cannot answer, one that answers nonsense, one
//! that falls silent, streams that break, clients that leave, and the last word when nobody is left.
//!
//! Each of them was met in practice. Which reaction of the gateway is the right one was found by watching what Claude
//! Code does with it.

use std::time::Duration;

use qcc_testkit::replies::{self, Cut, Stream, TruncateAt, status};
use qcc_testkit::{Gate, Reply};
use serde_json::json;

use super::scenario::{Ask, Promise, Scenario};

/// What is said about who is left out: it failed.
const FAULT: &str = "fault";

/// What the provider says where its own words do not matter.
const WORDS: &str = "scripted";

/// A wait that a provider asks for, seconds.
const WAIT: &str = "20";

/// Every scenario.
pub(super) fn all() -> Vec<Scenario> {
    let parts = [unable(), nonsense(), silence(), whole(), breaks(), clients(), last_words()];
    parts.into_iter().flatten().collect()
}

/// A provider that cannot answer, and says so.
fn unable() -> Vec<Scenario> {
    let throttled = Promise::Failover { reason: "throttled", wait: Some(20) };
    let out = |reason| Promise::Failover { reason, wait: None };
    vec![
        Scenario { first: None, ..failover("connection-refused", Reply::new()) },
        failover("closed-before-answer", Reply::new().close()),
        failover("error-500", status(500, "api_error", WORDS, &[])),
        failover("overloaded-529", status(529, "overloaded_error", WORDS, &[])),
        Scenario {
            promise: throttled,
            ..failover("throttled-429", status(429, "rate_limit_error", WORDS, &[("retry-after", WAIT)]))
        },
        Scenario {
            promise: out("credential"),
            ..failover("key-refused-401", status(401, "authentication_error", WORDS, &[]))
        },
        Scenario {
            promise: out("permission"),
            ..failover("key-forbidden-403", status(403, "permission_error", WORDS, &[]))
        },
        Scenario { ask: Ask::Large, ..failover("large-body", status(500, "api_error", WORDS, &[])) },
    ]
}

/// A provider that claims success.
fn nonsense() -> Vec<Scenario> {
    let error = replies::error_body("api_error", WORDS);
    let half = Stream::text(["never", "seen"]);
    let before = |cut| half.clone().truncated(TruncateAt::BeforeContent, cut).reply();
    vec![
        failover("html-under-200", replies::html(200)),
        failover("error-under-200", replies::json_body(200, &[], &error)),
        failover("error-event", replies::error_event("overloaded_error")),
        failover("empty-stream", replies::empty_stream()),
        failover("reset-before-content", before(Cut::Reset)),
        failover("end-before-content", before(Cut::Clean)),
        half_answer(),
    ]
}

/// A whole answer of which half comes.
fn half_answer() -> Scenario {
    let text = replies::message("never seen").to_string();
    let head = replies::head(200, &[("content-type", "application/json")], replies::Framing::ContentLength, text.len());
    let first = Reply::new().write(head).write(text.as_bytes()[..text.len() / 2].to_vec()).close();
    Scenario {
        ask: Ask::Whole,
        second: Some(replies::message_json("Hello.")),
        body: replies::message("Hello.").to_string().into_bytes(),
        ..failover("half-an-answer", first)
    }
}

/// A provider that takes the request and goes quiet.
fn silence() -> Vec<Scenario> {
    let stalled = Stream::text(["never", "seen"]).truncated(TruncateAt::BeforeContent, Cut::Stall).reply();
    let pings = replies::pings_only(Duration::from_millis(200));
    [("silence", replies::silence()), ("stall-before-content", stalled), ("only-pings", pings)]
        .map(|(name, reply)| Scenario { impatient: true, ..failover(name, reply) })
        .into()
}

/// Answers that are whole and must stay so, however they arrive.
fn whole() -> Vec<Scenario> {
    let good = good();
    let crlf = good.clone().crlf();
    let zipped = replies::gzip(&good.body());
    let headers = [("content-type", "text/event-stream; charset=utf-8"), ("content-encoding", "gzip")];
    // Longer as a whole than the least time limit of an impatient provider, and far from each limit in its parts.
    let drip = good.reply().in_pieces(100, Duration::from_millis(50));
    vec![
        Scenario { impatient: true, ..alone("slow-drip", Promise::Faithful, drip, good.body().to_vec()) },
        alone("one-byte-segments", Promise::Faithful, crlf.reply().in_pieces(1, Duration::ZERO), crlf.body().to_vec()),
        alone("gzip", Promise::Faithful, replies::whole(200, &headers, &zipped), good.body().to_vec()),
    ]
}

/// Streams that break after the client has got a part.
fn breaks() -> Vec<Scenario> {
    let text = || Stream::text(["Once ", "upon ", "a ", "time."]);
    let tool = || text().and_tool_use("Read", &json!({"file_path": "/tmp/notes.txt"}));
    let mid = |cut| text().truncated(TruncateAt::MidFirstBlock, cut);
    let (cut, stall) = (mid(Cut::Reset), mid(Cut::Stall));
    let event = text().truncated(TruncateAt::MidEvent, Cut::Clean);
    let end = text().truncated(TruncateAt::AfterTextBlock, Cut::Clean);
    let called = tool().truncated(TruncateAt::AfterToolUse, Cut::Close);
    let gate = Gate::new();
    let reset = cut.reply().wait_for(&gate);
    let again = Promise::Honest { cut: true };
    let body = |stream: &Stream| stream.body().to_vec();
    vec![
        Scenario { gate: Some(gate), ..alone("cut-in-first-block", again, reset, body(&cut)) },
        alone("half-an-event", again, event.reply(), body(&cut)),
        Scenario { impatient: true, ..alone("stall-in-first-block", again, stall.reply(), body(&stall)) },
        alone("end-after-text", Promise::Honest { cut: false }, end.reply(), body(&end)),
        alone("cut-after-tool-use", Promise::Closed, called.reply(), body(&called)),
    ]
}

/// Clients that do not wait for the end.
fn clients() -> Vec<Scenario> {
    let stalled = good().truncated(TruncateAt::AfterTextBlock, Cut::Stall);
    let left = |name, early, first| {
        let alone = alone(name, Promise::LetGo { early }, first, Vec::new());
        Scenario { second: Some(good().reply()), ..alone }
    };
    vec![
        left("client-leaves-early", true, replies::silence()),
        left("client-leaves-mid-stream", false, stalled.reply()),
    ]
}

/// Requests that nobody can answer well.
fn last_words() -> Vec<Scenario> {
    let refusal = replies::error_body("invalid_request_error", "messages: at least one message is required");
    let bad = replies::json_body(400, &[], &refusal);
    let verbatim = Promise::Verbatim { status: 400 };
    let both = |name, status, kind, first, second| {
        let promise = Promise::FinalWord { status, kind };
        Scenario { second: Some(second), ..alone(name, promise, first, Vec::new()) }
    };
    let throttled = || status(429, "rate_limit_error", WORDS, &[("retry-after", "90")]);
    let refused = || status(401, "authentication_error", WORDS, &[]);
    let down = status(500, "api_error", WORDS, &[]);
    let overloaded = status(529, "overloaded_error", WORDS, &[("retry-after", "600")]);
    vec![
        Scenario {
            second: Some(good().reply()),
            ..alone("bad-request-400", verbatim, bad, refusal.to_string().into_bytes())
        },
        both("all-down", 503, "api_error", down, overloaded),
        both("all-throttled", 429, "rate_limit_error", throttled(), throttled()),
        both("all-keys-refused", 403, "permission_error", refused(), refused()),
    ]
}

/// A good stream: two kinds of blocks, and characters of two, three and four bytes.
fn good() -> Stream {
    Stream::new().and_thinking("The user wants a greeting.").and_text(["Grüße", " an die ", "世界 ", "🌍."])
}

/// A fault of the first provider that the second makes good.
fn failover(name: &'static str, first: Reply) -> Scenario {
    let promise = Promise::Failover { reason: FAULT, wait: None };
    Scenario { second: Some(good().reply()), ..alone(name, promise, first, good().body().to_vec()) }
}

/// A provider without another behind it.
fn alone(name: &'static str, promise: Promise, first: Reply, body: Vec<u8>) -> Scenario {
    let first = Some(first);
    Scenario { name, promise, ask: Ask::Stream, first, second: None, impatient: false, gate: None, body }
}
