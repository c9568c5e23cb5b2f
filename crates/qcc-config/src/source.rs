//! The text of the file and the faults found in it. A line is shown to the user only through here, because here is
//! decided what of it may be seen: a value is shown when its key is known and can hold no secret, else it is redacted.
//! Text decides that, not the parsed file, because a file that does not parse holds secrets too.

use std::fs::File as OpenFile;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::env::is_reference;
use crate::error::{ConfigError, Place, Problem};
use crate::secret::REDACTED;
use crate::suggest::nearest;
use crate::{file, value};

/// Bytes of the largest file that is read. The largest known setups stay below 100 KiB.
const MAX_FILE: usize = 4 * 1024 * 1024;

/// Characters of a line that are shown; a JSON file may be one line.
const SHOWN: usize = 120;

/// Keys with secret values, also those of the Balancer's `settings`.
const SECRET_KEYS: &[&str] = &["auth_value", "client_keys", "headers", "auth", "api_key", "oauth"];

/// Keys below which the user chooses the keys, with maps or lists as values.
const USERS_OWN: &[&str] = &["profiles", "model_routes", "capabilities"];

/// Keys of lists whose bare lines may be shown.
const PLAIN_LISTS: &[&str] = &["allowed_hosts", "allowed_origins"];

/// Reads a file, with the limits that make it safe to keep in memory.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path given by --config or QCC_CONFIG, or create the file",
            std::io::ErrorKind::PermissionDenied => "make the file readable for the user who runs qcc",
            _ => "the path must name a readable file",
        };
        ConfigError::whole(path, format!("the configuration cannot be read: {error}"), hint)
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    OpenFile::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| {
        let message = "the configuration is not UTF-8 text".to_owned();
        ConfigError::whole(path, message, "save the file in the encoding UTF-8")
    })
}

/// The text of one configuration file.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// # Errors
    /// When the text is larger than 4 MiB.
    pub(crate) fn new(path: &Path, text: &str) -> Result<Self, ConfigError> {
        if text.len() > MAX_FILE {
            let message = "the configuration is larger than 4 MiB".to_owned();
            return Err(ConfigError::whole(path, message, "this is no configuration of qcc: check the path"));
        }
        // Editors on Windows still put a byte order mark first; YAML allows it, columns must not count it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        Ok(Self { path: path.to_owned(), text })
    }

    /// No file at all, for the defaults.
    pub(crate) fn empty() -> Self {
        Self { path: PathBuf::new(), text: String::new() }
    }

    /// The folder that relative paths in the file start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// A fault at `place`, with the line as it may be shown.
    pub(crate) fn problem(&self, place: Place, message: String, hint: Option<String>) -> Problem {
        let line = self.text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default();
        let (mut shown, cut) = self.shown(line, place.line);
        let start = place.column.saturating_sub(1);
        let (mut before, mut length) = match cut {
            Some(cut) if start >= cut => (cut, REDACTED.len()),
            _ => (start, token_length(line, start)),
        };
        let total = shown.chars().count();
        if total > SHOWN {
            let from = before.saturating_sub(SHOWN / 2);
            shown = shown.chars().skip(from).take(SHOWN).collect();
            before -= from;
        }
        let room = shown.chars().count();
        before = before.min(room);
        length = length.clamp(1, room.saturating_sub(before).max(1));
        Problem {
            message,
            line: Some(place.line),
            column: Some(place.column),
            source: Some(shown),
            mark: (before, length),
            hint,
        }
    }

    /// The line without its secrets and its comment; and from which character on it is redacted.
    pub(crate) fn shown(&self, line: &str, number: usize) -> (String, Option<usize>) {
        let line = line.replace('\t', " ");
        let plain = line.split(" #").next().unwrap_or_default().trim_end().to_owned();
        let ancestors = self.ancestors(number);
        let under_secret = (0..ancestors.len()).any(|at| !may_be_seen(&ancestors[at], &ancestors[at + 1..]));
        let content = content_column(&plain);
        let mut above = ancestors.clone();
        let mut keys = 0;
        for (key, end) in keys_of(&plain) {
            keys += 1;
            if !is_name(key) && !may_be_seen(key, &above) {
                return redacted(&plain, content);
            }
            let value = plain[end..].trim();
            let seen = !under_secret && may_be_seen(key, &above) && (!holds_no_text(key, &above) || is_nested(value));
            if !(seen || value.is_empty() || is_public(value)) {
                return redacted(&plain, end);
            }
            above.insert(0, key.to_owned());
        }
        let bare = &plain[content..];
        if keys == 0 && !bare.is_empty() && !is_public(bare) && !bare_may_be_seen(bare, &ancestors) {
            return redacted(&plain, content);
        }
        (without_url_secrets(&plain), None)
    }

    /// The keys above a line by indentation, nearest first. Indentation is a good enough guess: where it is wrong the
    /// line is redacted rather than shown.
    pub(crate) fn ancestors(&self, number: usize) -> Vec<String> {
        let lines: Vec<&str> = self.text.lines().take(number).collect();
        let Some((line, above)) = lines.split_last() else { return Vec::new() };
        let mut column = content_column(line);
        let mut found = Vec::new();
        for line in above.iter().rev().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
            let own = content_column(line);
            if own < column {
                column = own;
                found.extend(keys_of(line).into_iter().rev().map(|(key, _)| key.to_owned()));
            }
        }
        found
    }
}

/// The line up to the byte `from` and a redacted rest; and the character at which that begins.
fn redacted(line: &str, from: usize) -> (String, Option<usize>) {
    let gap = if line[..from].ends_with(':') { " " } else { "" };
    let kept = format!("{}{gap}", &line[..from]);
    let cut = kept.chars().count();
    (format!("{kept}{REDACTED}"), Some(cut))
}

/// Bytes before the text of a line: indentation and the dashes of list items.
pub(crate) fn content_column(line: &str) -> usize {
    let mut rest = line.trim_start();
    while let Some(after) = rest.strip_prefix("- ") {
        rest = after.trim_start();
    }
    line.len() - rest.len()
}

/// The keys that a line seems to hold, each with the byte after its colon.
pub(crate) fn keys_of(line: &str) -> Vec<(&str, usize)> {
    let mut keys = Vec::new();
    for (at, _) in line.match_indices(':') {
        let after = line[at + 1..].chars().next();
        let quoted = line[..at].ends_with(['"', '\'']);
        if !(quoted || after.is_none_or(char::is_whitespace)) {
            continue;
        }
        let from = line[..at].rfind(['{', ',', '[']).map_or(0, |position| position + 1);
        let key = line[from..at].trim_start_matches([' ', '-', '\t', '?']).trim().trim_matches(['"', '\'']);
        keys.push((key, at + 1));
    }
    keys
}

/// Whether the value of `key` may be seen. A misspelt key counts as the key that was meant, an unknown one as secret.
pub(crate) fn may_be_seen(key: &str, above: &[String]) -> bool {
    // Names of profiles and globs are the user's own; their values are known keys and names of models.
    if above.first().is_some_and(|parent| parent == "models" || USERS_OWN.contains(&parent.as_str())) {
        return true;
    }
    let known = file::keys();
    let meant = if known.contains(key) { Some(key) } else { nearest(key, known.iter().map(String::as_str)) };
    meant.is_some_and(|meant| !SECRET_KEYS.contains(&meant))
}

/// Whether an unknown key may be named: a long one with digits may be a credential that slipped into its place.
pub(crate) fn is_name(key: &str) -> bool {
    key.chars().count() < 20 || !key.contains(|c: char| c.is_ascii_digit())
}

/// Whether nothing but lists and maps belongs below `key`: a text there is a slip, and may be anything.
fn holds_no_text(key: &str, above: &[String]) -> bool {
    ["providers", "endpoints", "settings"].contains(&key)
        || USERS_OWN.contains(&key)
        || above.first().is_some_and(|parent| USERS_OWN.contains(&parent.as_str()))
}

fn is_nested(value: &str) -> bool {
    value.starts_with(['{', '['])
}

/// Whether a value shows only where its secret comes from.
fn is_public(value: &str) -> bool {
    is_reference(value.trim_matches(['"', '\'']))
}

/// Whether a line without a key may be seen: an item of a harmless list, or a lone word, which no credential is.
fn bare_may_be_seen(text: &str, ancestors: &[String]) -> bool {
    let word = text.len() <= 24 && text.chars().all(|c| c.is_ascii_lowercase() || "_{}[],".contains(c));
    word || ancestors.first().is_some_and(|parent| PLAIN_LISTS.contains(&parent.as_str()))
}

/// Takes user information and queries out of the URLs of a line.
pub(crate) fn without_url_secrets(line: &str) -> String {
    let mut shown = String::new();
    for word in line.split_inclusive(' ') {
        let Some((scheme, rest)) = word.split_once("://") else {
            shown.push_str(word);
            continue;
        };
        let rest = value::after_userinfo(rest).map_or_else(|| rest.to_owned(), |host| format!("{REDACTED}@{host}"));
        let rest = rest.split_once('?').map_or_else(|| rest.clone(), |(path, _)| format!("{path}?{REDACTED}"));
        shown.push_str(&format!("{scheme}://{rest}"));
    }
    shown
}

/// How many characters the key or value that starts at character `start` seems to have.
fn token_length(line: &str, start: usize) -> usize {
    let rest: Vec<char> = line.chars().skip(start).collect();
    match rest.first() {
        Some(quote @ ('"' | '\'')) => rest.iter().skip(1).position(|c| c == quote).map_or(rest.len(), |end| end + 2),
        Some('{' | '[') => 1,
        _ => {
            let ends = |index: usize, c: char| {
                let last = rest.get(index + 1).is_none_or(|next| next.is_whitespace());
                c.is_whitespace() || (",:]}".contains(c) && last) || "}]".contains(c)
            };
            (0..rest.len()).find(|index| ends(*index, rest[*index])).unwrap_or(rest.len())
        }
    }
}

/// Collects the faults of one file, in the order in which they are found.
pub(crate) struct Problems<'a> {
    pub(crate) source: &'a Source,
    list: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, list: Vec::new() }
    }

    /// Adds a fault with a hint.
    pub(crate) fn add(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        let problem = self.source.problem(place, message.into(), Some(hint.into()));
        // A value that is read for two purposes is still wrong only once.
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// All faults in file order, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), ConfigError> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|problem| (problem.line, problem.column));
        Err(ConfigError { path: self.source.path.clone(), problems: self.list })
    }
}
