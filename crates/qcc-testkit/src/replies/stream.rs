//! A realistic Anthropic event stream, whole or broken at a named point.
//!
//! The order is the API's: `message_start`, `ping`, then for each block its start, deltas and stop, then
//! `message_delta` with the stop reason and `message_stop`. Real clients react differently to a break in each of the
//! places that [`TruncateAt`] names, so each is a case of its own for a gateway.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::{Dialect, Framing, chunk, event, head, stream_head};
use crate::Gate;
use crate::upstream::{End, Reply};

/// After which part a stream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruncateAt {
    /// After `message_start` and `ping`: nothing has been said.
    BeforeContent,
    /// After half of the deltas of the first block, at least one.
    MidFirstBlock,
    /// As [`TruncateAt::MidFirstBlock`], and half of the next event besides.
    MidEvent,
    /// After the first text block has ended.
    AfterTextBlock,
    /// After the first `tool_use` block has ended.
    AfterToolUse,
    /// After `message_delta`: only `message_stop` is missing.
    BeforeMessageStop,
}

/// How a broken stream ends on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// In order, as if it were whole: the final chunk is sent.
    Clean,
    /// The connection closes (FIN) without the final chunk.
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing more comes, and the connection stays.
    Stall,
}

#[derive(Debug, Clone)]
struct Block {
    start: Value,
    deltas: Vec<Value>,
}

/// What an event is, for finding the place of a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Opening,
    Inside(usize),
    BlockEnd(usize),
    StopReason,
    Stop,
}

/// A stream to be sent. [`Stream::reply`] makes it a [`Reply`], [`Stream::events`] gives its frames.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    blocks: Vec<Block>,
    framing: Framing,
    crlf: bool,
    cut: Option<(TruncateAt, Cut)>,
    gate: Option<(usize, Gate)>,
}

impl Stream {
    /// A stream without content blocks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A stream with one text block, a delta for each piece.
    pub fn text<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Self {
        Self::new().and_text(pieces)
    }

    /// Adds a text block, a delta for each piece.
    #[must_use]
    pub fn and_text<'t>(mut self, pieces: impl IntoIterator<Item = &'t str>) -> Self {
        let deltas = pieces.into_iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
        self.blocks.push(Block { start: json!({"type": "text", "text": ""}), deltas });
        self
    }

    /// Adds a thinking block with its signature.
    #[must_use]
    pub fn and_thinking(mut self, thought: &str) -> Self {
        let deltas = vec![
            json!({"type": "thinking_delta", "thinking": thought}),
            json!({"type": "signature_delta", "signature": Dialect::Anthropic.signature()}),
        ];
        self.blocks.push(Block { start: json!({"type": "thinking", "thinking": "", "signature": ""}), deltas });
        self
    }

    /// Adds a tool call whose input comes as two fragments after an empty one, as providers send it.
    #[must_use]
    pub fn and_tool_use(self, name: &str, input: &Value) -> Self {
        let id = format!("toolu_01Testkit{:04}", self.blocks.len());
        self.and_call(&id, name, input)
    }

    /// As [`Stream::and_tool_use`], with this id.
    #[must_use]
    pub fn and_call(mut self, id: &str, name: &str, input: &Value) -> Self {
        let text = input.to_string();
        let mut middle = text.len() / 2;
        while !text.is_char_boundary(middle) {
            middle += 1;
        }
        let (first, second) = text.split_at(middle);
        let delta = |part: &str| json!({"type": "input_json_delta", "partial_json": part});
        self.blocks.push(Block {
            start: json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
            deltas: vec![delta(""), delta(first), delta(second)],
        });
        self
    }

    /// Sends the body in another framing than chunks.
    #[must_use]
    pub fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Ends lines with CR LF.
    #[must_use]
    pub fn crlf(mut self) -> Self {
        self.crlf = true;
        self
    }

    /// Breaks at this place in this way.
    #[must_use]
    pub fn truncated(mut self, at: TruncateAt, cut: Cut) -> Self {
        self.cut = Some((at, cut));
        self
    }

    /// Waits at this gate before the event of this index (0 is `message_start`).
    #[must_use]
    pub fn gated(mut self, before_event: usize, gate: &Gate) -> Self {
        self.gate = Some((before_event, gate.clone()));
        self
    }

    /// The SSE frames that are sent, in order, without chunk framing. The last may be half a frame.
    #[must_use]
    pub fn events(&self) -> Vec<Bytes> {
        let all = self.whole();
        let kept = match self.cut {
            Some((at, _)) => self.kept(&all, at),
            None => all.len(),
        };
        let mut frames: Vec<Bytes> = all[..kept].iter().map(|(_, frame)| frame.clone()).collect();
        if let (Some((TruncateAt::MidEvent, _)), Some((_, next))) = (self.cut, all.get(kept)) {
            frames.push(next.slice(..next.len() / 2));
        }
        frames
    }

    /// The body as the client of a faithful relay gets it.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let mut body = BytesMut::new();
        for frame in self.events() {
            body.extend_from_slice(&frame);
        }
        body.freeze()
    }

    /// The reply: head, a write for each event, and the end.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let frames = self.events();
        let mut reply = Reply::new().write(self.head());
        for (index, frame) in frames.into_iter().enumerate() {
            if let Some((before, gate)) = &self.gate
                && *before == index
            {
                reply = reply.wait_for(gate);
            }
            reply = match self.framing {
                Framing::Chunked => reply.write(chunk(&frame)),
                Framing::ContentLength | Framing::CloseDelimited => reply.write(frame),
            };
        }
        let ended_in_order = matches!(self.cut, None | Some((_, Cut::Clean)));
        if ended_in_order && self.framing == Framing::Chunked {
            reply = reply.write(chunk(b""));
        }
        reply.end = match self.cut {
            None | Some((_, Cut::Clean)) if self.framing == Framing::CloseDelimited => End::Close,
            None | Some((_, Cut::Clean)) => End::KeepAlive,
            Some((_, Cut::Close)) => End::Close,
            Some((_, Cut::Reset)) => End::Reset,
            Some((_, Cut::Stall)) => End::Stall,
        };
        reply
    }

    fn head(&self) -> Bytes {
        if self.framing != Framing::ContentLength {
            return stream_head(self.framing);
        }
        // A break in the middle announces the length of the whole; a clean end announces what comes.
        let length = match self.cut {
            None | Some((_, Cut::Clean)) => self.body().len(),
            Some(_) => self.whole().iter().map(|(_, frame)| frame.len()).sum(),
        };
        head(200, &[("content-type", "text/event-stream; charset=utf-8")], Framing::ContentLength, length)
    }

    fn whole(&self) -> Vec<(Place, Bytes)> {
        let mut events = vec![(Place::Opening, message_start()), (Place::Opening, ("ping", json!({"type": "ping"})))];
        for (index, block) in self.blocks.iter().enumerate() {
            let start = json!({"type": "content_block_start", "index": index, "content_block": block.start});
            events.push((Place::Inside(index), ("content_block_start", start)));
            for delta in &block.deltas {
                let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
                events.push((Place::Inside(index), ("content_block_delta", data)));
            }
            let stop = json!({"type": "content_block_stop", "index": index});
            events.push((Place::BlockEnd(index), ("content_block_stop", stop)));
        }
        events.push((Place::StopReason, ("message_delta", self.message_delta())));
        events.push((Place::Stop, ("message_stop", json!({"type": "message_stop"}))));
        events.into_iter().map(|(place, (name, data))| (place, self.frame(name, &data))).collect()
    }

    fn frame(&self, name: &str, data: &Value) -> Bytes {
        if self.crlf {
            return Bytes::from(format!("event: {name}\r\ndata: {data}\r\n\r\n"));
        }
        event(name, data)
    }

    fn message_delta(&self) -> Value {
        let last_is_tool = self.blocks.last().is_some_and(|block| block.start["type"] == "tool_use");
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": if last_is_tool { "tool_use" } else { "end_turn" }, "stop_sequence": null},
            "usage": {"output_tokens": 15}
        })
    }

    /// How many whole events are sent before the break.
    fn kept(&self, all: &[(Place, Bytes)], at: TruncateAt) -> usize {
        let first_of = |kind: &str| self.blocks.iter().position(|block| block.start["type"] == kind);
        let up_to =
            |last: Place| all.iter().rposition(|(place, _)| *place == last).map_or(all.len(), |index| index + 1);
        match at {
            TruncateAt::BeforeContent => up_to(Place::Opening),
            TruncateAt::MidFirstBlock | TruncateAt::MidEvent => {
                let deltas = self.blocks.first().map_or(0, |block| block.deltas.len());
                // The start of the block, and half of its deltas rounded up.
                up_to(Place::Opening) + 1 + deltas.div_ceil(2)
            }
            TruncateAt::AfterTextBlock => up_to(Place::BlockEnd(first_of("text").unwrap_or_default())),
            TruncateAt::AfterToolUse => up_to(Place::BlockEnd(first_of("tool_use").unwrap_or_default())),
            TruncateAt::BeforeMessageStop => up_to(Place::StopReason),
        }
    }
}

fn message_start() -> (&'static str, Value) {
    let data = json!({
        "type": "message_start",
        "message": {
            "id": "msg_01TestkitStream",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-8",
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": {
                "input_tokens": 25,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 1
            }
        }
    });
    ("message_start", data)
}
