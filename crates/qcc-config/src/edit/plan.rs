//! From an edit to the bytes that have to change: finds the place, and decides whether something there is replaced, added
//! or taken away. How that looks in the text is decided in `add`, `replace` and `remove`.

use std::ops::Range;

use super::lines::Splice;
use super::node::Node;
use super::style::Style;
use super::syntax::{Id, Shape, Syntax};
use super::{Edit, Step};

/// Why an edit is not made. None of them is a fault of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Through an anchor, an alias or a merge key something else would change too.
    Shared,
    /// A key cannot be put below a value or a list.
    NotAMap,
    /// An item cannot be put into a value or a map.
    NotAList,
    /// The item that is named does not exist.
    NoItem,
    /// The new text would differ in more than what was asked for.
    Inexact,
}

/// What has to change in the text.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) splices: Vec<Splice>,
    /// The bytes of what is replaced or taken away, with the comments that go with it.
    pub(super) gone: Option<Range<usize>>,
    /// For a removal, how many steps of its path are left when sections that it would empty go too.
    pub(super) cut: Option<usize>,
}

/// A part and where it hangs: in which list or map, and as which entry of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) id: Id,
    pub(super) holder: Option<(Id, usize)>,
}

enum Found {
    /// The file has no content.
    Nothing,
    Here(Spot),
    /// The way ends at this part, before the step of this index.
    Missing(Spot, usize),
}

/// Makes plans for one text.
pub(super) struct Planner<'a> {
    pub(super) text: &'a str,
    pub(super) syntax: &'a Syntax,
    pub(super) style: Style,
}

impl<'a> Planner<'a> {
    pub(super) fn new(text: &'a str, syntax: &'a Syntax) -> Self {
        Self { text, syntax, style: Style::of(text, syntax) }
    }

    /// The plan of an edit; `meaning` is what the text means.
    pub(super) fn plan(&self, edit: &Edit, meaning: &Node) -> Result<Plan, Refusal> {
        match edit {
            Edit::Set { path, value } if meaning.get(path) == Some(value) => Ok(Plan::default()),
            Edit::Set { path, value } => self.set(path, value),
            Edit::Append { path, value } => self.append(path, value),
            Edit::Remove { path } if meaning.get(path).is_none() => Ok(Plan::default()),
            Edit::Remove { path } => match self.walk(path)? {
                Found::Here(Spot { holder: Some(_), .. }) => self.remove(path),
                Found::Here(_) | Found::Nothing => Err(Refusal::NotAMap),
                // It is there, but not in this place of the text.
                Found::Missing(..) => Err(Refusal::Shared),
            },
        }
    }

    fn set(&self, path: &[Step], value: &Node) -> Result<Plan, Refusal> {
        match self.walk(path)? {
            Found::Nothing => Ok(self.begin(&nested(path, value.clone())?)),
            Found::Here(spot) => self.replace(spot, value, &way(path)),
            Found::Missing(spot, from) => self.extend(spot, path, from, value.clone()),
        }
    }

    fn append(&self, path: &[Step], value: &Node) -> Result<Plan, Refusal> {
        let list = || Node::List(vec![value.clone()]);
        let spot = match self.walk(path)? {
            Found::Nothing => return Ok(self.begin(&nested(path, list())?)),
            Found::Missing(spot, from) => {
                if from + 1 == path.len() && self.inherits(spot.id, &path[from]) {
                    return Err(Refusal::Shared);
                }
                return self.extend(spot, path, from, list());
            }
            Found::Here(spot) => spot,
        };
        match &self.syntax.part(spot.id).shape {
            Shape::Scalar { kind: None, .. } => self.replace(spot, &list(), &way(path)),
            Shape::List { items, .. } if items.is_empty() && self.is_in_block(spot) => {
                self.replace(spot, &list(), &way(path))
            }
            Shape::List { flow: true, .. } => Ok(self.add_in_flow(spot.id, None, value)),
            Shape::List { .. } => Ok(self.add_item(spot.id, value, &way(path))),
            Shape::Alias(_) => Err(Refusal::Shared),
            _ => Err(Refusal::NotAList),
        }
    }

    /// Puts the key of the step `from` into the map at `spot`, with maps for the steps after it.
    fn extend(&self, spot: Spot, path: &[Step], from: usize, value: Node) -> Result<Plan, Refusal> {
        let (Some(Step::Key(key)), Some(rest)) = (path.get(from), path.get(from + 1..)) else {
            return Err(Refusal::NoItem);
        };
        if !rest.is_empty() && self.inherits(spot.id, &path[from]) {
            return Err(Refusal::Shared);
        }
        let value = nested(rest, value)?;
        let whole = || Node::Map(vec![(key.clone(), value.clone())]);
        let way = way(&path[..=from]);
        match &self.syntax.part(spot.id).shape {
            Shape::Scalar { kind: None, .. } => match spot.holder {
                Some(_) => self.replace(spot, &whole(), &way[..from]),
                None => Ok(self.begin(&whole())),
            },
            Shape::Map { entries, .. } if entries.is_empty() && self.is_in_block(spot) => {
                self.replace(spot, &whole(), &way[..from])
            }
            Shape::Map { flow: true, .. } => Ok(self.add_in_flow(spot.id, Some(key), &value)),
            Shape::Map { .. } => Ok(self.add_entry(spot.id, key, &value, &way, spot.holder.is_none())),
            _ => Err(Refusal::NotAMap),
        }
    }

    /// As far as the path goes through what stands there itself.
    fn walk(&self, path: &[Step]) -> Result<Found, Refusal> {
        let Some(root) = self.syntax.root() else { return Ok(Found::Nothing) };
        let mut spot = Spot { id: root, holder: None };
        for (index, step) in path.iter().enumerate() {
            let next = match (&self.syntax.part(spot.id).shape, step) {
                (Shape::Alias(_), _) => return Err(Refusal::Shared),
                (Shape::Map { entries, .. }, Step::Key(key)) => self
                    .syntax
                    .entry(spot.id, key)
                    .and_then(|entry| Some((entry.1, entries.iter().position(|other| *other == entry)?))),
                (Shape::List { items, .. }, Step::Item(item)) => {
                    Some((*items.get(*item).ok_or(Refusal::NoItem)?, *item))
                }
                (Shape::Scalar { kind: None, .. }, Step::Key(_)) => None,
                (_, Step::Key(_)) => return Err(Refusal::NotAMap),
                (_, Step::Item(_)) => return Err(Refusal::NotAList),
            };
            let Some((id, position)) = next else { return Ok(Found::Missing(spot, index)) };
            spot = Spot { id, holder: Some((spot.id, position)) };
        }
        Ok(Found::Here(spot))
    }

    fn inherits(&self, map: Id, step: &Step) -> bool {
        matches!(step, Step::Key(key) if self.syntax.entry(map, key).is_none() && self.syntax.inherits(map, key))
    }

    /// Whether a part may be written over several lines with indentation: not between brackets.
    fn is_in_block(&self, spot: Spot) -> bool {
        spot.holder.is_some_and(|(holder, _)| match self.syntax.part(holder).shape {
            Shape::List { flow, .. } | Shape::Map { flow, .. } => !flow,
            _ => false,
        })
    }
}

/// The value in a map for every step.
fn nested(steps: &[Step], value: Node) -> Result<Node, Refusal> {
    steps.iter().rev().try_fold(value, |value, step| match step {
        Step::Key(key) => Ok(Node::Map(vec![(key.clone(), value)])),
        Step::Item(_) => Err(Refusal::NoItem),
    })
}

/// The keys of a path, with nothing for items.
pub(super) fn way(path: &[Step]) -> Vec<&str> {
    let mut way = Vec::new();
    for step in path {
        way.push(match step {
            Step::Key(key) => key.as_str(),
            Step::Item(_) => "",
        });
    }
    way
}
