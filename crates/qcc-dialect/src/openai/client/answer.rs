//! Whether an answer in one piece that is passed on as it is is what it claims to be.

use std::borrow::Cow;

use crate::answer::{Told, Wrong};
use crate::lenient::text;
use crate::openai::error;
use crate::openai::response::read;
use crate::openai::stream::ending::{self, Found};
use crate::openai::usage::Counts;

/// Checks an answer: `choices` that are not empty, and no error. Gives what the log wants to know.
///
/// # Errors
/// What it is instead.
pub fn read_message(body: &[u8]) -> Result<Told, Wrong> {
    read(body, |chunk, _| {
        let choices = chunk.choices.as_ref().map(|choices| choices.0.as_slice()).unwrap_or_default();
        let mut counts = Counts::default();
        for usage in choices.iter().filter_map(|choice| choice.usage).chain(chunk.usage) {
            counts.take(usage.get());
        }
        let reason = choices.iter().find_map(|choice| text(choice.finish_reason));
        let stop_reason = match reason.as_deref().map(ending::find) {
            Some(Found::Failed(status, why)) => return Err(Wrong::Error(error::failed_facts(status, why))),
            Some(Found::Stop(reason)) => Some(reason.to_owned()),
            Some(Found::Nothing) | None => None,
        };
        Ok(Told { id: text(chunk.id).map(Cow::into_owned), stop_reason, usage: counts.canon().unwrap_or_default() })
    })
}
