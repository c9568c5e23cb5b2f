//! Events, items and whole answers as they stand on the wire.
//!
//! What is not always a text or a number is kept as the JSON that it is and looked into with care: vendors who copied this
//! dialect leave members out and write others in their own way, and one odd member must not cost a whole answer.

use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) use crate::lenient::{List, Next, next, number, text};

/// An event of a stream.
#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) output_index: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content_index: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) summary_index: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// A response, as events and whole answers hold it.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) object: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) output: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) incomplete_details: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

impl<'a> Response<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The items of the output.
    pub(super) fn items(&self) -> Vec<&'a RawValue> {
        let list = self.output.and_then(|raw| serde_json::from_str::<List<&RawValue>>(raw.get()).ok());
        list.map(|list| list.0).unwrap_or_default()
    }

    /// Why it is not complete.
    pub(super) fn reason(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Details<'a> {
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
        }
        let details: Option<Details<'_>> = serde_json::from_str(self.incomplete_details?.get()).ok()?;
        text(details?.reason).map(Into::into)
    }
}

/// An item of the output.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) call_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) summary: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) encrypted_content: Option<&'a RawValue>,
}

/// A part of a message or of reasoning.
#[derive(Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) refusal: Option<&'a RawValue>,
    /// Citations and the like.
    #[serde(borrow)]
    pub(super) annotations: Option<&'a RawValue>,
}

impl Part<'_> {
    pub(super) fn is_annotated(&self) -> bool {
        self.annotations.is_some_and(|list| !matches!(list.get(), "[]" | "null"))
    }
}

/// The parts in a list.
pub(super) fn parts(raw: Option<&RawValue>) -> Vec<Part<'_>> {
    let list = raw.and_then(|raw| serde_json::from_str::<List<Part<'_>>>(raw.get()).ok());
    list.map(|list| list.0).unwrap_or_default()
}
