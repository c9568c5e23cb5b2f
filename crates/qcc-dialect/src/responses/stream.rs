//! Reads a stream of this dialect as neutral events.
//!
//! An answer is whole when `response.completed` or `response.incomplete` came, not when the bytes end. Everything is told
//! several times over (deltas, the end of a part, the end of an item, the response as a whole), and vendors leave some of
//! it out: what was not passed on yet is taken from whoever tells it, and what was is not told again.

use serde_json::value::RawValue;

use super::error;
use super::usage::Counts;
use super::wire::{Item, Next, Response, Wire, next, number, text};
use crate::canon::{Event, Losses, Stop, StopReason, ToolNames, Usage};
use crate::faults::{broken, not_json};
use crate::garbled::readable_twice;
use crate::sse::fields;

mod content;
mod item;
mod place;
mod queue;

use place::Place;
use queue::Queue;

/// Follows one answer.
#[derive(Debug)]
pub struct Decoder {
    queue: Queue,
    started: bool,
    over: bool,
    counts: Counts,
}

impl Decoder {
    /// At the start of an answer to a request that was written with `names`.
    #[must_use]
    pub fn new(names: ToolNames) -> Self {
        Self { queue: Queue::new(names), started: false, over: false, counts: Counts::default() }
    }

    /// A decoder for an answer in one piece: calls with broken input are closed like others.
    pub(super) fn whole(names: ToolNames) -> Self {
        let mut decoder = Self::new(names);
        decoder.queue.close_broken();
        decoder
    }

    /// Takes the next event with all its lines; also what is left of the body after the last blank line. Never fails: what
    /// cannot be read becomes a fault, after which nothing more comes.
    pub fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        let fields = fields(event);
        if fields.data.is_empty() {
            if fields.stray && !self.started {
                self.fault(error::not_a_stream(event), out);
            }
            return;
        }
        let Some(data) = readable_twice(&fields.data) else {
            return self.fault(not_json(&String::from_utf8_lossy(&fields.data)), out);
        };
        if fields.event == Some(b"error") {
            return self.fault(Event::fault(error::in_band(data.as_bytes())), out);
        }
        let name = fields.event.and_then(|name| std::str::from_utf8(name).ok());
        self.data(&data, name, out);
    }

    /// Notes that the body has ended. An answer that was not told to be over is left open, so that everybody sees it.
    pub fn finish(&mut self, _out: &mut Vec<Event>) {
        self.over = true;
    }

    /// Token counts so far, also of an answer that is cut.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.counts.canon()
    }

    /// What of the answer had no place in the neutral form.
    #[must_use]
    pub fn losses(&self) -> Losses {
        let mut losses = Losses::new();
        if self.queue.annotated() {
            losses.dropped("answer.annotations");
        }
        losses
    }

    /// Mostly one event; several where blank lines between them are missing.
    fn data(&mut self, data: &str, name: Option<&str>, out: &mut Vec<Event>) {
        let mut rest = data.trim_start();
        while !rest.is_empty() && !self.over {
            // Relays add the closing mark of another dialect.
            if rest.starts_with("[DONE]") {
                return;
            }
            let (next, after) = next::<Wire<'_>>(rest);
            match next {
                Next::Read(wire, raw) => self.wire(&wire, name, raw, out),
                Next::Other(raw) => self.fault(error::other_json(raw), out),
                Next::Broken => return self.fault(not_json(rest), out),
            }
            rest = after.trim_start();
        }
    }

    fn wire(&mut self, wire: &Wire<'_>, name: Option<&str>, raw: &str, out: &mut Vec<Event>) {
        let kind = text(wire.r#type);
        let Some(kind) = kind.as_deref().or(name) else {
            return match wire.error {
                Some(_) => self.fault(Event::fault(error::in_band(raw.as_bytes())), out),
                None if !self.started => self.fault(error::other_json(raw), out),
                None => {}
            };
        };
        match kind {
            "error" => return self.fault(Event::fault(error::in_band(raw.as_bytes())), out),
            "response.failed" => return self.failed(wire.response, out),
            "response.created" | "response.in_progress" | "response.queued" => self.start(wire.response, out),
            "response.completed" | "response.incomplete" | "response.cancelled" => {
                return self.response(wire.response, kind == "response.incomplete", out);
            }
            "response.output_item.added" | "response.output_item.done" => {
                let Some(raw) = wire.item else { return };
                self.start(None, out);
                let index = number(wire.output_index);
                self.queue.item(index, raw, kind == "response.output_item.done");
            }
            "response.output_text.annotation.added" => self.queue.annotate(),
            _ => {
                let Some(place) = Place::of(kind) else { return };
                self.start(None, out);
                self.more(wire, place);
            }
        }
        self.flush(out);
    }

    /// Passes on what can be.
    fn flush(&mut self, out: &mut Vec<Event>) {
        self.queue.flush(out);
        if let Some(why) = self.queue.broken() {
            let fault = broken(why);
            self.fault(fault, out);
        }
    }

    fn start(&mut self, response: Option<&RawValue>, out: &mut Vec<Event>) {
        let response = response.and_then(Response::of);
        if let Some(usage) = response.as_ref().and_then(|response| response.usage) {
            self.counts.take(usage.get());
        }
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let owned = |raw: Option<&RawValue>| text(raw).map(std::borrow::Cow::into_owned);
        let (id, model) = response.map(|response| (owned(response.id), owned(response.model))).unwrap_or_default();
        out.push(Event::Start { id, model });
    }

    /// More of an item, or all of a part of it.
    fn more(&mut self, wire: &Wire<'_>, place: Place) {
        let id = text(wire.item_id);
        let index = number(wire.output_index);
        let part = number(wire.content_index.or(wire.summary_index)).unwrap_or_default();
        let whole = [wire.text, wire.refusal, wire.arguments, wire.input].into_iter().find_map(text);
        let said = if place.is_whole() { whole } else { text(wire.delta) };
        // Some write the input as an object instead of its text.
        let object = wire.arguments.map(RawValue::get).filter(|raw| place.is_whole() && raw.starts_with('{'));
        let said = said.as_deref().or(object).unwrap_or_default();
        self.queue.more(index, id.as_deref(), place, part, said);
    }

    fn failed(&mut self, response: Option<&RawValue>, out: &mut Vec<Event>) {
        let response = response.and_then(Response::of);
        if let Some(usage) = response.as_ref().and_then(|response| response.usage) {
            self.counts.take(usage.get());
        }
        self.fault(Event::fault(error::failed(response.and_then(|response| response.error))), out);
    }

    /// The response as a whole, at its end.
    pub(super) fn response(&mut self, raw: Option<&RawValue>, incomplete: bool, out: &mut Vec<Event>) {
        self.start(raw, out);
        let response = raw.and_then(Response::of);
        let status = response.as_ref().and_then(|response| text(response.status));
        match status.as_deref() {
            Some("failed") => return self.failed(raw, out),
            Some("cancelled") => return self.fault(error::cancelled(), out),
            _ => {}
        }
        if let Some(response) = &response {
            self.queue.output(&response.items());
        }
        let incomplete = incomplete || status.as_deref() == Some("incomplete");
        let reason = response.and_then(|response| response.reason());
        self.end(incomplete.then_some(reason), out);
    }

    /// `cut`: why the answer is not complete, if it is not. Half a call is looked for only behind a limit or a filter: for
    /// other reasons clients might take it for whole.
    fn end(&mut self, cut: Option<Option<String>>, out: &mut Vec<Event>) {
        let cut = cut.map(incomplete);
        self.queue.finish(matches!(cut, Some(StopReason::MaxTokens | StopReason::Refusal)), out);
        if let Some(why) = self.queue.broken() {
            let fault = broken(why);
            return self.fault(fault, out);
        }
        out.extend(self.counts.canon().map(Event::Usage));
        let reason = match cut {
            Some(reason) => reason,
            None if self.queue.refused() => StopReason::Refusal,
            None if self.queue.called() => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        out.push(Event::Stop(Stop { reason, sequence: None }));
        out.push(Event::End);
        self.over = true;
    }

    fn fault(&mut self, fault: Event, out: &mut Vec<Event>) {
        if !self.over {
            self.over = true;
            out.push(fault);
        }
    }
}

/// Why an answer is not complete. Those who copied the dialect say nothing where a limit was reached.
fn incomplete(reason: Option<String>) -> StopReason {
    match reason.as_deref() {
        None | Some("max_output_tokens" | "max_tokens" | "length") => StopReason::MaxTokens,
        Some("content_filter") => StopReason::Refusal,
        Some(other) => StopReason::Other(other.to_owned()),
    }
}

/// The kind of an item.
fn kind_of(item: &Item<'_>) -> String {
    text(item.r#type).unwrap_or_default().into_owned()
}
