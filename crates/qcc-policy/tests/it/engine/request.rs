//! A request on its way, driven as the server drives it: along its candidates, into the waiting room and out of it, and
//! after commit to the end of its stream.

use std::time::{Duration, Instant};

use qcc_policy::engine::{Asking, Attempt, Spent, Target};
use qcc_policy::{
    Blame, Charge, Failover, Failure, Final, Outcome, Phase, ProviderId, Reason, Recorded, SessionKey, Standing, Step,
    Ticket, classify,
};

use super::world::{Event, MODELS, TOKENS, World};

mod line;

/// A candidate, as the server's `Charged`.
pub(super) struct Stop {
    target: Target,
    attempt: Option<(u64, Attempt)>,
    spent: Option<(u64, Spent)>,
}

pub(super) struct Request {
    session: usize,
    key: SessionKey,
    began: Instant,
    deadline: Instant,
    /// With what every provider that is well refuses it.
    bad: Option<u16>,
    /// How long it waits for a first event before it asks elsewhere.
    patience: Option<Duration>,
    /// Its session's provider, if that was admissible when it arrived.
    home: Option<ProviderId>,
    stops: Vec<Stop>,
    way: Vec<usize>,
    failover: Failover,
    patient: bool,
    /// Candidates that this walk has tried.
    tried: Vec<usize>,
    place: Option<Ticket>,
    /// It has looked once more after its wait.
    last: bool,
    committed: bool,
    running: Option<Running>,
}

struct Running {
    number: u64,
    began: Instant,
    candidate: usize,
    stop: usize,
    outcome: Outcome,
}

impl World {
    pub(super) fn arrive(&mut self, session: usize, id: usize) {
        self.counts.requests += 1;
        let model = usize::from(self.random.percent(25));
        let key = SessionKey { session: session as u64, model: model as u64 };
        let draw = self.random.draw();
        let asking = Asking { model: MODELS[model], session: Some(key), binds: true, draw };
        let arranged = self.engine.arrange(&self.router, &asking, self.now);
        let ids: Vec<ProviderId> = arranged.candidates.iter().map(|candidate| candidate.provider).collect();
        let target = |provider| Target { provider, model: MODELS[model].into(), fingerprint: None };
        let stops: Vec<Stop> = ids.iter().map(|id| Stop { target: target(*id), attempt: None, spent: None }).collect();
        assert_eq!(ids.len(), self.providers.len(), "everybody is a candidate");
        let home = self.homes.get(&key).copied();
        let home = home.filter(|home| self.engine.standing(&target(*home), TOKENS, self.now) == Standing::Admissible);
        assert!(home.is_none_or(|home| ids[0] == home), "a warm session asks its provider first");
        self.say(|| format!("{id:3} of {session} arrives: {ids:?}"));
        let repeats = self.setting.limits.same_provider > 0;
        let patient = !self.setting.max_wait.is_zero();
        let mut request = Request {
            session,
            key,
            began: self.now,
            deadline: self.now + self.setting.deadline,
            bad: self.random.percent(3).then_some(if patient || repeats { 400 } else { 418 }),
            patience: self.random.percent(3).then_some(Duration::from_secs(1)),
            home,
            stops,
            way: Vec::new(),
            failover: Failover::new(&[], self.setting.limits),
            patient,
            tried: Vec::new(),
            place: None,
            last: false,
            committed: false,
            running: None,
        };
        if self.random.percent(5) {
            let after = self.random.millis(20_000);
            self.at(self.now + after, Event::Leave { id });
        }
        self.budget.request(self.now);
        let all = (0..request.stops.len()).collect();
        self.set_out(&mut request, all, patient);
        self.walk(id, request);
    }

    /// A new walk along these.
    fn set_out(&mut self, request: &mut Request, way: Vec<usize>, patient: bool) {
        let providers: Vec<_> = way.iter().map(|stop| request.stops[*stop].target.provider).collect();
        let failover = Failover::new(&providers, self.setting.limits);
        request.failover = if patient { failover.patient() } else { failover };
        (request.way, request.patient) = (way, patient);
        request.tried.clear();
    }

    fn walk(&mut self, id: usize, mut request: Request) {
        let (now, draw) = (self.now, self.random.draw());
        let (engine, budget) = (&mut self.engine, &mut self.budget);
        let Request { failover, stops, way, deadline, .. } = &mut request;
        let mut standing = |candidate: usize| engine.standing(&stops[way[candidate]].target, TOKENS, now);
        let step = failover.next(&mut standing, &mut || budget.try_repeat(now), *deadline, draw, now);
        match step {
            Step::Try { candidate, wait } if wait.is_zero() => self.begin(id, request, candidate),
            Step::Try { candidate, wait } => {
                self.at(now + wait, Event::Repeat { id, candidate });
                self.requests.insert(id, request);
            }
            Step::Answer { .. } => {
                self.counts.broken += 1;
                self.end(request, "is answered with a refusal");
            }
            Step::GiveUp(end) => {
                if end != Final::Deadline {
                    self.assert_nobody_is_left(&request);
                }
                if self.setting.max_wait.is_zero() {
                    return self.give_up(request, end);
                }
                self.wait(id, request, end);
            }
        }
    }

    /// The wait before a repeat is over. Others may have taken the last room meanwhile.
    pub(super) fn repeat(&mut self, id: usize, request: Request, candidate: usize) {
        let target = &request.stops[request.way[candidate]].target;
        match self.engine.standing(target, TOKENS, self.now) {
            Standing::Out { reason: Reason::Limited, .. } => self.walk(id, request),
            Standing::Out { .. } | Standing::Admissible => self.begin(id, request, candidate),
        }
    }

    /// Whoever is admissible was tried.
    fn assert_nobody_is_left(&mut self, request: &Request) {
        for (candidate, stop) in request.way.iter().enumerate() {
            let standing = self.engine.standing(&request.stops[*stop].target, TOKENS, self.now);
            let tried = request.tried.contains(&candidate);
            assert!(tried || standing != Standing::Admissible, "candidate {candidate} was left untried");
        }
    }

    fn begin(&mut self, id: usize, mut request: Request, candidate: usize) {
        let now = self.now;
        assert!(now < request.deadline, "{id} tries after its deadline");
        assert!(request.running.is_none() && !request.committed, "{id} tries one thing at a time");
        self.counts.attempts += 1;
        self.number += 1;
        let number = self.number;
        let stop = request.way[candidate];
        request.tried.push(candidate);
        self.let_go(&mut request.stops[stop]);
        let target = &request.stops[stop].target;
        let provider = target.provider;
        self.assert_limits_have_room(provider);
        self.book_probe(provider, number);
        let attempt = self.engine.begin(target, TOKENS, now);
        request.stops[stop].attempt = Some((number, attempt));
        let at = self.since();
        let nature = self.providers[provider.0 as usize].script.at(at);
        let mut fate = nature.fate(request.bad, &mut self.random);
        let speaks = fate.first.unwrap_or(fate.over);
        let left = request.deadline.duration_since(now);
        let patience = request.patience.filter(|patience| *patience < speaks && *patience < left);
        if let Some(patience) = patience {
            fate.first = None;
            (fate.over, fate.outcome) = (patience, Outcome::Failed(Failure::Timeout(Phase::Patience)));
        } else if left < speaks {
            fate.first = None;
            (fate.over, fate.outcome) = (left, Outcome::Failed(Failure::Timeout(Phase::Total)));
        }
        self.say(|| format!("{id:3} tries {provider:?} ({nature:?}), {:?}", fate.outcome));
        if let Some(first) = fate.first {
            self.at(now + first, Event::First { id, number });
        }
        self.at(now + fate.over, Event::Over { id, number });
        request.running = Some(Running { number, began: now, candidate, stop, outcome: fate.outcome });
        self.requests.insert(id, request);
    }

    fn assert_limits_have_room(&mut self, id: ProviderId) {
        let now = self.now;
        let provider = self.provider(id);
        provider.starts.retain(|start| now.duration_since(*start) < Duration::from_mins(1));
        let (begun, caps) = (provider.starts.len(), provider.caps);
        assert!(caps.rpm == 0 || begun < caps.rpm as usize, "{begun} in a minute at {id:?} of {caps:?}");
        assert!(caps.concurrency == 0 || provider.running < caps.concurrency, "{id:?} is busy: {caps:?}");
        provider.starts.push(now);
        provider.running += 1;
    }

    pub(super) fn first_event(&mut self, id: usize, mut request: Request, number: u64) {
        if request.running.as_ref().is_some_and(|running| running.number == number) {
            self.commit(&mut request);
        }
        self.requests.insert(id, request);
    }

    fn commit(&mut self, request: &mut Request) {
        let Some(running) = &request.running else { return };
        let (candidate, stop) = (running.candidate, running.stop);
        request.committed = true;
        let recorded = request.failover.record(candidate, &Outcome::Done, &classify(&Outcome::Done, false), self.now);
        self.settle(request, &recorded);
        if let Some((_, attempt)) = &mut request.stops[stop].attempt {
            self.engine.first_event(attempt, self.now);
        }
        if let Some(place) = request.place.take() {
            self.tickets.remove(&place);
            self.hold.answered(place, request.stops[stop].target.provider, u32::MAX, self.now);
            self.poll_at(self.now);
        }
        for (_, other) in request.stops.iter_mut().enumerate().filter(|(place, _)| *place != stop) {
            self.let_go(other);
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
        let Some(Running { began, candidate, stop, outcome, .. }) = request.running.take() else { return };
        if outcome == Outcome::Done {
            self.succeed(&mut request, stop, began);
            return self.end(request, "is answered");
        }
        let verdict = classify(&outcome, false);
        if request.committed {
            self.counts.broken += 1;
            self.fail(&mut request.stops[stop], true);
            self.charge(&mut request.stops[stop], verdict.charge);
            return self.end(request, "breaks");
        }
        let recorded = request.failover.record(candidate, &outcome, &verdict, self.now);
        let failed = matches!(recorded.verdict.blame, Blame::Provider | Blame::Load);
        self.fail(&mut request.stops[stop], failed);
        self.settle(&mut request, &recorded);
        self.walk(id, request);
    }

    fn succeed(&mut self, request: &mut Request, stop: usize, began: Instant) {
        let stop = &mut request.stops[stop];
        let Some((number, attempt)) = stop.attempt.take() else { return };
        let id = stop.target.provider;
        self.counts.answered += 1;
        let (from, to) = (request.began.duration_since(self.epoch), self.since());
        request.home = request
            .home
            .filter(|home| request.patience.is_none() && self.providers[home.0 as usize].script.is_well(from, to));
        self.counts.at_home += u64::from(request.home.is_some());
        self.counts.stayed += u64::from(request.home == Some(id));
        self.ended_attempt(id);
        self.provider(id).probes.retain(|(known, _)| *known != number);
        let session = Some((request.key, 10_000, false));
        let (news, moved) = self.engine.succeed(attempt, &stop.target, session, Some(TOKENS), self.now);
        assert!(moved.is_none_or(|moved| self.homes.get(&request.key) == Some(&moved.from) && moved.to == id));
        if self.provider(id).forgotten.is_none_or(|forgotten| began >= forgotten) {
            self.homes.insert(request.key, id);
        }
        self.told(news.as_ref());
    }

    /// The attempt under way ends without success.
    fn fail(&mut self, stop: &mut Stop, failed: bool) {
        if let Some((number, attempt)) = stop.attempt.take() {
            self.ended_attempt(stop.target.provider);
            stop.spent = Some((number, self.engine.end(attempt, failed, None, self.now)));
        }
    }

    fn ended_attempt(&mut self, id: ProviderId) {
        let provider = self.provider(id);
        provider.running = provider.running.checked_sub(1).expect("what ends was begun");
    }

    fn settle(&mut self, request: &mut Request, recorded: &Recorded) {
        for billed in &recorded.charges {
            let stop = request.way[billed.candidate];
            self.charge(&mut request.stops[stop], billed.charge);
        }
        for refund in &recorded.refunds {
            let stop = &request.stops[request.way[refund.candidate]];
            let Some((_, spent)) = &stop.spent else { continue };
            let (target, charge, at) = (&stop.target, refund.charge, refund.charged_at);
            let news = self.engine.refund(spent, target, charge, at, self.now);
            self.charged(target.provider, charge, true);
            self.told(news.as_ref());
        }
    }

    fn charge(&mut self, stop: &mut Stop, charge: Charge) {
        let draw = self.random.draw();
        let Some((number, spent)) = &mut stop.spent else { return };
        let id = stop.target.provider;
        if charge != Charge::None {
            self.providers[id.0 as usize].probes.retain(|(known, _)| known != number);
        }
        let news = self.engine.charge(spent, &stop.target, charge, draw, self.now);
        self.charged(id, charge, false);
        self.told(news.as_ref());
    }

    /// What is dropped with a candidate, or begun anew.
    fn let_go(&mut self, stop: &mut Stop) {
        self.fail(stop, false);
        if let Some((number, mut spent)) = stop.spent.take() {
            self.engine.release(&mut spent, &stop.target);
            self.provider(stop.target.provider).probes.retain(|(known, _)| *known != number);
        }
    }
}
