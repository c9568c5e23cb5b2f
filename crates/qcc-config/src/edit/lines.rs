//! Places in a text by lines, and pieces of it that are taken out or put in. Nothing here knows YAML.

use std::ops::Range;

/// New text in place of some bytes of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) at: Range<usize>,
    pub(super) text: String,
}

impl Splice {
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { at: at..at, text: text.into() }
    }

    pub(super) fn delete(at: Range<usize>) -> Self {
        Self { at, text: String::new() }
    }

    pub(super) fn replace(at: Range<usize>, text: impl Into<String>) -> Self {
        Self { at, text: text.into() }
    }
}

/// The text with the splices made, which do not overlap. `\n` in new text becomes the `newline` of the file.
pub(super) fn spliced(text: &str, splices: &[Splice], newline: &str) -> String {
    let mut ordered: Vec<&Splice> = splices.iter().collect();
    ordered.sort_by_key(|splice| (splice.at.start, splice.at.end));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for splice in ordered {
        out.push_str(text.get(from..splice.at.start).unwrap_or_default());
        out.push_str(&splice.text.replace('\n', newline));
        from = splice.at.end.max(from);
    }
    out.push_str(&text[from..]);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(newline);
    }
    out
}

/// How the lines of a text end.
pub(super) fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Where the line of the byte `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line of the byte `at` ends, without its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if text[at..end].ends_with('\r') { end - 1 } else { end }
}

/// Where the line after the one that holds the last byte before `end` begins; the end of the text for its last line.
pub(super) fn next_line(text: &str, end: usize) -> usize {
    if end > 0 && text[..end].ends_with('\n') {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1)
}

/// Bytes from the begin of the line to `at`; where only indentation and dashes are before it, its column.
pub(super) fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// The blanks that the line of the byte `at` begins with.
pub(super) fn indentation(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether nothing but blanks is between the begin of the line and `at`.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim().is_empty()
}

/// The lines of a text from `from` on, which is where one begins: each with where the next one begins.
pub(super) fn lines_from(text: &str, from: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        let start = at;
        at = text[start..].find('\n').map_or(text.len(), |newline| start + newline + 1);
        (start < text.len()).then_some((start, at))
    })
}

/// The lines of a text before `to`, which is where one begins, nearest first: each with where the next one begins.
pub(super) fn lines_before(text: &str, to: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = to;
    std::iter::from_fn(move || {
        let end = at;
        let before = text[..end].strip_suffix('\n')?;
        at = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some((at, end))
    })
}
