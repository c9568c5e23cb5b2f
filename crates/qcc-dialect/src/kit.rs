//! What the tests of several dialects share: golden files, a request of Claude Code's kind, and how events are looked at.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::anthropic::canon::decode_request;
use crate::canon::grammar::Grammar;
use crate::canon::{Block, Delta, Event, Losses, Message, Request, ToolNames, Unfit};
use crate::sse::Splitter;
use crate::translate::Speech;

/// Golden files of a dialect.
pub(crate) struct Golden(pub(crate) &'static str);

impl Golden {
    pub(crate) fn folder(&self, kind: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(self.0).join(kind)
    }

    pub(crate) fn read(&self, kind: &str, name: &str) -> Vec<u8> {
        fs::read(self.folder(kind).join(name)).unwrap_or_else(|cause| panic!("{kind}/{name}: {cause}"))
    }

    /// The inputs in a folder, by name; snapshots are no inputs.
    pub(crate) fn inputs(&self, kind: &str, ending: &str) -> Vec<String> {
        let files = fs::read_dir(self.folder(kind)).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// All streams that the decoder reads.
    pub(crate) fn streams(&self) -> Vec<Vec<u8>> {
        self.inputs("stream", ".sse").iter().map(|name| self.read("stream", &format!("{name}.sse"))).collect()
    }
}

/// Holds a text against the snapshot of this name beside the golden files of a kind.
macro_rules! golden {
    ($golden:expr, $kind:literal, $name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => $golden.folder($kind),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}
pub(crate) use golden;

/// A request of Claude Code's kind, read into the neutral form; model and limit need not be named.
pub(crate) fn request(mut body: Value) -> Request {
    let defaults =
        json!({"model": "claude-opus-4-8", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in defaults.as_object().unwrap() {
        body.as_object_mut().unwrap().entry(name).or_insert_with(|| value.clone());
    }
    decode_request(body.to_string().as_bytes()).unwrap()
}

pub(crate) fn conversation(messages: Value) -> Value {
    json!({"messages": messages})
}

pub(crate) fn call(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

pub(crate) fn result(id: &str, content: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

/// A request as it goes to a provider.
pub(crate) struct Sent {
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) losses: Vec<String>,
    pub(crate) names: ToolNames,
}

impl Sent {
    pub(crate) fn new(body: &Bytes, names: ToolNames, losses: &Losses) -> Self {
        let text = String::from_utf8(body.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap();
        Self { text, body, losses: losses.iter().map(ToString::to_string).collect(), names }
    }

    /// As it stands in snapshots.
    pub(crate) fn shown(sent: Result<Self, Unfit>) -> String {
        match sent {
            Ok(sent) => format!("{:#}\n\nlost:\n{}", sent.body, sent.losses.join("\n")),
            Err(unfit) => format!("unfit: {unfit}"),
        }
    }
}

/// The events of a stream, its bytes cut into pieces as given, the body ended after them.
pub(crate) fn events_of<'a>(speech: &Speech, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut splitter = Splitter::new();
    let mut decoder = speech.decoder();
    let mut events = Vec::new();
    for piece in pieces {
        let batch = splitter.push(Bytes::copy_from_slice(piece));
        batch.events().for_each(|event| decoder.push(event, &mut events));
    }
    decoder.push(&splitter.finish(), &mut events);
    decoder.finish(&mut events);
    events
}

/// A stream in pieces, cut at these places.
pub(crate) fn cut<'a>(stream: &'a [u8], at: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = at.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Events keep the grammar of the neutral form, and no delta is empty.
pub(crate) fn check(events: &[Event]) {
    if let Err(why) = Grammar::check(events) {
        panic!("{why}: {events:?}");
    }
    for event in events {
        if let Event::Delta(Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text) | Delta::Signature(text)) =
            event
        {
            assert!(!text.is_empty(), "{events:?}");
        }
    }
}

/// Short words for events: what is open stands before its deltas, all deltas of a block in one.
pub(crate) fn words(events: &[Event]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for event in events {
        let word = match event {
            Event::Start { .. } => "start".to_owned(),
            Event::Open(Block::Text) => "text:".to_owned(),
            Event::Open(Block::Thinking) => "thinking:".to_owned(),
            Event::Open(Block::ToolUse { id, name }) => format!("{name}#{id}:"),
            Event::Open(other) => format!("{other:?}"),
            Event::Delta(Delta::Text(more) | Delta::Thinking(more) | Delta::Input(more)) => {
                words.last_mut().unwrap().push_str(more);
                continue;
            }
            Event::Delta(Delta::Signature(_)) => {
                words.last_mut().unwrap().push_str("+signature");
                continue;
            }
            Event::Close => {
                words.last_mut().unwrap().push('.');
                continue;
            }
            Event::Usage(_) => "usage".to_owned(),
            Event::Stop(stop) => format!("{:?}{}", stop.reason, stop.sequence.as_deref().unwrap_or_default()),
            Event::End => "end".to_owned(),
            Event::Fault { status, kind, .. } => format!("fault {status} {kind}"),
        };
        words.push(word);
    }
    words
}

/// All events, a line each, as they stand in snapshots.
pub(crate) fn lines(events: &[Event]) -> String {
    events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>().join("\n")
}

/// A whole answer as it stands in snapshots.
pub(crate) fn parts_of(message: &Message) -> String {
    let Message { id, model, parts, stop, usage, broken, .. } = message;
    let mut lines: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
    lines.push(format!("{stop:?}\n{usage:?}\nid {id:?} model {model:?} broken {broken:?}"));
    lines.join("\n")
}
