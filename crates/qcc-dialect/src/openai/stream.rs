//! Reads a stream of chunks as neutral events.
//!
//! An answer is whole when a reason for its end was told, not when the bytes end: without one nothing is closed here, so
//! that everybody sees that it was cut. Counts come after the reason, so the end is told at `[DONE]` or the last byte.

use serde_json::value::RawValue;

use super::error;
use super::traits::Traits;
use super::twice::once_each;
use super::usage::Counts;
use super::wire::{Choice, Chunk, Function, Said};
use crate::canon::{Event, Losses, Stop, ToolNames, Usage};
use crate::faults::{broken, in_band, not_json};
use crate::garbled::readable_twice;
use crate::lenient::{Next, next, number, text};
use crate::sse::fields;

pub(crate) mod arguments;
mod blocks;
mod details;
pub(super) mod ending;
mod think;

use blocks::{Blocks, Fragment};
pub(super) use details::Details;
use ending::{Ending, Found};
use think::ThinkTags;

/// The mark after the last chunk.
const DONE: &str = "[DONE]";

/// Follows one answer.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    tags: Option<ThinkTags>,
    started: bool,
    over: bool,
    ending: Ending,
    counts: Counts,
    /// Whether the text has citations, which nobody else has a place for.
    annotated: bool,
}

impl Decoder {
    /// At the start of an answer to a request that was written with `names`.
    #[must_use]
    pub fn new(traits: &Traits, names: ToolNames) -> Self {
        Self {
            blocks: Blocks::new(names),
            tags: traits.think_tags.then(ThinkTags::default),
            started: false,
            over: false,
            ending: Ending::default(),
            counts: Counts::default(),
            annotated: false,
        }
    }

    /// A decoder for an answer in one piece: calls with broken input are closed like others.
    pub(super) fn whole(names: ToolNames) -> Self {
        let mut decoder = Self::new(&Traits::of(""), names);
        decoder.blocks.close_broken();
        decoder
    }

    /// Takes the next event with all its lines; also what is left of the body after the last blank line. Never fails: what
    /// cannot be read becomes a fault, after which nothing more comes.
    pub fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        let fields = fields(event);
        if fields.data.is_empty() {
            if fields.stray {
                self.stray(event, out);
            }
            return;
        }
        let Some(data) = readable_twice(&fields.data) else {
            return self.fault(not_json(&String::from_utf8_lossy(&fields.data)), out);
        };
        if fields.event == Some(b"error") {
            return self.fault(in_band(data.as_bytes()), out);
        }
        self.data(&data, out);
    }

    /// Notes that the body has ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        if !self.over && self.ending.is_told() {
            self.end(out);
        }
    }

    /// What of the answer had no place in the neutral form.
    #[must_use]
    pub fn losses(&self) -> Losses {
        let mut losses = Losses::new();
        if self.annotated {
            losses.dropped("answer.annotations");
        }
        losses
    }

    /// Token counts so far, also of an answer that is cut.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.counts.canon()
    }

    /// Mostly one chunk; several where blank lines between events are missing, or chunks stand in one line.
    fn data(&mut self, data: &str, out: &mut Vec<Event>) {
        let mut rest = data.trim_start();
        while !rest.is_empty() && !self.over {
            if rest.starts_with(DONE) {
                return self.finish(out);
            }
            let (next, after) = next::<Chunk<'_>>(rest);
            match next {
                Next::Read(chunk, raw) => self.chunk(&chunk, raw, out),
                Next::Other(raw) => self.odd(raw, out),
                Next::Broken => return self.fault(not_json(rest), out),
            }
            rest = after.trim_start();
        }
    }

    /// What cannot be read as a chunk at once.
    fn odd(&mut self, raw: &str, out: &mut Vec<Event>) {
        let mended = once_each(raw);
        match mended.as_deref().and_then(|mended| Some((serde_json::from_str(mended).ok()?, mended))) {
            Some((chunk, mended)) => self.chunk(&chunk, mended, out),
            None => self.fault(error::other_json(raw), out),
        }
    }

    /// Lines that are no fields: a web page or bare JSON instead of a stream. Once an answer has begun they are only odd.
    fn stray(&mut self, event: &[u8], out: &mut Vec<Event>) {
        if !self.started {
            self.fault(error::not_a_stream(event), out);
        }
    }

    pub(super) fn chunk(&mut self, chunk: &Chunk<'_>, raw: &str, out: &mut Vec<Event>) {
        let choices = chunk.choices.as_ref().map(|choices| choices.0.as_slice()).unwrap_or_default();
        if let Some(told) = error::told(chunk, raw) {
            return self.fault(in_band(told.as_bytes()), out);
        }
        if chunk.choices.is_none() && !self.started && chunk.r#type.is_some() {
            return self.fault(error::other_json(raw), out);
        }
        for usage in [chunk.x_groq.as_ref().and_then(|groq| groq.usage), chunk.usage].into_iter().flatten() {
            self.counts.take(usage.get());
        }
        // More than one answer was not asked for.
        let first = choices.iter().find(|choice| number(choice.index).unwrap_or_default() == 0);
        let Some(choice) = first else { return };
        if !self.started {
            self.started = true;
            let owned = |raw| text(raw).map(std::borrow::Cow::into_owned);
            out.push(Event::Start { id: owned(chunk.id), model: owned(chunk.model) });
        }
        self.choice(choice, out);
    }

    fn choice(&mut self, choice: &Choice<'_>, out: &mut Vec<Event>) {
        if let Some(usage) = choice.usage {
            self.counts.take(usage.get());
        }
        for said in [&choice.delta, &choice.message].into_iter().flatten() {
            self.said(said);
        }
        self.blocks.flush(out);
        if let Some(why) = self.blocks.broken() {
            return self.fault(broken(why), out);
        }
        let matched = text(choice.stop_reason).or_else(|| text(choice.matched_stop));
        let reason = text(choice.finish_reason);
        match reason.as_deref().map(ending::find) {
            Some(Found::Stop(reason)) => self.ending.tell(reason, matched.as_deref()),
            Some(Found::Failed(status, why)) => self.fault(error::failed(status, why), out),
            Some(Found::Nothing) | None => {}
        }
    }

    /// Thinking first: where a chunk has both, the one led to the other.
    fn said(&mut self, said: &Said<'_>) {
        let thought = text(said.reasoning_content).or_else(|| text(said.reasoning));
        let details = said.reasoning_details.and_then(Details::of_wire);
        let thought = thought.or_else(|| details.as_ref().and_then(Details::text).map(Into::into));
        if thought.is_some() || details.is_some() {
            self.blocks.thinking(thought.as_deref().unwrap_or_default(), details);
        }
        self.annotated |= said.annotations.is_some_and(|annotations| annotations.get().contains('{'));
        self.content(said.content);
        if let Some(refusal) = text(said.refusal) {
            self.ending.refuse();
            self.blocks.text(&refusal);
        }
        let calls = said.tool_calls.as_ref().map(|calls| calls.0.as_slice()).unwrap_or_default();
        let before = std::iter::once(None).chain(calls.iter().map(Some));
        for (call, before) in calls.iter().zip(before) {
            // Who does not count its calls lists them beside each other.
            let apart = before.is_some_and(|before| number(before.index) == number(call.index));
            self.function(number(call.index), call.id, call.function, apart);
        }
        if let Some(function) = said.function_call {
            self.function(None, None, Some(function), false);
        }
    }

    /// A text, or parts as Mistral writes them.
    fn content(&mut self, content: Option<&RawValue>) {
        if let Some(said) = text(content) {
            return self.text(&said);
        }
        let Some(parts) = content.filter(|content| content.get().starts_with('[')) else { return };
        let parts: Vec<serde_json::Value> = serde_json::from_str(parts.get()).unwrap_or_default();
        for part in &parts {
            let said = |name: &str| part.get(name).map(flat).filter(|text| !text.is_empty());
            if let Some(thought) = said("thinking") {
                self.blocks.thinking(&thought, None);
            }
            if let Some(said) = said("text") {
                self.text(&said);
            }
        }
    }

    fn text(&mut self, said: &str) {
        let Some(tags) = &mut self.tags else { return self.blocks.text(said) };
        for (thought, piece) in tags.push(said) {
            if thought { self.blocks.thinking(&piece, None) } else { self.blocks.text(&piece) }
        }
    }

    /// `apart`: another call, if it has a name, stands before it in the same list.
    fn function(&mut self, index: Option<u64>, id: Option<&RawValue>, function: Option<Function<'_>>, apart: bool) {
        let id = text(id);
        let name = text(function.and_then(|function| function.name));
        let raw = function.and_then(|function| function.arguments);
        // Some write the input as an object instead of its text.
        let object = raw.map(RawValue::get).filter(|raw| raw.starts_with(['{', '[']));
        let arguments = text(raw).or_else(|| object.map(Into::into)).unwrap_or_default();
        self.ending.call();
        self.blocks.call(&Fragment {
            index,
            id: id.as_deref().unwrap_or_default(),
            name: name.as_deref().unwrap_or_default(),
            arguments: &arguments,
            apart,
        });
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        if let Some(tags) = &mut self.tags
            && let Some((thought, piece)) = tags.finish()
        {
            if thought { self.blocks.thinking(&piece, None) } else { self.blocks.text(&piece) }
        }
        self.blocks.finish(self.ending.is_cut(), out);
        if let Some(why) = self.blocks.broken() {
            return self.fault(broken(why), out);
        }
        out.extend(self.counts.canon().map(Event::Usage));
        out.extend(self.ending.stop().map(Event::Stop));
        out.push(Event::End);
        self.over = true;
    }

    /// What there is of an answer in one piece, whose reason may be missing.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) -> Option<Stop> {
        if !self.over {
            self.blocks.finish(self.ending.is_cut(), out);
            out.extend(self.counts.canon().map(Event::Usage));
        }
        self.ending.stop()
    }

    fn fault(&mut self, fault: Event, out: &mut Vec<Event>) {
        if !self.over {
            self.over = true;
            out.push(fault);
        }
    }
}

/// All texts in a part.
fn flat(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")).map(flat).collect(),
        _ => String::new(),
    }
}
