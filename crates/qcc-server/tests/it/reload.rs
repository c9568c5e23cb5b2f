//! A new configuration and the end of the gateway cut nothing: what runs keeps what it began with, what is wrong changes
//! nothing, and stopping waits for streams as long as it was told to.

use std::net::SocketAddr;
use std::path::PathBuf;

use qcc_server::Source;
use qcc_testkit::replies::{Stream, message_json, status};
use qcc_testkit::{Answer, AnswerHead, Connection, Ended, Gate, Request, Script, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::{Running, assert_refused, for_message, for_stream, providers};

/// A configuration file in a folder of its own.
struct File {
    folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        let file = Self::missing();
        file.write(text);
        file
    }

    fn missing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        Self { folder, path }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    /// As careful editors do: the new text takes the old one's place in one step.
    fn replace(&self, text: &str) {
        let other = self.folder.path().join("config.yaml.new");
        std::fs::write(&other, text).unwrap();
        std::fs::rename(other, &self.path).unwrap();
    }

    async fn serve(&self, watch: bool) -> Running {
        Running::from_source(Source::Path(self.path.clone()), watch).await
    }
}

fn listing(list: &[(&str, &Upstream)]) -> String {
    let list: Vec<_> = list.iter().map(|(name, upstream)| (*name, upstream.url())).collect();
    providers(&list)
}

async fn saying(text: &str) -> Upstream {
    Upstream::start(message_json(text)).await.unwrap()
}

async fn reload(running: &Running) -> Answer {
    running.ask(&Request::new("POST", "/providers/reload")).await
}

#[tokio::test]
async fn a_reload_by_request_puts_the_new_file_into_force_and_says_what_changed() {
    let (one, two) = (saying("one").await, saying("two").await);
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(false).await;
    assert_eq!(running.ask(&for_message()).await.said(), "one");
    file.write(&listing(&[("two", &two)]));
    assert_eq!(running.ask(&for_message()).await.said(), "one", "nobody asked for a reload yet");
    let answer = reload(&running).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["status"], &body["providers"]), (200, &json!("reloaded"), &json!(1)));
    assert_eq!((&body["changes"]["added"], &body["changes"]["removed"]), (&json!(["two"]), &json!(["one"])));
    assert_eq!(running.ask(&for_message()).await.said(), "two");
    let event = running.event("config_reloaded").await;
    assert_eq!((&event["trigger"], &event["providers"]), (&json!("request"), &json!(1)));
}

#[tokio::test]
async fn a_reload_by_signal_puts_the_new_file_into_force() {
    let (one, two) = (saying("one").await, saying("two").await);
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(false).await;
    file.write(&listing(&[("two", &two), ("one", &one)]));
    let reloaded = running.gateway.reload().unwrap();
    assert_eq!((reloaded.providers, reloaded.changes.added.as_slice()), (2, ["two".to_owned()].as_slice()));
    assert_eq!(running.event("config_reloaded").await["trigger"], "signal");
    assert_eq!(running.ask(&for_message()).await.said(), "two");
}

#[tokio::test]
async fn an_edited_or_replaced_file_comes_into_force_by_itself() {
    let (one, two, three) = (saying("one").await, saying("two").await, saying("three").await);
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(true).await;
    file.write(&listing(&[("two", &two)]));
    assert_eq!(running.event("config_reloaded").await["trigger"], "file");
    assert_eq!(running.ask(&for_message()).await.said(), "two");
    file.replace(&listing(&[("three", &three)]));
    assert_eq!(running.event("config_reloaded").await["trigger"], "file");
    assert_eq!(running.ask(&for_message()).await.said(), "three");
    file.write("providers: [nonsense");
    let refused = running.event("config_refused").await;
    assert_eq!(refused["trigger"], "file");
    assert_eq!(running.ask(&for_message()).await.said(), "three");
    file.write(&listing(&[("one", &one)]));
    running.event("config_reloaded").await;
    assert_eq!(running.ask(&for_message()).await.said(), "one", "a bad file is not the end of watching");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_behind_a_link_is_watched_too() {
    let (one, two) = (saying("one").await, saying("two").await);
    let real = File::new(&listing(&[("one", &one)]));
    let link = File::missing();
    std::os::unix::fs::symlink(&real.path, &link.path).unwrap();
    let mut running = link.serve(true).await;
    real.write(&listing(&[("two", &two)]));
    running.event("config_reloaded").await;
    assert_eq!(running.ask(&for_message()).await.said(), "two");
}

#[tokio::test]
async fn a_file_that_comes_into_being_ends_the_implicit_provider() {
    let one = saying("one").await;
    let file = File::missing();
    let mut running = file.serve(true).await;
    file.write(&listing(&[("one", &one)]));
    running.event("config_reloaded").await;
    assert_eq!(running.ask(&for_message()).await.said(), "one");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_says_why() {
    let one = saying("one").await;
    let good = listing(&[("one", &one)]);
    let file = File::new(&good);
    let mut running = file.serve(false).await;
    for (bad, names) in [
        (format!("{good}nonsense: 1\n"), "nonsense"),
        (format!("{good}proxy: {{drain: soon}}\n"), "drain"),
        ("providers: [".to_owned(), "config.yaml"),
        (good.replace("auth_value: key-one", "auth_value: '${QCC_TEST_IS_NOT_SET}'"), "QCC_TEST_IS_NOT_SET"),
        (good.replace("auth_value", "proxy: 'not a proxy', auth_value"), "proxy"),
    ] {
        file.write(&bad);
        let answer = reload(&running).await;
        assert_refused(&answer, 422, "invalid_request_error");
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(names) && said.contains("hint:"), "{said}");
        let event = running.event("config_refused").await;
        assert!(event["error"].as_str().unwrap().contains(names), "{event}");
        let refused = running.gateway.reload().unwrap_err();
        assert!(refused.contains(names), "{refused}");
        running.event("config_refused").await;
        assert_eq!(running.ask(&for_message()).await.said(), "one");
    }
}

#[tokio::test]
async fn a_removed_file_keeps_what_it_said() {
    let one = saying("one").await;
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(true).await;
    std::fs::remove_file(&file.path).unwrap();
    let event = running.event("config_refused").await;
    assert_eq!(event["trigger"], "file");
    assert!(event["error"].as_str().unwrap().contains("is gone"), "{event}");
    assert_refused(&reload(&running).await, 422, "invalid_request_error");
    assert_eq!(running.ask(&for_message()).await.said(), "one");
}

#[tokio::test]
async fn a_running_request_keeps_the_providers_that_it_began_with() {
    let gate = Gate::new();
    let one = Upstream::start(status(500, "api_error", "broken", &[]).held_by(&gate)).await.unwrap();
    let (two, three) = (saying("two").await, saying("three").await);
    let file = File::new(&listing(&[("one", &one), ("two", &two)]));
    let running = file.serve(false).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    one.wait_for(1).await;
    file.write(&listing(&[("three", &three)]));
    assert_eq!(reload(&running).await.status, 200);
    assert_eq!(running.ask(&for_message()).await.said(), "three");
    gate.open();
    assert_eq!(client.receive().await.unwrap().said(), "two", "its plan is that of the old file");
}

#[tokio::test]
async fn a_committed_stream_outlives_the_removal_of_its_provider() {
    let gate = Gate::new();
    let one = Upstream::start(Stream::text(["Hello", " world"]).gated(4, &gate).reply()).await.unwrap();
    let two = saying("two").await;
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(false).await;
    let (client, head) = committed(&running).await;
    file.write(&listing(&[("two", &two)]));
    assert_eq!(reload(&running).await.status, 200);
    gate.open();
    assert_whole(client, head).await;
    assert_eq!(running.row().await["verdict"], "done");
}

/// A client whose stream has begun and waits at its gate.
async fn committed(running: &Running) -> (Connection, AnswerHead) {
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    let head = client.receive_head().await.unwrap();
    client.read_until(|read| read.windows(5).any(|five| five == b"Hello")).await.unwrap();
    (client, head)
}

async fn assert_whole(mut client: Connection, head: AnswerHead) {
    let answer = client.receive_rest(head).await.unwrap();
    assert_eq!((answer.said().as_str(), answer.ended), (" world", Ended::Clean));
}

#[tokio::test]
async fn a_changed_key_ends_the_exclusion_of_its_provider_and_nothing_else_does() {
    let script = Script::new(|received, _| match received.header("x-api-key") {
        Some("new") => message_json("one"),
        _ => status(401, "authentication_error", "invalid x-api-key", &[]),
    });
    let one = Upstream::start(script).await.unwrap();
    let listed = listing(&[("one", &one)]);
    let file = File::new(&listed);
    let running = file.serve(false).await;
    assert_refused(&running.ask(&for_message()).await, 403, "permission_error");
    let out = running.standing("one").await;
    assert_ne!(out, "closed");
    file.write(&format!("{listed}proxy: {{drain: 1s}}\n"));
    assert_eq!(reload(&running).await.status, 200);
    assert_eq!(running.standing("one").await, out, "another setting says nothing about the key");
    assert_eq!(one.posts().len(), 1);
    file.write(&listed.replace("key-one", "new"));
    let answer = reload(&running).await;
    assert_eq!(answer.json()["changes"]["changed"], json!(["one"]));
    assert!(!answer.text().contains("key-one") && !answer.text().contains("new\""), "{}", answer.text());
    assert_eq!(running.standing("one").await, "closed");
    assert_eq!(running.ask(&for_message()).await.said(), "one");
    file.write(&listed);
    reload(&running).await;
    assert_eq!(running.standing("one").await, out, "the old key is still a bad one");
}

#[tokio::test]
async fn connections_outlive_a_reload_that_does_not_concern_them() {
    let (one, two) = (saying("one").await, saying("two").await);
    let file = File::new(&listing(&[("one", &one)]));
    let mut running = file.serve(false).await;
    running.event("provider_warmed").await;
    running.ask(&for_message()).await;
    file.write(&listing(&[("one", &one), ("two", &two)]).replace("key-one", "other"));
    assert_eq!(reload(&running).await.status, 200);
    running.ask(&for_message()).await;
    let used: Vec<_> =
        one.posts().iter().map(|post| (post.connection, post.header("x-api-key").unwrap().to_owned())).collect();
    assert_eq!(used, [(1, "key-one".to_owned()), (1, "other".to_owned())]);
}

#[tokio::test]
async fn client_keys_of_the_new_file_are_asked_for_at_once() {
    let one = saying("one").await;
    let listed = listing(&[("one", &one)]);
    let file = File::new(&listed);
    let running = file.serve(false).await;
    assert_eq!(running.ask(&for_message()).await.said(), "one");
    file.write(&format!("{listed}proxy: {{client_keys: [door-key]}}\n"));
    assert_eq!(reload(&running).await.status, 200);
    assert_refused(&running.ask(&for_message()).await, 401, "authentication_error");
    assert_eq!(running.ask(&for_message().with("x-api-key", "door-key")).await.said(), "one");
}

/// Begins to stop in the background and returns when no new connection is accepted any more.
async fn begin_to_stop(running: Running) -> tokio::task::JoinHandle<Vec<Value>> {
    let address = running.address();
    let stopping = tokio::spawn(running.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stopping
}

fn find<'e>(events: &'e [Value], name: &str) -> &'e Value {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name} in {events:#?}"))
}

#[tokio::test]
async fn stopping_waits_for_running_streams() {
    let gate = Gate::new();
    let one = Upstream::start(Stream::text(["Hello", " world"]).gated(4, &gate).reply()).await.unwrap();
    let running = Running::with(&[("one", &one)], "proxy: {drain: 1h}").await;
    let (client, head) = committed(&running).await;
    let stopping = begin_to_stop(running).await;
    assert!(!stopping.is_finished());
    gate.open();
    assert_whole(client, head).await;
    let events = stopping.await.unwrap();
    assert_eq!(find(&events, "gateway_draining")["running"], 1);
    assert_eq!(find(&events, "request_finished")["verdict"], "done");
    assert_eq!(find(&events, "gateway_stopped")["cut"], 0);
}

#[tokio::test]
async fn stopping_waits_for_requests_that_have_no_answer_yet() {
    let gate = Gate::new();
    let one = Upstream::start(message_json("late").held_by(&gate)).await.unwrap();
    let running = Running::with(&[("one", &one)], "proxy: {drain: 1h}").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    one.wait_for(1).await;
    let stopping = begin_to_stop(running).await;
    gate.open();
    assert_eq!(client.receive().await.unwrap().said(), "late");
    assert_eq!(find(&stopping.await.unwrap(), "gateway_stopped")["cut"], 0);
}

#[tokio::test]
async fn what_outlives_the_time_for_stopping_is_cut_and_cannot_be_taken_for_whole() {
    let gate = Gate::new();
    let one = Upstream::start(Stream::text(["Hello", " world"]).gated(4, &gate).reply()).await.unwrap();
    for drain in ["50ms", "0s"] {
        let running = Running::with(&[("one", &one)], &format!("proxy: {{drain: {drain}}}")).await;
        let (mut client, head) = committed(&running).await;
        let events = running.stop().await;
        assert_eq!(find(&events, "gateway_stopped")["cut"], 1);
        let row = find(&events, "request_finished");
        assert_eq!(row["verdict"], "broken", "the client did not leave, it was cut: {row}");
        assert!(row["error"].as_str().unwrap().contains("proxy.drain"), "{row}");
        let answer = client.receive_rest(head).await.unwrap();
        assert!(matches!(answer.ended, Ended::Unterminated | Ended::Reset), "{:?}", answer.ended);
    }
}

#[tokio::test]
async fn idle_connections_do_not_delay_stopping() {
    let one = saying("one").await;
    let running = Running::with(&[("one", &one)], "proxy: {drain: 1h}").await;
    let mut used = Connection::open(running.address()).await.unwrap();
    used.send(&for_message()).await.unwrap();
    used.receive().await.unwrap();
    let _never_used = Connection::open(running.address()).await.unwrap();
    assert_eq!(find(&running.stop().await, "gateway_stopped")["cut"], 0);
}

/// A client that has sent the first line of a request, which the gateway has seen.
async fn with_half_a_head(running: &Running, line: &str) -> Connection {
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send_bytes(line.as_bytes()).await.unwrap();
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    client
}

async fn finish_head(mut client: Connection, address: SocketAddr, rest: &str) -> Answer {
    client.send_bytes(format!("host: {address}\r\n{rest}").as_bytes()).await.unwrap();
    client.receive().await.unwrap()
}

#[tokio::test]
async fn a_request_that_arrives_while_stopping_is_told_so_and_ready_says_so() {
    let one = saying("one").await;
    let running = Running::with(&[("one", &one)], "proxy: {drain: 1h}").await;
    let address = running.address();
    let ready = with_half_a_head(&running, "GET /ready HTTP/1.1\r\n").await;
    let live = with_half_a_head(&running, "GET /live HTTP/1.1\r\n").await;
    let asking = with_half_a_head(&running, "POST /v1/messages HTTP/1.1\r\n").await;
    let stopping = begin_to_stop(running).await;
    let answer = finish_head(ready, address, "\r\n").await;
    assert_eq!((answer.status, &answer.json()["status"]), (503, &json!("draining")));
    assert_eq!(finish_head(live, address, "\r\n").await.status, 200);
    let refused = finish_head(asking, address, "content-length: 13\r\n\r\n{\"model\":\"m\"}").await;
    assert_refused(&refused, 503, "api_error");
    assert_eq!(one.posts().len(), 0);
    assert_eq!(find(&stopping.await.unwrap(), "gateway_stopped")["cut"], 0);
}
