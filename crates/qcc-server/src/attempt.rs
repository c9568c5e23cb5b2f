//! One try: send, then wait for proof that the provider really works on it. For a stream that is its first semantic
//! event, for anything else the whole answer. Whatever goes wrong before that is a [`Fault`], of which the client never
//! hears as long as another provider can answer.

use std::future::poll_fn;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use qcc_dialect::answer::{Told, Wrong};
use qcc_dialect::anthropic::response::{check_count, check_message, read_message};
use qcc_dialect::canon::Losses;
use qcc_dialect::error::{ErrorFacts, Topic};
use qcc_dialect::sse::fields;
use qcc_dialect::translate::{self, Back, NotSent, Outgoing};
use qcc_dialect::watch::Seen;
use qcc_policy::{Failure, Outcome, Phase};
use tokio::time::{Instant, timeout_at};

use crate::ingress::recognise::Kind;
use crate::observe;
use crate::relay::source::Source;
use crate::upstream::{Reply, Upstream};

/// Largest whole answer that is read before commit, bytes. Answers of models are far smaller.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Most of an error's body that is kept, bytes: enough for any API's own words.
const MAX_ERROR: usize = 1024 * 1024;

/// How long the body of an error is waited for; its status is already known.
const ERROR_BODY: Duration = Duration::from_secs(10);

/// Bounds of the held preamble (DESIGN 3.4, promise 2). Past them the stream is committed without proof.
const MAX_HELD_EVENTS: usize = 64;
const MAX_HELD_BYTES: usize = 256 * 1024;

/// What is sent, the same on every try but for headers and model.
pub(crate) struct Call<'a> {
    pub(crate) kind: Kind,
    pub(crate) path_and_query: &'a str,
    pub(crate) headers: HeaderMap,
    /// In the client's dialect.
    pub(crate) body: Bytes,
    /// The model as sent, where it differs from that in the body: a provider of another dialect gets a body of its own.
    pub(crate) model: Option<&'a str>,
    /// Names the answer of such a provider.
    pub(crate) request_id: &'a str,
    /// Everything before commit ends here.
    pub(crate) deadline: Until,
}

/// Proof that the provider works on it.
pub(crate) enum Good {
    /// A stream that has shown content. `held` goes down first.
    Stream { head: Parts, held: Vec<Bytes>, source: Box<Source> },
    /// A whole answer of the right form.
    Whole { head: Parts, body: Bytes, told: Told },
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

    /// The answer comes from another dialect: what the request lost on its way there, and what it is now.
    fn note(&mut self, losses: &Losses) {
        let media = match self {
            Self::Stream { .. } => "text/event-stream; charset=utf-8",
            Self::Whole { .. } | Self::Large { .. } => "application/json",
        };
        let (Self::Stream { head, .. } | Self::Whole { head, .. } | Self::Large { head, .. }) = self;
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        if !losses.is_empty() {
            let lost = losses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            head.extensions.insert(Lost(lost.chars().take(MAX_LOST).collect()));
        }
    }
}

/// Most of it that is told, in characters: names of members are the client's, and a header has to stay one.
const MAX_LOST: usize = 1000;

/// What a request lost on its way to a provider of another dialect, in one line.
#[derive(Debug, Clone)]
pub(crate) struct Lost(pub(crate) String);

/// A try that came to nothing.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    /// For people: what happened.
    pub(crate) what: String,
    /// What the provider said, where the client may have to hear it.
    pub(crate) answer: Option<Answer>,
}

/// An upstream's answer, kept to be passed on as it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Fault {
    /// A refusal of another dialect, as Anthropic would say it.
    fn in_our_words(mut self) -> Self {
        if let Some(answer) = &mut self.answer {
            let facts = ErrorFacts::from_response(answer.status.as_u16(), &answer.body);
            answer.body = translate::error_body(&facts);
            if facts.topic == Topic::ContextTooLong {
                answer.status = StatusCode::BAD_REQUEST;
            }
            answer.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        }
        self
    }

    fn failed(failure: Failure, what: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed(failure), what: what.into(), answer: None }
    }

    fn timeout(phase: Phase, what: &str) -> Self {
        Self::failed(Failure::Timeout(phase), what)
    }
}

/// Makes one try.
pub(crate) async fn attempt(upstream: &Upstream, mut call: Call<'_>) -> Result<Good, Fault> {
    match &upstream.tongue {
        None => exchange(upstream, call, None).await,
        Some(tongue) => {
            let put = tongue.outgoing(&call.body, call.model, call.request_id);
            let Outgoing { body, losses, back } = put.map_err(not_put)?;
            call.body = body;
            call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let mut good = exchange(upstream, call, Some(&back)).await?;
            good.note(&losses);
            Ok(good)
        }
    }
}

/// The request could not be put into the provider's words.
fn not_put(why: NotSent) -> Fault {
    match why {
        NotSent::Bad(bad) => observe::bad_request(&bad),
        NotSent::Unfit(unfit) => Fault::failed(Failure::Unfit, format!("it cannot be asked this: {unfit}")),
    }
}

async fn exchange(upstream: &Upstream, call: Call<'_>, back: Option<&Back>) -> Result<Good, Fault> {
    let deadline = call.deadline;
    let Ok(turn) = timeout_at(deadline.at, upstream.turn()).await else {
        return Err(Fault::timeout(
            Phase::Patience,
            "no connection was free (pool.max_per_host) in the time that there was",
        ));
    };
    let started = Instant::now();
    let timeouts = &upstream.provider.timeouts;
    let (limit, phase) = match call.kind {
        Kind::Stream => (timeouts.first_byte, Phase::FirstByte),
        Kind::Message | Kind::CountTokens => (timeouts.response, Phase::Response),
    };
    let until = Until::new(started, limit, phase, deadline);
    let sending = upstream.send_in(turn, Method::POST, call.path_and_query, call.headers, call.body);
    let reply = until.wait(sending).await?.map_err(|error| observe::not_sent(&error))?;
    if reply.response.status() != StatusCode::OK {
        return Err(refusal(reply, deadline, back).await);
    }
    let (head, mut source) = open(reply).map_err(|what| Fault::failed(Failure::NotTheDialect, what))?;
    match call.kind {
        Kind::Stream => {
            if let Some(back) = back.filter(|_| not_events(&head.headers).is_none()) {
                source.brought_back(back.stream());
            }
            let clocks = Clocks { until, started, idle: timeouts.idle, stall: timeouts.stall, deadline };
            first_event(head, source, clocks).await
        }
        Kind::Message => whole(head, source, until, back, read_message).await,
        Kind::CountTokens => whole(head, source, until, None, |body| check_count(body).map(|_| Told::default())).await,
    }
}

/// `Err` says why the answer cannot be read.
fn open(reply: Reply) -> Result<(Parts, Source), String> {
    let (head, body) = reply.response.into_parts();
    Source::new(&head.headers, body, reply.permit)
        .map(|source| (head, source))
        .map_err(|encoding| format!("the answer is compressed in a way that was not asked for ({encoding})"))
}

/// An error status: read what the provider says about it.
async fn refusal(reply: Reply, deadline: Until, back: Option<&Back>) -> Fault {
    let Ok((head, mut source)) = open(reply) else {
        return Fault::failed(Failure::NotTheDialect, "an error in an unknown compression");
    };
    let until = deadline.at.min(Instant::now() + ERROR_BODY);
    // Whatever of the body arrives is better than nothing: the status decides.
    let mut body = BytesMut::new();
    while let Ok(Some(Ok(chunk))) = timeout_at(until, poll_fn(|cx| source.poll_chunk(cx))).await {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR - body.len())]);
        if body.len() == MAX_ERROR {
            break;
        }
    }
    let fault = observe::refused(head, body.freeze());
    if back.is_some() { fault.in_our_words() } else { fault }
}

/// A moment that a wait may not outlast, and what it means when it does.
#[derive(Clone, Copy)]
pub(crate) struct Until {
    pub(crate) at: Instant,
    pub(crate) phase: Phase,
}

impl Until {
    fn new(from: Instant, limit: Option<Duration>, phase: Phase, deadline: Self) -> Self {
        match limit.map(|limit| from + limit) {
            Some(at) if at < deadline.at => Self { at, phase },
            _ => deadline,
        }
    }

    fn earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    async fn wait<F: Future>(self, future: F) -> Result<F::Output, Fault> {
        timeout_at(self.at, future).await.map_err(|_| Fault::timeout(self.phase, observe::timed_out(self.phase)))
    }
}

/// The limits on the way to the first semantic event.
struct Clocks {
    /// The first byte.
    until: Until,
    started: Instant,
    idle: Option<Duration>,
    stall: Option<Duration>,
    deadline: Until,
}

impl Clocks {
    /// Until when the next chunk must come. `since` is when the last one came.
    fn next(&self, since: Option<Instant>) -> Until {
        let bytes = since.map_or(self.until, |last| Until::new(last, self.idle, Phase::Idle, self.deadline));
        bytes.earlier(Until::new(self.started, self.stall, Phase::Stall, self.deadline))
    }
}

/// Holds a stream back until it shows content.
async fn first_event(head: Parts, mut source: Source, clocks: Clocks) -> Result<Good, Fault> {
    if let Some(media) = not_events(&head.headers) {
        return Err(not_a_stream(head.headers, source, clocks.until, media).await);
    }
    let (mut held, mut bytes, mut events) = (Vec::new(), 0, 0);
    let mut last = None;
    loop {
        let chunk = match clocks.next(last).wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                return Err(Fault::failed(Failure::Truncated, format!("the stream broke before any content: {error}")));
            }
            None => return Err(ended_early(head.headers, source, bytes > 0)),
        };
        last = Some(Instant::now());
        let batch = source.splitter.push(chunk);
        let mut proven = false;
        for event in batch.events() {
            events += 1;
            match source.watcher.observe(event) {
                Seen::Error(facts) => {
                    let said = Bytes::copy_from_slice(&fields(event).data);
                    return Err(observe::in_band(&facts, head.headers, said));
                }
                Seen::Malformed | Seen::NotSse => return Err(garbage(event)),
                Seen::Content => proven = true,
                Seen::Terminal if !proven => {
                    return Err(Fault::failed(
                        Failure::NotTheDialect,
                        "the stream ended as complete without any content",
                    ));
                }
                Seen::Terminal | Seen::Progress | Seen::Idle => {}
            }
        }
        if let Some(start) = batch.oversized_head() {
            source.watcher.observe_oversized_head(start);
        }
        for piece in [batch.bytes, batch.part] {
            bytes += piece.len();
            if !piece.is_empty() {
                held.push(piece);
            }
        }
        if proven || events >= MAX_HELD_EVENTS || bytes >= MAX_HELD_BYTES {
            return Ok(Good::Stream { head, held, source: Box::new(source) });
        }
    }
}

/// The media type, when it says that these are no events. Relays are careless with it, so only HTML and JSON count.
fn not_events(headers: &HeaderMap) -> Option<String> {
    let media = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    (media.starts_with("text/html") || media.contains("json")).then_some(media)
}

/// HTML or JSON under a 200 where a stream was asked for: an error in disguise, or nonsense.
async fn not_a_stream(headers: HeaderMap, mut source: Source, until: Until, media: String) -> Fault {
    let mut body = BytesMut::new();
    while let Ok(Some(Ok(chunk))) = until.wait(poll_fn(|cx| source.poll_chunk(cx))).await {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR - body.len())]);
        if body.len() == MAX_ERROR {
            break;
        }
    }
    match check_message(&body) {
        Err(Wrong::Error(facts)) => observe::in_band(&facts, headers, body.freeze()),
        _ => Fault::failed(Failure::NotTheDialect, format!("a stream was asked for, the answer is {media}")),
    }
}

/// A stream that ended without content.
fn ended_early(headers: HeaderMap, source: Source, began: bool) -> Fault {
    let rest = source.splitter.finish();
    if began {
        return Fault::failed(Failure::Truncated, "the stream ended before any content");
    }
    match check_message(&rest) {
        Err(Wrong::Error(facts)) => observe::in_band(&facts, headers, rest),
        _ if rest.is_empty() => Fault::failed(Failure::NotTheDialect, "the answer is empty"),
        _ => garbage(&rest),
    }
}

fn garbage(bytes: &[u8]) -> Fault {
    let kind = if qcc_dialect::error::looks_like_html(bytes) { "HTML" } else { "something else" };
    Fault::failed(Failure::NotTheDialect, format!("{kind} where events should be"))
}

/// Reads a whole answer and checks its form.
async fn whole(
    head: Parts,
    mut source: Source,
    until: Until,
    back: Option<&Back>,
    check: fn(&[u8]) -> Result<Told, Wrong>,
) -> Result<Good, Fault> {
    let mut body = Bytes::new();
    loop {
        match until.wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
            None => break,
            Some(Err(error)) => {
                return Err(Fault::failed(Failure::Truncated, format!("the answer broke off: {error}")));
            }
            Some(Ok(chunk)) if body.is_empty() => body = chunk,
            Some(Ok(chunk)) => {
                let mut joined = BytesMut::from(body);
                joined.extend_from_slice(&chunk);
                body = joined.freeze();
            }
        }
        if body.len() > MAX_ANSWER {
            if back.is_some() {
                return Err(Fault::failed(Failure::NotTheDialect, "the answer is too large to be translated"));
            }
            return Ok(Good::Large { head, held: body, source: Box::new(source) });
        }
    }
    let brought = back.map_or_else(|| Ok(body.clone()), |back| back.message(&body));
    match brought.and_then(|body| check(&body).map(|message| (body, message))) {
        Ok((body, told)) => Ok(Good::Whole { head, body, told }),
        Err(Wrong::Error(facts)) if back.is_some() => {
            Err(observe::in_band(&facts, HeaderMap::new(), translate::error_body(&facts)))
        }
        Err(Wrong::Error(facts)) => Err(observe::in_band(&facts, head.headers, body)),
        Err(wrong) => Err(Fault::failed(Failure::NotTheDialect, wrong.to_string())),
    }
}
