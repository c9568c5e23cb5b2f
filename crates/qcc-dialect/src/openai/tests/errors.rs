//! Errors of all shapes, and addresses.

use super::*;
use std::time::Duration;

use crate::anthropic::canon::error_message;
use crate::error::{ErrorFacts, Topic};
use crate::limits::rate_limits;
use crate::wait::retry_after;

#[test]
fn every_error_says_what_the_table_says() {
    use Topic::{ContextTooLong, ModelMissing, None as Nothing, Overloaded, Quota};
    let request = Some("invalid_request_error");
    let quota = Some("insufficient_quota");
    let table = [
        ("openai_context", 400, request, Some("context_length_exceeded"), ContextTooLong),
        ("openai_quota", 429, quota, quota, Quota),
        ("openai_credit", 429, quota, Some("credit_balance_exhausted"), Quota),
        ("openai_project_spend", 429, quota, Some("project_spend_limit_exceeded"), Quota),
        ("openai_throttle", 429, Some("tokens"), Some("rate_limit_exceeded"), Nothing),
        ("openai_slow_down", 429, Some("slow_down"), Some("slow_down"), Nothing),
        ("openai_overloaded", 503, Some("service_unavailable_error"), Some("server_is_overloaded"), Overloaded),
        ("openai_model", 404, request, Some("model_not_found"), ModelMissing),
        ("openai_key", 401, request, Some("invalid_api_key"), Nothing),
        ("openai_parameter", 400, request, Some("unsupported_parameter"), Nothing),
        ("openai_tool_order", 400, request, None, Nothing),
        ("ollama_text", 404, None, None, ModelMissing),
        ("ollama_object", 404, Some("api_error"), None, ModelMissing),
        ("vllm_flat", 400, Some("BadRequestError"), Some("400"), ContextTooLong),
        ("fastapi_text", 401, None, None, Nothing),
        ("fastapi_list", 422, Some("value_error.missing"), None, Nothing),
        ("glm_code", 429, None, Some("1113"), Quota),
        ("code_msg", 403, None, Some("30001"), Quota),
        ("deepseek_balance", 402, Some("unknown_error"), request, Quota),
        ("deepseek_reasoning", 400, request, request, Nothing),
        ("kimi_overloaded", 429, Some("engine_overloaded_error"), None, Overloaded),
        ("kimi_context", 400, request, None, ContextTooLong),
        ("qwen_length", 400, request, Some("invalid_parameter_error"), ContextTooLong),
        ("openrouter_number", 402, None, Some("402"), Quota),
        ("openrouter_vendor", 429, None, Some("rate_limit_exceeded"), Nothing),
        ("openrouter_overloaded", 503, Some("provider_overloaded"), Some("503"), Overloaded),
        ("openrouter_context", 400, Some("context_length_exceeded"), Some("400"), ContextTooLong),
        ("mistral_validation", 422, Some("extra_forbidden"), None, Nothing),
        ("llamacpp_context", 400, Some("exceed_context_size_error"), Some("400"), ContextTooLong),
    ];
    for (name, status, kind, code, topic) in table {
        let facts = ErrorFacts::from_response(status, &GOLDEN.read("error", &format!("{name}.json")));
        let found = (facts.status, facts.kind.as_deref(), facts.code.as_deref(), facts.topic);
        assert_eq!(found, (status, kind, code, topic), "{name}: {facts}");
        assert!(!facts.message.is_empty() && !facts.message.contains("{\""), "{name}: {facts}");
    }
    let mut named: Vec<&str> = table.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(named, GOLDEN.inputs("error", ".json"));
}

#[test]
fn an_error_under_200_has_the_status_that_it_stands_for() {
    let table = [
        ("openai_context", 400),
        ("openai_quota", 429),
        ("openai_throttle", 429),
        ("openai_overloaded", 503),
        ("openai_model", 400),
        ("openai_key", 400),
        ("vllm_flat", 400),
        ("openrouter_number", 402),
        ("openrouter_overloaded", 503),
        ("openrouter_context", 400),
        ("ollama_text", 500),
    ];
    for (name, status) in table {
        assert_eq!(ErrorFacts::in_band(&GOLDEN.read("error", &format!("{name}.json"))).status, status, "{name}");
    }
}

/// Case 46: whose fault it is decides what follows, and some vendors' statuses blame the wrong one.
#[test]
fn a_status_that_blames_somebody_else_is_set_right() {
    let groq = |code: &str| {
        json!({"error": {"message": "Failed to call a function.", "type": "invalid_request_error", "code": code,
            "failed_generation": "<function=x>"}})
    };
    let flagged = json!({"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["violence"],
        "flagged_input": "x", "provider_name": "OpenAI"}}});
    let policy =
        json!({"error": {"code": 403, "message": "no", "metadata": {"error_type": "content_policy_violation"}}});
    let table = [
        (400, groq("tool_use_failed"), 502),
        (400, groq("json_validate_failed"), 502),
        (400, groq("invalid_value"), 400),
        (403, flagged, 400),
        (403, policy, 400),
        (403, json!({"error": {"code": 403, "message": "Key disabled"}}), 403),
    ];
    for (status, body, meant) in table {
        let body = body.to_string();
        assert_eq!(ErrorFacts::from_response(status, body.as_bytes()).status, meant, "{body}");
        assert_eq!(ErrorFacts::in_band(body.as_bytes()).status, meant, "{body}");
    }
    let plain = ErrorFacts::from_response(500, groq("tool_use_failed").to_string().as_bytes());
    assert_eq!(plain.status, 500);
}

/// Case 62: relays pass on the text alone, and OpenRouter tells in the body when its limit is lifted.
#[test]
fn a_throttle_may_say_in_its_text_how_long_it_lasts() {
    let wait = |status: u16, message: &str| {
        let body = json!({"error": {"message": message, "type": "tokens"}}).to_string();
        let stated = ErrorFacts::stated(status, String::new(), message.to_owned()).retry_after;
        let read = ErrorFacts::from_response(status, body.as_bytes()).retry_after;
        assert_eq!(stated, read, "{message}");
        read.map(|wait| wait.as_secs_f64())
    };
    assert_eq!(wait(429, "Limit 30000, Used 30000. Please try again in 7m12s. Visit x"), Some(432.0));
    assert_eq!(wait(429, "Please try again in 2.4s."), Some(2.4));
    assert_eq!(wait(429, "Please try again in 20ms."), Some(0.02));
    assert_eq!(wait(429, "exceeded token rate limit. Please retry after 26 seconds."), Some(26.0));
    assert_eq!(wait(429, "Retry after 1 minute, please"), Some(60.0));
    assert_eq!(wait(429, "Retry after 2 minutes, please"), Some(120.0));
    assert_eq!(wait(429, "Please retry after some time, or try again in 5s"), Some(5.0));
    assert_eq!(wait(429, "try again in 1e300 hours"), Some(366.0 * 86_400.0));
    for nothing in ["try again in ", "try again in a minute", "try again in -", "retry in é", "slow down"] {
        assert_eq!(wait(429, nothing), None, "{nothing}");
    }
    assert_eq!(wait(500, "Please try again in 20 seconds"), None);
    let openrouter = |remaining: &str| {
        let body = json!({"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429, "metadata": {
            "headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "1790000007000"}}}});
        ErrorFacts::from_response(429, body.to_string().as_bytes()).regain_at
    };
    assert_eq!(openrouter("0"), Some(Duration::from_secs(1_790_000_007)));
    assert_eq!(openrouter("3"), None);
}

/// Case 57: a prompt that is too long is told to Anthropic's clients in the words on which they compact.
#[test]
fn a_context_that_is_too_long_is_told_in_the_words_that_clients_know() {
    let table = [
        ("openai_context", "prompt is too long: 130000 tokens > 128000 maximum"),
        ("vllm_flat", "prompt is too long: This model's maximum context length is 4096 tokens."),
        ("kimi_context", "prompt is too long: Invalid request: Your request exceeded model token limit: 131072"),
        ("llamacpp_context", "prompt is too long: the request exceeds the available context size, try increasing it"),
    ];
    for (name, expected) in table {
        let facts = ErrorFacts::from_response(400, &GOLDEN.read("error", &format!("{name}.json")));
        assert_eq!(error_message(facts.topic, &facts.message), expected, "{name}");
    }
}

/// Case 62: every way to say how long to wait.
#[test]
fn waits_are_read_in_every_form_and_bounded() {
    const NOW: Duration = Duration::from_secs(1_790_000_000);
    let wait = |name: &'static str, value: &'static str| {
        retry_after(&|asked| (asked == name).then_some(value), NOW).map(|wait| wait.as_secs_f64())
    };
    assert_eq!(wait("retry-after", "20"), Some(20.0));
    assert_eq!(wait("retry-after", "0.5"), Some(0.5));
    assert_eq!(wait("retry-after-ms", "1500"), Some(1.5));
    assert_eq!(wait("retry-after", "-3"), Some(0.0));
    assert_eq!(wait("retry-after", "36000"), Some(36_000.0));
    assert_eq!(wait("retry-after", "1e300"), Some(366.0 * 86_400.0));
    assert_eq!(wait("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT"), Some(30.0));
    assert_eq!(wait("retry-after", "Mon, 21 Sep 2020 14:13:50 GMT"), Some(0.0));
    assert_eq!(wait("retry-after", "soon"), None);
    assert_eq!(wait("retry-after", "6m0s"), Some(360.0));
    assert_eq!(wait("x", "1"), None);
    let plain = |reset: &'static str| {
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
        let wait = retry_after(&|asked| headers.iter().find(|(name, _)| *name == asked).map(|(_, value)| *value), NOW);
        wait.map(|wait| wait.as_secs())
    };
    assert_eq!((plain("1790000007000"), plain("1790000007"), plain("60")), (Some(7), Some(7), None));
    let limits = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")];
    let said = rate_limits(&|asked| limits.iter().find(|(name, _)| *name == asked).map(|(_, value)| *value), NOW);
    assert_eq!(said.tokens.map(|tokens| (tokens.remaining, tokens.reset)), Some((0, Duration::from_secs(360))));
}

#[test]
fn the_base_holds_its_version_and_a_bare_host_gets_one() {
    for (base, url) in [
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        ),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        (
            "https://a.openai.azure.com/openai/v1?api-version=preview",
            "https://a.openai.azure.com/openai/v1/chat/completions?api-version=preview",
        ),
    ] {
        assert_eq!(chat_url(base), url);
        assert_eq!(models_url(base), url.replace("/chat/completions", "/models"));
    }
}
