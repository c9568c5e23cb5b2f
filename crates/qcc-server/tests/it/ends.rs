//! How a committed stream ends. What broke off never ends so that a client could take it for whole, what is whole ends
//! well however the transport behaves after it, and only the terminal event makes a success.

use bytes::Bytes;
use qcc_testkit::replies::{
    Cut, Framing, Stream, TruncateAt, chunk, error_body, event, head, message, message_json, stream_head,
};
use qcc_testkit::{Answer, Connection, Ended, Gate, Reply, Upstream, sse};
use serde_json::{Value, json};

use crate::support::{Running, for_message, for_stream};

const CUTS: [Cut; 3] = [Cut::Clean, Cut::Close, Cut::Reset];

/// What a client got from one provider, what was logged, and what became of the provider.
struct End {
    answer: Answer,
    row: Value,
    standing: String,
}

async fn end_of(reply: Reply) -> End {
    end_of_with(reply, "").await
}

async fn end_of_with(reply: Reply, more: &str) -> End {
    let a = Upstream::start(reply).await.unwrap();
    let mut running = Running::with(&[("a", &a)], more).await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!(a.posts().len(), 1, "a committed stream is never repeated");
    End { answer, row: running.row().await, standing: running.standing("a").await }
}

impl End {
    /// A failure in every count, and the provider's.
    #[track_caller]
    fn is_a_failure(&self) {
        assert_eq!(self.row["verdict"], "broken", "{}", self.row);
        assert_eq!(self.standing, "fault");
    }

    #[track_caller]
    fn is_a_success(&self) {
        assert_eq!((&self.row["verdict"], self.answer.ended), (&json!("done"), Ended::Clean), "{}", self.row);
        assert_eq!(self.standing, "closed");
    }

    /// The upstream's bytes came first; the events that were added to them.
    #[track_caller]
    fn added_to(&self, relayed: &[u8]) -> Vec<sse::Event> {
        let rest = self.answer.body.strip_prefix(relayed);
        let rest = rest.unwrap_or_else(|| panic!("other bytes than the provider's: {}", self.answer.text()));
        let events = sse::events(rest);
        assert!(rest.is_empty() || rest.ends_with(b"\n\n") && !events.is_empty(), "half an event was added");
        events
    }

    /// An error event was added and the body broken off.
    #[track_caller]
    fn is_aborted(&self, relayed: &[u8]) {
        self.says_error(relayed);
        assert_ne!(self.answer.ended, Ended::Clean);
        self.is_a_failure();
    }

    /// An error event was added and the body ended.
    #[track_caller]
    fn is_ended_with_an_error(&self, relayed: &[u8]) {
        self.says_error(relayed);
        assert_eq!(self.answer.ended, Ended::Clean);
        self.is_a_failure();
    }

    #[track_caller]
    fn says_error(&self, relayed: &[u8]) {
        let added = self.added_to(relayed);
        assert_eq!(added.len(), 1, "{added:?}");
        let data = added[0].json();
        assert_eq!((added[0].name.as_str(), &data["type"]), ("error", &json!("error")));
        assert_eq!(data["error"]["type"], "api_error");
        assert_eq!(data["request_id"].as_str(), self.answer.header("x-qcc-request-id"));
        assert!(!data["error"]["message"].as_str().unwrap().is_empty());
    }

    /// The message was closed as one that asks for its tool to be run.
    #[track_caller]
    fn is_closed_for_its_tool(&self, relayed: &[u8], more: &[&str]) {
        let added = self.added_to(relayed);
        let names: Vec<_> = added.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, [more, &["message_delta", "message_stop"]].concat());
        assert_eq!(added[more.len()].json()["delta"]["stop_reason"], "tool_use");
        assert_eq!(self.answer.ended, Ended::Clean);
        self.is_a_failure();
    }
}

/// These frames as chunks, then the connection is closed without the final one.
fn broken_after(frames: &[Bytes]) -> Reply {
    frames
        .iter()
        .fold(Reply::new().write(stream_head(Framing::Chunked)), |reply, frame| reply.write(chunk(frame)))
        .close()
}

fn call() -> Value {
    json!({"path": "/etc/hosts"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_in_the_first_block_is_told_and_cut() {
    for cut in CUTS {
        for framing in [Framing::Chunked, Framing::ContentLength, Framing::CloseDelimited] {
            let stream = Stream::text(["one", "two"]).framed(framing).truncated(TruncateAt::MidFirstBlock, cut);
            end_of(stream.reply()).await.is_aborted(&stream.body());
        }
    }
    let thinking = Stream::new().and_thinking("hm").and_text(["x"]).truncated(TruncateAt::MidFirstBlock, Cut::Reset);
    end_of(thinking.reply()).await.is_aborted(&thinking.body());
    let tool = Stream::new().and_tool_use("Read", &call()).truncated(TruncateAt::MidFirstBlock, Cut::Close);
    end_of(tool.reply()).await.is_aborted(&tool.body());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_event_is_not_passed_on() {
    for cut in CUTS {
        let stream = Stream::text(["one", "two"]).truncated(TruncateAt::MidEvent, cut);
        let frames = stream.events();
        end_of(stream.reply()).await.is_aborted(&frames[..frames.len() - 1].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_after_text_is_told_and_ended() {
    for cut in CUTS {
        let stream = Stream::text(["one"]).and_tool_use("Read", &call()).truncated(TruncateAt::AfterTextBlock, cut);
        end_of(stream.reply()).await.is_ended_with_an_error(&stream.body());
    }
    let frames = Stream::new().and_thinking("hm").and_text(["one", "two"]).events();
    // message_start, ping, the thinking block's four events, then the start of a text and its first piece.
    for kept in 6..=8 {
        end_of(broken_after(&frames[..kept])).await.is_ended_with_an_error(&frames[..kept].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_whole_tool_call_the_message_is_closed_so_that_the_tool_runs() {
    for cut in CUTS {
        let stream = Stream::text(["one"]).and_tool_use("Read", &call()).truncated(TruncateAt::AfterToolUse, cut);
        end_of(stream.reply()).await.is_closed_for_its_tool(&stream.body(), &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_follows_a_whole_tool_call_is_closed_with_it() {
    let frames = Stream::new().and_tool_use("Read", &call()).and_text(["said", "more"]).events();
    // message_start, ping, the call's five events, then the start of the text and its first piece.
    end_of(broken_after(&frames[..9])).await.is_closed_for_its_tool(&frames[..9].concat(), &["content_block_stop"]);
    end_of(broken_after(&frames[..8])).await.is_aborted(&frames[..8].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_tool_call_is_never_made_to_look_whole() {
    let frames = Stream::new().and_tool_use("Read", &call()).and_tool_use("Write", &call()).events();
    for kept in 8..=11 {
        let end = end_of(broken_after(&frames[..kept])).await;
        end.is_aborted(&frames[..kept].concat());
        assert!(!end.answer.text().contains("message_stop"), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_lacks_only_its_stop_is_no_whole_one() {
    for cut in CUTS {
        for (stream, added_event) in
            [(Stream::text(["one"]), "error"), (Stream::new().and_tool_use("Read", &call()), "message_stop")]
        {
            let stream = stream.truncated(TruncateAt::BeforeMessageStop, cut);
            let end = end_of(stream.reply()).await;
            let added = end.added_to(&stream.body());
            assert_eq!((added.len(), added[0].name.as_str(), end.answer.ended), (1, added_event, Ended::Clean));
            end.is_a_failure();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_inside_an_oversized_event_is_only_cut() {
    // The oversized event comes in a first block, and then after an ended tool call, where closing would be tempting.
    for stream in [Stream::new(), Stream::new().and_tool_use("Read", &call())] {
        let big = stream.and_text([&*"x".repeat(600_000)]).events();
        let place = big.iter().position(|frame| frame.len() > 600_000).unwrap();
        let begun = [&big[..place].concat()[..], &big[place][..400_000]].concat();
        let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&begun)).close();
        let end = end_of(reply).await;
        assert!(begun.starts_with(&end.answer.body), "something was added inside an event");
        assert!(end.answer.body.len() > begun.len() - 400_000, "nothing of the event was passed");
        assert_ne!(end.answer.ended, Ended::Clean);
        end.is_a_failure();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_after_an_oversized_event_ends_like_any_other() {
    let frames = Stream::text([&*"x".repeat(600_000), "y"]).events();
    end_of(broken_after(&frames[..5])).await.is_aborted(&frames[..5].concat());
    end_of(broken_after(&frames[..6])).await.is_ended_with_an_error(&frames[..6].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_provider_is_passed_on_once_and_counts_as_a_break() {
    for kind in ["overloaded_error", "api_error", "rate_limit_error", "unheard_of_error"] {
        let error = event("error", &error_body(kind, "Overloaded"));
        let frames = Stream::text(["one", "two"]).and_tool_use("Read", &call()).events();
        // Inside the first block; after it; after the call, where the message is closed.
        for (kept, ended, names) in
            [(4, false, &["error"][..]), (6, true, &["error"]), (11, true, &["error", "message_delta", "message_stop"])]
        {
            let mut sent = frames[..kept].to_vec();
            sent.push(error.clone());
            let end = end_of(broken_after(&sent)).await;
            let added: Vec<_> = end.added_to(&frames[..kept].concat()).into_iter().map(|event| event.name).collect();
            assert_eq!(added, names, "{kind} after {kept}");
            assert!(end.answer.body.starts_with(&sent.concat()));
            assert_eq!(end.answer.ended == Ended::Clean, ended, "{kind} after {kept}");
            end.is_a_failure();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_sends_after_its_error_is_not_passed_on() {
    let frames = Stream::text(["one", "two"]).events();
    let error = event("error", &error_body("api_error", "oh"));
    let late = [&error[..], &frames[4..].concat()].concat();
    let end = end_of(broken_after(&[frames[..4].concat().into(), late.into()])).await;
    assert_eq!(end.answer.body, [&frames[..4].concat()[..], &error].concat());
    end.is_a_failure();
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_content_ends_like_a_break() {
    for at in [TruncateAt::MidFirstBlock, TruncateAt::AfterTextBlock] {
        let stream = Stream::text(["one", "two"]).truncated(at, Cut::Stall);
        let end = end_of_with(stream.reply(), "timeouts: {idle: 1s}\n").await;
        match at {
            TruncateAt::MidFirstBlock => end.is_aborted(&stream.body()),
            _ => end.is_ended_with_an_error(&stream.body()),
        }
        assert!(end.row["error"].as_str().unwrap().contains("idle"), "{}", end.row);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_after_content_do_not_keep_a_stream_alive() {
    let ping = chunk(&event("ping", &json!({"type": "ping"})));
    let mut reply = Stream::text(["one", "two"]).truncated(TruncateAt::MidFirstBlock, Cut::Stall).reply();
    reply = reply.step(qcc_testkit::Step::Repeat { bytes: ping, every: std::time::Duration::from_millis(20) });
    let end = end_of_with(reply, "timeouts: {stall: 1s}\n").await;
    assert_eq!(end.answer.event_names().last().map(String::as_str), Some("error"));
    assert_ne!(end.answer.ended, Ended::Clean);
    assert!(end.row["error"].as_str().unwrap().contains("stall"), "{}", end.row);
    end.is_a_failure();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_stream_is_a_success_however_its_connection_ends() {
    let stream = Stream::text(["one"]).and_tool_use("Read", &call());
    let unended = |reply: Reply| Reply { steps: reply.steps[..reply.steps.len() - 1].to_vec(), ..reply };
    let by_close = stream.clone().framed(Framing::CloseDelimited);
    for reply in [
        stream.reply(),
        stream.reply().close(),
        stream.reply().reset(),
        unended(stream.reply()).close(),
        unended(stream.reply()).reset(),
        // The connection lingers: neither more bytes nor an end.
        unended(stream.reply()).stall(),
        stream.clone().framed(Framing::ContentLength).reply(),
        by_close.reply(),
        by_close.reply().reset(),
    ] {
        let end = end_of(reply).await;
        assert_eq!(end.answer.body, stream.body());
        end.is_a_success();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trails_the_terminal_event_is_passed_on() {
    let stream = Stream::text(["one"]);
    for rest in ["data: [DONE]\n\n", ": bye\n\n", ": no blank line", "\n"] {
        let body = [&stream.body()[..], rest.as_bytes()].concat();
        let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&body)).write(chunk(b""));
        let end = end_of(reply).await;
        assert_eq!(end.answer.body, body);
        end.is_a_success();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_stream_leaves_its_connection_for_the_next_one() {
    let a = Upstream::start(Stream::text(["one"]).reply()).await.unwrap();
    let running = Running::with(&[("a", &a)], "").await;
    for _ in 0..5 {
        running.ask(&for_stream()).await;
    }
    let mut connections: Vec<_> = a.posts().iter().map(|request| request.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    assert!(connections.len() <= 2, "one of its own, or the one that was opened at start: {connections:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_goes_down_before_the_next_one_comes() {
    let frames = Stream::text(["one", "two", "three"]).events();
    let gates: Vec<Gate> = frames.iter().map(|_| Gate::new()).collect();
    let mut reply = Reply::new().write(stream_head(Framing::Chunked));
    for (frame, gate) in frames.iter().zip(&gates) {
        reply = reply.wait_for(gate).write(chunk(frame));
    }
    let a = Upstream::start(reply.write(chunk(b""))).await.unwrap();
    let running = Running::with(&[("a", &a)], "").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    // Everything before the first piece of text is held back until that comes.
    for gate in &gates[..4] {
        gate.open();
    }
    assert_eq!(client.receive_head().await.unwrap().status, 200);
    let begun = frames[..4].concat();
    assert_eq!(client.read_until(|read| read.len() >= begun.len()).await.unwrap(), begun);
    for (frame, gate) in frames.iter().zip(&gates).skip(4) {
        gate.open();
        assert_eq!(client.read_until(|read| read.len() >= frame.len()).await.unwrap(), *frame);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_of_a_stream_tells_what_the_provider_counted() {
    let end = end_of(Stream::text(["one"]).reply()).await;
    let row = &end.row;
    assert_eq!((&row["status"], &row["provider"], &row["attempts"]), (&json!(200), &json!("a"), &json!(1)));
    assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(25), &json!(15)));
    assert_eq!(row["upstream_id"], "msg_01TestkitStream");
    assert_eq!(row["bytes_out"], end.answer.body.len());
}

/// A message too large to be held before it goes down.
fn large() -> String {
    message(&"x".repeat(9 * 1024 * 1024)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_to_be_held_goes_down_as_it_comes() {
    let text = large();
    let reply = Reply::new().write(head(200, &[], Framing::ContentLength, text.len())).write(text.clone());
    let a = Upstream::start(reply).await.unwrap();
    let mut running = Running::with(&[("a", &a)], "").await;
    let answer = running.ask(&for_message()).await;
    assert!(answer.body == text, "{} bytes of {}", answer.body.len(), text.len());
    assert_eq!((answer.ended, &running.row().await["verdict"]), (Ended::Clean, &json!("done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_to_be_held_is_cut_where_it_breaks() {
    let text = large();
    for framing in [Framing::ContentLength, Framing::Chunked] {
        let sent = &text.as_bytes()[..text.len() - 1000];
        let body = if framing == Framing::Chunked { chunk(sent) } else { Bytes::copy_from_slice(sent) };
        let a = Upstream::start(Reply::new().write(head(200, &[], framing, text.len())).write(body).close());
        let (a, b) = (a.await.unwrap(), Upstream::start(message_json("late")).await.unwrap());
        let mut running = Running::with(&[("a", &a), ("b", &b)], "").await;
        let answer = running.ask(&for_message()).await;
        assert_ne!(answer.ended, Ended::Clean);
        assert_eq!(running.row().await["verdict"], "broken");
        assert_eq!((running.standing("a").await.as_str(), b.posts().len()), ("fault", 0));
    }
}
