//! A try with a provider of another dialect than the client's: the request in its words, its answer brought back. Where it
//! refuses the words and says which, the request is written anew and asked once more, and that is remembered.

use std::sync::{Mutex, PoisonError};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use qcc_dialect::asker::Asker;
use qcc_dialect::canon::Losses;
use qcc_dialect::capabilities::{Capabilities, Learned};
use qcc_dialect::translate::{NotSent, Outgoing, Question};
use qcc_policy::{Failure, ProviderId};

use super::{Call, Fault, Good, Sent, exchange};
use crate::observe;
use crate::state::now;
use crate::upstream::Upstream;

/// Most things that are learned in one try; each refusal names one, and none is learned twice.
const MAX_LESSONS: u32 = 3;

/// What providers have taught of their models by refusing something.
#[derive(Default)]
pub(crate) struct Lessons(Mutex<Learned<ProviderId>>);

impl Lessons {
    /// What is known of a model at a provider, by the name that is sent.
    fn of(&self, upstream: &Upstream, model: &str) -> Capabilities {
        let learned = self.0.lock().unwrap_or_else(PoisonError::into_inner).of(&upstream.id, model, now());
        learned.or(&upstream.capabilities_for(model))
    }

    fn learn(&self, upstream: &Upstream, model: &str, learned: &Capabilities) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).learn(upstream.id, model, learned, now());
    }
}

/// What a request is put into other words by.
#[derive(Clone, Copy)]
pub(crate) struct Wording<'a> {
    pub(crate) question: Question<'a>,
    /// The model as sent, whatever the body says.
    pub(crate) sent_model: &'a str,
    /// What providers of other dialects have taught, and learn of this one.
    pub(crate) lessons: &'a Lessons,
}

/// A request in a provider's words.
pub(crate) struct Put {
    outgoing: Outgoing,
    /// What is known of the model.
    known: Capabilities,
}

/// Puts a request into the words of a provider of another dialect.
///
/// # Errors
/// Where it cannot be put so: it is wrong in itself, or would mean something else.
pub(crate) fn put(upstream: &Upstream, wording: &Wording<'_>) -> Result<Put, NotSent> {
    put_by(upstream, wording, wording.lessons.of(upstream, wording.sent_model))
}

fn put_by(upstream: &Upstream, wording: &Wording<'_>, known: Capabilities) -> Result<Put, NotSent> {
    let outgoing = upstream.tongue.outgoing(&wording.question, &known)?;
    Ok(Put { outgoing, known })
}

/// Asks for an answer.
pub(super) async fn translated(upstream: &Upstream, mut call: Call<'_>) -> Result<Good, Fault> {
    let wording = call.wording;
    let asker = wording.question.asker;
    let put = match call.put.take() {
        Some(put) => Ok(put),
        None => put(upstream, &wording),
    };
    let mut next = put.map_err(|why| not_put(why, asker))?;
    let mut lost = Losses::new();
    let mut lessons = 0..MAX_LESSONS;
    loop {
        let Put { outgoing, known } = next;
        let fault = match once(upstream, &call, outgoing, &lost).await {
            Ok(good) => return Ok(good),
            Err(fault) => fault,
        };
        let said = fault.said.as_deref().filter(|_| lessons.next().is_some());
        let repair = said.and_then(|(facts, body)| upstream.tongue.repair(&wording.question, facts, body, &known));
        let Some(repair) = repair else { return Err(fault) };
        // Also where the repeat fails: what was refused is refused.
        if repair.learned != Capabilities::UNKNOWN {
            wording.lessons.learn(upstream, wording.sent_model, &repair.learned);
        }
        lost.add(repair.loss.what, repair.loss.how);
        let put = put_by(upstream, &wording, repair.here.or(&repair.learned).or(&known));
        next = put.map_err(|why| not_put(why, asker))?;
    }
}

async fn once(upstream: &Upstream, call: &Call<'_>, put: Outgoing, lost: &Losses) -> Result<Good, Fault> {
    let Call { kind, deadline, .. } = *call;
    let asker = call.wording.question.asker;
    let Outgoing { url, headers: own, body, stream: streams, losses, back } = put;
    let mut headers = json_headers(call.headers.clone());
    for (name, value) in own {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let sent = Sent { kind, asker, url, headers, body, streams, deadline };
    let mut good = exchange(upstream, sent, Some(&back)).await?;
    let mut all = losses;
    all.extend(lost.clone());
    good.brought_back(all);
    Ok(good)
}

/// The count of such a provider, told as Anthropic tells it.
pub(super) async fn counted(upstream: &Upstream, call: Call<'_>) -> Result<Good, Fault> {
    let Call { kind, deadline, wording: Wording { question, sent_model, lessons }, .. } = call;
    let asker = question.asker;
    let put = upstream.tongue.count(&question, &lessons.of(upstream, sent_model));
    let (url, body) = put.map_err(|why| not_put(why, asker))?;
    let headers = json_headers(call.headers);
    let sent = Sent { kind, asker, url, headers, body, streams: false, deadline };
    let mut good = exchange(upstream, sent, None).await?;
    if let Good::Whole { head, body, .. } = &mut good {
        let tokens = upstream.tongue.counted(body).map_err(|wrong| Fault::not_the_dialect(wrong.to_string()))?;
        *body = format!("{{\"input_tokens\":{tokens}}}").into();
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(good)
}

fn json_headers(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// The request could not be put into the provider's words.
pub(crate) fn not_put(why: NotSent, asker: Asker) -> Fault {
    match why {
        NotSent::Bad(bad) => observe::bad_request(&bad, asker),
        NotSent::Unfit(unfit) => {
            let told = unfit.is_too_long().then(|| observe::bad_request_of(unfit.why.to_string(), asker));
            let answer = told.and_then(|fault| fault.answer);
            Fault { answer, ..Fault::failed(Failure::Unfit, format!("it cannot be asked this: {unfit}")) }
        }
    }
}
