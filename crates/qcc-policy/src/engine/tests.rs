//! What connects the machines; each one's own rules are tested beside it.

use super::*;
use crate::plan::{PlanEndpoint, PlanInput, PlanProfile, PlanProvider, Router, Tier};
use crate::select::Strategy;
use crate::testing::{secs, start};

mod blame;
mod keep;
mod tiers;

const OPEN: u64 = 60;
const CACHED: u32 = 50_000;
const THROTTLED: Charge = Charge::Out { reason: Reason::Throttled, how_long: Term::For(Duration::from_secs(90)) };

/// Providers and an engine over them.
struct Gateway {
    engine: Engine,
    router: Router,
    now: Instant,
}

fn settings() -> EngineSettings {
    let breaker = breaker::Config {
        failure_threshold: 1,
        window: secs(60),
        error_rate: 0.0,
        min_requests: 10,
        success_threshold: 1,
        half_open_probes: 1,
        open_initial: secs(OPEN),
        multiplier: 2.0,
        open_max: secs(600),
        jitter: 0.0,
        lease: Duration::ZERO,
    };
    let affinity = AffinitySettings { ttl: secs(3600), max_sessions: 100, recovery: true };
    let failback = FailbackSettings { recovery: true, cooldown: Duration::ZERO };
    EngineSettings { breaker, affinity, health: HealthSettings::default(), failback }
}

fn target(provider: u32) -> Target {
    Target { provider: ProviderId(provider), model: "sonnet".into(), fingerprint: None }
}

fn session(name: u64) -> SessionKey {
    SessionKey { session: name, model: 7 }
}

/// Until when, and why; `None`: it may be tried.
fn out(standing: Standing) -> Option<(Instant, Reason)> {
    match standing {
        Standing::Admissible => None,
        Standing::Out { until, reason } => Some((until, reason)),
    }
}

impl Gateway {
    /// So many providers of equal weight in one profile.
    fn new(strategy: Strategy, providers: u32) -> Self {
        Self::of_tiers(&[(Tier::Primary, strategy, 0..providers)])
    }

    fn of_tiers(tiers: &[(Tier, Strategy, std::ops::Range<u32>)]) -> Self {
        let endpoint = |number| PlanEndpoint { provider: ProviderId(number), priority: 1, weight: 100, enabled: true };
        let mut input = PlanInput::default();
        for (key, (tier, strategy, numbers)) in (0..).zip(tiers) {
            let providers = numbers.clone().map(|number| PlanProvider { id: ProviderId(number), enabled: true });
            input.providers.extend(providers);
            let endpoints = numbers.clone().map(endpoint).collect();
            input.profiles.push(PlanProfile { tier: Some(*tier), strategy: *strategy, key, endpoints });
        }
        Self { engine: Engine::new(settings()), router: Router::new(&input), now: start() }
    }

    fn pass_time(&mut self, seconds: u64) {
        self.now += secs(seconds);
    }

    fn order(&mut self, asking: &Asking<'_>) -> Vec<u32> {
        let arranged = self.engine.arrange(&self.router, asking, self.now);
        arranged.candidates.iter().map(|candidate| candidate.provider.0).collect()
    }

    /// Whom a request without a session asks first.
    fn first(&mut self, draw: u64) -> u32 {
        self.order(&Asking { model: "sonnet", session: None, binds: true, draw })[0]
    }

    /// Of so many requests without a session, those that ask `provider` first.
    fn choices(&mut self, provider: u32, requests: u64) -> usize {
        (0..requests).filter(|draw| self.first(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)) == provider).count()
    }

    fn order_for(&mut self, name: u64) -> Vec<u32> {
        self.order(&Asking { model: "sonnet", session: Some(session(name)), binds: true, draw: name })
    }

    fn standing(&mut self, provider: u32) -> Option<(Instant, Reason)> {
        out(self.engine.standing(&target(provider), 100, self.now))
    }

    /// An attempt under way; where it may not begin now, it began before.
    fn begin(&mut self, provider: u32) -> Attempt {
        let begun = self.engine.begin(&target(provider), 100, true, self.now);
        begun.unwrap_or_else(|| self.engine.attempt(&target(provider), 100, self.now))
    }

    /// Whether it may be asked without force.
    fn may_begin(&mut self, provider: u32) -> bool {
        let attempt = self.engine.begin(&target(provider), 100, false, self.now);
        attempt.map(|attempt| self.engine.end(attempt, false, None, self.now)).is_some()
    }

    fn charge(&mut self, provider: u32, attempt: Attempt, charge: Charge) -> (Spent, Option<Transition>) {
        let mut spent = self.engine.end(attempt, true, None, self.now);
        let news = self.engine.charge(&mut spent, &target(provider), charge, 0, self.now);
        (spent, news)
    }

    fn fault(&mut self, provider: u32) -> (Spent, Option<Transition>) {
        let attempt = self.begin(provider);
        self.charge(provider, attempt, Charge::FAULT)
    }

    fn succeed(&mut self, provider: u32, attempt: Attempt) -> Option<Transition> {
        self.engine.succeed(attempt, &target(provider), None, None, self.now).0
    }

    fn serve(&mut self, name: u64, provider: u32) -> Option<Moved> {
        let attempt = self.begin(provider);
        let bound = Some((session(name), CACHED, false));
        self.engine.succeed(attempt, &target(provider), bound, None, self.now).1
    }

    fn is_probed(&self, provider: u32) -> bool {
        matches!(self.engine.breaker(ProviderId(provider), self.now), breaker::Standing::HalfOpen { free: 0, .. })
    }
}

#[test]
fn a_fault_opens_the_breaker_and_what_a_provider_announced_is_a_cooldown() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    let (_, news) = gateway.fault(0);
    assert!(matches!(news, Some(Transition::Out { reason: Reason::Fault, term, .. }) if term == secs(OPEN)));
    let attempt = gateway.begin(1);
    gateway.charge(1, attempt, THROTTLED);
    assert_eq!(gateway.standing(0), Some((gateway.now + secs(OPEN), Reason::Fault)));
    assert_eq!(gateway.standing(1), Some((gateway.now + secs(90), Reason::Throttled)));
    assert_eq!(gateway.engine.breaker(ProviderId(1), gateway.now), breaker::Standing::Closed);
    let mut absent: Vec<_> =
        gateway.engine.absent(gateway.now).iter().map(|one| (one.provider.0, one.reason)).collect();
    absent.sort_unstable();
    assert_eq!(absent, [(0, Reason::Fault), (1, Reason::Throttled)]);
}

#[test]
fn a_success_closes_the_breaker_and_leaves_the_limit_that_was_announced() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    let throttled = gateway.begin(0);
    gateway.fault(0);
    gateway.charge(0, throttled, THROTTLED);
    gateway.pass_time(OPEN);
    let probe = gateway.begin(0);
    let news = gateway.succeed(0, probe);
    assert!(matches!(news, Some(Transition::Back { reason: Reason::Fault, .. })), "{news:?}");
    assert_eq!(gateway.standing(0), Some((gateway.now + secs(90 - OPEN), Reason::Throttled)));
}

#[test]
fn a_half_open_provider_is_out_for_others_while_its_probe_runs() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    gateway.fault(0);
    gateway.pass_time(OPEN);
    assert_eq!(gateway.standing(0), None);
    let probe = gateway.begin(0);
    assert!(matches!(gateway.standing(0), Some((_, Reason::Fault))));
    gateway.succeed(0, probe);
    assert_eq!(gateway.standing(0), None);
}

#[test]
fn a_forced_try_that_fails_puts_nobody_out_for_longer_and_one_that_succeeds_brings_it_back() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    gateway.fault(0);
    let due = gateway.now + secs(OPEN);
    gateway.pass_time(10);
    let (_, news) = gateway.fault(0);
    assert_eq!((news, gateway.standing(0)), (None, Some((due, Reason::Fault))));
    let attempt = gateway.begin(0);
    assert!(gateway.succeed(0, attempt).is_some());
    assert_eq!(gateway.standing(0), None);
}

#[test]
fn a_probe_that_says_nothing_of_the_provider_frees_its_lease() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    gateway.fault(0);
    gateway.pass_time(OPEN);
    let probe = gateway.begin(0);
    let mut spent = gateway.engine.end(probe, false, None, gateway.now);
    assert!(gateway.is_probed(0));
    gateway.engine.release(&mut spent, &target(0));
    assert!(!gateway.is_probed(0));
    let probe = gateway.begin(0);
    gateway.engine.release(&mut spent, &target(0));
    assert!(gateway.is_probed(0), "who releases twice frees nobody else's lease");
    gateway.charge(0, probe, THROTTLED);
    assert!(!gateway.is_probed(0), "a throttle is no fault");
}

#[test]
fn of_two_that_saw_the_only_probe_free_one_begins_and_the_other_is_told_so() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    gateway.fault(0);
    gateway.pass_time(OPEN);
    assert_eq!((gateway.standing(0), gateway.standing(0)), (None, None));
    let probe = gateway.engine.begin(&target(0), 100, false, gateway.now);
    assert!(probe.is_some_and(|probe| probe.pass.is_probe()));
    assert!(!gateway.may_begin(0));
    assert!(!gateway.begin(0).pass.is_probe(), "by force it may, without being the probe");
}

#[test]
fn nobody_begins_at_a_limit_or_with_a_refused_credential_even_by_force() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    gateway.engine.limit(ProviderId(0), Caps { concurrency: 1, ..Caps::default() });
    let _running = gateway.begin(0);
    let attempt = gateway.begin(1);
    gateway.charge(1, attempt, Charge::Out { reason: Reason::Credential, how_long: Term::For(secs(1800)) });
    for provider in [0, 1] {
        assert_eq!(gateway.engine.begin(&target(provider), 100, true, gateway.now).map(|_| ()), None);
    }
}

#[test]
fn a_provider_at_its_limit_is_out_and_is_never_tried_anyway() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    gateway.engine.limit(ProviderId(0), Caps { concurrency: 1, ..Caps::default() });
    let attempt = gateway.begin(0);
    let (_, reason) = gateway.standing(0).expect("it is busy");
    assert_eq!(reason, Reason::Limited);
    assert!(!reason.may_be_tried_anyway());
    assert_eq!(gateway.order_for(1), [1, 0]);
    gateway.fault(1);
    gateway.engine.limit(ProviderId(1), Caps { rpm: 1, ..Caps::default() });
    let forced = gateway.begin(1);
    assert!(matches!(gateway.standing(1), Some((_, Reason::Limited))), "also where it is out for a fault besides");
    gateway.succeed(1, forced);
    gateway.succeed(0, attempt);
    assert_eq!(gateway.standing(0), None);
}

#[test]
fn a_session_stays_with_its_provider_until_that_is_out_and_returns_to_it() {
    let mut gateway = Gateway::new(Strategy::RoundRobin, 3);
    assert_eq!(gateway.serve(1, 2), None);
    for _ in 0..6 {
        assert_eq!(gateway.order_for(1)[0], 2);
    }
    gateway.fault(2);
    let order = gateway.order_for(1);
    assert_ne!(order[0], 2);
    assert_eq!(order[2], 2, "who is out is asked last");
    gateway.pass_time(OPEN);
    assert_eq!(gateway.order_for(1)[0], 2, "the short absence lost no cache");
}

#[test]
fn a_session_that_is_answered_elsewhere_has_moved() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    gateway.serve(1, 0);
    gateway.pass_time(1);
    let moved = gateway.serve(1, 1);
    let expected = Moved { from: ProviderId(0), to: ProviderId(1), cache_tokens: CACHED };
    assert_eq!(moved, Some(expected));
    assert_eq!(gateway.order_for(1), [1, 0]);
}

#[test]
fn a_warm_session_stays_in_a_lower_tier_and_a_cold_one_follows_the_plan() {
    let tiers = [(Tier::Primary, Strategy::Priority, 0..1), (Tier::Secondary, Strategy::Priority, 1..3)];
    let mut gateway = Gateway::of_tiers(&tiers);
    gateway.serve(1, 2);
    assert_eq!(gateway.order_for(1), [2, 0, 1]);
    gateway.pass_time(600);
    assert_eq!(gateway.order_for(1), [0, 2, 1]);
}

#[test]
fn a_provider_that_is_refused_its_credential_loses_its_sessions() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    gateway.serve(1, 1);
    let attempt = gateway.begin(1);
    let charge = Charge::Out { reason: Reason::Credential, how_long: Term::For(secs(1800)) };
    gateway.charge(1, attempt, charge);
    gateway.engine.reset(ProviderId(1), gateway.now);
    assert_eq!(gateway.standing(1), None);
    assert_eq!(gateway.engine.arrange(&gateway.router, &asking_of(1), gateway.now).bound, None);
}

fn asking_of(name: u64) -> Asking<'static> {
    Asking { model: "sonnet", session: Some(session(name)), binds: true, draw: 0 }
}

#[test]
fn a_provider_that_recovered_gets_a_growing_share_of_new_requests() {
    let mut gateway = Gateway::new(Strategy::Random, 2);
    gateway.fault(0);
    gateway.pass_time(OPEN);
    let probe = gateway.begin(0);
    gateway.succeed(0, probe);
    let early = gateway.choices(0, 1000);
    gateway.pass_time(OPEN);
    let late = gateway.choices(0, 1000);
    assert!((20..100).contains(&early), "a tenth of its half: {early}");
    assert!(late > 3 * early, "{early}, then {late}");
}

#[test]
fn a_provider_that_keeps_failing_weighs_less_even_while_it_is_admissible() {
    let mut gateway = Gateway::new(Strategy::Random, 2);
    let mut settings = settings();
    settings.breaker.open_initial = Duration::ZERO;
    gateway.engine.configure(settings);
    for _ in 0..10 {
        gateway.fault(0);
    }
    assert_eq!(gateway.standing(0), None);
    let chosen = gateway.choices(0, 1000);
    assert!((50..350).contains(&chosen), "its half shrinks with its score: {chosen}");
}

#[test]
fn only_a_request_that_binds_takes_a_turn_and_only_in_the_tier_that_serves_it() {
    let tiers = [(Tier::Primary, Strategy::RoundRobin, 0..2), (Tier::Secondary, Strategy::RoundRobin, 2..4)];
    let mut gateway = Gateway::of_tiers(&tiers);
    let counting = Asking { model: "sonnet", session: None, binds: false, draw: 3 };
    let next = gateway.order(&counting)[0];
    assert_eq!(gateway.order(&counting)[0], next, "it looks ahead");
    let served: Vec<u32> = (0..4).map(|draw| gateway.first(draw)).collect();
    assert_eq!(served, [next, 1 - next, next, 1 - next]);
    gateway.fault(0);
    gateway.fault(1);
    let served: Vec<u32> = (0..4).map(|_| gateway.order(&Asking { binds: true, ..counting })[0]).collect();
    assert!(served.iter().all(|provider| *provider < 2), "tiers keep their order: {served:?}");
    let second = |gateway: &mut Gateway, draw| gateway.order(&Asking { binds: true, draw, ..counting })[2];
    assert_ne!(second(&mut gateway, 1), second(&mut gateway, 1), "the turns are those of the tier that serves");
}

#[test]
fn a_refund_takes_back_what_the_charge_did() {
    let mut gateway = Gateway::new(Strategy::Priority, 2);
    let (spent, _) = gateway.fault(0);
    let attempt = gateway.begin(1);
    let (throttled, _) = gateway.charge(1, attempt, THROTTLED);
    let at = gateway.now;
    gateway.pass_time(2);
    let back = gateway.engine.refund(&spent, &target(0), Charge::FAULT, at, gateway.now);
    assert!(matches!(back, Some(Transition::Back { reason: Reason::Fault, .. })), "{back:?}");
    assert!(gateway.engine.refund(&throttled, &target(1), THROTTLED, at, gateway.now).is_some());
    assert_eq!((gateway.standing(0), gateway.standing(1)), (None, None));
    assert!(gateway.engine.absent(gateway.now).is_empty());
}

#[test]
fn a_reset_by_hand_brings_a_provider_back_from_everything() {
    let mut gateway = Gateway::new(Strategy::Priority, 1);
    let throttled = gateway.begin(0);
    gateway.fault(0);
    gateway.charge(0, throttled, THROTTLED);
    assert_eq!(gateway.engine.reset(ProviderId(0), gateway.now), 2);
    assert_eq!(gateway.standing(0), None);
}
