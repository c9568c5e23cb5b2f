//! What Google says of an error beside its text: a status word instead of a type, and a list of details.
//!
//! Both matter more than the text. "You exceeded your current quota" is said of a minute's limit too, a wrong key comes as
//! 400, and a model that an account cannot have at all comes as a limit of zero.

use std::time::Duration;

use serde_json::Value;

use super::Topic;
use crate::wait::{duration, number};

/// The status word of a limit that is reached.
const EXHAUSTED: &str = "RESOURCE_EXHAUSTED";

/// What the details say.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// `RetryInfo.retryDelay`
    delay: Option<Duration>,
    /// `ErrorInfo.reason`
    reason: Option<String>,
    /// Whether limits were named that are reached, and whether one of them lasts longer than a minute.
    limited: bool,
    long: bool,
    /// Whether one of them is zero.
    none_at_all: bool,
}

impl Details {
    /// Takes over what a list of details says; any list will do.
    pub(super) fn read(&mut self, details: &[Value]) {
        for detail in details {
            let text = |member: &str| detail.get(member).and_then(Value::as_str);
            self.delay = text("retryDelay").and_then(delay).or(self.delay);
            if let Some(reason) = text("reason") {
                self.reason = Some(reason.to_owned());
            }
            for limit in detail.get("violations").and_then(Value::as_array).into_iter().flatten() {
                let Some(id) = limit.get("quotaId").and_then(Value::as_str) else { continue };
                self.limited = true;
                self.long |= ["PerDay", "PerWeek", "PerMonth"].iter().any(|term| id.contains(term));
                self.none_at_all |= limit.get("quotaValue").and_then(Value::as_str) == Some("0");
            }
        }
    }

    /// The word for machines, which the number that is called code is not.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The status that this ought to have. A wrong key is the credential's fault and not the request's.
    pub(super) fn status(&self) -> Option<u16> {
        matches!(self.reason(), Some("API_KEY_INVALID" | "API_KEY_EXPIRED")).then_some(401)
    }

    /// What it is about, by the error's type and code. `None`: that is for the words to say.
    pub(super) fn topic(&self, words: [Option<&str>; 2], message: &str) -> Option<Topic> {
        if !words.contains(&Some(EXHAUSTED)) {
            return None;
        }
        if self.none_at_all || says_zero(message) {
            return Some(Topic::ModelMissing);
        }
        if self.long {
            return Some(Topic::Quota);
        }
        (self.limited || self.wait(words, message).is_some()).then_some(Topic::None)
    }

    /// How long to wait. Relays pass on the text alone, which says it too.
    pub(super) fn wait(&self, words: [Option<&str>; 2], message: &str) -> Option<Duration> {
        let told = || delay(message.split_once("retry in ")?.1.split_whitespace().next()?.trim_end_matches('.'));
        self.delay.or_else(|| if words.contains(&Some(EXHAUSTED)) { told() } else { None })
    }
}

/// `46s`, `0.5s`
fn delay(text: &str) -> Option<Duration> {
    number(text.strip_suffix('s')?).map(duration)
}

/// Whether the text names a limit of zero: `limit: 0, model: ...`
fn says_zero(message: &str) -> bool {
    message.match_indices("limit: 0").any(|(at, found)| {
        let next = message[at + found.len()..].chars().next();
        !next.is_some_and(|letter| letter.is_ascii_digit() || letter == '.')
    })
}

/// Whether a word is one of Google's status words and not another provider's member of that name.
pub(super) fn is_status_word(word: &str) -> bool {
    status_of(word).is_some()
}

/// The HTTP status of a status word.
pub(super) fn status_of(word: &str) -> Option<u16> {
    Some(match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "ABORTED" | "ALREADY_EXISTS" => 409,
        EXHAUSTED => 429,
        "CANCELLED" => 499,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" => 500,
        "UNIMPLEMENTED" => 501,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => return None,
    })
}
