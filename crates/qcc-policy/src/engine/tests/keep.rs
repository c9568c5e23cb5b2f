//! A restart in the middle of everything: what is restored goes on as if nothing had happened.

use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as _;

use super::*;
use crate::affinity::KeptBinding;
use crate::cooldown::KeptCooldown;
use crate::failback::{KeptAbsence, KeptEnd};
use crate::limit::{Counter, KeptLane};
use crate::load::Remembered;
use crate::probe::{ProbeKind, ProbeSettings};
use crate::{HealthReport, SavedHealth};

const PROVIDERS: u32 = 3;
const FAR: Duration = Duration::from_hours(400 * 24);

/// Something that happens to a gateway without requests under way.
#[derive(Debug, Clone)]
enum Happening {
    Charged(u32, Charge),
    Served(u32, u64),
    Emptied(u32, u64),
    Reset(u32),
    Switched,
    Passed(u64),
    /// What changed is written down.
    Saved,
}

fn happening() -> impl proptest::strategy::Strategy<Value = Happening> {
    let out = |reason, seconds| Charge::Out { reason, how_long: Term::For(secs(seconds)) };
    let charge = prop_oneof![
        4 => Just(Charge::FAULT),
        1 => (1..200_u64).prop_map(move |time| out(Reason::Throttled, time)),
        1 => Just(out(Reason::Credential, 1800)),
        1 => (1..5000_u64).prop_map(move |time| out(Reason::Permission, time)),
    ];
    prop_oneof![
        3 => (0..PROVIDERS, charge).prop_map(|(provider, charge)| Happening::Charged(provider, charge)),
        6 => (0..PROVIDERS, 1..5_u64).prop_map(|(provider, name)| Happening::Served(provider, name)),
        1 => (0..PROVIDERS, 1..300_u64).prop_map(|(provider, time)| Happening::Emptied(provider, time)),
        1 => (0..PROVIDERS).prop_map(Happening::Reset),
        1 => Just(Happening::Switched),
        6 => (0..400_u64).prop_map(Happening::Passed),
        3 => Just(Happening::Saved),
    ]
}

/// All that a request could tell two gateways apart by.
#[derive(Debug, PartialEq)]
struct Face {
    standings: Vec<Standing>,
    orders: Vec<Vec<u32>>,
    bounds: Vec<Option<affinity::Bound>>,
    factors: Vec<Near>,
}

/// A number that was faded in other steps.
#[derive(Debug)]
struct Near(f64);

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        (self.0 - other.0).abs() < 1e-6
    }
}

/// Every provider is a tier of its own, so that nothing is drawn or shared out.
fn gateway(recovery: bool) -> Gateway {
    let tiers = [Tier::Primary, Tier::Secondary, Tier::Fallback];
    let tiers: Vec<_> =
        tiers.into_iter().zip(0..PROVIDERS).map(|(tier, n)| (tier, Strategy::Priority, n..n + 1)).collect();
    let mut gateway = Gateway::of_tiers(&tiers);
    let mut settings = settings();
    settings.failback = FailbackSettings { recovery, cooldown: secs(300) };
    gateway.engine.configure(settings);
    gateway
}

/// Nothing remains, for so many seconds.
fn empty(seconds: u64) -> Announced {
    let counter = Counter { limit: Some(50), remaining: 0, reset: secs(seconds) };
    Announced { requests: Some(counter), ..Announced::default() }
}

/// What was written down, and when.
#[derive(Default)]
struct Disk {
    providers: BTreeMap<ProviderId, (KeptProvider, Instant)>,
    sessions: BTreeMap<SessionKey, (KeptBinding, Instant)>,
    upto: u64,
}

impl Disk {
    /// Writes down what changed, in pieces.
    fn save(&mut self, gateway: &mut Gateway) {
        loop {
            let providers = gateway.engine.export(1, gateway.now);
            let KeptSessions { void, batch } = gateway.engine.export_sessions(self.upto, 1, gateway.now);
            self.sessions.retain(|_, (kept, _)| !void.all && !void.providers.contains(&kept.provider));
            if providers.is_empty() && batch.upto == self.upto {
                return;
            }
            self.upto = batch.upto;
            self.sessions.retain(|key, _| !batch.ended.contains(key));
            self.providers.extend(providers.into_iter().map(|(provider, kept)| (provider, (kept, gateway.now))));
            self.sessions.extend(batch.bindings.into_iter().map(|kept| (kept.key, (kept, gateway.now))));
        }
    }

    fn gateway(self, recovery: bool, now: Instant) -> Gateway {
        let mut next = gateway(recovery);
        next.now = now;
        for (provider, (kept, at)) in self.providers {
            next.engine.restore(provider, kept, now - at, now);
        }
        next.engine.restore_sessions(self.sessions.into_values().map(|(kept, at)| (kept, now - at)), now);
        next
    }
}

impl Gateway {
    fn live(&mut self, happening: &Happening) {
        match happening {
            Happening::Charged(provider, charge) => {
                let attempt = self.begin(*provider);
                self.charge(*provider, attempt, *charge);
            }
            Happening::Served(provider, name) => {
                self.serve(*name, *provider);
            }
            Happening::Emptied(provider, time) => {
                self.engine.announced(&target(*provider), &empty(*time), self.now);
            }
            Happening::Reset(provider) => {
                self.engine.reset(ProviderId(*provider), self.now);
            }
            Happening::Switched => self.engine.switch(self.now),
            Happening::Passed(seconds) => self.pass_time(*seconds),
            Happening::Saved => {}
        }
    }

    /// The gateway that takes its place after `away`.
    fn restarted(&mut self, recovery: bool, away: Duration) -> Self {
        let mut disk = Disk::default();
        disk.save(self);
        disk.gateway(recovery, self.now + away)
    }

    fn face(&mut self) -> Face {
        let standings = (0..PROVIDERS).flat_map(|provider| {
            let other = Target { model: "opus".into(), ..target(provider) };
            [target(provider), other].map(|target| self.engine.standing(&target, 100, self.now))
        });
        let standings = standings.collect();
        let orders = (0..5).map(|name| self.order_for(name)).collect();
        let bounds = (1..5).map(|name| self.engine.arrange(&self.router, &asking_of(name), self.now).bound).collect();
        let factor = |provider| Near(self.engine.health.factor(ProviderId(provider), self.now));
        Face { standings, orders, bounds, factors: (0..PROVIDERS).map(factor).collect() }
    }

    fn health(&self, provider: u32) -> HealthReport {
        self.engine.health.report(ProviderId(provider), false, self.now)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_gateway_that_was_restarted_goes_on_like_one_that_was_not(
        before in prop::collection::vec(happening(), 0..40),
        after in prop::collection::vec(happening(), 0..20),
        away in 0..4000_u64,
        recovery: bool,
    ) {
        let mut gateway = gateway(recovery);
        let mut disk = Disk::default();
        for happening in &before {
            gateway.live(happening);
            if matches!(happening, Happening::Saved) {
                disk.save(&mut gateway);
            }
        }
        disk.save(&mut gateway);
        gateway.pass_time(away);
        let mut next = disk.gateway(recovery, gateway.now);
        prop_assert_eq!(next.face(), gateway.face());
        for happening in &after {
            gateway.live(happening);
            next.live(happening);
            prop_assert_eq!(next.face(), gateway.face(), "after {:?}", happening);
        }
    }

    #[test]
    fn whatever_was_written_down_nobody_is_out_for_longer_than_a_year(
        numbers in prop::collection::vec(any::<u64>(), 8),
        floats in prop::collection::vec(prop::num::f64::ANY, 8),
        flags: (bool, bool),
    ) {
        let time = |at: usize| Duration::from_millis(numbers[at]);
        let saved = breaker::Saved { open_for: time(0), term: time(1), trips: numbers[2] as u32 };
        let reason = Reason::ALL[numbers[3] as usize % Reason::ALL.len()];
        let kept = KeptProvider {
            breaker: flags.0.then_some(saved),
            models: vec![("sonnet".into(), saved)],
            cooldowns: vec![KeptCooldown { reason, model: None, fingerprint: None, since: time(4), left: time(5) }],
            lanes: vec![KeptLane { lane: lane(&target(0)), left: [time(6); 5] }],
            absence: Some(KeptAbsence { began: time(1), end: if flags.1 { KeptEnd::In(time(2)) } else { KeptEnd::Ago(time(3)) } }),
            load: Some(Remembered { latency: Some(floats[0]), debt: floats[1] }),
            health: Some(SavedHealth {
                points: floats[2], points_weight: floats[3], success: floats[4], success_weight: floats[5],
                factor: floats[6], response_secs: floats[7], ..SavedHealth::default()
            }),
        };
        let mut gateway = gateway(true);
        gateway.engine.restore(ProviderId(0), kept, time(7), gateway.now);
        gateway.face();
        let weight = gateway.engine.health.factor(ProviderId(0), gateway.now);
        prop_assert!((0.0..=1.0).contains(&weight));
        gateway.now += FAR;
        prop_assert_eq!(gateway.standing(0), None);
    }
}

#[test]
fn time_passes_while_nobody_runs() {
    let mut gateway = gateway(true);
    gateway.fault(0);
    let attempt = gateway.begin(1);
    gateway.charge(1, attempt, THROTTLED);
    let mut next = gateway.restarted(true, secs(OPEN - 10));
    assert_eq!(next.standing(0), Some((next.now + secs(10), Reason::Fault)));
    assert_eq!(next.standing(1), Some((next.now + secs(90 - OPEN + 10), Reason::Throttled)));
    let mut later = gateway.restarted(true, FAR);
    assert_eq!((later.standing(0), later.standing(1)), (None, None));
}

#[test]
fn who_said_when_it_is_back_is_not_probed_before_that_after_a_restart_either() {
    let mut gateway = gateway(true);
    let attempt = gateway.begin(0);
    gateway.charge(0, attempt, THROTTLED);
    let mut next = gateway.restarted(true, secs(10));
    let every_second =
        ProbeSettings { interval: secs(1), conversation_interval: secs(0), daily_limit: 9, lease: secs(9) };
    next.engine.configure_probes(every_second, next.now);
    next.engine.enrol(ProviderId(0), false, 0, 0, next.now);
    assert!(next.engine.next_probe(next.now).is_some_and(|due| due.at >= next.now + secs(80)));
}

#[test]
fn what_a_probe_found_is_given_out_too() {
    let mut gateway = gateway(true);
    gateway.engine.configure_probes(
        ProbeSettings { interval: secs(60), conversation_interval: secs(0), daily_limit: 9, lease: secs(9) },
        gateway.now,
    );
    gateway.engine.enrol(ProviderId(1), false, 0, 0, gateway.now);
    gateway.engine.export(9, gateway.now);
    let lease = gateway.engine.begin_probe(ProviderId(1), ProbeKind::Free, true, 0, gateway.now).expect("nobody asked");
    gateway.engine.found(lease, Found::Unreached, gateway.now, gateway.now);
    let kept = gateway.engine.export(9, gateway.now);
    assert_eq!(kept.iter().map(|(provider, _)| provider.0).collect::<Vec<_>>(), [1]);
    assert_eq!(kept[0].1.health.map(|health| health.consecutive_failures), Some(1));
}

#[test]
fn an_open_time_goes_on_growing_after_a_restart() {
    let mut gateway = gateway(true);
    gateway.fault(0);
    let mut next = gateway.restarted(true, secs(OPEN));
    next.fault(0);
    assert_eq!(next.standing(0), Some((next.now + secs(2 * OPEN), Reason::Fault)));
}

#[test]
fn a_model_that_was_left_out_alone_still_is() {
    let mut gateway = gateway(true);
    let mut settings = settings();
    settings.breaker.failure_threshold = 2;
    gateway.engine.configure(settings);
    let of_model = Charge::Out { reason: Reason::ModelFault, how_long: Term::Configured };
    for _ in 0..2 {
        let attempt = gateway.begin(0);
        gateway.charge(0, attempt, of_model);
        let other = Target { model: "opus".into(), ..target(0) };
        let attempt = gateway.engine.begin(&other, 1, true, gateway.now).expect("nobody has taken it");
        gateway.engine.succeed(attempt, &other, None, None, gateway.now);
    }
    assert!(matches!(gateway.standing(0), Some((_, Reason::ModelFault))));
    let mut next = gateway.restarted(true, secs(1));
    assert_eq!(next.standing(0), gateway.standing(0));
    assert_eq!(next.engine.provider_standing(ProviderId(0), next.now), Standing::Admissible);
}

#[test]
fn health_latency_and_debt_are_taken_up() {
    let mut gateway = gateway(true);
    for _ in 0..6 {
        gateway.fault(0);
        gateway.pass_time(OPEN * 20);
        let mut attempt = gateway.begin(1);
        gateway.pass_time(7);
        gateway.engine.first_event(&mut attempt, gateway.now);
        gateway.succeed(1, attempt);
    }
    gateway.fault(0);
    let next = gateway.restarted(true, Duration::ZERO);
    assert!(next.health(0).factor < 1.0);
    assert_eq!((next.health(0).score, next.health(0).checks), (gateway.health(0).score, gateway.health(0).checks));
    let load = |gateway: &Gateway, provider| gateway.engine.loads.load(ProviderId(provider), gateway.now);
    assert_eq!((load(&next, 0), load(&next, 1)), (load(&gateway, 0), load(&gateway, 1)));
    let (failed, slow) = (load(&next, 0), load(&next, 1));
    assert!(failed.debt > 0.0 && slow.latency > 6.0, "{failed:?} {slow:?}");
}

#[test]
fn only_what_changed_is_given_out_and_only_so_much_at_once() {
    let mut gateway = gateway(true);
    assert_eq!(gateway.engine.export(9, gateway.now), []);
    gateway.fault(0);
    gateway.fault(2);
    let first = gateway.engine.export(1, gateway.now);
    assert_eq!(first.iter().map(|(provider, _)| provider.0).collect::<Vec<_>>(), [0]);
    let second = gateway.engine.export(9, gateway.now);
    assert_eq!(second.iter().map(|(provider, _)| provider.0).collect::<Vec<_>>(), [2]);
    assert_eq!(gateway.engine.export(9, gateway.now), []);
}

#[test]
fn who_is_reset_is_given_out_with_nothing_against_it() {
    let mut gateway = gateway(true);
    gateway.fault(0);
    gateway.engine.announced(&target(0), &empty(40), gateway.now);
    assert!(!gateway.engine.export(9, gateway.now)[0].1.is_empty());
    gateway.engine.reset(ProviderId(0), gateway.now);
    let kept = gateway.engine.export(9, gateway.now);
    assert_eq!(kept, [(ProviderId(0), KeptProvider::default())]);
    assert!(kept[0].1.is_empty());
}

#[test]
fn what_a_switch_and_a_refused_key_make_void_is_said_once_before_anything_newer() {
    let mut gateway = gateway(true);
    gateway.serve(1, 0);
    gateway.serve(2, 1);
    let said = gateway.engine.export_sessions(0, 9, gateway.now);
    assert_eq!((said.void.is_empty(), said.batch.bindings.len()), (true, 2));
    let attempt = gateway.begin(1);
    gateway.charge(1, attempt, Charge::Out { reason: Reason::Credential, how_long: Term::For(secs(1800)) });
    gateway.pass_time(1);
    gateway.serve(3, 0);
    let next = gateway.engine.export_sessions(said.batch.upto, 9, gateway.now);
    assert!(!next.void.all && next.void.providers.contains(&ProviderId(1)));
    assert_eq!(next.batch.bindings.iter().map(|kept| kept.key.session).collect::<Vec<_>>(), [3]);
    gateway.engine.switch(gateway.now);
    let last = gateway.engine.export_sessions(next.batch.upto, 9, gateway.now);
    assert!(last.void.all && last.batch.bindings.is_empty());
    assert!(gateway.engine.export_sessions(0, 9, gateway.now).void.is_empty());
}

#[test]
fn what_was_just_taken_up_is_not_given_out_again() {
    let mut gateway = gateway(true);
    for name in 1..9 {
        gateway.serve(name, 0);
    }
    let bindings = gateway.engine.export_sessions(0, 99, gateway.now).batch.bindings;
    let mut next = self::gateway(true);
    let (taken, upto) = next.engine.restore_sessions(bindings.into_iter().map(|kept| (kept, secs(1))), next.now);
    assert_eq!(taken, 8);
    assert_eq!(next.engine.export_sessions(upto, 9, next.now).batch.bindings, []);
    next.serve(3, 0);
    assert_eq!(next.engine.export_sessions(upto, 9, next.now).batch.bindings.len(), 1);
}

#[test]
fn of_a_provider_that_is_gone_nothing_is_left() {
    let mut gateway = gateway(true);
    for provider in [0, 1] {
        gateway.engine.limit(ProviderId(provider), Caps { rpm: 1, ..Caps::default() });
        gateway.engine.announced(&target(provider), &empty(900), gateway.now);
        let attempt = gateway.begin(provider);
        gateway.charge(provider, attempt, THROTTLED);
        gateway.fault(provider);
    }
    gateway.engine.retain(&BTreeSet::from([ProviderId(1)]));
    assert_eq!(gateway.standing(0), None);
    assert_eq!(gateway.health(0).checks, 0);
    assert_eq!(gateway.engine.limits.usage(ProviderId(0), gateway.now), None);
    assert_eq!(gateway.engine.absent(gateway.now).iter().filter(|out| out.provider == ProviderId(0)).count(), 0);
    assert!(gateway.standing(1).is_some());
    let kept: Vec<_> = gateway.engine.export(9, gateway.now).into_iter().map(|(provider, _)| provider.0).collect();
    assert_eq!(kept, [1]);
}

#[test]
fn the_turns_of_a_profile_that_is_gone_are_dropped_and_others_go_on() {
    let mut gateway = Gateway::of_tiers(&[
        (Tier::Primary, Strategy::RoundRobin, 0..2),
        (Tier::Secondary, Strategy::RoundRobin, 2..4),
    ]);
    let first = gateway.first(1);
    gateway.engine.retain_turns(&gateway.router);
    assert_ne!(gateway.first(1), first, "the turn goes on");
    let none = Router::new(&PlanInput::default());
    gateway.engine.retain_turns(&none);
    assert_eq!(gateway.first(1), first, "it begins anew");
}
