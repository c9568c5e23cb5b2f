//! `${VAR}` and `${file:/path}` in values. Done here, after parsing, so that it works the same in plain and quoted
//! scalars, cannot inject YAML, and never puts a secret into a parser's error.

use std::path::Path;

use zeroize::Zeroizing;

use crate::Env;
use crate::value::Wrong;

/// Bytes of the largest file that `${file:...}` reads: a credential or a host name, not data.
const MAX_FILE: usize = 64 * 1024;

/// Replaces every `${...}` of `text`; `$${` gives a literal `${`. What was put in is not looked at again.
/// Relative paths start from `folder`.
///
/// # Errors
/// An unset variable, an unreadable file, or a `${` that is neither.
pub(crate) fn interpolate(text: &str, folder: &Path, env: Env<'_>) -> Result<Zeroizing<String>, Wrong> {
    let mut out = Zeroizing::new(String::new());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(before);
        let Some(end) = rest[at..].find('}') else {
            return Err(Wrong::new("`${` without a `}`", "close it, or write `$${` for a literal `${`"));
        };
        out.push_str(&value_of(&rest[at + 2..at + end], folder, env)?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether the whole text is one `${...}`, so that no secret stands in the file itself.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.contains(['{', '}']))
}

fn value_of(name: &str, folder: &Path, env: Env<'_>) -> Result<Zeroizing<String>, Wrong> {
    if let Some(path) = name.strip_prefix("file:") {
        if path.is_empty() {
            return Err(Wrong::new("`${file:}` names no file", "write `${file:/path}`"));
        }
        return file_text(&folder.join(path));
    }
    let first = name.chars().next();
    if !first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        let message = "`${...}` holds no name of a variable";
        return Err(Wrong::new(
            message,
            "write `${NAME}` or `${file:/path}`; defaults such as `${NAME:-x}` do not exist",
        ));
    }
    env(name).map(Zeroizing::new).ok_or_else(|| {
        let hint =
            format!("set it where qcc is started (`export {name}=...`); a provider with `enabled: false` needs none");
        Wrong::new(format!("the environment variable `{name}` is not set"), hint)
    })
}

fn file_text(path: &Path) -> Result<Zeroizing<String>, Wrong> {
    let shown = path.display();
    let hint = "the path is relative to the folder of this file; it must name a readable text file under 64 KiB";
    let bytes = std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Wrong::new(format!("the file `{shown}` cannot be read: {error}"), hint))?;
    if bytes.len() > MAX_FILE {
        return Err(Wrong::new(format!("the file `{shown}` is larger than 64 KiB"), hint));
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Wrong::new(format!("the file `{shown}` is not UTF-8 text"), hint))?;
    // Editors and `echo` end a file with a newline that is no part of the secret.
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}
