//! The decoders and encoders of all dialects under one face each: which one is at work is settled once for an answer.

use bytes::{Bytes, BytesMut};

use super::back::Head;
use crate::answer::Wrong;
use crate::asker::Asker;
use crate::canon::{Event, Losses, Message, ToolNames, Usage};
use crate::openai::Traits;
use crate::{anthropic, gemini, openai, responses};

/// How a provider's answer is read.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    Anthropic,
    OpenAi(Box<Traits>, ToolNames),
    Responses(ToolNames),
    /// With the model as sent.
    Gemini(ToolNames, String),
}

/// Reads a stream.
#[derive(Debug)]
pub(crate) enum Decoder {
    Anthropic(anthropic::canon::Decoder),
    OpenAi(openai::Decoder),
    Responses(responses::Decoder),
    Gemini(gemini::Decoder),
}

/// Writes a stream.
#[derive(Debug)]
pub(super) enum Encoder {
    Anthropic(anthropic::canon::Encoder),
    OpenAi(openai::client::Encoder),
    Responses(responses::client::Encoder),
}

impl Speech {
    pub(crate) fn decoder(&self) -> Decoder {
        match self {
            Self::Anthropic => Decoder::Anthropic(anthropic::canon::Decoder::new()),
            Self::OpenAi(traits, names) => Decoder::OpenAi(openai::Decoder::new(traits, names.clone())),
            Self::Responses(names) => Decoder::Responses(responses::Decoder::new(names.clone())),
            Self::Gemini(names, model) => Decoder::Gemini(gemini::Decoder::new(names.clone(), model)),
        }
    }

    /// An answer in one piece. `stop` may be missing in it, and calls may be broken.
    pub(super) fn message(&self, body: &[u8]) -> Result<Message, Wrong> {
        match self {
            Self::Anthropic => anthropic::canon::decode_message(body),
            Self::OpenAi(_, names) => openai::decode_message(body, names),
            Self::Responses(names) => responses::decode_message(body, names),
            Self::Gemini(names, model) => gemini::decode_message(body, names, model),
        }
    }
}

impl Decoder {
    pub(crate) fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        match self {
            Self::Anthropic(decoder) => decoder.push(event, out),
            Self::OpenAi(decoder) => decoder.push(event, out),
            Self::Responses(decoder) => decoder.push(event, out),
            Self::Gemini(decoder) => decoder.push(event, out),
        }
    }

    /// Counts that the provider has told already, also where the answer breaks off before they are an event.
    pub(super) fn usage(&self) -> Option<Usage> {
        match self {
            // They are an event as soon as they are told.
            Self::Anthropic(_) => None,
            Self::OpenAi(decoder) => decoder.usage(),
            Self::Responses(decoder) => decoder.usage(),
            Self::Gemini(decoder) => decoder.usage(),
        }
    }

    /// The body has ended cleanly.
    pub(crate) fn finish(&mut self, out: &mut Vec<Event>) {
        match self {
            // Its terminal event says all.
            Self::Anthropic(_) => {}
            Self::OpenAi(decoder) => decoder.finish(out),
            Self::Responses(decoder) => decoder.finish(out),
            Self::Gemini(decoder) => decoder.finish(out),
        }
    }

    /// What of the answer had no place in the neutral form.
    pub(super) fn losses(&self) -> Losses {
        match self {
            Self::Anthropic(decoder) => decoder.losses().clone(),
            Self::Responses(decoder) => decoder.losses(),
            Self::Gemini(decoder) => decoder.losses(),
            Self::OpenAi(decoder) => decoder.losses(),
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
            Asker::Responses => {
                let Head { model, created, client_tools, .. } = head;
                Self::Responses(responses::client::Encoder::new(model, &head.id(), *created, client_tools.clone()))
            }
        }
    }

    pub(super) fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match self {
            Self::Anthropic(encoder) => encoder.push(event, out),
            Self::OpenAi(encoder) => encoder.push(event, out),
            Self::Responses(encoder) => encoder.push(event, out),
        }
    }

    pub(super) fn losses(&self) -> &Losses {
        match self {
            Self::Anthropic(encoder) => encoder.losses(),
            Self::OpenAi(encoder) => encoder.losses(),
            Self::Responses(encoder) => encoder.losses(),
        }
    }
}

/// Writes an answer in one piece.
pub(super) fn write(head: &Head, message: &Message, losses: &mut Losses) -> Bytes {
    let Head { model, created, client_tools, .. } = head;
    match head.asker {
        Asker::Anthropic => anthropic::canon::encode_message(message, model, &head.id(), losses),
        Asker::OpenAi => openai::client::encode_message(message, model, &head.id(), *created, losses),
        Asker::Responses => {
            responses::client::encode_message(message, model, &head.id(), *created, client_tools, losses)
        }
    }
}
