//! Requests and what was done for them, found again by their ids.

use qcc_store::{AttemptOutcome, AttemptRow, Found, RequestRecord, RequestRow, Row};

use crate::support::{Place, answered, tried};

/// A request of which everything is known.
fn full() -> RequestRecord {
    let request = RequestRow {
        request_id: "qcc_0f".to_owned(),
        upstream_id: Some("msg_1".to_owned()),
        at_ms: 1_763_632_800_123,
        client_key: Some("key 2".to_owned()),
        session: Some(u64::MAX - 1),
        method: "POST".into(),
        path: "/v1/messages".to_owned(),
        dialect_down: "anthropic".into(),
        dialect_up: Some("openai".into()),
        model: "claude-opus".to_owned(),
        model_sent: Some("gpt".to_owned()),
        streaming: true,
        provider: Some("备份".to_owned()),
        status: 200,
        verdict: "done".into(),
        blame: Some("nobody".into()),
        stop_reason: Some("end_turn".into()),
        tries: 2,
        held_ms: 3,
        first_event_ms: Some(900),
        total_ms: 4000,
        input_tokens: Some(0),
        output_tokens: Some(50),
        cache_read_tokens: Some(60_000),
        cache_write_tokens: Some(70),
        bytes_in: 200_000,
        bytes_out: 3000,
        cache: Some("miss".into()),
        error: Some("it's \"odd\"".to_owned()),
        loss: Some("logprobs: dropped".to_owned()),
    };
    let attempts = vec![
        AttemptRow {
            via: Some("session's home".to_owned()),
            reason: Some("cooling down for 8 s".to_owned()),
            took_ms: 0,
            ..tried("official", AttemptOutcome::Skipped)
        },
        AttemptRow {
            model: Some("m".to_owned()),
            started_ms: 2,
            waited_ms: 1,
            took_ms: 30,
            status: Some(529),
            blame: Some("provider".into()),
            charge: Some("fault for 60 s".to_owned()),
            reason: Some("overloaded".to_owned()),
            ..tried("relay", AttemptOutcome::Failure)
        },
        AttemptRow {
            started_ms: 40,
            first_event_ms: Some(860),
            status: Some(200),
            ..tried("备份", AttemptOutcome::Success)
        },
    ];
    RequestRecord { request, attempts }
}

#[test]
fn a_request_is_found_with_everything_that_was_said_of_it() {
    assert_eq!(Place::with([full()]).request("qcc_0f"), full());
    let little = RequestRecord::default();
    assert_eq!(Place::with([little.clone()]).request(""), little);
}

#[test]
fn the_beginning_of_an_id_is_enough_where_it_fits_one_request() {
    let place = Place::with(["qcc_10", "qcc_11", "qcc_2%", "qcc_2_"].map(|id| answered(id, 1, "a")));
    let found = |id: &str| place.open().request(id).unwrap();
    let many = |ids: &[&str]| Found::Many(ids.iter().copied().map(str::to_owned).collect());
    assert_eq!(place.request("qcc_11").request.request_id, "qcc_11");
    assert_eq!(place.request("qcc_2%").request.request_id, "qcc_2%");
    assert_eq!(found("qcc_1"), many(&["qcc_10", "qcc_11"]));
    assert_eq!(found("qcc_%"), Found::None);
    assert_eq!(found("cc_10"), Found::None);
    assert_eq!(found("qcc_100"), Found::None);
}

#[test]
fn a_whole_id_wins_over_longer_ones_that_begin_with_it() {
    let place = Place::with(["qcc_1", "qcc_10"].map(|id| answered(id, 1, "a")));
    assert_eq!(place.request("qcc_1").request.request_id, "qcc_1");
}

#[test]
fn of_very_many_that_fit_only_the_first_are_named() {
    let place = Place::with((0..30).map(|n| answered(&format!("qcc_{n:02}"), 1, "a")));
    let Found::Many(ids) = place.open().request("qcc").unwrap() else { panic!("one or none") };
    assert_eq!((ids.len(), ids.first().unwrap().as_str(), ids.last().unwrap().as_str()), (10, "qcc_00", "qcc_09"));
}

#[test]
fn an_id_that_was_drawn_twice_means_the_later_request() {
    let place = Place::with([answered("qcc_1", 1, "a"), answered("qcc_1", 2, "b")]);
    assert_eq!(place.request("qcc_1"), answered("qcc_1", 2, "b"));
    assert_eq!(place.request("qcc"), answered("qcc_1", 2, "b"));
}

#[test]
fn texts_from_outside_are_cut_before_they_are_kept() {
    let mut record = answered("qcc_1", 1, "a");
    record.request.model = "m".repeat(1 << 20);
    record.request.stop_reason = Some("s".repeat(1 << 20).into());
    record.request.error = Some("备".repeat(1 << 20));
    record.attempts[0].reason = Some("r".repeat(1 << 20));
    let kept = Place::with([record]).request("qcc_1");
    let (request, attempt) = (kept.request, &kept.attempts[0]);
    assert_eq!((request.model.len(), request.stop_reason.unwrap().len()), (256, 256));
    assert_eq!((request.error.unwrap().len(), attempt.reason.as_ref().unwrap().len()), (2046, 2048));
}

#[test]
fn numbers_that_no_provider_can_mean_do_no_harm() {
    let mut record = answered("qcc_1", i64::MAX, "a");
    record.request.input_tokens = Some(u64::MAX);
    record.attempts[0].started_ms = u64::MAX;
    record.attempts[0].took_ms = u64::MAX;
    let place = Place::with([record.clone(), record]);
    assert_eq!(place.request("qcc_1").request.input_tokens, Some(i64::MAX.unsigned_abs()));
    let stats = place.open().stats(0).unwrap();
    assert_eq!(
        (stats.providers[0].traffic.requests, stats.providers[0].traffic.tokens.input),
        (2, i64::MAX.unsigned_abs())
    );
}

#[test]
fn of_hundreds_of_attempts_the_tries_are_kept_first() {
    let mut record = answered("qcc_1", 1, "last");
    let skipped = (0..500).map(|n| tried(&format!("skipped {n}"), AttemptOutcome::Skipped));
    record.attempts.splice(0..0, skipped);
    let names: Vec<String> =
        Place::with([record]).request("qcc_1").attempts.into_iter().map(|attempt| attempt.provider).collect();
    assert_eq!(names.len(), 200);
    assert_eq!((names[0].as_str(), names[198].as_str(), names[199].as_str()), ("skipped 0", "skipped 198", "last"));
}

#[test]
fn requests_and_their_attempts_are_written_together_or_not_at_all() {
    let place = Place::with([answered("qcc_1", 1, "a")]);
    rusqlite::Connection::open(&place.path)
        .unwrap()
        .execute_batch("CREATE TRIGGER t BEFORE INSERT ON attempts BEGIN SELECT raise(ABORT, 'no'); END")
        .unwrap();
    place.open().record(Row::Request(Box::new(answered("qcc_2", 1, "a")))).unwrap_err();
    assert_eq!(place.open().request("qcc_2").unwrap(), Found::None);
    assert_eq!(place.open().stats(0).unwrap().verdicts, [("done".to_owned(), 1)]);
}
