//! One try: send, then wait for proof that the provider really works on it. For a stream that is its first semantic
//! event, for anything else the whole answer. Whatever goes wrong before that is a [`Fault`], of which the client never
//! hears as long as another provider can answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use qcc_dialect::answer::Told;
use qcc_dialect::asker::Asker;
use qcc_dialect::canon::Losses;
use qcc_dialect::translate::{Back, Thoughts};
use qcc_policy::Phase;
use tokio::time::{Instant, timeout_at};

use crate::ingress::recognise::Kind;
use crate::observe;
use crate::relay::source::Source;
use crate::upstream::{Reply, Upstream};

mod fault;
mod stream;
mod translated;
mod until;
mod whole;

pub(crate) use fault::{Answer, Fault};
pub(crate) use translated::{Lessons, Put, Wording, not_put, put};
pub(crate) use until::Until;

use until::Clocks;

/// Largest whole answer that is read before commit, bytes. Answers of models are far smaller.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Most of an error's body that is kept, bytes: enough for any API's own words.
const MAX_ERROR: usize = 1024 * 1024;

/// How long the body of an error is waited for; its status is already known.
const ERROR_BODY: Duration = Duration::from_secs(10);

/// What is sent, the same on every try but for headers and model.
pub(crate) struct Call<'a> {
    pub(crate) kind: Kind,
    pub(crate) path_and_query: &'a str,
    pub(crate) headers: HeaderMap,
    /// As it goes to a provider of the client's dialect.
    pub(crate) body: Bytes,
    pub(crate) wording: Wording<'a>,
    /// It in other words, where somebody has put it so already ([`put`]).
    pub(crate) put: Option<Put>,
    /// Everything before commit ends here.
    pub(crate) deadline: Until,
}

/// Proof that the provider works on it.
pub(crate) enum Good {
    /// A stream that has shown content. `held` goes down first.
    Stream { head: Parts, held: Vec<Bytes>, source: Box<Source> },
    /// A whole answer of the right form, what of it could not be carried, and what has to be put back later.
    Whole { head: Parts, body: Bytes, told: Told, losses: Losses, thoughts: Thoughts },
    /// An answer too large to be held; `held` goes down first.
    Large { head: Parts, held: Bytes, source: Box<Source> },
}

impl Good {
    /// Its status and headers.
    pub(crate) fn head(&self) -> &Parts {
        match self {
            Self::Stream { head, .. } | Self::Whole { head, .. } | Self::Large { head, .. } => head,
        }
    }

    fn head_mut(&mut self) -> &mut Parts {
        let (Self::Stream { head, .. } | Self::Whole { head, .. } | Self::Large { head, .. }) = self;
        head
    }

    /// The answer comes from another dialect: what was lost on the way there and back, and what it is now.
    fn brought_back(&mut self, mut lost: Losses) {
        let media = match self {
            Self::Stream { .. } => "text/event-stream; charset=utf-8",
            Self::Whole { losses, .. } => {
                lost.extend(std::mem::take(losses));
                "application/json"
            }
            Self::Large { .. } => "application/json",
        };
        self.head_mut().headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        self.lost(&lost);
    }

    /// What could not be carried.
    fn lost(&mut self, lost: &Losses) {
        if !lost.is_empty() {
            self.head_mut().extensions.insert(Lost(in_one_line(lost)));
        }
    }
}

/// Most of it that is told, in characters: names of members are the client's, and a header has to stay one.
const MAX_LOST: usize = 1000;

/// What a request lost on its way to a provider of another dialect, in one line.
#[derive(Debug, Clone)]
pub(crate) struct Lost(pub(crate) String);

/// Losses as they are told.
pub(crate) fn in_one_line(losses: &Losses) -> String {
    let lost = losses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    lost.chars().take(MAX_LOST).collect()
}

/// Makes one try.
pub(crate) async fn attempt(upstream: &Upstream, call: Call<'_>) -> Result<Good, Fault> {
    let asker = call.wording.question.asker;
    if upstream.tongue.is_of(asker) {
        let url = upstream.tongue.passage_url(call.path_and_query);
        let Call { kind, headers, body, deadline, .. } = call;
        let streams = kind == Kind::Stream;
        let restored = upstream.tongue.restored(&body);
        let (body, lost) = restored.unwrap_or_else(|| (body, Losses::new()));
        let mut good = exchange(upstream, Sent { kind, asker, url, headers, body, streams, deadline }, None).await?;
        good.lost(&lost);
        return Ok(good);
    }
    match call.kind {
        Kind::CountTokens => translated::counted(upstream, call).await,
        Kind::Stream | Kind::Message => translated::translated(upstream, call).await,
    }
}

/// A request as it goes to one provider.
struct Sent {
    kind: Kind,
    asker: Asker,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    /// Whether a stream was asked for.
    streams: bool,
    deadline: Until,
}

async fn exchange(upstream: &Upstream, sent: Sent, back: Option<&Back>) -> Result<Good, Fault> {
    let Sent { kind, asker, url, headers, body, streams, deadline } = sent;
    let Ok(turn) = timeout_at(deadline.at, upstream.turn()).await else {
        return Err(Fault::timeout(
            Phase::Patience,
            "no connection was free (pool.max_per_host) in the time that there was",
        ));
    };
    let started = Instant::now();
    let timeouts = &upstream.provider.timeouts;
    let (limit, phase) = match (kind, streams) {
        (Kind::Stream, true) => (timeouts.first_byte, Phase::FirstByte),
        _ => (timeouts.response, Phase::Response),
    };
    let until = Until::new(started, limit, phase, deadline);
    let sending = upstream.send_in(turn, Method::POST, &url, headers, body);
    let reply = until.wait(sending).await?.map_err(|error| observe::not_sent(&error))?;
    if reply.response.status() != StatusCode::OK {
        return Err(refusal(reply, asker, deadline, back).await);
    }
    let (head, source) = open(reply, asker).map_err(Fault::not_the_dialect)?;
    match (kind, back) {
        (Kind::Stream, _) => {
            let clocks = Clocks::new(until, started, timeouts, deadline);
            stream::streamed(head, source, clocks, asker, back).await
        }
        (Kind::Message, None) => whole::whole(head, source, until, |body| asker.read_answer(body)).await,
        (Kind::Message, Some(back)) => whole::brought_back(head, source, until, asker, back).await,
        (Kind::CountTokens, _) => {
            whole::whole(head, source, until, |body| upstream.tongue.counted(body).map(|_| Told::default())).await
        }
    }
}

/// `Err` says why the answer cannot be read.
fn open(reply: Reply, asker: Asker) -> Result<(Parts, Source), String> {
    let (head, body) = reply.response.into_parts();
    Source::new(&head.headers, body, reply.permit, asker.watcher())
        .map(|source| (head, source))
        .map_err(|encoding| format!("the answer is compressed in a way that was not asked for ({encoding})"))
}

/// An error status: read what the provider says about it.
async fn refusal(reply: Reply, asker: Asker, deadline: Until, back: Option<&Back>) -> Fault {
    let Ok((head, mut source)) = open(reply, asker) else {
        return Fault::not_the_dialect("an error in an unknown compression");
    };
    let until = Until { at: deadline.at.min(Instant::now() + ERROR_BODY), ..deadline };
    let body = stream::gather_some(&mut source, until, MAX_ERROR).await;
    observe::refused(head, body, back.map(Back::asker))
}
