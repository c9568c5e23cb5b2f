//! Names of calls as Anthropic allows them: letters, digits, `_` and `-`.
//!
//! Other vendors' names (`functions.bash:0`, `call_1|fc_2`) would be refused as soon as the conversation moves to an
//! Anthropic provider. So on the way to the client they are written with escapes, and on the way back, where another
//! dialect reads them, they are what they were: the vendor knows them again, and nothing has to be remembered.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What an escaped name begins with.
const ESCAPED: &str = "qcc-";

/// A name that Anthropic and its clients accept.
pub(super) fn escape(id: &str) -> Cow<'_, str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && id.bytes().all(legal) && unescape(id).is_none() {
        return Cow::Borrowed(id);
    }
    let mut escaped = ESCAPED.to_owned();
    for byte in id.bytes() {
        match byte {
            b'-' => escaped.push_str("--"),
            byte if legal(byte) => escaped.push(char::from(byte)),
            byte => write!(escaped, "-{byte:02x}").expect("a string takes everything"),
        }
    }
    Cow::Owned(escaped)
}

/// What the name was before [`escape`]. `None`: that has not written it.
pub(super) fn unescape(id: &str) -> Option<String> {
    let mut rest = id.strip_prefix(ESCAPED)?.as_bytes();
    let mut plain = Vec::with_capacity(rest.len());
    while let [byte, after @ ..] = rest {
        (plain, rest) = match (byte, after) {
            (b'-', [b'-', after @ ..]) => (push(plain, b'-'), after),
            (b'-', [high, low, after @ ..]) => (push(plain, hex(*high)? << 4 | hex(*low)?), after),
            (b'-', _) => return None,
            (byte, after) => (push(plain, *byte), after),
        };
    }
    String::from_utf8(plain).ok().filter(|plain| escape(plain) == id)
}

/// A name that no other call of the answer has: clones name all calls alike, and results go by their names.
pub(super) fn of_its_own(id: String, taken: &mut Vec<String>) -> String {
    let id = if id.is_empty() { "call".to_owned() } else { id };
    let names = (2_u32..).map(|number| format!("{id}_{number}"));
    let free = std::iter::once(id.clone()).chain(names).find(|name| !taken.contains(name)).unwrap_or(id);
    taken.push(free.clone());
    free
}

fn push(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
