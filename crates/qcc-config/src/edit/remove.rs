//! Taking away an entry or an item, with what is its own, and the section that would be left empty.

use super::Step;
use super::lines::{Splice, begins_line, line_end, line_start, next_line};
use super::node::Node;
use super::plan::{Plan, Planner, Refusal, Spot, way};
use super::syntax::{Id, Shape};

/// Sections whose keys are names: they may be left empty, and so may what has a name.
const NAMES: &[&str] = &["profiles", "model_routes"];

impl Planner<'_> {
    /// Takes away what is at `path`, which exists.
    pub(super) fn remove(&self, path: &[Step]) -> Result<Plan, Refusal> {
        let mut cut = path.len();
        while cut > 1 && self.empties_section(&path[..cut]) {
            cut -= 1;
        }
        let path = &path[..cut];
        let spot = self.spot(path).ok_or(Refusal::NoItem)?;
        let (holder, index) = spot.holder.ok_or(Refusal::NotAMap)?;
        let flow =
            matches!(self.syntax.part(holder).shape, Shape::List { flow: true, .. } | Shape::Map { flow: true, .. });
        let plan = match (self.children(holder), flow) {
            (1, _) if self.syntax.root() == Some(holder) && !flow => self.remove_lines(holder, index),
            (1, true) => Some(self.empty_brackets(holder)),
            (1, false) => self.empty_block(path)?,
            (_, true) => Some(self.remove_in_flow(holder, index)),
            (_, false) => self.remove_lines(holder, index),
        };
        let plan = plan.ok_or(Refusal::Inexact)?;
        Ok(Plan { cut: Some(cut), ..plan })
    }

    fn spot(&self, path: &[Step]) -> Option<Spot> {
        let mut spot = Spot { id: self.syntax.root()?, holder: None };
        for step in path {
            let (id, index) = match (&self.syntax.part(spot.id).shape, step) {
                (Shape::Map { entries, .. }, Step::Key(key)) => {
                    let entry = self.syntax.entry(spot.id, key)?;
                    (entry.1, entries.iter().position(|other| *other == entry)?)
                }
                (Shape::List { items, .. }, Step::Item(item)) => (*items.get(*item)?, *item),
                _ => return None,
            };
            spot = Spot { id, holder: Some((spot.id, index)) };
        }
        Some(spot)
    }

    /// Whether what is at `path` is all that its section holds, comments included, and the section is not a name's.
    fn empties_section(&self, path: &[Step]) -> bool {
        let (Some(Step::Key(_)), Some(above)) = (path.last(), path.get(..path.len() - 1)) else { return false };
        let named = above.len() <= 2 && matches!(&above[0], Step::Key(key) if NAMES.contains(&key.as_str()));
        let Some(section) = self.spot(above).filter(|_| !named && matches!(above.last(), Some(Step::Key(_)))) else {
            return false;
        };
        let Some((holder, index)) = section.holder else { return false };
        let own = |holder, index| self.own_lines(holder, index).unwrap_or_else(|| self.own(holder, index));
        let (whole, inner) = (own(holder, index), own(section.id, 0));
        let is_lost = |at: usize| whole.contains(&at) && !inner.contains(&at);
        self.children(section.id) == 1 && !self.syntax.comments.iter().any(|comment| is_lost(comment.start))
    }

    /// Lines of their own, or the first key behind a dash.
    fn remove_lines(&self, holder: Id, index: usize) -> Option<Plan> {
        if let Some(lines) = self.own_lines(holder, index) {
            return Some(Plan { splices: vec![Splice::delete(lines.clone())], gone: Some(lines), cut: None });
        }
        if index + 1 >= self.children(holder) {
            return None;
        }
        let own = self.own(holder, index);
        let next = self.own(holder, index + 1).start;
        let end = line_end(self.text, own.end);
        let gone = if self.text[end..next].trim().is_empty() {
            own.start..next
        } else {
            self.text[..own.start].trim_end_matches(' ').len()..end
        };
        Some(Plan { splices: vec![Splice::delete(gone.clone())], gone: Some(gone), cut: None })
    }

    /// `[]` or `{}` in place of the only entry.
    fn empty_block(&self, path: &[Step]) -> Result<Option<Plan>, Refusal> {
        let above = &path[..path.len() - 1];
        let Some(spot) = self.spot(above) else { return Ok(None) };
        let empty = match self.syntax.part(spot.id).shape {
            Shape::List { .. } => Node::List(Vec::new()),
            _ => Node::Map(Vec::new()),
        };
        self.replace(spot, &empty, &way(above)).map(Some)
    }

    /// Brackets that keep the comments in them.
    fn empty_brackets(&self, holder: Id) -> Plan {
        let own = self.own(holder, 0);
        let inner = self.syntax.part(holder).body.start + 1..self.syntax.part(holder).body.end - 1;
        let around = [inner.start..own.start, own.end..inner.end];
        let gone = if around.iter().any(|range| self.has_comment(range)) {
            own.start..self.comma(own.end, inner.end).map_or(own.end, |comma| comma + 1)
        } else {
            inner
        };
        Plan { splices: vec![Splice::delete(gone.clone())], gone: Some(gone), cut: None }
    }

    fn remove_in_flow(&self, holder: Id, index: usize) -> Plan {
        let own = self.own(holder, index);
        let close = self.syntax.part(holder).body.end - 1;
        let comma = self.comma(own.end, close).map(|comma| comma + 1);
        let end = comma.unwrap_or(own.end);
        let rest = line_end(self.text, end);
        let is_alone = begins_line(self.text, own.start)
            && rest < close
            && (self.text[end..rest].trim().is_empty() || self.has_comment(&(end..rest)) && self.is_comment(end, rest));
        let previous = index.checked_sub(1).map(|previous| self.own(holder, previous).end);
        let is_last = index + 1 == self.children(holder);
        // In JSON no comma may be left before the bracket.
        let orphan = previous.filter(|_| is_last && comma.is_none()).and_then(|from| self.comma(from, own.start));
        let mut splices = Vec::new();
        let gone = match (previous, is_alone) {
            (_, true) => line_start(self.text, own.start)..next_line(self.text, end),
            (Some(previous), _) if is_last && !self.has_comment(&(previous..own.start)) => previous..own.end,
            (_, _) if is_last => own.start..end,
            _ => {
                let next = self.own(holder, index + 1).start;
                own.start..if self.has_comment(&(end..next)) { end } else { next }
            }
        };
        if let Some(orphan) = orphan.filter(|orphan| *orphan < gone.start) {
            splices.push(Splice::delete(orphan..orphan + 1));
        }
        splices.push(Splice::delete(gone.clone()));
        Plan { splices, gone: Some(gone), cut: None }
    }

    /// Whether nothing but one comment is between two places of a line.
    fn is_comment(&self, from: usize, to: usize) -> bool {
        self.text[from..to].trim_start().starts_with('#')
    }
}
