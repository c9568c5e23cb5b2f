//! Model globs: `*` is any text, also none, `?` is one character, everything else is itself in either case. That is
//! all that routes need, and brackets in a model name stay plain text.

use std::str::Chars;

/// A compiled glob over names of models.
#[derive(Debug)]
pub struct Glob {
    pattern: Vec<char>,
}

impl Glob {
    /// Every text is a glob.
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.chars().collect() }
    }

    /// How specific it is: characters that stand for themselves.
    pub(super) fn literals(&self) -> usize {
        let wild = |c: &&char| matches!(c, '*' | '?');
        self.pattern.iter().filter(|c| !wild(c)).count()
    }

    /// Whether the whole text fits. Walks the text once per star at worst and allocates nothing: clients choose the
    /// text.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Behind the last star: where the pattern goes on, and what of the text the star has not swallowed.
        let mut star: Option<(usize, Chars<'_>)> = None;
        loop {
            if self.pattern.get(at) == Some(&'*') {
                at += 1;
                star = Some((at, rest.clone()));
                continue;
            }
            let mut ahead = rest.clone();
            let fits = match (self.pattern.get(at), ahead.next()) {
                (None, None) => return true,
                (Some(want), Some(got)) => *want == '?' || same(*want, got),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if fits {
                at += 1;
                rest = ahead;
                continue;
            }
            let Some((after, unswallowed)) = &mut star else {
                return false;
            };
            if unswallowed.next().is_none() {
                return false;
            }
            at = *after;
            rest = unswallowed.clone();
        }
    }
}

fn same(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase())
}
