//! One part of a dotted name: when it needs quotes, and what quotes mean.

use crate::redact::holds_token;

/// A part as it has to be typed: in quotes when it holds a dot or would be read in another way.
pub(super) fn segment(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(['"', '\''])
        && name.trim() == name
        && !name.contains(|c: char| c == '.' || c.is_control());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// A part in quotes at the beginning of `rest`, and what follows after the dot; `None` without quotes, or where they
/// do not end before a dot or the end.
pub(super) fn quoted(rest: &str) -> Option<(String, Option<String>)> {
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut name = String::new();
    let mut characters = rest[1..].char_indices();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return match &rest[1 + at + 1..] {
                "" => Some((name, None)),
                after => after.strip_prefix('.').map(|after| (name, Some(after.to_owned()))),
            };
        }
        let escaped = quote == '"' && c == '\\';
        name.push(if escaped { characters.next()?.1 } else { c });
    }
    None
}

/// A name as an argument of a command in a hint.
pub(super) fn argument(name: &str) -> String {
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-./@".contains(c)) && !holds_token(name);
    if plain { name.to_owned() } else { "NAME".to_owned() }
}
