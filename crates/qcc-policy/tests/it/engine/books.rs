//! Plain books beside the engine, and what has to be true by them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qcc_policy::breaker::{self, LEASE};
use qcc_policy::engine::{Asking, Target};
use qcc_policy::{Caps, Charge, ProviderId, Reason, RetryBudget, Standing, Transition};

use super::setting::by_load;
use super::world::{MODELS, TOKENS, World};

/// So long must a provider have been well for its being put out to be wrong: the window of its breaker.
const MEMORY: Duration = Duration::from_mins(1);

/// What is known of a provider without the engine.
pub(super) struct Provider {
    caps: Caps,
    /// When `rpm` was first limited: what began before does not count.
    counted_from: Option<Instant>,
    starts: Vec<Instant>,
    pub(super) running: u32,
    /// When its latest attempt ended.
    pub(super) used: Instant,
    /// Until when what it announced may keep somebody away.
    pub(super) announced: Option<Instant>,
    /// Charges that were not refunded: its own faults, and everything else.
    faults: u32,
    refusals: u32,
    /// When it was last charged with a refusal, which keeps it out for a stated time.
    pub(super) refused_at: Option<Instant>,
    /// When its sessions were forgotten.
    pub(super) forgotten: Option<Instant>,
    /// Attempts that hold a lease of its breaker, by number, and when their leases end.
    probes: Vec<(u64, Instant)>,
    /// Those of them that began without force.
    asked: Vec<(u64, Instant)>,
}

/// The retry budget, and what it was asked for in every second.
pub(super) struct Budget {
    inner: RetryBudget,
    ratio: f64,
    floor: u32,
    epoch: Option<Instant>,
    newest: u64,
    requests: BTreeMap<u64, u64>,
    repeats: BTreeMap<u64, u64>,
}

/// What all runs together say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) attempts: u64,
    pub(super) answered: u64,
    /// Broken after commit.
    pub(super) broken: u64,
    /// Refused for what the request itself is, or for a model that nobody serves.
    pub(super) refused: u64,
    pub(super) gone: u64,
    pub(super) failed: u64,
    /// Answered or failed while a provider was well all the time, and those of them that failed.
    pub(super) able: u64,
    pub(super) lost: u64,
    /// Times that a request went into the waiting room.
    pub(super) held: u64,
    /// Those that were answered or failed, the time for which they waited although somebody was well, and how many of
    /// them did so for more than half a minute.
    pub(super) waits: u64,
    pub(super) needless_ms: u64,
    pub(super) long_waits: u64,
    /// Tries that could not begin, because others took the room or the probe after the look.
    pub(super) overtaken: u64,
    pub(super) reloads: u64,
    /// Attempts without success that were judged, and those of them that charge somebody for what is not its fault.
    pub(super) verdicts: u64,
    pub(super) false_verdicts: u64,
    /// Providers that were put out for faults, and those of them that were well for a minute before.
    pub(super) outs: u64,
    pub(super) wrongly_out: u64,
    /// Looks at a provider that is well, and those that found it out for an old fault.
    pub(super) looks: u64,
    pub(super) out_though_well: u64,
    /// Requests of a session whose provider was well and admissible, and those that it answered.
    pub(super) at_home: u64,
    pub(super) stayed: u64,
}

impl Provider {
    pub(super) fn new(caps: Caps, now: Instant) -> Self {
        Self {
            caps,
            counted_from: (caps.rpm > 0).then_some(now),
            starts: Vec::new(),
            running: 0,
            used: now,
            announced: None,
            faults: 0,
            refusals: 0,
            refused_at: None,
            forgotten: None,
            probes: Vec::new(),
            asked: Vec::new(),
        }
    }

    pub(super) fn reload(&mut self, caps: Caps, now: Instant) {
        self.caps = caps;
        if caps.rpm > 0 {
            self.counted_from.get_or_insert(now);
        }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.caps != Caps::default()
    }

    /// Its breaker opened, closed, or was reset: no lease of before is one.
    pub(super) fn forget_probes(&mut self) {
        self.probes.clear();
        self.asked.clear();
    }

    /// That attempt gave its lease back, if it had one.
    pub(super) fn give_back(&mut self, number: u64) {
        self.probes.retain(|(known, _)| *known != number);
        self.asked.retain(|(known, _)| *known != number);
    }

    /// An attempt begins, within the limits. `slack`: clocks differ by so much.
    pub(super) fn begin(&mut self, now: Instant, slack: Duration) {
        let caps = self.caps;
        self.starts.retain(|start| now.duration_since(*start) + slack < Duration::from_mins(1));
        let counted = self.starts.iter().filter(|start| self.counted_from.is_some_and(|from| **start > from + slack));
        let begun = counted.count();
        assert!(caps.rpm == 0 || begun < caps.rpm as usize, "{begun} in a minute at {caps:?}");
        assert!(caps.concurrency == 0 || self.running < caps.concurrency, "busy: {caps:?}");
        self.starts.push(now);
        self.running += 1;
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.running = self.running.checked_sub(1).expect("what ends was begun");
        self.used = now;
    }
}

impl Budget {
    pub(super) fn new(inner: RetryBudget, (ratio, floor): (f64, u32)) -> Self {
        let (requests, repeats) = (BTreeMap::new(), BTreeMap::new());
        Self { inner, ratio, floor, epoch: None, newest: 0, requests, repeats }
    }

    pub(super) fn configure(&mut self, (ratio, floor): (f64, u32)) {
        self.inner.configure(ratio, floor);
        (self.ratio, self.floor) = (ratio, floor);
    }

    pub(super) fn request(&mut self, at: Instant) {
        self.inner.request(at);
        let second = self.second(at);
        *self.requests.entry(second).or_default() += 1;
    }

    pub(super) fn try_repeat(&mut self, at: Instant) -> bool {
        let fits = self.inner.try_repeat(at);
        let second = self.second(at);
        if fits {
            *self.repeats.entry(second).or_default() += 1;
            let sum = |of: &BTreeMap<u64, u64>| of.range(second.saturating_sub(9)..).map(|(_, n)| n).sum::<u64>();
            let (repeats, requests) = (sum(&self.repeats), sum(&self.requests));
            let floor = self.repeats[&second] <= u64::from(self.floor);
            assert!(floor || repeats as f64 <= self.ratio * requests as f64, "{repeats} repeats of {requests}");
        }
        fits
    }

    /// An instant that is older than another one counts as that.
    fn second(&mut self, at: Instant) -> u64 {
        let epoch = *self.epoch.get_or_insert(at);
        self.newest = self.newest.max(at.saturating_duration_since(epoch).as_secs());
        self.newest
    }
}

impl World {
    /// How far the clocks of two threads may differ.
    pub(super) fn slack(&self) -> Duration {
        Duration::from_millis(self.setting.skew)
    }

    pub(super) fn told(&mut self, target: &Target, news: Option<&Transition>) {
        match news {
            Some(&Transition::Out { provider, reason, term, .. }) if reason.is_guess() => {
                let now = self.since();
                let before = now.saturating_sub(MEMORY);
                let wrong = self.setting.upstreams[provider.0 as usize].script.is_well(before, now);
                let wrongly = if wrong { ", wrongly" } else { "" };
                self.say(|| format!("       {provider:?} opens for {term:?}, {reason}{wrongly}"));
                self.counts.outs += 1;
                self.counts.wrongly_out += u64::from(wrong);
                if reason == Reason::Fault {
                    self.provider(provider).forget_probes();
                }
            }
            Some(&Transition::Back { provider, reason, .. }) => {
                self.say(|| format!("       {provider:?} is back from {reason}"));
                if reason == Reason::Fault {
                    self.provider(provider).forget_probes();
                }
                self.open(target);
            }
            Some(Transition::Out { .. }) | None => {}
        }
    }

    pub(super) fn charged(&mut self, id: ProviderId, charge: Charge, at: Instant, back: bool) {
        let Charge::Out { reason, .. } = charge else { return };
        let provider = self.provider(id);
        if !reason.is_guess() {
            provider.refused_at = Some(at);
        }
        let count = if reason.is_guess() { &mut provider.faults } else { &mut provider.refusals };
        *count = if back { count.checked_sub(1).expect("only what was charged is refunded") } else { *count + 1 };
        if matches!(reason, Reason::Credential | Reason::Quota) {
            provider.forgotten = Some(at);
            self.homes.retain(|_, (home, _)| *home != id);
        }
    }

    /// Before an attempt: as many leases are out as probes run. Notes a new one.
    pub(super) fn book_probe(&mut self, id: ProviderId, standing: breaker::Standing, number: u64, at: Instant) {
        let (most, lease, slack) = (self.setting.config.probes(), self.setting.config.breaker.lease, self.slack());
        let exact = self.untouched && slack.is_zero();
        let provider = self.provider(id);
        provider.probes.retain(|(_, until)| *until > at);
        provider.asked.retain(|(_, until)| *until > at + slack);
        let running = provider.probes.len();
        if exact {
            match standing {
                breaker::Standing::Closed => assert_eq!(running, 0, "{id:?} is closed"),
                breaker::Standing::HalfOpen { free, .. } => {
                    assert_eq!(most - running, free as usize, "leases of {id:?}");
                }
                breaker::Standing::Open { .. } => assert!(running <= most, "{running} leases of {id:?}"),
            }
        }
        let lease = if lease.is_zero() { LEASE } else { lease };
        if let breaker::Standing::HalfOpen { free: 1.., .. } = standing {
            assert!(provider.asked.len() < most, "{} probes of {id:?} at once", provider.asked.len() + 1);
            provider.asked.push((number, at + lease));
        }
        if standing != breaker::Standing::Closed && running < most {
            provider.probes.push((number, at + lease));
        }
    }

    /// Nobody is out who did nothing, and nobody is forgotten who did.
    pub(super) fn look_at_everybody(&mut self) {
        let at = self.since();
        for number in 0..self.providers.len() {
            let id = ProviderId(number as u32);
            let standing = self.engine.provider_standing(id, self.now);
            let provider = &self.providers[number];
            let reason = if let Standing::Out { reason, .. } = standing { Some(reason) } else { None };
            let charged = provider.faults + provider.refusals > 0;
            // Of two requests that were at fault, one may have been the probe after the other's charge: with both taken
            // back it still has to prove itself.
            let probed = matches!(self.engine.breaker(id, self.now), breaker::Standing::HalfOpen { .. });
            let unfounded = !charged && !probed && !matches!(reason, None | Some(Reason::Limited));
            assert!(!unfounded, "{id:?} did nothing: {standing:?}");
            let is_limited = reason == Some(Reason::Limited);
            assert!(!is_limited || provider.is_limited(), "{id:?} has no limits");
            if self.setting.upstreams[number].script.at(at).is_well() && !is_limited {
                self.counts.looks += 1;
                self.counts.out_though_well += u64::from(reason.is_some());
            }
        }
    }

    /// After the last request and a long while everybody can be asked again, is not busy, and recovers.
    pub(super) fn assert_nothing_is_left(&mut self) {
        assert!(self.hold.is_empty());
        let count = self.providers.len() as u32;
        for id in (0..count).map(ProviderId) {
            assert_eq!(self.provider(id).running, 0);
            for at in [self.now, self.now + LEASE * 4] {
                if let breaker::Standing::HalfOpen { free, .. } = self.engine.breaker(id, at) {
                    assert_eq!(free as usize, self.setting.config.probes(), "leases of {id:?} after the end");
                }
            }
        }
        self.now += Duration::from_hours(12);
        for id in (0..count).map(ProviderId) {
            self.engine.limit(id, Caps { concurrency: 1, ..Caps::default() });
            assert_eq!(self.engine.provider_standing(id, self.now), Standing::Admissible, "{id:?} is out for ever");
        }
        self.assert_all_are_idle(count);
        let target = |id| Target { provider: id, model: MODELS[0].into(), fingerprint: None };
        for id in (0..count).map(ProviderId) {
            for _ in 0..self.setting.config.breaker.success_threshold.max(1) {
                let attempt = self.engine.begin(&target(id), TOKENS, false, self.now).expect("it has room");
                self.engine.succeed(attempt, &target(id), None, None, self.now);
            }
            assert_eq!(self.engine.breaker(id, self.now), breaker::Standing::Closed, "{id:?} never recovers");
        }
    }

    /// Whoever has attempts in flight would never be the least busy one.
    fn assert_all_are_idle(&mut self, count: u32) {
        let router = by_load(count);
        let mut seen = vec![false; count as usize];
        let mut draws = 0;
        while seen.contains(&false) {
            draws += 1;
            assert!(draws < 500, "somebody is still busy: {seen:?}");
            let draw = self.random.draw();
            let asking = Asking { model: MODELS[0], session: None, binds: false, draw };
            let arranged = self.engine.arrange(&router, &asking, self.now);
            seen[arranged.candidates[0].provider.0 as usize] = true;
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.broken += other.broken;
        self.refused += other.refused;
        self.gone += other.gone;
        self.failed += other.failed;
        self.able += other.able;
        self.lost += other.lost;
        self.held += other.held;
        self.waits += other.waits;
        self.needless_ms += other.needless_ms;
        self.long_waits += other.long_waits;
        self.overtaken += other.overtaken;
        self.reloads += other.reloads;
        self.verdicts += other.verdicts;
        self.false_verdicts += other.false_verdicts;
        self.outs += other.outs;
        self.wrongly_out += other.wrongly_out;
        self.looks += other.looks;
        self.out_though_well += other.out_though_well;
        self.at_home += other.at_home;
        self.stayed += other.stayed;
    }
}
