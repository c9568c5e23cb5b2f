//! How an answer comes back: in the form in which the provider gave it, or in the other one where the client wants that.

use bytes::{Bytes, BytesMut};

use super::pens::{Decoder, Encoder, Speech, write};
use super::thoughts::{Gatherer, Thoughts};
use crate::answer::{MAX_ANSWER, Told, Wrong};
use crate::asker::Asker;
use crate::canon::{ClientTool, Collector, Event, Losses, Message, Part, StopReason};
use crate::error::ErrorFacts;
use crate::sse::{Splitter, fields};

/// Tells a client that the provider is still there: a comment, which every client passes over.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// What the answer is headed with.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) asker: Asker,
    /// As the client named it.
    pub(super) model: String,
    pub(super) request_id: String,
    /// Seconds since the Unix epoch.
    pub(super) created: u64,
    /// Tokens of the prompt, until the provider has counted.
    pub(super) estimate: u64,
    pub(super) include_usage: bool,
    /// Tools that the client knows in another form.
    pub(super) client_tools: Vec<ClientTool>,
}

impl Head {
    /// The answer's id, as the dialect begins such ids.
    pub(super) fn id(&self) -> String {
        let kind = match self.asker {
            Asker::Anthropic => "msg",
            Asker::OpenAi => "chatcmpl",
            Asker::Responses => "resp",
        };
        format!("{kind}_{}", self.request_id)
    }
}

/// Brings an answer back.
#[derive(Debug, Clone)]
pub struct Back {
    head: Head,
    speech: Speech,
}

/// Brings a stream back as a stream, chunk by chunk.
#[derive(Debug)]
pub struct StreamBack {
    reader: Reader,
    writer: Writer,
}

/// Writes what was read.
#[derive(Debug)]
struct Writer {
    encoder: Encoder,
    /// Where the client's dialect loses what is thought.
    gatherer: Option<Gatherer>,
    told: Told,
    /// What the provider reported instead of going on.
    fault: Option<ErrorFacts>,
    out: BytesMut,
}

/// An answer that was brought back in one piece.
#[derive(Debug)]
pub struct Brought {
    /// In the client's dialect.
    pub body: Bytes,
    /// What of it could not be carried.
    pub losses: Losses,
    /// What has to be put back when the conversation goes on.
    pub thoughts: Thoughts,
    /// What the log wants to know.
    pub told: Told,
}

/// Puts a stream together to an answer in one piece.
#[derive(Debug)]
pub struct Collecting {
    reader: Reader,
    collected: Collected,
    head: Head,
}

/// What was read of an answer.
#[derive(Debug, Default)]
struct Collected {
    collector: Collector,
    fault: Option<ErrorFacts>,
}

impl Back {
    pub(super) fn new(head: Head, speech: Speech) -> Self {
        Self { head, speech }
    }

    /// The dialect that the answer comes back in.
    #[must_use]
    pub fn asker(&self) -> Asker {
        self.head.asker
    }

    /// A stream for a client that wants one.
    #[must_use]
    pub fn stream(&self) -> StreamBack {
        let gatherer = (!self.head.asker.carries_thinking()).then(Gatherer::default);
        let encoder = Encoder::new(&self.head);
        let writer = Writer { encoder, gatherer, told: Told::default(), fault: None, out: BytesMut::new() };
        StreamBack { reader: self.reader(), writer }
    }

    /// A stream for a client that wants an answer in one piece.
    #[must_use]
    pub fn collecting(&self) -> Collecting {
        Collecting { reader: self.reader(), collected: Collected::default(), head: self.head.clone() }
    }

    fn reader(&self) -> Reader {
        // A call with a whole file in it may come in one event.
        let splitter = Splitter::holding(MAX_ANSWER);
        Reader { splitter, decoder: self.speech.decoder(), events: Vec::new(), room: MAX_ANSWER }
    }

    /// An answer in one piece, for a client that wants one.
    ///
    /// # Errors
    /// What the body is instead of an answer.
    pub fn message(&self, body: &[u8]) -> Result<Brought, Wrong> {
        Ok(brought(&self.head, &whole(self.speech.message(body)?)?))
    }

    /// An answer in one piece, for a client that wants a stream: all of it.
    ///
    /// # Errors
    /// What the body is instead of an answer.
    pub fn message_as_stream(&self, body: &[u8]) -> Result<Brought, Wrong> {
        let mut stream = self.stream();
        let message = whole(self.speech.message(body)?)?;
        let mut losses = message.losses.clone();
        message.into_events().iter().for_each(|event| stream.writer.write(event));
        losses.extend(stream.losses());
        let thoughts = stream.thoughts();
        let Writer { out, told, .. } = stream.writer;
        Ok(Brought { body: out.freeze(), losses, thoughts, told })
    }
}

/// An answer that may be passed on as whole. A limit may have cut the last call: then the answer is what came before it.
fn whole(mut message: Message) -> Result<Message, Wrong> {
    let reason = message.stop.as_ref().map(|stop| &stop.reason);
    let cut = matches!(reason, Some(StopReason::MaxTokens | StopReason::ContextExceeded | StopReason::Refusal));
    if cut && message.broken.len() == 1 && matches!(message.parts.last(), Some(Part::Text(_))) {
        message.parts.pop();
        message.broken.clear();
        message.losses.add("answer.tool_use", "dropped: a limit cut its input");
    }
    let is_whole = message.stop.is_some() && message.broken.is_empty();
    if is_whole { Ok(message) } else { Err(Wrong::NotJson) }
}

fn brought(head: &Head, message: &Message) -> Brought {
    let (mut losses, mut gatherer) = (message.losses.clone(), Gatherer::default());
    if !head.asker.carries_thinking() {
        gatherer.see_message(message);
    }
    let body = write(head, message, &mut losses);
    let told = Told { id: message.id.clone(), stop_reason: None, usage: message.usage };
    Brought { body, losses, thoughts: gatherer.take(), told }
}

/// What a provider sends.
enum Heard {
    Event(Event),
    /// It is still there, no more.
    Nothing,
}

/// A comment or a ping, by which a provider keeps the connection open while its model says nothing.
fn is_keep_alive(event: &[u8]) -> bool {
    // Half of a line end may have come late.
    let lines = event.trim_ascii_start();
    let says_nothing = || {
        let fields = fields(lines);
        fields.data.is_empty() && fields.event.is_none() && !fields.stray
    };
    (lines.first() == Some(&b':') && says_nothing()) || lines.starts_with(b"event: ping")
}

/// Reads a stream into events.
#[derive(Debug)]
struct Reader {
    splitter: Splitter,
    decoder: Decoder,
    events: Vec<Event>,
    /// Bytes that the answer may still have: some encoders keep all of it for their last event.
    room: usize,
}

impl Reader {
    fn push(&mut self, chunk: Bytes, heed: &mut impl FnMut(Heard)) {
        let batch = self.splitter.push(chunk);
        for event in batch.events() {
            if is_keep_alive(event) {
                heed(Heard::Nothing);
                continue;
            }
            self.decoder.push(event, &mut self.events);
            self.give(heed);
        }
        if !batch.part.is_empty() {
            heed(Heard::Event(too_long("an event")));
        }
    }

    /// The stream has ended.
    fn finish(&mut self, heed: &mut impl FnMut(Heard)) {
        let rest = std::mem::take(&mut self.splitter).finish();
        if !rest.is_empty() {
            self.decoder.push(&rest, &mut self.events);
        }
        self.decoder.finish(&mut self.events);
        self.give(heed);
    }

    /// Once there is too much nothing more is told.
    fn give(&mut self, heed: &mut impl FnMut(Heard)) {
        for event in self.events.drain(..) {
            if self.room == 0 {
                continue;
            }
            self.room = self.room.saturating_sub(event.size());
            heed(Heard::Event(if self.room == 0 { too_long("an answer") } else { event }));
        }
    }
}

fn too_long(what: &str) -> Event {
    let message = format!("the provider sent {what} of over {MAX_ANSWER} bytes");
    Event::Fault { status: 502, kind: "too_long".to_owned(), message }
}

impl StreamBack {
    /// What a chunk of the provider's stream means; may be nothing yet.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        self.reader.push(chunk, &mut |heard| self.writer.hear(&heard));
        self.writer.out.split().freeze()
    }

    /// The stream has ended.
    pub fn finish(&mut self) -> Bytes {
        self.reader.finish(&mut |heard| self.writer.hear(&heard));
        self.writer.out.split().freeze()
    }

    /// What could not be carried of the answer so far.
    #[must_use]
    pub fn losses(&self) -> Losses {
        let mut losses = self.reader.decoder.losses();
        losses.extend(self.writer.encoder.losses().clone());
        losses
    }

    /// The provider's own id of the answer and its counts so far: not all dialects carry them.
    #[must_use]
    pub fn told(&self) -> Told {
        let mut told = self.writer.told.clone();
        told.usage.take(self.reader.decoder.usage().unwrap_or_default());
        told
    }

    /// The error that the provider reported, as it meant it: the client's dialect may have no word for its status.
    #[must_use]
    pub fn fault(&self) -> Option<&ErrorFacts> {
        self.writer.fault.as_ref()
    }

    /// What has to be put back when the conversation goes on. It is told once.
    pub fn thoughts(&mut self) -> Thoughts {
        self.writer.gatherer.as_mut().map(Gatherer::take).unwrap_or_default()
    }
}

impl Writer {
    fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Event(event) => self.write(event),
            Heard::Nothing => self.out.extend_from_slice(KEEP_ALIVE),
        }
    }

    fn write(&mut self, event: &Event) {
        match event {
            Event::Start { id, .. } => self.told.id.clone_from(id),
            Event::Usage(usage) => self.told.usage.take(*usage),
            Event::Fault { status, kind, message } => {
                self.fault.get_or_insert_with(|| ErrorFacts::stated(*status, kind.clone(), message.clone()));
            }
            _ => {}
        }
        if let Some(gatherer) = &mut self.gatherer {
            gatherer.see(event);
        }
        self.encoder.push(event, &mut self.out);
    }
}

impl Collecting {
    /// Takes the next chunk of the provider's stream.
    pub fn push(&mut self, chunk: Bytes) {
        self.reader.push(chunk, &mut |heard| self.collected.hear(heard));
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// What came instead of a whole answer.
    pub fn finish(mut self) -> Result<Brought, Wrong> {
        self.reader.finish(&mut |heard| self.collected.hear(heard));
        let Collected { collector, fault } = self.collected;
        if let Some(facts) = fault {
            return Err(Wrong::Error(facts));
        }
        Ok(brought(&self.head, &whole(collector.finish().ok_or(Wrong::NotJson)?)?))
    }
}

impl Collected {
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Event(Event::Fault { status, kind, message }) => {
                self.fault = Some(ErrorFacts::stated(status, kind, message));
            }
            Heard::Event(event) => self.collector.push(event),
            Heard::Nothing => {}
        }
    }
}
