//! Where in a text every value and every comment stands, for those who must hide or replace some of them. Values that
//! come through an alias or a merge key are found at the place where they are written.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};

use crate::edit::Step;

/// Values of the largest text that is looked through, aliases followed. As many nodes as the reader takes.
const MAX_VALUES: usize = 200_000;

/// How deep a text may be nested; more than the reader takes.
const MAX_DEPTH: usize = 100;

/// What stands where. All ranges are bytes of the text.
#[derive(Default)]
pub(crate) struct Spans {
    /// In the order of the paths; one that is used twice through an alias is here twice.
    pub(crate) scalars: Vec<Scalar>,
    /// From the `#` to the end of the line.
    pub(crate) comments: Vec<Range<usize>>,
    /// Written as JSON is: the outermost map has braces.
    pub(crate) braces: bool,
}

/// A value.
#[derive(Clone)]
pub(crate) struct Scalar {
    pub(crate) path: Vec<Step>,
    /// Without quotes and escapes.
    pub(crate) text: String,
    /// With its quotes; of a block scalar the lines below its header.
    pub(crate) range: Range<usize>,
    /// Written below a `|` or `>`.
    pub(crate) block: bool,
}

enum Tree {
    Scalar { text: String, range: Range<usize>, block: bool },
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
}

/// The places in a text; `None` when it is not YAML, or refers to itself without end.
pub(crate) fn spans(text: &str) -> Option<Spans> {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { trees: Vec::new(), anchors: BTreeMap::new(), open: Vec::new(), roots: Vec::new() };
    let mut spans = Spans::default();
    let options = granit_parser::options! { max_buffered_comment_events: text.len() };
    for parsed in Parser::new_from_str_with_options(&text[mark..], options) {
        let (event, span) = parsed.ok()?;
        let range = span.start.byte_offset()? + mark..span.end.byte_offset()? + mark;
        match event {
            Event::Comment(..) => spans.comments.push(range),
            event => reader.take(event, range, text)?,
        }
    }
    spans.braces = text[mark..].trim_start().starts_with(['{', '[']);
    for root in &reader.roots {
        reader.walk(*root, 0, &mut Vec::new(), &mut spans.scalars)?;
    }
    Some(spans)
}

struct Reader {
    trees: Vec<Tree>,
    anchors: BTreeMap<usize, usize>,
    /// Lists and maps that are not at their end, with the children so far.
    open: Vec<(usize, Vec<usize>)>,
    roots: Vec<usize>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, range: Range<usize>, text: &str) -> Option<()> {
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                // The parser counts the white space up to the next token to a block scalar.
                let length = text.get(range.clone())?.trim_end().len();
                let range = range.start..range.start + length;
                let tree = self.add(Tree::Scalar { text: value.into_owned(), range, block }, anchor);
                self.put(tree);
            }
            Event::SequenceStart(_, anchor, _) => {
                let tree = self.add(Tree::List(Vec::new()), anchor);
                self.open.push((tree, Vec::new()));
            }
            Event::MappingStart(_, anchor, _) => {
                let tree = self.add(Tree::Map(Vec::new()), anchor);
                self.open.push((tree, Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (tree, children) = self.open.pop()?;
                match &mut self.trees[tree] {
                    Tree::List(items) => *items = children,
                    Tree::Map(entries) => *entries = children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
                    Tree::Scalar { .. } => {}
                }
                self.put(tree);
            }
            Event::Alias(anchor) => {
                let tree = *self.anchors.get(&anchor)?;
                self.put(tree);
            }
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, tree: Tree, anchor: usize) -> usize {
        self.trees.push(tree);
        let index = self.trees.len() - 1;
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        index
    }

    fn put(&mut self, tree: usize) {
        match self.open.last_mut() {
            Some((_, children)) => children.push(tree),
            None => self.roots.push(tree),
        }
    }

    fn walk(&self, tree: usize, depth: usize, path: &mut Vec<Step>, scalars: &mut Vec<Scalar>) -> Option<()> {
        if depth > MAX_DEPTH || scalars.len() > MAX_VALUES {
            return None;
        }
        match &self.trees[tree] {
            Tree::Scalar { text, range, block } => {
                let (path, text, range) = (path.clone(), text.clone(), range.clone());
                scalars.push(Scalar { path, text, range, block: *block });
            }
            Tree::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(Step::Item(at));
                    self.walk(*item, depth + 1, path, scalars)?;
                    path.pop();
                }
            }
            Tree::Map(entries) => self.walk_map(entries, depth, path, scalars)?,
        }
        Some(())
    }

    /// What is merged into a map counts as its own.
    fn walk_map(
        &self,
        entries: &[(usize, usize)],
        depth: usize,
        path: &mut Vec<Step>,
        scalars: &mut Vec<Scalar>,
    ) -> Option<()> {
        for (key, value) in entries {
            let Tree::Scalar { text: key, .. } = &self.trees[*key] else { continue };
            match &self.trees[*value] {
                Tree::Map(_) if key == "<<" => self.walk(*value, depth + 1, path, scalars)?,
                Tree::List(maps) if key == "<<" => {
                    for map in maps {
                        self.walk(*map, depth + 1, path, scalars)?;
                    }
                }
                _ => {
                    path.push(Step::Key(key.clone()));
                    self.walk(*value, depth + 1, path, scalars)?;
                    path.pop();
                }
            }
        }
        Some(())
    }
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
