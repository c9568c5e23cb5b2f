//! What a provider speaks, and how a request is put into its words.

use bytes::Bytes;

use super::back::Head;
use super::pens::Speech;
use super::{Back, NotSent, Outgoing, thoughts};
use crate::answer::Wrong;
use crate::anthropic;
use crate::asker::Asker;
use crate::canon::{Losses, Part, Request, Role, ToolNames, Turn, Unfit};
use crate::capabilities::{Capabilities, Streams};
use crate::error::ErrorFacts;
use crate::openai::{self, Traits, Vendor};
use crate::repair::{Repair, repair};
use crate::{gemini, responses, tokens};

/// A provider's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Chat Completions.
    OpenAi,
    /// OpenAI's Responses.
    Responses,
    /// Google's Gemini.
    Gemini,
}

impl Dialect {
    /// A client's own.
    #[must_use]
    pub fn of(asker: Asker) -> Self {
        match asker {
            Asker::Anthropic => Self::Anthropic,
            Asker::OpenAi => Self::OpenAi,
            Asker::Responses => Self::Responses,
        }
    }
}

/// What a provider speaks, with the habits of its vendor.
#[derive(Debug, Clone)]
pub struct Tongue {
    dialect: Dialect,
    base_url: String,
    traits: Traits,
}

/// A request that is to be put into other words.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The dialect of its body.
    pub asker: Asker,
    /// The body.
    pub body: &'a [u8],
    /// The model as the provider names it, where that is another name than the client's.
    pub model: Option<&'a str>,
    /// Names the answer.
    pub request_id: &'a str,
    /// When it is answered, in seconds since the Unix epoch.
    pub created: u64,
    /// What was thought before a call with this id, in dialects whose clients do not send it back.
    pub recalled: &'a (dyn Fn(&str) -> Option<Vec<Part>> + Sync),
}

/// The version of the API whose words we write, for providers of the Anthropic dialect.
const ANTHROPIC_HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// Some clients have a single text and call it the operator's. Alone it is a question, and most vendors answer nobody else.
fn let_the_user_ask(request: &mut Request, losses: &mut Losses) {
    if request.turns.iter().any(|turn| turn.role != Role::System) {
        return;
    }
    for turn in &mut request.turns {
        turn.role = Role::User;
    }
    if request.turns.is_empty() {
        let parts = std::mem::take(&mut request.system).into_iter().map(Part::Text).collect();
        request.turns.push(Turn { role: Role::User, parts });
    }
    losses.add("messages.system", "sent as the user's text, for there is no other");
}

impl Tongue {
    /// The dialect as the vendor behind this address speaks it.
    #[must_use]
    pub fn new(dialect: Dialect, base_url: &str) -> Self {
        Self { dialect, base_url: base_url.to_owned(), traits: Traits::of(base_url) }
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether it is the client's own, so that its bytes pass as they are.
    #[must_use]
    pub fn is_of(&self, asker: Asker) -> bool {
        self.dialect == Dialect::of(asker)
    }

    /// A request of the provider's own dialect without what translations have put into its conversation, and what that
    /// costs. `None`: it passes as it is.
    ///
    /// Vendors that do not sign thinking keep it: some of them refuse a conversation in which it is missing.
    #[must_use]
    pub fn restored(&self, body: &Bytes) -> Option<(Bytes, Losses)> {
        match (self.dialect, self.traits.vendor) {
            (Dialect::OpenAi | Dialect::Gemini, _) => None,
            (Dialect::Responses, _) => responses::client::without_sealed(body),
            (Dialect::Anthropic, Vendor::DeepSeek | Vendor::Kimi | Vendor::Glm | Vendor::Qwen) => None,
            (Dialect::Anthropic, _) => anthropic::canon::without_sealed(body),
        }
    }

    /// Where a request of the provider's own dialect goes that came to this path and query of ours.
    #[must_use]
    pub fn passage_url(&self, path_and_query: &str) -> String {
        let query = path_and_query.find('?').map_or("", |at| &path_and_query[at..]);
        match self.dialect {
            Dialect::Anthropic => anthropic::messages_url(&self.base_url, path_and_query),
            Dialect::OpenAi => openai::with_query(openai::chat_url(&self.base_url), query),
            Dialect::Responses => openai::with_query(responses::responses_url(&self.base_url), query),
            // No client asks in this dialect.
            Dialect::Gemini => gemini::models_url(&self.base_url),
        }
    }

    /// Where the list of models is. `query` is for providers that divide it into pages; it begins with `?` or is empty.
    #[must_use]
    pub fn models_url(&self, query: &str) -> String {
        match self.dialect {
            Dialect::Anthropic => anthropic::messages_url(&self.base_url, &format!("/v1/models{query}")),
            Dialect::OpenAi => openai::models_url(&self.base_url),
            Dialect::Responses => responses::models_url(&self.base_url),
            Dialect::Gemini => gemini::models_url(&self.base_url),
        }
    }

    /// Puts a request into the provider's words, for a model with these capabilities.
    ///
    /// # Errors
    /// Where it cannot be put so.
    pub fn outgoing(&self, question: &Question<'_>, capabilities: &Capabilities) -> Result<Outgoing, NotSent> {
        let mut request = question.asker.decode_request(question.body).map_err(NotSent::Bad)?;
        if let Some((what, why)) = request.answered_otherwise() {
            return Err(NotSent::Unfit(Unfit { what: what.to_owned().into(), why: why.into() }));
        }
        self.takes_so_many(&request).map_err(NotSent::Unfit)?;
        if !question.asker.carries_thinking() {
            thoughts::recall(&mut request, question.recalled);
        }
        let mut losses = Losses::new();
        let_the_user_ask(&mut request, &mut losses);
        let wanted = request.stream;
        request.stream = match capabilities.streams {
            Some(Streams::Only) => true,
            Some(Streams::Never) => false,
            Some(Streams::Both) | None => wanted,
        };
        let asked = std::mem::take(&mut request.model);
        let model = question.model.unwrap_or(&asked);
        let (body, names) = self.encode(&request, capabilities, model, &mut losses).map_err(NotSent::Unfit)?;
        let (url, headers) = self.place(model, request.stream);
        let speech = self.speech(names, model);
        // Until the provider has counted.
        let estimate = tokens::rough_of(&request, question.body.len(), model);
        let head = Head {
            asker: question.asker,
            model: asked,
            request_id: question.request_id.to_owned(),
            created: question.created,
            estimate,
            include_usage: request.include_usage,
            client_tools: request.client_tools,
        };
        let back = Back::new(head, speech);
        Ok(Outgoing { url, headers, body, stream: request.stream, losses, back })
    }

    /// Left out, any tool would be missed by somebody.
    fn takes_so_many(&self, request: &Request) -> Result<(), Unfit> {
        let most = match self.dialect {
            Dialect::OpenAi | Dialect::Responses => self.traits.tools,
            Dialect::Anthropic | Dialect::Gemini => usize::MAX,
        };
        if request.tools.len() <= most {
            return Ok(());
        }
        Err(Unfit { what: "tools".into(), why: format!("the provider takes {most} at most").into() })
    }

    /// What a refusal of this request teaches of the model, by which it can be put better.
    #[must_use]
    pub fn repair(
        &self,
        question: &Question<'_>,
        facts: &ErrorFacts,
        said: &[u8],
        known: &Capabilities,
    ) -> Option<Repair> {
        let mut request = question.asker.decode_request(question.body).ok()?;
        if !question.asker.carries_thinking() {
            thoughts::recall(&mut request, question.recalled);
        }
        repair(facts, said, &request, known)
    }

    /// Whether the provider counts the tokens of a prompt, free of charge.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.dialect != Dialect::OpenAi
    }

    /// The question of an Anthropic client how many tokens a prompt has: where it goes, and its body.
    ///
    /// # Errors
    /// Where it cannot be put so, or the provider does not count.
    pub fn count(&self, question: &Question<'_>, capabilities: &Capabilities) -> Result<(String, Bytes), NotSent> {
        let request = anthropic::canon::decode_prompt(question.body).map_err(NotSent::Bad)?;
        let model = question.model.unwrap_or(&request.model);
        let asked = match self.dialect {
            Dialect::Responses => {
                let body = responses::encode_count(&request, capabilities, model, &mut Losses::new());
                body.map(|body| (responses::input_tokens_url(&self.base_url), body))
            }
            Dialect::Gemini => {
                let body = gemini::encode_count(&request, capabilities, model);
                body.map(|body| (gemini::count_url(&self.base_url, model), body))
            }
            Dialect::Anthropic | Dialect::OpenAi => {
                Err(Unfit { what: "count_tokens".into(), why: "it is not asked in these words".into() })
            }
        };
        asked.map_err(NotSent::Unfit)
    }

    /// How many tokens the provider counted.
    ///
    /// # Errors
    /// What the body is instead of a count.
    pub fn counted(&self, body: &[u8]) -> Result<u64, Wrong> {
        match self.dialect {
            Dialect::Anthropic | Dialect::OpenAi => anthropic::check_count(body),
            Dialect::Responses => responses::decode_count(body),
            Dialect::Gemini => gemini::decode_count(body),
        }
    }

    fn encode(
        &self,
        request: &Request,
        capabilities: &Capabilities,
        model: &str,
        losses: &mut Losses,
    ) -> Result<(Bytes, ToolNames), Unfit> {
        match self.dialect {
            Dialect::Anthropic => {
                let body = anthropic::canon::encode_request(request, capabilities, model, losses)?;
                Ok((body, ToolNames::new()))
            }
            Dialect::OpenAi => {
                let encoded = openai::encode_request(request, &self.traits, capabilities, model, losses)?;
                Ok((encoded.body, encoded.names))
            }
            Dialect::Responses => {
                let encoded = responses::encode_request(request, capabilities, model, losses)?;
                Ok((encoded.body, encoded.names))
            }
            Dialect::Gemini => {
                let encoded = gemini::encode_request(request, capabilities, model, losses)?;
                Ok((encoded.body, encoded.names))
            }
        }
    }

    fn place(&self, model: &str, stream: bool) -> (String, &'static [(&'static str, &'static str)]) {
        match self.dialect {
            Dialect::Anthropic => (anthropic::messages_url(&self.base_url, "/v1/messages"), ANTHROPIC_HEADERS),
            Dialect::OpenAi => (openai::chat_url(&self.base_url), &[]),
            Dialect::Responses => (responses::responses_url(&self.base_url), &[]),
            Dialect::Gemini => (gemini::generate_url(&self.base_url, model, stream), &[]),
        }
    }

    fn speech(&self, names: ToolNames, model: &str) -> Speech {
        match self.dialect {
            Dialect::Anthropic => Speech::Anthropic,
            Dialect::OpenAi => Speech::OpenAi(Box::new(self.traits.clone()), names),
            Dialect::Responses => Speech::Responses(names),
            Dialect::Gemini => Speech::Gemini(names, model.to_owned()),
        }
    }
}
