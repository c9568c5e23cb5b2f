//! A broken promise must be seen: each test takes what a faithful gateway would have shown, spoils one thing, and wants
//! that named.

use qcc_testkit::claude::claude_request;
use qcc_testkit::{Ended, Received, Request, replies, sse};
use serde_json::{Value, json};

use super::scenario::{Observation, Saw};
use super::*;

fn scenario(name: &str) -> Scenario {
    choose(faults::all(), &[name.to_owned()]).unwrap().remove(0)
}

fn received(sent: &Request, provider: &str) -> Received {
    Received {
        method: "POST".to_owned(),
        path: sent.path.clone(),
        headers: vec![("x-api-key".to_owned(), scenario::key_of(provider))],
        body: sent.body.clone(),
        connection: 1,
    }
}

fn answer(status: u16, body: &[u8], ended: Ended) -> qcc_testkit::Answer {
    let headers = vec![("x-qcc-provider".to_owned(), "second".to_owned())];
    qcc_testkit::Answer { status, headers, body: body.to_vec().into(), pieces: Vec::new(), ended }
}

fn providers(first: Value) -> Value {
    json!([{"name": "first", "cooldowns": first}, {"name": "second", "cooldowns": []}])
}

/// What a scenario shows in which the second provider makes the first one's 429 good.
fn good_failover(scenario: &Scenario) -> Observation {
    let sent = claude_request("claude-opus-4-8", true, 4);
    Observation {
        saw: Saw::Answer(answer(200, &scenario.body, Ended::Clean)),
        first: vec![received(&sent, "first")],
        second: vec![received(&sent, "second")],
        events: vec![
            json!({"event": "attempt_failed", "provider": "first", "blame": "load", "error": "429"}),
            json!({"event": "request_finished", "provider": "second", "verdict": "done"}),
        ],
        providers: providers(json!([{"reason": "throttled", "seconds": 19.0}])),
        let_go: false,
        took: Duration::from_millis(1),
        sent,
    }
}

/// What a scenario shows in which the stream of the only provider breaks; `added` is what the gateway says after it.
fn good_break(scenario: &Scenario, added: &[u8], ended: Ended) -> Observation {
    let body = [&scenario.body[..], added].concat();
    Observation {
        saw: Saw::Answer(answer(200, &body, ended)),
        second: Vec::new(),
        events: vec![json!({"event": "request_finished", "provider": "first", "verdict": "broken"})],
        providers: providers(json!([{"reason": "fault", "seconds": 60.0}])),
        ..good_failover(scenario)
    }
}

fn error_event() -> Vec<u8> {
    replies::event("error", &json!({"type": "error", "error": {"type": "api_error"}})).to_vec()
}

/// Judges a 429 that was failed over, after `spoil`.
fn spoiled(spoil: impl FnOnce(&mut Observation)) -> Vec<String> {
    let scenario = scenario("throttled-429");
    let mut seen = good_failover(&scenario);
    spoil(&mut seen);
    verdict::judge(&scenario, &seen)
}

fn answer_of(seen: &mut Observation) -> &mut qcc_testkit::Answer {
    match &mut seen.saw {
        Saw::Answer(answer) => answer,
        Saw::Left(_) | Saw::Nothing(_) => panic!("there is no answer to spoil"),
    }
}

/// One finding, whatever the log says besides.
fn assert_named(found: &[String], word: &str) {
    let (logged, found): (Vec<_>, Vec<_>) = found.iter().partition(|line| line.starts_with("the log says of "));
    assert!(found.len() == 1 && found[0].contains(word) && logged.len() <= 1, "{found:?} {logged:?}");
}

#[test]
fn what_a_faithful_gateway_shows_breaks_nothing() {
    assert_eq!(spoiled(|_| {}), Vec::<String>::new());
}

#[test]
fn one_changed_byte_of_an_answer_breaks_the_promise_and_is_placed() {
    let found = spoiled(|seen| {
        let mut body = answer_of(seen).body.to_vec();
        body[100] ^= 1;
        answer_of(seen).body = body.into();
    });
    assert_named(&found, "differ from byte 100 on");
}

#[test]
fn one_changed_byte_of_a_request_breaks_the_promise() {
    let found = spoiled(|seen| {
        let mut body = seen.second[0].body.to_vec();
        body.truncate(body.len() - 1);
        seen.second[0].body = body.into();
    });
    assert_named(&found, "body of a request to second");
}

#[test]
fn an_answer_of_the_wrong_provider_breaks_the_promise() {
    assert_named(&spoiled(|seen| answer_of(seen).headers.clear()), "answered by: expected second, got nobody");
}

#[test]
fn a_lost_query_breaks_the_promise() {
    assert_named(&spoiled(|seen| seen.first[0].path = "/v1/messages".to_owned()), "path of a request");
}

#[test]
fn the_clients_own_key_on_its_way_up_breaks_the_promise() {
    let leak = ("authorization".to_owned(), "Bearer client-key".to_owned());
    assert_named(&spoiled(|seen| seen.second[0].headers.push(leak)), "the client's own key was sent to second");
}

#[test]
fn blame_for_the_wrong_reason_or_time_breaks_the_promise() {
    let fault = providers(json!([{"reason": "fault", "seconds": 20.0}]));
    assert_named(&spoiled(|seen| seen.providers = fault), "expected first (throttled), got first (fault)");
    let long = providers(json!([{"reason": "throttled", "seconds": 60.0}]));
    assert_named(&spoiled(|seen| seen.providers = long), "asked for 20 s and is left out for 60 s");
    assert_named(&spoiled(|seen| seen.providers = providers(json!([]))), "got nobody");
}

#[test]
fn a_request_that_the_log_forgets_breaks_the_promise() {
    assert_named(&spoiled(|seen| drop(seen.events.pop())), "in the log");
}

#[test]
fn the_gateways_own_words_stand_beside_what_was_found() {
    let found = spoiled(|seen| answer_of(seen).status = 503);
    assert_eq!(found, ["status: expected 200, got 503", "the log says of first: 429"]);
}

#[test]
fn no_answer_at_all_breaks_every_promise() {
    for scenario in faults::all() {
        let mut seen = good_failover(&scenario);
        seen.saw = Saw::Nothing("the connection was closed".to_owned());
        assert!(!verdict::judge(&scenario, &seen).is_empty(), "{}", scenario.name);
    }
}

#[test]
fn the_fragment_of_a_stream_must_not_end_as_if_it_were_whole() {
    let scenario = scenario("cut-in-first-block");
    let judged = |added: &[u8], ended| verdict::judge(&scenario, &good_break(&scenario, added, ended));
    assert_eq!(judged(&error_event(), Ended::Unterminated), Vec::<String>::new());
    assert_eq!(judged(&error_event(), Ended::Reset), Vec::<String>::new());
    assert_named(&judged(&error_event(), Ended::Clean), "end of the body: expected broken off, got in order");
    let stop = replies::event("message_stop", &json!({"type": "message_stop"}));
    let both = [&stop[..], &error_event()].concat();
    assert!(!judged(&both, Ended::Unterminated).is_empty());
    assert!(!judged(b"", Ended::Unterminated).is_empty());
}

#[test]
fn half_an_event_that_goes_down_breaks_the_promise() {
    let scenario = scenario("half-an-event");
    let glued = [&b"event: content_block_delta\ndata: {\"ty"[..], &error_event()].concat();
    assert!(!verdict::judge(&scenario, &good_break(&scenario, &glued, Ended::Unterminated)).is_empty());
}

#[test]
fn a_tool_call_that_ended_is_closed_with_its_stop_reason() {
    let scenario = scenario("cut-after-tool-use");
    let closed = |reason: &str| {
        let delta =
            replies::event("message_delta", &json!({"type": "message_delta", "delta": {"stop_reason": reason}}));
        let stop = replies::event("message_stop", &json!({"type": "message_stop"}));
        verdict::judge(&scenario, &good_break(&scenario, &[&delta[..], &stop[..]].concat(), Ended::Clean))
    };
    assert_eq!(closed("tool_use"), Vec::<String>::new());
    assert_named(&closed("end_turn"), "stop reason: expected tool_use, got end_turn");
}

#[test]
fn a_last_word_that_the_client_handles_badly_breaks_the_promise() {
    let scenario = scenario("all-down");
    let judged = |status, kind: &str, retry_after: &str| {
        let mut seen = good_failover(&scenario);
        let body = replies::error_body(kind, "scripted").to_string();
        seen.saw = Saw::Answer(answer(status, body.as_bytes(), Ended::Clean));
        answer_of(&mut seen).headers = vec![("retry-after".to_owned(), retry_after.to_owned())];
        seen.events = vec![json!({"event": "request_finished", "provider": "second", "verdict": "failed"})];
        verdict::judge(&scenario, &seen)
    };
    assert_eq!(judged(503, "api_error", "30"), Vec::<String>::new());
    assert_named(&judged(529, "api_error", "30"), "status: expected 503, got 529");
    assert_named(&judged(503, "api_error", "31"), "at most 30 s");
    assert!(judged(503, "overloaded_error", "30").iter().any(|found| found.contains("cost the client its tries")));
}

#[test]
fn a_provider_that_is_kept_busy_for_nobody_breaks_the_promise() {
    let scenario = scenario("client-leaves-early");
    let judged = |let_go| {
        let seen = Observation {
            saw: Saw::Left(0),
            second: Vec::new(),
            events: vec![json!({"event": "request_finished", "provider": "first", "verdict": "client_gone"})],
            providers: providers(json!([])),
            let_go,
            ..good_failover(&scenario)
        };
        verdict::judge(&scenario, &seen)
    };
    assert_eq!(judged(true), Vec::<String>::new());
    assert_named(&judged(false), "it stayed open");
}

#[test]
fn every_fault_has_a_name_of_its_own_that_can_be_typed() {
    let names: Vec<_> = faults::all().iter().map(|scenario| scenario.name).collect();
    let typeable = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    assert!(names.iter().all(typeable), "{names:?}");
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
}

#[test]
fn the_good_answer_splits_characters_when_it_comes_in_single_bytes() {
    let scenario = scenario("one-byte-segments");
    assert!(sse::text(&scenario.body).contains('🌍'));
    assert!(scenario.body.windows(2).any(|pair| pair == b"\r\n"));
}

#[test]
fn the_large_request_is_larger_than_10_mib() {
    // The size is asked for in kB and reached by rounding, so it is measured.
    assert!(scenario::Ask::Large.request().body.len() > 10 * 1024 * 1024);
}

#[test]
fn a_broken_promise_is_told_with_what_came() {
    let report = |broken: &[&str]| Report {
        name: "error-500",
        promise: "it is made good",
        saw: "500 api_error".to_owned(),
        did: "first answered".to_owned(),
        took: Duration::from_millis(12),
        broken: broken.iter().map(|&text| text.to_owned()).collect(),
    };
    let reports = [report(&[]), report(&["status: expected 200, got 500"])];
    let text = table(&reports).render(None);
    assert!(text.contains("error-500  500 api_error  first answered  "), "{text}");
    let text = broken_promises(&reports);
    assert!(text.ends_with("status: expected 200, got 500\n"), "{text}");
    assert_eq!(broken_promises(&reports[..1]), "");
    let document = document(&reports, 1, Duration::from_millis(1234));
    assert_eq!((&document["held"], &document["broken"], &document["seconds"]), (&json!(1), &json!(1), &json!(1.2)));
    assert_eq!(document["faults"][0]["why"], Value::Null);
    assert_eq!(document["faults"][1]["why"], "status: expected 200, got 500");
    assert!(summary(2, 1, Duration::from_secs(1)).contains("1 of 2 promises held in 1.0 s"));
}
