//! What is shipped of models, how what is known adds up, and how long it is remembered.

mod encoders;

use std::time::{Duration, Instant};

use super::*;
use crate::canon::Effort;

#[test]
fn a_claude_model_is_known_by_its_family_and_version() {
    use Thinks::{Adaptive, Always, BetweenTools, Budget, Either, Never};
    // Thinking, prefill, sampling, mid-conversation system, forced tools, context, answer.
    let table = [
        ("claude-3-5-sonnet-20241022", Never, true, true, false, Forced::WithoutThinking, 200, 0),
        ("claude-3-7-sonnet-20250219", Budget, true, true, false, Forced::WithoutThinking, 200, 0),
        ("claude-opus-4-20250514", Budget, true, true, false, Forced::WithoutThinking, 200, 32),
        ("claude-opus-4-5-20251101", Budget, true, true, false, Forced::WithoutThinking, 200, 64),
        ("claude-haiku-4-5", Budget, true, true, false, Forced::WithoutThinking, 200, 64),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Budget, true, true, false, Forced::WithoutThinking, 1000, 64),
        ("claude-sonnet-4-6", Either, false, true, false, Forced::Yes, 1000, 128),
        ("Claude-Opus-4-7@20260401", Adaptive, false, false, false, Forced::Yes, 1000, 128),
        ("anthropic/claude-opus-4.8", Adaptive, false, false, true, Forced::Yes, 1000, 128),
        ("claude-opus-5[1m]", Adaptive, false, false, true, Forced::Yes, 1000, 128),
        ("claude-sonnet-5", Adaptive, false, false, false, Forced::Yes, 1000, 128),
        ("claude-opus-5-5", Always, false, false, true, Forced::No, 1000, 128),
        ("claude-opus-6", Always, false, false, true, Forced::No, 0, 0),
        ("claude-sonnet-5-5", BetweenTools, false, false, true, Forced::No, 1000, 128),
        ("claude-fable-5", Always, false, false, true, Forced::Yes, 1000, 128),
        ("claude-fable-5-2", Always, false, false, true, Forced::No, 1000, 128),
        ("claude-haiku-5-5", Adaptive, false, false, true, Forced::Yes, 1000, 128),
    ];
    for (model, thinks, prefill, sampling, mid_system, forced, context, output) in table {
        let known = Capabilities::of_model(model);
        let manners = (known.prefill != Some(false), known.sampling != Some(false), known.mid_system, known.thinking);
        assert_eq!(manners, (prefill, sampling, Some(mid_system), Some(thinks)), "{model}");
        assert_eq!(known.forced_tools, Some(forced), "{model}");
        let sizes = (known.context.unwrap_or_default() / 1000, known.max_output.unwrap_or_default() / 1000);
        assert_eq!(sizes, (context, output), "{model}");
    }
}

#[test]
fn models_of_other_vendors_are_known_by_theirs() {
    // Context in thousands, images, sampling, thinking.
    let (yes, no, never) = (None, Some(false), Some(Thinks::Never));
    let (always, adaptive) = (Some(Thinks::Always), Some(Thinks::Adaptive));
    let table = [
        ("gpt-3.5-turbo-0613", 16, no, yes, never),
        ("openai/gpt-4o-mini", 128, yes, yes, never),
        ("gpt-4.1-nano", 1047, yes, yes, never),
        ("gpt-5-mini-2025-08-07", 400, yes, no, always),
        ("gpt-5-chat-latest", 400, yes, yes, never),
        ("gpt-5.4-pro", 1050, yes, no, adaptive),
        ("gpt-6.1-sol", 1050, yes, no, adaptive),
        ("gpt-7", 0, yes, no, adaptive),
        ("o3-mini", 200, no, no, always),
        ("o4-mini", 200, yes, no, always),
        ("openai/gpt-oss-120b", 131, no, yes, always),
        ("gpt-oss:20b", 131, no, yes, always),
        ("deepseek-chat", 0, no, yes, None),
        ("accounts/fireworks/models/deepseek-v3p1", 163, no, yes, None),
        ("deepseek/deepseek-v4-flash", 1048, yes, yes, None),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 0, yes, yes, None),
        ("Qwen/Qwen3-235B-A22B", 0, no, yes, None),
        ("qwen3-vl-plus", 0, yes, yes, None),
        ("qwen/qwen3.8-27b", 1048, yes, yes, None),
        ("kimi-k2-0905-preview", 262, no, yes, None),
        ("moonshotai/Kimi-K2.6", 262, yes, yes, None),
        ("kimi-k3.1-pro", 1048, yes, yes, None),
        ("z-ai/glm-4.6", 204, no, yes, None),
        ("glm-4.6v", 0, yes, yes, None),
        ("glm-4p7", 204, no, yes, None),
        ("zai-org/GLM-5.2-FP8", 1310, yes, yes, None),
        ("gemini-2.5-flash", 1114, yes, yes, None),
        ("google/gemini-3.1-pro-preview", 1114, yes, yes, None),
        ("meta-llama/Meta-Llama-3_3-70B-Instruct", 131, no, yes, never),
        ("llama-3.2-90b-vision-preview", 0, yes, yes, None),
        ("llama4-maverick-instruct-basic", 10_485, yes, yes, never),
        ("codestral-2508", 262, no, yes, never),
        ("mistral-large-2512", 1048, yes, yes, None),
    ];
    for (model, context, images, sampling, thinking) in table {
        let known = Capabilities::of_model(model);
        let found = (known.context.unwrap_or_default() / 1000, known.images, known.sampling, known.thinking);
        assert_eq!(found, (context, images, sampling, thinking), "{model}");
    }
}

/// Case 32: names as platforms write them; a part of another word is no family.
#[test]
fn nothing_is_known_of_an_unknown_model() {
    for model in ["", "some-model", "my-o1x", "turbo1", "claudette-4", "gpt", "gpt-image", "-", "v", "glm-", "qwen-max"]
    {
        assert_eq!(Capabilities::of_model(model), Capabilities::UNKNOWN, "{model}");
    }
    assert_eq!(Capabilities::of_model("some-model[1m]").context, Some(1_000_000));
}

#[test]
fn what_is_said_first_counts_and_what_is_refused_adds_up() {
    let learned = Capabilities { sampling: Some(true), refused: Refused::these(&[Member::Seed]), ..Default::default() };
    let shipped = Capabilities {
        sampling: Some(false),
        context: Some(5),
        refused: Refused::these(&[Member::TopK]),
        ..Default::default()
    };
    let both = learned.or(&shipped);
    assert_eq!((both.sampling, both.context, both.images), (Some(true), Some(5), None));
    assert_eq!([Member::Seed, Member::TopK, Member::TopP].map(|member| both.refused.has(member)), [true, true, false]);
}

#[test]
fn only_what_is_lacking_holds_in_a_foreign_dialect() {
    let there = Capabilities::of_model("claude-opus-5");
    let elsewhere = there.lacks();
    assert_eq!((there.mid_system, there.forced_tools), (Some(true), Some(Forced::Yes)));
    assert_eq!((elsewhere.mid_system, elsewhere.forced_tools), (None, None));
    assert_eq!((elsewhere.sampling, elsewhere.prefill), (Some(false), Some(false)));
    assert_eq!((elsewhere.context, elsewhere.thinking), (there.context, there.thinking));
}

#[test]
fn members_and_efforts_are_sets() {
    let names = ["top_k", "seed", "tool_choice_none", "reasoning_content"];
    for name in names {
        assert_eq!(Member::named(name).map(Member::name), Some(name));
    }
    assert_eq!(Member::named("messages"), None);
    let efforts = Efforts::these([Effort::Low, Effort::Max]);
    assert_eq!([Effort::None, Effort::Low, Effort::Max].map(|effort| efforts.has(effort)), [false, true, true]);
    assert!(Efforts::these([]).is_empty() && !efforts.is_empty());
    let nearest = [Effort::Minimal, Effort::Medium, Effort::Max].map(|asked| efforts.nearest(asked));
    assert_eq!(nearest, [Some(Effort::Low), Some(Effort::Max), Some(Effort::Max)]);
    assert_eq!(Efforts::these([Effort::None]).nearest(Effort::Low), None);
}

const HOUR: Duration = Duration::from_hours(1);

fn no_images() -> Capabilities {
    Capabilities { images: Some(false), ..Default::default() }
}

#[test]
fn what_a_provider_said_is_kept_for_a_day_for_that_model_alone() {
    let start = Instant::now();
    let mut learned = Learned::default();
    learned.learn(1, "m", &no_images(), start);
    assert_eq!(learned.of(&1, "m", start + 23 * HOUR), no_images());
    assert_eq!(learned.of(&1, "m", start + 24 * HOUR), Capabilities::UNKNOWN);
    assert_eq!(learned.of(&1, "n", start), Capabilities::UNKNOWN);
    assert_eq!(learned.of(&2, "m", start), Capabilities::UNKNOWN);
}

#[test]
fn lessons_add_up_and_a_new_one_renews_the_day() {
    let start = Instant::now();
    let mut learned = Learned::default();
    learned.learn("p", "m", &no_images(), start);
    learned.learn("p", "m", &Capabilities { stop: Some(false), ..Default::default() }, start + 20 * HOUR);
    let known = learned.of(&"p", "m", start + 30 * HOUR);
    assert_eq!((known.images, known.stop), (Some(false), Some(false)));
    learned.learn("p", "m", &Capabilities { tools: Some(false), ..Default::default() }, start + 50 * HOUR);
    let known = learned.of(&"p", "m", start + 50 * HOUR);
    assert_eq!((known.images, known.tools), (None, Some(false)), "what has ended does not come back");
}

#[test]
fn a_thousand_lessons_are_kept_and_the_oldest_go_first() {
    let start = Instant::now();
    let mut learned = Learned::default();
    for number in 0..1_500_u32 {
        learned.learn(0, &number.to_string(), &no_images(), start + Duration::from_secs(number.into()));
    }
    let now = start + HOUR;
    assert_eq!((learned.len(), learned.is_empty()), (1_000, false));
    assert_eq!(
        [499, 500, 1_499].map(|number| learned.of(&0, &number.to_string(), now).images == Some(false)),
        [false, true, true]
    );
    learned.learn(0, "new", &no_images(), start + 25 * HOUR);
    assert_eq!(learned.len(), 1, "those that have ended make room first");
}
