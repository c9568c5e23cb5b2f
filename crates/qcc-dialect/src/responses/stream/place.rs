//! Which part of which item an event tells.

/// What an event adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Text {
        whole: bool,
    },
    Refusal {
        whole: bool,
    },
    /// A thought as it was.
    Thought {
        whole: bool,
    },
    /// A thought in short.
    Summary {
        whole: bool,
    },
    Arguments {
        whole: bool,
    },
    Custom {
        whole: bool,
    },
}

impl Place {
    /// From the kind of an event. None for all that is told elsewhere too, and what this dialect may add.
    pub(super) fn of(kind: &str) -> Option<Self> {
        let (name, whole) = match kind.strip_prefix("response.")?.rsplit_once('.')? {
            (name, "delta") => (name, false),
            (name, "done") => (name, true),
            _ => return None,
        };
        Some(match name {
            "output_text" => Self::Text { whole },
            "refusal" => Self::Refusal { whole },
            "reasoning_text" | "reasoning" => Self::Thought { whole },
            "reasoning_summary_text" | "reasoning_summary" => Self::Summary { whole },
            "function_call_arguments" => Self::Arguments { whole },
            "custom_tool_call_input" => Self::Custom { whole },
            _ => return None,
        })
    }

    /// Whether the event has all of it and not only more.
    pub(super) fn is_whole(self) -> bool {
        match self {
            Self::Text { whole }
            | Self::Refusal { whole }
            | Self::Thought { whole }
            | Self::Summary { whole }
            | Self::Arguments { whole }
            | Self::Custom { whole } => whole,
        }
    }
}
