//! A try with a provider of another dialect than the client's: the request in its words, its answer brought back. Where it
//! refuses the words and says which, the request is written anew and asked once more, and that is remembered.

use std::sync::{Mutex, PoisonError};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use qcc_dialect::asker::Asker;
use qcc_dialect::canon::Losses;
use qcc_dialect::capabilities::{Capabilities, Learned};
use qcc_dialect::translate::{NotSent, Outgoing};
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

/// Asks for an answer.
pub(super) async fn translated(upstream: &Upstream, call: Call<'_>) -> Result<Good, Fault> {
    let mut known = call.lessons.of(upstream, call.sent_model);
    let mut lost = Losses::new();
    let mut lessons = 0..MAX_LESSONS;
    loop {
        let fault = match once(upstream, &call, &known, &lost).await {
            Ok(good) => return Ok(good),
            Err(fault) => fault,
        };
        let said = fault.said.as_deref().filter(|_| lessons.next().is_some());
        let repair = said.and_then(|(facts, body)| upstream.tongue.repair(&call.question(), facts, body, &known));
        let Some(repair) = repair else { return Err(fault) };
        // Also where the repeat fails: what was refused is refused.
        if repair.learned != Capabilities::UNKNOWN {
            call.lessons.learn(upstream, call.sent_model, &repair.learned);
        }
        known = repair.here.or(&repair.learned).or(&known);
        lost.add(repair.loss.what, repair.loss.how);
    }
}

async fn once(upstream: &Upstream, call: &Call<'_>, known: &Capabilities, lost: &Losses) -> Result<Good, Fault> {
    let Call { kind, asker, deadline, .. } = *call;
    let put = upstream.tongue.outgoing(&call.question(), known);
    let Outgoing { url, headers: own, body, stream: streams, losses, back } = put.map_err(|why| not_put(why, asker))?;
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
    let Call { kind, asker, deadline, .. } = call;
    let put = upstream.tongue.count(&call.question(), &call.lessons.of(upstream, call.sent_model));
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
fn not_put(why: NotSent, asker: Asker) -> Fault {
    match why {
        NotSent::Bad(bad) => observe::bad_request(&bad, asker),
        NotSent::Unfit(unfit) => {
            let told = unfit.is_too_long().then(|| observe::bad_request_of(unfit.why.to_string(), asker));
            let answer = told.and_then(|fault| fault.answer);
            Fault { answer, ..Fault::failed(Failure::Unfit, format!("it cannot be asked this: {unfit}")) }
        }
    }
}
