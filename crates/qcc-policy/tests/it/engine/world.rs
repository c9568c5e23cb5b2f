//! A run in virtual time: the queue of events, and plain books beside the engine that say what has to be true of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qcc_policy::breaker::{self, LEASE};
use qcc_policy::engine::{Asking, Engine, Target};
use qcc_policy::{
    Caps, Charge, Hold, ProviderId, Reason, RetryBudget, Router, SessionKey, Standing, Ticket, Transition,
};

use super::nature::{Nature, Script};
use super::request::Request;
use super::setting::{END, Setting, by_load};
use crate::random::{Random, start};

/// Requests per run, at most.
const MOST: usize = 50;
/// More than any run needs: then it turns in circles.
const MOST_EVENTS: u64 = 200_000;
pub(super) const TOKENS: u64 = 1000;
pub(super) const MODELS: [&str; 2] = ["large", "small"];

#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Arrive { session: usize },
    Repeat { id: usize, candidate: usize },
    First { id: usize, number: u64 },
    Over { id: usize, number: u64 },
    Leave { id: usize },
    Poll,
}

/// What is known of a provider without the engine.
pub(super) struct Provider {
    pub(super) caps: Caps,
    pub(super) script: Script,
    pub(super) starts: Vec<Instant>,
    pub(super) running: u32,
    /// Charges that were not refunded: its own faults, and everything else.
    faults: u32,
    refusals: u32,
    /// When its sessions were forgotten.
    pub(super) forgotten: Option<Instant>,
    /// Its probes by number, and when their leases end.
    pub(super) probes: Vec<(u64, Instant)>,
}

/// What all runs together say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) attempts: u64,
    pub(super) answered: u64,
    /// Broken after commit, or refused for what the request itself is.
    pub(super) broken: u64,
    pub(super) gone: u64,
    pub(super) failed: u64,
    /// Failed although a provider was well all the time.
    pub(super) lost: u64,
    /// The same, where the waiting room was full.
    pub(super) turned_away: u64,
    /// Looks at a provider that is well, and those that found it out for an old fault.
    pub(super) looks: u64,
    pub(super) out_though_well: u64,
    /// Requests of a session whose provider was well and admissible, and those that it answered.
    pub(super) at_home: u64,
    pub(super) stayed: u64,
}

pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) random: Random,
    pub(super) epoch: Instant,
    pub(super) now: Instant,
    pub(super) engine: Engine,
    pub(super) router: Router,
    pub(super) budget: RetryBudget,
    pub(super) hold: Hold,
    pub(super) providers: Vec<Provider>,
    pub(super) requests: BTreeMap<usize, Request>,
    pub(super) tickets: BTreeMap<Ticket, usize>,
    /// Whoever answered a session's model last.
    pub(super) homes: BTreeMap<SessionKey, ProviderId>,
    pub(super) counts: Counts,
    pub(super) number: u64,
    arrived: usize,
    ended: usize,
    polled_at: Option<Instant>,
    queue: BTreeMap<(Instant, u64), Event>,
    events: u64,
    talks: bool,
}

impl World {
    pub(super) fn new(seed: u64, talks: bool) -> Self {
        let mut random = Random::new(seed);
        let setting = Setting::any(&mut random);
        let provider = |(caps, script): &(Caps, Script)| Provider {
            caps: *caps,
            script: script.clone(),
            starts: Vec::new(),
            running: 0,
            faults: 0,
            refusals: 0,
            forgotten: None,
            probes: Vec::new(),
        };
        let now = start();
        Self {
            engine: setting.engine(),
            router: setting.router(),
            budget: setting.retries(),
            hold: setting.hold(),
            providers: setting.providers.iter().map(provider).collect(),
            setting,
            random,
            epoch: now,
            now,
            requests: BTreeMap::new(),
            tickets: BTreeMap::new(),
            homes: BTreeMap::new(),
            counts: Counts::default(),
            number: 0,
            arrived: 0,
            ended: 0,
            polled_at: None,
            queue: BTreeMap::new(),
            events: 0,
            talks,
        }
    }

    pub(super) fn run(&mut self) {
        for session in 0..self.setting.sessions {
            let after = self.random.millis(5000);
            self.at(self.now + after, Event::Arrive { session });
        }
        while let Some(((at, _), event)) = self.queue.pop_first() {
            assert!(self.events < MOST_EVENTS, "it turns in circles");
            self.now = at;
            self.happen(event);
        }
        assert_eq!(self.requests.len(), 0, "every request ends");
        assert_eq!(self.arrived, self.ended, "exactly once");
        self.assert_nothing_is_left();
    }

    pub(super) fn at(&mut self, at: Instant, event: Event) {
        self.events += 1;
        self.queue.insert((at, self.events), event);
    }

    #[expect(clippy::print_stdout, reason = "only where a run is replayed")]
    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.talks {
            println!("{:9.3} {}", self.since().as_secs_f64(), what());
        }
    }

    /// The time since the beginning.
    pub(super) fn since(&self) -> Duration {
        self.now.duration_since(self.epoch)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { session } => {
                if self.since() < END && self.arrived < MOST {
                    self.arrived += 1;
                    self.look_at_everybody();
                    self.arrive(session, self.arrived);
                }
            }
            Event::Repeat { id, candidate } => self.with(id, |world, id, request| world.repeat(id, request, candidate)),
            Event::First { id, number } => self.with(id, |world, id, request| world.first_event(id, request, number)),
            Event::Over { id, number } => self.with(id, |world, id, request| world.over(id, request, number)),
            Event::Leave { id } => self.with(id, |world, _, request| world.leave(request)),
            Event::Poll => self.poll(),
        }
    }

    /// Does nothing where the request has ended.
    fn with(&mut self, id: usize, what: impl FnOnce(&mut Self, usize, Request)) {
        if let Some(request) = self.requests.remove(&id) {
            what(self, id, request);
        }
    }

    /// The request is over; its session goes on after a while.
    pub(super) fn finished(&mut self, session: usize) {
        self.ended += 1;
        let thinks = Duration::from_millis(100) + self.random.millis(6000);
        self.at(self.now + thinks, Event::Arrive { session });
    }

    /// Something changed for those who wait.
    pub(super) fn poll_at(&mut self, at: Instant) {
        if self.polled_at.is_none_or(|known| at < known) {
            self.polled_at = Some(at);
            self.at(at, Event::Poll);
        }
    }

    fn poll(&mut self) {
        if self.polled_at != Some(self.now) {
            return;
        }
        self.polled_at = None;
        for event in self.hold.poll(self.now) {
            self.send(event);
        }
        if let Some(due) = self.hold.next_deadline(self.now) {
            self.poll_at(due);
        }
    }

    pub(super) fn provider(&mut self, id: ProviderId) -> &mut Provider {
        &mut self.providers[id.0 as usize]
    }

    // === Books ===

    pub(super) fn told(&mut self, news: Option<&Transition>) {
        match news {
            Some(&Transition::Out { provider, reason: Reason::Fault, term, .. }) => {
                self.say(|| format!("       {provider:?} opens for {term:?}"));
                self.provider(provider).probes.clear();
            }
            Some(&Transition::Back { provider, reason, .. }) => {
                self.say(|| format!("       {provider:?} is back from {reason}"));
                if reason == Reason::Fault {
                    self.provider(provider).probes.clear();
                }
                // As the server's `Charged::tell`.
                if !self.hold.is_empty() {
                    self.hold.open(provider, u32::MAX);
                    self.poll_at(self.now);
                }
            }
            Some(Transition::Out { .. }) | None => {}
        }
    }

    pub(super) fn charged(&mut self, id: ProviderId, charge: Charge, back: bool) {
        let Charge::Out { reason, .. } = charge else { return };
        let now = self.now;
        let provider = self.provider(id);
        let count = if reason == Reason::Fault { &mut provider.faults } else { &mut provider.refusals };
        *count = if back { count.checked_sub(1).expect("only what was charged is refunded") } else { *count + 1 };
        if matches!(reason, Reason::Credential | Reason::Quota) {
            provider.forgotten = Some(now);
            self.homes.retain(|_, home| *home != id);
        }
    }

    /// Of the breaker before an attempt: as many leases are out as probes run. Notes a new one.
    pub(super) fn book_probe(&mut self, id: ProviderId, number: u64) {
        let (now, most, lease) = (self.now, self.setting.probes(), self.setting.breaker.lease);
        let standing = self.engine.breaker(id, now);
        let provider = self.provider(id);
        provider.probes.retain(|(_, until)| *until > now);
        let running = provider.probes.len();
        match standing {
            breaker::Standing::Closed => assert_eq!(running, 0, "{id:?} is closed"),
            breaker::Standing::HalfOpen { free, .. } => assert_eq!(most - running, free as usize, "leases of {id:?}"),
            breaker::Standing::Open { .. } => assert!(running <= most, "{running} leases of {id:?}"),
        }
        if standing != breaker::Standing::Closed && running < most {
            let lease = if lease.is_zero() { LEASE } else { lease };
            provider.probes.push((number, now + lease));
        }
    }

    /// Nobody is out who did nothing, and nobody is forgotten who did.
    fn look_at_everybody(&mut self) {
        let at = self.since();
        for number in 0..self.providers.len() {
            let id = ProviderId(number as u32);
            let standing = self.engine.provider_standing(id, self.now);
            let provider = &self.providers[number];
            let reason = if let Standing::Out { reason, .. } = standing { Some(reason) } else { None };
            let charged = provider.faults + provider.refusals > 0;
            assert!(charged || matches!(reason, None | Some(Reason::Limited)), "{id:?} did nothing: {standing:?}");
            let is_limited = reason == Some(Reason::Limited);
            assert!(!is_limited || provider.caps != Caps::default(), "{id:?} has no limits");
            if provider.script.at(at) == Nature::Healthy && !is_limited {
                self.counts.looks += 1;
                self.counts.out_though_well += u64::from(reason.is_some());
            }
        }
    }

    /// After the last request and a long while everybody can be asked again, is not busy, and recovers.
    fn assert_nothing_is_left(&mut self) {
        assert!(self.hold.is_empty());
        let count = self.providers.len() as u32;
        for id in (0..count).map(ProviderId) {
            assert_eq!(self.provider(id).running, 0);
            if let breaker::Standing::HalfOpen { free, .. } = self.engine.breaker(id, self.now + LEASE * 4) {
                assert_eq!(free as usize, self.setting.probes(), "leases of {id:?} after the end");
            }
            if let breaker::Standing::HalfOpen { free, .. } = self.engine.breaker(id, self.now) {
                assert_eq!(free as usize, self.setting.probes(), "leases of {id:?} at the end");
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
            for _ in 0..self.setting.breaker.success_threshold.max(1) {
                let attempt = self.engine.begin(&target(id), TOKENS, self.now);
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
