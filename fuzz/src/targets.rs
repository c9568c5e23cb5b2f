//! What has to hold for any bytes at all, one function for each decoder.
//!
//! `cargo fuzz` looks for bytes that break it (`fuzz/README.md`), and a test of `qcc-dialect` feeds it the golden files and
//! damaged copies of them, so this file uses the public face of that crate alone. A first byte or two choose among providers
//! or clients; the rest is what came over the wire.

use bytes::Bytes;
use qcc_dialect::asker::Asker;
use qcc_dialect::capabilities::Capabilities;
use qcc_dialect::scan::{scan, splice_model};
use qcc_dialect::sse::Splitter;
use qcc_dialect::translate::{Back, Dialect, Question, Tongue};
use serde::de::IgnoredAny;

/// A decoder by its name, and what it has to hold.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 14] = [
    ("scan", scanned),
    ("sse", split),
    ("restored", restored),
    ("anthropic_request", |data| request(Asker::Anthropic, data)),
    ("openai_request", |data| request(Asker::OpenAi, data)),
    ("responses_request", |data| request(Asker::Responses, data)),
    ("anthropic_stream", |data| stream(Dialect::Anthropic, data)),
    ("openai_stream", |data| stream(Dialect::OpenAi, data)),
    ("responses_stream", |data| stream(Dialect::Responses, data)),
    ("gemini_stream", |data| stream(Dialect::Gemini, data)),
    ("anthropic_whole", |data| whole(Dialect::Anthropic, data)),
    ("openai_whole", |data| whole(Dialect::OpenAi, data)),
    ("responses_whole", |data| whole(Dialect::Responses, data)),
    ("gemini_whole", |data| whole(Dialect::Gemini, data)),
];

/// Runs the target of that name.
///
/// # Panics
/// Where there is none of that name, or the bytes break it.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of that name");
    target(data);
}

const ASKERS: [Asker; 3] = [Asker::Anthropic, Asker::OpenAi, Asker::Responses];

const PROVIDERS: [(Dialect, &str, &str); 7] = [
    (Dialect::Anthropic, "https://api.anthropic.com", "claude-sonnet-4-5"),
    (Dialect::OpenAi, "https://api.openai.com/v1", "gpt-5.1"),
    (Dialect::OpenAi, "https://api.mistral.ai/v1", "mistral-large"),
    (Dialect::OpenAi, "https://api.deepseek.com", "deepseek-v4-pro"),
    (Dialect::Responses, "https://api.openai.com/v1", "gpt-5.1"),
    (Dialect::Gemini, "https://generativelanguage.googleapis.com", "gemini-2.5-flash"),
    (Dialect::Gemini, "https://generativelanguage.googleapis.com", "gemini-3-pro-preview"),
];

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// What the scanner takes is JSON, and is JSON still under another model.
fn scanned(data: &[u8]) {
    let Ok(envelope) = scan(data) else { return };
    assert!(is_json(data));
    let renamed = splice_model(&Bytes::copy_from_slice(data), &envelope.model, "another \"model\"");
    let again = scan(&renamed).expect("a body under another model");
    assert_eq!((again.model_name.as_str(), again.stream), ("another \"model\"", envelope.stream));
}

/// The splitter gives back every byte, and the same events in whatever pieces they come.
fn split(data: &[u8]) {
    let Some((&size, data)) = data.split_first() else { return };
    let events = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut splitter = Splitter::new();
        let (mut events, mut all) = (Vec::new(), Vec::new());
        for piece in pieces {
            let batch = splitter.push(Bytes::copy_from_slice(piece));
            for event in batch.events() {
                all.extend_from_slice(event);
                // An event is given out with its last byte, so half of a line end may come late.
                let lines = event.trim_ascii();
                if !lines.is_empty() {
                    events.push(lines.to_vec());
                }
            }
            all.extend_from_slice(&batch.part);
        }
        all.extend_from_slice(&splitter.finish());
        (events, all)
    };
    let whole = events(&mut std::iter::once(data));
    assert!(whole.1 == data, "bytes are lost");
    assert!(events(&mut data.chunks(1 + usize::from(size))) == whole, "a cut changes the events");
}

/// A request without our thinking is still one where it was one, and there is nothing more to take out of it.
fn restored(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for (dialect, base, _) in PROVIDERS {
        let tongue = Tongue::new(dialect, base);
        let Some((after, losses)) = tongue.restored(&body) else { continue };
        assert!(!losses.is_empty() && after.len() < body.len());
        assert_eq!(is_json(&after), is_json(&body));
        assert!(tongue.restored(&after).is_none());
    }
}

fn question<'a>(asker: Asker, body: &'a [u8], model: &'a str) -> Question<'a> {
    Question { asker, body, model: Some(model), request_id: "1", created: 1, recalled: &|_| None }
}

/// What is put to a provider is JSON.
fn request(asker: Asker, data: &[u8]) {
    for (dialect, base, model) in PROVIDERS {
        let sent = Tongue::new(dialect, base).outgoing(&question(asker, data, model), &Capabilities::of_model(model));
        if let Ok(outgoing) = sent {
            assert!(is_json(&outgoing.body));
        }
    }
}

/// How an answer comes back from a provider of a dialect to a client that the first byte chooses.
fn back(dialect: Dialect, choice: u8) -> (Asker, Back) {
    let asker = ASKERS[usize::from(choice) % ASKERS.len()];
    let speakers = || PROVIDERS.iter().filter(|(spoken, ..)| *spoken == dialect);
    let at = usize::from(choice) / ASKERS.len() % speakers().count();
    let (_, base, model) = speakers().nth(at).expect("a provider of that dialect");
    let body = match asker {
        Asker::Anthropic => r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#,
        Asker::OpenAi => r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#,
        Asker::Responses => r#"{"model":"m","stream":true,"input":"x"}"#,
    };
    let sent =
        Tongue::new(dialect, base).outgoing(&question(asker, body.as_bytes(), model), &Capabilities::of_model(model));
    (asker, sent.expect("a small request").back)
}

/// The same bytes go down in whatever pieces they come; they are a stream of the client's dialect, which is whole exactly
/// where the answer in one piece is one, but for calls that a limit has cut.
fn stream(dialect: Dialect, data: &[u8]) {
    let [choice, size, data @ ..] = data else { return };
    let (asker, back) = back(dialect, *choice);
    let down = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut stream = back.stream();
        let mut down: Vec<u8> = Vec::new();
        for piece in pieces {
            down.extend(stream.push(Bytes::copy_from_slice(piece)));
        }
        down.extend(stream.finish());
        down
    };
    let whole = down(&mut std::iter::once(data));
    assert!(down(&mut data.chunks(1 + usize::from(*size))) == whole, "a cut changes what goes down");
    let mut watcher = asker.watcher();
    let mut splitter = Splitter::new();
    for event in splitter.push(Bytes::from(whole)).events() {
        drop(watcher.observe(event));
    }
    assert!(splitter.finish().is_empty(), "half an event goes down");
    let mut collecting = back.collecting();
    collecting.push(Bytes::copy_from_slice(data));
    if let Ok(brought) = collecting.finish() {
        assert!(watcher.ended(), "the stream is not whole, though the answer is");
        asker.read_answer(&brought.body).expect("an answer of the client's dialect");
    }
}

/// What comes back of an answer in one piece is one of the client's dialect, and whole as a stream.
fn whole(dialect: Dialect, data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let (asker, back) = back(dialect, choice);
    let Ok(brought) = back.message(data) else { return };
    assert!(is_json(&brought.body));
    asker.read_answer(&brought.body).expect("an answer of the client's dialect");
    let stream = back.message_as_stream(data).expect("the same answer as a stream");
    let mut watcher = asker.watcher();
    for event in Splitter::new().push(stream.body).events() {
        drop(watcher.observe(event));
    }
    assert!(watcher.ended());
}
