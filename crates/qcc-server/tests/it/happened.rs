//! What happened to requests, as the routes tell it from the database.

use qcc_store::{RequestRecord, RequestRow, Row, Store};
use qcc_testkit::replies::{Cut, Stream, TruncateAt, message_json, status, stream};
use qcc_testkit::{Request, Upstream};
use serde_json::{Value, json};

use crate::pin::{Pair, get};
use crate::support::{Running, assert_refused, for_message, for_stream};

async fn asked(running: &Running, request: &Request) -> Value {
    let answer = running.ask(request).await;
    get(running, &format!("/api/requests/{}", answer.header("x-qcc-request-id").unwrap())).await
}

/// The first provider fails.
async fn failing() -> Pair {
    let main = Upstream::start(status(500, "api_error", "down", &[])).await.unwrap();
    let spare = Upstream::start(message_json("spare")).await.unwrap();
    Pair { main, spare, folder: tempfile::tempdir().unwrap() }
}

#[tokio::test]
async fn a_request_is_kept_with_all_its_tries() {
    let pair = failing().await;
    let running = pair.serve("retry: {same_provider: 0}\n").await;
    let told = asked(&running, &for_message()).await;
    let request = &told["request"];
    assert_eq!(
        (&request["provider"], &request["verdict"], &request["status"], &request["tries"], &request["stop_reason"]),
        (&json!("spare"), &json!("done"), &json!(200), &json!(2), &json!("end_turn"))
    );
    let tries: Vec<_> = told["attempts"].as_array().unwrap().iter().collect();
    let short =
        |at: usize| json!([tries[at]["provider"], tries[at]["outcome"], tries[at]["status"], tries[at]["blame"]]);
    assert_eq!(tries.len(), 2, "{told}");
    assert_eq!(short(0), json!(["main", "failure", 500, "provider"]));
    assert_eq!(short(1), json!(["spare", "success", 200, null]));
    assert_eq!((&tries[0]["via"], &tries[1]["via"]), (&json!("production"), &json!("backup")));
    assert!(tries[0]["reason"].as_str().unwrap().contains("down"), "{told}");
}

#[tokio::test]
async fn a_candidate_that_is_out_is_kept_with_why_it_was_passed_over() {
    let pair = failing().await;
    let running = pair.serve("retry: {same_provider: 0}\nbreaker: {failure_threshold: 1}\n").await;
    asked(&running, &for_message()).await;
    let told = asked(&running, &for_message()).await;
    let first = &told["attempts"][0];
    assert_eq!((&first["provider"], &first["outcome"]), (&json!("main"), &json!("skipped")), "{told}");
    assert!(first["reason"].as_str().unwrap().starts_with("out: fault, "), "{told}");
    let events = Store::open(&pair.database()).unwrap().provider_events(Some("main"), 10).unwrap();
    assert_eq!((events.len(), events[0].kind.as_ref(), events[0].failures), (1, "out", 1));
}

#[tokio::test]
async fn a_stream_is_kept_with_its_first_event() {
    let main = Upstream::start(stream(["hello"])).await.unwrap();
    let spare = Upstream::start(message_json("spare")).await.unwrap();
    let pair = Pair { main, spare, folder: tempfile::tempdir().unwrap() };
    let told = asked(&pair.serve("").await, &for_stream()).await;
    assert_eq!((&told["request"]["streaming"], &told["attempts"][0]["outcome"]), (&json!(true), &json!("success")));
    assert!(told["attempts"][0]["first_event_ms"].is_u64(), "{told}");
}

#[tokio::test]
async fn an_id_is_found_by_its_beginning_and_refused_when_several_fit_or_none() {
    let pair = Pair::new().await;
    let mut store = Store::open(&pair.database()).unwrap();
    for id in ["abc1", "abc2"] {
        let at_ms = i64::MAX / 2;
        let request = RequestRow { request_id: id.to_owned(), at_ms, ..RequestRow::default() };
        store.record(Row::Request(Box::new(RequestRecord { request, attempts: Vec::new() }))).unwrap();
    }
    let running = pair.serve("storage: {retention: 0}\n").await;
    assert_eq!(get(&running, "/api/requests/abc2").await["request"]["request_id"], "abc2");
    let several = running.ask(&Request::get("/api/requests/ab")).await;
    assert_eq!((several.status, &several.json()["matches"]), (409, &json!(["abc1", "abc2"])));
    assert_refused(&running.ask(&Request::get("/api/requests/zz")).await, 404, "not_found_error");
}

#[tokio::test]
async fn with_client_keys_a_request_is_told_to_the_key_that_asked_alone() {
    let pair = Pair::new().await;
    let running = pair.serve("proxy: {client_keys: [first-key, second-key]}\n").await;
    let answer = running.ask(&for_message().with("x-api-key", "first-key")).await;
    assert_eq!(answer.status, 200);
    let id = answer.header("x-qcc-request-id").unwrap();
    let asked = async |key: &str, id: &str| {
        running.ask(&Request::get(&format!("/api/requests/{id}")).with("x-api-key", key)).await
    };
    let told = asked("first-key", id).await;
    let name = told.json()["request"]["client_key"].as_str().unwrap().to_owned();
    assert!(name.len() == 16 && !name.contains("first"), "{name}");
    assert_refused(&asked("second-key", id).await, 404, "not_found_error");
    assert_refused(&asked("first-key", &id[..8]).await, 404, "not_found_error");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_kept_with_what_it_cost() {
    let main = Upstream::start(Stream::text(["one", "two"]).truncated(TruncateAt::MidFirstBlock, Cut::Close).reply())
        .await
        .unwrap();
    let spare = Upstream::start(message_json("spare")).await.unwrap();
    let pair = Pair { main, spare, folder: tempfile::tempdir().unwrap() };
    let running = pair.serve("").await;
    let told = asked(&running, &for_stream()).await;
    assert_eq!((&told["request"]["verdict"], &told["attempts"][0]["charge"]), (&json!("broken"), &json!("fault")));
}

#[tokio::test]
async fn traffic_is_told_by_provider_and_by_hour() {
    let pair = failing().await;
    let running = pair.serve("retry: {same_provider: 0}\n").await;
    asked(&running, &for_message()).await;
    let stats = get(&running, "/api/stats?hours=1").await;
    assert_eq!(stats["verdicts"], json!({"done": 1}));
    let short: Vec<_> = stats["providers"].as_array().unwrap().iter().collect();
    assert_eq!((&short[0]["provider"], &short[0]["traffic"]["failures"]), (&json!("main"), &json!(1)));
    assert_eq!((&short[1]["provider"], &short[1]["traffic"]["successes"]), (&json!("spare"), &json!(1)));
    let metrics = get(&running, "/api/metrics/spare").await;
    assert_eq!(metrics["recent"][0]["outcome"], "success", "{metrics}");
    assert_eq!(metrics["stats"]["hours"].as_array().unwrap().len(), 1);
    for path in ["/api/stats?hours=0", "/api/stats?hours=721", "/api/metrics/spare?days=1"] {
        assert_refused(&running.ask(&Request::get(path)).await, 400, "invalid_request_error");
    }
    assert_refused(&running.ask(&Request::get("/api/metrics/nobody")).await, 404, "not_found_error");
}

#[tokio::test]
async fn rows_older_than_the_retention_are_deleted() {
    let pair = Pair::new().await;
    let request = RequestRow { request_id: "old".to_owned(), at_ms: 1, ..RequestRow::default() };
    let row = Row::Request(Box::new(RequestRecord { request, attempts: Vec::new() }));
    Store::open(&pair.database()).unwrap().record(row).unwrap();
    let mut running = pair.serve("storage: {retention: 1d}\n").await;
    assert!(running.event("history_pruned").await["rows"].as_u64().unwrap() >= 1);
    assert_refused(&running.ask(&Request::get("/api/requests/old")).await, 404, "not_found_error");
}
