//! What a gateway tells, and keeps to itself, when its clients and providers speak several dialects.

use qcc_server::Source;
use qcc_testkit::replies::message_json;
use qcc_testkit::{Answer, Request, Upstream};
use serde_json::json;

use crate::pin::get;
use crate::support::Running;

/// A request that counts on a tool that only Anthropic runs.
fn with_a_server_tool() -> Request {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    Request::post_json("/v1/messages", &body)
}

async fn never_asked() -> Upstream {
    Upstream::start(message_json("this is nobody's answer")).await.unwrap()
}

fn attempts(answer: &Answer) -> Option<&str> {
    answer.header("x-qcc-attempts")
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_passed_over_and_no_failure_of_its_own() {
    let (chat, main) = (never_asked().await, Upstream::start(message_json("main")).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "providers:\n  - {{name: chat, type: openai, base_url: '{}', auth_value: k}}\n  \
         - {{name: main, base_url: '{}', auth_value: k}}\n",
        chat.url(),
        main.url()
    );
    let mut running = Running::keeping(Source::Text(text), false, Some(folder.path().join("qcc.db"))).await;
    let answer = running.ask(&with_a_server_tool()).await;
    assert_eq!((answer.said(), attempts(&answer)), ("main".to_owned(), Some("1")));
    assert!(running.event("provider_unfit").await["error"].as_str().unwrap().contains("web_search"));
    let told = get(&running, &format!("/api/requests/{}", answer.header("x-qcc-request-id").unwrap())).await;
    assert_eq!((&told["request"]["tries"], told["attempts"].as_array().unwrap().len()), (&json!(1), 2), "{told}");
    let first = &told["attempts"][0];
    assert_eq!(
        (&first["provider"], &first["outcome"], &first["blame"]),
        (&json!("chat"), &json!("skipped"), &json!(null))
    );
    assert!(first["reason"].as_str().unwrap().contains("web_search"), "{told}");
    let stats = get(&running, "/api/stats").await;
    let named: Vec<_> =
        stats["providers"].as_array().unwrap().iter().filter_map(|one| one["provider"].as_str()).collect();
    assert_eq!((named, chat.posts().len()), (vec!["main"], 0), "{stats}");
}

#[tokio::test]
async fn a_request_that_nobody_can_be_asked_made_no_attempt() {
    let chat = never_asked().await;
    let text = format!("providers: [{{name: chat, type: openai, base_url: '{}', auth_value: k}}]\n", chat.url());
    let mut running = Running::start(&text).await;
    let answer = running.ask(&with_a_server_tool()).await;
    assert_eq!((answer.status, attempts(&answer), chat.posts().len()), (403, Some("0"), 0), "{}", answer.text());
    assert!(answer.text().contains("chat: it cannot be asked this: tools.web_search_20250305"), "{}", answer.text());
    assert_eq!(running.row().await["attempts"], 0);
}
