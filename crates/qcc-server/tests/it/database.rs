//! A database in every state that it should not be in: requests go on, the pin is in force, and the answer says that a
//! restart will not know of it.

use std::fs;
use std::path::Path;

use qcc_server::Source;
use qcc_store::Store;
use serde_json::{Value, json};

use crate::pin::{Pair, get, pin, said};
use crate::support::Running;

/// Pins with a database that cannot be written, and gives what was said about it.
async fn pinned_all_the_same(running: &mut Running) -> String {
    assert_eq!(said(running).await, "main");
    let answer = pin(running, Some("backup")).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["pinned"], &body["kept"]), (200, &json!("backup"), &json!(false)));
    assert_eq!(said(running).await, "spare", "it is in force all the same");
    let note = body["note"].as_str().unwrap();
    let said = note.strip_prefix("it holds until the gateway stops: ").unwrap();
    assert!(said.contains("\nhint: "), "{said}");
    said.to_owned()
}

/// As on a file system that became read only. The write version of the file's format, at its place in the header; an
/// unknown one forbids writing, also to the superuser.
fn make_read_only(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[18] = 3;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_reported_once_and_fails_nothing() {
    let pair = Pair::new().await;
    fs::write(pair.database(), "no database at all\n".repeat(50)).unwrap();
    let mut running = pair.serve("").await;
    let event = running.event("store_failed").await;
    assert!(event["error"].as_str().unwrap().contains("is damaged"), "{event}");
    assert!(event["hint"].as_str().unwrap().contains("move the file away"), "{event}");
    assert!(pinned_all_the_same(&mut running).await.contains("is damaged"));
    pin(&running, None).await;
    let answer = running.ask(&qcc_testkit::Request::get("/api/failovers")).await;
    crate::support::assert_refused(&answer, 503, "api_error");
    let events = running.stop().await;
    assert!(!events.iter().any(|event| event["event"] == "store_failed"), "once is enough");
    assert_eq!(fs::read(pair.database()).unwrap().len(), 950, "it is left as it was");
}

#[tokio::test]
async fn a_database_that_can_be_read_only_gives_its_pin_and_takes_no_other() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pin(&running, Some("aside")).await;
    running.stop().await;
    make_read_only(&pair.database());
    let mut running = pair.serve("").await;
    assert_eq!(get(&running, "/api/pin").await, json!({"pinned": "aside", "kept": true}));
    let answer = pin(&running, None).await.json();
    assert_eq!((&answer["pinned"], &answer["kept"]), (&Value::Null, &json!(false)));
    assert!(pinned_all_the_same(&mut running).await.contains("can be read only"));
    assert_eq!(running.event("store_failed").await["level"], "warn");
    assert_eq!(get(&running, "/api/failovers").await["failovers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_fails_nothing() {
    let pair = Pair::new().await;
    fs::write(pair.folder.path().join("file"), "x").unwrap();
    let path = pair.folder.path().join("file/qcc.db");
    let mut running = Running::keeping(Source::Text(pair.text("")), false, Some(path)).await;
    running.event("store_failed").await;
    assert!(pinned_all_the_same(&mut running).await.contains("cannot be used"));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let pair = Pair::new().await;
    drop(Store::open(&pair.database()).unwrap());
    let mut bytes = fs::read(pair.database()).unwrap();
    // `user_version`, big-endian. <https://www.sqlite.org/fileformat.html#the_database_header>
    bytes[63] = 99;
    fs::write(pair.database(), bytes).unwrap();
    let mut running = pair.serve("").await;
    let event = running.event("store_failed").await;
    assert!(event["error"].as_str().unwrap().contains("has version 99"), "{event}");
    assert!(pinned_all_the_same(&mut running).await.contains("has version 99"));
}

#[tokio::test]
async fn a_locked_database_holds_nobody_up_but_the_pin_and_is_used_again_later() {
    let pair = Pair::new().await;
    let mut running = pair.serve("").await;
    let other = rusqlite::Connection::open(pair.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(pinned_all_the_same(&mut running).await.contains("locked by another process"));
    other.execute_batch("ROLLBACK").unwrap();
    running.event("store_failed").await;
    assert_eq!(pin(&running, Some("backup")).await.json(), json!({"pinned": "backup", "kept": true}));
    assert_eq!(running.event("store_recovered").await["lost"], 0);
}

#[tokio::test]
async fn a_deleted_database_keeps_the_pin_no_more_until_it_is_set_again() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pin(&running, Some("backup")).await;
    // Nothing is on its way there any more, which would make it anew.
    get(&running, "/api/failovers").await;
    fs::remove_file(pair.database()).unwrap();
    let told = get(&running, "/api/pin").await;
    assert_eq!((&told["pinned"], &told["kept"]), (&json!("backup"), &json!(false)));
    assert!(told["note"].as_str().unwrap().contains("does not hold it"), "{told}");
    assert_eq!(get(&running, "/api/failovers").await, json!({"failovers": []}));
    assert!(!pair.database().exists(), "asking makes no database");
    assert_eq!(said(&running).await, "spare");
    assert_eq!(pin(&running, Some("backup")).await.json(), json!({"pinned": "backup", "kept": true}));
    running.stop().await;
    assert_eq!(said(&pair.serve("").await).await, "spare");
}

#[tokio::test]
async fn without_a_database_a_pin_holds_until_the_end() {
    let pair = Pair::new().await;
    let running = Running::start(&pair.text("")).await;
    assert_eq!(get(&running, "/api/pin").await, json!({"pinned": null, "kept": true}));
    let body = pin(&running, Some("backup")).await.json();
    assert_eq!((&body["kept"], said(&running).await.as_str()), (&json!(false), "spare"));
    assert_eq!(body["note"], "it holds until the gateway stops: this gateway has no database");
    assert_eq!(get(&running, "/api/failovers").await, json!({"failovers": []}));
}

#[tokio::test]
async fn the_path_in_the_configuration_wins() {
    let pair = Pair::new().await;
    let chosen = pair.folder.path().join("chosen/other.db");
    let running = pair.serve(&format!("storage: {{path: '{}'}}\n", chosen.display())).await;
    pin(&running, Some("backup")).await;
    assert_eq!(Store::open_existing(&chosen).unwrap().unwrap().pin().unwrap().as_deref(), Some("backup"));
    assert!(!pair.database().exists());
}

#[tokio::test]
async fn a_start_that_cannot_listen_makes_no_database() {
    let pair = Pair::new().await;
    let running = Running::start(&pair.text("")).await;
    let options = qcc_server::Options {
        source: Source::Text(pair.text("")),
        host: None,
        port: Some(running.address().port()),
        log: qcc_server::Log::discard(),
        watch: false,
        workers: 0,
        database: Some(pair.database()),
    };
    assert!(matches!(qcc_server::Gateway::start(options).await, Err(qcc_server::StartError::Bind { .. })));
    assert!(!pair.database().exists());
}
