//! The only place that knows the YAML library: from text to [`File`], and from its errors to ours. Its own messages
//! quote values of the file, which may be secrets, so they are not passed on where they can do that.

use serde_saphyr::{DuplicateKeyPolicy, Error, Options};

use crate::error::{ConfigError, Place};
use crate::file::{self, File};
use crate::source::{Problems, Source, is_name};
use crate::suggest::nearest;

/// Nodes and aliases of the largest file that is taken: hundreds of providers with long lists stay far below.
const MAX_NODES: usize = 200_000;

/// How deep the file may be nested; its own structure needs six.
const MAX_DEPTH: usize = 64;

/// Reads the file; an empty one is a valid one.
pub(crate) fn read(source: &Source) -> Result<File, ConfigError> {
    let parsed = serde_saphyr::from_str_with_options::<Option<File>>(&source.text, options());
    parsed.map(Option::unwrap_or_default).map_err(|error| told(&error, source))
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            max_documents: 2,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
    }
}

fn told(error: &Error, source: &Source) -> ConfigError {
    let error = error.without_snippet();
    let Some(location) = error.location().filter(|location| location.line() > 0) else {
        return ConfigError::whole(&source.path, message_of(error), hint_of(error));
    };
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let mut place = Place { line: number(location.line()), column: number(location.column()) };
    let mut problems = Problems::new(source);
    if let Some(tab) = tab_before(source, place.line, error) {
        place = tab;
        problems.add(place, "a tab is used for indentation", "YAML wants spaces there: replace the tab by spaces");
    } else if let Error::SerdeUnknownField { field, expected, .. } = error {
        let message = if is_name(field) { format!("unknown key `{field}`") } else { "unknown key".to_owned() };
        problems.add(place, message, unknown_key_hint(field, expected));
    } else {
        problems.add(place, message_of(error), hint_of(error));
    }
    match problems.finish() {
        Err(told) => told,
        Ok(()) => ConfigError::whole(&source.path, message_of(error), hint_of(error)),
    }
}

/// The tab in an indentation that the parser complained about: on its line or on a neighbour.
fn tab_before(source: &Source, line: usize, error: &Error) -> Option<Place> {
    let Error::ExternalMessage { msg, .. } = error else { return None };
    let mut near = source.text.lines().enumerate().skip(line.saturating_sub(2)).take(3).filter(|_| msg.contains("tab"));
    near.find_map(|(index, line)| {
        let indentation = &line[..line.len() - line.trim_start().len()];
        indentation.find('\t').map(|column| Place { line: index + 1, column: column + 1 })
    })
}

fn unknown_key_hint(field: &str, expected: &[&'static str]) -> String {
    if let Some((section, key)) = field.split_once('.') {
        return format!("keys are nested: write `{section}:` and, indented below it, `{key}: ...`");
    }
    let sections = file::sections_with(field);
    match (nearest(field, expected.iter().copied()), sections.first()) {
        (_, Some(section)) => format!("`{field}` belongs under `{section}:`"),
        (Some(name), None) => format!("did you mean `{name}`?"),
        (None, None) => format!("possible here: {}", expected.join(", ")),
    }
}

fn message_of(error: &Error) -> String {
    match error {
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` is written twice"),
        Error::DuplicateMappingKey { key: None, .. } => "a key is written twice".to_owned(),
        Error::Unexpected { expected, .. } => format!("{} is expected here", plain_name(expected)),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("{} is expected here", plain_name(expected))
        }
        Error::NullIntoString { .. } => "a value is missing here".to_owned(),
        Error::MultipleDocuments { .. } => "the file holds more than one YAML document".to_owned(),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::Budget { .. } => {
            "the file is larger, deeper or refers to itself more than any configuration".to_owned()
        }
        Error::ExternalMessage { msg, .. } => format!("this is not valid YAML: {}", first_line(msg)),
        Error::AliasError { error, .. } => message_of(error.without_snippet()),
        Error::Eof { .. } => "the file ends too early".to_owned(),
        Error::UnknownAnchor { .. } => "this alias refers to an anchor that does not exist".to_owned(),
        _ => "this does not fit here".to_owned(),
    }
}

fn hint_of(error: &Error) -> &'static str {
    match error {
        Error::SerdeMissingField { .. } => "add it to this entry",
        Error::DuplicateMappingKey { .. } => "keep one of the two",
        Error::NullIntoString { .. } => "write a value after the colon or remove the key",
        Error::MultipleDocuments { .. } => "remove everything from the line `---` on",
        Error::AliasError { .. } => "remove the alias and write the value out",
        Error::Unexpected { .. } | Error::SerdeInvalidType { .. } | Error::SerdeInvalidValue { .. } => {
            "`qcc config schema` and docs/configuration.md show what goes where"
        }
        _ => "check indentation, quotes and brackets near this place",
    }
}

/// The words of the parser and the names of our types mean nothing to the user.
fn plain_name(expected: &str) -> &str {
    match expected {
        "sequence start" => "a list",
        "mapping start" => "a map of keys and values",
        "string scalar" => "a single value",
        _ if expected.starts_with("struct ") => "a map of keys and values",
        _ => expected,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
