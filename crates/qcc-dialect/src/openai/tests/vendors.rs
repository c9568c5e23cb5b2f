//! Which vendor is known from what, and that each differs as it should.

use super::*;
use crate::openai::traits::{Forced, Formats, History, Images, Reasoning, ToolIds};

#[test]
fn the_vendor_is_known_by_the_host() {
    let table = [
        ("https://api.openai.com/v1", Vendor::OpenAi),
        ("https://eu.api.openai.com", Vendor::OpenAi),
        ("https://x.openai.azure.com/openai/v1", Vendor::OpenAi),
        ("https://openrouter.ai/api/v1", Vendor::OpenRouter),
        ("https://api.deepseek.com", Vendor::DeepSeek),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", Vendor::Qwen),
        ("https://api.moonshot.cn/v1", Vendor::Kimi),
        ("https://api.kimi.com/coding/v1", Vendor::Kimi),
        ("https://open.bigmodel.cn/api/paas/v4", Vendor::Glm),
        ("https://api.z.ai/api/coding/paas/v4", Vendor::Glm),
        ("https://api.groq.com/openai/v1", Vendor::Groq),
        ("https://api.mistral.ai/v1", Vendor::Mistral),
        ("http://127.0.0.1:11434/v1", Vendor::Ollama),
        ("http://[::1]:11434/v1", Vendor::Ollama),
        ("http://user:key@API.OpenAI.com.:443/v1", Vendor::OpenAi),
        ("http://127.0.0.1:8000/v1", Vendor::Unknown),
        ("http://[::1]/v1", Vendor::Unknown),
        ("https://notopenai.com/v1", Vendor::Unknown),
        ("https://openai.com.evil.example/v1", Vendor::Unknown),
        ("https://relay.example/openai.com", Vendor::Unknown),
        ("", Vendor::Unknown),
    ];
    for (base, vendor) in table {
        assert_eq!(Vendor::of(base), vendor, "{base}");
        assert_eq!(Traits::of(base).vendor, vendor, "{base}");
    }
}

#[test]
fn every_vendor_differs_in_what_the_table_says() {
    let table = [
        (Vendor::OpenAi, true, Forced::Yes, History::Never, Images::Fetched, Formats::Schema, 4),
        (Vendor::OpenRouter, false, Forced::Yes, History::Always, Images::Fetched, Formats::Schema, 4),
        (Vendor::DeepSeek, false, Forced::WithoutThinking, History::Required, Images::None, Formats::Object, 16),
        (Vendor::Qwen, false, Forced::WithoutThinking, History::ToolLoop, Images::Fetched, Formats::Schema, 4),
        (Vendor::Kimi, false, Forced::WithoutThinking, History::Always, Images::Inline, Formats::Schema, 5),
        (Vendor::Glm, false, Forced::No, History::Always, Images::Fetched, Formats::Object, 1),
        (Vendor::Groq, true, Forced::Yes, History::Never, Images::Fetched, Formats::Schema, 4),
        (Vendor::Mistral, false, Forced::Yes, History::Never, Images::Fetched, Formats::Schema, 4),
        (Vendor::Vllm, false, Forced::Yes, History::ToolLoop, Images::Fetched, Formats::Schema, 4),
        (Vendor::Ollama, false, Forced::Yes, History::ToolLoop, Images::Inline, Formats::Schema, 4),
        (Vendor::Unknown, false, Forced::Yes, History::ToolLoop, Images::Fetched, Formats::Schema, 4),
    ];
    for (vendor, completion, forced, history, images, formats, stops) in table {
        let traits = vendor.traits();
        let found =
            (traits.max_completion_tokens, traits.forced, traits.history, traits.images, traits.formats, traits.stops);
        assert_eq!(found, (completion, forced, history, images, formats, stops), "{vendor:?}");
        assert_eq!(traits.tool_ids == ToolIds::NineLetters, vendor == Vendor::Mistral);
        assert_eq!(traits.stream_options, vendor != Vendor::Mistral);
    }
}

#[test]
fn some_models_differ_from_their_vendor() {
    let traits = |vendor: Vendor, model: &str| vendor.traits().settled(model);
    for model in ["gpt-5.1", "gpt-5-mini-2025-08-07", "o1", "o4-mini", "gpt-6", "codex-mini"] {
        let found = traits(Vendor::OpenAi, model);
        assert_eq!((found.sampling, found.stops, found.developer), (false, 0, true), "{model}");
        let relayed = traits(Vendor::Unknown, &format!("openai/{model}"));
        assert_eq!((relayed.max_completion_tokens, relayed.sampling), (true, false), "{model}");
    }
    for model in ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "chatgpt-4o-latest", "gpt-5-chat-latest", "ft:gpt-4o:me"] {
        let found = traits(Vendor::OpenAi, model);
        assert_eq!((found.sampling, found.reasoning, found.developer), (true, Reasoning::None, false), "{model}");
    }
    assert_eq!(traits(Vendor::Unknown, "deepseek-v4").history, History::Required);
    assert_eq!(traits(Vendor::Unknown, "llama-4"), Vendor::Unknown.traits());
    assert_eq!(traits(Vendor::Kimi, "moonshot-v1-8k").reasoning, Reasoning::None);
}
