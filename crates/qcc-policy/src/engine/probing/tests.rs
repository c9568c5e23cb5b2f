//! What probes do to a provider, and what a provider's fate does to its probes.

use super::*;
use crate::affinity::AffinitySettings;
use crate::classify::{CREDENTIAL_RECHECK, Next, Repeat};
use crate::cooldown::Standing;
use crate::engine::{Asking, EngineSettings, Spent};
use crate::failback::FailbackSettings;
use crate::health::{Answer, HealthSettings};
use crate::limit::Caps;
use crate::plan::{PlanEndpoint, PlanInput, PlanProfile, PlanProvider, Router, Tier};
use crate::select::Strategy;
use crate::testing::{secs, start};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const OPEN: u64 = 60;
const FAULT: Verdict =
    Verdict { blame: Blame::Provider, next: Next::Failover { repeat: Repeat::Last }, charge: Charge::FAULT };
const REFUSED: Charge = Charge::Out { reason: Reason::Credential, how_long: Term::For(CREDENTIAL_RECHECK) };
const VALID: Said = Said::Answer(Judgement { answer: Answer::Exact, score: 90, took: Duration::from_millis(900) });
const WRONG: Said = Said::Answer(Judgement { answer: Answer::Wrong, score: 30, took: Duration::from_millis(900) });

/// Two providers, the second one behind the first. One failure opens, two successes close.
struct World {
    engine: Engine,
    now: Instant,
}

fn settings() -> ProbeSettings {
    ProbeSettings { interval: secs(60), conversation_interval: secs(600), daily_limit: 50, lease: secs(70) }
}

fn target(provider: ProviderId) -> Target {
    Target { provider, model: "haiku".into(), fingerprint: None }
}

impl World {
    fn new() -> Self {
        let breaker = breaker::Config {
            failure_threshold: 1,
            window: secs(60),
            error_rate: 0.0,
            min_requests: 10,
            success_threshold: 2,
            half_open_probes: 1,
            open_initial: secs(OPEN),
            multiplier: 2.0,
            open_max: secs(600),
            jitter: 0.0,
            lease: Duration::ZERO,
        };
        let affinity = AffinitySettings { ttl: Duration::ZERO, max_sessions: 0, recovery: true };
        let failback = FailbackSettings { recovery: true, cooldown: Duration::ZERO };
        let now = start();
        let mut engine = Engine::new(EngineSettings { breaker, affinity, health: HealthSettings::default(), failback });
        engine.configure_probes(settings(), now);
        for provider in [A, B] {
            engine.enrol(provider, false, 0, u64::MAX, now);
        }
        Self { engine, now }
    }

    /// A person's request for the first provider that fails, or is refused.
    fn charged(&mut self, charge: Charge) -> Spent {
        let attempt = self.engine.begin(&target(A), 1, true, self.now).expect("it is at no limit");
        let mut spent = self.engine.end(attempt, true, None, self.now);
        self.engine.charge(&mut spent, &target(A), charge, 0, self.now);
        spent
    }

    /// A free probe by hand, which takes no time.
    fn found(&mut self, found: Found) -> Option<Transition> {
        let lease = self.engine.begin_probe(A, ProbeKind::Free, true, 0, self.now).unwrap();
        self.engine.found(lease, found, self.now, self.now)
    }

    fn begin_check(&mut self) -> Result<Check, NoCheck> {
        let lease = self.engine.begin_probe(A, ProbeKind::Conversation, true, 0, self.now).unwrap();
        self.engine.begin_check(lease, &target(A), 40, self.now)
    }

    fn checked(&mut self, said: Said) -> Option<Transition> {
        let check = self.begin_check().unwrap();
        self.engine.checked(check, &target(A), said, Some(40), 0, self.now)
    }

    fn next_check(&mut self) -> Option<Instant> {
        let next = self.engine.probes(A, self.now).unwrap().next;
        next.filter(|(kind, _)| *kind == ProbeKind::Conversation).map(|(_, at)| at)
    }

    fn out(&mut self) -> Option<Instant> {
        match self.engine.provider_standing(A, self.now) {
            Standing::Out { until, .. } => Some(until),
            Standing::Admissible => None,
        }
    }

    fn router() -> Router {
        let profile = |provider, tier| PlanProfile {
            tier: Some(tier),
            strategy: Strategy::Priority,
            key: u64::from(provider == A),
            endpoints: vec![PlanEndpoint { provider, priority: 1, weight: 100, enabled: true }],
        };
        Router::new(&PlanInput {
            providers: [A, B].map(|id| PlanProvider { id, enabled: true }).to_vec(),
            profiles: vec![profile(A, Tier::Primary), profile(B, Tier::Secondary)],
            routes: Vec::new(),
            pinned: None,
            auto: true,
        })
    }

    /// A request is planned, for whomever.
    fn ask(&mut self) {
        let asking = Asking { model: "haiku", session: None, binds: true, draw: 0 };
        self.engine.arrange(&Self::router(), &asking, self.now);
    }
}

#[test]
fn a_check_is_due_at_the_moment_when_the_breaker_is_half_open() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(OPEN - 1);
    world.found(Found::Reached { took: secs(0) });
    assert_eq!(world.next_check(), Some(world.now + secs(1)));
}

#[test]
fn two_good_checks_close_the_breaker_the_second_after_the_least_pause() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(OPEN);
    assert_eq!(world.checked(VALID), None);
    assert_eq!(world.engine.breaker(A, world.now), Breaker::HalfOpen { free: 1, due: world.now });
    assert_eq!(world.next_check(), Some(world.now + LEAST_BETWEEN));
    world.now += LEAST_BETWEEN;
    let news = world.checked(VALID);
    assert!(matches!(news, Some(Transition::Back { provider: A, reason: Reason::Fault, .. })), "{news:?}");
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
    world.now += secs(120);
    assert_ne!(world.next_check().map(|at| at <= world.now), Some(true), "it has proved itself");
}

#[test]
fn after_a_check_with_one_model_the_faults_of_another_are_that_models_own() {
    let mut world = World::new();
    world.charged(Charge::MODEL_FAULT);
    for _ in 0..2 {
        world.now += secs(OPEN);
        world.checked(VALID);
    }
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
    let large = Target { model: "opus".into(), ..target(A) };
    let failed = |world: &mut World, charge| {
        let attempt = world.engine.begin(&large, 1, true, world.now).expect("it is at no limit");
        let mut spent = world.engine.end(attempt, true, None, world.now);
        world.engine.charge(&mut spent, &large, charge, 0, world.now)
    };
    let news = failed(&mut world, Charge::MODEL_FAULT);
    assert!(matches!(news, Some(Transition::Out { model: Some(_), reason: Reason::ModelFault, .. })), "{news:?}");
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
    let news = failed(&mut world, Charge::FAULT);
    assert!(matches!(news, Some(Transition::Out { model: None, .. })), "what is not the model's counts: {news:?}");
}

#[test]
fn a_check_s_word_against_the_faults_of_another_model_grows_old() {
    let mut world = World::new();
    world.charged(Charge::MODEL_FAULT);
    for _ in 0..2 {
        world.now += secs(OPEN);
        world.checked(VALID);
    }
    world.now += secs(600);
    let large = Target { model: "opus".into(), ..target(A) };
    let attempt = world.engine.begin(&large, 1, true, world.now).expect("it is at no limit");
    let mut spent = world.engine.end(attempt, true, None, world.now);
    let news = world.engine.charge(&mut spent, &large, Charge::MODEL_FAULT, 0, world.now);
    assert!(matches!(news, Some(Transition::Out { model: None, .. })), "{news:?}");
}

#[test]
fn a_failed_check_opens_again_and_the_next_one_waits_for_the_end_of_that() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(OPEN);
    let news = world.checked(Said::Failed(FAULT));
    assert!(matches!(news, Some(Transition::Out { provider: A, .. })), "{news:?}");
    let until = world.now + secs(2 * OPEN);
    assert_eq!(world.out(), Some(until));
    world.now = until - secs(1);
    world.found(Found::Unreached);
    assert_eq!(world.next_check(), Some(until));
}

#[test]
fn a_check_and_a_request_never_find_out_together() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(OPEN);
    let check = world.begin_check().unwrap();
    assert!(world.out().is_some(), "the check holds the lease");
    world.engine.checked(check, &target(A), WRONG, None, 0, world.now);
    assert_eq!(world.out(), None);
    let request = world.engine.begin(&target(A), 1, true, world.now).expect("it is at no limit");
    let spent = world.engine.probes(A, world.now).unwrap().spent;
    assert_eq!(world.begin_check().unwrap_err(), NoCheck { until: world.now + LEAST_BETWEEN });
    assert_eq!(world.engine.probes(A, world.now).unwrap().spent, spent, "what was not made is not counted");
    world.engine.end(request, false, None, world.now);
}

#[test]
fn a_wrong_answer_lowers_the_health_and_leaves_the_breaker_as_it_is() {
    let mut world = World::new();
    assert_eq!(world.checked(WRONG), None);
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
    assert_eq!(world.engine.health(A, world.now).class, Class::Degraded);
    world.charged(Charge::FAULT);
    world.now += secs(OPEN);
    world.checked(WRONG);
    assert_eq!(world.engine.breaker(A, world.now), Breaker::HalfOpen { free: 1, due: world.now });
}

#[test]
fn a_model_that_only_thought_serves() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    for _ in 0..2 {
        world.now += secs(OPEN);
        world.checked(Said::Thought { took: secs(1) });
    }
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
}

#[test]
fn a_model_that_the_provider_does_not_have_says_nothing_about_it() {
    let mut world = World::new();
    let charge = Charge::Out { reason: Reason::ModelMissing, how_long: Term::For(secs(600)) };
    let missing = Verdict { blame: Blame::Model, next: Next::Failover { repeat: Repeat::Never }, charge };
    assert_eq!(world.checked(Said::Failed(missing)), None);
    assert!(world.engine.absent(world.now).is_empty());
    assert_eq!(world.engine.health(A, world.now).class, Class::Unknown);
}

#[test]
fn a_free_probe_leaves_the_breaker_alone() {
    let mut world = World::new();
    for _ in 0..20 {
        world.found(Found::Unreached);
    }
    assert_eq!(world.engine.breaker(A, world.now), Breaker::Closed);
    assert_eq!(world.engine.health(A, world.now).class, Class::Unhealthy);
    world.charged(Charge::FAULT);
    let out = world.out();
    assert!(out.is_some());
    world.found(Found::Accepted { took: secs(0) });
    assert_eq!(world.out(), out);
}

#[test]
fn a_provider_that_is_reached_again_is_checked_before_its_open_time_is_over() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.found(Found::Unreached);
    world.now += secs(10);
    world.found(Found::Reached { took: secs(0) });
    assert_eq!(world.next_check(), Some(world.now));
    world.checked(VALID);
    assert_eq!(world.engine.breaker(A, world.now), Breaker::HalfOpen { free: 1, due: world.now });
}

#[test]
fn a_late_failure_brings_no_check_forward() {
    let mut world = World::new();
    let until = world.now + secs(OPEN);
    let attempts: Vec<_> =
        (0..6).map(|_| world.engine.begin(&target(A), 1, true, world.now).expect("it is at no limit")).collect();
    for attempt in attempts {
        let mut spent = world.engine.end(attempt, true, None, world.now);
        world.engine.charge(&mut spent, &target(A), Charge::FAULT, 0, world.now);
    }
    world.now = until - secs(1);
    world.found(Found::Unreached);
    assert_eq!(world.engine.health(A, world.now).class, Class::Unhealthy);
    assert_eq!(world.next_check(), Some(until));
}

#[test]
fn a_refused_credential_is_looked_at_again_before_its_time_is_over() {
    let mut world = World::new();
    world.found(Found::Accepted { took: secs(0) });
    world.charged(REFUSED);
    let next = world.engine.probes(A, world.now).unwrap().next;
    let recheck = world.now + CREDENTIAL_RECHECK.mul_f64(RECHECK);
    assert_eq!(next, Some((ProbeKind::Free, recheck)));
    world.now = recheck;
    assert_eq!(world.found(Found::Refused), None);
    assert_eq!(world.out(), Some(world.now + CREDENTIAL_RECHECK), "it is out for as long again");
    world.now += CREDENTIAL_RECHECK.mul_f64(RECHECK);
    let news = world.found(Found::Accepted { took: secs(0) });
    assert!(matches!(news, Some(Transition::Back { reason: Reason::Credential, .. })), "{news:?}");
    assert_eq!(world.out(), None);
}

#[test]
fn a_list_that_never_took_the_credential_says_nothing_about_it() {
    let mut world = World::new();
    assert_eq!(world.found(Found::Refused), None);
    assert_eq!(world.out(), None, "nobody is put out by it");
    world.charged(REFUSED);
    let out = world.out();
    world.now += CREDENTIAL_RECHECK.mul_f64(RECHECK);
    world.found(Found::Refused);
    assert_eq!(world.out(), out, "and nobody longer");
}

#[test]
fn a_throttled_provider_is_left_alone_until_it_said() {
    let mut world = World::new();
    world.charged(Charge::Out { reason: Reason::Throttled, how_long: Term::For(secs(900)) });
    let next = world.engine.next_probe(world.now).filter(|due| due.provider == A);
    assert_eq!(next, None);
    assert_eq!(world.engine.probes(A, world.now).unwrap().next, Some((ProbeKind::Free, world.now + secs(900))));
}

#[test]
fn a_reset_has_the_provider_probed_at_once() {
    let mut world = World::new();
    world.charged(REFUSED);
    world.engine.is_probe_sooner();
    world.engine.reset(A, world.now);
    assert!(world.engine.is_probe_sooner());
    assert_eq!(world.engine.next_probe(world.now).map(|due| (due.at, due.provider)), Some((world.now, A)));
}

#[test]
fn nobody_pays_for_a_provider_that_no_request_would_go_to() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(2 * 3600);
    world.found(Found::Reached { took: secs(0) });
    assert_eq!(world.next_check(), None, "the last request was two hours ago");
}

#[test]
fn a_request_that_went_past_a_provider_that_is_out_keeps_it_checked() {
    let mut world = World::new();
    world.charged(Charge::Out { reason: Reason::Quota, how_long: Term::For(secs(7200)) });
    for _ in 0..72 {
        world.now += secs(100);
        world.ask();
    }
    world.found(Found::Unclear);
    assert!(world.next_check().is_some_and(|at| at <= world.now));
}

#[test]
fn a_request_that_another_tier_takes_wants_nobody_behind_it() {
    let mut world = World::new();
    world.ask();
    world.now += secs(1000);
    let next = world.engine.probes(B, world.now).unwrap().next;
    assert_eq!(next.map(|(kind, _)| kind), Some(ProbeKind::Free));
}

#[test]
fn a_check_counts_against_the_providers_own_limits() {
    let mut world = World::new();
    world.engine.limit(A, Caps { rpm: 1, tpm: 0, concurrency: 0 });
    world.checked(VALID);
    assert!(world.out().is_some(), "the check was the one request of this minute");
    world.now += secs(5);
    assert!(world.begin_check().is_err());
}

#[test]
fn what_was_spent_before_a_restart_counts_and_whoever_was_out_must_prove_itself() {
    let mut world = World::new();
    let c = ProviderId(3);
    world.engine.enrol(c, false, 49, 0, world.now);
    world.engine.enrol(c, false, 49, 0, world.now);
    assert_eq!(world.engine.probes(c, world.now).unwrap().spent, 49, "counted once");
    let lease = world.engine.begin_probe(c, ProbeKind::Conversation, true, 0, world.now).unwrap();
    let check = world.engine.begin_check(lease, &target(c), 1, world.now).unwrap();
    world.engine.checked(check, &target(c), VALID, None, 0, world.now);
    let refused = world.engine.begin_probe(c, ProbeKind::Conversation, true, 0, world.now);
    assert_eq!(refused, Err(ProbeRefused::DailyLimit));
    world.engine.retire_others(|provider| provider != c);
    assert_eq!(world.engine.probes(c, world.now), None);
}

#[test]
fn a_result_that_comes_after_its_time_frees_the_lease_and_says_nothing() {
    let mut world = World::new();
    world.charged(Charge::FAULT);
    world.now += secs(OPEN);
    let check = world.begin_check().unwrap();
    world.now += secs(71);
    assert_eq!(world.engine.checked(check, &target(A), VALID, None, 0, world.now), None);
    assert_eq!(world.engine.breaker(A, world.now), Breaker::HalfOpen { free: 1, due: world.now });
    assert_eq!(world.engine.failures_in_a_row(A, world.now), 1);
}
