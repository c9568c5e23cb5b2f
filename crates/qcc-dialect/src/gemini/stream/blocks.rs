//! Puts parts into blocks: text and thoughts come in pieces, a call comes whole.

use crate::canon::{Block, Delta, Event, Json, ToolNames};
use crate::gemini::signature::{Place, sealed};

/// Most calls of an answer.
const MAX_CALLS: usize = 1024;

/// Most blanks that are held back, in bytes.
const MAX_BLANKS: usize = 4096;

/// Blocks of one answer.
#[derive(Debug)]
pub(super) struct Blocks {
    names: ToolNames,
    /// The model as it was asked, whose the signatures are.
    model: String,
    open: Option<Open>,
    /// Blanks with which a text begins: a block of nothing else is refused when it comes back.
    blanks: String,
    /// A signature of text that is given out only if something follows: an answer that ended in thinking would look to
    /// clients as if it had no last word, and nobody checks this one.
    signature: Option<String>,
    said: bool,
    calls: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
}

impl Blocks {
    pub(super) fn new(names: ToolNames, model: &str) -> Self {
        Self {
            names,
            model: model.to_owned(),
            open: None,
            blanks: String::new(),
            signature: None,
            said: false,
            calls: 0,
        }
    }

    /// Whether there is anything but thoughts.
    pub(super) fn has_content(&self) -> bool {
        self.said || self.calls > 0
    }

    /// Whether there is a call.
    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    pub(super) fn text(&mut self, more: &str, out: &mut Vec<Event>) {
        if self.open != Some(Open::Text) && more.trim().is_empty() && self.blanks.len() < MAX_BLANKS {
            self.blanks.push_str(more);
            return;
        }
        let blanks = std::mem::take(&mut self.blanks);
        if self.open != Some(Open::Text) {
            self.begin(out);
            self.open = Some(Open::Text);
            out.push(Event::Open(Block::Text));
        }
        self.said = true;
        let text = if blanks.is_empty() { more.to_owned() } else { blanks + more };
        out.push(Event::Delta(Delta::Text(text)));
    }

    pub(super) fn thought(&mut self, more: &str, out: &mut Vec<Event>) {
        self.blanks.clear();
        if self.open != Some(Open::Thinking) {
            self.begin(out);
            self.open = Some(Open::Thinking);
            out.push(Event::Open(Block::Thinking));
        }
        out.push(Event::Delta(Delta::Thinking(more.to_owned())));
    }

    /// Notes the signature of what was said or thought last.
    pub(super) fn sign(&mut self, signature: &str) {
        self.signature = Some(signature.to_owned());
    }

    /// A call. `Err`: it must not be run.
    pub(super) fn call(
        &mut self,
        call: &Whole<'_>,
        signature: Option<&str>,
        out: &mut Vec<Event>,
    ) -> Result<(), String> {
        if call.name.is_empty() {
            return Err("a call names no tool".to_owned());
        }
        if self.calls == MAX_CALLS {
            return Err("too many calls in one answer".to_owned());
        }
        self.calls += 1;
        if let Some(signature) = signature {
            if self.signature.is_some() {
                self.begin(out);
            }
            self.seal(Place::Call, signature, out);
        }
        self.begin(out);
        let name = self.names.original(call.name).to_owned();
        let id = self.names.new_id(call.id);
        out.push(Event::Open(Block::ToolUse { id, name }));
        out.extend(
            call.input.filter(|input| !input.is_empty()).map(|input| Event::Delta(Delta::Input(input.to_owned()))),
        );
        out.push(Event::Close);
        Ok(())
    }

    /// A part that only this dialect has.
    pub(super) fn other(&mut self, kind: &str, raw: Json, out: &mut Vec<Event>) {
        self.begin(out);
        self.said = true;
        out.extend([Event::Open(Block::Other { kind: kind.to_owned(), raw }), Event::Close]);
    }

    /// Ends the open block, before another or at the end of the answer.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        if self.open.take().is_some() {
            out.push(Event::Close);
        }
    }

    /// Makes room for a block.
    fn begin(&mut self, out: &mut Vec<Event>) {
        if let Some(signature) = self.signature.take() {
            self.seal(Place::Text, &signature, out);
        }
        self.blanks.clear();
        self.close(out);
    }

    /// Gives out a signature with the thinking that is open, or with one that has no text.
    fn seal(&mut self, place: Place, signature: &str, out: &mut Vec<Event>) {
        if self.open != Some(Open::Thinking) {
            self.close(out);
            out.push(Event::Open(Block::Thinking));
        }
        self.open = None;
        out.push(Event::Delta(Delta::Signature(sealed(place, &self.model, signature))));
        out.push(Event::Close);
    }
}

/// A call as it came. What is missing is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    /// JSON text.
    pub(super) input: Option<&'a str>,
}
