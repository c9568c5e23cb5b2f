//! The proof after every edit: the new text means what the old one meant with the edit made, and nothing else of the old
//! text is gone. An edit that fails it is not made.

use super::lines::{Splice, newline_of};
use super::node::Node;
use super::plan::{Plan, Refusal};
use super::syntax::Syntax;

/// The tree and the meaning of the new text.
pub(super) fn proven(
    old: (&str, &Syntax),
    new: &str,
    plan: &Plan,
    expected: Option<Node>,
) -> Result<(Syntax, Node), Refusal> {
    let (text, syntax) = old;
    let tree = Syntax::of(new).ok_or(Refusal::Inexact)?;
    let meaning = tree.meaning().ok_or(Refusal::Inexact)?;
    let in_any_order = syntax.merges();
    let exact = expected.is_some_and(|expected| {
        is_same(&expected, &meaning, in_any_order) || is_nothing(&expected) && is_nothing(&meaning)
    });
    let whole = plan.splices.iter().all(|splice| only_takes_what_is_gone(text, splice, plan));
    if exact && whole && keeps_comments(old, (new, &tree), plan) && keeps_line_breaks(text, new) {
        return Ok((tree, meaning));
    }
    Err(Refusal::Inexact)
}

/// Keys that are merged into a map come after its own ones, whatever their place in the text; so where a file merges, an
/// own key that now stands for a merged one has another place in the order than before.
fn is_same(expected: &Node, meaning: &Node, in_any_order: bool) -> bool {
    match (expected, meaning) {
        (Node::List(left), Node::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right, in_any_order))
        }
        (Node::Map(left), Node::Map(right)) => {
            left.len() == right.len()
                && left.iter().enumerate().all(|(at, (key, value))| {
                    let same = |(other, node): &&(String, Node)| other == key && is_same(value, node, in_any_order);
                    if in_any_order {
                        right.iter().any(|entry| same(&entry))
                    } else {
                        right.get(at).is_some_and(|entry| same(&entry))
                    }
                })
        }
        (left, right) => left == right,
    }
}

/// A file without content is an empty map.
fn is_nothing(node: &Node) -> bool {
    match node {
        Node::Null => true,
        Node::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// Outside of what is meant to go, only blanks and the comma before or after it may be taken out.
fn only_takes_what_is_gone(text: &str, splice: &Splice, plan: &Plan) -> bool {
    let gone = plan.gone.clone().unwrap_or_default();
    let before = splice.at.start..splice.at.end.min(gone.start.max(splice.at.start));
    let after = splice.at.start.max(gone.end.min(splice.at.end))..splice.at.end;
    let outside = if gone.is_empty() { [splice.at.clone(), 0..0] } else { [before, after] };
    let is_blank = |part: &str| part.chars().all(|c| c.is_whitespace() || c == ',');
    outside.into_iter().all(|range| text.get(range).is_some_and(is_blank))
}

/// Every comment is still there and in its order, but for those of what is gone.
fn keeps_comments(old: (&str, &Syntax), new: (&str, &Syntax), plan: &Plan) -> bool {
    let gone = plan.gone.clone().unwrap_or_default();
    let mut left = new.1.comments.iter().map(|at| new.0[at.clone()].trim_end()).peekable();
    for at in &old.1.comments {
        if left.next_if_eq(&old.0[at.clone()].trim_end()).is_none() && !gone.contains(&at.start) {
            return false;
        }
    }
    left.next().is_none()
}

fn keeps_line_breaks(old: &str, new: &str) -> bool {
    let mixed = |text: &str| text.matches('\n').count() != text.matches("\r\n").count();
    newline_of(old) == "\n" || mixed(old) || !mixed(new)
}

#[cfg(test)]
mod tests;
