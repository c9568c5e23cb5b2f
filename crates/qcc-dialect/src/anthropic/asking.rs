//! Our own small requests: a question that costs next to nothing, what the answer to it says, and which of a provider's
//! models to ask.

use serde::Deserialize;
use serde_json::{Value, json};

/// Words in names of models that are cheaper than their family: Anthropic's, and those of vendors who speak its dialect.
const SMALL: [&str; 8] = ["haiku", "nano", "flash", "lite", "mini", "air", "small", "tiny"];

/// Words in names of models that are dearer, or think before they answer.
const LARGE: [&str; 11] =
    ["opus", "fable", "mythos", "pro", "max", "ultra", "large", "plus", "thinking", "reasoner", "r1"];

/// Words in names of models that hold no conversation.
const MUTE: [&str; 10] =
    ["embedding", "embeddings", "embed", "rerank", "image", "tts", "whisper", "audio", "moderation", "video"];

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// All of its text.
    pub text: String,
    /// It has no text, and its model was thinking when it had to stop.
    pub only_thought: bool,
}

/// The body of a request with one message, answered in one piece.
pub fn question(model: &str, message: &str, max_tokens: u32) -> String {
    json!({"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": message}]}).to_string()
}

/// What a whole answer says. One that is no message says nothing.
pub fn words(body: &[u8]) -> Words {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Message {
        content: Vec<Value>,
        stop_reason: Option<String>,
    }
    let message: Message = serde_json::from_slice(body).unwrap_or_default();
    let text: String = message.content.iter().filter_map(|block| block["text"].as_str()).collect();
    let is_thought = |block: &Value| matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"));
    let only_thought = text.trim().is_empty()
        && message.stop_reason.as_deref() == Some("max_tokens")
        && message.content.iter().all(|block| is_thought(block) || block["text"].is_string());
    Words { text, only_thought }
}

/// The model that costs least, as far as names tell; of equals the first, since lists begin with the newest.
pub fn cheapest<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    names
        .into_iter()
        .filter_map(|name| Some((dearness(name)?, name)))
        .min_by_key(|(dearness, _)| *dearness)
        .map(|(_, name)| name)
}

/// `None`: nobody can talk to it.
fn dearness(name: &str) -> Option<u8> {
    let lower = name.to_ascii_lowercase();
    let has = |list: &[&str]| lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| list.contains(&word));
    (!has(&MUTE)).then(|| match (has(&SMALL), has(&LARGE)) {
        (true, false) => 0,
        (true, true) => 1,
        (false, false) => 2,
        (false, true) => 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&'static str]) -> Option<&'static str> {
        cheapest(names.iter().copied())
    }

    #[test]
    fn the_small_model_of_a_family_is_the_cheapest() {
        assert_eq!(of(&["claude-opus-5-5", "claude-haiku-5-5", "claude-haiku-4-5"]), Some("claude-haiku-5-5"));
        assert_eq!(of(&["glm-5", "glm-4.5-air"]), Some("glm-4.5-air"));
        assert_eq!(of(&["anthropic/claude-sonnet-5", "google/gemini-3-flash"]), Some("google/gemini-3-flash"));
    }

    #[test]
    fn without_a_small_one_the_dear_ones_come_last() {
        assert_eq!(of(&["claude-opus-5-5", "claude-sonnet-5-5"]), Some("claude-sonnet-5-5"));
        assert_eq!(of(&["deepseek-reasoner", "deepseek-chat"]), Some("deepseek-chat"));
        assert_eq!(of(&["claude-opus-5-5"]), Some("claude-opus-5-5"));
    }

    #[test]
    fn a_part_of_a_word_is_no_word() {
        assert_eq!(of(&["minimax-m3", "kimi-k3-flash"]), Some("kimi-k3-flash"));
        assert_eq!(of(&["minimax-m3", "profound-1"]), Some("minimax-m3"));
    }

    #[test]
    fn nobody_talks_to_an_embedding() {
        assert_eq!(of(&["text-embedding-3-small", "gpt-image-mini"]), None);
    }

    #[test]
    fn the_text_of_all_blocks_is_what_an_answer_says() {
        let body = json!({"type": "message", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "AB"}, {"type": "text", "text": "C"},
        ], "stop_reason": "max_tokens"});
        assert_eq!(words(body.to_string().as_bytes()), Words { text: "ABC".to_owned(), only_thought: false });
    }

    #[test]
    fn thoughts_alone_at_the_end_of_the_tokens_are_no_empty_answer() {
        let body = |stop: &str, content: Value| json!({"content": content, "stop_reason": stop}).to_string();
        let thought = json!([{"type": "thinking", "thinking": "The user"}]);
        assert!(words(body("max_tokens", thought.clone()).as_bytes()).only_thought);
        assert!(words(body("max_tokens", json!([])).as_bytes()).only_thought, "its thoughts may be kept back");
        assert!(!words(body("end_turn", thought).as_bytes()).only_thought);
        assert!(!words(b"<html>").only_thought);
    }
}
