//! Who is tested: the official SDKs, one entry for each of their APIs, and the two agents.

use crate::install::{Package, Registry};

/// A client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) package: Package,
    pub(crate) kind: Kind,
}

/// How a client is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By this driver.
    Python(&'static str),
    /// By this driver.
    Node(&'static str),
    /// By itself.
    Codex,
    /// By itself.
    Claude,
}

const ANTHROPIC_PYTHON: Package = Package { registry: Registry::PyPi, name: "anthropic", version: "2.12.0" };
const OPENAI_PYTHON: Package = Package { registry: Registry::PyPi, name: "openai", version: "3.54.0" };
const ANTHROPIC_NODE: Package = Package { registry: Registry::Npm, name: "@anthropic-ai/sdk", version: "1.12.0" };
const OPENAI_NODE: Package = Package { registry: Registry::Npm, name: "openai", version: "7.57.0" };
const CODEX: Package = Package { registry: Registry::Npm, name: "@openai/codex", version: "0.169.0" };
const CLAUDE: Package = Package { registry: Registry::Npm, name: "@anthropic-ai/claude-code", version: "2.1.330" };

/// Every client.
pub(crate) const ALL: [Client; 8] = [
    Client { name: "anthropic-python", package: ANTHROPIC_PYTHON, kind: Kind::Python("anthropic_messages.py") },
    Client { name: "anthropic-node", package: ANTHROPIC_NODE, kind: Kind::Node("anthropic_messages.mjs") },
    Client { name: "chat-python", package: OPENAI_PYTHON, kind: Kind::Python("openai_chat.py") },
    Client { name: "chat-node", package: OPENAI_NODE, kind: Kind::Node("openai_chat.mjs") },
    Client { name: "responses-python", package: OPENAI_PYTHON, kind: Kind::Python("openai_responses.py") },
    Client { name: "responses-node", package: OPENAI_NODE, kind: Kind::Node("openai_responses.mjs") },
    Client { name: "codex", package: CODEX, kind: Kind::Codex },
    Client { name: "claude-code", package: CLAUDE, kind: Kind::Claude },
];

impl Client {
    /// What must be on the machine to run it.
    pub(crate) fn needs(&self) -> &'static str {
        match self.kind {
            Kind::Python(_) => "python3",
            Kind::Node(_) | Kind::Codex | Kind::Claude => "node",
        }
    }

    /// Whether it is an SDK, which does what its driver says, or an agent, which does as it likes.
    pub(crate) fn is_agent(&self) -> bool {
        matches!(self.kind, Kind::Codex | Kind::Claude)
    }

    /// Whether it gives back signatures of thinking as it got them.
    pub(crate) fn keeps_signatures(&self) -> bool {
        !self.name.starts_with("chat-")
    }
}
