//! Whether a promise held, judged by what was observed, and the words for it. Each finding says what was expected and what
//! came.

use std::fmt::Display;

use qcc_testkit::{Answer, Ended, Received, sse};
use serde_json::Value;

use super::scenario::{FIRST, Observation, Promise, SECOND, Saw, Scenario, key_of};

/// Longest `retry-after` that may go down, seconds. Above 60 Claude Code gives up at once.
const MAX_RETRY_AFTER: u64 = 30;

/// A stated wait is shorter by the time that the scenario took since, at most this many seconds.
const SINCE: u64 = 15;

/// What was found wrong.
#[derive(Debug, Default)]
struct Findings(Vec<String>);

/// What is wrong with what was observed; empty when the promise held.
pub(super) fn judge(scenario: &Scenario, seen: &Observation) -> Vec<String> {
    let mut found = Findings::default();
    found.requests(seen);
    match (scenario.promise, &seen.saw) {
        (_, Saw::Nothing(why)) => found.add(format_args!("expected an answer, but there was none: {why}")),
        (Promise::LetGo { .. }, Saw::Left(_)) => found.let_go(seen),
        (Promise::LetGo { .. }, Saw::Answer(_)) => found.add("the client was to leave and read an answer instead"),
        (_, Saw::Left(_)) => found.add("the client was to read an answer and left instead"),
        (Promise::Failover { reason, wait }, Saw::Answer(answer)) => {
            found.whole(answer, scenario, SECOND);
            found.same("requests to the second provider", &1, &seen.second.len());
            found.left_out(seen, &[(FIRST, reason, wait)]);
            found.verdict(seen, "done");
        }
        (Promise::Faithful, Saw::Answer(answer)) => {
            found.whole(answer, scenario, FIRST);
            found.left_out(seen, &[]);
            found.verdict(seen, "done");
        }
        (Promise::Honest { cut }, Saw::Answer(answer)) => found.honest(scenario, seen, answer, cut),
        (Promise::Closed, Saw::Answer(answer)) => found.closed(scenario, seen, answer),
        (Promise::Verbatim { status }, Saw::Answer(answer)) => {
            found.same("status", &status, &answer.status);
            found.bytes("answer", &scenario.body, &answer.body);
            found.same("requests to the second provider", &0, &seen.second.len());
            found.left_out(seen, &[]);
            found.verdict(seen, "answered");
        }
        (Promise::FinalWord { status, kind }, Saw::Answer(answer)) => found.final_word(seen, answer, status, kind),
    }
    found.explained(seen)
}

// === impl Findings ===

impl Findings {
    fn add(&mut self, what: impl Display) {
        self.0.push(what.to_string());
    }

    fn same<T: PartialEq + Display>(&mut self, what: &str, expected: &T, got: &T) {
        if expected != got {
            self.add(format_args!("{what}: expected {expected}, got {got}"));
        }
    }

    fn bytes(&mut self, what: &str, expected: &[u8], got: &[u8]) {
        if expected == got {
            return;
        }
        let same = expected.iter().zip(got).take_while(|(one, other)| one == other).count();
        let (expected, got) = (expected.len(), got.len());
        self.add(format_args!("{what}: expected {expected} bytes, got {got}, which differ from byte {same} on"));
    }

    /// With the gateway's own words, where something was found: they are the first thing that one would look for.
    fn explained(mut self, seen: &Observation) -> Vec<String> {
        if !self.0.is_empty() {
            for event in seen.events.iter().filter(|event| event["event"] == "attempt_failed") {
                let word = |key: &str| event[key].as_str().unwrap_or("?");
                self.add(format_args!("the log says of {}: {}", word("provider"), word("error")));
            }
        }
        self.0
    }

    /// Whatever goes up is what came in, with the provider's key instead of the client's.
    fn requests(&mut self, seen: &Observation) {
        let client = seen.sent.value("x-api-key").unwrap_or_default();
        for (name, posts) in [(FIRST, &seen.first), (SECOND, &seen.second)] {
            for post in posts {
                self.same("path of a request", &seen.sent.path, &post.path);
                self.bytes(&format!("body of a request to {name}"), &seen.sent.body, &post.body);
                let key = key_of(name);
                self.same("key of a request", &&*key, &post.header("x-api-key").unwrap_or("none"));
                if carries(post, client) {
                    self.add(format_args!("the client's own key was sent to {name}"));
                }
            }
        }
    }

    /// A good answer, untouched.
    fn whole(&mut self, answer: &Answer, scenario: &Scenario, by: &str) {
        self.same("status", &200, &answer.status);
        self.same("answered by", &by, &answer.header("x-qcc-provider").unwrap_or("nobody"));
        self.bytes("answer", &scenario.body, &answer.body);
        self.ended(answer, true);
    }

    fn honest(&mut self, scenario: &Scenario, seen: &Observation, answer: &Answer, cut: bool) {
        let added = self.added(scenario, seen, answer);
        let names: Vec<&str> = added.iter().map(|event| event.name.as_str()).collect();
        self.same("events after the break", &"error".to_owned(), &names.join(", "));
        let kind = added.first().map(sse::Event::json).unwrap_or_default();
        let kind = kind["error"]["type"].as_str().unwrap_or("none");
        self.same("type of the error event", &"api_error", &kind);
        self.ended(answer, !cut);
    }

    fn closed(&mut self, scenario: &Scenario, seen: &Observation, answer: &Answer) {
        let added = self.added(scenario, seen, answer);
        let names: Vec<&str> = added.iter().map(|event| event.name.as_str()).collect();
        self.same("events after the break", &"message_delta, message_stop".to_owned(), &names.join(", "));
        let delta = added.first().map(sse::Event::json).unwrap_or_default();
        let reason = delta["delta"]["stop_reason"].as_str().unwrap_or("none");
        self.same("stop reason", &"tool_use", &reason);
        self.ended(answer, true);
    }

    /// What the gateway added to a stream that broke, once what came before is known to be untouched.
    fn added(&mut self, scenario: &Scenario, seen: &Observation, answer: &Answer) -> Vec<sse::Event> {
        self.same("status", &200, &answer.status);
        let relayed = scenario.body.len().min(answer.body.len());
        self.bytes("what came before the break", &scenario.body, &answer.body[..relayed]);
        self.left_out(seen, &[(FIRST, "fault", None)]);
        self.verdict(seen, "broken");
        sse::events(&answer.body[relayed..])
    }

    fn final_word(&mut self, seen: &Observation, answer: &Answer, status: u16, kind: &str) {
        self.same("status", &status, &answer.status);
        let body = answer.json();
        self.same("type of the error", &kind, &body["error"]["type"].as_str().unwrap_or("none"));
        if answer.text().contains("overloaded_error") {
            self.add("the words `overloaded_error` went down, which cost the client its tries");
        }
        let wait = answer.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap_or(0);
        if wait > MAX_RETRY_AFTER {
            self.add(format_args!("retry-after: expected at most {MAX_RETRY_AFTER} s, got {wait} s"));
        }
        if seen.first.is_empty() || seen.second.is_empty() {
            self.add("expected that both providers are asked before giving up");
        }
        self.verdict(seen, "failed");
    }

    fn let_go(&mut self, seen: &Observation) {
        if !seen.let_go {
            self.add("expected the provider's connection to be closed after the client left, but it stayed open");
        }
        self.same("requests to the second provider", &0, &seen.second.len());
        self.left_out(seen, &[]);
        self.verdict(seen, "client_gone");
    }

    fn ended(&mut self, answer: &Answer, in_order: bool) {
        let clean = answer.ended == Ended::Clean;
        let words = |clean| if clean { "in order" } else { "broken off" };
        self.same("end of the body", &words(in_order), &words(clean));
    }

    /// Who is left out, why, and where the provider named it, for how long.
    fn left_out(&mut self, seen: &Observation, expected: &[(&str, &str, Option<u64>)]) {
        let got = left_out(seen);
        let list = |all: Vec<String>| if all.is_empty() { "nobody".to_owned() } else { all.join(", ") };
        let wanted = list(expected.iter().map(|(name, reason, _)| format!("{name} ({reason})")).collect());
        let found = list(got.iter().map(|(name, reason, _)| format!("{name} ({reason})")).collect());
        self.same("left out", &wanted, &found);
        for ((_, _, wait), (name, _, seconds)) in expected.iter().zip(&got) {
            if let Some(wait) = wait
                && !(wait.saturating_sub(SINCE)..=*wait).contains(seconds)
            {
                self.add(format_args!("{name} asked for {wait} s and is left out for {seconds} s"));
            }
        }
    }

    /// What the log says of the request, which it must say exactly once.
    fn verdict(&mut self, seen: &Observation, expected: &str) {
        let rows: Vec<&str> = finished(seen).map(|row| row["verdict"].as_str().unwrap_or("none")).collect();
        self.same("in the log", &expected.to_owned(), &rows.join(", "));
    }
}

/// Whether any header of a request holds this text.
fn carries(post: &Received, secret: &str) -> bool {
    !secret.is_empty() && post.headers.iter().any(|(_, value)| value.contains(secret))
}

fn finished(seen: &Observation) -> impl Iterator<Item = &Value> {
    seen.events.iter().filter(|event| event["event"] == "request_finished")
}

/// Name, reason and seconds, as the gateway tells at `GET /providers`.
fn left_out(seen: &Observation) -> Vec<(&str, &str, u64)> {
    let providers = seen.providers.as_array().into_iter().flatten();
    let all = providers.flat_map(|provider| {
        let name = provider["name"].as_str().unwrap_or_default();
        let cooldowns = provider["cooldowns"].as_array().into_iter().flatten();
        cooldowns.map(move |cooldown| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole seconds, never negative"
            )]
            let seconds = cooldown["seconds"].as_f64().unwrap_or_default() as u64;
            (name, cooldown["reason"].as_str().unwrap_or_default(), seconds)
        })
    });
    all.collect()
}

/// What the client saw, in a few words.
pub(super) fn saw(seen: &Observation) -> String {
    let answer = match &seen.saw {
        Saw::Nothing(why) => return format!("no answer: {why}"),
        Saw::Left(0) => return "nothing, it left".to_owned(),
        Saw::Left(bytes) => return format!("{bytes} bytes, then it left"),
        Saw::Answer(answer) => answer,
    };
    let end = match answer.ended {
        Ended::Clean | Ended::CloseDelimited => "",
        Ended::Unterminated | Ended::Reset => ", cut off",
    };
    let body = answer.json();
    if let Some(kind) = body["error"]["type"].as_str() {
        return format!("{} {kind}{end}", answer.status);
    }
    if body["type"] == "message" {
        return format!("{}, the whole answer{end}", answer.status);
    }
    let names = answer.event_names();
    let said = match names.last().map(String::as_str) {
        Some("message_stop") => ", whole",
        Some("error") => ", error at the end",
        _ => ", unfinished",
    };
    format!("{}, {} events{said}{end}", answer.status, names.len())
}

/// What the gateway did, by its own log and by its word on who is left out.
pub(super) fn did(seen: &Observation) -> String {
    let mut told: Vec<String> = [FIRST, SECOND].into_iter().filter_map(|name| fate(seen, name)).collect();
    let row = finished(seen).next();
    let provider = row.and_then(|row| row["provider"].as_str()).unwrap_or("nobody");
    told.push(match row.and_then(|row| row["verdict"].as_str()) {
        Some("done") => format!("{provider} answered"),
        Some("answered") => format!("passed on what {provider} said"),
        Some("failed") => "told the client".to_owned(),
        Some("broken") => "ended its stream".to_owned(),
        Some("client_gone") if seen.let_go => format!("let {provider} go"),
        Some(other) => format!("{provider}: {other}"),
        None => "nothing that its log knows of".to_owned(),
    });
    told.join("; ")
}

/// What became of a provider: why it is left out and for how long, or whom the attempts on it blame.
fn fate(seen: &Observation, name: &str) -> Option<String> {
    let failed = |event: &&Value| event["event"] == "attempt_failed" && event["provider"] == name;
    let attempts: Vec<&Value> = seen.events.iter().filter(failed).collect();
    let times = if attempts.len() > 1 { format!(" {}x", attempts.len()) } else { String::new() };
    if let Some((_, reason, seconds)) = left_out(seen).into_iter().find(|(provider, ..)| *provider == name) {
        return Some(format!("{name}: {reason}{times}, out {seconds} s"));
    }
    let blame = attempts.first()?["blame"].as_str().unwrap_or("?");
    Some(format!("{name}: fault of the {blame}{times}"))
}
