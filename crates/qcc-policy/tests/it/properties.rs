//! One request with arbitrary limits, providers whose standing changes between any two steps, and arbitrary outcomes.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use qcc_policy::{
    Backoff, Failover, Final, Limits, Next, ProviderId, Reason, Repeat, RetryBudget, Standing, Step, classify,
};

use crate::random::{Random, start};

/// One answer of the machine, and what the world looked like when it was given.
#[derive(Debug)]
struct Told {
    step: Step,
    standings: Vec<Standing>,
    /// Whether the budget was asked, and said yes.
    granted: bool,
    asked: u32,
    /// How the try ended, when it was one.
    next: Option<Next>,
}

#[derive(Debug)]
struct Run {
    providers: Vec<ProviderId>,
    limits: Limits,
    told: Vec<Told>,
}

fn standing(random: &mut Random, now: Instant) -> Standing {
    if random.percent(60) {
        return Standing::Admissible;
    }
    Standing::Out { until: now + random.millis(100_000), reason: random.of(&Reason::ALL) }
}

/// Plays a request and three more calls after its end.
fn play(providers: &[u32], max_attempts: u32, same_provider: u32, seed: u64) -> Run {
    let mut random = Random::new(seed);
    let providers: Vec<ProviderId> = providers.iter().map(|&n| ProviderId(n)).collect();
    let limits = Limits {
        max_attempts,
        same_provider,
        backoff: Backoff {
            initial: Duration::from_millis(100),
            multiplier: 2.0,
            max: Duration::from_secs(5),
            jitter: 0.1,
        },
    };
    let mut failover = Failover::new(&providers, limits);
    let mut now = start();
    let deadline = now + random.millis(60_000);
    let mut told: Vec<Told> = Vec::new();
    let mut calls_left = u32::MAX;
    while calls_left > 0 && told.len() < 100 {
        let standings: Vec<Standing> = providers.iter().map(|_| standing(&mut random, now)).collect();
        let (draw, willing) = (random.draw(), random.percent(80));
        let mut asked = 0;
        let step = failover.next(
            &mut |i| standings[i],
            &mut || {
                asked += 1;
                willing
            },
            deadline,
            draw,
            now,
        );
        let mut next = None;
        if let Step::Try { candidate, wait, .. } = step {
            now += wait + random.millis(3000);
            let outcome = random.outcome();
            let verdict = classify(&outcome, random.percent(20));
            next = Some(failover.record(candidate, &outcome, &verdict, now).verdict.next);
        } else {
            calls_left = calls_left.min(4) - 1;
        }
        let granted = asked > 0 && willing;
        told.push(Told { step, standings, granted, asked, next });
    }
    Run { providers, limits, told }
}

impl Run {
    /// Tries before the given call, as places in the plan.
    fn tries(&self, before: usize) -> Vec<usize> {
        self.told[..before]
            .iter()
            .filter_map(|told| match told.step {
                Step::Try { candidate, .. } => Some(candidate),
                Step::Answer { .. } | Step::GiveUp(_) => None,
            })
            .collect()
    }

    /// How the latest try on a provider ended, before the given call.
    fn latest(&self, provider: ProviderId, before: usize) -> Option<Next> {
        self.told[..before].iter().rev().find_map(|told| match told.step {
            Step::Try { candidate, .. } if self.providers[candidate] == provider => told.next,
            Step::Try { .. } | Step::Answer { .. } | Step::GiveUp(_) => None,
        })
    }
}

fn any_run() -> impl Strategy<Value = Run> {
    (prop::collection::vec(0_u32..4, 0..7), 0_u32..8, 0_u32..4, any::<u64>())
        .prop_map(|(providers, attempts, same, seed)| play(&providers, attempts, same, seed))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_always_ends_and_stays_ended(run in any_run()) {
        let end = run.told.iter().position(|told| !matches!(told.step, Step::Try { .. }));
        prop_assert!(end.is_some(), "no end");
        let end = end.unwrap_or_default();
        prop_assert_eq!(run.told.len(), end + 4);
        prop_assert!(run.told[end..].iter().all(|told| told.step == run.told[end].step));
        if let Some(next) = end.checked_sub(1).and_then(|last| run.told[last].next) {
            let answered = matches!(run.told[end].step, Step::Answer { .. });
            prop_assert!(answered || matches!(next, Next::Failover { .. }), "an answer was lost");
        }
    }

    #[test]
    fn nothing_is_tried_after_an_outcome_that_ends_the_request(run in any_run()) {
        let ended = run.told.iter().position(|told| matches!(told.next, Some(Next::Answer | Next::Finish)));
        if let Some(ended) = ended {
            prop_assert_eq!(run.tries(run.told.len()).len(), ended + 1);
        }
    }

    #[test]
    fn no_admissible_candidate_is_left_untried_when_it_gives_up(run in any_run()) {
        for (at, told) in run.told.iter().enumerate().take(run.told.len() - 3) {
            if matches!(told.step, Step::GiveUp(Final::Deadline) | Step::Try { .. } | Step::Answer { .. }) {
                continue;
            }
            let tried = run.tries(at);
            for (candidate, standing) in told.standings.iter().enumerate() {
                prop_assert!(*standing != Standing::Admissible || tried.contains(&candidate));
            }
        }
    }

    #[test]
    fn repeats_stay_within_every_limit(run in any_run()) {
        let most = run.limits.max_attempts as usize + run.providers.len();
        prop_assert!(run.tries(run.told.len()).len() <= most);
        for (at, told) in run.told.iter().enumerate() {
            prop_assert!(told.asked <= 1, "the budget was asked twice in one step");
            let Step::Try { candidate, wait, .. } = told.step else { continue };
            let before = run.tries(at);
            let provider = run.providers[candidate];
            if !told.granted {
                prop_assert!(!before.contains(&candidate), "a repeat without budget");
                prop_assert_eq!(wait, Duration::ZERO);
                continue;
            }
            prop_assert!(before.iter().any(|&tried| run.providers[tried] == provider));
            prop_assert!(before.len() < run.limits.max_attempts as usize);
            let never = Next::Failover { repeat: Repeat::Never };
            prop_assert_ne!(run.latest(provider, at), Some(never), "repeated what must not be");
            let repeats = run.told[..=at].iter().filter(|told| {
                let Step::Try { candidate, .. } = told.step else { return false };
                told.granted && run.providers[candidate] == provider
            });
            prop_assert!(repeats.count() <= run.limits.same_provider as usize);
        }
    }

    #[test]
    fn what_is_out_for_our_credential_or_quota_is_never_tried(run in any_run()) {
        for told in &run.told {
            let Step::Try { candidate, .. } = told.step else { continue };
            let Standing::Out { reason, .. } = told.standings[candidate] else { continue };
            prop_assert!(reason.may_be_tried_anyway(), "{reason}");
        }
    }

    #[test]
    fn what_is_out_is_tried_only_when_nothing_untried_is_admissible(run in any_run()) {
        for (at, told) in run.told.iter().enumerate() {
            let Step::Try { candidate, .. } = told.step else { continue };
            let before = run.tries(at);
            if told.standings[candidate] == Standing::Admissible || before.contains(&candidate) {
                continue;
            }
            for (other, standing) in told.standings.iter().enumerate() {
                prop_assert!(*standing != Standing::Admissible || before.contains(&other));
            }
        }
    }

    #[test]
    fn the_budget_grants_no_more_than_its_share_or_floor(
        ratio in 0.0_f64..1.5, floor in 0_u32..5, seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let mut budget = RetryBudget::new(ratio, floor);
        let epoch = start();
        let mut at = Duration::ZERO;
        let mut events: Vec<(u64, bool)> = Vec::new();
        budget.request(epoch);
        events.push((0, false));
        for _ in 0..400 {
            at += random.millis(200);
            let second = at.as_secs();
            if random.percent(40) {
                budget.request(epoch + at);
                events.push((second, false));
                continue;
            }
            let recent = events.iter().filter(|(then, _)| then + 10 > second);
            let (repeats, requests): (Vec<_>, Vec<_>) = recent.partition(|(_, repeat)| *repeat);
            let running = repeats.iter().filter(|(then, _)| *then == second).count();
            let share = ratio * requests.len() as f64;
            let fits = running < floor as usize || (repeats.len() + 1) as f64 <= share;
            prop_assert_eq!(budget.try_repeat(epoch + at), fits);
            if fits {
                events.push((second, true));
            }
        }
    }
}
