//! Opening connections before they are needed. Only connections: nothing is sent, so nothing can cost money, and a
//! provider that cannot be reached is reported but not charged. Serving does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::events::Event;
use crate::state::State;
use crate::upstream::Upstream;
use crate::upstream::connect::causes;

/// Longest wait for one provider.
const LIMIT: Duration = Duration::from_secs(5);

/// Warms every usable provider in the background.
pub(crate) fn start(state: &Arc<State>) {
    for upstream in &state.snapshot().upstreams {
        let (state, upstream) = (Arc::clone(state), Arc::clone(upstream));
        tokio::spawn(async move { warm(&state, &upstream).await });
    }
}

async fn warm(state: &State, upstream: &Upstream) {
    let started = Instant::now();
    let opened = tokio::time::timeout(LIMIT, upstream.warm()).await;
    let provider = upstream.name().to_owned();
    state.log.emit(match opened {
        Ok(Ok(())) => Event::ProviderWarmed { provider, took: started.elapsed() },
        Ok(Err(error)) => Event::ProviderUnreached { provider, error: causes(&error) },
        Err(_) => Event::ProviderUnreached { provider, error: format!("no connection within {} s", LIMIT.as_secs()) },
    });
}
