//! Compressed answers come down plain: whole and as streams, in each encoding that servers use without being asked, and
//! event by event as they come.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::replies::{Framing, Stream, chunk, gzip, gzip_message, head, message, message_json, whole};
use qcc_testkit::{Connection, Reply};
use serde_json::json;

use crate::fidelity::{sent_down, up};
use crate::support::{Running, for_message, for_stream};

/// The pieces compressed, each such that a reader has all of it before the next one comes.
fn compressed(encoding: &str, pieces: &[Bytes]) -> Vec<Bytes> {
    let mut parts = match encoding {
        "gzip" => flushed(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()), pieces, |encoder| {
            std::mem::take(encoder.get_mut())
        }),
        "deflate" => {
            flushed(flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best()), pieces, |encoder| {
                std::mem::take(encoder.get_mut())
            })
        }
        _ => brotli(pieces),
    };
    parts.retain(|part| !part.is_empty());
    parts
}

fn flushed<W: Write>(mut encoder: W, pieces: &[Bytes], take: impl Fn(&mut W) -> Vec<u8>) -> Vec<Bytes> {
    let mut parts = Vec::new();
    for piece in pieces {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
        parts.push(take(&mut encoder).into());
    }
    parts
}

/// Brotli without a compressor: RFC 7932 9.2, a meta-block with `ISUNCOMPRESSED` for each piece of up to 64 KiB.
fn brotli(pieces: &[Bytes]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    for piece in pieces {
        let length = u32::try_from(piece.len() - 1).unwrap();
        assert!(length <= 0xffff, "four nibbles of length");
        // From the lowest bit: not the last, four nibbles, the length less one, uncompressed. The very first bit of a
        // stream is its window size.
        let bits = (length << 3) | (1 << 19);
        let bits = if parts.is_empty() { bits << 1 } else { bits };
        parts.push(Bytes::from([&bits.to_le_bytes()[..3], piece].concat()));
    }
    // The last meta-block, empty.
    parts.push(Bytes::from_static(&[3]));
    parts
}

const ENCODINGS: [&str; 3] = ["gzip", "deflate", "br"];

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_stream_comes_down_plain() {
    let stream = Stream::text(["你好", "world"]).and_tool_use("Read", &json!({"path": "/x"}));
    for encoding in ENCODINGS {
        let headers = [("content-type", "text/event-stream"), ("content-encoding", encoding), ("vary", "accept")];
        let start = Reply::new().write(head(200, &headers, Framing::Chunked, 0));
        let parts = compressed(encoding, &stream.events());
        let reply = parts.iter().fold(start, |reply, part| reply.write(chunk(part))).write(chunk(b""));
        for reply in [reply.clone(), reply.in_pieces(1, Duration::ZERO)] {
            let answer = sent_down(&for_stream(), reply).await;
            assert_eq!(answer.body, stream.body(), "{encoding}");
            assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, Some("accept")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_event_comes_down_before_the_next_one() {
    let frames = Stream::text(["one", "two"]).events();
    for encoding in ENCODINGS {
        let headers = [("content-type", "text/event-stream"), ("content-encoding", encoding)];
        let parts = compressed(encoding, &frames);
        let start = Reply::new().write(head(200, &headers, Framing::Chunked, 0));
        let a = up(parts[..4].iter().fold(start, |reply, part| reply.write(chunk(part))).stall()).await;
        let running = Running::with(&[("a", &a)], "").await;
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_stream()).await.unwrap();
        client.receive_head().await.unwrap();
        let begun = frames[..4].concat();
        assert_eq!(client.read_until(|read| read.len() >= begun.len()).await.unwrap(), begun, "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_whole_answer_comes_down_plain() {
    let text = Bytes::from(message(&"你好 ".repeat(2000)).to_string());
    for encoding in ENCODINGS {
        let packed = compressed(encoding, std::slice::from_ref(&text)).concat();
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let answer = sent_down(&for_message(), whole(200, &headers, &packed)).await;
        assert_eq!(answer.body, text, "{encoding}");
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("content-length"), Some(text.len().to_string().as_str()));
    }
    assert_eq!(sent_down(&for_message(), gzip_message("packed")).await.said(), "packed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_answer_of_several_members_comes_down_whole() {
    let text = message("in two members").to_string();
    let (first, second) = text.as_bytes().split_at(40);
    let packed = [gzip(first), gzip(second)].concat();
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(sent_down(&for_message(), whole(200, &headers, &packed)).await.text(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_that_is_cut_is_repaired() {
    let text = Bytes::from(message(&"word ".repeat(2000)).to_string());
    for encoding in ENCODINGS {
        let packed = compressed(encoding, std::slice::from_ref(&text)).concat();
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let (a, b) = (up(whole(200, &headers, &packed[..packed.len() / 2])).await, up(message_json("from b")).await);
        let running = Running::with(&[("a", &a), ("b", &b)], "").await;
        assert_eq!(running.ask(&for_message()).await.said(), "from b", "{encoding}");
    }
}
