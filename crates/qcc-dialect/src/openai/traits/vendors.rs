//! The vendors, each with where it is known from. Members that are not named are as with [`UNKNOWN`].

use super::{Forced, Formats, History, HistoryMember, Images, Reasoning, ToolIds, Traits, UserMember, Vendor};
use crate::canon::Effort;
use crate::capabilities::{Member, Refused};

/// What most take: the common core of those who call themselves compatible. Thinking goes back within a tool loop, for an
/// unsigned thought can only come from a provider that tells thoughts in this dialect.
const UNKNOWN: Traits = Traits {
    vendor: Vendor::Unknown,
    max_completion_tokens: false,
    max_output: None,
    developer: false,
    mid_system: false,
    user_after_results: true,
    forced: Forced::Yes,
    tool_choice: true,
    tool_choice_none: true,
    parallel: true,
    strict: false,
    stream_options: true,
    reasoning: Reasoning::Effort(THREE),
    efforts: None,
    thinks_unasked: false,
    thinks_always: false,
    thinks_when_told: false,
    prefill: false,
    history: History::ToolLoop,
    history_member: HistoryMember::ReasoningContent,
    think_tags: false,
    images: Images::Fetched,
    files: false,
    file_urls: false,
    stops: 4,
    tool_name: 64,
    tool_ids: ToolIds::Any { longest: 64 },
    sampling: true,
    max_temperature: 2.0,
    top_k: false,
    formats: Formats::Schema,
    cache_control: false,
    user: None,
    verbosity: false,
    tools: usize::MAX,
    refused: Refused::NOTHING,
    drop_server_tools: false,
};

const THREE: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High];

/// OpenAI's reference of chat completions. Stop texts and sampling are refused by its reasoning models only, see
/// [`Traits::settled`]; ids of calls above 40 characters with "string too long", more than 128 tools with "array too long".
const OPENAI: Traits = Traits {
    vendor: Vendor::OpenAi,
    max_completion_tokens: true,
    developer: true,
    mid_system: true,
    strict: true,
    reasoning: Reasoning::Effort(&[
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
        Effort::Max,
    ]),
    history: History::Never,
    files: true,
    tool_ids: ToolIds::Any { longest: 40 },
    user: Some(UserMember::SafetyIdentifier),
    verbosity: true,
    tools: 128,
    ..UNKNOWN
};

/// OpenRouter's guides on reasoning tokens, prompt caching, PDFs and parameters; it drops what a model does not take.
const OPENROUTER: Traits = Traits {
    vendor: Vendor::OpenRouter,
    strict: true,
    reasoning: Reasoning::Object,
    history: History::Always,
    history_member: HistoryMember::Reasoning,
    files: true,
    file_urls: true,
    top_k: true,
    cache_control: true,
    user: Some(UserMember::User),
    verbosity: true,
    ..UNKNOWN
};

/// DeepSeek's guides on thinking, JSON output and function calling: text only; it thinks unless told not to; in that mode
/// every message of the model must have its `reasoning_content` and no tool can be forced.
const DEEPSEEK: Traits = Traits {
    vendor: Vendor::DeepSeek,
    forced: Forced::WithoutThinking,
    parallel: false,
    reasoning: Reasoning::Switch(&[Effort::High, Effort::Max]),
    thinks_unasked: true,
    history: History::Required,
    images: Images::None,
    stops: 16,
    formats: Formats::Object,
    ..UNKNOWN
};

/// Alibaba's reference of the compatible mode and its guide on deep thinking: no tool can be forced while it thinks.
const QWEN: Traits = Traits {
    vendor: Vendor::Qwen,
    forced: Forced::WithoutThinking,
    reasoning: Reasoning::Flag,
    max_temperature: 1.99,
    top_k: true,
    ..UNKNOWN
};

/// Moonshot's chat reference and its guide on thinking models: sampling is pinned; images only in the request; up to 5 stop
/// texts; no tool can be forced while it thinks, which it does unless told not to.
const KIMI: Traits = Traits {
    vendor: Vendor::Kimi,
    forced: Forced::WithoutThinking,
    parallel: false,
    reasoning: Reasoning::Switch(&[]),
    thinks_unasked: true,
    history: History::Always,
    images: Images::Inline,
    stops: 5,
    sampling: false,
    max_temperature: 1.0,
    ..UNKNOWN
};

/// Z.ai's reference: `tool_choice` is `auto` alone, one stop text, JSON without a schema, temperature up to 1.
const GLM: Traits = Traits {
    vendor: Vendor::Glm,
    forced: Forced::No,
    tool_choice_none: false,
    parallel: false,
    reasoning: Reasoning::Switch(&[]),
    thinks_unasked: true,
    history: History::Always,
    stops: 1,
    max_temperature: 1.0,
    formats: Formats::Object,
    ..UNKNOWN
};

/// Groq's reference; members that it does not know are refused, so no thinking goes back. Efforts are those of gpt-oss; 128
/// tools at most.
const GROQ: Traits = Traits {
    vendor: Vendor::Groq,
    max_completion_tokens: true,
    history: History::Never,
    user: Some(UserMember::User),
    tools: 128,
    ..UNKNOWN
};

/// How names of Mistral's models begin, whose templates have the same order of messages wherever they run.
const MISTRALS: &[&str] =
    &["mistral", "ministral", "mixtral", "magistral", "devstral", "codestral", "pixtral", "voxtral"];

/// Mistral's reference: members that it does not know are refused (422; its seed has another name), counts come unasked, ids of calls must be nine
/// letters and digits, temperature up to 1.5;
/// a user after a result is refused ("Unexpected role 'user' after role 'tool'").
const MISTRAL: Traits = Traits {
    vendor: Vendor::Mistral,
    user_after_results: false,
    stream_options: false,
    reasoning: Reasoning::None,
    history: History::Never,
    tool_ids: ToolIds::NineLetters,
    max_temperature: 1.5,
    refused: Refused::these(&[Member::PromptCacheKey, Member::Seed]),
    ..UNKNOWN
};

/// vLLM's documents of its compatible server.
const VLLM: Traits = Traits { vendor: Vendor::Vllm, top_k: true, ..UNKNOWN };

/// Ollama's document of its compatible endpoints: images only in the request.
const OLLAMA: Traits = Traits {
    vendor: Vendor::Ollama,
    parallel: false,
    reasoning: Reasoning::Effort(&[Effort::None, Effort::Low, Effort::Medium, Effort::High]),
    history_member: HistoryMember::Reasoning,
    images: Images::Inline,
    ..UNKNOWN
};

/// Ends of hosts, and whose they are.
const HOSTS: &[(&str, Vendor)] = &[
    ("openai.com", Vendor::OpenAi),
    ("openai.azure.com", Vendor::OpenAi),
    ("openrouter.ai", Vendor::OpenRouter),
    ("deepseek.com", Vendor::DeepSeek),
    ("dashscope.aliyuncs.com", Vendor::Qwen),
    ("dashscope-intl.aliyuncs.com", Vendor::Qwen),
    ("dashscope-us.aliyuncs.com", Vendor::Qwen),
    ("maas.aliyuncs.com", Vendor::Qwen),
    ("moonshot.cn", Vendor::Kimi),
    ("moonshot.ai", Vendor::Kimi),
    ("kimi.com", Vendor::Kimi),
    ("bigmodel.cn", Vendor::Glm),
    ("z.ai", Vendor::Glm),
    ("groq.com", Vendor::Groq),
    ("mistral.ai", Vendor::Mistral),
    ("ollama.com", Vendor::Ollama),
];

/// The port on which Ollama listens unless told otherwise.
const OLLAMA_PORT: &str = "11434";

impl Vendor {
    /// The vendor at this address.
    #[must_use]
    pub fn of(base_url: &str) -> Self {
        let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority.as_str(), ""),
        };
        let host = host.trim_end_matches('.');
        let within = |end: &str| host == end || host.strip_suffix(end).is_some_and(|front| front.ends_with('.'));
        let known = HOSTS.iter().find(|(end, _)| within(end)).map(|&(_, vendor)| vendor);
        known.unwrap_or(if port == OLLAMA_PORT { Self::Ollama } else { Self::Unknown })
    }

    /// What this vendor takes and wants.
    #[must_use]
    pub fn traits(self) -> Traits {
        match self {
            Self::OpenAi => OPENAI,
            Self::OpenRouter => OPENROUTER,
            Self::DeepSeek => DEEPSEEK,
            Self::Qwen => QWEN,
            Self::Kimi => KIMI,
            Self::Glm => GLM,
            Self::Groq => GROQ,
            Self::Mistral => MISTRAL,
            Self::Vllm => VLLM,
            Self::Ollama => OLLAMA,
            Self::Unknown => UNKNOWN,
        }
    }
}

impl Traits {
    /// Those for one model, where the vendor's models differ by name.
    #[must_use]
    pub(in crate::openai) fn settled(&self, model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let name = model.rsplit('/').next().unwrap_or_default();
        let mut settled = self.clone();
        settled.user_after_results &= !MISTRALS.iter().any(|family| name.starts_with(family));
        match self.vendor {
            // Its reasoning models refuse sampling and stop texts; the others refuse to be told to think.
            Vendor::OpenAi if is_openai_reasoning(name) => {
                (settled.sampling, settled.stops) = (false, 0);
                settled.verbosity = name.starts_with("gpt-");
            }
            Vendor::OpenAi => {
                (settled.reasoning, settled.developer, settled.verbosity) = (Reasoning::None, false, false);
            }
            // Breakpoints mean something to these models only.
            Vendor::OpenRouter => {
                settled.cache_control &=
                    ["anthropic/", "google/", "qwen/"].iter().any(|maker| model.starts_with(maker));
            }
            Vendor::Kimi => settle_kimi(&mut settled, name),
            Vendor::Groq if !name.contains("gpt-oss") => settled.reasoning = Reasoning::None,
            // A relay hands on to the vendor of the model, which is as strict as ever.
            Vendor::Unknown if is_openai_reasoning(name) => {
                (settled.max_completion_tokens, settled.sampling, settled.stops) = (true, false, 0);
            }
            Vendor::Unknown if name.starts_with("deepseek") => {
                (settled.history, settled.thinks_unasked) = (History::Required, name != "deepseek-chat");
            }
            // The old name of the mode that does not think.
            Vendor::DeepSeek if name == "deepseek-chat" => settled.thinks_unasked = false,
            _ => {}
        }
        settled
    }
}

/// The third generation always thinks, as hard as told, and takes "some tool" but no name; of the second, coder models and
/// those named after it always think; the first does not think and may be sampled.
fn settle_kimi(traits: &mut Traits, name: &str) {
    if name.starts_with("kimi-k3") {
        traits.reasoning = Reasoning::Effort(&[Effort::Low, Effort::High, Effort::Max]);
        traits.forced = Forced::SomeTool;
    } else if name.contains("thinking") || name.contains("-code") {
        (traits.reasoning, traits.forced) = (Reasoning::None, Forced::No);
    } else if name.starts_with("moonshot") || name.starts_with("kimi-k2-") {
        (traits.reasoning, traits.thinks_unasked, traits.sampling) = (Reasoning::None, false, true);
        traits.forced = Forced::SomeTool;
    }
}

/// `o1`, `o3-mini`, `gpt-5.1`, ...; not `gpt-4o`, nor the chat models of later families, which do not think.
fn is_openai_reasoning(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok())
    };
    let o_series = numbered("o").is_some();
    let late = numbered("gpt-").is_some_and(|generation| generation >= 5);
    (o_series || late || name.starts_with("codex")) && !name.contains("-chat")
}
