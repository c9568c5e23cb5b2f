//! What of a whole file may be shown: for differences between versions, and for an export. `source` decides that for one
//! line of a file that may not even parse; here the file is read, so that a secret is found wherever its place is written:
//! in a block of lines, behind an alias, in one long line of JSON. Comments are looked at as text, because they are where
//! old keys are left.

mod comments;
mod fill;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use crate::edit::places::{Places, Scalar};
use crate::edit::{Document, Step};
use crate::secret::REDACTED;
use crate::source::Source;
use crate::{value, yaml};

pub(crate) use comments::holds_token;
pub(crate) use fill::filled;

/// A secret that is shorter is not looked for in comments: it would be found in half of all words.
const SHORTEST_KNOWN: usize = 6;

/// What may stand beside a reference in a credential without being one itself (RFC 9110, section 11.4).
const SCHEMES: &[&str] = &["", "bearer", "basic", "token"];

/// Whether the value at `path` must not be shown. References and the word `passthrough` are no secrets.
pub(crate) fn hides(path: &[Step], text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() || text == REDACTED {
        return false;
    }
    let keys = keys_of(path);
    match keys.as_slice() {
        ["providers", "auth_value"] => text != "passthrough" && !only_references(text),
        ["providers", "headers", ..] | ["proxy", "client_keys", ..] | ["settings", "auth", "api_key", ..] => {
            !only_references(text)
        }
        ["settings", "oauth" | "testing", ..] => true,
        ["providers", "base_url" | "proxy"] => value::has_url_secret(text),
        ["profiles", _, "description"] | ["settings", ..] => holds_token(text),
        _ => value::has_url_secret(text) && text.contains('@'),
    }
}

/// Whether the place holds secrets, whatever stands there.
pub(crate) fn is_secret_place(path: &[Step]) -> bool {
    hides(path, "a literal text")
}

/// The keys of a path, without the places in lists.
fn keys_of(path: &[Step]) -> Vec<&str> {
    let keys = path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Item(_) => None,
    });
    keys.collect()
}

fn only_references(text: &str) -> bool {
    let mut rest = String::new();
    let mut left = text;
    while let Some(at) = left.find("${") {
        let Some(end) = left[at..].find('}') else { return false };
        if left[..at].ends_with('$') {
            return false;
        }
        rest.push_str(&left[..at]);
        left = &left[at + end + 1..];
    }
    rest.push_str(left);
    rest.len() < text.len() && SCHEMES.contains(&rest.trim().to_ascii_lowercase().as_str())
}

/// A text with what has to be hidden in it.
pub(crate) struct Hidden<'a> {
    text: &'a str,
    /// In order, without overlaps; `None`: the text cannot be read, so that only the rules for lines help.
    ranges: Option<Vec<Range<usize>>>,
    /// The values that were found, to look for them in other texts.
    secrets: Vec<String>,
}

impl<'a> Hidden<'a> {
    /// Finds the secrets of a text; those that are `known` are also hidden wherever else they stand.
    pub(crate) fn new(text: &'a str, known: &[String]) -> Self {
        let readable = Source::new(Path::new(""), text).is_ok_and(|source| yaml::read(&source).is_ok());
        let Some(found) = Places::of(text).filter(|_| readable) else {
            return Self { text, ranges: None, secrets: Vec::new() };
        };
        let hidden: Vec<&Scalar> = found.scalars.iter().filter(|scalar| hides(&scalar.path, &scalar.text)).collect();
        let mut secrets: Vec<String> = hidden.iter().flat_map(|scalar| known_texts(&scalar.text)).collect();
        secrets.sort();
        secrets.dedup();
        let mut ranges: Vec<Range<usize>> = hidden.iter().map(|scalar| scalar.range.clone()).collect();
        let places = found.scalars.iter().filter(|scalar| is_secret_place(&scalar.path));
        let places: Vec<usize> = places.map(|scalar| scalar.range.start).collect();
        ranges.extend(comments::hidden(text, &found.comments, &places));
        let all: Vec<&str> = secrets.iter().chain(known).map(String::as_str).collect();
        ranges.extend(occurrences(text, &all, &found));
        Self { text, ranges: Some(merged(ranges)), secrets }
    }

    /// The values that were found.
    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// Each line as it may be shown, without its end.
    pub(crate) fn lines(&self) -> Vec<String> {
        match &self.ranges {
            Some(ranges) => lines_without(self.text, ranges),
            None => {
                let source = Source { path: Path::new("").to_owned(), text: self.text.to_owned() };
                let lines = self.text.lines().enumerate();
                lines.map(|(at, line)| comments::without_tokens(&source.shown(line, at + 1).0)).collect()
            }
        }
    }
}

/// The text of a file with every secret in it replaced by `[redacted]`, comments included; references stay.
#[must_use]
pub fn redacted(document: &Document) -> String {
    let text = document.text();
    let hidden = Hidden::new(text, &[]);
    let Some(ranges) = &hidden.ranges else { return hidden.lines().join("\n") };
    let found = Places::of(text).unwrap_or_default();
    let values: BTreeSet<usize> = found.scalars.iter().map(|scalar| scalar.range.start).collect();
    let mut out = String::new();
    let mut from = 0;
    for range in ranges {
        out.push_str(&text[from..range.start]);
        // Brackets without quotes would be a list.
        out.push_str(if values.contains(&range.start) { "\"[redacted]\"" } else { REDACTED });
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// A secret as it may be repeated elsewhere: the whole, and each line of one that has several.
fn known_texts(secret: &str) -> Vec<String> {
    let lines = secret.lines().map(str::trim).chain([secret.trim()]);
    lines.filter(|line| line.len() >= SHORTEST_KNOWN && !line.contains("${")).map(str::to_owned).collect()
}

/// Where the secrets stand again: in comments and in values, where the whole value is hidden.
fn occurrences(text: &str, secrets: &[&str], places: &Places) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for secret in secrets {
        for comment in &places.comments {
            let matches = text[comment.clone()].match_indices(secret);
            found.extend(matches.map(|(at, _)| comment.start + at..comment.start + at + secret.len()));
        }
        let holds = places.scalars.iter().filter(|scalar| scalar.text.contains(secret));
        found.extend(holds.map(|scalar| scalar.range.clone()));
    }
    found
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn lines_without(text: &str, ranges: &[Range<usize>]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut rest = ranges;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\r', '\n']).len();
        while rest.first().is_some_and(|range| range.end <= start) {
            rest = &rest[1..];
        }
        let mut shown = String::new();
        let mut from = start;
        for range in rest.iter().take_while(|range| range.start < end) {
            // Lines of a block keep their indentation.
            let first = range.start.max(start);
            let blanks = text[first..end].len() - text[first..end].trim_start().len();
            shown.push_str(&text[from..first + blanks]);
            if first + blanks < end {
                shown.push_str(REDACTED);
            }
            from = range.end.min(end);
        }
        shown.push_str(text.get(from..end).unwrap_or_default());
        lines.push(shown.trim_start_matches('\u{feff}').to_owned());
        start += line.len();
    }
    lines
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self([0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The 1-based line of a byte.
    pub(crate) fn number(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }

    /// The first byte of a line.
    pub(crate) fn start(&self, number: usize) -> usize {
        self.0.get(number.saturating_sub(1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
