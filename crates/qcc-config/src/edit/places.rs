//! Where in a text every value and every comment stands, for those who must hide or replace some of them. Values that
//! come through an alias or a merge key are found at the place where they are written.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::Step;
use super::syntax::{Id, Shape, Syntax};

/// Values of the largest text that is looked through, aliases followed. As many nodes as the reader takes.
const MAX_VALUES: usize = 200_000;

/// How deep the file may be nested, merge keys followed; more than the reader takes.
const MAX_DEPTH: usize = 100;

/// What stands where. All ranges are bytes of the text.
#[derive(Default)]
pub(crate) struct Places {
    /// In file order; one that is used twice through an alias is here twice.
    pub(crate) scalars: Vec<Scalar>,
    /// From the `#` to the end of the line.
    pub(crate) comments: Vec<Range<usize>>,
    /// Written as JSON is: the outermost map has braces.
    pub(crate) braces: bool,
}

/// A value.
pub(crate) struct Scalar {
    pub(crate) path: Vec<Step>,
    /// Without quotes and escapes.
    pub(crate) text: String,
    /// With its quotes; with the `|` of a block of lines.
    pub(crate) range: Range<usize>,
}

impl Places {
    /// The places in a text; `None` when it is no single YAML document, or refers to itself without end.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        let shift = text.len() - plain.len();
        let syntax = Syntax::of(plain)?;
        let mut scalars = Vec::new();
        if let Some(root) = syntax.root() {
            walk(&syntax, root, 0, &mut Vec::new(), &mut scalars)?;
        }
        for scalar in &mut scalars {
            scalar.range = moved(&scalar.range, shift);
        }
        let comments = syntax.comments.iter().map(|range| moved(range, shift)).collect();
        Some(Self { scalars, comments, braces: plain.trim_start().starts_with(['{', '[']) })
    }
}

fn moved(range: &Range<usize>, shift: usize) -> Range<usize> {
    range.start + shift..range.end + shift
}

fn walk(syntax: &Syntax, at: Id, depth: usize, path: &mut Vec<Step>, scalars: &mut Vec<Scalar>) -> Option<()> {
    if depth > MAX_DEPTH || scalars.len() > MAX_VALUES {
        return None;
    }
    let part = syntax.part(at);
    match &part.shape {
        Shape::Scalar { text, .. } if part.body.is_empty() && text.len() < 2 => {}
        Shape::Scalar { text, .. } => {
            scalars.push(Scalar { path: path.clone(), text: text.clone(), range: part.body.clone() });
        }
        Shape::Alias(target) => walk(syntax, *target, depth + 1, path, scalars)?,
        Shape::List { items, .. } => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Item(index));
                walk(syntax, *item, depth + 1, path, scalars)?;
                path.pop();
            }
        }
        Shape::Map { entries, .. } => {
            for (key, value) in entries {
                if is_merge_key(syntax, *key) {
                    walk_merged(syntax, *value, depth + 1, path, scalars)?;
                    continue;
                }
                path.push(Step::from(syntax.key(*key)));
                walk(syntax, *value, depth + 1, path, scalars)?;
                path.pop();
            }
        }
    }
    Some(())
}

/// What is merged into a map counts as its own.
fn walk_merged(syntax: &Syntax, at: Id, depth: usize, path: &mut Vec<Step>, scalars: &mut Vec<Scalar>) -> Option<()> {
    match &syntax.part(at).shape {
        Shape::Alias(target) if depth < MAX_DEPTH => walk_merged(syntax, *target, depth + 1, path, scalars),
        Shape::List { items, .. } => items.iter().try_for_each(|item| walk(syntax, *item, depth + 1, path, scalars)),
        _ => walk(syntax, at, depth + 1, path, scalars),
    }
}

fn is_merge_key(syntax: &Syntax, key: Id) -> bool {
    let plain = matches!(syntax.part(key).shape, Shape::Scalar { style: ScalarStyle::Plain, .. });
    plain && syntax.key(key) == "<<"
}
