//! What the dialects' rules have in common: members that must be there, that may be there, and of which kind they are.

use serde_json::Value;

use crate::upstream::Received;

/// The body as an object with these members and no others.
///
/// # Errors
/// What is wrong.
pub(super) fn body(received: &Received, known: &[&str]) -> Result<Value, String> {
    let value: Value =
        serde_json::from_slice(&received.body).map_err(|error| format!("the body is no JSON: {error}"))?;
    members(&value, known, "body")?;
    Ok(value)
}

/// An object without members that are not `known`.
///
/// # Errors
/// Which member is not.
pub(super) fn members(value: &Value, known: &[&str], place: &str) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("{place}: expected an object, got {value}"))?;
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{place}: Unknown name \"{name}\"")),
        None => Ok(()),
    }
}

/// A member that is a text.
///
/// # Errors
/// That it is none.
pub(super) fn text<'v>(value: &'v Value, name: &str, place: &str) -> Result<&'v str, String> {
    value[name].as_str().ok_or_else(|| format!("{place}.{name}: expected a text, got {}", value[name]))
}

/// A member that is a list.
///
/// # Errors
/// That it is none.
pub(super) fn list<'v>(value: &'v Value, name: &str, place: &str) -> Result<&'v [Value], String> {
    value[name]
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{place}.{name}: expected a list, got {}", value[name]))
}

/// A text that is an object in JSON.
///
/// # Errors
/// That it is none.
pub(super) fn object_in(text: &str, place: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| format!("{place}: no JSON: {text:?}"))?;
    if value.is_object() { Ok(value) } else { Err(format!("{place}: expected an object, got {value}")) }
}

/// A whole number from 1.
///
/// # Errors
/// That it is none.
pub(super) fn positive(value: &Value, place: &str) -> Result<u64, String> {
    value.as_u64().filter(|&number| number > 0).ok_or_else(|| format!("{place}: expected a number from 1, got {value}"))
}

/// The model is the one that this provider serves.
///
/// # Errors
/// That it is another.
pub(super) fn model(asked: &str, served: &str) -> Result<(), String> {
    if asked == served { Ok(()) } else { Err(format!("the model {asked:?} is not served, only {served:?}")) }
}

/// The request was sent to this path, without its query.
///
/// # Errors
/// That it was not.
pub(super) fn path(received: &Received, expected: &str) -> Result<(), String> {
    let path = received.path.split('?').next().unwrap_or_default();
    if path == expected { Ok(()) } else { Err(format!("expected {expected}, got {path}")) }
}

/// The header is there.
///
/// # Errors
/// That it is missing.
pub(super) fn header(received: &Received, name: &str) -> Result<(), String> {
    if received.header(name).is_some() { Ok(()) } else { Err(format!("the header {name} is missing")) }
}

/// The image of a data URI, in base64.
///
/// # Errors
/// That it is no data URI.
pub(super) fn data_uri(url: &str, place: &str) -> Result<String, String> {
    let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    data.map(|(_, data)| data.to_owned()).ok_or_else(|| format!("{place}: no data URI of an image: {url:?}"))
}
