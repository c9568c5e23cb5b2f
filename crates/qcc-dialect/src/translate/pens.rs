//! The decoders and encoders of all dialects under one face each: which one is at work is settled once for an answer.

use bytes::{Bytes, BytesMut};

use super::back::Head;
use crate::answer::Wrong;
use crate::asker::Asker;
use crate::canon::{Event, Losses, Message, ToolNames};
use crate::openai::Traits;
use crate::{anthropic, openai};

/// How a provider's answer is read.
#[derive(Debug, Clone)]
pub(super) enum Speech {
    Anthropic,
    OpenAi(Box<Traits>, ToolNames),
}

/// Reads a stream.
#[derive(Debug)]
pub(super) enum Decoder {
    Anthropic(Box<anthropic::canon::Decoder>),
    OpenAi(Box<openai::Decoder>),
}

/// Writes a stream.
#[derive(Debug)]
pub(super) enum Encoder {
    Anthropic(anthropic::canon::Encoder),
    OpenAi(openai::client::Encoder),
}

impl Speech {
    pub(super) fn decoder(&self) -> Decoder {
        match self {
            Self::Anthropic => Decoder::Anthropic(Box::default()),
            Self::OpenAi(traits, names) => Decoder::OpenAi(Box::new(openai::Decoder::new(traits, names.clone()))),
        }
    }

    /// An answer in one piece. `stop` may be missing in it, and calls may be broken.
    pub(super) fn message(&self, body: &[u8]) -> Result<Message, Wrong> {
        match self {
            Self::Anthropic => anthropic::canon::decode_message(body),
            Self::OpenAi(_, names) => openai::decode_message(body, names),
        }
    }
}

impl Decoder {
    pub(super) fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        match self {
            Self::Anthropic(decoder) => decoder.push(event, out),
            Self::OpenAi(decoder) => decoder.push(event, out),
        }
    }

    /// The body has ended cleanly.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) {
        match self {
            // Its terminal event says all.
            Self::Anthropic(_) => {}
            Self::OpenAi(decoder) => decoder.finish(out),
        }
    }
}

impl Encoder {
    pub(super) fn new(head: &Head) -> Self {
        match head.asker {
            Asker::Anthropic => {
                let Head { model, estimate, .. } = head;
                Self::Anthropic(anthropic::canon::Encoder::new(model.clone(), *estimate, head.id()))
            }
            Asker::OpenAi => {
                let Head { model, created, include_usage, .. } = head;
                Self::OpenAi(openai::client::Encoder::new(model, &head.id(), *created, *include_usage))
            }
        }
    }

    pub(super) fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match self {
            Self::Anthropic(encoder) => encoder.push(event, out),
            Self::OpenAi(encoder) => encoder.push(event, out),
        }
    }

    pub(super) fn losses(&self) -> &Losses {
        match self {
            Self::Anthropic(encoder) => encoder.losses(),
            Self::OpenAi(encoder) => encoder.losses(),
        }
    }
}

/// Writes an answer in one piece.
pub(super) fn write(head: &Head, message: &Message, losses: &mut Losses) -> Bytes {
    match head.asker {
        Asker::Anthropic => anthropic::canon::encode_message(message, &head.model, &head.id()),
        Asker::OpenAi => openai::client::encode_message(message, &head.model, &head.id(), head.created, losses),
    }
}
