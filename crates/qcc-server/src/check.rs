//! A check of one provider, in layers: whether anybody answers, whether its API does, whether a model does. What is seen
//! is put into words for people and into facts for policy; what follows from it is decided elsewhere.

mod alone;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use qcc_config::{Config, RouteTarget};
use qcc_dialect::anthropic::asking;
use qcc_dialect::asker::Asker;
use qcc_dialect::translate::Question;
use qcc_policy::engine::{Found, Said};
use qcc_policy::health::ANSWER_TOKENS;
use qcc_policy::{Answer, Blame, Class, Code, Failure, Outcome, Phase, ProviderId, Verdict, classify};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use crate::admin::models;
use crate::attempt::{Call, Fault, Good, Lessons, Until, Wording, attempt};
use crate::finish::mask;
use crate::ingress::recognise::Kind;
use crate::outside;
use crate::reach;
use crate::upstream::Upstream;

pub use alone::check;
pub(crate) use alone::{SPENT, not_checked};

/// About so many tokens one conversational check costs: the words of the request and the longest answer.
pub(crate) const TOKENS: u64 = 30 + ANSWER_TOKENS as u64;

/// The model that is asked where nothing is known of a provider: Anthropic's small one, whose name relays know.
const FALLBACK: &str = "claude-haiku-4-5";

/// Longest wait for a whole answer where neither `health.timeout` nor the provider's `timeouts.response` bounds it.
const LONGEST: Duration = Duration::from_secs(290);

/// Longest wait for the list of models; without one the fallback is asked.
const LIST_LIMIT: Duration = Duration::from_secs(5);

/// What one check of a provider found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name.
    pub provider: String,
    /// Its class afterwards, by everything that is known of it; `None` where no gateway runs.
    pub class: Option<String>,
    /// What was tried, in order.
    pub layers: Vec<Layer>,
    /// Why there was no check, or no conversation.
    pub skipped: Option<String>,
}

/// One layer of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// `connection`, `api` or `conversation`.
    pub kind: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took.
    pub ms: u64,
    /// 0 to 100, of a conversation.
    pub score: Option<u8>,
    /// The class of such a score, by itself.
    pub class: Option<String>,
    /// What was found, in one line, without a credential.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What the layers that cost nothing found.
pub(crate) struct Free {
    pub(crate) layer: Layer,
    pub(crate) found: Found,
}

/// What a conversation showed.
pub(crate) struct Talk {
    pub(crate) layer: Layer,
    pub(crate) said: Said,
    /// What it cost, as the provider counted.
    pub(crate) tokens: Option<u64>,
}

// === impl Checked ===

impl Checked {
    /// Whether the provider can be expected to work: what was tried last, which proves the most, went well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.layers.last().is_some_and(|layer| layer.ok)
    }
}

/// The layers that cost nothing.
pub(crate) async fn free(upstream: &Upstream, limit: Option<Duration>) -> Free {
    let reach = reach::call(upstream, limit.unwrap_or(LONGEST)).await;
    let took = Duration::from_millis(reach.ms);
    let found = match reach.status {
        None => Found::Unreached,
        Some(200..=299) if reach.ok => Found::Accepted { took },
        Some(_) if reach.ok => Found::Reached { took },
        Some(401) => Found::Refused,
        // From whoever stands before the provider and cannot reach it either: gateways, and Cloudflare's own (520 to 530).
        Some(502..=504 | 520..=530) => Found::Unreached,
        Some(_) => Found::Unclear,
    };
    let kind = if reach.status.is_none() { "connection" } else { "api" };
    let detail = match reach.status {
        Some(status) if !reach.ok => format!("{} (status {status})", reach.detail),
        _ => reach.detail,
    };
    let detail = masked(upstream, detail);
    let layer =
        Layer { kind: kind.to_owned(), ok: reach.ok, ms: reach.ms, score: None, class: None, detail, hint: reach.hint };
    Free { layer, found }
}

/// The conversation: a code that nobody can guess has to come back.
pub(crate) async fn converse(
    upstream: &Upstream,
    model: &str,
    code: Code,
    lessons: &Lessons,
    limit: Option<Duration>,
) -> Talk {
    let started = Instant::now();
    let mut headers = reach::own_headers(&upstream.provider);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = Bytes::from(asking::question(model, &code.prompt(), ANSWER_TOKENS));
    let question = Question {
        asker: Asker::Anthropic,
        body: &body,
        model: None,
        request_id: "check",
        created: outside::unix_time().as_secs(),
        recalled: &|_| None,
    };
    let call = Call {
        kind: Kind::Message,
        path_and_query: "/v1/messages",
        headers,
        body: body.clone(),
        wording: Wording { question, sent_model: model, lessons },
        put: None,
        deadline: Until { at: started + limit.unwrap_or(LONGEST), phase: Phase::Total },
    };
    let good = attempt(upstream, call).await;
    let took = started.elapsed();
    let (said, detail, hint, tokens) = match good {
        Ok(Good::Whole { body, told, .. }) => {
            let usage = told.usage;
            let tokens = usage.input.map(|input| input + usage.output.unwrap_or(0));
            let (said, detail, hint) = heard(&body, code, took, model);
            (said, detail, hint, tokens)
        }
        // Eight megabytes for twenty tokens: whatever that is, it is not the answer.
        Ok(Good::Stream { .. } | Good::Large { .. }) => {
            let said = Said::Answer(code.judge("", took));
            (said, format!("{model} answered with something endless"), Some(WRONG), None)
        }
        Err(fault) => {
            let (verdict, detail) = failed(fault, model);
            (Said::Failed(verdict), detail, advice(verdict.blame), None)
        }
    };
    let (ok, score) = match said {
        Said::Answer(judgement) => (judgement.answer.is_valid(), Some(judgement.score)),
        Said::Thought { .. } => (true, None),
        Said::Failed(verdict) => (false, (verdict.blame == Blame::Provider).then_some(0)),
    };
    let (detail, hint) = (masked(upstream, detail), hint.map(str::to_owned));
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let class = score.map(|score| Class::of(score).to_string());
    Talk { layer: Layer { kind: "conversation".to_owned(), ok, ms, score, class, detail, hint }, said, tokens }
}

const WRONG: &str = "does base_url lead to a model at all? a relay may be serving somebody else's answers";

/// What an answer is worth, and how that is told.
fn heard(body: &[u8], code: Code, took: Duration, model: &str) -> (Said, String, Option<&'static str>) {
    let words = asking::words(body);
    if words.only_thought {
        return (Said::Thought { took }, format!("{model} was still thinking after {ANSWER_TOKENS} tokens"), None);
    }
    let judgement = code.judge(&words.text, took);
    let (detail, hint) = match judgement.answer {
        Answer::Exact => (format!("{model} repeated the code"), None),
        Answer::Contains => (format!("{model} repeated the code, with more words"), None),
        Answer::Wrong => (format!("{model} answered, but not with the code"), Some(WRONG)),
        Answer::Empty => (format!("the answer of {model} is empty"), Some(WRONG)),
    };
    (Said::Answer(judgement), detail, hint)
}

fn failed(fault: Fault, model: &str) -> (Verdict, String) {
    let verdict = classify(&fault.outcome, false);
    let what = match fault.outcome {
        Outcome::Failed(Failure::Timeout(Phase::Total)) => "no answer within health.timeout".to_owned(),
        _ => fault.what,
    };
    (verdict, format!("{model}: {what}"))
}

fn advice(blame: Blame) -> Option<&'static str> {
    match blame {
        Blame::Credential => Some(reach::REFUSED),
        Blame::Quota => Some("add credit or another provider"),
        Blame::Model | Blame::Permission | Blame::Request => {
            Some("name a model that it serves: health_model of the provider, or health.model")
        }
        Blame::Nobody | Blame::Load | Blame::Provider | Blame::Client => None,
    }
}

fn masked(upstream: &Upstream, text: String) -> String {
    let secrets: Vec<HeaderValue> = upstream.secrets().collect();
    mask(text, &secrets)
}

/// Lists of models, as long as they are good.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    known: HashMap<ProviderId, (Instant, Vec<String>)>,
}

/// A list of models is good for so long.
const FRESH: Duration = Duration::from_hours(1);

impl Lists {
    /// What is known of a provider, as long as it is good.
    pub(crate) fn get(&self, provider: ProviderId) -> Option<Vec<String>> {
        let (since, names) = self.known.get(&provider)?;
        (since.elapsed() < FRESH).then(|| names.clone())
    }

    pub(crate) fn put(&mut self, provider: ProviderId, names: Vec<String>) {
        self.known.retain(|_, (since, _)| since.elapsed() < FRESH);
        self.known.insert(provider, (Instant::now(), names));
    }
}

/// The model that the configuration names for the checks of a provider; `None`: its own list has to be looked at.
pub(crate) fn named_model(config: &Config, upstream: &Upstream) -> Option<String> {
    if let Some(model) = &upstream.provider.health_model {
        return Some(model.clone());
    }
    let asked = config.settings.health.model.as_deref();
    // A mapping of the fallback says what the small model is called there.
    upstream.model_for(asked.unwrap_or(FALLBACK), None).or_else(|| asked.map(str::to_owned))
}

/// The cheapest of what it lists and of what routes name for it; else the fallback.
pub(crate) fn cheapest_model(config: &Config, upstream: &Upstream, listed: &[String]) -> String {
    let candidates = config.routes.iter().flat_map(|route| &route.candidates);
    let is_his = |target: &RouteTarget| matches!(target, RouteTarget::Provider(name) if name == upstream.name());
    let routed = candidates.filter(|line| is_his(&line.target)).filter_map(|line| line.model.as_deref());
    let known = listed.iter().map(String::as_str).chain(routed);
    asking::cheapest(known).unwrap_or(FALLBACK).to_owned()
}

/// The names of what a provider lists; none where it has no list.
pub(crate) async fn listed(upstream: &Upstream) -> Vec<String> {
    let headers = reach::own_headers(&upstream.provider);
    let models = timeout(LIST_LIMIT, models::ask(upstream, headers)).await.ok().flatten().unwrap_or_default();
    models.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect()
}
