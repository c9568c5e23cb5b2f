//! What the gateway says about itself and its providers' models, and what it passes on without an opinion.

use qcc_testkit::replies::{error_body, html, json_body, message_json, silence, status};
use qcc_testkit::{Ended, Gate, Refusing, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::support::{Running, for_message, pass_time, providers};

fn models(ids: &[&str]) -> Reply {
    let data: Vec<Value> = ids.iter().map(|id| json!({"type": "model", "id": id, "display_name": id})).collect();
    json_body(200, &[], &json!({"data": data, "has_more": false}))
}

/// The model ids that a gateway lists.
async fn listed(running: &Running) -> Vec<String> {
    let answer = running.ask(&Request::get("/v1/models")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["has_more"], false);
    let ids: Vec<String> =
        body["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(body["first_id"].as_str(), ids.first().map(String::as_str));
    assert_eq!(body["last_id"].as_str(), ids.last().map(String::as_str));
    ids
}

#[tokio::test]
async fn the_root_answers_get_and_head() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let running = Running::with(&[("one", &upstream)], "").await;
    let answer = running.ask(&Request::get("/")).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["name"], &body["providers"]), (200, &json!("qcc"), &json!(["one"])));
    assert_eq!(body["version"], qcc_server::VERSION);
    for path in ["/", "/live", "/ready", "/health", "/providers"] {
        let answer = running.ask(&Request::new("HEAD", path)).await;
        assert_eq!((answer.status, answer.body.len(), answer.ended), (200, 0, Ended::Clean), "{path}");
        assert!(answer.header("x-qcc-request-id").is_some(), "{path}");
        assert_eq!(running.ask(&Request::get(path)).await.header("cache-control"), Some("no-store"), "{path}");
    }
    assert_eq!(upstream.requests().len(), 0, "none of it asks a provider");
}

#[tokio::test]
async fn ready_wants_a_provider_that_can_be_asked_and_live_does_not() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let list = providers(&[("one", upstream.url())]);
    let running = Running::start(&list).await;
    assert_eq!(running.ask(&Request::get("/ready")).await.status, 200);
    let running = Running::start(&list.replace("auth_value", "enabled: false, auth_value")).await;
    let answer = running.ask(&Request::get("/ready")).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("no provider that can be asked")));
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    assert_eq!(running.ask(&Request::get("/health")).await.json()["status"], "degraded");
}

#[tokio::test]
async fn health_and_providers_show_who_is_out_and_for_how_long_and_no_secret() {
    let throttled = status(429, "rate_limit_error", "slow down", &[("retry-after", "120")]);
    let (one, two) = (Upstream::start(throttled).await.unwrap(), Upstream::start(message_json("hi")).await.unwrap());
    let list = providers(&[("one", one.url()), ("two", two.url()), ("off", "http://off.example".to_owned())]);
    let list = list
        .replace("auth_value: key-one", "auth_type: auth_token, headers: {x-extra: hidden-header}, auth_value: key-one")
        .replace("auth_value: key-two", "proxy: 'http://user:hidden-password@127.0.0.1:1', auth_value: key-two")
        .replace("auth_value: key-off", "enabled: false, auth_value: key-off");
    let running = Running::start(&format!("{list}proxy: {{client_keys: [door-key]}}")).await;
    let ask = |path: &str| Request::get(path).header("x-api-key", "door-key");
    running.ask(&for_message().with("x-api-key", "door-key")).await;
    for path in ["/health", "/providers"] {
        let answer = running.ask(&ask(path)).await;
        let body = answer.json();
        let field = |name: &str| -> Vec<Value> {
            body["providers"].as_array().unwrap().iter().map(|one| one[name].clone()).collect()
        };
        assert_eq!(field("name"), ["one", "two", "off"]);
        assert_eq!(field("state"), ["cooling", "cooling", "disabled"], "{}", answer.text());
        assert_eq!(field("healthy"), [false, false, false]);
        assert_eq!(field("base_url")[0], one.url());
        let cooling = &field("cooldowns")[0][0];
        assert!((100..=120).contains(&cooling["seconds"].as_u64().unwrap()), "{cooling}");
        for secret in ["key-", "hidden-", "door-key"] {
            assert!(!answer.text().contains(secret), "{secret} is in {}", answer.text());
        }
    }
    let health = running.ask(&ask("/health")).await.json();
    assert_eq!((&health["status"], &health["admissible"]), (&json!("degraded"), &json!(0)));
    assert!(health["uptime_seconds"].is_u64() && health["version"] == qcc_server::VERSION, "{health}");
}

#[tokio::test]
async fn models_of_all_providers_are_merged_in_the_order_of_the_file() {
    let gate = Gate::new();
    let one = Upstream::start(models(&["a", "b"]).held_by(&gate)).await.unwrap();
    let two = Upstream::start(models(&["b", "c"])).await.unwrap();
    let open = gate.clone();
    // The first provider answers only after the second one.
    two.set_script(Script::new(move |_, _| {
        open.open();
        models(&["b", "c"])
    }));
    let routes = "model_routes:\n  named: [{provider: one}]\n  '*glob*': [{provider: one}]\n";
    let running = Running::with(&[("one", &one), ("two", &two)], routes).await;
    assert_eq!(listed(&running).await, ["a", "b", "c", "named"]);
    let asked = &one.requests()[0];
    assert_eq!((asked.method.as_str(), asked.header("x-api-key")), ("GET", Some("key-one")));
}

#[tokio::test]
async fn the_list_of_models_is_kept_for_a_while() {
    let one = Upstream::start(models(&["a"])).await.unwrap();
    let running = Running::with(&[("one", &one)], "").await;
    for _ in 0..3 {
        assert_eq!(listed(&running).await, ["a"]);
    }
    assert_eq!(one.requests().len(), 1);
    one.set_script(models(&["b"]));
    pass_time(std::time::Duration::from_secs(301)).await;
    assert_eq!(listed(&running).await, ["b"]);
    one.set_script(models(&["c"]));
    running.gateway.reload().unwrap();
    assert_eq!(listed(&running).await, ["c"], "a new configuration may serve other models");
}

#[tokio::test]
async fn the_list_of_models_is_never_an_error() {
    let refusing = Refusing::new().unwrap();
    let broken = [
        html(200),
        status(401, "authentication_error", "no", &[]),
        status(500, "api_error", "broken", &[]),
        json_body(200, &[], &json!({"data": "none"})),
        Reply::new().reset(),
    ];
    for reply in broken {
        let one = Upstream::start(reply).await.unwrap();
        let list = providers(&[("one", one.url()), ("refusing", refusing.url())]);
        let running = Running::start(&list).await;
        assert_eq!(listed(&running).await, Vec::<String>::new());
        assert_eq!(running.standing("one").await, "closed", "a list is nothing to be charged for");
        one.set_script(models(&["a"]));
        assert_eq!(listed(&running).await, ["a"], "an empty list is not kept");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_left_out_of_the_list_after_3_s() {
    let (mute, two) = (Upstream::start(silence()).await.unwrap(), Upstream::start(models(&["b"])).await.unwrap());
    let running = Running::with(&[("mute", &mute), ("two", &two)], "").await;
    let mut client = qcc_testkit::Connection::open(running.address()).await.unwrap();
    client.send(&Request::get("/v1/models")).await.unwrap();
    mute.wait_for(1).await;
    two.wait_for(1).await;
    pass_time(std::time::Duration::from_millis(3001)).await;
    let answer = client.receive().await.unwrap();
    assert_eq!((answer.status, &answer.json()["data"][0]["id"]), (200, &json!("b")));
}

#[tokio::test]
async fn one_model_is_answered_from_the_list_or_by_its_name() {
    let one = Upstream::start(models(&["a"])).await.unwrap();
    let running = Running::with(&[("one", &one)], "").await;
    for (asked, id) in [("a", "a"), ("unknown", "unknown"), ("vendor/x", "vendor/x"), ("vendor%2Fx", "vendor/x")] {
        let answer = running.ask(&Request::get(&format!("/v1/models/{asked}"))).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["id"], &body["type"]), (200, &json!(id), &json!("model")));
    }
    for path in ["/v1/models", "/v1/models/a"] {
        let answer = running.ask(&Request::new("HEAD", path)).await;
        assert_eq!((answer.status, answer.body.len(), answer.ended), (200, 0, Ended::Clean), "{path}");
    }
}

#[tokio::test]
async fn what_one_clients_own_credential_may_see_is_not_kept_for_others() {
    let script = Script::new(|received, _| models(&[received.header("x-api-key").unwrap_or("nobody")]));
    let one = Upstream::start(script).await.unwrap();
    let list = format!(
        "providers: [{{name: one, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}]",
        one.url()
    );
    let running = Running::start(&list).await;
    for key in ["first", "second"] {
        let answer = running.ask(&Request::get("/v1/models").header("x-api-key", key)).await;
        assert_eq!(answer.json()["data"][0]["id"], key);
    }
    assert_eq!(listed(&running).await, Vec::<String>::new(), "without a credential there is nothing to ask with");
}

#[tokio::test]
async fn other_routes_pass_to_the_first_provider_with_its_answer_unchanged() {
    let answer = json_body(418, &[("x-theirs", "kept")], &error_body("teapot_error", "short and stout"));
    let (one, two) = (Upstream::start(answer).await.unwrap(), Upstream::start(message_json("hi")).await.unwrap());
    let mut running = Running::with(&[("one", &one), ("two", &two)], "").await;
    let request = Request::new("PATCH", "/v1/files/f?limit=1&x=%20")
        .header("content-type", "text/plain")
        .header("x-api-key", "client-key")
        .header("anthropic-beta", "files")
        .body("any bytes");
    let answer = running.ask(&request).await;
    assert_eq!(
        (answer.status, answer.header("x-theirs"), answer.header("x-qcc-provider")),
        (418, Some("kept"), Some("one"))
    );
    assert_eq!(answer.json(), error_body("teapot_error", "short and stout"));
    let received = &one.requests()[0];
    assert_eq!((received.method.as_str(), received.path.as_str()), ("PATCH", "/v1/files/f?limit=1&x=%20"));
    assert_eq!((received.header("x-api-key"), received.header("anthropic-beta")), (Some("key-one"), Some("files")));
    assert_eq!((received.header("content-type"), &received.body[..]), (Some("text/plain"), b"any bytes".as_slice()));
    assert_eq!((one.requests().len(), two.requests().len()), (1, 0), "nothing is repeated anywhere");
    assert_eq!(running.standing("one").await, "closed", "and nobody is charged");
    let row = running.row().await;
    assert_eq!((&row["path"], &row["status"], &row["attempts"]), (&json!("/v1/files/f"), &json!(418), &json!(1)));
}

#[tokio::test]
async fn other_routes_go_round_a_provider_that_is_out_and_say_so_when_nobody_answers() {
    let (one, two) =
        (Upstream::start(Reply::new().reset()).await.unwrap(), Upstream::start(message_json("hi")).await.unwrap());
    let mut running = Running::with(&[("one", &one), ("two", &two)], "").await;
    let answer = running.ask(&Request::get("/v1/files")).await;
    crate::support::assert_refused(&answer, 503, "api_error");
    assert_eq!(running.row().await["verdict"], "failed");
    assert_eq!(two.requests().len(), 0, "no failover");
    running.ask(&for_message()).await;
    assert_ne!(running.standing("one").await, "closed");
    assert_eq!(running.ask(&Request::get("/v1/files")).await.said(), "hi");
}

#[tokio::test]
async fn other_routes_are_not_served_in_a_strange_compression() {
    let strange = Reply::new().write("HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 1\r\n\r\nx");
    let one = Upstream::start(strange).await.unwrap();
    let running = Running::with(&[("one", &one)], "").await;
    let answer = running.ask(&Request::get("/v1/files")).await;
    crate::support::assert_refused(&answer, 503, "api_error");
    assert!(answer.text().contains("zstd"), "{}", answer.text());
}
