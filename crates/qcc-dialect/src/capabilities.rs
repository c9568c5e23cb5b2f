//! What a model at a provider takes, as data. It comes from several mouths, the later over the earlier: what is shipped
//! for the model's name, what is known of the vendor, what the user configured, and what the provider itself said when it
//! refused something. Only translated requests go by it: between equal dialects nothing is changed unasked.

/// What is known of a model at a provider; `None` where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Tokens of prompt and answer together.
    pub context: Option<u64>,
    /// Tokens of an answer at most.
    pub max_output: Option<u64>,
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
    /// Whether the conversation may end with the model's own words, to go on with.
    pub prefill: Option<bool>,
    /// Whether the operator may speak in mid-conversation.
    pub mid_system: Option<bool>,
    /// Whether `temperature`, `top_p` and `top_k` are taken.
    pub sampling: Option<bool>,
    /// Whether texts that end the answer are taken.
    pub stop: Option<bool>,
    /// Whether the form of the answer can be bound to a schema.
    pub schemas: Option<bool>,
    /// Whether answers come as a stream.
    pub streams: Option<Streams>,
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
    /// What is known, and where nothing is, what `other` knows.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            context: self.context.or(other.context),
            max_output: self.max_output.or(other.max_output),
            images: self.images.or(other.images),
            documents: self.documents.or(other.documents),
            tools: self.tools.or(other.tools),
            forced_tools: self.forced_tools.or(other.forced_tools),
            parallel_tools: self.parallel_tools.or(other.parallel_tools),
            strict_tools: self.strict_tools.or(other.strict_tools),
            thinking: self.thinking.or(other.thinking),
            effort: self.effort.or(other.effort),
            prefill: self.prefill.or(other.prefill),
            mid_system: self.mid_system.or(other.mid_system),
            sampling: self.sampling.or(other.sampling),
            stop: self.stop.or(other.stop),
            schemas: self.schemas.or(other.schemas),
            streams: self.streams.or(other.streams),
            drop_server_tools: self.drop_server_tools.or(other.drop_server_tools),
        }
    }
}
