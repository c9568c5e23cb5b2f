//! Puts items that a stream interleaves into blocks that come strictly one after the other: the first that is not over
//! passes as it comes, what belongs to later ones is kept until it is their turn.

use std::collections::VecDeque;

use serde_json::value::RawValue;

use super::content::{Content, Said};
use super::item::{Flush, Item};
use super::kind_of;
use super::place::Place;
use crate::answer::MAX_ANSWER;
use crate::canon::{Event, ToolNames};
use crate::responses::wire::{self, text};

/// Most items of an answer.
const MAX_ITEMS: usize = 4096;

/// Items of one answer. Those that are over stay as names, so that nothing of them is taken for new.
#[derive(Debug)]
pub(super) struct Queue {
    names: ToolNames,
    items: VecDeque<Item>,
    /// How many of the first items were closed.
    closed: usize,
    finished: bool,
    cut: bool,
    said: Said,
    /// Whether calls with broken input are closed like others.
    close_broken: bool,
    broken: Option<String>,
}

impl Queue {
    pub(super) fn new(names: ToolNames) -> Self {
        Self {
            names,
            items: VecDeque::new(),
            closed: 0,
            finished: false,
            cut: false,
            said: Said::default(),
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

    /// Whether the model refuses.
    pub(super) fn refused(&self) -> bool {
        self.said.refused
    }

    /// Notes that a text has annotations.
    pub(super) fn annotate(&mut self) {
        self.said.annotated = true;
    }

    /// Whether a text has annotations, which nobody else has a place for.
    pub(super) fn annotated(&self) -> bool {
        self.said.annotated
    }

    /// Whether it calls a tool.
    pub(super) fn called(&self) -> bool {
        self.items.iter().any(|item| matches!(item.content, Content::Call(_) | Content::Custom(_)))
    }

    /// Takes an item as it begins or, `done`, as it is at its end.
    pub(super) fn item(&mut self, index: Option<u64>, raw: &RawValue, done: bool) {
        let Ok(told) = serde_json::from_str::<wire::Item<'_>>(raw.get()) else { return };
        let id = text(told.id);
        let at = self.at(index, id.as_deref(), done);
        let kind = kind_of(&told);
        let at = match at {
            // A place that is used again for another item: some count anew.
            Some(at) if self.is_other(at, id.as_deref(), &kind) => return self.begin(index, &told, raw, done),
            Some(at) => at,
            None => return self.begin(index, &told, raw, done),
        };
        self.fill(at, &told, raw, done);
    }

    fn fill(&mut self, at: usize, told: &wire::Item<'_>, raw: &RawValue, done: bool) {
        let Some(item) = self.items.get_mut(at).filter(|item| !item.over) else { return };
        if matches!(item.content, Content::Unknown) {
            item.content = Content::of(&kind_of(told));
        }
        if item.id.is_empty() {
            item.id = text(told.id).unwrap_or_default().into_owned();
        }
        item.content.item(told, raw, done, &mut self.said);
        item.over |= done;
        self.bound();
    }

    /// Takes all items as they stand at the end of the answer. Relays name and count them otherwise than in the stream, so
    /// one that is not known by its name is the first, second, ... of its kind.
    pub(super) fn output(&mut self, items: &[&RawValue]) {
        let mut kinds: Vec<String> = Vec::with_capacity(items.len());
        for (index, raw) in (0..).zip(items) {
            let Ok(told) = serde_json::from_str::<wire::Item<'_>>(raw.get()) else { continue };
            let (id, kind) = (text(told.id), kind_of(&told));
            let ordinal = kinds.iter().filter(|other| **other == kind).count();
            let by_id = id.and_then(|id| self.items.iter().position(|item| item.id == id));
            let of_kind = || {
                let alike = self.items.iter().enumerate().filter(|(_, item)| item.content.is(&kind));
                alike.map(|(at, _)| at).nth(ordinal)
            };
            match by_id.or_else(of_kind) {
                Some(at) => self.fill(at, &told, raw, true),
                None => self.begin(Some(index), &told, raw, true),
            }
            kinds.push(kind);
        }
    }

    fn begin(&mut self, index: Option<u64>, told: &wire::Item<'_>, raw: &RawValue, done: bool) {
        let mut content = Content::of(&kind_of(told));
        content.item(told, raw, done, &mut self.said);
        let id = text(told.id).unwrap_or_default().into_owned();
        self.push(Item { index, id, content, over: done, open: false, closed: false });
    }

    fn push(&mut self, item: Item) {
        if self.items.len() == MAX_ITEMS {
            return self.break_off(format!("an answer of more than {MAX_ITEMS} items"));
        }
        // Items are told in their order, as a rule; one that is late still comes before those that have not begun.
        let later =
            |other: &Item| !other.open && !other.closed && other.index.zip(item.index).is_some_and(|(a, b)| a > b);
        let at = self.items.iter().position(later).unwrap_or(self.items.len());
        self.items.insert(at, item);
        self.bound();
    }

    /// Takes more of an item, or all of a part of it.
    pub(super) fn more(&mut self, index: Option<u64>, id: Option<&str>, place: Place, part: u64, said: &str) {
        let at = match self.at(index, id, false) {
            Some(at) => at,
            // Some do not tell the beginning of an item.
            None => {
                let (id, content) = (id.unwrap_or_default().to_owned(), Content::with(place));
                self.push(Item { index, id, content, over: false, open: false, closed: false });
                self.items.len() - 1
            }
        };
        let Some(item) = self.items.get_mut(at) else { return };
        if item.over || item.closed {
            return;
        }
        if matches!(item.content, Content::Unknown) {
            item.content = Content::with(place);
        }
        item.content.more(place, part, said, &mut self.said);
        self.bound();
    }

    /// Where an item is that was told of: by its name, else by its place, else it is the one that came last.
    fn at(&self, index: Option<u64>, id: Option<&str>, done: bool) -> Option<usize> {
        let by_id = id.and_then(|id| self.items.iter().rposition(|item| item.id == id));
        let by_index = || index.and_then(|index| self.items.iter().rposition(|item| item.index == Some(index)));
        let last = || {
            let alone = index.is_none() && (id.is_none() || done);
            alone.then(|| self.items.iter().rposition(|item| !item.over)).flatten()
        };
        by_id.or_else(by_index).or_else(last)
    }

    fn is_other(&self, at: usize, id: Option<&str>, kind: &str) -> bool {
        let item = &self.items[at];
        let other_id = id.is_some_and(|id| !item.id.is_empty() && item.id != id);
        (other_id && item.over) || !item.content.is(kind)
    }

    /// What is passed on as it comes never grows; only what waits can, and the input of calls.
    fn bound(&mut self) {
        if self.items.iter().skip(self.closed).map(|item| item.content.len()).sum::<usize>() > MAX_ANSWER {
            self.break_off("more than 8 MiB wait, or are the input of calls".to_owned());
        }
    }

    fn break_off(&mut self, why: String) {
        self.broken.get_or_insert(why);
    }

    /// Passes on what can be.
    pub(super) fn flush(&mut self, out: &mut Vec<Event>) {
        let mut flush = Flush { names: &mut self.names, finished: self.finished, cut: self.cut };
        while let Some(item) = self.items.get_mut(self.closed) {
            if self.broken.is_some() && !self.close_broken {
                return;
            }
            if let Err(why) = item.flush(&mut flush, out) {
                self.broken.get_or_insert(why);
                self.close_broken &= item.closed;
            }
            if !item.closed {
                return;
            }
            item.content.forget();
            self.closed += 1;
        }
    }

    /// Passes on the rest, at the end of the answer. `cut`: it is not complete.
    pub(super) fn finish(&mut self, cut: bool, out: &mut Vec<Event>) {
        (self.finished, self.cut) = (true, cut);
        self.flush(out);
    }
}
