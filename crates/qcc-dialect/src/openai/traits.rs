//! In what vendors of this dialect differ, as data: what they call things, what they take and what they want back.
//!
//! The vendor is known by the host of its address; a relay's is not, so there some are guessed from the model's name.
//! What is said here is what holds for a vendor as a whole: the limits of one model are for whoever knows models, who may
//! change any of these.

use crate::canon::Effort;
pub use crate::canon::ToolIds;
pub use crate::capabilities::Forced;
use crate::capabilities::{Efforts, Refused};

mod known;
mod vendors;

/// Whose API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// OpenAI, and Azure's copy of it.
    OpenAi,
    /// OpenRouter.
    OpenRouter,
    /// DeepSeek.
    DeepSeek,
    /// Qwen at DashScope.
    Qwen,
    /// Kimi at Moonshot.
    Kimi,
    /// GLM at Z.ai and BigModel.
    Glm,
    /// Groq.
    Groq,
    /// Mistral.
    Mistral,
    /// A server of vLLM.
    Vllm,
    /// A server of Ollama.
    Ollama,
    /// Somebody else: a relay, or a server of one's own.
    Unknown,
}

/// What a provider takes and wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Traits {
    /// Whose API it is.
    pub vendor: Vendor,
    /// Whether the limit of the answer is `max_completion_tokens` and not `max_tokens`.
    pub max_completion_tokens: bool,
    /// Largest limit of the answer that is taken, in tokens. `None`: not known.
    pub max_output: Option<u64>,
    /// Whether the operator is `developer` and not `system`.
    pub developer: bool,
    /// Whether the operator may speak in mid-conversation.
    pub mid_system: bool,
    /// Whether the user may speak right after results, or only after the model has.
    pub user_after_results: bool,
    /// Whether a tool can be forced.
    pub forced: Forced,
    /// Whether `tool_choice` is taken.
    pub tool_choice: bool,
    /// Whether `tool_choice` may be `none`.
    pub tool_choice_none: bool,
    /// Whether `parallel_tool_calls` is taken.
    pub parallel: bool,
    /// Whether tools may be `strict`.
    pub strict: bool,
    /// Whether `stream_options` is taken; without it counts come unasked.
    pub stream_options: bool,
    /// How the model is told to think.
    pub reasoning: Reasoning,
    /// Efforts that the model knows of those that its vendor does. `None`: all.
    pub efforts: Option<Efforts>,
    /// Whether the model thinks where nothing is said of it.
    pub thinks_unasked: bool,
    /// Whether it cannot be told not to.
    pub thinks_always: bool,
    /// Whether it thinks only when told how hard.
    pub thinks_when_told: bool,
    /// Whether it goes on with words of its own that the conversation ends with.
    pub prefill: bool,
    /// Which thinking of the conversation goes back.
    pub history: History,
    /// In which member it goes back.
    pub history_member: HistoryMember,
    /// Whether `<think>` at the beginning of the text is thinking.
    pub think_tags: bool,
    /// Images in messages.
    pub images: Images,
    /// Whether PDFs are read.
    pub files: bool,
    /// Whether PDFs are fetched from an address.
    pub file_urls: bool,
    /// Most texts in `stop`; 0: none are taken.
    pub stops: usize,
    /// Longest name of a tool, in bytes.
    pub tool_name: usize,
    /// What ids of calls look like.
    pub tool_ids: ToolIds,
    /// Whether `temperature` and `top_p` are taken.
    pub sampling: bool,
    /// Highest `temperature`.
    pub max_temperature: f64,
    /// Whether `top_k` is taken.
    pub top_k: bool,
    /// What `response_format` can be.
    pub formats: Formats,
    /// Whether text may carry `cache_control`, as Anthropic's does.
    pub cache_control: bool,
    /// The member that names the end user.
    pub user: Option<UserMember>,
    /// Whether `verbosity` is taken.
    pub verbosity: bool,
    /// Most tools that are taken at once.
    pub tools: usize,
    /// Further members that are left out.
    pub refused: Refused,
    /// Whether tools that only Anthropic can run are left out instead of making the request unfit.
    pub drop_server_tools: bool,
}

/// How the model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasoning {
    /// It is not.
    None,
    /// `reasoning_effort`, one of these.
    Effort(&'static [Effort]),
    /// `reasoning{effort|max_tokens|enabled}`.
    Object,
    /// `thinking{type}`, and `reasoning_effort` if one of these.
    Switch(&'static [Effort]),
    /// `enable_thinking` and `thinking_budget`.
    Flag,
}

/// Which thinking of the conversation goes back to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// None.
    Never,
    /// What came since the user spoke last.
    ToolLoop,
    /// All.
    Always,
    /// All, and every message of the model must have some: also what another vendor's model thought, or an empty one.
    Required,
}

/// In which member thinking goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryMember {
    /// `reasoning_content`
    ReasoningContent,
    /// `reasoning`, and `reasoning_details` where there are any.
    Reasoning,
}

/// Images in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// Not taken.
    None,
    /// In the request.
    Inline,
    /// In the request, or fetched from an address.
    Fetched,
}

/// What `response_format` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formats {
    /// It is not taken.
    None,
    /// `json_object`
    Object,
    /// `json_object` and `json_schema`
    Schema,
}

/// The member that names the end user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserMember {
    /// `safety_identifier`
    SafetyIdentifier,
    /// `user`
    User,
}

impl Traits {
    /// Those of the vendor at this address.
    #[must_use]
    pub fn of(base_url: &str) -> Self {
        Vendor::of(base_url).traits()
    }
}
