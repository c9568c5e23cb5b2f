//! From the events of the parser to the tree. Corrected on the way: where a missing value is, where a block text and a list
//! begin, and where lists and maps in block style end, which the parser puts at the next thing.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::{Id, Kind, Part, Shape, Syntax};

/// Reads a text; `None` when it is no single YAML document.
pub(super) fn read(text: &str) -> Option<Syntax> {
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
                let tag = part.properties.clone().unwrap_or_else(|| body.clone());
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
                self.parts[id.0].body.end = body.end;
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

    /// Corrects where block texts, lists and maps begin and end, inner ones before outer ones.
    fn settle(&mut self) {
        for index in (0..self.parts.len()).rev() {
            let part = &self.parts[index];
            let body = match &part.shape {
                Shape::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => self.block_text(part),
                Shape::List { flow: false, items } => self.block_list(part, items),
                Shape::Map { flow: false, entries } => self.block_map(part, entries),
                _ => continue,
            };
            self.parts[index].body = body;
        }
    }

    /// From its `|` or `>`, which is on the line above its first one. Blank lines after it are its own if it keeps them.
    fn block_text(&self, part: &Part) -> Range<usize> {
        let before = self.text[..part.body.start].trim_end();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let comment = self.comments.iter().find(|comment| comment.start >= line && comment.start < before.len());
        let header = &self.text[line..comment.map_or(before.len(), |comment| comment.start)];
        let Some(indicator) = header.rfind(['|', '>']) else { return part.body.clone() };
        let start = line + indicator;
        let text = &self.text[part.body.clone()];
        let length = match (text.trim().is_empty(), header[indicator..].contains('+')) {
            (_, true) => text.trim_end_matches([' ', '\t']).len(),
            (true, false) => return start..line + header.trim_end().len(),
            (false, false) => text.trim_end().len(),
        };
        start..part.body.start + length
    }

    /// From its first dash, which the parser tells for indented lists only, to the end of its last item.
    fn block_list(&self, part: &Part, items: &[Id]) -> Range<usize> {
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return part.body.clone() };
        let dash = dash_before(self.text, &self.comments, self.parts[first.0].start());
        dash.unwrap_or(part.body.start)..self.parts[last.0].body.end.max(self.parts[last.0].start())
    }

    /// From its first key to the end of its last value.
    fn block_map(&self, part: &Part, entries: &[(Id, Id)]) -> Range<usize> {
        let (Some((first, _)), Some((_, last))) = (entries.first(), entries.last()) else { return part.body.clone() };
        let start = self.parts[first.0].start();
        start..self.parts[last.0].body.end.max(self.parts[last.0].start())
    }

    fn finish(mut self) -> Option<Syntax> {
        self.settle();
        let whole = self.open.is_empty() && self.documents <= 1;
        whole.then_some(Syntax { parts: self.parts, root: self.root, comments: self.comments, end: self.end })
    }
}

/// The dash before the item that starts at `at`, with nothing but blanks and comments between them.
pub(super) fn dash_before(text: &str, comments: &[Range<usize>], mut at: usize) -> Option<usize> {
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
fn is_number(text: &str) -> bool {
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
