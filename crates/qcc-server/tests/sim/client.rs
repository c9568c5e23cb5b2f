//! Clients in the manner of Claude Code, and such of OpenAI's dialects: sessions that take turns, ask two things at once,
//! keep connections, try again after refusals and broken streams, lose patience, read slowly, leave.

mod request;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use qcc_server::testing::Door;
use qcc_testkit::wire::{Body, Taken, header, take_head};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::book::{Ask, Book, Ended, Kind, Print, Shared, lock};
use crate::net::{Clock, End, Line, Stamp, connection};
use crate::random::Random;
use crate::setting::MODELS;
use crate::speech::{Dialect, Wanted};

/// A request of Claude Code is dropped after so long without a byte, whatever it announces.
const PATIENCE: u64 = 300;

/// Tries of one turn. The real client makes eleven, which would only make a run longer.
const TRIES: u32 = 5;

/// What all clients share.
pub(crate) struct Clients {
    pub(crate) book: Shared,
    pub(crate) clock: Clock,
    pub(crate) door: Door,
    /// Lengths of bodies that were used.
    pub(crate) lengths: Mutex<BTreeSet<usize>>,
    pub(crate) keys: Vec<String>,
    /// With what a request may be refused for what it is.
    pub(crate) refusals: &'static [u16],
}

/// A connection that is kept.
struct Conversation {
    end: End,
    buffer: BytesMut,
}

/// Somebody who talks.
pub(crate) struct Session {
    clients: Arc<Clients>,
    number: u64,
    dialect: Dialect,
    own: Option<String>,
    idle: Mutex<Vec<Conversation>>,
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
struct Wish {
    kind: Kind,
    model: &'static str,
    bad: Option<u16>,
    announced: Option<u64>,
    tools: &'static [&'static str],
    /// Whether it wants to hear how many tokens a stream took.
    counts: bool,
}

/// What a client does after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Content,
    /// The same again, after at least so long.
    Again(Duration),
    /// The same again at once, not streamed.
    Whole,
}

// === impl Session ===

impl Session {
    pub(crate) fn new(clients: Arc<Clients>, number: u64, random: &mut Random) -> Arc<Self> {
        let own = random.percent(60).then(|| format!("sk-own-{number}-{:016x}", random.draw()));
        let dialect = random.of(&[Dialect::Anthropic, Dialect::Anthropic, Dialect::Openai, Dialect::Responses]);
        Arc::new(Self { clients, number, dialect, own, idle: Mutex::default() })
    }

    /// Talks until then, or until the gateway drains.
    pub(crate) async fn talk(self: Arc<Self>, until: Duration, mut random: Random) {
        pause(random.millis(0..5000)).await;
        while self.clients.clock.now() < until && lock(&self.clients.book).draining.is_none() {
            let turns = self.wishes(&mut random).into_iter().map(|wish| {
                let (session, random) = (Arc::clone(&self), random.fork());
                tokio::spawn(async move { session.turn(wish, random).await })
            });
            // All of them begin before the first is waited for.
            for turn in turns.collect::<Vec<_>>() {
                turn.await.expect("a turn does not panic");
            }
            let most = random.of(&[1000, 8000, 30_000]);
            pause(random.millis(100..most)).await;
        }
    }

    fn wishes(&self, random: &mut Random) -> Vec<Wish> {
        let mut wish = |kind, model| Wish {
            kind,
            model,
            bad: random.percent(3).then(|| random.of(self.clients.refusals)),
            announced: match random.below(20) {
                0 => None,
                1 | 2 => Some(random.of(&[15, 40, 60])),
                _ if kind == Kind::Message => Some(300),
                _ => Some(600),
            },
            tools: random.of(&[&[][..], request::TOOLS, request::tools_of(self.dialect)]),
            counts: self.dialect != Dialect::Openai || random.percent(50),
        };
        let [large, small] = MODELS;
        let (first, second) = (wish(Kind::Stream, large), wish(Kind::Stream, small));
        let (count, whole) = (wish(Kind::Count, large), wish(Kind::Message, small));
        match random.below(20) {
            0 | 1 if self.dialect == Dialect::Anthropic => vec![Wish { bad: None, ..count }; 2],
            2..6 => vec![second, first],
            6 | 7 => vec![first; 3],
            8..11 => vec![whole],
            11 | 12 => vec![second],
            _ => vec![first],
        }
    }

    async fn turn(&self, wish: Wish, mut random: Random) {
        let mut wish = wish;
        for nth in 0..TRIES {
            if lock(&self.clients.book).draining.is_some() {
                return;
            }
            match self.ask(wish, &mut random).await {
                Next::Content => return,
                Next::Whole => wish.kind = Kind::Message,
                Next::Again(least) => {
                    let usual = Duration::from_millis(500 << nth);
                    pause(least.max(usual) + random.millis(0..100)).await;
                }
            }
        }
    }

    async fn ask(&self, wish: Wish, random: &mut Random) -> Next {
        let (body, words) = self.body(wish, random);
        let slow = random.percent(4);
        let latest = random.of(&[300, 3000, 60_000]);
        let leaves = random.percent(6).then(|| random.millis(0..latest));
        let kept = self.idle.lock().expect("one thread").pop();
        let number = self.note(wish, &body, words, kept.is_none());
        let head = self.head(wish, number, body.len(), random);
        let mut conversation = match kept {
            Some(kept) => kept,
            None => self.connect(random).await,
        };
        let patience = Duration::from_secs(wish.announced.unwrap_or(PATIENCE).min(PATIENCE));
        let slowness = slow.then(|| random.fork());
        let asking = self.converse(&mut conversation, number, &head, &body, patience, slowness);
        let how = match leaves {
            Some(after) => timeout(after, asking).await.unwrap_or(Ended::Left),
            None => asking.await,
        };
        self.ended(number, how);
        if how == Ended::Clean && random.percent(90) {
            self.idle.lock().expect("one thread").push(conversation);
        } else if how == Ended::Left && random.percent(30) {
            conversation.end.reset();
        }
        self.next(number, how)
    }

    async fn connect(&self, random: &mut Random) -> Conversation {
        let (there, back) = (Line::any(random), Line::any(random));
        let (near, far) = connection(there, back, &self.clients.clock, random);
        pause(random.millis(1..60)).await;
        self.clients.door.connect(Box::new(far));
        Conversation { end: near, buffer: BytesMut::new() }
    }

    fn note(&self, wish: Wish, body: &[u8], words: u64, fresh: bool) -> usize {
        let mut book = lock(&self.clients.book);
        let (number, began) = (book.asks.len(), book.clock.stamp());
        book.asks.push(Ask {
            dialect: self.dialect,
            kind: wish.kind,
            print: Print::of(body).expect("every body names a model"),
            words,
            tools: wish.tools,
            counts: wish.counts,
            length: body.len() as u64,
            bad: wish.bad,
            own: self.own.clone(),
            announced: wish.announced,
            fresh,
            began,
            sent: None,
            answered: None,
            status: 0,
            headers: Vec::new(),
            body: BytesMut::new(),
            ended: None,
            understood: std::cell::OnceCell::new(),
        });
        let (session, dialect) = (self.number, self.dialect.name());
        book.say(&format!("session {session} asks: {number}, {:?} of {dialect}, {} bytes", wish.kind, body.len()));
        number
    }

    async fn converse(
        &self,
        conversation: &mut Conversation,
        number: usize,
        head: &[u8],
        body: &[u8],
        patience: Duration,
        slowness: Option<Random>,
    ) -> Ended {
        let until = Instant::now() + patience;
        let whole = [head, body].concat();
        let Ok(written) = tokio::time::timeout_at(until, conversation.end.write_all(&whole)).await else {
            return Ended::Left;
        };
        let stamp = self.clients.clock.stamp();
        lock(&self.clients.book).asks[number].sent = written.is_ok().then_some(stamp);
        let head = match tokio::time::timeout_at(until, answer_head(conversation)).await {
            Err(_) => return Ended::Left,
            Ok(None) => return Ended::Unheard,
            Ok(Some(head)) => head,
        };
        let (stamp, status, headers) = head;
        let Ok(mut framing) = Body::announced_by(&headers, Body::UntilClose) else { return Ended::Cut };
        {
            let mut book = lock(&self.clients.book);
            let ask = &mut book.asks[number];
            (ask.answered, ask.status, ask.headers) = (Some(stamp), status, headers.headers);
            book.say(&format!("ask {number} hears {status}"));
        }
        let Conversation { end, buffer } = conversation;
        let mut slowness = slowness;
        loop {
            match framing.take(buffer) {
                Err(_) => return Ended::Cut,
                Ok(Taken::End) => return Ended::Clean,
                Ok(Taken::Data(data)) => lock(&self.clients.book).asks[number].body.extend_from_slice(&data),
                Ok(Taken::NeedsMore) => {
                    if let Some(random) = &mut slowness {
                        let most = if random.percent(3) { 200_000 } else { 2000 };
                        pause(random.millis(0..most)).await;
                    }
                    match timeout(Duration::from_secs(PATIENCE), end.fill(buffer)).await {
                        Err(_) => return Ended::Left,
                        Ok(Ok(0)) if matches!(framing, Body::UntilClose) => return Ended::Clean,
                        Ok(Ok(0) | Err(_)) => return Ended::Cut,
                        Ok(Ok(_)) => {}
                    }
                }
            }
        }
    }

    fn ended(&self, number: usize, how: Ended) {
        let mut book = lock(&self.clients.book);
        let stamp = book.clock.stamp();
        let ask = &mut book.asks[number];
        ask.ended = Some((stamp, how));
        let text = format!(
            "ask {number} ends: {how:?}, {} with {} bytes {:016x}",
            ask.status,
            ask.body.len(),
            Book::hash(&ask.body)
        );
        book.say(&text);
    }

    /// What Claude Code does then, or who waits for a whole answer.
    fn next(&self, number: usize, how: Ended) -> Next {
        let book = lock(&self.clients.book);
        let ask = &book.asks[number];
        if how == Ended::Left {
            return Next::Content;
        }
        let named = header(&ask.headers, "retry-after").and_then(|text| text.parse().ok());
        match (how, ask.status) {
            (Ended::Unheard, _) | (_, 408 | 409 | 429 | 500..) => Next::Again(Duration::from_secs(named.unwrap_or(0))),
            (_, 200) if ask.kind == Kind::Stream => {
                let heard = ask.heard();
                let keeps = ask.dialect == Dialect::Anthropic && heard.blocks.iter().any(|block| block.over);
                if heard.ends > 0 || keeps { Next::Content } else { Next::Whole }
            }
            (Ended::Cut, 200) => Next::Again(Duration::ZERO),
            _ => Next::Content,
        }
    }
}

async fn pause(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

/// The head of an answer and when the gateway wrote it; `None`: the connection ended instead.
async fn answer_head(conversation: &mut Conversation) -> Option<(Stamp, u16, qcc_testkit::wire::Head)> {
    let mut stamp = None;
    loop {
        if let Some(head) = take_head(&mut conversation.buffer).ok()? {
            let status = head.first_line.split(' ').nth(1)?.parse().ok()?;
            return Some((stamp?, status, head));
        }
        if conversation.end.fill(&mut conversation.buffer).await.ok()? == 0 {
            return None;
        }
        stamp.get_or_insert_with(|| conversation.end.written());
    }
}
