//! What models of other vendors than the client's are told: how its tools are offered to them, what becomes of blocks that
//! they do not know, and words for what they have no place for. The request writers of all dialects share it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::canon::{Effort, Losses, Request, SearchResult, Text, ToolNames, Unfit};
use crate::capabilities::{Member, Refused};

pub(crate) mod blocks;
pub(crate) mod tools;

/// A request as it is sent.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The body.
    pub body: Bytes,
    /// What the decoder of the answer has to know.
    pub names: ToolNames,
}

/// What a call is told that has no result.
pub(crate) const MISSING: &str = "Interrupted: there is no result of this call.";

/// How the line begins in which Claude Code names its version to Anthropic.
const ATTRIBUTION: &str = "x-anthropic-billing-header:";

/// What the operator says before the conversation.
pub(crate) fn operator<'a>(request: &'a Request, refused: Refused, losses: &mut Losses) -> Vec<&'a Text> {
    let mut texts: Vec<&Text> = request.system.iter().filter(|text| !text.text.trim().is_empty()).collect();
    if refused.has(Member::Attribution) && texts.first().is_some_and(|text| text.text.starts_with(ATTRIBUTION)) {
        texts.remove(0);
        losses.dropped("system.attribution");
    }
    texts
}

/// What was found, as a text.
pub(crate) fn search_result(found: &SearchResult) -> String {
    format!("{}\n{}\n\n{}", found.title, found.source, found.texts.join("\n\n"))
}

/// A text that is given as a file.
pub(crate) fn plain(data: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(data).ok()?).ok()
}

/// Efforts in place of budgets: what vendors' own models think at these efforts, roughly.
pub(crate) fn effort_of(budget: u64) -> Effort {
    match budget {
        0..=2_048 => Effort::Low,
        2_049..=8_192 => Effort::Medium,
        8_193..=24_576 => Effort::High,
        _ => Effort::XHigh,
    }
}

pub(crate) fn unfit(what: &'static str, why: &'static str) -> Unfit {
    Unfit { what: what.into(), why: why.into() }
}
