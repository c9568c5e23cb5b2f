//! Reads a stream of chunks as neutral events.
//!
//! There is no mark after the last chunk: an answer is whole when a reason for its end was told and the body ended. Counts
//! and more parts may come after the reason, so nothing is closed before.

use serde_json::value::RawValue;

use super::error;
use super::usage::Counts;
use super::wire::{Call, Candidate, Chunk, Next, Part, next, number, text};
use crate::canon::{Event, Json, Losses, Stop, ToolNames, Usage};
use crate::faults::{broken, in_band, not_json};
use crate::garbled::readable;
use crate::sse::fields;

mod blocks;
mod ending;

use blocks::{Blocks, Whole};
use ending::{Ending, Found};

/// Follows one answer.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    started: bool,
    over: bool,
    /// Whether calls with broken input are passed on like others.
    whole: bool,
    ending: Ending,
    counts: Counts,
    losses: Losses,
}

impl Decoder {
    /// At the start of an answer to a request that was written with `names` for `model`, which is named as it was sent.
    #[must_use]
    pub fn new(names: ToolNames, model: &str) -> Self {
        Self {
            blocks: Blocks::new(names, model),
            started: false,
            over: false,
            whole: false,
            ending: Ending::default(),
            counts: Counts::default(),
            losses: Losses::new(),
        }
    }

    /// What of the answer had no place in the neutral form.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.losses.clone()
    }

    /// A decoder for an answer in one piece: a call with broken input is told as such by whoever puts it together.
    pub(super) fn whole(names: ToolNames, model: &str) -> Self {
        Self { whole: true, ..Self::new(names, model) }
    }

    /// Takes the next event with all its lines; also what is left of the body after the last blank line. Never fails: what
    /// cannot be read becomes a fault, after which nothing more comes.
    pub fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        let fields = fields(event);
        if fields.data.is_empty() {
            // A web page or bare JSON instead of a stream. Once an answer has begun such lines are only odd, but Google
            // tells an error so too.
            if fields.stray && (!self.started || error::is_error_event(event)) {
                self.fault(error::not_a_stream(event), out);
            }
            return;
        }
        let Some(data) = readable(&fields.data) else {
            return self.fault(not_json(&String::from_utf8_lossy(&fields.data)), out);
        };
        if fields.event == Some(b"error") {
            return self.fault(in_band(data.as_bytes()), out);
        }
        self.data(&data, out);
    }

    /// Notes that the body has ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        if self.over || !self.ending.is_told() {
            return;
        }
        let stop = self.close(out);
        out.extend(stop.map(Event::Stop));
        out.push(Event::End);
        self.over = true;
    }

    /// Token counts so far, also of an answer that is cut.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.counts.canon()
    }

    /// Mostly one chunk; several where blank lines between events are missing.
    fn data(&mut self, data: &str, out: &mut Vec<Event>) {
        let mut rest = data.trim_start();
        while !rest.is_empty() && !self.over {
            // Some relays end their streams as OpenAI does.
            if let Some(after) = rest.strip_prefix("[DONE]") {
                rest = after.trim_start();
                continue;
            }
            let (next, after) = next::<Chunk<'_>>(rest);
            match next {
                Next::Read(_, raw) | Next::Other(raw) if raw.starts_with('[') => self.fault(error::list(raw), out),
                Next::Read(chunk, raw) => self.chunk(&chunk, raw, out),
                Next::Other(raw) => self.fault(error::other_json(raw), out),
                Next::Broken => return self.fault(not_json(rest), out),
            }
            rest = after.trim_start();
        }
    }

    pub(super) fn chunk(&mut self, chunk: &Chunk<'_>, raw: &str, out: &mut Vec<Event>) {
        if chunk.error.is_some() {
            return self.fault(in_band(raw.as_bytes()), out);
        }
        let blocked = chunk.prompt_feedback.as_ref().is_some_and(|feedback| text(feedback.block_reason).is_some());
        if !self.started && !blocked && chunk.candidates.is_none() && chunk.usage_metadata.is_none() {
            return self.fault(error::other_json(raw), out);
        }
        if let Some(usage) = chunk.usage_metadata {
            self.counts.take(usage.get());
        }
        let candidates = chunk.candidates.as_ref().map(|candidates| candidates.0.as_slice()).unwrap_or_default();
        // More than one answer was not asked for.
        let first = candidates.iter().find(|candidate| number(candidate.index).unwrap_or_default() == 0);
        if !self.started && (blocked || first.is_some()) {
            self.started = true;
            let owned = |raw| text(raw).map(std::borrow::Cow::into_owned);
            out.push(Event::Start { id: owned(chunk.response_id), model: owned(chunk.model_version) });
        }
        if blocked {
            self.ending.block();
        }
        if let Some(candidate) = first {
            self.candidate(candidate, out);
        }
    }

    /// What is said before why it ends: both may stand in one chunk.
    fn candidate(&mut self, candidate: &Candidate<'_>, out: &mut Vec<Event>) {
        let parts = candidate.content.as_ref().and_then(|content| content.parts.as_ref());
        for part in parts.map(|parts| parts.0.as_slice()).unwrap_or_default() {
            self.part(part, out);
            if self.over {
                return;
            }
        }
        candidate.sources().for_each(|name| self.losses.dropped(name));
        let Some(reason) = text(candidate.finish_reason) else { return };
        match ending::find(&reason, self.blocks.has_content(), self.blocks.has_calls()) {
            Found::Stop(stop) => self.ending.tell(stop),
            Found::Failed(status, why) => {
                let told = text(candidate.finish_message);
                self.fault(error::failed(status, &reason, why, told.as_deref()), out);
            }
            Found::Nothing => {}
        }
    }

    fn part(&mut self, part: &Part<'_>, out: &mut Vec<Event>) {
        let signature = text(part.thought_signature);
        if let Some(call) = &part.function_call {
            return self.call(call, signature.as_deref(), out);
        }
        if let Some(said) = text(part.text) {
            if part.is_thought() { self.blocks.thought(&said, out) } else { self.blocks.text(&said, out) }
        }
        if let Some((kind, raw)) = part.other() {
            self.blocks.other(kind, Json::from(raw.to_owned()), out);
        }
        if let Some(signature) = signature {
            self.blocks.sign(&signature);
        }
    }

    fn call(&mut self, call: &Call<'_>, signature: Option<&str>, out: &mut Vec<Event>) {
        let args = call.args.map(RawValue::get).filter(|args| !matches!(*args, "null" | "\"\""));
        // Some relays write the input as a text, as OpenAI does.
        let unpacked = text(call.args);
        let input = unpacked.as_deref().or(args).map(str::trim);
        let is_object = input.is_none_or(is_object);
        let (id, name) = (text(call.id).unwrap_or_default(), text(call.name).unwrap_or_default());
        if !is_object && !self.whole {
            let why = format!("the input of the call of {name} is no JSON object");
            return self.fault(broken(&why), out);
        }
        if let Err(why) = self.blocks.call(&Whole { id: &id, name: &name, input }, signature, out) {
            self.fault(broken(&why), out);
        }
    }

    /// Ends what is open. The reason may be missing in an answer in one piece.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) -> Option<Stop> {
        if !self.over {
            self.blocks.close(out);
            out.extend(self.counts.canon().map(Event::Usage));
        }
        self.ending.stop(self.blocks.has_calls())
    }

    /// Whether an answer has begun.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    fn fault(&mut self, fault: Event, out: &mut Vec<Event>) {
        if !self.over {
            self.over = true;
            out.push(fault);
        }
    }
}

/// The pieces of an object need not be looked at: that it is JSON was seen where it was cut out, unless it came as a text.
fn is_object(input: &str) -> bool {
    input.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(input).is_ok()
}
