//! Who is bound to whom, what moves a session, and what it costs to leave.

use super::*;
use crate::Reason;
use crate::testing::{secs, start};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const C: ProviderId = ProviderId(3);
const LARGE: SessionKey = SessionKey { session: 7, model: 100 };
const SMALL: SessionKey = SessionKey { session: 7, model: 200 };

fn settings() -> AffinitySettings {
    AffinitySettings { ttl: Duration::from_hours(5), max_sessions: 1000, recovery: true }
}

fn affinity() -> Affinity {
    Affinity::new(settings())
}

fn served(provider: ProviderId, cached: u32, started: Instant) -> Served {
    Served { provider, cached, long: false, started }
}

/// An answer that began a second ago.
fn succeed(all: &mut Affinity, key: SessionKey, provider: ProviderId, cached: u32, now: Instant) -> Option<Moved> {
    all.succeed(key, served(provider, cached, now), now + secs(1))
}

fn bound(all: &Affinity, key: SessionKey, now: Instant) -> Option<Bound> {
    all.prefer(key, |_| true, now)
}

fn who(all: &Affinity, key: SessionKey, now: Instant) -> Option<ProviderId> {
    bound(all, key, now).map(|bound| bound.provider)
}

fn session(n: u64) -> SessionKey {
    SessionKey { session: n, model: 1 }
}

#[test]
fn a_success_binds_a_session_and_nothing_else_does() {
    let now = start();
    let mut all = affinity();
    assert_eq!(who(&all, LARGE, now), None);
    assert_eq!(succeed(&mut all, LARGE, A, 60_000, now), None, "a first binding is no move");
    let expected = Bound { provider: A, reach: Reach::Plan, cache_tokens: 60_000, warm_for: CACHE_LIFETIME };
    assert_eq!(bound(&all, LARGE, now + secs(1)), Some(expected));
    assert_eq!(who(&all, SessionKey { session: 8, ..LARGE }, now), None);
}

#[test]
fn a_session_is_warm_for_five_minutes_and_then_stays_within_its_tier_only() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    let warm = bound(&all, LARGE, now + secs(300)).unwrap();
    assert_eq!((warm.reach, warm.warm_for), (Reach::Plan, secs(1)));
    let cold = bound(&all, LARGE, now + secs(301)).unwrap();
    assert_eq!((cold.provider, cold.reach, cold.cache_tokens), (A, Reach::Tier, 0));
    assert!(!cold.is_warm());
}

#[test]
fn a_long_cache_keeps_a_session_warm_for_an_hour_whatever_follows() {
    let now = start();
    let mut all = affinity();
    all.succeed(LARGE, Served { long: true, ..served(A, 60_000, now) }, now);
    succeed(&mut all, LARGE, A, 200, now + secs(60));
    let later = bound(&all, LARGE, now + secs(3599)).unwrap();
    assert_eq!((later.reach, later.cache_tokens), (Reach::Plan, 60_000));
    assert!(!bound(&all, LARGE, now + secs(3600)).unwrap().is_warm());
}

#[test]
fn without_recovery_a_cold_session_stays_too() {
    let now = start();
    let mut all = Affinity::new(AffinitySettings { recovery: false, ..settings() });
    succeed(&mut all, LARGE, A, 60_000, now);
    let cold = bound(&all, LARGE, now + secs(9000)).unwrap();
    assert_eq!((cold.reach, cold.is_warm()), (Reach::Plan, false));
}

#[test]
fn a_later_success_elsewhere_moves_the_session_and_says_what_it_left() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    let moved = succeed(&mut all, LARGE, B, 0, now + secs(10));
    assert_eq!(moved, Some(Moved { from: A, to: B, cache_tokens: 60_000 }));
    assert_eq!(who(&all, LARGE, now + secs(11)), Some(B));
}

#[test]
fn a_title_request_does_not_carry_off_the_conversation_that_began_with_it() {
    for title_first in [true, false] {
        let now = start();
        let mut all = affinity();
        let (first, second) = if title_first { (0, 60_000) } else { (60_000, 0) };
        let at = |cached: u32| if cached == 0 { B } else { A };
        all.succeed(LARGE, served(at(first), first, now), now + secs(2));
        all.succeed(LARGE, served(at(second), second, now), now + secs(4));
        assert_eq!(who(&all, LARGE, now + secs(4)), Some(A), "title first: {title_first}");
    }
}

#[test]
fn a_stream_that_began_before_the_move_does_not_carry_the_session_back() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 50_000, now);
    all.succeed(LARGE, served(B, 60_000, now + secs(5)), now + secs(9));
    assert_eq!(all.succeed(LARGE, served(A, 12_000, now + secs(2)), now + secs(10)), None);
    assert_eq!(who(&all, LARGE, now + secs(10)), Some(B));
}

#[test]
fn models_of_one_session_are_bound_apart_where_both_have_a_cache() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    succeed(&mut all, SMALL, B, 12_000, now);
    assert_eq!(who(&all, LARGE, now + secs(1)), Some(A));
    let small = bound(&all, SMALL, now + secs(1)).unwrap();
    assert_eq!((small.provider, small.cache_tokens), (B, 12_000));
}

#[test]
fn a_model_without_a_cache_follows_its_session() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    let new = bound(&all, SMALL, now + secs(1)).unwrap();
    assert_eq!((new.provider, new.reach, new.cache_tokens), (A, Reach::Plan, 0));
    succeed(&mut all, SMALL, B, LEAST_CACHED - 1, now + secs(2));
    assert_eq!(who(&all, SMALL, now + secs(3)), Some(A));
    succeed(&mut all, SMALL, B, LEAST_CACHED, now + secs(4));
    assert_eq!(who(&all, SMALL, now + secs(5)), Some(B));
}

#[test]
fn a_model_whose_cache_is_gone_follows_its_session_too() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, SMALL, B, 12_000, now);
    succeed(&mut all, LARGE, A, 60_000, now + secs(200));
    assert_eq!(who(&all, SMALL, now + secs(290)), Some(B));
    assert_eq!(who(&all, SMALL, now + secs(302)), Some(A));
}

#[test]
fn where_nobody_reports_a_cache_a_session_comes_together() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 0, now);
    succeed(&mut all, SMALL, B, 0, now);
    assert_eq!(who(&all, LARGE, now + secs(1)), Some(B));
    assert_eq!(who(&all, SMALL, now + secs(1)), Some(B));
}

#[test]
fn only_providers_of_the_plan_are_preferred() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    succeed(&mut all, SMALL, B, 0, now);
    let small = all.prefer(SMALL, |provider| provider != A, now + secs(1)).unwrap();
    assert_eq!(small.provider, B, "its route does not go to the provider of the session");
    assert_eq!(all.prefer(SMALL, |provider| provider == C, now), None);
}

#[test]
fn a_small_request_between_large_ones_does_not_shrink_the_cache_for_its_lifetime() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    succeed(&mut all, LARGE, A, 900, now + secs(100));
    assert_eq!(bound(&all, LARGE, now + secs(101)).unwrap().cache_tokens, 60_000);
    let after = bound(&all, LARGE, now + secs(302)).unwrap();
    assert_eq!((after.cache_tokens, after.is_warm()), (900, true));
    succeed(&mut all, LARGE, A, 20_000, now + secs(303));
    assert_eq!(bound(&all, LARGE, now + secs(304)).unwrap().cache_tokens, 20_000, "as after a compaction");
}

#[test]
fn a_fourth_model_takes_the_place_of_the_one_used_least_recently() {
    let now = start();
    let mut all = affinity();
    let key = |model: u64| SessionKey { session: 7, model };
    for (model, provider) in [(1, A), (2, B), (3, B)] {
        succeed(&mut all, key(model), provider, 9000, now + secs(model));
    }
    succeed(&mut all, key(1), A, 9000, now + secs(4));
    succeed(&mut all, key(4), C, 9000, now + secs(5));
    let found: Vec<_> = [1, 3, 4].map(|model| who(&all, key(model), now + secs(6))).into();
    assert_eq!(found, [Some(A), Some(B), Some(C)]);
    assert_eq!(bound(&all, key(2), now + secs(6)).unwrap().cache_tokens, 0, "it follows the session");
    assert_eq!(all.len(), 1);
}

#[test]
fn waiting_is_worth_it_as_long_as_it_costs_less_than_the_cache() {
    let bound = |cache_tokens| Bound { provider: A, reach: Reach::Plan, cache_tokens, warm_for: secs(200) };
    assert!(bound(60_000).is_worth_waiting_for(secs(10), secs(10)));
    assert!(bound(34_000).is_worth_waiting_for(secs(10), secs(10)));
    assert!(!bound(33_000).is_worth_waiting_for(secs(10), secs(10)));
    assert!(bound(4_000).is_worth_waiting_for(secs(1), secs(10)));
    assert!(!bound(3_000).is_worth_waiting_for(secs(1), secs(10)));
    assert!(!bound(0).is_worth_waiting_for(Duration::from_millis(1), secs(10)));
    assert!(!bound(900_000).is_worth_waiting_for(secs(11), secs(10)), "longer than allowed");
    assert!(!bound(900_000).is_worth_waiting_for(secs(1), Duration::ZERO), "switched off");
    assert!(!bound(900_000).is_worth_waiting_for(secs(200), secs(999)), "the cache is gone by then");
}

#[test]
fn only_a_long_absence_of_the_whole_provider_ends_bindings() {
    assert!(ends_bindings(Reason::Credential, secs(1800)));
    assert!(ends_bindings(Reason::Quota, secs(60)));
    assert!(ends_bindings(Reason::Fault, secs(3600)));
    assert!(!ends_bindings(Reason::Fault, secs(600)));
    assert!(!ends_bindings(Reason::Throttled, secs(30)));
    for reason in [Reason::ClientCredential, Reason::Permission, Reason::ModelMissing] {
        assert!(!ends_bindings(reason, Duration::MAX), "{reason}");
    }
}

#[test]
fn a_provider_that_is_forgotten_is_preferred_again_only_after_a_new_success() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    succeed(&mut all, SMALL, B, 12_000, now);
    all.forget(A, now + secs(1));
    assert_eq!(who(&all, LARGE, now + secs(1)), Some(B));
    all.succeed(LARGE, served(A, 60_000, now), now + secs(9));
    assert_eq!(who(&all, LARGE, now + secs(9)), Some(B), "that answer began before");
    all.succeed(LARGE, served(A, 60_000, now + secs(1)), now + secs(10));
    assert_eq!(who(&all, LARGE, now + secs(10)), Some(A));
}

#[test]
fn a_switch_by_hand_starts_every_session_anew() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    all.switch(now + secs(2));
    assert_eq!(who(&all, LARGE, now + secs(2)), None);
    assert_eq!(all.export(0, 9, now + secs(2)).bindings, []);
    all.succeed(LARGE, served(A, 60_000, now + secs(1)), now + secs(9));
    assert_eq!(who(&all, LARGE, now + secs(9)), None, "that answer began before");
    succeed(&mut all, LARGE, B, 60_000, now + secs(3));
    assert_eq!(who(&all, LARGE, now + secs(9)), Some(B));
    succeed(&mut all, session(1), A, 0, now + secs(9));
    all.switch(now + secs(20));
    assert_eq!((all.prune(9, now + secs(20)), all.len()), (2, 0));
}

#[test]
fn a_session_is_forgotten_after_its_time() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, session(1), A, 0, now);
    succeed(&mut all, session(2), A, 0, now + secs(100));
    let end = now + secs(1 + 5 * 3600);
    assert_eq!(who(&all, session(1), end), None);
    assert_eq!(who(&all, session(2), end), Some(A));
    assert_eq!((all.prune(10, end), all.len()), (1, 1));
    assert_eq!((all.prune(10, end), all.len()), (0, 1));
}

#[test]
fn new_sessions_clear_away_old_ones_by_themselves() {
    let now = start();
    let mut all = affinity();
    for n in 0..100 {
        succeed(&mut all, session(n), A, 0, now);
    }
    for n in 100..200 {
        succeed(&mut all, session(n), A, 0, now + Duration::from_hours(6));
    }
    assert_eq!(all.len(), 100);
}

#[test]
fn of_too_many_sessions_the_one_used_least_recently_makes_room() {
    let now = start();
    let mut all = Affinity::new(AffinitySettings { max_sessions: 3, ..settings() });
    for n in [1, 2, 3, 1, 4] {
        succeed(&mut all, session(n), A, 0, now);
    }
    let kept: Vec<_> = [1, 2, 3, 4].into_iter().filter(|&n| who(&all, session(n), now).is_some()).collect();
    assert_eq!(kept, [1, 3, 4]);
    all.configure(AffinitySettings { max_sessions: 1, ..settings() });
    assert_eq!((all.len(), who(&all, session(4), now)), (1, Some(A)));
}

#[test]
fn zero_switches_it_off() {
    let now = start();
    let on = settings();
    for off in [AffinitySettings { ttl: Duration::ZERO, ..on }, AffinitySettings { max_sessions: 0, ..on }] {
        let mut all = Affinity::new(off);
        succeed(&mut all, LARGE, A, 60_000, now);
        assert!(all.is_empty());
        all.configure(on);
        succeed(&mut all, LARGE, A, 60_000, now);
        all.configure(off);
        assert_eq!((all.len(), who(&all, LARGE, now)), (0, None));
    }
}

#[test]
fn a_session_survives_a_restart_with_the_time_that_was_left() {
    let now = start();
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    succeed(&mut all, SMALL, B, 12_000, now + secs(10));
    let saved = all.export(0, 100, now + secs(21));
    assert_eq!(saved.bindings.len(), 2);
    let mut next = affinity();
    assert_eq!(next.restore(saved.bindings, secs(40), now), 2);
    let large = bound(&next, LARGE, now).unwrap();
    assert_eq!((large.provider, large.cache_tokens, large.warm_for), (A, 60_000, secs(240)));
    assert_eq!(who(&next, SMALL, now), Some(B));
    let end = now + Duration::from_hours(5) - secs(50);
    assert!(bound(&next, LARGE, end - secs(1)).is_some());
    assert_eq!(bound(&next, LARGE, end), None);
}

#[test]
fn batches_hold_every_change_once() {
    let now = start();
    let mut all = affinity();
    for n in 0..10 {
        succeed(&mut all, session(n), A, 0, now);
    }
    let names = |batch: &Batch| batch.bindings.iter().map(|kept| kept.key.session).collect::<Vec<_>>();
    let first = all.export(0, 6, now);
    assert_eq!(names(&first), [0, 1, 2, 3, 4, 5]);
    succeed(&mut all, session(2), B, 0, now);
    let second = all.export(first.upto, 6, now);
    assert_eq!(names(&second), [6, 7, 8, 9, 2]);
    assert_eq!(all.export(second.upto, 6, now), Batch { bindings: vec![], ended: vec![], upto: second.upto });
    all.forget(A, now);
    let void = all.export(0, 6, now);
    assert_eq!((names(&void).len(), void.upto), (0, first.upto + 1), "what is void does not end it");
    assert_eq!(names(&all.export(void.upto, 6, now)), [2]);
}

#[test]
fn a_restore_keeps_what_is_bound_already_and_the_latest_of_the_rest() {
    let now = start();
    let mut old = affinity();
    for n in 0..10 {
        succeed(&mut old, session(n), A, 0, now + secs(n));
    }
    let saved = old.export(0, 100, now + secs(20)).bindings;
    let mut all = Affinity::new(AffinitySettings { max_sessions: 4, ..settings() });
    succeed(&mut all, session(9), B, 0, now);
    assert_eq!(all.restore(saved.clone(), secs(1), now), 3);
    let found: Vec<_> = (0..10).filter_map(|n| Some((n, who(&all, session(n), now)?))).collect();
    assert_eq!(found, [(6, A), (7, A), (8, A), (9, B)]);
    assert_eq!(affinity().restore(saved, Duration::from_hours(5), now), 0, "too old");
}

#[test]
fn absurd_figures_from_a_database_do_no_harm() {
    let now = start();
    let mut all = affinity();
    let most = Duration::MAX;
    let kept = KeptBinding {
        key: LARGE,
        provider: A,
        cache_tokens: u32::MAX,
        cached_for: most,
        latest_tokens: 0,
        warm_for: most,
        idle: Duration::ZERO,
    };
    assert_eq!(all.restore(vec![kept, KeptBinding { idle: most, ..kept }], Duration::ZERO, now), 1);
    assert_eq!(bound(&all, LARGE, now).unwrap().warm_for, LONG_CACHE_LIFETIME);
}

#[test]
fn clocks_that_disagree_do_no_harm() {
    let now = start() + secs(1000);
    let mut all = affinity();
    succeed(&mut all, LARGE, A, 60_000, now);
    all.succeed(LARGE, served(A, 70_000, now + secs(5)), now - secs(500));
    let both = bound(&all, LARGE, now + secs(1)).unwrap();
    assert_eq!((both.cache_tokens, both.warm_for), (70_000, CACHE_LIFETIME), "an older instant counts as the newest");
    assert_eq!(who(&all, LARGE, now - secs(900)), Some(A));
}
