//! What a client asks.

use super::{Image, Json};

/// A request for an answer of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The model as the client named it.
    pub model: String,
    /// What stands before the conversation.
    pub system: Vec<Text>,
    /// The conversation, as the client divided it.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it has to. `None`: the client did not say.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once. `None`: the client did not say.
    pub parallel_tools: Option<bool>,
    /// Tokens of the answer at most.
    pub max_tokens: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// 0 to 2, as the client's dialect has it.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// How many of the most likely tokens are drawn from.
    pub top_k: Option<u64>,
    /// Whether and how long the model thinks first.
    pub thinking: Option<Thinking>,
    /// How hard it tries.
    pub effort: Option<Effort>,
    /// The form of the answer.
    pub format: Option<Format>,
    /// A name of the end user, opaque.
    pub user: Option<String>,
    /// Whether the answer comes as a stream.
    pub stream: bool,
    /// Whether a stream ends with token counts, in a dialect where that is the client's to say.
    pub include_usage: bool,
    /// Tools that the client's dialect knows by more than a name: whoever tells the client of a call has to know.
    pub client_tools: Vec<ClientTool>,
    /// Members of the client's dialect that have no place here, by name; those from further in by the way to them without
    /// indices, such as `tools.defer_loading`, each once. Each is a loss unless the target knows it.
    pub others: Vec<(String, Json)>,
}

impl Request {
    /// The member that asks for an answer of another form than providers of other dialects can give, and why they cannot.
    #[must_use]
    pub fn answered_otherwise(&self) -> Option<(&str, &'static str)> {
        self.others.iter().find_map(|(name, value)| {
            let why = match name.as_str() {
                "functions" | "function_call" | "messages.function_call" => {
                    "this old form of tools is answered by the client's own dialect alone"
                }
                "n" => "of several answers one could be brought back",
                "audio" => "it answers in text",
                "modalities" if value.text().contains("audio") => "it answers in text",
                _ => return None,
            };
            Some((name.as_str(), why))
        })
    }

    /// Whether the client says anywhere up to where the prompt is to be cached.
    #[must_use]
    pub fn marks_the_cache(&self) -> bool {
        let marked = |tool: &Tool| matches!(tool, Tool::Custom { cache: Some(_), .. });
        self.system.iter().any(|text| text.cache.is_some())
            || self.tools.iter().any(marked)
            || self.turns.iter().flat_map(|turn| &turn.parts).any(Part::marks_the_cache)
    }

    /// The member by which the client counts on what one provider has kept of the conversation, or is to keep. `None`: any
    /// provider can answer.
    #[must_use]
    pub fn kept_elsewhere(&self) -> Option<&str> {
        const KEPT: &[&str] = &[
            "previous_response_id",
            "conversation",
            "prompt",
            "input.item_reference",
            "input.compaction",
            "background",
        ];
        self.others.iter().map(|(name, _)| name.as_str()).find(|name| KEPT.contains(name))
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, and the results of tools.
    User,
    /// The model.
    Assistant,
    /// The operator, in mid-conversation.
    System,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
}

/// How long the prompt up to here is to be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Five minutes.
    Short,
    /// An hour.
    Long,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The text itself; may be empty in a client's history.
    pub text: String,
    /// Whether the prompt cache has a breakpoint after it.
    pub cache: Option<Cache>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// An image.
    Image(Image),
    /// A document.
    Document(Document),
    /// A result of a search that the client made.
    SearchResult(SearchResult),
    /// What the model thought.
    Thinking(Thought),
    /// What it thought, sealed by its vendor.
    Redacted(String),
    /// A call.
    ToolUse(ToolUse),
    /// What came of a call.
    ToolResult(ToolResult),
    /// A block that only the client's own dialect knows, such as a server tool's.
    Other {
        /// Its type, as on the wire.
        kind: String,
        /// All of it.
        raw: Json,
    },
}

impl Part {
    fn marks_the_cache(&self) -> bool {
        match self {
            Self::Text(text) => text.cache.is_some(),
            Self::Image(image) => image.cache.is_some(),
            Self::Document(document) => document.cache.is_some(),
            Self::ToolResult(result) => result.cache.is_some() || result.parts.iter().any(Self::marks_the_cache),
            Self::SearchResult(_) | Self::Thinking(_) | Self::Redacted(_) | Self::ToolUse(_) | Self::Other { .. } => {
                false
            }
        }
    }
}

/// Where something is.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// In the request.
    Base64 {
        /// Such as `image/png`.
        media_type: String,
        /// The bytes in base64.
        data: String,
    },
    /// At an address that the provider would have to fetch.
    Url(String),
    /// In the files of one account.
    File(String),
    /// Plain text.
    Text(String),
    /// Made of parts.
    Parts(Vec<Part>),
}

/// A document, such as a PDF.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Where it is.
    pub source: Source,
    /// What it is called.
    pub title: Option<String>,
    /// What the client says about it.
    pub context: Option<String>,
    /// Whether the answer is to cite it.
    pub citations: bool,
    /// As [`Text::cache`].
    pub cache: Option<Cache>,
}

/// A result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// Where it was found.
    pub source: String,
    /// What it is called.
    pub title: String,
    /// What it says.
    pub texts: Vec<String>,
}

/// What a model thought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thought {
    /// The text; may be empty where only the signature is shown.
    pub text: String,
    /// What proves to its vendor that it is whole. Empty or none: it is not signed.
    pub signature: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolUse {
    /// Names the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// An object.
    pub input: Json,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// Of which call.
    pub id: String,
    /// Text, images, documents; may be nothing.
    pub parts: Vec<Part>,
    /// Whether the call failed.
    pub is_error: bool,
    /// As [`Text::cache`].
    pub cache: Option<Cache>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// One that the client runs.
    Custom {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// JSON Schema of its input.
        schema: Json,
        /// Whether the input has to fit the schema exactly. `None`: the client did not say.
        strict: Option<bool>,
        /// As [`Text::cache`].
        cache: Option<Cache>,
    },
    /// One that only the client's own dialect knows.
    Other {
        /// Its type, as on the wire.
        kind: String,
        /// Its name, where it has one.
        name: Option<String>,
        /// All of it.
        raw: Json,
    },
}

/// A tool that the client's dialect knows by more than a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTool {
    /// Its name in the neutral form.
    pub name: String,
    /// The client's name of it.
    pub own: String,
    /// The group of tools that it is in.
    pub group: Option<String>,
    /// Whether its input is a text. Here it is an object whose one member is that text.
    pub plain: bool,
}

/// Whether the model has to call a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// Some tool.
    Any,
    /// This one.
    Tool(String),
    /// None at all.
    None,
}

/// Whether a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// It does not.
    Disabled,
    /// As long as it sees fit.
    Adaptive,
    /// At most so many tokens.
    Budget(u64),
}

/// How hard a model tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// `none`
    None,
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    XHigh,
    /// `max`
    Max,
}

impl Effort {
    /// All of them, the least first.
    pub const ALL: [Self; 7] = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// As most dialects write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// The form that the answer has to have.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Some JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// What the schema is called.
        name: Option<String>,
        /// The schema.
        schema: Json,
        /// Whether it has to fit exactly.
        strict: Option<bool>,
    },
}
