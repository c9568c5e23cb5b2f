//! Where everything stands in the text: the tree of the file with the bytes, the style and the line of every part of it,
//! and all comments. This is the only place that knows the parser below the YAML library, which is the one that reads the
//! file for the gateway too: so an edit cannot see another file than the gateway does.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::Step;
use super::node::{Kind, Node};

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
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_comments: true,
            // Only memory is at stake, and the text as a whole is bounded: a long commented sample is ordinary here.
            max_buffered_comment_events: usize::MAX,
        };
        let mut building = Building::new(text);
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.ok()?;
            building.take(event, &span)?;
        }
        building.finish()
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

    /// The dash of an item.
    pub(super) fn dash(&self, text: &str, item: Id) -> Option<usize> {
        dash_before(text, &self.comments, self.part(item).start())
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

/// The tree while its events come in.
struct Building<'t> {
    text: &'t str,
    parts: Vec<Part>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    root: Option<Id>,
    last: Option<Id>,
    comments: Vec<Range<usize>>,
    end: usize,
    documents: usize,
}

/// A list or a map that has not ended, and in a map the key whose value comes next.
struct Open {
    id: Id,
    key: Option<Id>,
}

impl<'t> Building<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            parts: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            last: None,
            comments: Vec::new(),
            end: text.len(),
            documents: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let body = span.byte_range()?;
        let tag = span.tag_span().and_then(|tag| tag.byte_range());
        let line = span.start.line();
        let part = |shape| Part { body: body.clone(), properties: tag.clone(), line, shape, shared: false };
        match event {
            Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(..) => self.documents += 1,
            Event::DocumentEnd if body.is_empty() => {}
            Event::DocumentEnd => self.end = body.start,
            Event::Comment(..) => self.comments.push(body),
            Event::Anchor(id, _) => {
                let last = self.last?;
                let part = &mut self.parts[last.0];
                let tag = part.properties.clone().unwrap_or(body.clone());
                part.properties = Some(tag.start.min(body.start)..tag.end.max(body.end));
                self.anchors.insert(id, last);
            }
            Event::Alias(id) => {
                let target = *self.anchors.get(&id)?;
                self.parts[target.0].shared = true;
                let alias = part(Shape::Alias(target));
                self.add(alias)?;
            }
            Event::Scalar(text, style, _, tag) => {
                let kind = kind_of(&text, style, tag.as_deref());
                let scalar = part(Shape::Scalar { text: text.into_owned(), kind, style });
                self.add(scalar)?;
            }
            Event::SequenceStart(style, ..) => {
                let list = part(Shape::List { flow: style == StructureStyle::Flow, items: Vec::new() });
                self.open(list)?;
            }
            Event::MappingStart(style, ..) => {
                let map = part(Shape::Map { flow: style == StructureStyle::Flow, entries: Vec::new() });
                self.open(map)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let id = self.open.pop()?.id;
                self.close(id, &body);
            }
            _ => return None,
        }
        Some(())
    }

    fn open(&mut self, part: Part) -> Option<()> {
        let id = self.add(part)?;
        self.open.push(Open { id, key: None });
        Some(())
    }

    /// Puts a part where the next one belongs.
    fn add(&mut self, mut part: Part) -> Option<Id> {
        let id = Id(self.parts.len());
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            self.parts.push(part);
            self.last = Some(id);
            return Some(id);
        };
        let holder = open.id;
        let key = match self.parts[holder.0].shape {
            Shape::Map { .. } => open.key.take(),
            _ => None,
        };
        if let Some(key) = key {
            self.settle_empty(&mut part, self.parts[key.0].body.end);
        }
        self.settle_block(&mut part);
        match &mut self.parts[holder.0].shape {
            Shape::List { items, .. } => items.push(id),
            Shape::Map { entries, .. } => match key {
                Some(key) => entries.push((key, id)),
                None => self.open.last_mut()?.key = Some(id),
            },
            _ => return None,
        }
        self.parts.push(part);
        self.last = Some(id);
        Some(id)
    }

    /// The parser puts a missing value before the colon; new text belongs after it.
    fn settle_empty(&self, part: &mut Part, key_end: usize) {
        if part.body.is_empty() && part.body.start == key_end && part.is_inline() {
            let rest = &self.text[key_end..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            if rest[blanks..].starts_with(':') {
                part.body = key_end + blanks + 1..key_end + blanks + 1;
            }
        }
    }

    /// Blank lines after a block text are not its own unless it keeps them.
    fn settle_block(&self, part: &mut Part) {
        let Shape::Scalar { text, style: ScalarStyle::Literal | ScalarStyle::Folded, .. } = &part.shape else { return };
        if !text.ends_with("\n\n") {
            let content = self.text[part.body.clone()].trim_end_matches(['\n', '\r', ' ', '\t']);
            part.body.end = part.body.start + content.len();
        }
    }

    /// A block text begins with its `|` or `>`, on the line above its first one. The comment there is known only later
    /// than the text.
    fn settle_headers(&mut self) {
        for part in &mut self.parts {
            if part.is_inline() || !matches!(part.shape, Shape::Scalar { .. }) {
                continue;
            }
            let before = self.text[..part.body.start].trim_end();
            let line = before.rfind('\n').map_or(0, |at| at + 1);
            let comment = self.comments.iter().find(|comment| comment.start >= line && comment.start < before.len());
            let end = comment.map_or(before.len(), |comment| comment.start);
            if let Some(at) = self.text[line..end].rfind(['|', '>']) {
                part.body.end = if part.body.is_empty() { self.text[..end].trim_end().len() } else { part.body.end };
                part.body.start = line + at;
            }
        }
    }

    /// A list begins with its first dash; the parser says that for indented lists only.
    fn settle_dashes(&mut self) {
        for index in (0..self.parts.len()).rev() {
            if let Shape::List { flow: false, items } = &self.parts[index].shape
                && let Some(item) = items.first()
            {
                let dash = dash_before(self.text, &self.comments, self.parts[item.0].start());
                self.parts[index].body.start = dash.unwrap_or(self.parts[index].body.start);
            }
        }
    }

    /// A list or map in block style ends with the last thing in it, not where the next thing begins.
    fn close(&mut self, id: Id, end: &Range<usize>) {
        let (start, last) = match &self.parts[id.0].shape {
            Shape::List { flow: false, items } => (None, items.last()),
            Shape::Map { flow: false, entries } => {
                (entries.first().map(|(key, _)| self.parts[key.0].start()), entries.last().map(|(_, value)| value))
            }
            _ => (None, None),
        };
        let inner = last.map(|last| self.parts[last.0].body.end.max(self.parts[last.0].start()));
        let body = &mut self.parts[id.0].body;
        body.start = start.unwrap_or(body.start).min(body.start);
        body.end = inner.unwrap_or(end.end);
    }

    fn finish(mut self) -> Option<Syntax> {
        self.settle_headers();
        self.settle_dashes();
        let whole = self.open.is_empty() && self.documents <= 1;
        whole.then_some(Syntax { parts: self.parts, root: self.root, comments: self.comments, end: self.end })
    }
}

/// The dash before the item that starts at `at`, with nothing but blanks and comments between them.
fn dash_before(text: &str, comments: &[Range<usize>], mut at: usize) -> Option<usize> {
    loop {
        let end = text[..at].trim_end().len();
        let last = end.checked_sub(1)?;
        match comments.iter().find(|comment| comment.contains(&last)) {
            Some(comment) => at = comment.start,
            None => return text[..end].ends_with('-').then_some(last),
        }
    }
}

/// What a scalar is to the core schema of YAML 1.2; `None`: null.
fn kind_of(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Kind> {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str")) {
        return Some(Kind::Text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => None,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Some(Kind::Bool),
        _ if is_number(text) => Some(Kind::Number),
        _ => Some(Kind::Text),
    }
}

/// Whether the core schema takes a plain text for a number.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    if let Some(rest) = text.strip_prefix("0x") {
        return digits(rest, 16);
    }
    if let Some(rest) = text.strip_prefix("0o") {
        return digits(rest, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some_digits = !whole.is_empty() || !fraction.is_empty();
    let all_digits = whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit());
    let fits = exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent), 10));
    some_digits && all_digits && fits
}
