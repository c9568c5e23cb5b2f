//! Requests in the shape of Claude Code 2.1.197, as measured on its wire: header order, the betas, the session id in a
//! header and again inside `metadata.user_id`, three system blocks, a second message with the role `system`, and tools
//! that make up most of the size.

use serde_json::{Value, json};

use crate::client::Request;

/// The version whose traffic this imitates.
const VERSION: &str = "2.1.197";

/// The session that [`claude_request`] belongs to.
pub const SESSION: &str = "6f1c9a52-3f6e-4c0b-9d8a-2b7e51c0a4d3";

const DEVICE: &str = "3b8f0c6de1a2945778c0aa41f2bd6e9350c7d1e88f64a2b90d13e5c7f6a8b4d2";

/// A Claude Code request under construction.
#[derive(Debug, Clone)]
pub struct Claude {
    model: String,
    stream: bool,
    kilobytes: usize,
    session: String,
    agent: Option<String>,
    words: String,
}

impl Claude {
    /// A first turn with this model.
    #[must_use]
    pub fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            stream: true,
            kilobytes: 0,
            session: SESSION.to_owned(),
            agent: None,
            words: "List the files here.".to_owned(),
        }
    }

    /// Asks for a stream or for a whole answer (then the field is absent, as in its non-streaming fall-back).
    #[must_use]
    pub fn stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Makes the body about so many kB (1000 bytes) large; the smallest is about 3.
    #[must_use]
    pub fn kilobytes(mut self, kilobytes: usize) -> Self {
        self.kilobytes = kilobytes;
        self
    }

    /// Belongs to this session.
    #[must_use]
    pub fn session(mut self, session: &str) -> Self {
        session.clone_into(&mut self.session);
        self
    }

    /// Comes from a sub-agent: the session stays, a header and a mark in the billing line are added.
    #[must_use]
    pub fn agent(mut self, agent: &str) -> Self {
        self.agent = Some(agent.to_owned());
        self
    }

    /// What the user says.
    #[must_use]
    pub fn says(mut self, words: &str) -> Self {
        words.clone_into(&mut self.words);
        self
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request {
        let body = self.body().to_string();
        let mut request = Request::new("POST", "/v1/messages?beta=true")
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("User-Agent", &format!("claude-cli/{VERSION} (external, sdk-cli)"))
            .header("X-Claude-Code-Session-Id", &self.session)
            .header("X-Stainless-Arch", "x64")
            .header("X-Stainless-Lang", "js")
            .header("X-Stainless-OS", "Linux")
            .header("X-Stainless-Package-Version", "0.94.0")
            .header("X-Stainless-Retry-Count", "0")
            .header("X-Stainless-Runtime", "node")
            .header("X-Stainless-Runtime-Version", "v24.3.0")
            .header("X-Stainless-Timeout", if self.stream { "600" } else { "300" })
            .header("anthropic-beta", self.betas())
            .header("anthropic-dangerous-direct-browser-access", "true")
            .header("anthropic-version", "2023-06-01");
        if let Some(agent) = &self.agent {
            request = request.header("x-claude-code-agent-id", agent);
        }
        request
            .header("x-api-key", "client-key")
            .header("x-app", "cli")
            .header("Connection", "keep-alive")
            .header("Host", "")
            .header("Accept-Encoding", "gzip, deflate, br, zstd")
            .header("Content-Length", "")
            .body(body)
    }

    fn is_haiku(&self) -> bool {
        self.model.contains("haiku")
    }

    /// Only the names of betas differ between real requests; a gateway must not read them, so some suffice.
    fn betas(&self) -> &'static str {
        if self.is_haiku() {
            return "interleaved-thinking-2025-05-14,context-management-2025-06-27,\
                    prompt-caching-scope-2026-01-05,claude-code-20250219";
        }
        "claude-code-20250219,interleaved-thinking-2025-05-14,redact-thinking-2026-02-12,\
         context-management-2025-06-27,prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,\
         effort-2025-11-24"
    }

    fn body(&self) -> Value {
        let user = json!({"device_id": DEVICE, "account_uuid": "", "session_id": self.session}).to_string();
        let mut body = json!({
            "model": self.model,
            "messages": self.messages(),
            "system": self.system(),
            "tools": [],
            "metadata": {"user_id": user},
            "max_tokens": if self.is_haiku() { 32_000 } else { 64_000 },
            "thinking": if self.is_haiku() {
                json!({"type": "enabled", "budget_tokens": 31_999})
            } else {
                json!({"type": "adaptive"})
            },
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        });
        if !self.is_haiku() {
            body["output_config"] = json!({"effort": "high"});
        }
        if self.stream {
            body["stream"] = json!(true);
        }
        let missing = (self.kilobytes * 1000).saturating_sub(body.to_string().len());
        body["tools"] = tools(missing);
        body
    }

    fn messages(&self) -> Value {
        let words = json!([{"type": "text", "text": self.words, "cache_control": {"type": "ephemeral"}}]);
        let user = json!({"role": "user", "content": words});
        if self.is_haiku() {
            return json!([user]);
        }
        // The beta `mid-conversation-system`: a converter that knows two roles only loses this message.
        json!([user, {"role": "system", "content": "The working directory is /home/user/project."}])
    }

    fn system(&self) -> Value {
        let mark = if self.agent.is_some() { " cc_is_subagent=true;" } else { "" };
        let billing = format!("x-anthropic-billing-header: cc_version={VERSION}.5c1; cc_entrypoint=sdk-cli;{mark}");
        json!([
            {"type": "text", "text": billing},
            {
                "type": "text",
                "text": "You are Claude Code, Anthropic's official CLI for Claude.",
                "cache_control": {"type": "ephemeral"}
            },
            {"type": "text", "text": filler(1500), "cache_control": {"type": "ephemeral"}}
        ])
    }
}

/// A Claude Code request of about `kilobytes` kB in the session [`SESSION`].
#[must_use]
pub fn claude_request(model: &str, stream: bool, kilobytes: usize) -> Request {
    Claude::new(model).stream(stream).kilobytes(kilobytes).request()
}

/// Tools that are together about `bytes` long, and one at least. Real ones are about 2 kB each.
fn tools(bytes: usize) -> Value {
    const EACH: usize = 2000;
    let count = (bytes / EACH).clamp(1, 25);
    (0..count).map(|index| tool(index, bytes / count)).collect()
}

fn tool(index: usize, bytes: usize) -> Value {
    let described = |description: String| {
        json!({
            "name": format!("Tool{index}"),
            "description": description,
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
                "additionalProperties": false
            }
        })
    };
    let bare = described(String::new()).to_string().len();
    described(filler(bytes.saturating_sub(bare + 1)))
}

/// So many bytes of prose, so that a tokenizer or a compressor meets something like text.
fn filler(bytes: usize) -> String {
    "Reads a file from the disk and returns its lines with numbers. ".chars().cycle().take(bytes).collect()
}
