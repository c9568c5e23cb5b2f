//! Thinking that a server leaves in the text, between `<think>` and `</think>` at its beginning. Only for providers of
//! which it is known: elsewhere the tag is a text like any other.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Follows the text of one answer.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    state: State,
    /// What may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Thinking,
    /// Blanks between thinking and text.
    After,
    Text,
}

impl ThinkTags {
    /// More text: pieces of it, and whether each is thinking.
    pub(super) fn push(&mut self, more: &str) -> Vec<(bool, String)> {
        self.held.push_str(more);
        let mut pieces = Vec::new();
        if self.state == State::Start {
            self.start();
        }
        if self.state == State::Thinking {
            pieces.extend(self.thinking());
        }
        if self.state == State::After {
            self.held = self.held.trim_start().to_owned();
            if !self.held.is_empty() {
                self.state = State::Text;
            }
        }
        if self.state == State::Text {
            pieces.push((false, std::mem::take(&mut self.held)));
        }
        pieces.retain(|(_, piece)| !piece.is_empty());
        pieces
    }

    /// What is still held, at the end.
    pub(super) fn finish(&mut self) -> Option<(bool, String)> {
        let rest = std::mem::take(&mut self.held);
        (!rest.is_empty()).then_some((self.state == State::Thinking, rest))
    }

    fn start(&mut self) {
        let begun = self.held.trim_start();
        if let Some(rest) = begun.strip_prefix(OPEN) {
            self.held = rest.to_owned();
            self.state = State::Thinking;
        } else if !OPEN.starts_with(begun) {
            self.state = State::Text;
        }
    }

    fn thinking(&mut self) -> Option<(bool, String)> {
        if let Some((thought, rest)) = self.held.split_once(CLOSE) {
            let thought = thought.to_owned();
            self.held = rest.to_owned();
            self.state = State::After;
            return Some((true, thought));
        }
        let partial = (1..CLOSE.len()).rev().find(|&length| self.held.ends_with(&CLOSE[..length])).unwrap_or_default();
        let held = self.held.split_off(self.held.len() - partial);
        Some((true, std::mem::replace(&mut self.held, held)))
    }
}
