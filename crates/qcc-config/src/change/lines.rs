//! The lines that differ between two versions, as they may be shown.

use similar::{ChangeTag, TextDiff};

use crate::redact::Hidden;

/// Lines around a difference that are shown with it.
const AROUND: usize = 2;

/// Lines that differ between two versions, with a few around them. Secrets in them are redacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// In file order.
    pub lines: Vec<DiffLine>,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happened to it.
    pub sign: Sign,
    /// 1-based, in the new text; in the old one for a removed line.
    pub number: usize,
    /// As it may be shown.
    pub text: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It stayed.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
    /// Lines were left out here.
    Gap,
}

impl Diff {
    /// Compares two texts.
    pub(super) fn between(old: &str, new: &str) -> Self {
        let diff = TextDiff::from_lines(old, new);
        let mut lines = Vec::new();
        if diff.ratio() >= 1.0 && old == new {
            return Self { lines };
        }
        // What is a secret in one of the two must not be seen in the other either.
        let known = [Hidden::new(old, &[]).secrets(), Hidden::new(new, &[]).secrets()].concat();
        let (shown_old, shown_new) = (Hidden::new(old, &known).lines(), Hidden::new(new, &known).lines());
        for group in diff.grouped_ops(AROUND) {
            if !lines.is_empty() {
                lines.push(DiffLine { sign: Sign::Gap, number: 0, text: String::new() });
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let (sign, at, shown) = match change.tag() {
                    ChangeTag::Equal => (Sign::Same, change.new_index(), &shown_new),
                    ChangeTag::Insert => (Sign::Added, change.new_index(), &shown_new),
                    ChangeTag::Delete => (Sign::Removed, change.old_index(), &shown_old),
                };
                let at = at.unwrap_or_default();
                let text = shown.get(at).cloned().unwrap_or_default();
                lines.push(DiffLine { sign, number: at + 1, text });
            }
        }
        Self { lines }
    }
}

/// How many lines were added and removed.
pub(super) fn count(old: &str, new: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(old, new);
    let tagged = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (tagged(ChangeTag::Insert), tagged(ChangeTag::Delete))
}
