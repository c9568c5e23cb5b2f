//! What stands in `env` of Claude Code's `settings.json`, and how that is changed while every other byte stays.
//!
//! The text is edited by the library for its syntax, and the result is read again and compared: an edit that did anything
//! but what was asked is refused. Comments and trailing commas are kept, though Claude Code 2.1.197 ignores a file with
//! either of them (measured); the caller says so.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use jsonc_parser::{CollectOptions, JsonValue, ParseOptions, parse_to_ast, parse_to_value};

/// What editors on Windows put before the text.
const BOM: &str = "\u{feff}";

/// The object of variables that Claude Code sets for itself.
const ENV: &str = "env";

/// Claude Code's own files stay below 100 KiB; this only keeps a mistaken path from filling the memory.
const LONGEST: usize = 4 * 1024 * 1024;

/// Names and values, in file order; a value that is no text has none here.
type Variables = Vec<(String, Option<String>)>;

/// A settings file that cannot be edited, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong, without a full stop.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
    /// Where: line and column, from 1.
    pub(crate) at: Option<(usize, usize)>,
}

/// The text of a settings file that can be edited.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    text: String,
    bom: bool,
    env: Option<Variables>,
    has_helper: bool,
}

/// A key of `env` and the value that it is to have; `None` takes it out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

// === impl Settings ===

impl Settings {
    /// Reads the bytes of a file. An empty file counts as `{}`.
    ///
    /// # Errors
    /// When it is not JSON (comments and trailing commas are accepted), or not a place for variables.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > LONGEST {
            return Err(Fault::whole("it is larger than 4 MiB", "this is no settings file of Claude Code"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Fault::whole("it is not UTF-8 text", "save it in the encoding UTF-8"))?;
        let (bom, text) = text.strip_prefix(BOM).map_or((false, text), |text| (true, text));
        let root = parse_to_ast(text, &CollectOptions::default(), &lenient()).map_err(|error| {
            let at = (error.line_display(), error.column_display());
            let message = format!("it is not JSON: {}", lower(&error.kind().to_string()));
            Fault { message, hint: "correct it, or move it away".to_owned(), at: Some(at) }
        })?;
        let mut settings = Self { text: text.to_owned(), bom, env: None, has_helper: false };
        match root.value {
            None => {}
            Some(Value::Object(root)) => {
                settings.has_helper = find(&root, "apiKeyHelper", text)?.is_some();
                settings.env = env_of(&root, text)?;
            }
            Some(other) => {
                let message = "its top level is not an object";
                return Err(Fault::at(text, other.start(), message, "put the settings between `{` and `}`"));
            }
        }
        Ok(settings)
    }

    /// The bytes of the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let bom = if self.bom { BOM } else { "" };
        [bom, &self.text].concat().into_bytes()
    }

    /// The value of a variable. One that is no text counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.env.iter().flatten().find(|(key, _)| key == name)?;
        value.as_deref()
    }

    /// Whether a variable is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.env.iter().flatten().any(|(key, _)| key == name)
    }

    /// The names of all variables, in file order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.env.iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// Whether there is an object of variables.
    pub(crate) fn has_env(&self) -> bool {
        self.env.is_some()
    }

    /// Whether Claude Code asks a program for its key.
    pub(crate) fn has_helper(&self) -> bool {
        self.has_helper
    }

    /// Whether nothing is set at all.
    pub(crate) fn is_empty(&self) -> bool {
        // A comment is somebody's, so a file with one is not empty.
        let mut text = self.text.clone();
        text.retain(|c| !c.is_whitespace());
        matches!(text.as_str(), "" | "{}")
    }

    /// The line that keeps the file from being plain JSON, which is all that Claude Code reads.
    pub(crate) fn not_plain(&self) -> Option<usize> {
        let plain = ParseOptions { allow_comments: false, allow_trailing_commas: false, ..lenient() };
        let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &plain);
        parsed.err().map(|error| error.line_display())
    }

    /// Finds what keeps these variables from being set: one of them has a value that is no text.
    ///
    /// # Errors
    /// The first of them, with its place.
    pub(crate) fn check(&self, names: &[String]) -> Result<(), Fault> {
        let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &lenient());
        let Ok(Some(Value::Object(root))) = parsed.map(|parsed| parsed.value) else { return Ok(()) };
        let Some(Value::Object(env)) = find(&root, ENV, &self.text)?.map(|prop| &prop.value) else { return Ok(()) };
        for name in names {
            if let Some(prop) = find(env, name, &self.text)?
                && !matches!(prop.value, Value::StringLit(_))
            {
                let message = format!("`{name}` in `env` is not a text");
                let hint = "put its value between quotation marks, or take it out";
                return Err(Fault::at(&self.text, prop.value.start(), &message, hint));
            }
        }
        Ok(())
    }

    /// The file with these variables changed. A new one takes the place that `order` gives it among the others, else the
    /// last one. With `no_empty_env` an `env` that becomes empty goes too.
    ///
    /// # Errors
    /// When it cannot be done without changing something else.
    pub(crate) fn edited(&self, changes: &[Change], order: &[String], no_empty_env: bool) -> Result<Self, Fault> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let refused = || {
            let all: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
            let hint = format!("change it by hand; what has to be changed in `env`: {}", all.join(", "));
            Fault::whole("it cannot be changed without changing more than that", &hint)
        };
        let root = CstRootNode::parse(&self.text, &lenient()).map_err(|_| refused())?;
        let object = root.object_value_or_create().ok_or_else(refused)?;
        if self.has_env() || changes.iter().any(|change| change.value.is_some()) {
            let env = object.object_value_or_create(ENV).ok_or_else(refused)?;
            for change in changes {
                apply(&env, change, order).ok_or_else(refused)?;
            }
            let only_blank = env.children().iter().all(|child| !child.is_comment());
            if no_empty_env
                && env.properties().is_empty()
                && only_blank
                && let Some(prop) = object.get(ENV)
            {
                prop.remove();
            }
        }
        let mut text = root.to_string();
        if self.text.trim().is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let edited = Self { bom: self.bom, ..Self::read(text.as_bytes())? };
        if self.rest(changes) == edited.rest(changes) && changes.iter().all(|change| edited.shows(change)) {
            Ok(edited)
        } else {
            Err(refused())
        }
    }

    fn shows(&self, change: &Change) -> bool {
        self.get(&change.name) == change.value.as_deref() && self.has(&change.name) == change.value.is_some()
    }

    /// Everything but the variables that change; an empty `env` is as good as none.
    fn rest(&self, changes: &[Change]) -> Option<BTreeMap<String, JsonValue<'_>>> {
        let mut all = BTreeMap::new();
        let Some(JsonValue::Object(root)) = parse_to_value(&self.text, &lenient()).ok()? else { return Some(all) };
        for (name, value) in root {
            match value {
                JsonValue::Object(env) if name == ENV => {
                    let others = env.into_iter().filter(|(name, _)| changes.iter().all(|change| change.name != **name));
                    all.extend(others.map(|(name, value)| (format!("{ENV}/{name}"), value)));
                }
                other => drop(all.insert(name.into_owned(), other)),
            }
        }
        Some(all)
    }
}

/// What Claude Code's users may have written: comments and trailing commas, but no other liberties.
fn lenient() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// One change in the tree. `None` when the tree is not what it was taken for.
fn apply(env: &CstObject, change: &Change, order: &[String]) -> Option<()> {
    match (env.get(&change.name), &change.value) {
        (Some(prop), Some(value)) => {
            let CstNode::Leaf(leaf) = prop.value()? else { return None };
            let text = CstNode::Leaf(leaf).as_string_lit()?;
            text.set_raw_value(serde_json::to_string(value).ok()?);
        }
        (None, Some(value)) => {
            let value = CstInputValue::String(value.clone());
            match place(env, &change.name, order) {
                Some(index) => env.insert(index, &change.name, value),
                None => env.append(&change.name, value),
            };
        }
        (Some(prop), None) => prop.remove(),
        (None, None) => {}
    }
    Some(())
}

/// Where a variable stands that comes back: behind the nearest one that was before it and is still there.
fn place(env: &CstObject, name: &str, order: &[String]) -> Option<usize> {
    let was = order.iter().position(|other| other == name)?;
    let now: Vec<Option<String>> = env.properties().iter().map(|prop| prop.decoded_name()).collect();
    let behind =
        order[..was].iter().rev().find_map(|before| now.iter().position(|other| other.as_ref() == Some(before)));
    Some(behind.map_or(0, |index| index + 1))
}

/// The one property of this name.
///
/// # Errors
/// When it stands there twice: Claude Code takes the last one, and nobody knows which one was meant.
fn find<'a, 'b>(object: &'b Object<'a>, name: &str, text: &str) -> Result<Option<&'b ObjectProp<'a>>, Fault> {
    let mut all = object.properties.iter().filter(|prop| prop.name.as_str() == name);
    let first = all.next();
    match all.next() {
        Some(second) => {
            let message = format!("`{name}` stands there twice");
            Err(Fault::at(text, second.range.start, &message, "keep one of the two"))
        }
        None => Ok(first),
    }
}

fn env_of(root: &Object<'_>, text: &str) -> Result<Option<Variables>, Fault> {
    let Some(prop) = find(root, ENV, text)? else { return Ok(None) };
    let Value::Object(env) = &prop.value else {
        return Err(Fault::at(text, prop.value.start(), "`env` is not an object", "make it `{}`, or take it out"));
    };
    let pair = |prop: &ObjectProp<'_>| {
        let value = prop.value.as_string_lit().map(|value| value.value.clone().into_owned());
        (prop.name.as_str().to_owned(), value)
    };
    Ok(Some(env.properties.iter().map(pair).collect()))
}

/// The library's sentences begin with a capital; ours go on after a colon.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

// === impl Fault ===

impl Fault {
    fn whole(message: &str, hint: &str) -> Self {
        Self { message: message.to_owned(), hint: hint.to_owned(), at: None }
    }

    fn at(text: &str, offset: usize, message: &str, hint: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { message: message.to_owned(), hint: hint.to_owned(), at: Some((line, column)) }
    }
}

#[cfg(test)]
mod tests;
