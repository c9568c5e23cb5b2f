//! Secrets in comments: an old key that was commented out, a token that was noted down. Prose stays. Where it is not clear
//! whether a comment is prose, it is hidden.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::secret::REDACTED;
use crate::source::{Source, content_column, keys_of};
use crate::suggest::nearest;
use crate::value;

use super::{Lines, only_references};

/// Parts of names that values with secrets have.
const TELLING: &[&str] =
    &["key", "token", "secret", "passw", "credential", "authorization", "auth value", "cookie", "bearer", "oauth"];

/// Names that a slip may stand for.
const NAMES: &[&str] = &["auth_value", "client_keys", "headers", "auth", "api_key", "oauth"];

/// With what the credentials of well-known services begin.
const PREFIXES: &[&str] = &[
    "sk-",
    "pk-",
    "rk-",
    "sk_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "hf_",
    "gsk_",
    "eyJ",
    "r8_",
    "key-",
];

/// Characters of a word that is long enough to be a credential.
const LONG: usize = 20;

/// The parts of the comments that have to be hidden. `places` are the bytes at which values with secrets start.
pub(super) fn hidden(text: &str, comments: &[Range<usize>], places: &[usize]) -> Vec<Range<usize>> {
    let lines = Lines::new(text);
    let with_secrets: BTreeSet<usize> = places.iter().map(|at| lines.number(*at)).collect();
    let whole = Source { path: std::path::PathBuf::new(), text: text.trim_start_matches('\u{feff}').to_owned() };
    let mut found = Vec::new();
    let mut block: Vec<&Range<usize>> = Vec::new();
    for comment in comments {
        let number = lines.number(comment.start);
        let own_line = text[lines.start(number)..comment.start].trim().is_empty();
        let follows = block.last().is_some_and(|last| lines.number(last.start) + 1 == number);
        if !(own_line && follows) {
            found.extend(hidden_in(text, &block, false));
            block.clear();
        }
        if own_line {
            let suspicious = whole.ancestors(number).iter().any(|key| tells_secret(key));
            if suspicious { found.extend(hidden_in(text, &[comment], true)) } else { block.push(comment) }
        } else {
            found.extend(hidden_in(text, &[comment], with_secrets.contains(&number)));
        }
    }
    found.extend(hidden_in(text, &block, false));
    found
}

/// Comments on consecutive lines are read together: what was commented out may have had several lines. `suspicious`:
/// they stand where secrets do.
fn hidden_in(text: &str, comments: &[&Range<usize>], suspicious: bool) -> Vec<Range<usize>> {
    let bodies: Vec<(usize, &str)> = comments.iter().map(|comment| body(text, comment)).collect();
    let joined: Vec<&str> = bodies.iter().map(|(_, line)| *line).collect();
    let source = Source { path: std::path::PathBuf::new(), text: joined.join("\n") };
    let mut found = Vec::new();
    for (at, (start, line)) in bodies.iter().enumerate() {
        let below_secret = source.ancestors(at + 1).iter().any(|key| tells_secret(key));
        let lone = suspicious && !line.trim().trim_start_matches("- ").contains(' ');
        let from = if below_secret || lone { Some(content_column(line)) } else { secret_value(line, suspicious) };
        if let Some(from) = from {
            found.push(start + from..start + line.len());
            continue;
        }
        let tokens = words(line).filter(|word| is_token(&line[word.clone()], suspicious));
        found.extend(tokens.map(|word| start + word.start..start + word.end));
    }
    found
}

/// The text of a comment after its `#`, and where that is.
fn body<'a>(text: &'a str, comment: &Range<usize>) -> (usize, &'a str) {
    let line = text[comment.clone()].trim_end();
    let start = line.len() - line.trim_start_matches('#').len();
    (comment.start + start, &line[start..])
}

/// From where on a comment gives a secret its value: after the colon, the `=` or the word. `suspicious`: any key does.
fn secret_value(line: &str, suspicious: bool) -> Option<usize> {
    let told = |key: &str| tells_secret(key) || suspicious && !key.contains(' ');
    let of_key = keys_of(line).into_iter().find(|(key, end)| told(key) && is_literal(&line[*end..]));
    let of_sign = line.match_indices('=').map(|(at, _)| at + 1).find(|end| {
        let name = line[..end - 1].trim_end().rsplit([' ', '\t', ',']).next().unwrap_or_default();
        tells_secret(name) && is_literal(&line[*end..])
    });
    let lower = line.to_ascii_lowercase();
    let of_word = lower.find("bearer ").map(|at| at + "bearer ".len()).filter(|end| is_literal(&line[*end..]));
    let from = of_key.map(|(_, end)| end).into_iter().chain(of_sign).chain(of_word).min()?;
    Some(from + (line[from..].len() - line[from..].trim_start().len()))
}

/// Whether a value, with what follows on the line, is more than a reference or the beginning of something nested.
fn is_literal(value: &str) -> bool {
    let mut value = value.trim().trim_start_matches(['"', '\'']);
    if ["", "|", ">", "|-", ">-", "{", "["].contains(&value) {
        return false;
    }
    loop {
        if value == "passthrough" || only_references(value) {
            return false;
        }
        // The end of the map or the list around it.
        match value.strip_suffix(['"', '\'', ',', '}', ']', ' ']) {
            Some(rest) => value = rest,
            None => return true,
        }
    }
}

/// Whether a name says that its value is a secret.
fn tells_secret(name: &str) -> bool {
    let plain = name.to_lowercase().replace(['-', '_'], " ");
    let told = TELLING.iter().any(|part| plain.contains(part));
    told || NAMES.contains(&name) || nearest(name, NAMES.iter().copied()).is_some_and(|_| name.len() > 3)
}

/// The words of a line.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    let parts = line.split(|c: char| c.is_whitespace() || "\"'`,;()[]{}<>=|".contains(c));
    parts.filter(|part| !part.is_empty()).map(|part| {
        let start = part.as_ptr().addr() - line.as_ptr().addr();
        start..start + part.len()
    })
}

/// Whether a text holds something that looks like a credential.
pub(crate) fn holds_token(text: &str) -> bool {
    words(text).any(|word| is_token(&text[word], false))
}

/// A line without the words in it that look like credentials.
pub(super) fn without_tokens(line: &str) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for word in words(line).filter(|word| is_token(&line[word.clone()], false)) {
        shown.push_str(&line[from..word.start]);
        shown.push_str(REDACTED);
        from = word.end;
    }
    shown + &line[from..]
}

/// Whether a word looks like a credential: by how it begins, or as a long mix of letters and digits. `suspicious`: a
/// short mix will do.
fn is_token(word: &str, suspicious: bool) -> bool {
    let word = word.trim_end_matches(['.', ':', '!', '?']);
    if word.contains("://") {
        return value::has_url_secret(word);
    }
    if PREFIXES.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix)) {
        return true;
    }
    let mixed = |part: &str, least: usize| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        part.len() >= least && digits > 0 && digits < part.len()
    };
    // Names of models are long as well, but each of their parts is a word, a date or a version.
    let parts = || word.split(|c: char| !c.is_ascii_alphanumeric());
    let long = word.len() >= LONG && word.is_ascii() && parts().any(|part| mixed(part, 6));
    let endless = parts().any(|part| part.len() >= 32);
    long || endless || suspicious && parts().any(|part| mixed(part, 4))
}
