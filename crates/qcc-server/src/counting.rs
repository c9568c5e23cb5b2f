//! How prompts are counted when no provider does it: away from the threads that serve requests, and corrected by what
//! providers counted of other prompts.
//!
//! Learning needs the tokeniser, which takes 66 MB. Most gateways never need it, for their providers count; so it begins
//! with the first estimate that somebody asks for. What is learned is kept in memory only: a few answers teach it again.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use qcc_dialect::tokens::{self, Corrections, Ratio};
use qcc_policy::engine::Target;
use tokio::sync::oneshot;

use crate::ingress::body::Buffered;
use crate::outside;
use crate::state::{State, now};

/// Bodies that are compared, bytes. Shorter ones say too little; longer ones take more than a tenth of a second, and say no
/// more.
const COMPARED: RangeInclusive<usize> = 2 * 1024..=1024 * 1024;

/// What is known of how providers count.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    /// Whether anybody ever asked for an estimate.
    wanted: AtomicBool,
    corrections: Mutex<Corrections>,
}

/// A prompt that is estimated while a provider answers it. Dropped, nothing is learned.
#[derive(Debug)]
pub(crate) struct Sample(oneshot::Sender<u64>);

impl Counting {
    /// How many tokens a body of the Anthropic dialect has for whom it is meant. `asked` is the client's name for the
    /// model, which counts where it is meant for nobody.
    pub(crate) async fn estimate(&self, body: Bytes, asked: &str, meant_for: Option<&Target>) -> u64 {
        self.wanted.store(true, Ordering::Relaxed);
        let model: Arc<str> = meant_for.map_or_else(|| asked.into(), |target| Arc::clone(&target.model));
        let (length, name) = (body.len(), Arc::clone(&model));
        // A large body takes so long that other requests would have to wait for the thread.
        match outside::away(move || tokens::estimate(&body, &name)).await {
            Some(estimate) => estimate.total(meant_for.map_or(Ratio::DOCUMENTED, |target| self.ratio(target))),
            // The runtime is shutting down.
            None => tokens::rough(length, &model),
        }
    }

    fn ratio(&self, target: &Target) -> Ratio {
        self.corrections().ratio(target.provider.0, &target.model, now())
    }

    fn corrections(&self) -> MutexGuard<'_, Corrections> {
        self.corrections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sample {
    /// Begins to estimate a prompt that this target has begun to answer, where that is worth it.
    pub(crate) fn begin(state: &Arc<State>, target: &Target, body: Buffered) -> Option<Self> {
        let counting = &state.counting;
        if !counting.wanted.load(Ordering::Relaxed) || !COMPARED.contains(&body.bytes.len()) {
            return None;
        }
        if !counting.corrections().sample(target.provider.0, &target.model, now()) {
            return None;
        }
        let (told, real) = oneshot::channel();
        tokio::spawn(compare(Arc::downgrade(state), target.clone(), body, real));
        Some(Self(told))
    }

    /// The provider has counted so many tokens, those of its cache among them.
    pub(crate) fn counted(self, real: u64) {
        let _the_gateway_may_be_ending = self.0.send(real);
    }
}

/// Estimates a prompt, and lets its body go; then waits for what the provider counts.
async fn compare(state: Weak<State>, target: Target, body: Buffered, real: oneshot::Receiver<u64>) {
    let model = Arc::clone(&target.model);
    let Some(estimate) = outside::away(move || tokens::estimate(&body.bytes, &model)).await else { return };
    let (Ok(real), Some(state)) = (real.await, state.upgrade()) else { return };
    state.counting.corrections().learn(target.provider.0, &target.model, estimate, real, now());
}
