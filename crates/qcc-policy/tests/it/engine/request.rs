//! A request on its way, driven as the server drives it: along its candidates, into the waiting room and out of it, and
//! after commit to the end of its stream.

use std::time::{Duration, Instant};

use qcc_policy::affinity::CACHE_LIFETIME;
use qcc_policy::engine::{Arranged, Asking, Attempt, Spent, Target};
use qcc_policy::{
    Blame, Failover, Failure, Final, Limits, Outcome, Phase, ProviderId, Reason, SessionKey, Standing, Step, Ticket,
    classify, is_overload,
};

use super::nature::{Ask, Fate};
use super::world::{Event, MODELS, TOKENS, World};
use bills::Bill;

mod bills;
mod ends;
mod line;

/// A session waits so long for its own provider.
const OWN_WAIT: Duration = Duration::from_secs(10);
/// Clocks of threads differ, and a try begins a moment after it was chosen.
const TOLERANCE: Duration = Duration::from_millis(20);
/// What a session has in the prompt cache.
const CACHED: u32 = 10_000;

/// A candidate, as the server's `Charged`.
pub(super) struct Stop {
    target: Target,
    attempt: Option<(u64, Attempt)>,
    spent: Option<(u64, Spent)>,
    /// What was charged, and when.
    billed: Vec<(Instant, u64, Spent)>,
}

pub(super) struct Request {
    session: usize,
    key: SessionKey,
    began: Instant,
    deadline: Instant,
    /// The latest time that it took for now.
    seen: Instant,
    /// That is the client's own word.
    impatient: bool,
    /// With what every provider that is well refuses it.
    bad: Option<u16>,
    /// Its session's provider, if that was admissible when it arrived.
    home: Option<ProviderId>,
    stops: Vec<Stop>,
    failover: Failover,
    limits: Limits,
    /// A repeat was refused it.
    without_budget: bool,
    /// How long it may be held, as configured when it came.
    max_wait: Duration,
    patient: bool,
    /// The candidates of this walk, and those that it has tried.
    way: Vec<usize>,
    tried: Vec<usize>,
    place: Option<Ticket>,
    /// When it took its place.
    entered: Instant,
    /// It has waited, and looks once more.
    last: bool,
    committed: bool,
    running: Option<Running>,
    /// Every attempt that began, by number and candidate, and those that failed.
    begun: Vec<(u64, usize)>,
    bills: Vec<Bill>,
}

struct Running {
    number: u64,
    began: Instant,
    stop: usize,
    outcome: Outcome,
    truth: Blame,
}

impl Request {
    /// Its thread's own clock never goes back.
    fn clock(&mut self, at: Instant) -> Instant {
        self.seen = self.seen.max(at);
        self.seen
    }

    /// A new walk along these.
    fn set_out(&mut self, way: Vec<usize>, patient: bool) {
        self.failover.again(way.clone(), patient);
        (self.way, self.patient) = (way, patient);
        self.tried.clear();
    }

    /// That provider first; as a trial, alone.
    fn way_to(&self, provider: ProviderId, trial: bool) -> Vec<usize> {
        let is_his = |stop: &usize| self.stops[*stop].target.provider == provider;
        let (mut way, others): (Vec<_>, Vec<_>) = (0..self.stops.len()).partition(is_his);
        if !trial {
            way.extend(others);
        }
        way
    }
}

impl World {
    pub(super) fn arrive(&mut self, session: usize, id: usize) {
        self.counts.requests += 1;
        let at = self.clock();
        let model = usize::from(self.random.percent(25));
        let key = SessionKey { session: session as u64, model: model as u64 };
        let asking = Asking { model: MODELS[model], session: Some(key), binds: true, draw: self.random.draw() };
        let arranged = self.engine.arrange(&self.router, &asking, at);
        assert_eq!(arranged.candidates.len(), self.setting.config.providers(), "everybody is a candidate");
        let impatient = self.random.percent(3);
        let deadline =
            if impatient { Duration::from_secs(1) + self.random.millis(20_000) } else { self.setting.deadline };
        let target = |provider| Target { provider, model: MODELS[model].into(), fingerprint: None };
        let stop = |provider| Stop { target: target(provider), attempt: None, spent: None, billed: Vec::new() };
        let stops: Vec<Stop> = arranged.candidates.iter().map(|candidate| stop(candidate.provider)).collect();
        let providers: Vec<_> = stops.iter().map(|stop| stop.target.provider).collect();
        self.say(|| format!("{id:3} of {session} arrives: {providers:?}"));
        let home = self.home(key, &stops, at);
        let config = &self.setting.config;
        let patient = !config.max_wait.is_zero();
        let failover = Failover::new(&providers, config.limits);
        let mut request = Request {
            session,
            key,
            began: self.now,
            deadline: self.now + deadline,
            seen: at,
            impatient,
            bad: self.random.percent(3).then_some(0),
            home,
            way: (0..stops.len()).collect(),
            stops,
            failover: if patient { failover.patient() } else { failover },
            limits: config.limits,
            without_budget: false,
            max_wait: config.max_wait,
            patient,
            tried: Vec::new(),
            place: None,
            entered: self.now,
            last: false,
            committed: false,
            running: None,
            begun: Vec::new(),
            bills: Vec::new(),
        };
        request.bad = request.bad.map(|_| self.random.of(&[400, 400, 413, 422, 418]));
        if self.random.percent(5) {
            let after = self.random.millis(20_000);
            self.at(self.now + after, Event::Leave { id });
        }
        self.budget.request(at);
        self.set_off(id, request, &arranged, at);
    }

    /// Whoever answered the session last, where that is admissible: then it is asked first.
    fn home(&mut self, key: SessionKey, stops: &[Stop], at: Instant) -> Option<ProviderId> {
        let (home, since) = self.homes.get(&key).copied()?;
        if self.now.duration_since(since) + Duration::from_secs(1) > CACHE_LIFETIME {
            return None;
        }
        let target = stops.iter().map(|stop| &stop.target).find(|target| target.provider == home)?;
        let is_broken = self.broken.get(&key.session).is_some_and(|(id, until)| *id == home && *until > at);
        if is_broken || self.engine.standing(target, TOKENS, at) != Standing::Admissible {
            return None;
        }
        let first = stops[0].target.provider;
        assert!(first == home || self.setting.skew > 0, "a warm session asks its provider first");
        Some(home)
    }

    /// Waits for the session's own provider if that is worth it, as the server's `Journey`.
    fn set_off(&mut self, id: usize, mut request: Request, arranged: &Arranged, at: Instant) {
        let bound = arranged.bound.filter(|bound| bound.provider == arranged.candidates[0].provider);
        let own = bound.and_then(|bound| {
            let target = &request.stops.iter().find(|stop| stop.target.provider == bound.provider)?.target;
            let out = self.engine.standing(target, TOKENS, at);
            let Standing::Out { until, reason: Reason::Throttled | Reason::Limited } = out else { return None };
            let worth = bound.is_worth_waiting_for(until.saturating_duration_since(at), OWN_WAIT);
            (worth && until < request.deadline).then_some((bound.provider, until))
        });
        let Some((provider, until)) = own else { return self.walk(id, request) };
        self.say(|| format!("{id:3} waits for its {provider:?}"));
        let way = request.way_to(provider, false);
        let patient = request.patient;
        request.set_out(way, patient);
        self.at(until.max(self.now), Event::Own { id });
        self.requests.insert(id, request);
    }

    pub(super) fn walk(&mut self, id: usize, mut request: Request) {
        let (at, draw) = (request.clock(self.clock()), self.random.draw());
        let (engine, budget) = (&mut self.engine, &mut self.budget);
        let Request { failover, stops, deadline, without_budget, .. } = &mut request;
        let mut standing = |candidate: usize| engine.standing(&stops[candidate].target, TOKENS, at);
        let mut repeat = || {
            let fits = budget.try_repeat(at);
            *without_budget |= !fits;
            fits
        };
        let step = failover.next(&mut standing, &mut repeat, *deadline, draw, at);
        self.pay(&mut request, at);
        match step {
            Step::Try { candidate, wait, anyway } => {
                assert!(at + wait < request.deadline, "{id} would try after its deadline");
                // Others get in between the look and the try.
                let late = if self.random.percent(40) { self.random.millis(3) } else { Duration::ZERO };
                if (wait + late).is_zero() {
                    return self.begin(id, request, candidate, anyway);
                }
                self.at(self.now + wait + late, Event::Begin { id, candidate, anyway });
                self.requests.insert(id, request);
            }
            Step::Answer { candidate } => {
                self.counts.refused += 1;
                self.answered(&mut request, candidate, at);
                self.end(request, "is answered with a refusal");
            }
            Step::GiveUp(end) => {
                if end != Final::Deadline {
                    self.assert_nobody_is_left(&request, at);
                }
                self.say(|| format!("    {id} finds nobody: {end:?}"));
                if request.last || request.max_wait.is_zero() {
                    return self.give_up(request, end);
                }
                self.wait(id, request, end);
            }
        }
    }

    /// Whoever is admissible was tried.
    fn assert_nobody_is_left(&mut self, request: &Request, at: Instant) {
        for &candidate in &request.way {
            let standing = self.engine.standing(&request.stops[candidate].target, TOKENS, at);
            let tried = request.tried.contains(&candidate);
            assert!(tried || standing != Standing::Admissible, "candidate {candidate} was left untried");
        }
    }

    pub(super) fn begin(&mut self, id: usize, mut request: Request, candidate: usize, anyway: bool) {
        let (now, at) = (self.now, request.clock(self.clock()));
        assert!(request.running.is_none() && !request.committed, "{id} tries one thing at a time");
        self.let_go(&mut request.stops[candidate], at);
        let target = &request.stops[candidate].target;
        let provider = target.provider;
        let breaker = self.engine.breaker(provider, at);
        let standing = self.engine.standing(target, TOKENS, at);
        let Some(attempt) = self.engine.begin(target, TOKENS, anyway, at) else {
            assert!(standing != Standing::Admissible, "{provider:?} would have room");
            self.say(|| format!("{id:3} was overtaken at {provider:?}: {standing:?}"));
            self.counts.overtaken += 1;
            request.failover.not_begun();
            self.pay(&mut request, at);
            return self.walk(id, request);
        };
        if let Standing::Out { reason, .. } = standing {
            assert!(anyway && reason.may_be_tried_anyway(), "{provider:?} is out for {reason}");
        }
        self.counts.attempts += 1;
        self.number += 1;
        let number = self.number;
        let slack = self.slack();
        self.provider(provider).begin(now, slack);
        self.book_probe(provider, breaker, number, at);
        request.tried.push(candidate);
        request.begun.push((number, candidate));
        request.stops[candidate].spent = None;
        request.stops[candidate].attempt = Some((number, attempt));
        let Fate { first, over, outcome, truth } = self.fate(&request, provider);
        self.say(|| format!("{id:3} tries {provider:?}{}: {outcome:?}", if anyway { " anyway" } else { "" }));
        if let Some(first) = first {
            self.at(now + first, Event::First { id, number });
        }
        self.at(now + over, Event::Over { id, number });
        request.running = Some(Running { number, began: at, stop: candidate, outcome, truth });
        self.requests.insert(id, request);
    }

    /// What becomes of an attempt that begins now, cut off at the deadline of its request.
    fn fate(&mut self, request: &Request, id: ProviderId) -> Fate {
        let (now, since) = (self.now, self.since());
        let upstream = &self.setting.upstreams[id.0 as usize];
        let idle = now.duration_since(self.providers[id.0 as usize].used);
        let missing = upstream.lacks.is_some_and(|model| model as u64 == request.key.model);
        let fate = upstream.script.at(since).fate(&Ask { bad: request.bad, missing, idle }, &mut self.random);
        let left = request.deadline.saturating_duration_since(now);
        if fate.first.unwrap_or(fate.over) <= left {
            return fate;
        }
        let phase = match request.impatient {
            true => Phase::Patience,
            false => Phase::of_deadline(request.began, now, request.deadline),
        };
        let truth = if fate.truth == Blame::Nobody { Blame::Client } else { fate.truth };
        Fate { first: None, over: left, outcome: Outcome::Failed(Failure::Timeout(phase)), truth }
    }

    pub(super) fn first_event(&mut self, id: usize, mut request: Request, number: u64) {
        if request.running.as_ref().is_some_and(|running| running.number == number) {
            self.commit(&mut request);
        }
        self.requests.insert(id, request);
    }

    fn commit(&mut self, request: &mut Request) {
        let Some(running) = &request.running else { return };
        let (stop, at) = (running.stop, self.clock());
        assert!(self.now <= request.deadline + TOLERANCE, "committed after its deadline");
        request.committed = true;
        let mut others = request.stops.iter().map(|stop| stop.target.provider);
        self.counts.able += u64::from(others.any(|id| self.could_answer(request, id)));
        self.hear(&request.stops[stop].target.clone(), at);
        let recorded = request.failover.record(stop, &Outcome::Done, &classify(&Outcome::Done, false), at);
        self.settle(request, &recorded, at);
        if let Some((_, attempt)) = &mut request.stops[stop].attempt {
            self.engine.first_event(attempt, at);
        }
        self.answered(request, stop, at);
        for (_, other) in request.stops.iter_mut().enumerate().filter(|(place, _)| *place != stop) {
            self.let_go(other, at);
        }
    }

    /// Who waited has an answer, if only a refusal.
    fn answered(&mut self, request: &mut Request, stop: usize, at: Instant) {
        if let Some(place) = request.place.take() {
            let target = &request.stops[stop].target;
            self.tickets.remove(&place);
            self.note_wait(request);
            let settled = self.engine.is_settled(target, at);
            self.hold.answered(place, target.provider, settled, self.now);
            self.poll_at(self.now);
        }
    }

    pub(super) fn over(&mut self, id: usize, mut request: Request, number: u64) {
        if request.running.as_ref().is_none_or(|running| running.number != number) {
            self.requests.insert(id, request);
            return;
        }
        if !request.committed && request.running.as_ref().is_some_and(|running| running.outcome == Outcome::Done) {
            self.commit(&mut request);
        }
        let at = self.clock();
        let Some(Running { began, stop, outcome, truth, .. }) = request.running.take() else { return };
        if outcome == Outcome::Done {
            self.succeed(&mut request, stop, began, at);
            return self.end(request, "is answered");
        }
        let verdict = classify(&outcome, false);
        if request.committed {
            return self.break_off(request, stop, Bill::new(number, stop, outcome, truth, verdict.blame), at);
        }
        if is_overload(&outcome) {
            self.presume(&mut request, stop, at);
        }
        let recorded = request.failover.record(stop, &outcome, &verdict, at);
        request.bills.push(Bill::new(number, stop, outcome, truth, recorded.verdict.blame));
        let failed = matches!(recorded.verdict.blame, Blame::Provider | Blame::Load);
        self.fail(&mut request.stops[stop], failed, at);
        self.settle(&mut request, &recorded, at);
        self.walk(id, request);
    }
}
