//! A request of which nothing is lost comes back from the body that it was written as.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::canon::{
    Cache, Document, Effort, Format, Image, Losses, Role, SearchResult, Source, Thinking, Thought, Tool, ToolChoice,
    ToolResult, Turn,
};

/// Takes a way to think of every kind, a temperature, and no words to go on with.
const MODEL: &str = "claude-opus-4-6";

fn words() -> impl Strategy<Value = String> {
    "[a-z](\\PC|[\n\"\\\\\u{0}]){0,8}"
}

fn json() -> impl Strategy<Value = Json> {
    let texts = ["{}", r#"{ "b": 1.0, "a": [1e3, -0], "b": null }"#, r#"{"n":12345678901234567890123,"h":"\ud83d"}"#];
    prop::sample::select(texts.to_vec()).prop_map(raw)
}

fn source(media_type: &'static str) -> impl Strategy<Value = Source> {
    let data = ("[A-F0-9+/]{4}").prop_map(move |data| Source::Base64 { media_type: media_type.to_owned(), data });
    prop_oneof![data, words().prop_map(|words| Source::Url(format!("https://{words}")))]
}

/// Schemas to which an answer can be bound as they are.
fn schema() -> impl Strategy<Value = Json> {
    let texts = [
        r#"{"type": "object","properties":{},"additionalProperties":false}"#,
        r#"{"required":[], "additionalProperties":false,"properties":{"z":{"const":1.0}},"type":"object"}"#,
    ];
    prop::sample::select(texts.to_vec()).prop_map(raw)
}

fn inner() -> impl Strategy<Value = Part> {
    let found = (words(), words(), vec(words(), 0..3));
    prop_oneof![
        words().prop_map(|words| text(&words)),
        source("image/png").prop_map(|source| Part::Image(Image { source, detail: None, cache: None })),
        found.prop_map(|(source, title, texts)| Part::SearchResult(SearchResult { source, title, texts })),
    ]
}

fn document() -> impl Strategy<Value = Part> {
    let source = prop_oneof![
        source("application/pdf"),
        words().prop_map(Source::Text),
        vec(inner(), 0..3).prop_map(Source::Parts),
    ];
    (source, option::of(words()), option::of(words()), any::<bool>()).prop_map(|(source, title, context, citations)| {
        Part::Document(Document { source, title, context, citations, cache: None })
    })
}

/// Parts of an answer that goes before calls.
fn said() -> impl Strategy<Value = Part> {
    prop_oneof![
        words().prop_map(|words| text(&words)),
        "[a-z]{1,9}".prop_map(Part::Redacted),
        (words(), "[a-z]{1,9}")
            .prop_map(|(text, signature)| Part::Thinking(Thought { text, signature: Some(signature) })),
    ]
}

/// A call and its result: id, input, parts, whether it failed.
type Called = (String, Json, (Vec<Part>, bool));

/// An answer, its calls, and what the user says then.
type Exchange = (Vec<Part>, Vec<Called>, Vec<Part>);

fn exchange() -> impl Strategy<Value = Exchange> {
    let result = (vec(prop_oneof![inner(), document()], 0..3), any::<bool>());
    (vec(said(), 1..4), vec(("[-a-z:|é]{0,9}", json(), result), 0..3), vec(prop_oneof![inner(), document()], 1..3))
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    (vec(inner(), 1..3), vec(exchange(), 0..3)).prop_map(|(first, exchanges)| {
        let mut turns = vec![Turn { role: Role::User, parts: first }];
        for (round, (mut answer, calls, then)) in exchanges.into_iter().enumerate() {
            let mut parts = Vec::new();
            for (at, (id, input, (result, is_error))) in calls.into_iter().enumerate() {
                let id = format!("{id}{round}{at}");
                answer.push(Part::ToolUse(ToolUse { id: id.clone(), name: "look".to_owned(), input }));
                parts.push(Part::ToolResult(ToolResult { id, parts: result, is_error, cache: None }));
            }
            parts.extend(then);
            turns.push(Turn { role: Role::Assistant, parts: answer });
            turns.push(Turn { role: Role::User, parts });
        }
        turns
    })
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let open = prop::sample::select(vec![r#"{"type": "object"}"#, r#"{"z":true,"type":"object","a":1.0}"#]);
    let bound = prop_oneof![open.prop_map(|open| (raw(open), None)), schema().prop_map(|closed| (closed, Some(true)))];
    let tool = ("[a-zA-Z0-9_-]{1,64}", option::of(words()), bound);
    vec(tool, 1..4).prop_map(|tools| {
        let custom = |(name, description, (schema, strict))| Tool::Custom {
            name,
            description,
            schema,
            strict,
            cache: Some(Cache::Long),
        };
        tools.into_iter().map(custom).collect()
    })
}

fn choice() -> impl Strategy<Value = (Option<ToolChoice>, Option<bool>)> {
    use ToolChoice::{Any, Auto, Tool};
    prop_oneof![
        Just((None, None)),
        Just((Some(ToolChoice::None), None)),
        (prop_oneof![Just(Auto), Just(Any), words().prop_map(Tool)], option::of(any::<bool>()))
            .prop_map(|(choice, parallel)| (Some(choice), parallel)),
    ]
}

/// Ways to sample, or to think, which exclude each other.
fn steering() -> impl Strategy<Value = Request> {
    let sampling =
        (option::of(0..=100_u32), option::of(0..100_u32), option::of(1..500_u64)).prop_map(|(degree, share, top_k)| {
            let part = |hundredth: u32| f64::from(hundredth) / 100.0;
            Request { temperature: degree.map(part), top_p: share.map(part), top_k, ..Request::default() }
        });
    let effort = prop::sample::select(vec![Effort::Low, Effort::Medium, Effort::High, Effort::Max]);
    let thinking = prop_oneof![Just(Thinking::Disabled), Just(Thinking::Adaptive)];
    prop_oneof![
        sampling,
        (thinking, option::of(effort)).prop_map(|(thinking, effort)| Request {
            thinking: Some(thinking),
            effort,
            ..Request::default()
        }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    // A client that sets a breakpoint is given no others.
    let system = (words(), vec(words(), 0..2));
    let rest = (option::of(words()), any::<bool>(), 0..100_000_u64, vec(words(), 0..3), option::of(schema()));
    (steering(), turns(), system, option::of((tools(), choice())), rest).prop_map(
        |(steering, turns, system, tools, (user, stream, max_tokens, stop, schema))| {
            let (tools, (tool_choice, parallel_tools)) = tools.unwrap_or_default();
            Request {
                model: MODEL.to_owned(),
                system: std::iter::once(Text { text: system.0, cache: Some(Cache::Short) })
                    .chain(system.1.into_iter().map(|text| Text { text, cache: None }))
                    .collect(),
                turns,
                tools,
                tool_choice,
                parallel_tools,
                max_tokens: Some(max_tokens),
                stop,
                format: schema.map(|schema| Format::JsonSchema { name: None, schema, strict: None }),
                user,
                stream,
                ..steering
            }
        },
    )
}

proptest! {
    #[test]
    fn a_request_comes_back(request in request()) {
        let mut losses = Losses::new();
        let body = encode_request(&request, &Capabilities::of_model(MODEL), MODEL, &mut losses).unwrap();
        prop_assert_eq!(losses, Losses::new());
        prop_assert_eq!(decode_request(&body).unwrap(), request);
    }

    /// Whatever a client sends and this reads, Anthropic is sent something that this reads too.
    #[test]
    fn what_is_written_can_be_read(turns in vec((0..3_usize, vec(any_part(), 0..4)), 1..6), model in 0..MODELS.len()) {
        let roles = [Role::User, Role::Assistant, Role::System];
        let turns = turns.into_iter().map(|(role, parts)| Turn { role: roles[role], parts }).collect();
        let request = Request { turns, max_tokens: Some(9), ..Request::default() };
        if let Ok(body) = encode_request(&request, &Capabilities::of_model(MODELS[model]), MODELS[model], &mut Losses::new()) {
            let back = decode_request(&body).unwrap();
            let mut before = Role::Assistant;
            for turn in &back.turns {
                prop_assert!(turn.role != Role::System || before != Role::Assistant, "{:?}", back.turns);
                before = turn.role;
            }
            prop_assert_eq!(unanswered(&back.turns), None);
        }
    }
}

const MODELS: [&str; 3] = ["claude-opus-4-5", "claude-opus-5", "claude-opus-4-7"];

fn any_part() -> impl Strategy<Value = Part> {
    let id = || prop::sample::select(vec!["a", "b", "c:d", ""]);
    prop_oneof![
        prop::sample::select(vec!["", " ", "words"]).prop_map(text),
        id().prop_map(|id| call(id, "look", "{}")),
        id().prop_map(|id| Part::ToolResult(ToolResult {
            id: id.to_owned(),
            parts: vec![],
            is_error: false,
            cache: None
        })),
        said(),
    ]
}

/// The first call without its one result at the head of the next message, or result without a call.
fn unanswered(turns: &[Turn]) -> Option<String> {
    let calls = |turn: &Turn| -> Vec<String> {
        turn.parts
            .iter()
            .filter_map(|part| if let Part::ToolUse(call) = part { Some(call.id.clone()) } else { None })
            .collect()
    };
    let mut open = Vec::new();
    for turn in turns {
        for part in &turn.parts {
            match part {
                Part::ToolResult(result) => {
                    let Some(call) = open.iter().position(|id| *id == result.id) else {
                        return Some(result.id.clone());
                    };
                    open.remove(call);
                }
                _ if !open.is_empty() => return open.pop(),
                _ => {}
            }
        }
        if !open.is_empty() {
            return open.pop();
        }
        open = calls(turn);
    }
    open.pop()
}
