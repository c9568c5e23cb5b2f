//! Conversations with several models at once: where they stay, and what a restart keeps.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use qcc_policy::affinity::{CACHE_LIFETIME, LEAST_CACHED, MODELS};
use qcc_policy::{Affinity, AffinitySettings, ProviderId, Reach, Served, SessionKey};

use crate::random::{Random, start};

const SETTINGS: AffinitySettings =
    AffinitySettings { ttl: Duration::from_hours(5), max_sessions: 1000, recovery: true };

/// One request of a client that sends several at once.
struct Running {
    key: SessionKey,
    provider: ProviderId,
    cached: u32,
    started: Instant,
}

/// A person works with Claude Code: every turn is a request of 60,000 tokens, beside the first few a small one for the
/// title under another model or the same, and now and then subagents in parallel. Whoever has no preference is sent
/// anywhere. Returns how many requests every provider got.
fn work(seed: u64, same_model: bool) -> Vec<usize> {
    let mut random = Random::new(seed);
    let (mut affinity, mut now) = (Affinity::new(SETTINGS), start());
    let mut counts = vec![0; 3];
    for turn in 0..300 {
        let large = SessionKey { session: 1, model: 1 };
        let small = SessionKey { session: 1, model: if same_model { 1 } else { 2 } };
        let agent = SessionKey { session: 1, model: random.of(&[1, 3]) };
        let mut wanted = vec![(large, 60_000)];
        wanted.extend((turn % 50 == 0).then_some((small, 0)));
        wanted.extend((turn % 7 == 3).then_some([(agent, 12_000); 2]).into_iter().flatten());
        let mut running: Vec<Running> = Vec::new();
        for (key, cached) in wanted {
            now += random.millis(5);
            let bound = affinity.prefer(key, |_| true, now);
            let anywhere = random.below(3) as u32;
            let provider = bound.map_or(ProviderId(anywhere), |bound| bound.provider);
            counts[provider.0 as usize] += 1;
            running.push(Running { key, provider, cached, started: now });
        }
        while !running.is_empty() {
            now += random.millis(9000);
            let ended = running.swap_remove(random.below(running.len() as u64) as usize);
            let Running { key, provider, cached, started } = ended;
            affinity.succeed(key, Served { provider, cached, long: false, started }, now);
        }
        now += random.millis(60_000);
    }
    counts
}

#[test]
fn ninety_nine_of_a_hundred_requests_of_a_session_stay_on_one_provider() {
    for seed in 0..50 {
        for same_model in [true, false] {
            let counts = work(seed, same_model);
            let (most, all) = (counts.iter().max().unwrap(), counts.iter().sum::<usize>());
            assert!(most * 100 >= all * 99, "seed {seed}, same model: {same_model}: {counts:?}");
        }
    }
}

/// Successes one after the other, and the last one of every key: provider, tokens, time.
fn history(seed: u64, max_sessions: usize) -> (Affinity, BTreeMap<SessionKey, (ProviderId, u32, Instant)>, Instant) {
    let mut random = Random::new(seed);
    let mut affinity = Affinity::new(AffinitySettings { max_sessions, ..SETTINGS });
    let (mut now, mut last) = (start(), BTreeMap::new());
    for _ in 0..200 {
        now += random.millis(20_000) + Duration::from_millis(1);
        let key = SessionKey { session: random.below(12), model: random.below(3) };
        let provider = ProviderId(random.below(4) as u32);
        let cached = random.of(&[0, 100, 2_000, 90_000]);
        let moved = affinity.succeed(key, Served { provider, cached, long: false, started: now }, now);
        let before = last.insert(key, (provider, cached, now));
        let from = moved.map(|moved| moved.from);
        assert!(from.is_none() || from == before.map(|(before, ..)| before), "a move from nowhere");
        assert!(affinity.len() <= max_sessions);
    }
    (affinity, last, now)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_preference_is_always_the_last_success_of_a_model_of_that_session(seed in any::<u64>()) {
        let (affinity, last, now) = history(seed, 1000);
        for (key, (provider, cached, at)) in &last {
            let bound = affinity.prefer(*key, |_| true, now).unwrap();
            let of_session = last.iter().filter(|(other, _)| other.session == key.session);
            prop_assert!(of_session.clone().any(|(_, (provider, ..))| *provider == bound.provider));
            let warm = *at + CACHE_LIFETIME > now;
            if warm && *cached >= LEAST_CACHED {
                prop_assert_eq!(bound.provider, *provider, "it has a cache there");
                prop_assert!(bound.cache_tokens >= *cached);
            }
            let someone_warm = of_session.clone().any(|(_, (_, _, at))| *at + CACHE_LIFETIME > now);
            prop_assert_eq!(bound.is_warm(), someone_warm);
            prop_assert_eq!(bound.reach, if someone_warm { Reach::Plan } else { Reach::Tier });
            let elsewhere = affinity.prefer(*key, |other| other != bound.provider, now);
            prop_assert!(elsewhere.is_none_or(|other| other.provider != bound.provider));
        }
    }

    #[test]
    fn a_restart_changes_no_preference(seed in any::<u64>(), most in 1_usize..9) {
        let (affinity, last, now) = history(seed, 1000);
        let mut kept = Vec::new();
        let mut upto = 0;
        loop {
            let batch = affinity.export(upto, most, now);
            prop_assert!(batch.bindings.len() <= MODELS * most);
            kept.extend(batch.bindings);
            if batch.upto == upto {
                break;
            }
            upto = batch.upto;
        }
        prop_assert_eq!(kept.len(), last.len());
        let mut next = Affinity::new(SETTINGS);
        next.restore(kept, Duration::ZERO, now);
        for key in last.keys() {
            prop_assert_eq!(next.prefer(*key, |_| true, now), affinity.prefer(*key, |_| true, now));
        }
    }

    #[test]
    fn the_number_of_sessions_is_bounded_and_the_latest_one_is_known(seed in any::<u64>(), most in 1_usize..9) {
        let (affinity, last, now) = history(seed, most);
        let (latest, (provider, ..)) = last.iter().max_by_key(|(_, (_, _, at))| *at).unwrap();
        let found = affinity.prefer(*latest, |of_plan| of_plan == *provider, now);
        prop_assert_eq!(found.map(|bound| bound.provider), Some(*provider));
    }
}
