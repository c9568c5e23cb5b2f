//! What the relay between equal dialects makes of events, as far as it is not the relay's own business.

use super::*;
use crate::answer::Wrong;
use crate::openai::client::{Watcher, read_message};
use crate::watch::Seen;

fn reason(word: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": word}]})
}

fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// Case 46: an answer that the provider gave up is none, streamed or whole, also where its dialect is the client's own.
#[test]
fn a_reason_that_tells_of_a_failure_is_an_error() {
    for (word, status) in
        [("error", 502), ("insufficient_system_resource", 503), ("network_error", 502), ("abort", 502)]
    {
        let mut watcher = Watcher::new();
        let Seen::Error(facts) = watcher.observe(&event(&reason(word))) else { panic!("{word}") };
        assert_eq!((facts.status, facts.message.is_empty()), (status, false), "{word}");
        assert!(!watcher.ended(), "{word}");
        // The client reads no error in it, so it is told one.
        let closing = watcher.closing("qcc_1", "it broke off");
        assert!(closing.abort && closing.bytes.starts_with(b"data: {\"error\""), "{word}");
        let body = json!({"id": "c", "choices": [{"message": {"content": "Half"}, "finish_reason": word}]});
        let Err(Wrong::Error(facts)) = read_message(body.to_string().as_bytes()) else { panic!("{word}") };
        assert_eq!(facts.status, status, "{word}");
    }
}

/// Case 45: nothing, written as a text, is no reason.
#[test]
fn the_word_null_is_no_reason() {
    let mut watcher = Watcher::new();
    let says = json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "null"}]});
    assert_eq!(watcher.observe(&event(&says)), Seen::Content);
    assert!(!watcher.ended());
    assert_eq!(watcher.observe(b"data: [DONE]\n\n"), Seen::Unfinished);
    let events = chunks(&[says, reason("null")]);
    assert_eq!(words(&events), ["start", "text:a"]);
}

/// Case 46: Groq tells beside the choices why it stops.
#[test]
fn an_error_beside_the_choices_is_one() {
    let stopped = json!({"id": "c", "choices": [], "x_groq": {"id": "req_1", "error": "over capacity"}});
    let events = chunks(&[delta(json!({"content": "Half"})), stopped.clone()]);
    let Some(Event::Fault { message, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(message, "over capacity");
    let Seen::Error(facts) = Watcher::new().observe(&event(&stopped)) else { panic!("no error") };
    assert_eq!(facts.message, "over capacity");
    let fine = json!({"choices": [{"index": 0, "delta": {"content": "a"}}], "x_groq": {"id": "req_1", "error": null}});
    assert_eq!(Watcher::new().observe(&event(&fine)), Seen::Content);
}
