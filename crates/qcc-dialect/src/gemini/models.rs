//! The list of models that a provider serves.

use serde_json::Value;

use super::response::json;
use crate::answer::Wrong;

/// The names of the models that answer, as clients name them: without `models/`. Those for embeddings and the like are
/// left out.
///
/// # Errors
/// What the body is instead of a list.
pub fn model_names(body: &[u8]) -> Result<Vec<String>, Wrong> {
    let list: Value = serde_json::from_slice(json(body)?).map_err(|_| Wrong::NotJson)?;
    let Some(Value::Array(models)) = list.get("models") else { return Err(Wrong::OtherJson) };
    let names = models.iter().filter(|model| answers(model)).filter_map(|model| model.get("name")?.as_str());
    Ok(names.map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned()).collect())
}

/// Relays list models without saying what they can do.
fn answers(model: &Value) -> bool {
    let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
    methods.is_none_or(|methods| methods.iter().any(|method| method == "generateContent"))
}
