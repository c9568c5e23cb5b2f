//! The dialects between which the golden inputs go, and one answer on its way. A new dialect joins here.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::answer::Wrong;
use crate::anthropic::canon::grammar as anthropic;
use crate::asker::Asker;
use crate::capabilities::Capabilities;
use crate::openai::client::grammar as openai;
use crate::responses::client::grammar as responses;
use crate::sse::Splitter;
use crate::translate::{Back, Dialect, NotSent, Outgoing, Question, Tongue};

/// Every dialect in which clients ask.
pub(super) const ASKERS: [Asker; 3] = [Asker::Anthropic, Asker::OpenAi, Asker::Responses];

/// A provider: what its snapshots are called, what it speaks, where it is and a model of it.
pub(super) type Provider = (&'static str, Dialect, &'static str, &'static str);

/// Providers that requests are put to: of every dialect one of the vendor itself, and of the widespread one another of whom
/// nothing is known.
pub(super) const PROVIDERS: [Provider; 5] = [
    ("anthropic", Dialect::Anthropic, "https://api.anthropic.com", "claude-opus-4-8"),
    ("openai", Dialect::OpenAi, "https://api.openai.com/v1", "gpt-5.1"),
    ("compatible", Dialect::OpenAi, "https://llm.example/v1", "some-model"),
    ("responses", Dialect::Responses, "https://api.openai.com/v1", "gpt-5.1"),
    ("gemini", Dialect::Gemini, "https://generativelanguage.googleapis.com", "gemini-3-pro-preview"),
];

pub(super) fn tongue((_, dialect, base, _): Provider) -> Tongue {
    Tongue::new(dialect, base)
}

/// Where golden files are.
pub(super) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(super) fn read(folder: &str, name: &str) -> Vec<u8> {
    let path = fixtures().join(folder).join(name);
    fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Names of all files in a folder but snapshots, in order; none where it is not there.
pub(super) fn files(folder: &str) -> Vec<String> {
    let Ok(found) = fs::read_dir(fixtures().join(folder)) else { return Vec::new() };
    let names = found.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".snap") && !name.ends_with(".new")).collect();
    names.sort();
    names
}

/// Puts a request to a provider, under its model.
pub(super) fn put(asker: Asker, provider: Provider, body: &[u8]) -> Result<Outgoing, NotSent> {
    let question = Question { asker, body, model: Some(provider.3), request_id: "7", created: 7, recalled: &|_| None };
    let known = Capabilities::of_model(provider.3);
    let known = if provider.1 == Dialect::Anthropic { known } else { known.lacks() };
    tongue(provider).outgoing(&question, &known)
}

/// How an answer to a small request of a client comes back from a provider.
pub(super) fn back(asker: Asker, provider: Provider, stream: bool) -> Back {
    let wish = match asker {
        Asker::Anthropic => r#""max_tokens":99,"messages":[{"role":"user","content":"Hi"}]"#,
        Asker::OpenAi => r#""stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]"#,
        Asker::Responses => r#""input":"Hi""#,
    };
    let body = format!(r#"{{"model":"asked-model","stream":{stream},{wish}}}"#);
    put(asker, provider, body.as_bytes()).unwrap().back
}

/// How a stream ends, as far as its client can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is whole.
    Whole,
    /// It ends with an error.
    Error,
    /// It just ends.
    Cut,
}

/// Holds a stream against the rules of a client's dialect.
pub(super) fn check(asker: Asker, stream: &[u8]) -> Result<End, String> {
    match asker {
        Asker::Anthropic => anthropic::check(stream).map(|end| match end {
            anthropic::End::Whole => End::Whole,
            anthropic::End::Error => End::Error,
            anthropic::End::Cut => End::Cut,
        }),
        Asker::OpenAi => openai::check(stream, true).map(|end| match end {
            openai::End::Whole => End::Whole,
            openai::End::Error => End::Error,
            openai::End::Cut => End::Cut,
        }),
        Asker::Responses => responses::check(stream).map(|end| match end {
            responses::End::Whole => End::Whole,
            responses::End::Error => End::Error,
            responses::End::Cut => End::Cut,
        }),
    }
}

/// Whether the relay takes a stream for whole when its body has ended.
pub(super) fn is_taken_for_whole(asker: Asker, stream: &[u8]) -> bool {
    let mut watcher = asker.watcher();
    let batch = Splitter::new().push(Bytes::copy_from_slice(stream));
    batch.events().for_each(|event| drop(watcher.observe(event)));
    watcher.ended()
}

/// What goes down for a stream that arrives in these pieces, and what is lost of it.
pub(super) fn bring<'a>(back: &Back, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<String>) {
    let mut stream = back.stream();
    let mut down = Vec::new();
    for piece in pieces {
        down.extend(stream.push(Bytes::copy_from_slice(piece)));
    }
    down.extend(stream.finish());
    (down, stream.losses().iter().map(ToString::to_string).collect())
}

/// What a client that wants one piece gets of a stream.
pub(super) fn collect(back: &Back, stream: &[u8]) -> Result<Bytes, Wrong> {
    let mut collecting = back.collecting();
    collecting.push(Bytes::copy_from_slice(stream));
    collecting.finish().map(|brought| brought.body)
}

/// Draws of a made-up but always equal order.
pub(super) struct Draws(pub(super) u64);

impl Draws {
    /// Below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// Pieces of some bytes, cut at random.
    pub(super) fn pieces<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(1 + self.below(bytes.len().min(80)));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}
