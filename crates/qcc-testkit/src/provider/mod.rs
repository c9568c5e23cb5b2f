//! A provider that reads what it is asked, as strictly as the real ones of its dialect, and plays a small conversation:
//! it calls tools first, and says what they returned once the results are there. A request that breaks a rule of the
//! dialect is refused with the rule that it breaks, so that a bad translation cannot go unnoticed.

mod anthropic;
mod gemini;
mod openai;
mod responses;
mod rules;

use serde_json::{Value, json};

use crate::replies::{Call, Dialect, Turn, json_body};
use crate::upstream::{Received, Reply, Script};

/// What it plays.
#[derive(Debug, Clone)]
pub struct Provider {
    dialect: Dialect,
    model: String,
    calls: Vec<Call>,
    thought: Option<String>,
    image: Option<String>,
    instruction: Option<String>,
    took_over: bool,
    tires: bool,
}

/// What a request of any dialect says.
#[derive(Debug, Default)]
struct Asked {
    stream: bool,
    /// What stands before the conversation.
    system: String,
    /// The tools that are offered: names and schemas.
    tools: Vec<(String, Value)>,
    /// The calls of the conversation. In a dialect whose calls have no id theirs is their number.
    calls: Vec<Call>,
    /// Id and text of the results, in order.
    results: Vec<(String, String)>,
    /// Images, in base64.
    images: Vec<String>,
}

// === impl Provider ===

impl Provider {
    /// One of this dialect that serves this model, has no tool to call and says hello.
    #[must_use]
    pub fn new(dialect: Dialect, model: &str) -> Self {
        Self {
            dialect,
            model: model.to_owned(),
            calls: Vec::new(),
            thought: None,
            image: None,
            instruction: None,
            took_over: false,
            tires: false,
        }
    }

    /// Calls these tools where they are offered. An id is what its result must name.
    #[must_use]
    pub fn calling(mut self, calls: &[Call]) -> Self {
        self.calls = calls.to_vec();
        self
    }

    /// Thinks this in its first turn.
    #[must_use]
    pub fn thinking(mut self, thought: &str) -> Self {
        self.thought = Some(thought.to_owned());
        self
    }

    /// Refuses a conversation in which this image (base64) is not there, from the user or from a tool, once the tools
    /// have returned.
    #[must_use]
    pub fn looking_at(mut self, image: &str) -> Self {
        self.image = Some(image.to_owned());
        self
    }

    /// Refuses a conversation in which these words do not stand before everything else.
    #[must_use]
    pub fn instructed(mut self, words: &str) -> Self {
        self.instruction = Some(words.to_owned());
        self
    }

    /// Goes on with a conversation in which somebody else has called the tools: their ids are not known.
    #[must_use]
    pub fn taking_over(mut self) -> Self {
        self.took_over = true;
        self
    }

    /// Has too many requests once the tools have returned.
    #[must_use]
    pub fn tiring(mut self) -> Self {
        self.tires = true;
        self
    }

    /// The script of this provider.
    #[must_use]
    pub fn script(self) -> Script {
        Script::new(move |received, _| self.answer(received))
    }

    /// What is said when there is no tool to call.
    #[must_use]
    pub fn hello(dialect: Dialect) -> String {
        format!("Hello from {}.", dialect.name())
    }

    /// What is said when the tools have returned this.
    #[must_use]
    pub fn sentence<'r>(results: impl IntoIterator<Item = &'r str>) -> String {
        format!("The tools say: {}.", results.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// The answer to one request.
    #[must_use]
    pub fn answer(&self, received: &Received) -> Reply {
        if received.method != "POST" {
            return json_body(404, &[], &json!({"error": {"message": "not here", "code": 404}}));
        }
        if received.path.starts_with("/v1/messages/count_tokens") {
            return json_body(200, &[], &json!({"input_tokens": 25}));
        }
        let answer = |asked: Asked| {
            if self.tires && !asked.results.is_empty() {
                return Ok(self.dialect.throttled());
            }
            Ok(self.turn(&asked)?.reply(self.dialect, asked.stream))
        };
        let refuse = |why: String| self.dialect.refusal(&format!("scripted {} provider: {why}", self.dialect.name()));
        self.read(received).and_then(answer).unwrap_or_else(refuse)
    }

    fn read(&self, received: &Received) -> Result<Asked, String> {
        match self.dialect {
            Dialect::Anthropic => anthropic::read(received, &self.model),
            Dialect::Openai => openai::read(received, &self.model),
            Dialect::Responses => responses::read(received, &self.model),
            Dialect::Gemini => gemini::read(received, &self.model),
        }
    }

    fn turn(&self, asked: &Asked) -> Result<Turn, String> {
        let offered = |call: &Call| asked.tools.iter().any(|(name, _)| *name == call.name);
        if self.calls.is_empty() || !self.calls.iter().all(offered) {
            return Ok(pieces(&Self::hello(self.dialect)));
        }
        self.describes(asked)?;
        if let Some(words) = &self.instruction
            && !asked.system.contains(words)
        {
            return Err(format!("the instruction {words:?} is missing: {:?}", asked.system));
        }
        if asked.results.is_empty() {
            let turn = pieces("Let me look.").calling(&self.calls);
            return Ok(match &self.thought {
                Some(thought) => turn.thinking(thought),
                None => turn,
            });
        }
        if let Some(image) = &self.image
            && !asked.images.contains(image)
        {
            return Err(format!("the image is missing; there are {} others", asked.images.len()));
        }
        self.returned(asked).map(|texts| pieces(&Self::sentence(texts)))
    }

    /// The schema of each tool knows every input that it is called with.
    fn describes(&self, asked: &Asked) -> Result<(), String> {
        for call in &self.calls {
            let inputs = call.input.as_object().into_iter().flat_map(|input| input.keys());
            for (name, schema) in asked.tools.iter().filter(|(name, _)| *name == call.name) {
                if let Some(unknown) = inputs.clone().find(|input| schema["properties"].get(input).is_none()) {
                    return Err(format!("the schema of {name} does not know {unknown}: {schema}"));
                }
            }
        }
        Ok(())
    }

    /// What the tools returned, in the order of the calls, each of which is in the conversation as it was made.
    fn returned<'a>(&self, asked: &'a Asked) -> Result<Vec<&'a str>, String> {
        // Where the ids are not its own, a call is known by what it calls.
        let any_id = self.took_over || self.dialect == Dialect::Gemini;
        let is = |call: &Call, made: &Call| {
            call.name == made.name && call.input == made.input && (any_id || call.id == made.id)
        };
        let text = |call: &Call| {
            let made = asked.calls.iter().find(|made| is(call, made));
            let made = made.ok_or_else(|| format!("the call {call:?} is not as it was made: {:?}", asked.calls))?;
            let result = asked.results.iter().find(|(of, _)| *of == made.id);
            Ok(result.ok_or_else(|| format!("the call {} has no result", made.id))?.1.trim())
        };
        self.calls.iter().map(text).collect()
    }
}

/// A turn that says this word by word.
fn pieces(text: &str) -> Turn {
    Turn::text(text.split_inclusive(' '))
}
