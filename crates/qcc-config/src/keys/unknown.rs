//! What to say of a name that leads nowhere: the nearest one that does.

use crate::edit::Document;
use crate::redact;
use crate::suggest::nearest;

use super::shape::{Shape, root};
use super::{Unfit, keys};

/// Those that there are, or the one that was meant.
pub(super) fn which(name: &str, known: &[String], what: &str, makes: &str) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    match (nearest(name, known.iter().copied()), known.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`? {makes}"),
        (None, []) => format!("there is no {what} yet: {makes}"),
        (None, known) => format!("there are {}; {makes}", known.join(", ")),
    }
}

/// What was typed, unless it looks like a credential that slipped into the place of a name.
pub(super) fn shown(name: &str) -> &str {
    if redact::holds_token(name) { crate::secret::REDACTED } else { name }
}

/// A key that does not exist, with the one that was meant.
pub(super) fn unknown(dotted: &str, document: &Document) -> Unfit {
    let message = match dotted {
        "" => "the name of the key is empty".to_owned(),
        _ => format!("there is no key `{}`", shown(dotted)),
    };
    let names: Vec<String> = keys(document).into_iter().map(|key| key.name).collect();
    let sections = match &root().shape {
        Shape::Map(sections) => sections.as_slice(),
        _ => &[],
    };
    let sections = sections.iter().map(|section| section.name.as_str());
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let wanted = last(dotted);
    // Each provider repeats some keys of the sections, which are what is meant.
    let of_section = |name: &&String| name.matches('.').count() == 1 && last(name) == wanted;
    let same: Vec<String> = names.iter().filter(of_section).map(|name| format!("`{name}`")).collect();
    let near = nearest(dotted, names.iter().map(String::as_str).chain(sections));
    let by_last = || {
        let ends: Vec<String> = names.iter().map(|name| last(name)).collect();
        let near = nearest(&wanted, ends.iter().map(String::as_str))?;
        names.iter().find(|name| last(name) == near)
    };
    let all = "`qcc config list` names all keys";
    let hint = match (near, same.as_slice()) {
        (_, [one]) => format!("did you mean {one}? {all}"),
        (Some(near), _) if dotted.contains('.') => format!("did you mean `{near}`? {all}"),
        (_, [some @ .., end]) if some.len() < 4 => format!("did you mean {} or {end}? {all}", some.join(", ")),
        (Some(near), _) => format!("did you mean `{near}`? {all}"),
        (None, _) => by_last().map_or_else(|| all.to_owned(), |name| format!("did you mean `{name}`? {all}")),
    };
    Unfit { message, hint }
}
