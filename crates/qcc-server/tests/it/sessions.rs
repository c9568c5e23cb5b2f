//! A conversation stays with the provider that holds its prompt cache, and new ones are shared out.

use std::collections::BTreeSet;

use qcc_testkit::claude::Claude;
use qcc_testkit::replies::{message_json, status};
use qcc_testkit::{Answer, Upstream};

use crate::support::Running;

const SHARED: &str = "profiles:\n  all:\n    endpoints: [{provider: a, weight: 50}, {provider: b, weight: 50}]\n\
                      affinity: {enabled: true}\n";

async fn ask(running: &Running, session: &str) -> Answer {
    let request = Claude::new("claude-sonnet-5").stream(false).kilobytes(2).session(session).request();
    running.ask(&request).await
}

fn served_by(answer: &Answer) -> String {
    answer.header("x-qcc-provider").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_with_its_provider_and_new_ones_are_shared_out_by_weight() {
    let (a, b) = (Upstream::start(message_json("a")).await.unwrap(), Upstream::start(message_json("b")).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], SHARED).await;
    for session in 0..10 {
        let name = format!("00000000-0000-4000-8000-{session:012}");
        let mut providers = BTreeSet::new();
        for _ in 0..5 {
            providers.insert(served_by(&ask(&running, &name).await));
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
