//! Values that a refusal tells to be possible: how long an answer may be, how hard a model can be told to try.

use crate::canon::Effort;
use crate::capabilities::Efforts;

/// Least limit that is believed: smaller numbers in such a text are something else.
const LEAST: u64 = 256;

/// The greatest number of a text below what was asked: the limit, for what was asked is above it and what else stands there
/// (versions in names of models) is small, or a date.
pub(super) fn limit(text: &str, asked: u64) -> Option<u64> {
    numbers(text).into_iter().filter(|number| (LEAST..asked).contains(number)).max()
}

/// What of its context a model has left for the answer, where a text says that prompt and answer together are too long and
/// `sent` was the limit of the answer. A little less, for some providers say "about".
pub(super) fn room(text: &str, sent: u64) -> Option<u64> {
    let after = |mark: &str| numbers(&text[text.find(mark)? + mark.len()..]).into_iter().next();
    let context = after(" > ").or_else(|| after("context"))?;
    let all = numbers(text);
    if !all.contains(&sent) || sent >= context.saturating_mul(2) {
        return None;
    }
    // What is more than the context is the sum, or else the prompt alone, which is none the less too long without the answer.
    let sum = all.iter().copied().max().filter(|sum| *sum > context);
    let part =
        || all.iter().copied().find(|part| *part != sent && part.saturating_add(sent) > context && *part < context);
    let prompt =
        sum.map(|sum| sum.saturating_sub(sent)).or_else(part).filter(|prompt| (1..context).contains(prompt))?;
    (context - prompt).checked_sub(context / 256)
}

fn numbers(text: &str) -> Vec<u64> {
    let plain = text.replace("'", "").replace(',', "");
    let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter_map(|word| word.parse::<u64>().ok()).collect()
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
