//! What a provider has to call otherwise than the client does: tools with names that it refuses, and the ids of calls.
//!
//! Both are functions of the name alone, so that a conversation is written alike in every request and the provider's
//! prompt cache holds. What comes back has the client's names again.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What ids of calls look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolIds {
    /// Any text.
    Any {
        /// Most bytes.
        longest: usize,
    },
    /// Nine letters and digits.
    NineLetters,
}

/// The names of one request: what was sent under another name, and which ids of calls are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolNames {
    /// From the name that was sent to the client's own.
    renamed: HashMap<String, String>,
    /// Names that are sent as they are. Shared, for an answer takes a copy of all this, and these are nearly all names.
    reserved: Arc<[String]>,
    /// Ids of calls in the conversation: an answer must not use one again.
    ids: HashSet<String>,
}

impl ToolNames {
    /// No tools, no calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The client's name of a tool that the provider calls `sent`.
    #[must_use]
    pub fn original<'a>(&'a self, sent: &'a str) -> &'a str {
        self.renamed.get(sent).map_or(sent, String::as_str)
    }

    /// Names that need not be changed, which a changed one must not meet.
    pub(crate) fn reserve<'a>(&mut self, names: impl Iterator<Item = &'a str>, limit: usize) {
        let legal = names.filter(|name| is_legal(name, limit));
        self.reserved = legal.map(str::to_owned).collect();
    }

    /// The name under which a tool is sent: 1 to `limit` letters, digits, `_` and `-`.
    pub(crate) fn send<'a>(&mut self, name: &'a str, limit: usize) -> Cow<'a, str> {
        if is_legal(name, limit) { Cow::Borrowed(name) } else { Cow::Owned(self.rename("", name, limit)) }
    }

    /// As [`send`](Self::send), where a name has to begin with a letter or `_`.
    pub(crate) fn send_lettered<'a>(&mut self, name: &'a str, limit: usize) -> Cow<'a, str> {
        if name.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') {
            return Cow::Owned(self.rename("_", name, limit));
        }
        self.send(name, limit)
    }

    /// A name that is taken, made of one that is not and its digest.
    fn rename(&mut self, before: &str, name: &str, limit: usize) -> String {
        let plain = name.chars().map(|letter| if is_plain(letter) { letter } else { '_' });
        let start: String = before.chars().chain(plain).take(limit.saturating_sub(9)).collect();
        let mut hash = digest(name.as_bytes());
        loop {
            let sent = format!("{start}_{:08x}", hash >> 32);
            let taken = self.reserved.contains(&sent) || self.renamed.get(&sent).is_some_and(|owner| owner != name);
            if !taken {
                self.renamed.insert(sent.clone(), name.to_owned());
                return sent;
            }
            hash = digest(&hash.to_be_bytes());
        }
    }

    /// Notes the id of a call of the conversation.
    pub(crate) fn take_id(&mut self, id: &str) {
        self.ids.insert(id.to_owned());
    }

    /// An id for a new call: the provider's own, unless it has none or the conversation has a call of that name already,
    /// as with vendors that count anew in every turn.
    pub(crate) fn new_id(&mut self, wished: &str) -> String {
        let base = if wished.is_empty() { "call" } else { wished };
        let numbered = (self.ids.len()..).map(|number| format!("{base}_{number}"));
        let own = (!wished.is_empty()).then(|| wished.to_owned());
        let free = own.into_iter().chain(numbered).find(|id| !self.ids.contains(id));
        let id = free.unwrap_or_default();
        self.ids.insert(id.clone());
        id
    }
}

/// The id of a call as the provider takes it.
pub(crate) fn sent_id(id: &str, rule: ToolIds) -> Cow<'_, str> {
    match rule {
        ToolIds::Any { longest } if (1..=longest).contains(&id.len()) => Cow::Borrowed(id),
        ToolIds::Any { .. } => Cow::Owned(format!("call_{:016x}", digest(id.as_bytes()))),
        ToolIds::NineLetters if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Cow::Borrowed(id)
        }
        ToolIds::NineLetters => Cow::Owned(nine_letters(digest(id.as_bytes()))),
    }
}

fn nine_letters(mut number: u64) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut letter = || {
        let at = usize::try_from(number % 62).unwrap_or_default();
        number /= 62;
        char::from(LETTERS[at])
    };
    (0..9).map(|_| letter()).collect()
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// Whether a name is 1 to `limit` letters, digits, `_` and `-`.
pub(crate) fn is_legal(name: &str, limit: usize) -> bool {
    (1..=limit).contains(&name.len()) && name.chars().all(is_plain)
}

/// FNV-1a with a last mixing, so that the upper half depends on every byte. Not the library's hash: that may change from
/// release to release, and a conversation must not.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}
