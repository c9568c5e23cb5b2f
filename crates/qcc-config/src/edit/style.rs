//! How the writer of a file lays it out, so that new lines look like the old ones. What a file does not show yet is as in
//! the sample of the documentation: two columns, lists indented, endpoints in braces.

use std::cmp::Ordering;

use granit_parser::ScalarStyle;

use super::lines::{column, indentation, newline_of};
use super::node::Kind;
use super::syntax::{Id, Shape, Syntax};

/// The habits of a file.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub(super) newline: &'static str,
    /// Columns from a key to the keys below it.
    pub(super) step: usize,
    /// Columns from a key to the dashes below it.
    pub(super) dash: usize,
    /// Whether there is a space inside braces.
    pub(super) padded: bool,
    /// The file is JSON, and stays so.
    pub(super) json: Option<Json>,
    /// For lists of maps that are there: the section, how deep below it, and whether their items are in braces.
    families: Vec<(String, usize, bool)>,
}

/// The habits of a JSON file.
#[derive(Debug, Clone)]
pub(super) struct Json {
    /// Whether it has more than one line.
    pub(super) pretty: bool,
    /// One level of indentation.
    pub(super) unit: String,
    pub(super) colon: &'static str,
    pub(super) comma: &'static str,
}

impl Style {
    pub(super) fn of(text: &str, syntax: &Syntax) -> Self {
        let mut style = Self {
            newline: newline_of(text),
            step: 0,
            dash: usize::MAX,
            padded: false,
            json: Json::of(text, syntax),
            families: Vec::new(),
        };
        if let Some(root) = syntax.root() {
            style.look(text, syntax, root, &mut Vec::new());
        }
        if style.step == 0 {
            style.step = 2;
        }
        if style.dash == usize::MAX {
            style.dash = style.step;
        }
        style
    }

    fn look<'s>(&mut self, text: &str, syntax: &'s Syntax, id: Id, path: &mut Vec<&'s str>) {
        match &syntax.part(id).shape {
            Shape::Map { flow, entries } => {
                if *flow && !entries.is_empty() {
                    self.padded |= text[syntax.part(id).body.start..].starts_with("{ ");
                }
                for (key, value) in entries {
                    if !*flow {
                        self.measure(text, syntax, *key, *value);
                    }
                    path.push(syntax.key(*key));
                    self.look(text, syntax, *value, path);
                    path.pop();
                }
            }
            Shape::List { items, .. } => {
                let maps = items.iter().rev().filter_map(|item| match syntax.part(*item).shape {
                    Shape::Map { flow, .. } => Some(flow),
                    _ => None,
                });
                if let (Some(flow), Some(section)) = (maps.into_iter().next(), path.first()) {
                    self.families.push(((*section).to_owned(), path.len(), flow));
                }
                for item in items {
                    path.push("");
                    self.look(text, syntax, *item, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// The first one that is found decides.
    fn measure(&mut self, text: &str, syntax: &Syntax, key: Id, value: Id) {
        let from = column(text, syntax.part(key).start());
        let below = column(text, syntax.part(value).body.start).saturating_sub(from);
        match &syntax.part(value).shape {
            Shape::Map { flow: false, .. } if self.step == 0 => self.step = below,
            Shape::List { flow: false, .. } if self.dash == usize::MAX => self.dash = below,
            _ => {}
        }
    }

    /// Whether the maps in a list are written in braces, as most lists of the same sort do.
    pub(super) fn items_in_braces(&self, section: &str, depth: usize) -> bool {
        let same = self.families.iter().filter(|(first, deep, _)| first == section && *deep == depth);
        let (braces, lines): (Vec<bool>, Vec<bool>) = same.map(|(_, _, flow)| *flow).partition(|flow| *flow);
        match braces.len().cmp(&lines.len()) {
            Ordering::Equal => section != "providers",
            more => more == Ordering::Greater,
        }
    }
}

impl Json {
    /// For brackets with quoted keys or items in a YAML file.
    pub(super) fn in_yaml() -> Self {
        Self { pretty: false, unit: String::new(), colon: ": ", comma: ", " }
    }

    fn of(text: &str, syntax: &Syntax) -> Option<Self> {
        let root = syntax.part(syntax.root()?);
        let Shape::Map { flow: true, entries } = &root.shape else { return None };
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
        let first = entries.first().map(|(key, value)| (syntax.part(*key), syntax.part(*value)));
        let spaced = first.is_none_or(|(key, value)| {
            let between = &text[key.body.end..value.body.start];
            between.ends_with([' ', '\n', '\t'])
        });
        let pretty = first.is_none_or(|(key, _)| text[root.body.start..key.body.start].contains('\n'));
        let unit = first.map(|(key, _)| indentation(text, key.body.start)).filter(|unit| pretty && !unit.is_empty());
        Some(Self {
            pretty,
            unit: unit.unwrap_or("  ").to_owned(),
            colon: if spaced { ": " } else { ":" },
            comma: if spaced { ", " } else { "," },
        })
    }
}

/// The quotes of the last key of a map.
pub(super) fn key_quotes(syntax: &Syntax, entries: &[(Id, Id)]) -> ScalarStyle {
    match entries.last().map(|(key, _)| &syntax.part(*key).shape) {
        Some(Shape::Scalar { style: style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted), .. }) => *style,
        _ => ScalarStyle::Plain,
    }
}

/// Whether everything in a list or map that can be quoted is in double quotes.
pub(super) fn is_all_quoted(syntax: &Syntax, id: Id) -> bool {
    let quoted = |id: Id| match &syntax.part(id).shape {
        Shape::Scalar { style, kind, .. } => *style == ScalarStyle::DoubleQuoted || *kind != Some(Kind::Text),
        Shape::Alias(_) => false,
        _ => is_all_quoted(syntax, id),
    };
    match &syntax.part(id).shape {
        Shape::List { items, .. } => !items.is_empty() && items.iter().all(|item| quoted(*item)),
        Shape::Map { entries, .. } => !entries.is_empty() && entries.iter().all(|(key, _)| quoted(*key)),
        _ => false,
    }
}
