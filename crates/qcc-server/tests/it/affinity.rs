//! A conversation stays with the provider that holds its prompt cache, and new ones are shared out.

use std::collections::BTreeSet;

use qcc_testkit::claude::Claude;
use qcc_testkit::replies::{Cut, Stream, TruncateAt, json_body, message, message_json, status};
use qcc_testkit::{Answer, Connection, Gate, Script, Upstream};
use serde_json::json;

use crate::support::Running;

const SHARED: &str = "profiles:\n  all:\n    endpoints: [{provider: a, weight: 50}, {provider: b, weight: 50}]\n\
                      affinity: {enabled: true}\n";

async fn ask(running: &Running, session: &str) -> Answer {
    let request = Claude::new("claude-sonnet-5").stream(false).kilobytes(2).session(session).request();
    running.ask(&request).await
}

fn served_by(answer: &Answer) -> &str {
    answer.header("x-qcc-provider").unwrap_or("nobody")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_with_its_provider_and_new_ones_are_shared_out_by_weight() {
    let (a, b) = (Upstream::start(message_json("a")).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], SHARED).await;
    for session in 0..10 {
        let name = format!("00000000-0000-4000-8000-{session:012}");
        let mut providers = BTreeSet::new();
        for _ in 0..5 {
            providers.insert(served_by(&ask(&running, &name).await).to_owned());
        }
        assert_eq!(providers.len(), 1, "session {session}");
    }
    assert_eq!((a.posts().len(), b.posts().len()), (25, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_when_its_provider_fails_and_stays_where_it_went_while_it_is_warm() {
    let (a, b) = (Upstream::start(message_json("a")).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let more = "profiles:\n  one: {tier: primary, endpoints: [{provider: a}]}\n  two: {tier: secondary, endpoints: \
                [{provider: b}]}\naffinity: {enabled: true}\n";
    let running = Running::with(&[("a", &a), ("b", &b)], more).await;
    let session = "00000000-0000-4000-8000-000000000001";
    assert_eq!(served_by(&ask(&running, session).await), "a");
    a.set_script(status(500, "api_error", "down", &[]));
    assert_eq!(served_by(&ask(&running, session).await), "b");
    a.set_script(message_json("a"));
    let reset = qcc_testkit::Request::post_json("/api/providers/a/reset", &serde_json::json!({}));
    running.ask(&reset).await;
    assert_eq!(served_by(&ask(&running, session).await), "b", "its cache is there now");
    assert_eq!(served_by(&ask(&running, "00000000-0000-4000-8000-000000000002").await), "a", "a new one goes first");
}

/// The client asks again by itself, and the provider might stall once more before its breaker knows better.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_answer_that_broke_off_the_session_asks_another_provider_first() {
    let cut = Stream::text(["half ", "an answer"]).truncated(TruncateAt::MidFirstBlock, Cut::Close).reply();
    let (a, b) = (Upstream::start(cut).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let more = "affinity: {enabled: true}\nbreaker: {failure_threshold: 3}\n";
    let running = Running::with(&[("a", &a), ("b", &b)], more).await;
    let session = "00000000-0000-4000-8000-000000000001";
    let stream = Claude::new("claude-sonnet-5").stream(true).kilobytes(2).session(session).request();
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&stream).await.unwrap();
    let head = client.receive_head().await.unwrap();
    let _cut_off = client.receive_rest(head).await;
    assert_eq!(served_by(&ask(&running, session).await), "b");
    a.set_script(message_json("a"));
    assert_eq!(
        served_by(&ask(&running, "00000000-0000-4000-8000-000000000002").await),
        "a",
        "others are not concerned"
    );
}

/// Reading 90,000 tokens anew would cost more than the second that the provider asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_session_waits_a_moment_for_its_provider_rather_than_lose_its_prompt_cache() {
    let mut cached = message("a");
    cached["usage"]["cache_read_input_tokens"] = json!(90_000);
    let throttled = status(429, "rate_limit_error", "slow down", &[("retry-after", "1")]);
    let well = json_body(200, &[], &cached);
    let script = Script::sequence([well.clone(), throttled], well);
    let (a, b) = (Upstream::start(script).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], "affinity: {enabled: true}\n").await;
    let (warm, other) = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002");
    assert_eq!(served_by(&ask(&running, warm).await), "a");
    assert_eq!(served_by(&ask(&running, other).await), "b", "a throttles");
    assert_eq!(served_by(&ask(&running, warm).await), "a", "it was worth the wait");
    assert_eq!(b.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_at_its_limit_is_passed_over() {
    let gate = Gate::new();
    let held = message_json("a").held_by(&gate);
    let (a, b) = (Upstream::start(held).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let yaml = format!(
        "providers:\n  - {{name: a, base_url: '{}', auth_value: k, limits: {{concurrency: 1}}}}\n  - {{name: b, base_url: '{}', \
         auth_value: k}}\n",
        a.url(),
        b.url()
    );
    let running = Running::start(&yaml).await;
    let mut first = Connection::open(running.address()).await.unwrap();
    let request = Claude::new("claude-sonnet-5").stream(false).kilobytes(2).request();
    first.send(&request).await.unwrap();
    a.wait_for(1).await;
    assert_eq!(served_by(&running.ask(&request).await), "b", "a has its one request");
    gate.open();
    assert_eq!(served_by(&first.receive().await.unwrap()), "a");
    assert_eq!(served_by(&running.ask(&request).await), "a", "there is room again");
}
