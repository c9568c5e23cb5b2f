//! A run in virtual time: the queue of events, what happens from outside, and the ways into the engine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qcc_policy::breaker;
use qcc_policy::engine::{Engine, Target};
use qcc_policy::{Hold, ProviderId, Router, SessionKey, Standing, Ticket};

use super::books::{Budget, Counts, Provider};
use super::request::Request;
use super::setting::Setting;
use crate::random::{Random, start};

/// Requests per run, at most.
const MOST: usize = 50;
/// More than any run needs: then it turns in circles.
const MOST_EVENTS: u64 = 200_000;
pub(super) const TOKENS: u64 = 1000;
pub(super) const MODELS: [&str; 2] = ["large", "small"];

#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Arrive {
        session: usize,
    },
    /// The wait for the session's own provider is over.
    Own {
        id: usize,
    },
    Begin {
        id: usize,
        candidate: usize,
        anyway: bool,
    },
    First {
        id: usize,
        number: u64,
    },
    Over {
        id: usize,
        number: u64,
    },
    Leave {
        id: usize,
    },
    Poll,
    Reload,
    Hand,
}

pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) random: Random,
    pub(super) epoch: Instant,
    pub(super) now: Instant,
    pub(super) engine: Engine,
    pub(super) router: Router,
    pub(super) budget: Budget,
    pub(super) hold: Hold,
    pub(super) providers: Vec<Provider>,
    pub(super) requests: BTreeMap<usize, Request>,
    pub(super) tickets: BTreeMap<Ticket, usize>,
    /// Whoever answered a session's model last, and when.
    pub(super) homes: BTreeMap<SessionKey, (ProviderId, Instant)>,
    /// Whose answer to a session broke off, and until when it is asked last there.
    pub(super) broken: BTreeMap<u64, (ProviderId, Instant)>,
    pub(super) counts: Counts,
    pub(super) number: u64,
    /// Whether the configuration is still the one of the beginning.
    pub(super) untouched: bool,
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
        let config = &setting.config;
        // Clocks may look back a little.
        let now = start() + Duration::from_hours(1);
        Self {
            engine: config.engine(),
            router: config.router(),
            budget: Budget::new(config.retries(), config.budget),
            hold: config.hold(),
            providers: config.caps.iter().map(|caps| Provider::new(*caps, now)).collect(),
            setting,
            random,
            epoch: now,
            now,
            requests: BTreeMap::new(),
            tickets: BTreeMap::new(),
            homes: BTreeMap::new(),
            broken: BTreeMap::new(),
            counts: Counts::default(),
            number: 0,
            untouched: true,
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
        for after in self.setting.reloads.clone() {
            self.at(self.now + after, Event::Reload);
        }
        for after in self.setting.hands.clone() {
            self.at(self.now + after, Event::Hand);
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

    /// What a thread takes for the time: it may have looked at the clock a little before others did.
    pub(super) fn clock(&mut self) -> Instant {
        let skew = self.setting.skew;
        if skew == 0 { self.now } else { self.now - self.random.millis(skew + 1) }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { session } => {
                if self.since() < self.setting.end && self.arrived < MOST {
                    self.arrived += 1;
                    self.look_at_everybody();
                    self.arrive(session, self.arrived);
                }
            }
            Event::Own { id } => self.with(id, |world, id, request| world.walk(id, request)),
            Event::Begin { id, candidate, anyway } => {
                self.with(id, |world, id, request| world.begin(id, request, candidate, anyway));
            }
            Event::First { id, number } => self.with(id, |world, id, request| world.first_event(id, request, number)),
            Event::Over { id, number } => self.with(id, |world, id, request| world.over(id, request, number)),
            Event::Leave { id } => self.with(id, |world, _, request| world.leave(request)),
            Event::Poll => self.poll(),
            Event::Reload => self.reload(),
            Event::Hand => self.intervene(),
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

    /// Changes what is known of a provider, as the server's `Charged::change`: those who wait hear of it where that makes
    /// it admissible.
    pub(super) fn change<T>(&mut self, target: &Target, at: Instant, change: impl FnOnce(&mut Engine) -> T) -> T {
        let waits = !self.hold.is_empty();
        let was_out = waits && self.engine.standing(target, TOKENS, at) != Standing::Admissible;
        let changed = change(&mut self.engine);
        if was_out && self.engine.standing(target, TOKENS, at) == Standing::Admissible {
            self.open(target);
        }
        changed
    }

    /// Tells the line that a candidate is back.
    pub(super) fn open(&mut self, target: &Target) {
        if !self.hold.is_empty() {
            let settled = self.engine.is_settled(target, self.now);
            self.hold.open(target.provider, settled);
            self.poll_at(self.now);
        }
    }

    /// The same for a provider of which somebody said so.
    fn open_all(&mut self, id: ProviderId) {
        if !self.hold.is_empty() {
            let settled = self.engine.breaker(id, self.now) == breaker::Standing::Closed;
            self.hold.open(id, settled);
            self.poll_at(self.now);
        }
    }

    /// The configuration is another one; who is under way keeps its plan.
    fn reload(&mut self) {
        let config = self.setting.config.reloaded(&mut self.random);
        self.say(|| format!("reload: {config:?}"));
        self.counts.reloads += 1;
        self.untouched = false;
        self.engine.configure(config.settings());
        config.limit(&mut self.engine);
        self.router = config.router();
        self.budget.configure(config.budget);
        self.hold.configure(config.max_wait, config.max_waiters);
        for (provider, caps) in self.providers.iter_mut().zip(&config.caps) {
            provider.reload(*caps, self.now);
        }
        self.setting.config = config;
        for number in 0..self.providers.len() {
            self.open_all(ProviderId(number as u32));
        }
    }

    /// Somebody enables an endpoint, or switches the profile.
    fn intervene(&mut self) {
        let at = self.clock();
        if self.random.percent(50) {
            self.say(|| "somebody switches".to_owned());
            self.engine.switch(at);
            self.homes.clear();
            // Answers that are under way bind nobody.
            self.providers.iter_mut().for_each(|provider| provider.forgotten = Some(at));
            return;
        }
        let id = ProviderId(self.random.below(self.providers.len() as u64) as u32);
        self.say(|| format!("somebody enables {id:?}"));
        self.engine.reset(id, at);
        self.provider(id).forget_probes();
        self.open_all(id);
    }

    pub(super) fn provider(&mut self, id: ProviderId) -> &mut Provider {
        &mut self.providers[id.0 as usize]
    }
}
