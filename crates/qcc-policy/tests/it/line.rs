//! Requests that wait together, while providers come back and fail again, clients leave, and some never report.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use qcc_policy::engine::Target;
use qcc_policy::hold::PROVEN;
use qcc_policy::{Absence, Entry, Hold, HoldEvent, ProviderId, Reason, Standing, Ticket};

use crate::random::{Random, start};

const MAX_WAIT: Duration = Duration::from_secs(60);
const MAX_WAITERS: usize = 12;

/// What the test knows of a waiter.
#[derive(Debug, Clone)]
struct Known {
    candidates: Vec<usize>,
    /// Candidates that are out for everybody, as far as it was told.
    shared: Vec<usize>,
    /// Those of them that are out for a fault.
    faulty: Vec<usize>,
    patience: Instant,
    deadline: Instant,
    sent: Option<(usize, bool)>,
    /// How often it asked in vain.
    tries: u32,
}

struct World {
    random: Random,
    now: Instant,
    hold: Hold,
    /// How every provider really is.
    truth: Vec<Standing>,
    known: BTreeMap<Ticket, Known>,
    answers: u32,
    ended: usize,
    entered: usize,
}

impl World {
    fn new(seed: u64, providers: usize) -> Self {
        Self {
            random: Random::new(seed),
            now: start(),
            hold: Hold::new(MAX_WAIT, MAX_WAITERS),
            truth: vec![Standing::Admissible; providers],
            known: BTreeMap::new(),
            answers: 0,
            ended: 0,
            entered: 0,
        }
    }

    fn standing(&self, place: usize) -> Standing {
        match self.truth[place] {
            Standing::Out { until, .. } if until <= self.now => Standing::Admissible,
            standing => standing,
        }
    }

    fn some_provider(&mut self) -> usize {
        self.random.below(self.truth.len() as u64) as usize
    }

    fn break_provider(&mut self) {
        let place = self.some_provider();
        let reason = self.random.of(&[Reason::Fault, Reason::Fault, Reason::Throttled, Reason::ModelMissing]);
        let until = self.now + self.random.millis(90_000);
        self.truth[place] = Standing::Out { until, reason };
    }

    fn absences(&self, candidates: &[usize]) -> Vec<Absence> {
        let target = |place| Target { provider: ProviderId(place as u32), model: "sonnet".into(), fingerprint: None };
        let absence = |&place: &usize| Absence::new(&target(place), self.standing(place), self.now);
        candidates.iter().map(absence).collect()
    }

    fn note(&self, known: &mut Known) {
        let out = |reasons: &[Reason]| -> Vec<usize> {
            let is_out = |&place: &usize| match self.standing(place) {
                Standing::Out { reason, .. } => reasons.contains(&reason),
                Standing::Admissible => false,
            };
            known.candidates.iter().copied().filter(is_out).collect()
        };
        (known.shared, known.faulty) = (out(&[Reason::Fault, Reason::Throttled]), out(&[Reason::Fault]));
    }

    fn enter(&mut self) {
        let mut candidates: Vec<usize> = (0..self.truth.len()).filter(|_| self.random.percent(70)).collect();
        if candidates.is_empty() {
            candidates.push(self.some_provider());
        }
        let deadline = self.now + self.random.millis(100_000);
        let full = self.known.len() == MAX_WAITERS;
        let absences = self.absences(&candidates);
        let Entry::Held(ticket) = self.hold.enter(absences, deadline, self.now) else {
            assert!(full, "refused while there was room");
            return;
        };
        assert!(!full, "more waiters than allowed");
        self.entered += 1;
        let left = deadline.duration_since(self.now);
        let patience = self.now + MAX_WAIT.min(left / 6 * 5);
        let (shared, faulty) = (vec![], vec![]);
        let mut known = Known { candidates, shared, faulty, patience, deadline, sent: None, tries: 0 };
        self.note(&mut known);
        assert!(self.known.insert(ticket, known).is_none(), "a ticket was given twice");
    }

    fn any_waiting(&mut self) -> Option<Ticket> {
        let waiting = self.known.iter().filter(|(_, known)| known.sent.is_none());
        let some: Vec<Ticket> = waiting.map(|(&ticket, _)| ticket).collect();
        (!some.is_empty()).then(|| self.random.of(&some))
    }

    /// Somebody who was sent, and where to.
    fn any_sent(&mut self) -> Option<(Ticket, usize)> {
        let some: Vec<_> = self.known.iter().filter_map(|(&ticket, known)| Some((ticket, known.sent?.0))).collect();
        (!some.is_empty()).then(|| self.random.of(&some))
    }

    /// What came of somebody who was sent.
    fn report(&mut self, ticket: Ticket, place: usize) {
        if self.standing(place) == Standing::Admissible && self.random.percent(80) {
            self.answers += 1;
            let settled = self.random.percent(70);
            self.hold.answered(ticket, ProviderId(place as u32), settled, self.now);
            self.forget(ticket);
        } else if self.random.percent(15) {
            self.leave(ticket);
        } else {
            self.look(ticket);
        }
    }

    fn look(&mut self, ticket: Ticket) {
        let mut known = self.known[&ticket].clone();
        let asked = known.sent.is_some() && self.random.percent(70);
        let waits = self.hold.update(ticket, self.absences(&known.candidates), asked, self.now);
        assert_eq!(waits, known.patience > self.now, "patience is over exactly when it is over");
        if waits {
            known.sent = None;
            known.tries += u32::from(asked);
            self.note(&mut known);
            self.known.insert(ticket, known);
        } else {
            self.forget(ticket);
        }
    }

    fn leave(&mut self, ticket: Ticket) {
        self.hold.leave(ticket, self.now);
        self.forget(ticket);
    }

    fn forget(&mut self, ticket: Ticket) {
        assert!(self.known.remove(&ticket).is_some(), "ended twice");
        self.ended += 1;
    }

    fn poll(&mut self) {
        let events = self.hold.poll(self.now);
        let lost = self.known.iter().filter(|(_, known)| known.sent.is_some() && known.deadline <= self.now);
        for ticket in lost.map(|(&ticket, _)| ticket).collect::<Vec<_>>() {
            self.forget(ticket);
        }
        for event in events {
            match event {
                HoldEvent::Over { ticket } => {
                    assert!(self.known[&ticket].patience <= self.now, "over too early");
                    self.forget(ticket);
                }
                HoldEvent::Go { ticket, provider, trial } => self.go(ticket, provider.0 as usize, trial),
            }
        }
        for known in self.known.values().filter(|known| known.sent.is_none()) {
            assert!(known.patience > self.now, "a waiter is past its time");
        }
        assert_eq!(self.hold.len(), self.known.len());
        match self.hold.next_deadline(self.now) {
            Some(due) => assert!(due > self.now, "the driver would spin"),
            None => assert!(self.known.is_empty()),
        }
    }

    fn go(&mut self, ticket: Ticket, place: usize, trial: bool) {
        let on_the_way = self.known.values().filter_map(|known| known.sent).filter(|(to, _)| *to == place);
        let (count, trials) = on_the_way.fold((0, 0), |(n, trials), (_, trial)| (n + 1, trials + u32::from(trial)));
        assert!(!trial || count == 0, "a trial beside others");
        assert!(trials == 0 || !trial, "two trials at once");
        assert!(count < PROVEN + self.answers, "a stampede");
        let known = &self.known[&ticket];
        assert!(known.candidates.contains(&place), "not its candidate");
        assert!(known.sent.is_none() && known.patience > self.now);
        let before = |earlier: &Ticket, other: &Known| (other.tries, *earlier) < (known.tries, ticket);
        let waiting = self.known.iter().filter(|(_, other)| other.sent.is_none());
        for (earlier, other) in waiting.filter(|(earlier, other)| before(earlier, other)) {
            let like = |list: fn(&Known) -> &Vec<usize>| list(other) == list(known);
            let same = like(|known| &known.candidates) && like(|known| &known.shared) && like(|known| &known.faulty);
            assert!(trial || !other.shared.contains(&place), "{earlier:?} was first");
            assert!(!trial || !same || other.shared != other.candidates, "{earlier:?} was first to try");
        }
        if let Some(known) = self.known.get_mut(&ticket) {
            known.sent = Some((place, trial));
        }
    }

    fn step(&mut self) {
        self.now += self.random.millis(4000);
        match self.random.below(10) {
            0..=2 => self.enter(),
            3 => self.break_provider(),
            4 => {
                let place = self.some_provider();
                self.truth[place] = Standing::Admissible;
                let settled = self.random.percent(70);
                self.hold.open(ProviderId(place as u32), settled);
            }
            5 => {
                if let Some(ticket) = self.any_waiting() {
                    if self.random.percent(50) { self.leave(ticket) } else { self.look(ticket) }
                }
            }
            _ => {
                if let Some((ticket, place)) = self.any_sent() {
                    self.report(ticket, place);
                }
            }
        }
        self.poll();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_line_keeps_its_order_its_limits_and_its_deadlines(seed in any::<u64>(), providers in 1_usize..5) {
        let mut world = World::new(seed, providers);
        for _ in 0..120 {
            world.step();
        }
        world.now += Duration::from_secs(200);
        world.poll();
        prop_assert!(world.hold.is_empty(), "a ticket never ends");
        prop_assert_eq!(world.entered, world.ended);
    }

    #[test]
    fn who_waits_for_a_fault_that_is_over_is_answered_without_a_word_from_outside(
        seed in any::<u64>(), providers in 1_usize..5,
    ) {
        let mut world = World::new(seed, providers);
        for _ in 0..60 {
            world.step();
        }
        while let Some((ticket, _)) = world.any_sent() {
            world.leave(ticket);
        }
        let faulty = |known: &Known| !known.faulty.is_empty() && known.patience > world.now + Duration::from_secs(45);
        let waiting: Vec<Ticket> =
            world.known.iter().filter(|(_, known)| faulty(known)).map(|(&ticket, _)| ticket).collect();
        world.truth.fill(Standing::Admissible);
        for _ in 0..90 {
            world.now += Duration::from_millis(500);
            world.poll();
            while let Some((ticket, place)) = world.any_sent() {
                world.hold.answered(ticket, ProviderId(place as u32), true, world.now);
                world.forget(ticket);
            }
        }
        for ticket in waiting {
            prop_assert!(!world.known.contains_key(&ticket), "{ticket:?} still waits");
        }
    }
}
