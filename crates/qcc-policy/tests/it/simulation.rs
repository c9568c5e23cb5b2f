//! Many requests at once over flaky providers, sharing cooldowns and budget as they do in the gateway. Virtual time,
//! one seed per run.

use std::time::{Duration, Instant};

use qcc_policy::{
    Backoff, Charge, Cooldowns, Failover, Final, Limits, Outcome, ProviderId, RetryBudget, Standing, Step, classify,
};

use crate::random::{Random, start};

const RATIO: f64 = 0.2;
const FLOOR: u32 = 2;
const LIMITS: Limits = Limits {
    max_attempts: 5,
    same_provider: 1,
    backoff: Backoff { initial: Duration::from_millis(100), multiplier: 2.0, max: Duration::from_secs(5), jitter: 0.1 },
};
const MODEL: Option<&str> = Some("claude-sonnet-5");

struct Request {
    failover: Failover,
    plan: Vec<ProviderId>,
    deadline: Instant,
    tries: usize,
    /// The try that is under way, and when it began.
    running: Option<(usize, Instant)>,
}

struct World {
    random: Random,
    now: Instant,
    cooldowns: Cooldowns,
    budget: RetryBudget,
    /// Share of attempts that fail, per provider, in percent.
    failing: Vec<u64>,
    requests: Vec<Request>,
    /// Second of every request started and of every repeat granted.
    started: Vec<u64>,
    granted: Vec<u64>,
    epoch: Instant,
    ends: Vec<Step>,
}

impl World {
    fn new(seed: u64, failing: &[u64]) -> Self {
        let epoch = start();
        Self {
            random: Random::new(seed),
            now: epoch,
            cooldowns: Cooldowns::new(Duration::from_secs(60)),
            budget: RetryBudget::new(RATIO, FLOOR),
            failing: failing.to_vec(),
            requests: Vec::new(),
            started: Vec::new(),
            granted: Vec::new(),
            epoch,
            ends: Vec::new(),
        }
    }

    /// Runs so many requests to their end, up to eight at a time, in arbitrary order.
    fn run(&mut self, count: usize) {
        let mut left = count;
        while left > 0 || !self.requests.is_empty() {
            self.now += self.random.millis(150);
            if left > 0 && self.requests.len() < 8 && self.random.percent(50) {
                left -= 1;
                self.begin();
            } else if !self.requests.is_empty() {
                let place = self.random.below(self.requests.len() as u64) as usize;
                self.advance(place);
            }
        }
    }

    fn second(&self) -> u64 {
        self.now.duration_since(self.epoch).as_secs()
    }

    fn begin(&mut self) {
        if self.started.is_empty() {
            // The budget counts its seconds from its first request.
            self.epoch = self.now;
        }
        self.budget.request(self.now);
        self.started.push(self.second());
        let plan: Vec<ProviderId> = (0..self.failing.len() as u32).map(ProviderId).collect();
        self.requests.push(Request {
            failover: Failover::new(&plan, LIMITS),
            plan,
            deadline: self.now + Duration::from_secs(100_000),
            tries: 0,
            running: None,
        });
    }

    fn advance(&mut self, place: usize) {
        match self.requests[place].running.take() {
            Some((candidate, began)) => self.finish(place, candidate, began),
            None => self.ask(place),
        }
    }

    fn ask(&mut self, place: usize) {
        let (now, draw, second) = (self.now, self.random.draw(), self.second());
        let request = &mut self.requests[place];
        let (plan, cooldowns, budget) = (&request.plan, &self.cooldowns, &mut self.budget);
        let granted = &mut self.granted;
        let step = request.failover.next(
            &mut |i| cooldowns.standing(plan[i], MODEL, None, now),
            &mut || {
                let fits = budget.try_repeat(now);
                granted.extend(fits.then_some(second));
                fits
            },
            request.deadline,
            draw,
            now,
        );
        if let Some(billed) = request.failover.owed() {
            self.cooldowns.charge(request.plan[billed.candidate], MODEL, None, billed.charge, now);
        }
        match step {
            Step::Try { candidate, wait, .. } => {
                request.tries += 1;
                assert!(request.tries <= LIMITS.max_attempts as usize + request.plan.len());
                request.running = Some((candidate, now + wait));
            }
            Step::Answer { .. } | Step::GiveUp(_) => {
                self.ends.push(step);
                self.requests.swap_remove(place);
            }
        }
    }

    fn finish(&mut self, place: usize, candidate: usize, began: Instant) {
        let outcome = if self.random.percent(self.failing[candidate]) { self.random.trouble() } else { Outcome::Done };
        let now = self.now.max(began);
        self.now = now;
        let request = &mut self.requests[place];
        let provider = request.plan[candidate];
        let verdict = classify(&outcome, false);
        let recorded = request.failover.record(candidate, &outcome, &verdict, now);
        if outcome == Outcome::Done {
            self.cooldowns.succeed(provider, MODEL, None, began, now);
        }
        for billed in recorded.charges {
            let provider = request.plan[billed.candidate];
            // Cooldowns stand in for the breakers: every fault is the provider's.
            let charge = if billed.charge == Charge::MODEL_FAULT { Charge::FAULT } else { billed.charge };
            self.cooldowns.charge(provider, MODEL, None, charge, now);
        }
        for refund in recorded.refunds {
            let provider = request.plan[refund.candidate];
            self.cooldowns.refund(provider, MODEL, None, refund.charge, refund.charged_at, now);
        }
    }

    /// Counts anew, from the plain list of what happened.
    fn assert_budget_was_kept(&self) {
        for &second in &self.granted {
            let in_second = self.granted.iter().filter(|&&then| then == second).count();
            let window = (second + 1).saturating_sub(10)..=second;
            let requests = self.started.iter().filter(|then| window.contains(then)).count();
            let share = (RATIO * requests as f64) as usize;
            assert!(in_second <= share.max(FLOOR as usize), "{in_second} repeats in second {second}");
        }
    }
}

#[test]
fn while_one_provider_works_every_request_is_answered() {
    for seed in 0..20 {
        let mut world = World::new(seed, &[90, 50, 100, 0]);
        world.run(400);
        assert_eq!(world.ends.len(), 400);
        let answered = |end: &Step| matches!(end, Step::Answer { .. });
        assert!(world.ends.iter().all(answered), "seed {seed}: {:?}", world.ends);
        let standing = world.cooldowns.standing(ProviderId(3), MODEL, None, world.now);
        assert_eq!(standing, Standing::Admissible, "seed {seed}");
        world.assert_budget_was_kept();
    }
}

#[test]
fn in_a_long_outage_repeats_stay_within_the_budget_and_every_request_ends() {
    for seed in 0..20 {
        let mut world = World::new(seed, &[100, 100, 100]);
        world.run(400);
        assert_eq!(world.ends.len(), 400);
        assert!(!world.ends.contains(&Step::GiveUp(Final::NothingToTry)));
        assert!(!world.ends.contains(&Step::GiveUp(Final::Deadline)));
        world.assert_budget_was_kept();
    }
}

#[test]
fn after_an_outage_everybody_comes_back() {
    for seed in 0..20 {
        let mut world = World::new(seed, &[100, 100, 80]);
        world.run(200);
        world.now += Duration::from_hours(32 * 24);
        assert_eq!(world.cooldowns.iter(world.now).count(), 0);
        world.failing = vec![0, 0, 0];
        world.ends.clear();
        world.run(50);
        assert_eq!(world.ends, vec![Step::Answer { candidate: 0 }; 50], "seed {seed}");
    }
}
