//! Decides what an event means of which only the beginning is seen, because it is too long to be held.

use super::{BlockKind, Kind, Open, Seen, Value, Watcher};
use crate::sse::fields;

/// Where a kind is looked for: the names stand at the beginning of the data.
const NAMES_WITHIN: usize = 1024;

impl Watcher {
    /// Takes the beginning of an event that passes before its end is known. Its end is not observed.
    ///
    /// An event of that length with content in its name carries content; an oversized end of a message is
    /// nothing that a provider sends, and is not believed.
    pub fn observe_oversized_head(&mut self, head: &[u8]) -> Seen {
        let fields = fields(head);
        let data = &fields.data[..fields.data.len().min(NAMES_WITHIN)];
        let kind = fields.event.and_then(Kind::of).or_else(|| Kind::of(quoted_after(data, b"\"type\"")?));
        match kind {
            Some(Kind::BlockStart) => {
                let block = memchr::memmem::find(data, b"\"content_block\"").map_or(data, |at| &data[at..]);
                let named = quoted_after(block, b"\"type\"").and_then(|kind| std::str::from_utf8(kind).ok());
                let index = number_after(data, b"\"index\"").unwrap_or_default();
                self.open = Some(Open { kind: BlockKind::of(named.unwrap_or_default()), index, filled: true });
                self.semantic_if(true)
            }
            Some(Kind::BlockDelta) => match &mut self.open {
                Some(open) => {
                    open.filled = true;
                    self.semantic_if(true)
                }
                None if self.content => Seen::Content,
                None => Seen::Malformed,
            },
            Some(Kind::BlockStop) => self.event(Kind::BlockStop, &Value::Null),
            Some(Kind::Error) => self.error(&fields.data),
            Some(Kind::MessageStart | Kind::MessageDelta | Kind::MessageStop) => Seen::Progress,
            Some(Kind::Ping) => Seen::Idle,
            None if fields.stray && fields.data.is_empty() => Seen::NotSse,
            None => Seen::Idle,
        }
    }
}

/// The string that is the value of a member, without its quotes and without reading escapes.
fn quoted_after<'a>(data: &'a [u8], member: &[u8]) -> Option<&'a [u8]> {
    let rest = value_after(data, member)?.strip_prefix(b"\"")?;
    Some(&rest[..memchr::memchr(b'"', rest)?])
}

fn number_after(data: &[u8], member: &[u8]) -> Option<u64> {
    let rest = value_after(data, member)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

fn value_after<'a>(data: &'a [u8], member: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(data, member)? + member.len();
    Some(data[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}
