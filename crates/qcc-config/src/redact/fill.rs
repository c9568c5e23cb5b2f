//! The way back of an export: where a text holds `[redacted]`, the file has the value that stood there.

use std::collections::BTreeMap;
use std::path::Path;

use super::Lines;
use crate::edit::Step;
use crate::edit::places::{Places, Scalar};
use crate::error::{ConfigError, Place};
use crate::secret::REDACTED;
use crate::source::{Problems, Source};

/// The text with every `[redacted]` replaced by the value that `current`, the text of the file, has at the same place:
/// at the same provider by name, and else at the same key.
///
/// # Errors
/// When the file has none there, or one that cannot be put there; with every such place.
pub(crate) fn filled(text: &str, current: Option<&str>, path: &Path) -> Result<String, ConfigError> {
    let Some(found) = Places::of(text) else { return Ok(text.to_owned()) };
    let mut gaps: BTreeMap<usize, Vec<&Scalar>> = BTreeMap::new();
    for gap in found.scalars.iter().filter(|scalar| scalar.text.trim() == REDACTED) {
        gaps.entry(gap.range.start).or_default().push(gap);
    }
    if gaps.is_empty() {
        return Ok(text.to_owned());
    }
    let old = current.and_then(|current| Some((current, Places::of(current)?)));
    let values = old.as_ref().map(|(current, places)| values(current, places)).unwrap_or_default();
    let source = Source::new(path, text)?;
    let mut problems = Problems::new(&source);
    let mut out = String::new();
    let mut from = 0;
    for (start, uses) in &gaps {
        let value = uses.iter().find_map(|gap| values.get(&place_of(&gap.path, &found)));
        let Some(value) = value else {
            let (message, hint) = missing(uses[0], &found);
            problems.add(line_of(text, *start), message, hint);
            continue;
        };
        out.push_str(&text[from..*start]);
        out.push_str(&written(value, &found));
        from = uses[0].range.end;
    }
    problems.finish()?;
    out.push_str(&text[from..]);
    Ok(out)
}

/// A value of the file, and as it is written there.
struct Value<'a> {
    text: &'a str,
    token: &'a str,
}

fn values<'a>(current: &'a str, places: &'a Places) -> BTreeMap<Vec<String>, Value<'a>> {
    let mut values = BTreeMap::new();
    for scalar in places.scalars.iter().filter(|scalar| scalar.text.trim() != REDACTED) {
        let token = &current[scalar.range.clone()];
        let value = Value { text: &scalar.text, token };
        values.entry(place_of(&scalar.path, places)).or_insert(value);
    }
    values
}

/// A path that stays the same when providers or endpoints change places: the name in place of the number.
fn place_of(path: &[Step], places: &Places) -> Vec<String> {
    let named = |at: usize| ["name", "provider"].iter().find_map(|key| text_at(&path[..at], key, places));
    let step = |at: usize| match &path[at] {
        Step::Key(key) => key.clone(),
        Step::Item(item) if at + 1 < path.len() => named(at + 1).map_or_else(|| item.to_string(), str::to_owned),
        // In a list of another length nobody knows which is which.
        Step::Item(item) => format!("{item} of {}", siblings(&path[..at], places)),
    };
    (0..path.len()).map(step).collect()
}

fn siblings(list: &[Step], places: &Places) -> usize {
    let item = |path: &[Step]| matches!(path.split_last(), Some((Step::Item(_), above)) if above == list);
    places.scalars.iter().filter(|scalar| item(&scalar.path)).count()
}

fn text_at<'a>(map: &[Step], key: &str, places: &'a Places) -> Option<&'a str> {
    let here = |path: &[Step]| path.split_last().is_some_and(|(last, above)| above == map && *last == Step::from(key));
    places.scalars.iter().find(|scalar| here(&scalar.path)).map(|scalar| scalar.text.as_str())
}

/// The value as it has to be written in place of the gap: as it was, where that means the same there.
fn written(value: &Value<'_>, places: &Places) -> String {
    let plain = !value.token.is_empty() && value.token.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let quoted = value.token.starts_with('"') || value.token.starts_with('\'') && !places.braces;
    if (quoted || plain && !places.braces) && !value.token.contains('\n') {
        return value.token.to_owned();
    }
    // A quoted text of JSON means the same in YAML.
    serde_json::Value::from(value.text).to_string()
}

fn missing(gap: &Scalar, places: &Places) -> (String, String) {
    let named: Vec<String> = place_of(&gap.path, places);
    let place = match named.as_slice() {
        [list, name, rest @ ..] if list == "providers" => format!("{} of the provider `{name}`", rest.join(".")),
        all => all.join("."),
    };
    let hint = "write the value or a `${VAR}` in its place; `qcc config export --with-secrets` keeps what is secret";
    let message = format!("{place} is `{REDACTED}`, and the file has no value for it");
    (message, hint.to_owned())
}

fn line_of(text: &str, at: usize) -> Place {
    let lines = Lines::new(text);
    let line = lines.number(at);
    let before = text[lines.start(line)..at].trim_start_matches('\u{feff}');
    Place { line, column: before.chars().count() + 1 }
}
