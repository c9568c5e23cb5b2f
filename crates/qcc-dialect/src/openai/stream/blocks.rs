//! Puts what a stream interleaves into blocks that come strictly one after the other.
//!
//! The first unfinished block passes as it comes, what belongs to later ones is kept until it is their turn. Text and
//! thinking are over when something else begins, a call when its input is whole, everything at the end of the answer.

use std::collections::VecDeque;

use super::arguments::Arguments;
use super::details::Details;
use crate::answer::MAX_ANSWER;
use crate::canon::ToolNames;
use crate::canon::{Block, Delta, Event};

/// Most calls of an answer.
const MAX_CALLS: usize = 1024;

/// Most blocks that wait.
const MAX_BLOCKS: usize = 4096;

/// Blocks of one answer that are not over.
#[derive(Debug)]
pub(super) struct Blocks {
    names: ToolNames,
    queue: VecDeque<Item>,
    calls: Vec<Call>,
    /// Whether the first block was opened.
    open: bool,
    finished: bool,
    /// Whether a limit cut the answer.
    cut: bool,
    /// Whether calls with broken input are closed like others.
    close_broken: bool,
    broken: Option<String>,
}

#[derive(Debug)]
enum Item {
    Text(String),
    Thinking {
        text: String,
        details: Option<Details>,
    },
    /// By its place in `calls`.
    Call(usize),
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Thinking { text, .. } => text.len(),
            Self::Call(_) => 0,
        }
    }
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    /// As the provider names it; may be empty.
    id: String,
    name: String,
    arguments: Arguments,
    closed: bool,
}

/// More of a call, as a chunk has it. What is missing is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
    /// Whether more of another call stands beside it in the chunk, under the same index or none.
    pub(super) apart: bool,
}

impl Blocks {
    pub(super) fn new(names: ToolNames) -> Self {
        Self {
            names,
            queue: VecDeque::new(),
            calls: Vec::new(),
            open: false,
            finished: false,
            cut: false,
            close_broken: false,
            broken: None,
        }
    }

    pub(super) fn close_broken(&mut self) {
        self.close_broken = true;
    }

    /// What is wrong with a call, once something is.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref().filter(|_| !self.close_broken)
    }

    pub(super) fn text(&mut self, more: &str) {
        match self.queue.back_mut() {
            Some(Item::Text(text)) => text.push_str(more),
            _ => self.queue.push_back(Item::Text(more.to_owned())),
        }
        self.bound();
    }

    /// What is passed on as it comes never grows; only what waits behind a call can.
    fn bound(&mut self) {
        let held: usize = self.queue.iter().map(Item::len).sum();
        if held > MAX_ANSWER || self.queue.len() > MAX_BLOCKS {
            self.break_off("more than 8 MiB or 4096 blocks wait behind a call".to_owned());
        }
    }

    pub(super) fn thinking(&mut self, more: &str, told: Option<Details>) {
        if !matches!(self.queue.back(), Some(Item::Thinking { .. })) {
            self.queue.push_back(Item::Thinking { text: String::new(), details: None });
        }
        let Some(Item::Thinking { text, details }) = self.queue.back_mut() else { return };
        text.push_str(more);
        match (details, told) {
            (Some(known), Some(told)) => known.extend(told),
            (unknown @ None, told) => *unknown = told,
            (Some(_), None) => {}
        }
        self.bound();
    }

    pub(super) fn call(&mut self, fragment: &Fragment<'_>) {
        let at = match self.belongs(fragment) {
            Some(at) => at,
            None if self.calls.len() == MAX_CALLS => return self.break_off("too many calls in one answer".to_owned()),
            None => self.begin(fragment),
        };
        let call = &mut self.calls[at];
        if call.name.is_empty() {
            fragment.name.clone_into(&mut call.name);
        }
        if call.id.is_empty() {
            fragment.id.clone_into(&mut call.id);
        }
        let more = fragment.arguments;
        if call.closed {
            if !more.trim().is_empty() {
                let why = format!("the input of the call of {} went on after its end", call.name);
                self.break_off(why);
            }
            return;
        }
        call.arguments.push(more);
        if self.calls.iter().map(|call| call.arguments.len()).sum::<usize>() > MAX_ANSWER {
            self.break_off("the input of calls is longer than 8 MiB".to_owned());
        }
    }

    /// The call of which a fragment is more. None: of a new one.
    fn belongs(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let by_index = |call: &Call| fragment.index.is_none() || call.index == fragment.index;
        let at = if fragment.index.is_none() && !fragment.id.is_empty() {
            self.calls.iter().rposition(|call| call.id == fragment.id)
        } else {
            self.calls.iter().rposition(by_index)
        }?;
        let call = &self.calls[at];
        // An index that is used again for another call; names and ids that are said again are not one.
        let other_id = !fragment.id.is_empty() && !call.id.is_empty() && call.id != fragment.id;
        let begins = !fragment.name.is_empty() && fragment.id.is_empty();
        let over = call.arguments.is_complete() && !fragment.arguments.trim().is_empty();
        let other_name = fragment.index.is_none() && !call.name.is_empty() && call.name != fragment.name;
        let is_new = other_id || (begins && (over || other_name || fragment.apart));
        (!is_new).then_some(at)
    }

    fn begin(&mut self, fragment: &Fragment<'_>) -> usize {
        self.queue.push_back(Item::Call(self.calls.len()));
        self.calls.push(Call {
            index: fragment.index,
            id: fragment.id.to_owned(),
            name: fragment.name.to_owned(),
            arguments: Arguments::default(),
            closed: false,
        });
        self.calls.len() - 1
    }

    fn break_off(&mut self, why: String) {
        self.broken.get_or_insert(why);
    }

    /// Passes on what can be.
    pub(super) fn flush(&mut self, out: &mut Vec<Event>) {
        while self.broken().is_none() && !self.queue.is_empty() {
            let over = self.finished || self.queue.len() > 1;
            let closed = match self.queue.front_mut() {
                Some(Item::Text(text)) => text_block(text, &mut self.open, over, out),
                Some(Item::Thinking { text, details }) => {
                    thinking_block(text, details.as_ref(), &mut self.open, over, out)
                }
                Some(&mut Item::Call(at)) => self.call_block(at, out),
                None => false,
            };
            if !closed {
                return;
            }
            self.queue.pop_front();
            self.open = false;
        }
    }

    /// Passes on the rest, at the end of the answer.
    pub(super) fn finish(&mut self, cut: bool, out: &mut Vec<Event>) {
        (self.finished, self.cut) = (true, cut);
        self.flush(out);
    }

    /// Whether the call is closed.
    fn call_block(&mut self, at: usize, out: &mut Vec<Event>) -> bool {
        let call = &mut self.calls[at];
        if call.name.is_empty() {
            if self.finished {
                self.break_off("a call names no tool".to_owned());
            }
            return self.finished;
        }
        if !self.open {
            self.open = true;
            let name = self.names.original(&call.name).to_owned();
            out.push(Event::Open(Block::ToolUse { id: self.names.new_id(&call.id), name }));
        }
        if !self.finished && !call.arguments.is_complete() {
            out.extend(call.arguments.give().map(|more| Event::Delta(Delta::Input(more))));
            return false;
        }
        let (rest, whole) = call.arguments.finish();
        out.extend(rest.map(|rest| Event::Delta(Delta::Input(rest))));
        call.closed = true;
        if !whole && !self.cut {
            let why = format!("the input of the call of {} is no JSON object", call.name);
            self.break_off(why);
            if !self.close_broken {
                return false;
            }
        }
        out.push(Event::Close);
        true
    }
}

/// Text of blanks alone is held: vendors put line ends between thinking and calls, and a block of nothing else is refused
/// when it comes back.
fn text_block(text: &mut String, open: &mut bool, over: bool, out: &mut Vec<Event>) -> bool {
    if !*open && text.trim().is_empty() {
        return over;
    }
    if !*open {
        *open = true;
        out.push(Event::Open(Block::Text));
    }
    if !text.is_empty() {
        out.push(Event::Delta(Delta::Text(std::mem::take(text))));
    }
    if over {
        out.push(Event::Close);
    }
    over
}

fn thinking_block(
    text: &mut String,
    details: Option<&Details>,
    open: &mut bool,
    over: bool,
    out: &mut Vec<Event>,
) -> bool {
    let signature = over.then(|| details?.signature()).flatten();
    if !*open && text.is_empty() && signature.is_none() {
        return over;
    }
    if !*open {
        *open = true;
        out.push(Event::Open(Block::Thinking));
    }
    if !text.is_empty() {
        out.push(Event::Delta(Delta::Thinking(std::mem::take(text))));
    }
    out.extend(signature.map(|signature| Event::Delta(Delta::Signature(signature))));
    if over {
        out.push(Event::Close);
    }
    over
}
