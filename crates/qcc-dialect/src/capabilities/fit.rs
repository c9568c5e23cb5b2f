//! Whether a request can be put to a model at all: not with images that it does not read, tools that it cannot call, or
//! more words than it has room for. Left out, each would make another request of it.

use super::Capabilities;
use crate::canon::{Document, Losses, Part, Request, Source, Tool, ToolChoice, Unfit};

/// Checks it against what is known of the target.
///
/// # Errors
/// What the target cannot take as it is meant.
pub(crate) fn check(request: &Request, capabilities: &Capabilities) -> Result<(), Unfit> {
    let refuse = |what: &'static str, why: &'static str| Err(Unfit { what: what.into(), why: why.into() });
    if capabilities.tools == Some(false) && uses_tools(request) {
        return refuse("tools", "the model cannot call tools");
    }
    if capabilities.images == Some(false) && any(request, &|part| matches!(part, Part::Image(_))) {
        return refuse("messages.content.image", "the model reads no images");
    }
    if capabilities.documents == Some(false) && any(request, &is_file) {
        return refuse("messages.content.document", "the model reads no documents");
    }
    room(request, capabilities)
}

/// Checks that the model has room for it.
///
/// # Errors
/// Where it surely has not.
pub(crate) fn room(request: &Request, capabilities: &Capabilities) -> Result<(), Unfit> {
    if let Some(most) = capabilities.context
        && let Some(least) = least_tokens(request, most)
    {
        return Err(Unfit::too_long(least, most));
    }
    Ok(())
}

/// Whether the model may call something. Calls of before are told as they were.
fn uses_tools(request: &Request) -> bool {
    !request.tools.is_empty() && request.tool_choice != Some(ToolChoice::None)
}

/// Documents of text are sent as text where files are not read.
fn is_file(part: &Part) -> bool {
    let Part::Document(Document { source, .. }) = part else { return false };
    match source {
        Source::Base64 { media_type, .. } => !media_type.starts_with("text/"),
        Source::Url(_) | Source::File(_) => true,
        Source::Text(_) | Source::Parts(_) => false,
    }
}

/// Whether any part of the conversation is such, also within others.
fn any(request: &Request, is: &dyn Fn(&Part) -> bool) -> bool {
    request.turns.iter().any(|turn| any_of(&turn.parts, is))
}

fn any_of(parts: &[Part], is: &dyn Fn(&Part) -> bool) -> bool {
    parts.iter().any(|part| is(part) || any_of(within(part), is))
}

/// Parts within a part; decoders bound how deep.
fn within(part: &Part) -> &[Part] {
    match part {
        Part::ToolResult(result) => &result.parts,
        Part::Document(Document { source: Source::Parts(parts), .. }) => parts,
        _ => &[],
    }
}

/// How many tokens the text has at least, if that is more than `most`.
///
/// No tokenizer in use joins words: what stands between blanks is a token or more. So this counts words, which for English
/// is about three quarters of the truth, for code a quarter, for Chinese next to nothing, and never more than it. Bytes by
/// four, right on average, would refuse what fits. Images and files, whose bytes say nothing of their tokens, do not count.
fn least_tokens(request: &Request, most: u64) -> Option<u64> {
    let mut bytes = 0;
    texts(request, &mut |text| bytes += text.len() as u64);
    // A word and what separates it from the next are two bytes at least.
    if bytes / 2 < most {
        return None;
    }
    let mut words = 0;
    texts(request, &mut |text| words += text.split_ascii_whitespace().count() as u64);
    (words > most).then_some(words)
}

/// Every text that the model is sure to read.
fn texts(request: &Request, see: &mut dyn FnMut(&str)) {
    for text in &request.system {
        see(&text.text);
    }
    for turn in &request.turns {
        texts_of(&turn.parts, see);
    }
    for tool in &request.tools {
        if let Tool::Custom { description: Some(text), .. } = tool {
            see(text);
        }
    }
}

/// The limit of the answer for a model that gives at most so many tokens.
///
/// # Errors
/// Where none at all is asked for: that warms Anthropic's cache.
pub(crate) fn max_tokens(asked: Option<u64>, most: Option<u64>, losses: &mut Losses) -> Result<Option<u64>, Unfit> {
    match (asked, most) {
        (Some(0), _) => Err(Unfit {
            what: "max_tokens".into(),
            why: "only Anthropic's cache can be warmed without an answer".into(),
        }),
        (Some(asked), Some(most)) if asked > most => {
            losses.add("max_tokens", format!("clamped to {most}"));
            Ok(Some(most))
        }
        (asked, _) => Ok(asked),
    }
}

fn texts_of(parts: &[Part], see: &mut dyn FnMut(&str)) {
    for part in parts {
        match part {
            Part::Text(text) => see(&text.text),
            Part::ToolUse(call) => see(call.input.text()),
            Part::Document(Document { source: Source::Text(text), .. }) => see(text),
            Part::SearchResult(found) => found.texts.iter().for_each(|text| see(text)),
            _ => {}
        }
        texts_of(within(part), see);
    }
}
