//! What a model at a provider takes, as data. It comes from several mouths, the later over the earlier: what is shipped
//! for the model's name, what is known of the vendor, what the user configured, and what the provider itself said when it
//! refused something. Only translated requests go by it: between equal dialects nothing is changed unasked.
//!
//! Each encoder has the usual way of its dialect where nothing is known. What a target lacks and an answer is as good
//! without is a loss; what the request counts on makes it unfit.

pub(crate) mod fit;
mod learned;
mod models;
mod refused;
#[cfg(test)]
mod tests;

pub use learned::Learned;
pub use refused::{Efforts, Member, Refused};

/// What is known of a model at a provider; `None` where nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Tokens of prompt and answer together.
    pub context: Option<u64>,
    /// Tokens of an answer at most.
    pub max_output: Option<u64>,
    /// Whether the limit of an answer is called `max_completion_tokens` and not `max_tokens`, in dialects that have both.
    pub max_completion_tokens: Option<bool>,
    /// Whether images are read.
    pub images: Option<bool>,
    /// Whether documents such as PDFs are read.
    pub documents: Option<bool>,
    /// Whether tools can be given.
    pub tools: Option<bool>,
    /// Whether a tool can be forced.
    pub forced_tools: Option<Forced>,
    /// Whether one can say how many tools may be called at once.
    pub parallel_tools: Option<bool>,
    /// Whether the input of a tool can be bound to its schema.
    pub strict_tools: Option<bool>,
    /// The ways in which the model can be told to think.
    pub thinking: Option<Thinks>,
    /// Whether one can say how hard it tries.
    pub effort: Option<bool>,
    /// How hard it can be told to try, where that is not all that its dialect has words for.
    pub efforts: Option<Efforts>,
    /// Whether every message of the model has to come back with what it thought.
    pub needs_thinking: Option<bool>,
    /// Whether the conversation may end with the model's own words, to go on with.
    pub prefill: Option<bool>,
    /// Whether the operator may speak in mid-conversation.
    pub mid_system: Option<bool>,
    /// Whether the operator is called `developer` and not `system`, in dialects that have both.
    pub developer_role: Option<bool>,
    /// Whether `temperature`, `top_p` and `top_k` are taken.
    pub sampling: Option<bool>,
    /// Whether texts that end the answer are taken.
    pub stop: Option<bool>,
    /// Whether the form of the answer can be bound to a schema.
    pub schemas: Option<bool>,
    /// Whether answers come as a stream.
    pub streams: Option<Streams>,
    /// Further members that are left out.
    pub refused: Refused,
    /// Whether tools that only the client's own vendor can run are left out instead of making the request unfit.
    pub drop_server_tools: Option<bool>,
}

/// Whether a tool can be forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// It can.
    Yes,
    /// Only that some tool is called, not which.
    SomeTool,
    /// As long as the model does not think.
    WithoutThinking,
    /// It cannot.
    No,
}

/// The ways in which a model can be told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinks {
    /// It does not think.
    Never,
    /// With a budget of tokens, or not.
    Budget,
    /// With a budget, as it sees fit, or not.
    Either,
    /// As it sees fit, or not.
    Adaptive,
    /// As it sees fit; it cannot be told not to.
    Always,
    /// As it sees fit, or at least between calls.
    BetweenTools,
}

/// Whether answers come as a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// As asked.
    Both,
    /// Always; who wants an answer in one piece gets it put together.
    Only,
    /// Never; who wants a stream gets one made of the whole answer.
    Never,
}

impl Capabilities {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        context: None,
        max_output: None,
        max_completion_tokens: None,
        images: None,
        documents: None,
        tools: None,
        forced_tools: None,
        parallel_tools: None,
        strict_tools: None,
        thinking: None,
        effort: None,
        efforts: None,
        needs_thinking: None,
        prefill: None,
        mid_system: None,
        developer_role: None,
        sampling: None,
        stop: None,
        schemas: None,
        streams: None,
        refused: Refused::NOTHING,
        drop_server_tools: None,
    };

    /// What is shipped for a model of this name, as any platform writes it: `claude-opus-4-8`,
    /// `anthropic/claude-opus-4.8`, `accounts/fireworks/models/deepseek-v3p1`. Nothing for an unknown one.
    #[must_use]
    pub fn of_model(name: &str) -> Self {
        models::of(name)
    }

    /// What is known, and where nothing is, what `other` knows.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            context: self.context.or(other.context),
            max_output: self.max_output.or(other.max_output),
            max_completion_tokens: self.max_completion_tokens.or(other.max_completion_tokens),
            images: self.images.or(other.images),
            documents: self.documents.or(other.documents),
            tools: self.tools.or(other.tools),
            forced_tools: self.forced_tools.or(other.forced_tools),
            parallel_tools: self.parallel_tools.or(other.parallel_tools),
            strict_tools: self.strict_tools.or(other.strict_tools),
            thinking: self.thinking.or(other.thinking),
            effort: self.effort.or(other.effort),
            efforts: self.efforts.or(other.efforts),
            needs_thinking: self.needs_thinking.or(other.needs_thinking),
            prefill: self.prefill.or(other.prefill),
            mid_system: self.mid_system.or(other.mid_system),
            developer_role: self.developer_role.or(other.developer_role),
            sampling: self.sampling.or(other.sampling),
            stop: self.stop.or(other.stop),
            schemas: self.schemas.or(other.schemas),
            streams: self.streams.or(other.streams),
            refused: self.refused.and(other.refused),
            drop_server_tools: self.drop_server_tools.or(other.drop_server_tools),
        }
    }

    /// Only what is lacking, and how much fits: that holds in whatever dialect the model is reached. What it can do beyond
    /// the usual in its own vendor's dialect, a relay of another one need not know.
    #[must_use]
    pub fn lacks(self) -> Self {
        let lacking = |can: Option<bool>| can.filter(|can| !can);
        Self {
            images: lacking(self.images),
            documents: lacking(self.documents),
            tools: lacking(self.tools),
            forced_tools: self.forced_tools.filter(|forced| *forced != Forced::Yes),
            parallel_tools: lacking(self.parallel_tools),
            strict_tools: lacking(self.strict_tools),
            effort: lacking(self.effort),
            prefill: lacking(self.prefill),
            mid_system: lacking(self.mid_system),
            sampling: lacking(self.sampling),
            stop: lacking(self.stop),
            schemas: lacking(self.schemas),
            ..self
        }
    }
}
