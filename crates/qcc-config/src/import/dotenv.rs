//! The lines of a `.env` file, as python-dotenv reads them: `NAME=value`, `export` before it, quotes around the value,
//! comments. What only a shell could work out is refused rather than misread. Nothing of a value is ever told.

use crate::env::is_reference;
use crate::keys::Unfit;
use crate::secret::Secret;

/// Names and values, in file order; a name without `=` sets nothing.
///
/// # Errors
/// At the first line that is none of these, by its number.
pub(super) fn assignments(text: &str) -> Result<Vec<(String, Secret)>, Unfit> {
    let mut all = Vec::new();
    for (place, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let wrong =
            |what: &str, hint: &str| Unfit { message: format!("line {} {what}", place + 1), hint: hint.to_owned() };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, rest) = line.split_once('=').map_or((line, None), |(name, rest)| (name.trim(), Some(rest.trim())));
        if !is_name(name) {
            return Err(wrong(
                "does not begin with the name of a variable",
                "write NAME=value; comments begin with `#`",
            ));
        }
        let Some(rest) = rest else { continue };
        let value = value(rest).ok_or_else(|| {
            wrong(
                "has a quote that is not closed, or text behind it",
                "put the whole value into one pair of quotes, on one line",
            )
        })?;
        if value.expose().contains("${") && !is_reference(value.expose()) {
            return Err(wrong(
                "has `${...}` within its value",
                "write the value out; a value that is one `${NAME}` is looked up",
            ));
        }
        all.push((name.to_owned(), value));
    }
    Ok(all)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Without its quotes and the comment behind it; `None` where a quote is not closed or something follows it.
fn value(rest: &str) -> Option<Secret> {
    let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        // A `#` within a word is part of it.
        let end = rest.match_indices('#').map(|(at, _)| at).find(|at| rest[..*at].ends_with([' ', '\t']) || *at == 0);
        return Some(Secret::new(rest[..end.unwrap_or(rest.len())].trim_end()));
    };
    let mut text = String::new();
    let mut chars = rest[1..].chars();
    loop {
        match chars.next()? {
            '\\' => match chars.next()? {
                'n' if quote == '"' => text.push('\n'),
                't' if quote == '"' => text.push('\t'),
                c if c == quote || c == '\\' => text.push(c),
                c => text.extend(['\\', c]),
            },
            c if c == quote => break,
            c => text.push(c),
        }
    }
    let behind = chars.as_str().trim_start();
    (behind.is_empty() || behind.starts_with('#')).then(|| Secret::new(text))
}
