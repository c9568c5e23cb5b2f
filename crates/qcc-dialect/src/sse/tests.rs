//! Whatever pieces the network makes: the same events, and not a byte lost or added.

use proptest::prelude::*;

use super::*;

/// Everything that came of a stream in the given pieces.
#[derive(Debug, PartialEq, Eq)]
struct Split {
    events: Vec<Vec<u8>>,
    heads: usize,
    given: Vec<u8>,
    rest: Vec<u8>,
}

fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Split {
    let mut splitter = Splitter::new();
    let mut result = Split { events: vec![], heads: 0, given: vec![], rest: vec![] };
    for chunk in chunks {
        let batch = splitter.push(Bytes::copy_from_slice(chunk));
        result.events.extend(batch.events().map(<[u8]>::to_vec));
        result.heads += usize::from(batch.oversized_head().is_some());
        result.given.extend_from_slice(&batch.bytes);
        result.given.extend_from_slice(&batch.part);
        assert!(batch.part.is_empty() || splitter.inside_oversized());
    }
    result.rest = splitter.finish().to_vec();
    result
}

const STREAM: &str = "\u{feff}event: a\ndata: \u{1f600} caf\u{e9}\n\nevent: b\r\ndata: 1\r\ndata: 2\r\n\r\n: ping\n\n\
                      data:x\r\rdata: mixed\r\n\ndata: z\n\r\n\n\n\r\n\r\rdata: cut";

#[test]
fn events_end_at_blank_lines_of_every_kind() {
    let whole = split([STREAM.as_bytes()]);
    let texts: Vec<&str> = whole.events.iter().map(|event| std::str::from_utf8(event).unwrap()).collect();
    let expected = [
        "\u{feff}event: a\ndata: \u{1f600} caf\u{e9}\n\n",
        "event: b\r\ndata: 1\r\ndata: 2\r\n\r\n",
        ": ping\n\n",
        "data:x\r\r",
        "data: mixed\r\n\n",
        "data: z\n\r\n",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\r",
    ];
    assert_eq!(texts, expected);
    assert_eq!(whole.rest, b"data: cut");
}

#[test]
fn every_boundary_gives_the_same_events() {
    let stream = STREAM.as_bytes();
    let with_fields = |split: &Split| -> Vec<Vec<u8>> {
        let trim = |event: &Vec<u8>| event.trim_ascii().to_vec();
        split.events.iter().map(trim).filter(|event| !event.is_empty()).collect()
    };
    let whole = split([stream]);
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let pieces = split([&stream[..first], &stream[first..second], &stream[second..]]);
            // An LF that comes after its CR's event has gone is an event of its own; no other differs.
            assert_eq!(with_fields(&pieces), with_fields(&whole), "cut at {first} and {second}");
            assert_eq!([pieces.given, pieces.rest].concat(), stream);
        }
    }
}

#[test]
fn an_event_is_given_out_with_its_last_byte_not_later() {
    let mut splitter = Splitter::new();
    for byte in b"data: 1\r\n\r" {
        let batch = splitter.push(Bytes::copy_from_slice(&[*byte]));
        let last = batch.events().map(<[u8]>::to_vec).collect::<Vec<_>>();
        if !last.is_empty() {
            assert_eq!(last, [b"data: 1\r\n\r".to_vec()]);
        }
    }
    let late = splitter.push(Bytes::from_static(b"\n"));
    assert_eq!(late.events().collect::<Vec<_>>(), [b"\n"]);
    assert!(splitter.finish().is_empty(), "a late LF is no unfinished event");
}

#[test]
fn whole_events_are_not_copied() {
    let chunk = Bytes::from_static(b"data: 1\n\ndata: 2\n\ndata: 3");
    let batch = Splitter::new().push(chunk.clone());
    assert_eq!(batch.bytes.as_ptr(), chunk.as_ptr());
    assert_eq!(batch.events().count(), 2);
}

#[test]
fn an_oversized_event_passes_as_it_comes_and_the_next_one_is_whole_again() {
    let mut splitter = Splitter::new();
    let mut stream = b"event: before\n\nevent: big\ndata: ".to_vec();
    stream.resize(stream.len() + MAX_EVENT, b'x');
    let first = splitter.push(Bytes::from(stream));
    assert_eq!(first.events().collect::<Vec<_>>(), [b"event: before\n\n"]);
    assert!(first.oversized_head().unwrap().starts_with(b"event: big\n"));
    assert!(splitter.inside_oversized());

    let middle = splitter.push(Bytes::from_static(b"yyy\n"));
    assert_eq!((&middle.part[..], middle.bytes.len()), (&b"yyy\n"[..], 0));
    assert!(middle.oversized_head().is_none(), "the head comes once");

    let last = splitter.push(Bytes::from_static(b"\nevent: after\n\ndata: tail"));
    assert_eq!(&last.bytes[..], b"\nevent: after\n\n");
    assert_eq!(last.events().collect::<Vec<_>>(), [b"event: after\n\n"]);
    assert!(!splitter.inside_oversized());
    assert_eq!(&splitter.finish()[..], b"data: tail");
}

#[test]
fn a_line_end_cut_in_two_within_an_oversized_event_ends_nothing() {
    let mut splitter = Splitter::new();
    splitter.push(Bytes::from([&vec![b'x'; MAX_EVENT + 1][..], b"\r"].concat()));
    let rest = splitter.push(Bytes::from_static(b"\ndata: still the same"));
    assert_eq!((&rest.part[..], rest.bytes.len()), (&b"\ndata: still the same"[..], 0));
}

#[test]
fn an_oversized_event_may_end_and_another_begin_in_one_chunk() {
    let big = vec![b'x'; MAX_EVENT + 1];
    let mut splitter = Splitter::new();
    splitter.push(Bytes::from(big.clone()));
    let both = splitter.push(Bytes::from([b"end\n\n: small\n\n", &big[..]].concat()));
    assert_eq!(both.events().collect::<Vec<_>>(), [b": small\n\n"]);
    assert_eq!(both.oversized_head().unwrap().len(), MAX_EVENT + 1);
}

#[test]
fn an_event_of_exactly_the_limit_is_held() {
    let mut splitter = Splitter::new();
    let held = splitter.push(Bytes::from(vec![b'x'; MAX_EVENT]));
    assert!(held.part.is_empty() && !splitter.inside_oversized());
    let passed = splitter.push(Bytes::from_static(b"x"));
    assert_eq!(passed.oversized_head().unwrap().len(), MAX_EVENT + 1);
}

#[test]
fn a_big_event_in_one_chunk_is_a_whole_event() {
    let event = [&vec![b'x'; 2 * MAX_EVENT][..], b"\n\n"].concat();
    let whole = split([&event[..]]);
    assert_eq!((whole.events.len(), whole.heads), (1, 0));
}

#[test]
fn a_two_megabyte_event_in_tiny_chunks_keeps_its_bytes_and_bounds_the_carry() {
    let mut stream = b"event: content_block_delta\ndata: ".to_vec();
    stream.resize(2 << 20, b'x');
    stream.extend_from_slice(b"\n\ndata: next\n\n");
    let mut splitter = Splitter::new();
    let mut given = Vec::new();
    let mut heads = 0;
    let mut events = Vec::new();
    for chunk in stream.chunks(7) {
        let batch = splitter.push(Bytes::copy_from_slice(chunk));
        heads += usize::from(batch.oversized_head().is_some());
        events.extend(batch.events().map(<[u8]>::to_vec));
        given.extend_from_slice(&batch.bytes);
        given.extend_from_slice(&batch.part);
        assert!(splitter.carry.len() <= MAX_EVENT);
    }
    assert_eq!(heads, 1);
    assert_eq!(events, [b"data: next\n\n"]);
    assert!(given == stream, "not a byte is lost");
}

#[test]
fn fields_are_read_in_every_form_the_standard_allows() {
    let read = |event: &'static str| {
        let fields = fields(event.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (fields.event.map(text), text(&fields.data), fields.stray)
    };
    let name = |name: &str| Some(name.to_owned());
    let cases = [
        ("event: a\ndata: b\n\n", (name("a"), "b".into(), false)),
        ("event:a\r\ndata:b\r\n\r\n", (name("a"), "b".into(), false)),
        ("event: a\rdata: b\r\r", (name("a"), "b".into(), false)),
        ("\u{feff}event: a\n\n", (name("a"), String::new(), false)),
        ("data: a\ndata: b\ndata:\ndata:  c\n\n", (None, "a\nb\n\n c".into(), false)),
        ("data\ndata\n\n", (None, "\n".into(), false)),
        (": comment\nid: 7\nretry: 5\n\n", (None, String::new(), false)),
        ("event: a\nevent: b\n\n", (name("b"), String::new(), false)),
        ("<html>\n\n", (None, String::new(), true)),
        ("{\"type\":\"message\"}\n\n", (None, String::new(), true)),
        ("\n", (None, String::new(), false)),
        ("data: no end", (None, "no end".into(), false)),
    ];
    for (event, expected) in cases {
        assert_eq!(read(event), expected, "{event:?}");
    }
}

#[test]
fn one_data_line_is_not_copied() {
    assert!(matches!(fields(b"data: x\n\n").data, Cow::Borrowed(_)));
}

proptest! {
    #[test]
    fn the_output_is_the_input_in_any_pieces(
        stream in prop::collection::vec(prop::sample::select(b"\n\r\n:dx\xc3\xa9 ".to_vec()), 0..80),
        cuts in prop::collection::vec(1usize..5, 1..10),
    ) {
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at((*length).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        let pieces = split(chunks);
        prop_assert_eq!([&pieces.given[..], &pieces.rest].concat(), stream.clone());
        prop_assert_eq!(&pieces.events.concat(), &pieces.given, "events are all that is given out");

        let whole = split([&stream[..]]);
        let fields_of = |split: &Split| -> Vec<(Option<Vec<u8>>, Vec<u8>, bool)> {
            let read = split.events.iter().map(|event| fields(event));
            let read = read.map(|fields| (fields.event.map(<[u8]>::to_vec), fields.data.into_owned(), fields.stray));
            read.filter(|(event, data, stray)| event.is_some() || !data.is_empty() || *stray).collect()
        };
        prop_assert_eq!(fields_of(&pieces), fields_of(&whole));
    }
}
