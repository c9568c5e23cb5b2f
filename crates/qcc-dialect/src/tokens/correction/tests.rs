//! Providers are simulated here: each has a tokeniser of its own, some noise, and a prompt cache, and reports its counts as
//! real ones do.

use serde_json::json;

use super::*;
use crate::canon::Usage;
use crate::tokens::{MESSAGE_FRAME, estimate};

/// A provider whose tokeniser takes so many thousandths of `o200k`'s tokens, give or take five in a hundred, with a frame
/// of its own, and which serves more and more of the prompt from its cache.
struct Tokeniser {
    thousandths: u64,
    turn: u64,
}

impl Tokeniser {
    fn usage(&mut self, o200k: u64) -> Usage {
        self.turn += 1;
        let noise = 950 + self.turn * 37 % 101;
        let prompt = o200k * self.thousandths / 1000 * noise / 1000 + 60;
        let cached = prompt * self.turn.min(9) / 10;
        let (read, written) = (cached * 2 / 3, cached / 3);
        Usage {
            input: Some(prompt - read - written),
            cache_read: Some(read),
            cache_write: Some(written),
            ..Usage::default()
        }
    }
}

/// What a coding client sends in its n-th turn: system, a tool, and a conversation that grows.
fn body(turn: usize) -> Vec<u8> {
    let code = include_str!("../media.rs");
    let messages: Vec<_> = (0..=turn)
        .map(|turn| {
            json!({"role": "user", "content": [
                {"type": "text", "text": "Please look at what changed, and say whether it is sound. ".repeat(5 + turn)},
                {"type": "tool_result", "tool_use_id": "t", "content": &code[turn * 50..][..2000]}
            ]})
        })
        .collect();
    json!({"model": "m", "system": code.repeat(4), "messages": messages,
        "tools": [{"name": "read", "description": "Reads a file.", "input_schema": {"type": "object"}}]})
    .to_string()
    .into_bytes()
}

#[test]
fn after_three_answers_an_estimate_is_within_a_tenth_of_what_the_provider_counts() {
    let bodies: Vec<_> = (0..9).map(body).collect();
    let estimates = |model| bodies.iter().map(move |body| estimate(body, model)).collect::<Vec<_>>();
    // The factor of this one's family is 1.
    let o200k: Vec<_> = estimates("gpt-4o").iter().map(|estimate| estimate.text).collect();
    for model in ["claude-opus-4-8", "claude-sonnet-4-5", "gpt-4o", "an-alias"] {
        let estimates = estimates(model);
        for thousandths in [900, 1350, 1600] {
            let (mut corrections, mut provider) = (Corrections::default(), Tokeniser { thousandths, turn: 0 });
            let mut now = Instant::now();
            for (turn, estimate) in estimates.iter().enumerate() {
                let told = estimate.total(corrections.ratio(1, model, now));
                let real = provider.usage(o200k[turn]).prompt().unwrap();
                let off = told.abs_diff(real) * 1000 / real;
                assert!(turn < 3 || off <= 100, "{model} at {thousandths}: {told} for {real} in turn {turn}");
                assert!(corrections.sample(1, model, now), "turn {turn}");
                corrections.learn(1, model, *estimate, real, now);
                now += BETWEEN_OF_KNOWN;
            }
        }
    }
}

const TEXT: Estimate = Estimate { text: 1000, other: MESSAGE_FRAME };

/// Corrections that have heard these counts of [`TEXT`], one every five minutes, and when the last one was.
fn heard(counts: &[u64]) -> (Corrections, Instant) {
    let (mut corrections, mut now) = (Corrections::default(), Instant::now());
    for count in counts {
        now += BETWEEN_OF_KNOWN;
        assert!(corrections.sample(1, "m", now));
        corrections.learn(1, "m", TEXT, count + MESSAGE_FRAME, now);
    }
    (corrections, now)
}

#[test]
fn a_single_odd_count_moves_little_and_is_forgotten() {
    let (corrections, now) = heard(&[1200; 6]);
    assert_eq!(corrections.ratio(1, "m", now), Ratio(1200));
    for odd in [390, 3900] {
        let (corrections, now) = heard(&[&[1200; 6][..], &[odd]].concat());
        let Ratio(moved) = corrections.ratio(1, "m", now);
        assert!(moved.abs_diff(1200) <= 120, "{moved} after {odd}");
        let (corrections, now) = heard(&[&[1200; 6][..], &[odd], &[1200; 6]].concat());
        let Ratio(back) = corrections.ratio(1, "m", now);
        assert!(back.abs_diff(1200) <= 40, "{back} after {odd}");
    }
}

#[test]
fn counts_that_cannot_be_of_this_prompt_teach_nothing() {
    for count in [0, 1, 249, 4001, 1_000_000_000, u64::MAX - MESSAGE_FRAME] {
        let (corrections, now) = heard(&[count]);
        assert_eq!(corrections.ratio(1, "m", now), Ratio::DOCUMENTED, "{count}");
    }
}

#[test]
fn short_prompts_and_such_that_are_mostly_images_teach_nothing() {
    for estimate in
        [Estimate { text: 499, other: 0 }, Estimate { text: 1000, other: 501 }, Estimate { text: 0, other: 0 }]
    {
        let (mut corrections, now) = (Corrections::default(), Instant::now());
        assert!(corrections.sample(1, "m", now));
        corrections.learn(1, "m", estimate, 1500, now);
        assert_eq!(corrections.ratio(1, "m", now), Ratio::DOCUMENTED, "{estimate:?}");
    }
}

#[test]
fn what_is_learned_is_of_one_model_at_one_provider() {
    let (corrections, now) = heard(&[1500]);
    assert_eq!(corrections.ratio(1, "m", now), Ratio(1500));
    assert_eq!(corrections.ratio(2, "m", now), Ratio::DOCUMENTED);
    assert_eq!(corrections.ratio(1, "n", now), Ratio::DOCUMENTED);
}

#[test]
fn a_ratio_fades_to_the_documented_factor() {
    let (corrections, now) = heard(&[1500; 5]);
    assert_eq!(corrections.ratio(1, "m", now + FADES / 2), Ratio(1250));
    assert_eq!(corrections.ratio(1, "m", now + FADES), Ratio::DOCUMENTED);
    assert_eq!(corrections.ratio(1, "m", now + FADES * 9), Ratio::DOCUMENTED);
}

#[test]
fn samples_are_few_and_those_of_a_known_model_fewer() {
    let (mut corrections, start) = (Corrections::default(), Instant::now());
    let mut taken = 0;
    for second in 0..3600 {
        let now = start + Duration::from_secs(second);
        if corrections.sample(1, "m", now) {
            corrections.learn(1, "m", TEXT, 1200, now);
            taken += 1;
            assert!(!corrections.sample(2, "n", now), "not in the same moment, whoever is asked");
        }
    }
    assert_eq!(taken, 5 + (3600 - 40) / 300);
}

#[test]
fn models_that_are_remembered_are_bounded_in_number_and_name() {
    let (mut corrections, mut now) = (Corrections::default(), Instant::now());
    for number in 0..1000 {
        now += BETWEEN;
        assert!(corrections.sample(number, "m", now));
        corrections.learn(number, "m", TEXT, 1500, now);
    }
    assert_eq!(corrections.known.len(), MAX_KNOWN);
    assert_ne!(corrections.ratio(999, "m", now), Ratio::DOCUMENTED);
    assert_eq!(corrections.ratio(0, "m", now), Ratio::DOCUMENTED, "the oldest made room");
    assert!(!corrections.sample(1, &"m".repeat(MAX_NAME + 1), now + BETWEEN));
}
