//! The ready-made replies are what their names say.

use std::io::Read;
use std::time::Duration;

use qcc_testkit::replies::{self, Cut, Framing, Stream, TruncateAt};
use qcc_testkit::{Connection, Ended, Reply, Request, Upstream, exchange, sse};
use serde_json::json;

async fn answer(reply: Reply) -> qcc_testkit::Answer {
    let upstream = Upstream::start(reply).await.unwrap();
    exchange(upstream.addr(), &Request::get("/")).await.unwrap()
}

fn rich() -> Stream {
    Stream::new().and_thinking("hm").and_text(["Hel", "lo"]).and_tool_use("Bash", &json!({"command": "ls"}))
}

#[test]
fn a_stream_has_the_events_of_the_api_in_their_order() {
    let names = sse::names(&rich().body());
    let block = |deltas: usize| {
        let mut names = vec!["content_block_start"];
        names.extend(std::iter::repeat_n("content_block_delta", deltas));
        names.push("content_block_stop");
        names
    };
    let expected = [vec!["message_start", "ping"], block(2), block(2), block(3), vec!["message_delta", "message_stop"]];
    assert_eq!(names, expected.concat());
}

#[test]
fn every_event_carries_its_own_name_as_type() {
    for event in sse::events(&rich().body()) {
        assert_eq!(event.json()["type"], *event.name);
    }
}

#[test]
fn the_fragments_of_a_tool_input_join_to_json() {
    let stream = Stream::new().and_tool_use("Write", &json!({"text": "\u{e9}\u{e9}\u{e9}"}));
    let joined: String = sse::events(&stream.body())
        .iter()
        .filter_map(|event| event.json()["delta"]["partial_json"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(joined, json!({"text": "\u{e9}\u{e9}\u{e9}"}).to_string());
}

#[test]
fn the_stop_reason_follows_the_last_block() {
    let reason = |stream: &Stream| {
        let events = sse::events(&stream.body());
        let delta = events.iter().find(|event| event.name == "message_delta").unwrap();
        delta.json()["delta"]["stop_reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason(&rich()), "tool_use");
    assert_eq!(reason(&Stream::text(["a"])), "end_turn");
}

#[test]
fn each_truncation_keeps_exactly_what_comes_before_it() {
    let cut = |at| sse::names(&rich().truncated(at, Cut::Close).body());
    let counts = [
        (TruncateAt::BeforeContent, 2, "ping"),
        (TruncateAt::MidFirstBlock, 4, "content_block_delta"),
        (TruncateAt::MidEvent, 4, "content_block_delta"),
        (TruncateAt::AfterTextBlock, 10, "content_block_stop"),
        (TruncateAt::AfterToolUse, 15, "content_block_stop"),
        (TruncateAt::BeforeMessageStop, 16, "message_delta"),
    ];
    for (at, count, last) in counts {
        let names = cut(at);
        assert_eq!((names.len(), names.last().unwrap().as_str()), (count, last), "{at:?}");
    }
}

#[test]
fn a_cut_in_mid_event_leaves_half_a_frame() {
    let whole = rich().body();
    let cut = rich().truncated(TruncateAt::MidEvent, Cut::Close).body();
    assert!(whole.starts_with(&cut));
    assert!(!cut.ends_with(b"\n\n"));
    assert!(cut.len() > rich().truncated(TruncateAt::MidFirstBlock, Cut::Close).body().len());
}

#[tokio::test]
async fn a_stream_says_its_text_in_every_framing_line_ending_and_segmentation() {
    for framing in [Framing::Chunked, Framing::ContentLength, Framing::CloseDelimited] {
        let plain = Stream::text(["Hel", "lo"]).framed(framing);
        let in_bytes = plain.reply().in_pieces(1, Duration::ZERO);
        for reply in [plain.reply(), plain.clone().crlf().reply(), in_bytes] {
            assert_eq!(answer(reply).await.said(), "Hello", "{framing:?}");
        }
    }
    let crlf = Stream::text(["a"]).crlf().body();
    assert!(crlf.ends_with(b"\r\n\r\n"));
}

#[tokio::test]
async fn a_big_event_comes_whole() {
    let answer = answer(replies::big_event(2_000_000)).await;
    assert_eq!(answer.said().len(), 2_000_000);
    assert_eq!(answer.ended, Ended::Clean);
}

#[tokio::test]
async fn a_gzip_answer_unpacks_to_the_plain_one() {
    let answer = answer(replies::gzip_message(&"long ".repeat(40_000))).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, replies::message(&"long ".repeat(40_000)).to_string());
}

#[tokio::test]
async fn errors_have_the_shape_of_the_api() {
    let throttled = answer(replies::status(429, "rate_limit_error", "slow down", &[("retry-after", "7")])).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("7")));
    assert_eq!(throttled.json()["error"], json!({"type": "rate_limit_error", "message": "slow down"}));

    let in_band = answer(replies::error_event("overloaded_error")).await;
    assert_eq!((in_band.status, in_band.event_names()), (200, vec!["error".to_owned()]));
    assert_eq!(sse::events(&in_band.body)[0].json()["error"]["type"], "overloaded_error");

    let page = answer(replies::html(502)).await;
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html; charset=utf-8")));
    assert!(page.text().starts_with("<!DOCTYPE html>"));

    let empty = answer(replies::empty_stream()).await;
    assert_eq!((empty.ended, empty.body.len()), (Ended::Clean, 0));
}

#[tokio::test]
async fn pings_go_on_until_the_client_leaves() {
    let upstream = Upstream::start(replies::pings_only(Duration::from_millis(1))).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&Request::get("/")).await.unwrap();
    client.receive_head().await.unwrap();
    let pings = client.read_until(|read| sse::names(read).len() == 3).await.unwrap();
    assert_eq!(sse::names(&pings), ["ping", "ping", "ping"]);
    drop(client);
    assert_eq!(upstream.closed(1).await, 1);
}

#[test]
fn a_half_event_and_comments_are_no_events() {
    let body = b": hello\n\nevent: ping\ndata: {}\n\ndata: a\ndata: b\n\nevent: half";
    let read = sse::events(body);
    assert_eq!(read.len(), 2);
    assert_eq!((read[1].name.as_str(), read[1].data.as_str()), ("", "a\nb"));
}
