//! Values that a refusal tells to be possible: how long an answer may be, how hard a model can be told to try.

use crate::canon::Effort;
use crate::capabilities::Efforts;

/// Least limit that is believed: smaller numbers in such a text are something else.
const LEAST: u64 = 256;

/// The greatest number of a text below what was asked: the limit, for what was asked is above it and what else stands there
/// (versions in names of models) is small, or a date.
pub(super) fn limit(text: &str, asked: u64) -> Option<u64> {
    let plain = text.replace("'", "").replace(',', "");
    let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let numbers = words.filter_map(|word| word.parse::<u64>().ok());
    numbers.filter(|number| (LEAST..asked).contains(number)).max()
}

/// Efforts that a text lists as possible.
pub(super) fn efforts(text: &str) -> Option<Efforts> {
    const BEFORE: &[&str] =
        &["supported values", "valid values", "must be one of", "should be", "allowed values", "one of", "expected"];
    let at = BEFORE.iter().find_map(|before| text.find(before))?;
    let words = text[at..].split(|letter: char| !letter.is_ascii_alphanumeric());
    let known = words.filter_map(|word| Effort::ALL.into_iter().find(|effort| effort.word() == word));
    let efforts = Efforts::these(known);
    (!efforts.is_empty()).then_some(efforts)
}
