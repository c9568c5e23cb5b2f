//! The providers: what is dialled, and what serves a connection. HTTP/1.1 by hand, since a well-behaved server repairs
//! the very faults that are wanted here.

mod probe;
mod writing;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Uri;
use qcc_server::testing::{Dialling, Inside, Io};
use qcc_testkit::wire::{Body, Head, Taken, header, take_head};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::book::{Book, Exchange, Print, Sample, Shared, lock};
use crate::nature::{Nature, Script};
use crate::net::{Clock, End, Line, Stamp, connection};
use crate::random::Random;
use crate::setting::{MODELS, Provider, Setting};
use crate::speech::{Dialect, Question};

/// All providers, and what they need.
pub(crate) struct Providers {
    pub(crate) book: Shared,
    pub(crate) clock: Clock,
    pub(crate) scripts: Vec<Script>,
    /// What each of them speaks.
    pub(crate) dialects: Vec<Dialect>,
    pub(crate) random: Mutex<Random>,
    /// For samples of how things stand when an attempt begins.
    pub(crate) inside: Look,
    /// The wall clock.
    pub(crate) wall: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// A look inside, from the start of the gateway to the end of the run: it holds what holds those who look.
pub(crate) type Look = Arc<Mutex<Option<Inside>>>;

pub(crate) fn look(inside: &Look) -> Option<Inside> {
    inside.lock().expect("one thread").clone()
}

/// One connection that a provider serves.
struct Serving {
    providers: Arc<Providers>,
    number: usize,
    end: End,
    buffer: BytesMut,
    random: Random,
    samples: Arc<Mutex<Vec<Sample>>>,
}

/// A request whose head has come.
struct Received {
    exchange: usize,
    path: String,
    question: Question,
    bad: Option<u16>,
    credential: String,
    body: Body,
}

// === impl Providers ===

impl Providers {
    fn say(&self, what: &str) {
        lock(&self.book).say(what);
    }

    /// A connection to whoever listens at this address.
    pub(crate) fn dial(self: Arc<Self>, uri: &Uri) -> Dialling {
        let number = usize::from(uri.port_u16().unwrap_or_default() - Provider::port(0));
        let mut random = self.random.lock().expect("one thread").fork();
        let nature = self.scripts[number].now(self.clock.now(), &mut random);
        let sample = self.sample(number);
        Box::pin(async move {
            let line = Line::any(&mut random);
            if nature == Nature::Swallowing {
                std::future::pending::<()>().await;
            }
            pause(random.millis(1..80)).await;
            if nature == Nature::Refusing {
                self.say(&format!("p{number} refuses a connection"));
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = connection(line, Line::any(&mut random), &self.clock, &mut random);
            Ok(self.accept(number, near, far, sample, random))
        })
    }

    /// Serves the far end, gives the near one.
    fn accept(
        self: Arc<Self>,
        number: usize,
        near: End,
        far: End,
        dialled: Option<Sample>,
        random: Random,
    ) -> Box<dyn Io> {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let (providers, taken, opened) = (Arc::clone(&self), Arc::clone(&samples), self.clock.now());
        let mut dialled = dialled;
        let near = near.hooked(Box::new(move |data, stamp| {
            if !data.starts_with(b"POST ") {
                return;
            }
            // What is sent as soon as the connection is there, began when it was dialled.
            let first = dialled.take().filter(|_| stamp.at == opened);
            let sample = first.or_else(|| providers.sample(number));
            taken.lock().expect("one thread").extend(sample);
        }));
        let gone = near.dropped();
        let serving = Serving { providers: self, number, end: far, buffer: BytesMut::new(), random, samples };
        tokio::spawn(async move { serving.serve(&gone).await });
        Box::new(near)
    }

    fn sample(&self, number: usize) -> Option<Sample> {
        let inside = look(&self.inside)?;
        let stamp = self.clock.stamp();
        let book = lock(&self.book);
        let setting = book.setting();
        let each =
            MODELS.into_iter().flat_map(|model| setting.plan(model, false).into_iter().map(move |one| (model, one)));
        let standings = each.filter_map(|(model, (provider, sent))| {
            Some(((provider.number, model), inside.standing(&provider.name(), &sent, 0)?))
        });
        Some(Sample { stamp, breaker: inside.breaker(&format!("p{number}")), standings: standings.collect() })
    }
}

async fn pause(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

// === impl Serving ===

impl Serving {
    fn dialect(&self) -> Dialect {
        self.providers.dialects[self.number]
    }

    async fn serve(mut self, gone: &Arc<Mutex<Option<Stamp>>>) {
        let idle = self.random.millis(3_000..200_000);
        loop {
            let Ok(head) = timeout(idle, self.head()).await else {
                let mut book = lock(&self.providers.book);
                let at = book.clock.now();
                book.closings.push((self.number, at));
                book.say(&format!("p{} closes an idle connection", self.number));
                return;
            };
            let Some((head, began)) = head else { return };
            let Some(received) = self.receive(&head, began, gone).await else { return };
            // A probe has its answer.
            let Some(received) = received else { continue };
            if !self.answer(received).await {
                return;
            }
        }
    }

    /// The next head, and when the gateway wrote it.
    async fn head(&mut self) -> Option<(Head, Stamp)> {
        let mut began = None;
        loop {
            if let Some(head) = take_head(&mut self.buffer).ok()? {
                return Some((head, began?));
            }
            if self.end.fill(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            began.get_or_insert_with(|| self.end.written());
        }
    }

    /// Notes the request and reads its body. `None`: the connection ends.
    async fn receive(
        &mut self,
        head: &Head,
        began: Stamp,
        gone: &Arc<Mutex<Option<Stamp>>>,
    ) -> Option<Option<Received>> {
        let at = self.providers.clock.now();
        let nature = self.providers.scripts[self.number].now(at, &mut self.random);
        let credential = CREDENTIALS.iter().find_map(|name| header(&head.headers, name));
        let Some(ask) = told(head, "ask/") else {
            return self.probed(head, nature).await;
        };
        let path = head.first_line.split(' ').nth(1).unwrap_or_default();
        let counts = Dialect::counts_at(path);
        let mut received = Received {
            exchange: 0,
            path: path.to_owned(),
            question: Question::default(),
            bad: told(head, "bad/").filter(|status| *status > 0),
            credential: credential.unwrap_or_default().to_owned(),
            body: Body::announced_by(head, Body::Length(0)).ok()?,
        };
        {
            let mut book = lock(&self.providers.book);
            received.exchange = book.exchanges.len();
            let sample = self.samples.lock().expect("one thread").pop();
            book.exchanges.push(Exchange {
                provider: self.number,
                dialect: self.dialect(),
                ask,
                counts,
                began,
                headers: head.headers.clone(),
                print: None,
                question: None,
                nature,
                sample,
                status: 0,
                frames: Vec::new(),
                written: Vec::new(),
                said: None,
                trouble: None,
                whole: false,
                in_order: false,
                told: None,
                over: None,
                gone: Arc::clone(gone),
            });
            let (number, exchange) = (self.number, received.exchange);
            book.say(&format!("p{number} is asked: exchange {exchange} for ask {ask}, {nature:?}"));
        }
        if nature == Nature::HangingUp {
            return None;
        }
        let body = self.body(&mut received.body).await?;
        let question = self.dialect().read(&received.path, &body);
        received.question = question.clone().unwrap_or_default();
        let mut book = lock(&self.providers.book);
        let exchange = &mut book.exchanges[received.exchange];
        (exchange.print, exchange.question) = (Print::of(&body), question);
        Some(Some(received))
    }

    async fn body(&mut self, body: &mut Body) -> Option<Bytes> {
        let mut whole = BytesMut::new();
        loop {
            match body.take(&mut self.buffer).ok()? {
                Taken::Data(data) => whole.extend_from_slice(&data),
                Taken::End => return Some(whole.freeze()),
                Taken::NeedsMore => {
                    if self.end.fill(&mut self.buffer).await.ok()? == 0 {
                        return None;
                    }
                }
            }
        }
    }

    async fn wait_until_gone(&mut self) {
        while matches!(self.end.fill(&mut self.buffer).await, Ok(1..)) {}
    }
}

/// The headers in which credentials arrive.
pub(crate) const CREDENTIALS: [&str; 3] = ["x-api-key", "x-goog-api-key", "authorization"];

/// What the client says of its request in the one header that every provider gets.
fn told<T: std::str::FromStr>(head: &Head, name: &str) -> Option<T> {
    head.header("user-agent")?.split(' ').find_map(|word| word.strip_prefix(name))?.parse().ok()
}

/// A credential, as it has to arrive at a provider: header and value.
pub(crate) fn credentials(setting: &Setting, number: usize) -> Option<(&'static str, String)> {
    use crate::setting::Credential::{ApiKey, Passthrough, Token};
    let provider = &setting.providers[number];
    match (&provider.credential, provider.dialect) {
        (ApiKey(key), Dialect::Anthropic) => Some(("x-api-key", key.clone())),
        (ApiKey(key), Dialect::Gemini) => Some(("x-goog-api-key", key.clone())),
        (ApiKey(token) | Token(token), _) => Some(("authorization", format!("Bearer {token}"))),
        (Passthrough, _) => None,
    }
}
