//! Decides how a request of the Anthropic dialect is put to a provider of another one, and how its answer comes back: as
//! the bytes that an Anthropic provider would have sent. What happens to those bytes then (waiting for the first semantic
//! event, telling a whole answer from a cut one, ending a broken one) is the same for every provider.

use bytes::{Bytes, BytesMut};
use serde_json::json;

use crate::answer::Wrong;
use crate::anthropic::canon::{Encoder, decode_request, encode_message, error_message, error_type};
use crate::canon::{BadRequest, Event, Losses, ToolNames, Unfit};
use crate::capabilities::Capabilities;
use crate::error::{ErrorFacts, Topic};
use crate::openai::{self, Traits};
use crate::sse::Splitter;

/// What a provider speaks, with the habits of its vendor.
#[derive(Debug, Clone)]
pub struct Tongue {
    traits: Traits,
    base_url: String,
}

/// A request in a provider's words.
#[derive(Debug)]
pub struct Outgoing {
    /// The body.
    pub body: Bytes,
    /// What it could not carry.
    pub losses: Losses,
    /// How the answer comes back.
    pub back: Back,
}

/// Why a request is not put to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// No provider would take it.
    Bad(BadRequest),
    /// This one cannot take it as it is meant.
    Unfit(Unfit),
}

/// Brings an answer back.
#[derive(Debug, Clone)]
pub struct Back {
    traits: Traits,
    names: ToolNames,
    model: String,
    id: String,
    estimate: u64,
}

/// Brings a stream back, chunk by chunk.
#[derive(Debug)]
pub struct StreamBack {
    splitter: Splitter,
    decoder: openai::Decoder,
    encoder: Encoder,
    events: Vec<Event>,
    out: BytesMut,
}

/// Longest event that is put together, bytes: a call with a whole file in it may come in one. As much as a whole answer.
const MAX_LONG: usize = 8 * 1024 * 1024;

impl Tongue {
    /// OpenAI's chat completions, as the vendor behind this address speaks them.
    #[must_use]
    pub fn openai(base_url: &str) -> Self {
        Self { traits: Traits::of(base_url), base_url: base_url.to_owned() }
    }

    /// Where a request for a model goes.
    #[must_use]
    pub fn answer_url(&self) -> String {
        openai::chat_url(&self.base_url)
    }

    /// Where the list of models is.
    #[must_use]
    pub fn models_url(&self) -> String {
        openai::models_url(&self.base_url)
    }

    /// Puts a request into the provider's words. `model` is the name as sent, of which `capabilities` is known;
    /// `request_id` names the answer.
    ///
    /// # Errors
    /// Where it cannot be put so.
    pub fn outgoing(
        &self,
        body: &[u8],
        model: Option<&str>,
        capabilities: &Capabilities,
        request_id: &str,
    ) -> Result<Outgoing, NotSent> {
        let request = decode_request(body).map_err(NotSent::Bad)?;
        let mut losses = Losses::new();
        let sent = model.unwrap_or(&request.model);
        let encoded = openai::encode_request(&request, &self.traits, capabilities, sent, &mut losses);
        let encoded = encoded.map_err(NotSent::Unfit)?;
        let back = Back {
            traits: self.traits.clone(),
            names: encoded.names,
            model: request.model,
            id: format!("msg_{request_id}"),
            // Four bytes a token, until the provider has counted.
            estimate: body.len() as u64 / 4,
        };
        Ok(Outgoing { body: encoded.body, losses, back })
    }
}

impl Back {
    /// For an answer in events.
    #[must_use]
    pub fn stream(&self) -> StreamBack {
        StreamBack {
            splitter: Splitter::holding(MAX_LONG),
            decoder: openai::Decoder::new(&self.traits, self.names.clone()),
            encoder: Encoder::new(self.model.clone(), self.estimate, self.id.clone()),
            events: Vec::new(),
            out: BytesMut::new(),
        }
    }

    /// An answer in one piece.
    ///
    /// # Errors
    /// What the body is instead of an answer.
    pub fn message(&self, body: &[u8]) -> Result<Bytes, Wrong> {
        let message = openai::decode_message(body, &self.names)?;
        if message.stop.is_none() || !message.broken.is_empty() {
            return Err(Wrong::NotJson);
        }
        Ok(encode_message(&message, &self.model, &self.id))
    }
}

/// An error in Anthropic's words, by which its clients know what to do.
#[must_use]
pub fn error_body(facts: &ErrorFacts) -> Bytes {
    let status = if facts.topic == Topic::ContextTooLong { 400 } else { facts.status };
    let message = error_message(facts.topic, &facts.message);
    json!({"type": "error", "error": {"type": error_type(status), "message": message}}).to_string().into()
}

impl StreamBack {
    /// What a chunk of the provider's stream means; may be nothing yet.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let batch = self.splitter.push(chunk);
        for event in batch.events() {
            self.decoder.push(event, &mut self.events);
        }
        if !batch.part.is_empty() {
            let message = format!("the provider sent an event of over {MAX_LONG} bytes");
            self.events.push(Event::Fault { status: 502, kind: "too_long".to_owned(), message });
        }
        self.written()
    }

    /// The stream has ended.
    pub fn finish(&mut self) -> Bytes {
        let rest = std::mem::take(&mut self.splitter).finish();
        if !rest.is_empty() {
            self.decoder.push(&rest, &mut self.events);
        }
        self.decoder.finish(&mut self.events);
        self.written()
    }

    fn written(&mut self) -> Bytes {
        for event in self.events.drain(..) {
            self.encoder.push(&event, &mut self.out);
        }
        self.out.split().freeze()
    }
}
