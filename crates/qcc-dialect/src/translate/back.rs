//! How an answer comes back: in the form in which the provider gave it, or in the other one where the client wants that.

use bytes::{Bytes, BytesMut};

use super::pens::{Decoder, Encoder, Speech, write};
use super::thoughts::{Gatherer, Thoughts};
use crate::answer::{Told, Wrong};
use crate::asker::Asker;
use crate::canon::{ClientTool, Collector, Event, Losses, Message, Part, StopReason};
use crate::error::ErrorFacts;
use crate::sse::{Splitter, fields};

/// Longest event that is put together, bytes: a call with a whole file in it may come in one. As much as a whole answer.
const MAX_LONG: usize = 8 * 1024 * 1024;

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
    collector: Collector,
    fault: Option<ErrorFacts>,
    head: Head,
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
        StreamBack {
            reader: self.reader(),
            encoder,
            gatherer,
            told: Told::default(),
            fault: None,
            out: BytesMut::new(),
        }
    }

    /// A stream for a client that wants an answer in one piece.
    #[must_use]
    pub fn collecting(&self) -> Collecting {
        let (reader, collector) = (self.reader(), Collector::new());
        Collecting { reader, collector, fault: None, head: self.head.clone() }
    }

    fn reader(&self) -> Reader {
        Reader { splitter: Splitter::holding(MAX_LONG), decoder: self.speech.decoder(), events: Vec::new() }
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
        message.into_events().into_iter().for_each(|event| stream.take(&event));
        losses.extend(stream.losses());
        Ok(Brought { body: stream.out.split().freeze(), losses, thoughts: stream.thoughts(), told: stream.told })
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
            self.events.drain(..).for_each(|event| heed(Heard::Event(event)));
        }
        if !batch.part.is_empty() {
            let message = format!("the provider sent an event of over {MAX_LONG} bytes");
            heed(Heard::Event(Event::Fault { status: 502, kind: "too_long".to_owned(), message }));
        }
    }

    /// The stream has ended.
    fn finish(&mut self) -> std::vec::Drain<'_, Event> {
        let rest = std::mem::take(&mut self.splitter).finish();
        if !rest.is_empty() {
            self.decoder.push(&rest, &mut self.events);
        }
        self.decoder.finish(&mut self.events);
        self.events.drain(..)
    }
}

impl StreamBack {
    /// What a chunk of the provider's stream means; may be nothing yet.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let Self { reader, encoder, gatherer, told, fault, out } = self;
        reader.push(chunk, &mut |heard| match heard {
            Heard::Event(event) => Listeners { encoder, gatherer, told, fault, out }.take(&event),
            Heard::Nothing => out.extend_from_slice(KEEP_ALIVE),
        });
        out.split().freeze()
    }

    /// The stream has ended.
    pub fn finish(&mut self) -> Bytes {
        let Self { reader, encoder, gatherer, told, fault, out } = self;
        let mut listeners = Listeners { encoder, gatherer, told, fault, out };
        reader.finish().for_each(|event| listeners.take(&event));
        out.split().freeze()
    }

    /// What could not be carried of the answer so far.
    #[must_use]
    pub fn losses(&self) -> Losses {
        let mut losses = self.reader.decoder.losses();
        losses.extend(self.encoder.losses().clone());
        losses
    }

    /// The provider's own id of the answer and its counts so far: not all dialects carry them.
    #[must_use]
    pub fn told(&self) -> Told {
        let mut told = self.told.clone();
        told.usage.take(self.reader.decoder.usage().unwrap_or_default());
        told
    }

    /// The error that the provider reported, as it meant it: the client's dialect may have no word for its status.
    #[must_use]
    pub fn fault(&self) -> Option<&ErrorFacts> {
        self.fault.as_ref()
    }

    /// What has to be put back when the conversation goes on. It is told once.
    pub fn thoughts(&mut self) -> Thoughts {
        self.gatherer.as_mut().map(Gatherer::take).unwrap_or_default()
    }

    fn take(&mut self, event: &Event) {
        let Self { encoder, gatherer, told, fault, out, .. } = self;
        Listeners { encoder, gatherer, told, fault, out }.take(event);
    }
}

/// Who hears each event of a stream.
struct Listeners<'a> {
    encoder: &'a mut Encoder,
    gatherer: &'a mut Option<Gatherer>,
    told: &'a mut Told,
    fault: &'a mut Option<ErrorFacts>,
    out: &'a mut BytesMut,
}

impl Listeners<'_> {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Start { id, .. } => self.told.id.clone_from(id),
            Event::Usage(usage) => self.told.usage.take(*usage),
            Event::Fault { status, kind, message } => {
                self.fault.get_or_insert_with(|| ErrorFacts::stated(*status, kind.clone(), message.clone()));
            }
            _ => {}
        }
        if let Some(gatherer) = self.gatherer {
            gatherer.see(event);
        }
        self.encoder.push(event, self.out);
    }
}

impl Collecting {
    /// Takes the next chunk of the provider's stream.
    pub fn push(&mut self, chunk: Bytes) {
        let Self { reader, collector, fault, .. } = self;
        reader.push(chunk, &mut |heard| {
            if let Heard::Event(event) = heard {
                collect(event, collector, fault);
            }
        });
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// What came instead of a whole answer.
    pub fn finish(self) -> Result<Brought, Wrong> {
        let Self { mut reader, mut collector, mut fault, head } = self;
        reader.finish().for_each(|event| collect(event, &mut collector, &mut fault));
        if let Some(facts) = fault {
            return Err(Wrong::Error(facts));
        }
        Ok(brought(&head, &whole(collector.finish().ok_or(Wrong::NotJson)?)?))
    }
}

fn collect(event: Event, collector: &mut Collector, fault: &mut Option<ErrorFacts>) {
    match event {
        Event::Fault { status, kind, message } => *fault = Some(ErrorFacts::stated(status, kind, message)),
        event => collector.push(event),
    }
}
