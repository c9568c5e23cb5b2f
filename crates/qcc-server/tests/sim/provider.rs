//! The providers: what is dialled, and what serves a connection. HTTP/1.1 by hand, since a well-behaved server repairs
//! the very faults that are wanted here.

mod probe;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Uri;
use qcc_server::testing::{Dialling, Inside, Io};
use qcc_testkit::wire::{Body, Head, Taken, header, take_head};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{Answer, Stop, To};
use crate::book::{Book, Exchange, Print, Sample, Shared, lock};
use crate::nature::{Nature, Script};
use crate::net::{Clock, End, Line, Stamp, connection};
use crate::random::Random;
use crate::setting::{MODELS, Provider, Setting};
use crate::speech::{Dialect, Question};

/// Bytes of a piece that come one at a time, where they do.
const TRICKLE: usize = 40;

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

    /// Whether the connection is kept.
    async fn answer(&mut self, received: Received) -> bool {
        let nature = lock(&self.providers.book).exchanges[received.exchange].nature;
        if nature == Nature::Silent {
            self.wait_until_gone().await;
            return false;
        }
        let to = To {
            exchange: received.exchange,
            dialect: self.dialect(),
            question: &received.question,
            counts: Dialect::counts_at(&received.path),
            bad: received.bad,
            credential: &received.credential,
            clock_ms: (self.providers.wall)(),
        };
        let answer = Answer::any(nature, to, &mut self.random);
        {
            let mut book = lock(&self.providers.book);
            let exchange = &mut book.exchanges[received.exchange];
            exchange.status = answer.status;
            exchange.frames.clone_from(&answer.frames);
            (exchange.said, exchange.trouble) = (answer.said.clone(), answer.trouble);
        }
        pause(self.random.millis(5..1500)).await;
        let written = self.write(received.exchange, &answer).await;
        self.note(received.exchange, &answer, &written);
        written.is_ok() && self.stop(received.exchange, &answer).await
    }

    fn note(&self, number: usize, answer: &Answer, written: &io::Result<bool>) {
        let mut book = lock(&self.providers.book);
        let stamp = book.clock.stamp();
        let exchange = &mut book.exchanges[number];
        exchange.whole = matches!(written, Ok(true)) && answer.is_whole();
        exchange.in_order = matches!(written, Ok(true)) && answer.ends_in_order();
        exchange.over = Some(stamp);
        let how = match written {
            Ok(_) => format!("{:?}", answer.stop),
            Err(error) => format!("not taken: {error}"),
        };
        let sent = Book::hash(&exchange.payload());
        book.say(&format!("exchange {number} is answered {} {sent:016x}, {how}", answer.status));
    }

    /// Whether every byte was written that is there to be sent.
    async fn write(&mut self, number: usize, answer: &Answer) -> io::Result<bool> {
        let mut left = answer.most.unwrap_or(u64::MAX);
        self.put(&answer.head(), answer, &mut left).await?;
        for frame in &answer.frames[..answer.sent] {
            let (least, most) = answer.pauses;
            let wait = self.random.millis(least..most + 1);
            if !wait.is_zero() {
                pause(wait).await;
            }
            let framed = answer.framed(frame);
            let room = left.saturating_add(answer.tail());
            self.put(&framed, answer, &mut left).await?;
            if room >= framed.len() as u64 {
                self.wrote(number);
            }
        }
        if answer.sent == answer.frames.len() {
            let mut book = lock(&self.providers.book);
            book.exchanges[number].told = Some(book.clock.stamp());
        }
        if answer.stop == Stop::InOrder
            && let Some(end) = answer.end()
        {
            self.put(&end, answer, &mut left).await?;
        }
        Ok(left > 0)
    }

    /// A frame was written to its end.
    fn wrote(&self, number: usize) {
        let mut book = lock(&self.providers.book);
        let stamp = book.clock.stamp();
        book.exchanges[number].written.push(stamp);
    }

    async fn put(&mut self, bytes: &[u8], answer: &Answer, left: &mut u64) -> io::Result<()> {
        let size = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= size as u64;
        let slowly = if answer.trickles { size.min(TRICKLE) } else { 0 };
        for byte in &bytes[..slowly] {
            pause(self.random.millis(1..30)).await;
            self.end.write_all(&[*byte]).await?;
        }
        self.end.write_all(&bytes[slowly..size]).await
    }

    /// What comes after what was sent. Whether the connection is kept.
    async fn stop(&mut self, number: usize, answer: &Answer) -> bool {
        match answer.stop {
            Stop::InOrder => answer.is_kept(),
            Stop::Close => false,
            Stop::Reset => {
                self.end.reset();
                false
            }
            Stop::Silence => {
                self.wait_until_gone().await;
                false
            }
            Stop::Pings => {
                let ping = self.dialect().ping();
                let framed = answer.framed(&ping);
                lock(&self.providers.book).exchanges[number].frames.truncate(answer.sent);
                while self.end.write_all(&framed).await.is_ok() {
                    lock(&self.providers.book).exchanges[number].frames.push(ping.clone());
                    self.wrote(number);
                    pause(Duration::from_secs(5)).await;
                }
                false
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
