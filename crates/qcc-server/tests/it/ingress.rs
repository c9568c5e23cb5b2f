//! What may come in, and how everything else is turned away: in the dialect's shape, with an id to ask about, before any
//! provider is asked or charged.

use std::net::SocketAddr;
use std::time::Duration;

use qcc_testkit::replies::{message_json, stream};
use qcc_testkit::{Answer, Connection, Ended, Gate, Reply, Request, Script, Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Running, assert_refused, for_message, for_stream, pass_time, providers};

/// A gateway with one good provider.
async fn with_one(more: &str) -> (Running, Upstream) {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    (Running::with(&[("one", &upstream)], more).await, upstream)
}

/// Asserts a refusal of which no provider heard, and a log line about it with the same id.
async fn refused(running: &mut Running, upstream: &Upstream, request: &Request, status: u16, kind: &str) -> Answer {
    let answer = running.ask(request).await;
    assert_refused(&answer, status, kind);
    let line = running.event("request_refused").await;
    assert_eq!((&line["request_id"], &line["status"]), (&answer.json()["request_id"], &json!(status)));
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(running.standing("one").await, "closed");
    answer
}

fn messages(body: &str) -> Request {
    Request::new("POST", "/v1/messages").header("content-type", "application/json").body(body.to_owned())
}

#[tokio::test]
async fn a_body_that_cannot_be_routed_is_refused_before_any_provider_is_asked() {
    let (mut running, upstream) = with_one("").await;
    for (body, what) in [
        ("", "empty"),
        ("not JSON", "not valid JSON"),
        ("{\"model\":\"a\"", "not valid JSON"),
        ("{\"model\":\"a\"}{}", "not valid JSON"),
        ("[1]", "not an object"),
        ("{}", "names no model"),
        ("{\"model\":\"\"}", "\"model\" is empty"),
        ("{\"model\":7}", "must be a string"),
        ("{\"model\":null}", "must be a string"),
        ("{\"model\":\"a\",\"model\":\"b\"}", "twice"),
        ("{\"model\":\"a\",\"stream\":\"yes\"}", "\"stream\" must be"),
    ] {
        let answer = refused(&mut running, &upstream, &messages(body), 400, "invalid_request_error").await;
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(what), "{body}: {}", answer.text());
    }
    let counting = Request { path: "/v1/messages/count_tokens".to_owned(), ..messages("{}") };
    refused(&mut running, &upstream, &counting, 400, "invalid_request_error").await;
}

#[tokio::test]
async fn another_content_type_than_json_is_refused() {
    let (mut running, upstream) = with_one("").await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"] {
        let request = for_message().with("content-type", media);
        refused(&mut running, &upstream, &request, 415, "invalid_request_error").await;
    }
    for media in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.api+json"] {
        assert_eq!(running.ask(&for_message().with("content-type", media)).await.said(), "hi", "{media}");
    }
    assert_eq!(running.ask(&for_message().without("content-type")).await.said(), "hi");
    assert_eq!(upstream.posts()[3].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_compressed_body_is_refused_because_nobody_could_read_the_model_in_it() {
    let (mut running, upstream) = with_one("").await;
    let request = for_message().header("content-encoding", "gzip");
    let answer = refused(&mut running, &upstream, &request, 415, "invalid_request_error").await;
    assert!(answer.text().contains("gzip"), "{}", answer.text());
    assert_eq!(running.ask(&for_message().header("content-encoding", "identity")).await.said(), "hi");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_announced_length_alone() {
    let (mut running, upstream) = with_one("proxy: {max_body: 1KiB}").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    let request = for_message().header("content-length", "1025");
    client.send_head(&request).await.unwrap();
    let answer = client.receive().await.unwrap();
    assert_refused(&answer, 413, "request_too_large");
    assert_eq!(running.event("request_refused").await["status"], 413);
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_as_soon_as_too_much_of_it_has_arrived() {
    let (mut running, upstream) = with_one("proxy: {max_body: 1KiB}").await;
    let at_limit = format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "a".repeat(1024 - 20));
    assert_eq!(at_limit.len(), 1024);
    assert_eq!(running.ask(&messages(&at_limit).chunked(100)).await.said(), "hi");
    // No final chunk: only what has come can be the reason.
    let mut client = Connection::open(running.address()).await.unwrap();
    let unfinished = messages("").header("transfer-encoding", "chunked");
    client.send_head(&unfinished).await.unwrap();
    client.send_bytes(&[b"401\r\n".as_slice(), &[b'a'; 1025], b"\r\n"].concat()).await.unwrap();
    let answer = client.receive().await.unwrap();
    assert_refused(&answer, 413, "request_too_large");
    assert_eq!(running.event("request_refused").await["status"], 413);
    assert_eq!(upstream.posts().len(), 1);
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_too_large_body_still_reads_the_refusal() {
    let (mut running, upstream) = with_one("proxy: {max_body: 1KiB}").await;
    let large = messages(&format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "a".repeat(256 * 1024)));
    for request in [large.clone(), large.chunked(64 * 1024)] {
        refused(&mut running, &upstream, &request, 413, "request_too_large").await;
    }
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_with_the_limit_that_they_broke() {
    let (mut running, upstream) = with_one("").await;
    let large = for_message().header("x-large", &"a".repeat(65 * 1024));
    let answer = refused(&mut running, &upstream, &large, 431, "invalid_request_error").await;
    assert!(answer.text().contains("65536"), "{}", answer.text());
    let many = (0..250).fold(for_message(), |request, n| request.header(&format!("x-{n}"), "a"));
    let answer = refused(&mut running, &upstream, &many, 431, "invalid_request_error").await;
    assert!(answer.text().contains("200"), "the number of lines is the fault, not their size: {}", answer.text());
    let fine = (0..150).fold(for_message(), |request, n| request.header(&format!("x-{n}"), &"a".repeat(200)));
    assert_eq!(running.ask(&fine).await.said(), "hi");
}

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    let (mut running, upstream) = with_one("").await;
    for (method, path) in [
        ("GET", "/nothing"),
        ("POST", "/"),
        ("POST", "/v1"),
        ("GET", "/favicon.ico"),
        ("POST", "/V1/messages"),
        ("OPTIONS", "*"),
    ] {
        let status = if path == "/" { 405 } else { 404 };
        let kind = if path == "/" { "invalid_request_error" } else { "not_found_error" };
        refused(&mut running, &upstream, &Request::new(method, path), status, kind).await;
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let (mut running, upstream) = with_one("").await;
    for (method, path, allow) in [
        ("GET", "/v1/messages", "POST"),
        ("DELETE", "/v1/messages/count_tokens", "POST"),
        ("GET", "/providers/reload", "POST"),
        ("POST", "/providers", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("PUT", "/ready", "GET, HEAD"),
        ("POST", "/live", "GET, HEAD"),
        ("POST", "/v1/models", "GET, HEAD"),
    ] {
        let request = Request::new(method, path);
        let answer = refused(&mut running, &upstream, &request, 405, "invalid_request_error").await;
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

/// Case 34: a client that asks first whether its body is wanted is told to send it, and no provider hears of that.
#[tokio::test]
async fn a_client_that_waits_for_the_word_to_go_on_gets_it() {
    let (running, upstream) = with_one("").await;
    let request = for_message().header("expect", "100-continue").header("connection", "close");
    let mut client = TcpStream::connect(running.address()).await.unwrap();
    client.write_all(&request.head(running.address())).await.unwrap();
    let mut word = [0; 25];
    client.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(&request.body).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("hi"), "{answer}");
    assert_eq!(upstream.posts()[0].header("expect"), None);
}

/// A client that has sent half a body, of which the gateway has seen all that came.
async fn with_half_a_body(running: &Running) -> Connection {
    let mut client = Connection::open(running.address()).await.unwrap();
    let request = for_message();
    client.send_head(&request).await.unwrap();
    client.send_bytes(&request.body[..request.body.len() / 2]).await.unwrap();
    // Connections are accepted in order, so this answer comes after the half body was read.
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    client
}

#[tokio::test]
async fn half_a_body_and_then_nothing_is_answered_after_30_s() {
    let (mut running, upstream) = with_one("").await;
    let mut client = with_half_a_body(&running).await;
    pass_time(Duration::from_secs(31)).await;
    let answer = client.receive().await.unwrap();
    assert_refused(&answer, 408, "timeout_error");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(running.event("request_refused").await["status"], 408);
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_costs_nothing_and_frees_its_memory() {
    let (running, upstream) = with_one("proxy: {max_body: 1KiB, max_buffered: 1KiB}").await;
    for _ in 0..8 {
        with_half_a_body(&running).await.leave_with_reset();
    }
    for _ in 0..8 {
        drop(with_half_a_body(&running).await);
    }
    let nearly_all = messages(&format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "a".repeat(1000)));
    assert_eq!(running.ask(&nearly_all).await.said(), "hi", "what the clients left behind is not counted any more");
    assert_eq!(upstream.posts().len(), 1);
}

#[tokio::test]
async fn a_body_with_broken_framing_is_never_answered_with_success() {
    let (mut running, upstream) = with_one("").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send_head(&messages("").header("transfer-encoding", "chunked")).await.unwrap();
    client.send_bytes(b"5\r\n{\"mod\r\nnot a size\r\n").await.unwrap();
    let answer = client.receive().await.unwrap();
    assert_refused(&answer, 400, "invalid_request_error");
    assert_eq!(running.event("request_refused").await["status"], 400);
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_route() {
    let (mut running, upstream) = with_one("").await;
    for path in ["/v1/messages", "/", "/live", "/ready", "/health", "/providers", "/v1/models", "/nothing"] {
        for host in ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.168.1.4", "localhost.evil"] {
            let method = if path == "/v1/messages" { "POST" } else { "GET" };
            let request = Request::new(method, path).header("host", host);
            refused(&mut running, &upstream, &request, 403, "permission_error").await;
        }
    }
}

#[tokio::test]
async fn a_second_host_header_does_not_hide_behind_a_good_one() {
    let (mut running, upstream) = with_one("").await;
    let request = for_message().header("host", "localhost").header("host", "evil.example");
    refused(&mut running, &upstream, &request, 403, "permission_error").await;
}

#[tokio::test]
async fn loopback_names_and_allowed_hosts_are_served() {
    let (running, _upstream) = with_one("proxy: {allowed_hosts: [qcc.lan]}").await;
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:7860", "[::1]:7860", "qcc.lan", "QCC.lan:7860"] {
        assert_eq!(running.ask(&for_message().header("host", host)).await.said(), "hi", "{host}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_refused_on_every_route() {
    let (mut running, upstream) = with_one("proxy: {allowed_origins: ['https://app.example']}").await;
    for origin in ["https://evil.example", "null", "http://localhost.evil.example", "file://", "http://app.example", ""]
    {
        for request in [for_message(), Request::get("/providers"), Request::new("POST", "/providers/reload")] {
            refused(&mut running, &upstream, &request.header("origin", origin), 403, "permission_error").await;
        }
    }
    for origin in ["https://app.example", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:80"] {
        assert_eq!(running.ask(&for_message().header("origin", origin)).await.said(), "hi", "{origin}");
    }
}

/// Sends bytes and reads until the server closes the connection.
async fn raw(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn http_1_0_is_served_with_and_without_host_and_ends_with_its_connection() {
    let whole = message_json("hi");
    let script = Script::new(
        move |received, _| {
            if received.json()["stream"] == true { stream(["Hel", "lo"]) } else { whole.clone() }
        },
    );
    let upstream = Upstream::start(script).await.unwrap();
    let running = Running::with(&[("one", &upstream)], "").await;
    for host in ["", "host: localhost\r\n"] {
        for request in [for_message(), for_stream()] {
            let body = String::from_utf8(request.body.to_vec()).unwrap();
            let head = format!("POST /v1/messages HTTP/1.0\r\n{host}content-length: {}\r\n\r\n", body.len());
            let answer = raw(running.address(), &(head + &body)).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.0 200"), "{answer}");
            assert!(!head.contains("chunked"), "HTTP/1.0 knows no chunks: {head}");
            assert!(body.contains("msg_01Testkit") && body.contains("end_turn"), "{answer}");
        }
    }
    let refused = raw(running.address(), "GET /live HTTP/1.0\r\nhost: evil.example\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.0 403"), "{refused}");
}

#[tokio::test]
async fn a_request_in_absolute_form_is_served_when_its_host_is_ours() {
    let (mut running, upstream) = with_one("").await;
    let foreign = Request { path: "http://evil.example/v1/messages".to_owned(), ..for_message() };
    refused(&mut running, &upstream, &foreign, 403, "permission_error").await;
    let ours = format!("http://{}/v1/messages?beta=true", running.address());
    assert_eq!(running.ask(&Request { path: ours, ..for_message() }).await.said(), "hi");
    assert_eq!(upstream.posts()[0].path, "/v1/messages?beta=true", "the provider gets the path alone");
}

#[tokio::test]
async fn a_wrong_client_key_is_refused_for_good_and_live_stays_open() {
    let (mut running, upstream) = with_one("proxy: {client_keys: [door-key]}").await;
    let bare = for_message().without("x-api-key");
    for request in [
        bare.clone(),
        bare.clone().header("x-api-key", "wrong"),
        bare.clone().header("x-api-key", ""),
        bare.clone().header("authorization", "Bearer wrong"),
        bare.clone().header("authorization", "Basic door-key"),
        bare.clone().header("authorization", "door-key"),
        Request::get("/"),
        Request::get("/ready"),
        Request::get("/health"),
        Request::get("/providers"),
        Request::get("/v1/models"),
        Request::new("POST", "/providers/reload"),
        Request::get("/nothing"),
    ] {
        let answer = running.ask(&request).await;
        assert_refused(&answer, 401, "authentication_error");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "Claude Code would repeat a 401 for minutes");
        assert_eq!(running.event("request_refused").await["status"], 401);
    }
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    for request in [
        bare.clone().header("x-api-key", "door-key"),
        bare.clone().header("authorization", "Bearer door-key"),
        bare.clone().header("authorization", "bearer  door-key"),
        bare.clone().header("x-api-key", "wrong").header("authorization", "Bearer door-key"),
    ] {
        assert_eq!(running.ask(&request).await.said(), "hi");
    }
    for received in upstream.posts() {
        assert_eq!((received.header("x-api-key"), received.header("authorization")), (Some("key-one"), None));
    }
}

#[tokio::test]
async fn the_header_that_opened_the_door_is_consumed_and_the_other_one_passes_through() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let running = Running::start(&format!(
        "providers: [{{name: one, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}]\n\
         proxy: {{client_keys: [door-key]}}",
        upstream.url()
    ))
    .await;
    let bare = for_message().without("x-api-key");
    let by_key = bare.clone().header("x-api-key", "door-key").header("authorization", "Bearer own");
    let by_bearer = bare.clone().header("authorization", "Bearer door-key").header("x-api-key", "own");
    for request in [by_key, by_bearer] {
        assert_eq!(running.ask(&request).await.said(), "hi");
    }
    let went_up: Vec<_> = upstream
        .posts()
        .iter()
        .map(|one| (one.header("x-api-key").map(str::to_owned), one.header("authorization").map(str::to_owned)))
        .collect();
    assert_eq!(went_up, [(None, Some("Bearer own".to_owned())), (Some("own".to_owned()), None)]);
    // Without a credential of the client's own there is nothing to ask the provider with.
    let only_door = bare.clone().header("x-api-key", "door-key");
    let twice_door = only_door.clone().header("authorization", "Bearer door-key");
    for request in [only_door, twice_door] {
        assert_refused(&running.ask(&request).await, 403, "permission_error");
    }
    assert_eq!(upstream.posts().len(), 2, "the key of the gateway's own door never goes up");
}

#[tokio::test]
async fn when_all_buffered_bodies_reach_their_limit_the_next_waits_outside() {
    let gate = Gate::new();
    let script = Script::sequence([message_json("held").held_by(&gate)], message_json("hi"));
    let upstream = Upstream::start(script).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "proxy: {max_body: 4KiB, max_buffered: 4KiB}").await;
    let large = messages(&format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "a".repeat(3000)));
    let mut first = Connection::open(running.address()).await.unwrap();
    first.send(&large).await.unwrap();
    upstream.wait_for(1).await;
    let answer = running.ask(&large).await;
    assert_refused(&answer, 503, "api_error");
    assert_eq!(running.event("request_refused").await["status"], 503);
    assert_eq!(running.ask(&for_message()).await.said(), "hi", "a small one still fits");
    gate.open();
    assert_eq!(first.receive().await.unwrap().said(), "held");
    assert_eq!(running.ask(&large).await.said(), "hi");
}

#[tokio::test]
async fn a_body_is_let_go_when_its_stream_is_committed() {
    let gate = Gate::new();
    let long = qcc_testkit::replies::Stream::text(["a", "b"]).gated(4, &gate).reply();
    let upstream = Upstream::start(Script::sequence([long], message_json("hi"))).await.unwrap();
    let running = Running::with(&[("one", &upstream)], "proxy: {max_body: 4KiB, max_buffered: 4KiB}").await;
    let filler = "a".repeat(3000);
    let mut first = Connection::open(running.address()).await.unwrap();
    first.send(&messages(&format!("{{\"model\":\"m\",\"stream\":true,\"x\":\"{filler}\"}}"))).await.unwrap();
    let head = first.receive_head().await.unwrap();
    let second = messages(&format!("{{\"model\":\"m\",\"x\":\"{filler}\"}}"));
    assert_eq!(running.ask(&second).await.said(), "hi");
    gate.open();
    let answer = first.receive_rest(head).await.unwrap();
    assert_eq!((answer.said().as_str(), answer.ended), ("ab", Ended::Clean));
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection_do_not_disturb_each_other() {
    let (running, upstream) = with_one("").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    for request in [for_message(), messages("{}"), Request::get("/nothing"), for_message()] {
        client.send(&request).await.unwrap();
        let answer = client.receive().await.unwrap();
        assert_eq!(answer.ended, Ended::Clean);
        assert_eq!(answer.status == 200, request.body.len() > 2, "{}", answer.text());
    }
    assert_eq!(upstream.posts().len(), 2);
}

#[tokio::test]
async fn without_any_usable_provider_a_request_is_answered_and_not_left_waiting() {
    let upstream = Upstream::start(Reply::new().stall()).await.unwrap();
    let list = providers(&[("one", upstream.url())]).replace("auth_value", "enabled: false, auth_value");
    let mut running = Running::start(&list).await;
    let answer = running.ask(&for_message()).await;
    assert_refused(&answer, 503, "api_error");
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["attempts"]), (&json!("failed"), &json!(0)));
    assert_eq!(upstream.opened(), 0);
}

/// Whether the gateway has closed the connection, once two minutes have passed in which the client sent nothing more.
async fn is_closed_after_two_minutes(running: &Running, sent: &[u8]) -> bool {
    let mut client = TcpStream::connect(running.address()).await.unwrap();
    client.write_all(sent).await.unwrap();
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    pass_time(Duration::from_secs(121)).await;
    let mut rest = Vec::new();
    tokio::time::timeout(qcc_testkit::PATIENCE, client.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn a_connection_without_a_whole_head_is_let_go() {
    let (running, _upstream) = with_one("").await;
    assert!(is_closed_after_two_minutes(&running, b"POST /v1/messages HTTP/1.1\r\nhost: ").await);
    assert!(is_closed_after_two_minutes(&running, b"P").await);
    assert!(
        is_closed_after_two_minutes(&running, b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await,
        "kept alive"
    );
    assert!(is_closed_after_two_minutes(&running, b"").await, "a connection that never says anything");
}
