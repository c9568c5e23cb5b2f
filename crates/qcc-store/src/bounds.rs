//! How much of a row is kept. Model names, stop reasons, ids and errors come from clients and providers, who could fill
//! memory and disk with them; and SQLite's numbers end where ours do not.

use std::borrow::Cow;

/// A word from a fixed set, mostly a literal.
pub type Word = Cow<'static, str>;

/// Longest name, id or word that is kept, bytes. Names of models and ids of providers have under 100.
pub(crate) const NAME: usize = 256;

/// Longest path, reason or error that is kept, bytes: a few lines.
pub(crate) const TEXT: usize = 2048;

/// Cuts a text to at most `most` bytes, and lets go of the memory of the rest.
pub(crate) fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    if text.capacity() > most {
        text.shrink_to_fit();
    }
}

pub(crate) fn cut_maybe(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        cut(text, most);
    }
}

pub(crate) fn cut_word(word: &mut Word) {
    if let Cow::Owned(text) = word {
        cut(text, NAME);
    }
}

pub(crate) fn cut_maybe_word(word: &mut Option<Word>) {
    if let Some(word) = word {
        cut_word(word);
    }
}

/// As SQLite holds it. Nothing that is counted here comes near the limit, except by a provider's lie.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn maybe_number(count: Option<u64>) -> Option<i64> {
    count.map(number)
}

/// As it was before [`number`].
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;
