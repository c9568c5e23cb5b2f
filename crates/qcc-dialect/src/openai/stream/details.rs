//! `reasoning_details`: what OpenRouter knows of a model's thoughts beside their text, such as the vendor's signature or
//! the sealed thought itself. Within a tool loop the vendor wants them back as they were.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::canon::{Json, seal, unseal};

/// For whom they are sealed on the way through the client.
const OWNER: &str = "openai";

/// Members that hold pieces in a stream.
const PIECES: [&str; 3] = ["text", "summary", "data"];

/// A list of details.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::openai) struct Details(Vec<Map<String, Value>>);

impl Details {
    /// Those of a message or a chunk. None where there are none.
    pub(super) fn of_wire(raw: &RawValue) -> Option<Self> {
        let items: Vec<Map<String, Value>> = serde_json::from_str(raw.get()).ok()?;
        (!items.is_empty()).then_some(Self(items))
    }

    /// The text in them.
    pub(super) fn text(&self) -> Option<String> {
        let texts = self.0.iter().filter_map(|item| item.get("text").or_else(|| item.get("summary"))?.as_str());
        Some(texts.collect::<String>()).filter(|text| !text.is_empty())
    }

    /// Adds those of the next chunk: more of the last item, or new ones.
    pub(super) fn extend(&mut self, more: Self) {
        for item in more.0 {
            match self.0.last_mut() {
                Some(last) if ["type", "index"].iter().all(|name| last.get(*name) == item.get(*name)) => {
                    merge(last, item);
                }
                _ => self.0.push(item),
            }
        }
    }

    /// As a signature of thinking. None where the text alone says it all.
    pub(super) fn signature(&self) -> Option<String> {
        let says_more = |item: &Map<String, Value>| {
            ["signature", "data"].iter().any(|name| item.get(*name).is_some_and(|value| !value.is_null()))
        };
        let list = Value::Array(self.0.iter().cloned().map(Value::Object).collect());
        self.0.iter().any(says_more).then(|| seal(OWNER, list.to_string().as_bytes()))
    }

    /// Those that were made a signature.
    pub(in crate::openai) fn of_signature(signature: &str) -> Option<Self> {
        serde_json::from_slice(&unseal(OWNER, signature)?).ok().map(Self)
    }

    /// All of several lists. None where nothing is in them.
    pub(in crate::openai) fn join(lists: impl Iterator<Item = Self>) -> Option<Json> {
        let all: Vec<Value> = lists.flat_map(|list| list.0).map(Value::Object).collect();
        (!all.is_empty()).then(|| Json::from_value(&Value::Array(all)))
    }
}

fn merge(item: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (item.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(piece)) if PIECES.contains(&name.as_str()) => {
                text.push_str(&piece);
            }
            (_, value) => {
                item.insert(name, value);
            }
        }
    }
}
