//! Who hears of what a request leaves behind.

use std::time::Duration;

use qcc_policy::{Absence, ProviderId};
use tokio::time::timeout;

use qcc_policy::engine::Target;
use qcc_policy::{Charge, Standing};

use super::*;
use crate::gateway::{Source, load};
use crate::log::Log;
use crate::room::{Place, Turn};

const A: ProviderId = ProviderId(0);

/// A gateway with one provider and no database.
fn state(settings: &str) -> Arc<State> {
    let provider = "providers: [{name: a, base_url: http://127.0.0.1:9, auth_value: key, limits: {concurrency: 1}}]\n";
    let source = Source::Text(format!("{provider}{settings}"));
    let loaded = load(&source).unwrap();
    State::new(loaded, source, Log::discard(), "127.0.0.1".into(), None).unwrap()
}

fn candidate(state: &Arc<State>) -> Charged {
    let target = Target { provider: A, model: "sonnet".into(), fingerprint: None };
    Charged::new(state, "a", target, None, None, 10)
}

/// A place in the room of a request that found the provider like this.
fn wait_for(state: &Arc<State>, candidate: &Charged) -> Place {
    let absence = Absence::new(&candidate.target, candidate.standing(), now());
    Place::take(state, vec![absence], now() + Duration::from_mins(4)).unwrap()
}

/// Whose turn it is without any time passing: nobody waits for a clock.
async fn at_once(place: &mut Place) -> Option<Turn> {
    timeout(Duration::from_millis(1), place.turn()).await.ok().flatten()
}

#[tokio::test(start_paused = true)]
async fn room_that_comes_free_sends_who_waits_for_it() {
    let state = state("");
    let mut running = candidate(&state);
    assert!(running.begin(false));
    let other = candidate(&state);
    assert_ne!(other.standing(), Standing::Admissible);
    let mut place = wait_for(&state, &other);
    assert_eq!(at_once(&mut place).await, None);
    drop(running);
    assert_eq!(at_once(&mut place).await, Some(Turn { provider: A, trial: false }));
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_client_leaves_sends_who_waits_for_its_lease() {
    let state = state("breaker: {failure_threshold: 1, open_initial: 1s, open_max: 1s, jitter: 0}\n");
    let mut failing = candidate(&state);
    assert!(failing.begin(false));
    failing.broke_alone();
    drop(failing);
    tokio::time::advance(Duration::from_secs(2)).await;
    let mut probe = candidate(&state);
    assert!(probe.begin(false));
    let other = candidate(&state);
    let mut place = wait_for(&state, &other);
    assert_eq!(at_once(&mut place).await, None);
    drop(probe);
    assert_eq!(at_once(&mut place).await, Some(Turn { provider: A, trial: false }));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_saw_the_only_probe_free_one_begins() {
    let state = state("breaker: {failure_threshold: 1, open_initial: 1s, open_max: 1s, jitter: 0}\n");
    let mut failing = candidate(&state);
    assert!(failing.begin(false));
    failing.broke_alone();
    drop(failing);
    tokio::time::advance(Duration::from_secs(2)).await;
    let (mut one, mut other) = (candidate(&state), candidate(&state));
    assert_eq!((one.standing(), other.standing()), (Standing::Admissible, Standing::Admissible));
    assert!(one.begin(false));
    assert!(!other.begin(false));
}

impl Charged {
    /// A fault of the provider's own.
    fn broke_alone(&mut self) {
        self.failed(true);
        self.charge(Charge::FAULT, now());
    }
}
