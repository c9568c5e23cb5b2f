//! What models thought before their calls, for as long as clients that do not send it back may need it. In memory alone: it
//! is part of a conversation, and conversations are not written down. Who goes on after a restart goes on without.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use qcc_dialect::canon::Part;
use qcc_dialect::translate::Thoughts;

/// Most that is kept for all conversations together, bytes; the oldest goes first.
const MOST: usize = 16 * 1024 * 1024;

/// What one entry costs beside its text, bytes.
const OVERHEAD: usize = 200;

/// By conversation and call.
#[derive(Default)]
pub(crate) struct ThoughtStore {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<u64, (Vec<Part>, usize)>,
    /// In order of age.
    order: VecDeque<u64>,
    bytes: usize,
}

impl ThoughtStore {
    /// Keeps what was thought in a conversation.
    pub(crate) fn put(&self, session: u64, thoughts: Thoughts) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (call, parts) in thoughts {
            kept.put(key(session, &call), parts);
        }
    }

    /// What was thought before this call of the conversation.
    pub(crate) fn of(&self, session: u64, call: &str) -> Option<Vec<Part>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.get(&key(session, call)).map(|(parts, _)| parts.clone())
    }
}

impl Kept {
    fn put(&mut self, key: u64, parts: Vec<Part>) {
        let size = OVERHEAD + parts.iter().map(size).sum::<usize>();
        if size > MOST {
            return;
        }
        match self.entries.insert(key, (parts, size)) {
            Some((_, before)) => self.bytes -= before,
            None => self.order.push_back(key),
        }
        self.bytes += size;
        while self.bytes > MOST {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |(_, size)| size);
        }
    }
}

fn size(part: &Part) -> usize {
    match part {
        Part::Thinking(thought) => thought.text.len() + thought.signature.as_ref().map_or(0, String::len),
        Part::Redacted(data) => data.len(),
        _ => 0,
    }
}

fn key(session: u64, call: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (session, call).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thought(text: &str) -> Vec<Part> {
        vec![Part::Redacted(text.to_owned())]
    }

    #[test]
    fn what_was_thought_belongs_to_a_conversation_and_a_call() {
        let store = ThoughtStore::default();
        store.put(1, vec![("a".to_owned(), thought("x"))]);
        assert_eq!(store.of(1, "a"), Some(thought("x")));
        assert_eq!((store.of(1, "b"), store.of(2, "a")), (None, None));
        store.put(1, vec![("a".to_owned(), thought("y"))]);
        assert_eq!(store.of(1, "a"), Some(thought("y")));
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let store = ThoughtStore::default();
        let large = "x".repeat(MOST / 4);
        for call in 0..6 {
            store.put(1, vec![(call.to_string(), thought(&large))]);
        }
        let kept: Vec<u32> = (0..6).filter(|call| store.of(1, &call.to_string()).is_some()).collect();
        assert_eq!(kept, [3, 4, 5]);
        store.put(1, vec![("huge".to_owned(), thought(&"x".repeat(MOST)))]);
        assert!(store.of(1, "huge").is_none() && store.of(1, "5").is_some());
    }
}
