//! Decides what tells conversations apart in a request body: a name that the client gives its session, or else how the
//! conversation opens.
//!
//! The scan notes only where these lie. They are read here, and only by who needs them: Claude Code names its session
//! in a header, and then nothing of this is read at all.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;

use super::top::Top;
use super::walk::Scanner;

#[cfg(test)]
mod tests;

/// Where a mark of the prompt cache stands.
pub(super) const CACHE_CONTROL: &[u8] = b"\"cache_control\"";

/// Bytes after the name within which a mark must end to be understood; real ones take 50.
const MAX_MARK: usize = 256;

/// Longest value in which a session's name is looked for, bytes as sent. Real ones take 60 to 250.
const MAX_NAME: usize = 4096;

/// Bytes of the system, and of the first message, that tell conversations apart. What differs only later does not
/// matter here: conversations that share so much share a prompt cache too.
const MAX_OPENING: usize = 64 * 1024;

/// How block 0 of Claude Code's system begins. It changes from request to request.
const BILLING: &str = "x-anthropic-billing-header";

/// Where a body shows which conversation it belongs to. Ranges are bytes of that body. Where a name stands twice in an
/// object the last one counts, as for most readers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// `metadata.user_id`, where it is a string; with its quotes.
    pub user_id: Option<Range<usize>>,
    /// `prompt_cache_key`, where it is a string; with its quotes.
    pub prompt_cache_key: Option<Range<usize>>,
    /// The value of `system`, of whatever kind.
    pub system: Option<Range<usize>>,
    /// The first object of `messages` whose `role` is `user`.
    pub first_user: Option<Range<usize>>,
    /// Whether a prompt cache of one hour is asked for, by the `cache_control` of the request, of a system block, a
    /// tool or a message's block. True is certain; marks with needless escapes or below other blocks are not seen.
    pub long_cache: bool,
}

impl Clues {
    /// The session that `metadata.user_id` names in one of Claude Code's two ways: JSON with a `session_id`, or the
    /// older `user_..._account_..._session_ID`. `body` is the one that was scanned.
    #[must_use]
    pub fn session_id(&self, body: &[u8]) -> Option<String> {
        let text = name_at(body, self.user_id.as_ref())?;
        let id = if text.starts_with('{') {
            serde_json::from_str::<ClaudeUser>(&text).ok()?.session_id
        } else {
            text.strip_prefix("user_")?.rsplit_once("_session_")?.1.to_owned()
        };
        Some(id).filter(|id| !id.is_empty())
    }

    /// The name that `prompt_cache_key` gives; codex gives its session's. `body` is the one that was scanned.
    #[must_use]
    pub fn cache_key<'a>(&self, body: &'a [u8]) -> Option<Cow<'a, str>> {
        name_at(body, self.prompt_cache_key.as_ref())
    }

    /// Hands out, piece by piece, what is the same in all requests of a conversation: the system without Claude Code's
    /// billing line, then the user's first message. Both without spaces and commas, which say nothing, and without
    /// marks of the prompt cache, which wander. At most 64 KiB of each. `body` is the one that was scanned.
    pub fn opening(&self, body: &[u8], mut feed: impl FnMut(&[u8])) {
        if let Some(system) = self.system.clone() {
            let system = &body[system];
            match billing_line(system) {
                Some(end) => {
                    feed(b"[");
                    essence(&system[end..], &mut feed);
                }
                None => essence(system, &mut feed),
            }
        }
        // No value holds this byte.
        feed(b"\0");
        if let Some(message) = self.first_user.clone() {
            essence(&body[message], &mut feed);
        }
    }
}

#[derive(Deserialize)]
struct ClaudeUser {
    session_id: String,
}

/// A string that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    ttl: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn name_at<'a>(body: &'a [u8], quoted: Option<&Range<usize>>) -> Option<Cow<'a, str>> {
    let quoted = quoted.filter(|range| range.len() <= MAX_NAME)?;
    let Text(text) = serde_json::from_slice(&body[quoted.clone()]).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// Whether a JSON value is this text, which needs no escapes but may have some.
pub(super) fn is_text(json: &[u8], expected: &str) -> bool {
    let inside = json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inside.is_some_and(|inside| {
        // The longest way to write a character takes six bytes.
        inside == expected.as_bytes()
            || inside.len() <= 6 * expected.len()
                && memchr::memchr(b'\\', inside).is_some()
                && serde_json::from_slice::<Text<'_>>(json).is_ok_and(|text| text.0 == expected)
    })
}

/// Whether the value of a `cache_control`, which begins in `rest` behind the colon, asks for one hour.
pub(super) fn asks_for_an_hour(rest: &[u8]) -> bool {
    let window = &rest[..rest.len().min(MAX_MARK)];
    let Some(end) = memchr::memchr(b'}', window) else { return false };
    let mark = window[..=end].trim_ascii_start();
    mark.first() == Some(&b'{')
        && mark.windows(4).any(|bytes| bytes == b"\"1h\"")
        && serde_json::from_slice::<Mark<'_>>(mark).is_ok_and(|mark| mark.ttl == "1h")
}

/// Where block 0 of a system ends, if it is Claude Code's billing line.
fn billing_line(system: &[u8]) -> Option<usize> {
    let window = &system[..system.len().min(MAX_OPENING)];
    let mut scanner = Scanner::new(window.strip_prefix(b"[")?, Top::default());
    scanner.space();
    let start = scanner.at;
    if scanner.peek() != Some(b'{') {
        return None;
    }
    scanner.document().ok()?;
    let block: Block<'_> = serde_json::from_slice(&scanner.body[start..scanner.at]).ok()?;
    block.text.starts_with(BILLING).then_some(1 + scanner.at)
}

/// Hands out what a JSON value says, up to [`MAX_OPENING`] bytes of it.
fn essence(json: &[u8], feed: &mut impl FnMut(&[u8])) {
    // Twice as much is read, so that what is left out does not move the end of what is handed out.
    let window = &json[..json.len().min(2 * MAX_OPENING)];
    let mut scanner = Scanner::new(window, Top::default());
    let mut left = MAX_OPENING;
    while left > 0 {
        scanner.space();
        let start = scanner.at;
        match scanner.peek() {
            None => return,
            Some(b',' | b':') => {
                scanner.at += 1;
                continue;
            }
            Some(b'"') => {
                if scanner.string().is_err() {
                    // Cut by the window.
                    scanner.at = window.len();
                } else if skip_mark(&mut scanner, start) {
                    continue;
                }
            }
            Some(b'{' | b'}' | b'[' | b']') => scanner.at += 1,
            Some(_) => {
                // Numbers and literals have no end of their own.
                feed(b" ");
                scanner.at += window[start..].iter().take_while(|byte| !b",]} \n\r\t".contains(byte)).count();
            }
        }
        let piece = &window[start..scanner.at];
        let piece = &piece[..piece.len().min(left)];
        left -= piece.len();
        feed(piece);
    }
}

/// Goes over the value of a `cache_control`, if the string from `start` on is that name.
fn skip_mark(scanner: &mut Scanner<'_, Top>, start: usize) -> bool {
    if &scanner.body[start..scanner.at] != CACHE_CONTROL {
        return false;
    }
    let name_end = scanner.at;
    scanner.space();
    if scanner.peek() != Some(b':') {
        scanner.at = name_end;
        return false;
    }
    scanner.at += 1;
    if scanner.document().is_err() {
        // Cut by the window.
        scanner.at = scanner.body.len();
    }
    true
}
