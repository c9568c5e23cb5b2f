//! Where everything stands in the text: the tree of the file with the bytes, the style and the line of every part of it,
//! and all comments. This is the only place that knows the parser below the YAML library, which is the one that reads the
//! file for the gateway too: so an edit cannot see another file than the gateway does.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::Step;
use super::node::{Kind, Node};

mod build;

/// Parts that one file may stand for once its aliases are replaced; as many as the reader takes.
const MAX_PARTS: usize = 200_000;

/// How deep the file may be nested; as deep as the reader goes.
const MAX_DEPTH: usize = 64;

/// A part of the tree, as an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(usize);

/// One part: a key, a value or an item.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its bytes, without anchor and tag. Empty for a value that is not there: then it is after the colon or the dash.
    pub(super) body: Range<usize>,
    /// Its anchor and tag, if it has any.
    pub(super) properties: Option<Range<usize>>,
    /// 1-based.
    pub(super) line: usize,
    pub(super) shape: Shape,
    /// Whether an alias refers to it, so that an edit of it is an edit elsewhere too.
    pub(super) shared: bool,
}

/// What a part is.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// `kind` is `None` for null.
    Scalar {
        text: String,
        kind: Option<Kind>,
        style: ScalarStyle,
    },
    /// `*name`
    Alias(Id),
    List {
        flow: bool,
        items: Vec<Id>,
    },
    Map {
        flow: bool,
        entries: Vec<(Id, Id)>,
    },
}

impl Part {
    /// Where it begins, with anchor and tag.
    pub(super) fn start(&self) -> usize {
        self.properties.as_ref().map_or(self.body.start, |properties| properties.start.min(self.body.start))
    }

    /// Whether it is written in brackets, or is one value.
    pub(super) fn is_inline(&self) -> bool {
        match &self.shape {
            Shape::Scalar { style, .. } => !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
            Shape::Alias(_) => true,
            Shape::List { flow, .. } | Shape::Map { flow, .. } => *flow,
        }
    }

    fn is_merge_key(&self) -> bool {
        matches!(&self.shape, Shape::Scalar { text, style: ScalarStyle::Plain, .. } if text == "<<")
    }
}

/// The tree of a text.
#[derive(Debug, Clone)]
pub(super) struct Syntax {
    parts: Vec<Part>,
    root: Option<Id>,
    /// The bytes of every comment, in file order.
    pub(super) comments: Vec<Range<usize>>,
    /// Where the document ends: at the line `...`, or with the text.
    pub(super) end: usize,
}

impl Syntax {
    /// Reads a text; `None` when it is no single YAML document, or refers to itself without end.
    pub(super) fn of(text: &str) -> Option<Self> {
        build::read(text)
    }

    pub(super) fn root(&self) -> Option<Id> {
        self.root
    }

    pub(super) fn part(&self, id: Id) -> &Part {
        &self.parts[id.0]
    }

    /// The text of a key.
    pub(super) fn key(&self, id: Id) -> &str {
        match &self.part(self.behind(id)).shape {
            Shape::Scalar { text, .. } => text,
            _ => "",
        }
    }

    /// The part itself, or the one that it is an alias of.
    fn behind(&self, id: Id) -> Id {
        match self.part(id).shape {
            Shape::Alias(target) => target,
            _ => id,
        }
    }

    /// The entry of this key that is written in this map itself; a merged one is not.
    pub(super) fn entry(&self, map: Id, key: &str) -> Option<(Id, Id)> {
        let Shape::Map { entries, .. } = &self.part(map).shape else { return None };
        entries.iter().copied().find(|(at, _)| !self.part(*at).is_merge_key() && self.key(*at) == key)
    }

    /// The maps that are merged into this one, in order of precedence.
    fn merged(&self, map: Id) -> Vec<Id> {
        let Shape::Map { entries, .. } = &self.part(map).shape else { return Vec::new() };
        let mut merged = Vec::new();
        for (_, value) in entries.iter().filter(|(key, _)| self.part(*key).is_merge_key()) {
            match &self.part(self.behind(*value)).shape {
                Shape::List { items, .. } => merged.extend(items.iter().map(|item| self.behind(*item))),
                _ => merged.push(self.behind(*value)),
            }
        }
        merged
    }

    /// Whether there is a merge key anywhere: then the order of the keys of a map is not only that of the text.
    pub(super) fn merges(&self) -> bool {
        self.parts.iter().any(Part::is_merge_key)
    }

    /// The line on which what is at `path` begins. Below an alias or a merge key that is the line of these.
    pub(super) fn line(&self, path: &[Step]) -> Option<usize> {
        let mut at = self.root?;
        let mut line = self.part(at).line;
        let mut elsewhere = false;
        for step in path {
            elsewhere |= self.behind(at) != at;
            at = self.behind(at);
            let (next, own) = match (step, &self.part(at).shape) {
                (Step::Item(index), Shape::List { items, .. }) => (*items.get(*index)?, true),
                (Step::Key(key), Shape::Map { .. }) => match self.entry(at, key) {
                    Some((place, value)) => {
                        line = if elsewhere { line } else { self.part(place).line };
                        at = value;
                        continue;
                    }
                    None => (self.inherited(at, key, 0)?, false),
                },
                _ => return None,
            };
            if own && !elsewhere {
                line = self.part(next).line;
            }
            elsewhere |= !own;
            at = next;
        }
        Some(line)
    }

    /// Whether the byte `at` is in a text after `|` or `>`, or at the end of one that keeps the blank lines after it: then
    /// a blank line there means something.
    pub(super) fn is_in_block_text(&self, text: &str, at: usize) -> bool {
        self.parts.iter().any(|part| {
            let is_text = matches!(part.shape, Shape::Scalar { .. }) && !part.is_inline();
            let ends_there = part.body.end == at && (at == text.len() || text[..at].ends_with('\n'));
            is_text && (part.body.contains(&at) || ends_there)
        })
    }

    /// The dash of an item.
    pub(super) fn dash(&self, text: &str, item: Id) -> Option<usize> {
        build::dash_before(text, &self.comments, self.part(item).start())
    }

    /// Whether what is at `path`, or something on the way to it or in it, is used elsewhere too.
    pub(super) fn is_shared(&self, path: &[Step]) -> bool {
        let Some(mut at) = self.root else { return false };
        for step in path {
            let next = match (&self.part(at).shape, step) {
                (Shape::Map { .. }, Step::Key(key)) => self.entry(at, key).map(|(_, value)| value),
                (Shape::List { items, .. }, Step::Item(index)) => items.get(*index).copied(),
                _ => None,
            };
            match next {
                Some(next) if !self.part(next).shared => at = next,
                Some(_) => return true,
                None => return false,
            }
        }
        let body = &self.part(at).body;
        self.parts.iter().any(|part| part.shared && body.contains(&part.body.start))
    }

    /// Whether this map gets a key from another one.
    pub(super) fn inherits(&self, map: Id, key: &str) -> bool {
        self.inherited(map, key, 0).is_some()
    }

    fn inherited(&self, map: Id, key: &str, depth: usize) -> Option<Id> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut merged = self.merged(map).into_iter();
        merged.find_map(|from| {
            self.entry(from, key).map(|(_, value)| value).or_else(|| self.inherited(from, key, depth + 1))
        })
    }

    /// What the text means, with aliases and merge keys replaced: own keys first, then merged ones.
    pub(super) fn meaning(&self) -> Option<Node> {
        let Some(root) = self.root else { return Some(Node::Null) };
        self.node(root, 0, &mut 0)
    }

    fn node(&self, id: Id, depth: usize, count: &mut usize) -> Option<Node> {
        *count += 1;
        if depth > MAX_DEPTH || *count > MAX_PARTS {
            return None;
        }
        Some(match &self.part(id).shape {
            Shape::Scalar { kind: None, .. } => Node::Null,
            Shape::Scalar { text, kind: Some(kind), .. } => Node::Scalar { kind: *kind, text: text.clone() },
            Shape::Alias(target) => self.node(*target, depth + 1, count)?,
            Shape::List { items, .. } => {
                Node::List(items.iter().map(|item| self.node(*item, depth + 1, count)).collect::<Option<_>>()?)
            }
            Shape::Map { entries, .. } => {
                let mut all: Vec<(String, Node)> = Vec::new();
                for (key, value) in entries.iter().filter(|(key, _)| !self.part(*key).is_merge_key()) {
                    all.push((self.key(*key).to_owned(), self.node(*value, depth + 1, count)?));
                }
                for from in self.merged(id) {
                    if let Node::Map(more) = self.node(from, depth + 1, count)? {
                        for (key, value) in more {
                            if !all.iter().any(|(known, _)| *known == key) {
                                all.push((key, value));
                            }
                        }
                    }
                }
                Node::Map(all)
            }
        })
    }
}
