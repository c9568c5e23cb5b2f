//! Framing, fed in every way in which a network may cut it.

use bytes::BytesMut;

use super::{Body, Chunk, Taken, take_head};

/// Feeds `input` byte by byte and returns the body, and whether its end was seen.
fn read(mut body: Body, input: &[u8]) -> std::io::Result<(Vec<u8>, bool)> {
    let mut buffer = BytesMut::new();
    let mut read = Vec::new();
    for byte in input {
        buffer.extend_from_slice(&[*byte]);
        loop {
            match body.take(&mut buffer)? {
                Taken::Data(data) => read.extend_from_slice(&data),
                Taken::NeedsMore => break,
                Taken::End => return Ok((read, true)),
            }
        }
    }
    Ok((read, false))
}

#[test]
fn a_head_is_taken_only_when_it_is_whole_and_leaves_the_body() {
    let mut buffer = BytesMut::from("POST /x HTTP/1.1\r\nHost: a\r\nX-Two:  b \r\n\r");
    assert!(take_head(&mut buffer).unwrap().is_none());
    buffer.extend_from_slice(b"\nbody");
    let head = take_head(&mut buffer).unwrap().unwrap();
    assert_eq!(head.first_line, "POST /x HTTP/1.1");
    assert_eq!(head.headers, [("Host".into(), "a".into()), ("X-Two".into(), "b".into())]);
    assert_eq!(head.header("host"), Some("a"));
    assert_eq!(&buffer[..], b"body");
}

#[test]
fn a_header_without_a_colon_is_refused() {
    let mut buffer = BytesMut::from("GET / HTTP/1.1\r\nnonsense\r\n\r\n");
    assert!(take_head(&mut buffer).unwrap_err().to_string().contains("nonsense"));
}

#[test]
fn a_chunked_body_is_whole_only_after_its_final_chunk() {
    let input = b"5;ext=1\r\nhello\r\nA\r\n, world...\r\n0\r\ntrailer: x\r\n\r\n";
    assert_eq!(read(Body::Chunked(Chunk::Size), input).unwrap(), (b"hello, world...".to_vec(), true));
    let cut = &input[..input.len() - 2];
    assert_eq!(read(Body::Chunked(Chunk::Size), cut).unwrap(), (b"hello, world...".to_vec(), false));
}

#[test]
fn a_chunk_that_lies_about_its_size_is_refused() {
    assert!(read(Body::Chunked(Chunk::Size), b"3\r\nhello\r\n0\r\n\r\n").is_err());
    assert!(read(Body::Chunked(Chunk::Size), b"xyz\r\nhello\r\n").is_err());
}

#[test]
fn a_body_with_a_length_ends_at_its_length() {
    assert_eq!(read(Body::Length(3), b"abcdef").unwrap(), (b"abc".to_vec(), true));
    let mut empty = BytesMut::from("next request");
    assert_eq!(Body::Length(0).take(&mut empty).unwrap(), Taken::End);
    assert_eq!(&empty[..], b"next request");
}

#[test]
fn data_never_crosses_a_chunk_boundary() {
    let mut buffer = BytesMut::from("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n");
    let mut body = Body::Chunked(Chunk::Size);
    assert_eq!(body.take(&mut buffer).unwrap(), Taken::Data("ab".into()));
    assert_eq!(body.take(&mut buffer).unwrap(), Taken::Data("cd".into()));
    assert_eq!(body.take(&mut buffer).unwrap(), Taken::End);
}
