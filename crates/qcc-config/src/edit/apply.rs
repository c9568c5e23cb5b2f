//! What an edit means, without a text: the measure for what was done to the text.

use super::node::Node;
use super::{Edit, Step};

/// The value with the edit made; `cut` is how many steps of the path of a removal count. `None` when there is no place
/// for it.
pub(super) fn applied(root: &Node, edit: &Edit, cut: Option<usize>) -> Option<Node> {
    let mut root = root.clone();
    match edit {
        Edit::Set { path, value } => *place(&mut root, path)? = value.clone(),
        Edit::Append { path, value } => {
            let list = place(&mut root, path)?;
            match list {
                Node::List(items) => items.push(value.clone()),
                Node::Null => *list = Node::List(vec![value.clone()]),
                _ => return None,
            }
        }
        Edit::Remove { path } => {
            let cut = cut?;
            // A section goes only with the last thing in it.
            let only = |at: usize| matches!(root.get(&path[..at]), Some(Node::Map(entries)) if entries.len() == 1);
            if !(cut..path.len()).all(only) {
                return None;
            }
            take(&mut root, path.get(..cut)?);
        }
    }
    Some(root)
}

/// The value at `path`, made when it is missing.
fn place<'n>(node: &'n mut Node, path: &[Step]) -> Option<&'n mut Node> {
    let Some((step, rest)) = path.split_first() else { return Some(node) };
    if *node == Node::Null {
        *node = Node::Map(Vec::new());
    }
    let inner = match (node, step) {
        (Node::Map(entries), Step::Key(key)) => {
            let at = entries.iter().position(|(known, _)| known == key).unwrap_or(entries.len());
            if at == entries.len() {
                entries.push((key.clone(), Node::Null));
            }
            &mut entries.get_mut(at)?.1
        }
        (Node::List(items), Step::Item(index)) => items.get_mut(*index)?,
        _ => return None,
    };
    place(inner, rest)
}

fn take(node: &mut Node, path: &[Step]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = node;
    for step in above {
        let inner = match (at, step) {
            (Node::Map(entries), Step::Key(key)) => {
                entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
            }
            (Node::List(items), Step::Item(index)) => items.get_mut(*index),
            _ => None,
        };
        let Some(inner) = inner else { return };
        at = inner;
    }
    match (at, last) {
        (Node::Map(entries), Step::Key(key)) => entries.retain(|(known, _)| known != key),
        (Node::List(items), Step::Item(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}
