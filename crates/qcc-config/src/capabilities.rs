//! `providers[].capabilities`: what the user knows of a model at a provider. The one list of keys gives what may be
//! written, its schema and what is in force.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::Problems;
use crate::value::{At, words};

macro_rules! capabilities {
    ($($(#[$doc:meta])* $key:ident: $kind:ty,)*) => {
        /// What is known of the models that a glob names. What is not written is as qcc knows it.
        #[derive(Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Capabilities")]
        pub(crate) struct Written {
            /// Tokens of prompt and answer together. A prompt that surely has more is not sent there.
            #[schemars(extend("minimum" = 1))]
            context: Option<At<u32>>,
            /// Tokens of an answer at most; who asks for more gets these.
            #[schemars(extend("minimum" = 1))]
            max_output: Option<At<u32>>,
            $($(#[$doc])* $key: Option<At<$kind>>,)*
            /// How hard it can be told to try, where that is not all that its dialect has words for.
            efforts: Option<Vec<At<Effort>>>,
            /// Members of requests that are left out.
            refused: Option<Vec<At<Member>>>,
        }

        /// What is known of the models that a glob names; `None` where nothing is.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Capabilities {
            /// Tokens of prompt and answer together.
            pub context: Option<u32>,
            /// Tokens of an answer at most.
            pub max_output: Option<u32>,
            $($(#[$doc])* pub $key: Option<$kind>,)*
            /// How hard it can be told to try.
            pub efforts: Option<Vec<Effort>>,
            /// Members of requests that are left out.
            pub refused: Vec<Member>,
        }

        impl Written {
            /// The values; faults are noted.
            pub(crate) fn resolve(&self, problems: &mut Problems<'_>) -> Capabilities {
                Capabilities {
                    context: tokens(self.context.as_ref(), problems),
                    max_output: tokens(self.max_output.as_ref(), problems),
                    $($key: self.$key.as_ref().and_then(|at| at.get(problems)),)*
                    efforts: self.efforts.as_ref().map(|all| all.iter().filter_map(|at| at.get(problems)).collect()),
                    refused: self.refused.iter().flatten().filter_map(|at| at.get(problems)).collect(),
                }
            }
        }
    };
}

capabilities! {
    /// Whether the limit of an answer is called `max_completion_tokens` and not `max_tokens` (type openai).
    max_completion_tokens: bool,
    /// Whether images are read. A request with some is not sent to a model that reads none.
    images: bool,
    /// Whether documents such as PDFs are read. A request with some is not sent to a model that reads none.
    documents: bool,
    /// Whether tools can be given. A request with some is not sent to a model that has none.
    tools: bool,
    /// Whether a call can be forced: always, only of some tool, only without thinking, never. Else it is left to the model.
    forced_tools: Forced,
    /// Whether one can say how many tools may be called at once.
    parallel_tools: bool,
    /// Whether the input of a tool can be bound to its schema.
    strict_tools: bool,
    /// In which ways it can be told to think: never, on a budget, as it sees fit, either, always (it cannot be told not to), between_tools (or at least between calls).
    thinking: Thinks,
    /// Whether one can say how hard it tries.
    effort: bool,
    /// Whether every message of the model has to come back with what it thought (type openai).
    needs_thinking: bool,
    /// Whether it goes on with words of its own that the conversation ends with.
    prefill: bool,
    /// Whether the operator may speak in mid-conversation; else he speaks as the user there.
    mid_system: bool,
    /// Whether the operator is called `developer` and not `system` (type openai).
    developer_role: bool,
    /// Whether temperature, top_p and top_k are taken.
    sampling: bool,
    /// Whether texts that end the answer are taken.
    stop: bool,
    /// Whether the answer can be bound to a schema; else the model is told it.
    schemas: bool,
    /// Whether answers come as a stream: as asked, or only so, or never; the client gets what it asked for.
    streams: Streams,
    /// Whether tools that only the client's own vendor runs are left out, instead of asking another provider.
    drop_server_tools: bool,
}

/// Whether a call can be forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// It can.
    Always,
    /// Only of some tool, not which.
    SomeTool,
    /// As long as the model does not think.
    WithoutThinking,
    /// It cannot.
    Never,
}

words!(Forced {
    "always" => Self::Always,
    "some_tool" => Self::SomeTool,
    "without_thinking" => Self::WithoutThinking,
    "never" => Self::Never,
});

/// In which ways a model can be told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinks {
    /// In none.
    Never,
    /// On a budget, or not.
    Budget,
    /// On a budget, as it sees fit, or not.
    Either,
    /// As it sees fit, or not.
    Adaptive,
    /// As it sees fit; not to think cannot be asked.
    Always,
    /// As it sees fit, or at least between calls.
    BetweenTools,
}

words!(Thinks {
    "never" => Self::Never,
    "budget" => Self::Budget,
    "either" => Self::Either,
    "adaptive" => Self::Adaptive,
    "always" => Self::Always,
    "between_tools" => Self::BetweenTools,
});

/// Whether answers come as a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// As asked.
    Both,
    /// Always.
    Only,
    /// Never.
    Never,
}

words!(Streams { "both" => Self::Both, "only" => Self::Only, "never" => Self::Never });

/// How hard a model is told to try; the words are those of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort(pub &'static str);

words!(Effort {
    "none" => Self("none"),
    "minimal" => Self("minimal"),
    "low" => Self("low"),
    "medium" => Self("medium"),
    "high" => Self("high"),
    "xhigh" => Self("xhigh"),
    "max" => Self("max"),
});

/// A member that is left out; the words are those of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member(pub &'static str);

words!(Member {
    "top_p" => Self("top_p"),
    "top_k" => Self("top_k"),
    "seed" => Self("seed"),
    "presence_penalty" => Self("presence_penalty"),
    "frequency_penalty" => Self("frequency_penalty"),
    "prompt_cache_key" => Self("prompt_cache_key"),
    "user" => Self("user"),
    "tool_choice" => Self("tool_choice"),
    "tool_choice_none" => Self("tool_choice_none"),
    "response_format" => Self("response_format"),
    "cache_control" => Self("cache_control"),
    "stream_options" => Self("stream_options"),
    "reasoning_content" => Self("reasoning_content"),
    "reasoning_summary" => Self("reasoning_summary"),
    "attribution" => Self("attribution"),
});

/// A number of tokens: not none.
fn tokens(at: Option<&At<u32>>, problems: &mut Problems<'_>) -> Option<u32> {
    let at = at?;
    let tokens = at.get(problems)?;
    if tokens == 0 {
        problems.add(at.place, "0 tokens are no limit", "write a number of tokens such as `200000`, or remove the key");
    }
    Some(tokens)
}
