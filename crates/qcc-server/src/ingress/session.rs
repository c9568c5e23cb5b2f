//! Which conversation a request belongs to, as a number. A conversation's requests should meet the same provider, for
//! that one has its prompt cache.
//!
//! The client's own name for it comes first: Claude Code's, in a header or in the body, which sub-agents share with
//! their parent; then codex's; then the header of others. Without a name, the words that open the conversation are it.
//! The client's key is part of every number, so that no client can meet another's session by naming it.
//!
//! The numbers outlive a restart, not necessarily a new version: the hash is the standard library's. A session that is
//! not found again costs one fresh prompt cache.

use std::hash::{DefaultHasher, Hasher};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use qcc_dialect::anthropic::head;
use qcc_dialect::scan::Clues;

use super::access::bearer_token;
use crate::upstream::credential::Consumed;

#[cfg(test)]
mod tests;

/// Claude Code's own name for a session; sub-agents and title requests have their parent's.
const CLAUDE_CODE: &str = "x-claude-code-session-id";

/// codex's.
const CODEX: &str = "session-id";

/// That of clients which keep conversations apart in no other way.
const CONVERSATION: &str = "x-conversation-id";

/// The conversation of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    /// Equal for requests of one client in one conversation; says nothing else.
    pub(crate) key: u64,
    /// Whether a prompt cache of one hour is asked for, instead of five minutes.
    pub(crate) long_cache: bool,
}

/// Where a name came from, so that equal names of different kinds stay apart.
#[derive(Debug, Clone, Copy)]
enum Source {
    ClaudeCode = 1,
    Codex,
    Conversation,
    Opening,
}

impl Session {
    /// Recognises it. `clues` are what the scan of `body` found.
    pub(crate) fn of(headers: &HeaderMap, consumed: Consumed, clues: &Clues, body: &[u8]) -> Self {
        let key = named(headers, consumed, clues, body).unwrap_or_else(|| {
            let mut hasher = hasher(headers, consumed, Source::Opening);
            clues.opening(body, |piece| hasher.write(piece));
            hasher.finish()
        });
        Self { key, long_cache: clues.long_cache }
    }
}

/// The key of a session that the client names.
fn named(headers: &HeaderMap, consumed: Consumed, clues: &Clues, body: &[u8]) -> Option<u64> {
    let key = |source: Source, name: &[u8]| {
        let mut hasher = hasher(headers, consumed, source);
        hasher.write(name);
        hasher.finish()
    };
    let header = |source, name| Some(key(source, non_empty(headers, name)?));
    header(Source::ClaudeCode, CLAUDE_CODE)
        .or_else(|| Some(key(Source::ClaudeCode, clues.session_id(body)?.as_bytes())))
        .or_else(|| header(Source::Codex, CODEX))
        .or_else(|| Some(key(Source::Codex, clues.cache_key(body)?.as_bytes())))
        .or_else(|| header(Source::Conversation, CONVERSATION))
}

fn non_empty<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes().trim_ascii()).filter(|value| !value.is_empty())
}

/// A hash that begins with who asks and how the session is named.
fn hasher(headers: &HeaderMap, consumed: Consumed, source: Source) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(client(headers, consumed));
    hasher.write_u8(source as u8);
    hasher
}

/// Tells clients apart without keeping their keys: by the key that opened our door, in whichever header it came, or
/// where none is asked for, by whatever credential they send. The other header does not count beside our key: it may
/// hold a token that is renewed in the middle of a session.
fn client(headers: &HeaderMap, consumed: Consumed) -> u64 {
    let api_key = headers.get(head::API_KEY).map(|value| value.as_bytes());
    let token = || bearer_token(headers).or_else(|| headers.get(AUTHORIZATION).map(|value| value.as_bytes()));
    let credentials = match consumed {
        Consumed { api_key: true, .. } => [api_key, None],
        Consumed { bearer: true, .. } => [token(), None],
        Consumed { .. } => [api_key, token()],
    };
    let mut hasher = DefaultHasher::new();
    for credential in credentials {
        hasher.write(credential.unwrap_or_default());
        // No header holds this byte.
        hasher.write_u8(0);
    }
    hasher.finish()
}
