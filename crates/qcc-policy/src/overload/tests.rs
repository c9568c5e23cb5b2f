//! Providers 1 and 2 are on one host, 3 on another.

use super::*;
use crate::testing::{secs, start};

const OPUS: u64 = 1;
const HAIKU: u64 = 2;

fn three() -> Overloads {
    let mut overloads = Overloads::new();
    for (provider, host) in [(1, 10), (2, 10), (3, 30)] {
        overloads.place(ProviderId(provider), host);
    }
    overloads
}

fn presumed(overloads: &Overloads, model: u64, now: Instant) -> Vec<u32> {
    (1..=3).filter(|provider| overloads.is_presumed(ProviderId(*provider), model, now)).collect()
}

#[test]
fn all_providers_of_a_host_are_presumed_loaded_for_a_moment_and_for_that_model_alone() {
    let (mut overloads, now) = (three(), start());
    assert!(overloads.is_idle());
    overloads.said(ProviderId(1), OPUS, now);
    assert_eq!(presumed(&overloads, OPUS, now), [1, 2]);
    assert!(presumed(&overloads, HAIKU, now).is_empty());
    assert_eq!(presumed(&overloads, OPUS, now + secs(9)), [1, 2]);
    assert!(presumed(&overloads, OPUS, now + secs(10)).is_empty());
}

#[test]
fn a_flood_of_invented_models_keeps_the_latest_and_a_bounded_number() {
    let (mut overloads, now) = (three(), start());
    for model in 0..10_000 {
        overloads.said(ProviderId(1), model, now + Duration::from_micros(model));
    }
    assert_eq!(overloads.until.len(), MOST);
    assert_eq!(presumed(&overloads, 9_999, now + secs(1)), [1, 2]);
}

#[test]
fn a_provider_whose_host_is_not_known_says_nothing_of_others() {
    let (mut overloads, now) = (three(), start());
    overloads.retain(|provider| provider != ProviderId(2));
    overloads.said(ProviderId(2), OPUS, now);
    overloads.said(ProviderId(9), OPUS, now);
    assert!(overloads.is_idle());
}
