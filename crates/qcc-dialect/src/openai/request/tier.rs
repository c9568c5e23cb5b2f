//! The tier at which a request is served: a member that OpenAI's two dialects share. Anthropic has one of the same name with
//! words of its own, of which one can be said here.

use crate::canon::Json;

/// What a tier of any client's is for OpenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// What is so anyway need not be said.
    Usual,
    /// This word; see `service_tier` in OpenAI's reference.
    Word(&'static str),
    /// There is no word for it.
    Unknown,
}

pub(crate) fn tier(asked: &Json) -> Tier {
    const WORDS: [&str; 5] = ["default", "flex", "scale", "priority", "fast"];
    let asked = asked.text().trim_matches('"');
    match WORDS.into_iter().find(|word| *word == asked) {
        Some(word) => Tier::Word(word),
        None if asked == "auto" => Tier::Usual,
        // Anthropic's, for capacity that nobody has reserved.
        None if asked == "standard_only" => Tier::Word("default"),
        None => Tier::Unknown,
    }
}
