//! The lessons themselves, by what was refused.

use super::*;

/// Case 25: sampling, and other members that steer.
#[test]
fn members_that_are_not_taken_are_learned() {
    let no_sampling = known(|known| known.sampling = Some(false));
    let no_stop = known(|known| known.stop = Some(false));
    let unsupported = "unsupported_parameter";
    teaches(&[
        (
            openai(
                "Unsupported parameter: 'temperature' is not supported with this model.",
                "temperature",
                unsupported,
            ),
            no_sampling,
        ),
        (
            openai(
                "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
                "temperature",
                "unsupported_value",
            ),
            no_sampling,
        ),
        (anthropic("`temperature` is deprecated for this model."), no_sampling),
        (anthropic("temperature: Extra inputs are not permitted"), no_sampling),
        (
            anthropic("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
            without(Member::TopP),
        ),
        (
            openai("Unsupported parameter: 'top_p' is not supported with this model.", "top_p", unsupported),
            without(Member::TopP),
        ),
        (text("Unknown name \"topK\" at 'generation_config': Cannot find field."), without(Member::TopK)),
        (openai("Unsupported parameter: 'stop' is not supported with this model.", "stop", unsupported), no_stop),
        (text("Argument not supported on this model: presencePenalty"), without(Member::PresencePenalty)),
        (openai("Unrecognized request argument supplied: seed", "seed", "unknown_parameter"), without(Member::Seed)),
        (
            openai("Unknown parameter: 'prompt_cache_key'.", "prompt_cache_key", "unknown_parameter"),
            without(Member::PromptCacheKey),
        ),
        (
            openai("Unknown parameter: 'safety_identifier'.", "safety_identifier", "unknown_parameter"),
            without(Member::User),
        ),
        (fastapi(&["body", "stream_options"], "Extra inputs are not permitted"), without(Member::StreamOptions)),
        (
            text("Extra inputs are not permitted, field: 'stream_options', value: {'include_usage': True}"),
            without(Member::StreamOptions),
        ),
        (text("Validation error at #/stream_options: Extra inputs are not permitted"), without(Member::StreamOptions)),
        (
            anthropic("system.1.cache_control.ephemeral.ttl: Extra inputs are not permitted"),
            without(Member::CacheControl),
        ),
    ]);
}

/// Case 23: the length of the answer, and what its limit is called.
#[test]
fn limits_of_answers_are_learned() {
    let most = |tokens| known(|known| known.max_output = Some(tokens));
    teaches(&[
        (
            openai(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                "max_tokens",
                "unsupported_parameter",
            ),
            known(|known| known.max_completion_tokens = Some(true)),
        ),
        (
            fastapi(&["body", "max_completion_tokens"], "Extra inputs are not permitted"),
            known(|known| known.max_completion_tokens = Some(false)),
        ),
        (
            anthropic(
                "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-opus-4-5-20251101",
            ),
            most(64_000),
        ),
        (
            openai(
                "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
                "max_tokens",
                "invalid_value",
            ),
            most(16_384),
        ),
        (text("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), most(8_192)),
        (
            text(
                "`max_tokens` must be less than or equal to `32,768`, the maximum value for `max_tokens` is less than the `context_window` for this model",
            ),
            most(32_768),
        ),
        (text("<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 65536]"), most(65_536)),
    ]);
    let body = text("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]");
    let how = ask(400, &body, &everything(), &Capabilities::UNKNOWN).unwrap().loss.to_string();
    assert_eq!(how, "max_tokens: clamped to 8192 in a repeat, for the provider gives no more");
    assert_eq!(ask(400, &body, &bare(), &Capabilities::UNKNOWN), None, "a hundred are not too many");
}

/// Case 26: a tool that is forced where none can be.
#[test]
fn what_can_be_said_of_tools_is_learned() {
    let thinking = known(|known| known.forced_tools = Some(Forced::WithoutThinking));
    let never = known(|known| known.forced_tools = Some(Forced::No));
    let no_tools = known(|known| known.tools = Some(false));
    let strict = known(|known| known.strict_tools = Some(false));
    teaches(&[
        (anthropic("Thinking may not be enabled when tool_choice forces tool use."), thinking),
        (text("Thinking mode does not support this tool_choice"), thinking),
        (text("tool_choice 'specified' is incompatible with thinking enabled"), thinking),
        (
            text(
                "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to required or object in thinking mode",
            ),
            thinking,
        ),
        (text("deepseek-reasoner does not support this tool_choice"), never),
        (anthropic("tool_choice: forced tool use is not supported for this model; use `auto` or `none`."), never),
        (
            openai(
                "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.",
                "parallel_tool_calls",
                "unsupported_parameter",
            ),
            known(|known| known.parallel_tools = Some(false)),
        ),
        (anthropic("tools.0.custom.strict: Extra inputs are not permitted"), strict),
        (
            openai("Unknown parameter: 'tools[0].function.strict'.", "tools[0].function.strict", "unknown_parameter"),
            strict,
        ),
        (text("registry.ollama.ai/library/gemma3:latest does not support tools"), no_tools),
        (text("\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"), no_tools),
        (
            text(
                "`tools` is not supported in this model. For a list of supported models, please visit our documentation.",
            ),
            no_tools,
        ),
        (fastapi(&["body", "tools"], "Extra inputs are not permitted"), no_tools),
        (
            text(
                "Invalid JSON payload received. Unknown name \"parametersJsonSchema\" at 'tools[0].function_declarations[0]': Cannot find field.",
            ),
            no_tools,
        ),
    ]);
    let refusal = text("Thinking mode does not support this tool_choice");
    assert_eq!(ask(400, &refusal, &everything(), &thinking).map(|repair| repair.learned), Some(never));
    let refusal = text("tool_choice is not supported");
    assert_eq!(
        ask(400, &refusal, &everything(), &never).map(|repair| repair.learned),
        Some(without(Member::ToolChoice))
    );
    let asked = Request { tool_choice: Some(crate::canon::ToolChoice::None), ..everything() };
    let none = ask(400, &refusal, &asked, &Capabilities::UNKNOWN).map(|repair| repair.learned);
    assert_eq!(none, Some(without(Member::NoTool)));
}

/// Case 27: a form of thinking that the model does not have.
#[test]
fn how_a_model_can_be_told_to_think_is_learned() {
    let thinks = |thinks| known(|known| known.thinking = Some(thinks));
    let untold = known(|known| known.effort = Some(false));
    let efforts = |list: &[Effort]| known(|known| known.efforts = Some(Efforts::these(list.iter().copied())));
    let three = efforts(&[Effort::Low, Effort::Medium, Effort::High]);
    let unknown = "unknown_parameter";
    teaches(&[
        (anthropic("\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."), thinks(Thinks::Adaptive)),
        (anthropic("adaptive thinking is not supported on this model"), thinks(Thinks::Budget)),
        (json!({"detail": [{"type": "literal_error", "loc": ["body", "thinking", "type"], "msg": "Input should be 'enabled' or 'disabled'", "input": "adaptive"}]}).to_string(), thinks(Thinks::Budget)),
        (text("\"some-model\" does not support thinking"), thinks(Thinks::Never)),
        (anthropic("\"thinking.type.disabled\" is not supported for this model."), thinks(Thinks::Always)),
        (anthropic("\"thinking.type.disabled\" is not supported for this model. Use \"thinking.type.between_tools\"."), thinks(Thinks::BetweenTools)),
        (text("Validation: Unsupported parameter(s): `thinking`"), thinks(Thinks::Never)),
        (openai("Unknown parameter: 'reasoning'.", "reasoning", unknown), thinks(Thinks::Never)),
        (openai("Your organization must be verified to generate reasoning summaries. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.", "reasoning.summary", "unsupported_value"), without(Member::ReasoningSummary)),
        (openai("Unrecognized request argument supplied: enable_thinking", "enable_thinking", unknown), thinks(Thinks::Never)),
        (openai("Unrecognized request argument supplied: reasoning_effort", "", ""), untold),
        (openai("Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use /v1/responses instead.", "reasoning_effort", ""), untold),
        (openai("Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are: 'low', 'medium', and 'high'.", "reasoning_effort", "unsupported_value"), three),
        (text("`reasoning_effort` must be one of `low`, `medium`, or `high`"), three),
        (anthropic("output_config.effort: Input should be 'low', 'medium' or 'high'"), three),
        (anthropic("output_config.effort: Extra inputs are not permitted"), untold),
    ]);
}

/// Case 1, 10, 24: roles, thinking that has to come back, and words to go on with.
#[test]
fn how_a_conversation_has_to_be_put_is_learned() {
    let mid = known(|known| known.mid_system = Some(false));
    let prefill = known(|known| known.prefill = Some(false));
    let back = known(|known| known.needs_thinking = Some(true));
    let system = known(|known| known.developer_role = Some(false));
    teaches(&[
        (text("System message must be at the beginning."), mid),
        (text("Chat template error: System message must be at the beginning."), mid),
        (
            anthropic(
                "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.",
            ),
            mid,
        ),
        (anthropic("messages.1.role: Input should be 'user' or 'assistant'"), mid),
        (text("Conversation roles must alternate user/assistant/user/assistant/..."), mid),
        (
            openai(
                "Invalid value: 'developer'. Supported values are: 'system', 'assistant', 'user', 'function', and 'tool'.",
                "messages[0].role",
                "invalid_value",
            ),
            system,
        ),
        (
            text(
                "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`",
            ),
            system,
        ),
        (
            openai(
                "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                "messages[0].role",
                "unsupported_value",
            ),
            known(|known| known.developer_role = Some(true)),
        ),
        (
            anthropic(
                "This model does not support assistant message prefill. The conversation must end with a user message.",
            ),
            prefill,
        ),
        (
            text("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
            prefill,
        ),
        (text("Cannot set `add_generation_prompt` to True when the last message is from the assistant."), prefill),
        (text("The `reasoning_content` in the thinking mode must be passed back to the API."), back),
        (text("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"), back),
        (
            text(
                "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
            ),
            without(Member::Reasoning),
        ),
    ]);
}

/// Case 28: what a model does not read.
#[test]
fn what_a_model_does_not_read_is_learned() {
    let blind = known(|known| known.images = Some(false));
    teaches(&[
        (text("This model does not support image input"), blind),
        (text("some-model is not a multimodal model"), blind),
        (
            text(
                "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text`",
            ),
            blind,
        ),
        (
            openai(
                "Invalid content type. image_url is only supported by certain models.",
                "messages.[0].content.[0].type",
                "",
            ),
            blind,
        ),
        (text("This model does not support PDF input."), known(|known| known.documents = Some(false))),
    ]);
    let routed = json!({"error": {"message": "No endpoints found that support image input", "code": 404}}).to_string();
    assert_eq!(ask(404, &routed, &everything(), &Capabilities::UNKNOWN).map(|repair| repair.learned), Some(blind));
    let routed = json!({"error": {"message": "No endpoints found that support tool use. To learn more about provider routing, visit the docs", "code": 404}}).to_string();
    assert_eq!(ask(404, &routed, &everything(), &Capabilities::UNKNOWN).unwrap().learned.tools, Some(false));
}

#[test]
fn forms_of_answers_are_given_up_one_after_the_other() {
    let refusal = openai(
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        "response_format",
        "",
    );
    let first = known(|known| known.schemas = Some(false));
    let learned = |known| ask(400, &refusal, &everything(), known).map(|repair| repair.learned);
    assert_eq!(learned(&Capabilities::UNKNOWN), Some(first));
    assert_eq!(learned(&first), Some(without(Member::ResponseFormat)));
    assert_eq!(learned(&without(Member::ResponseFormat).or(&first)), None);
    let google = text(
        "Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field.",
    );
    assert_eq!(ask(400, &google, &everything(), &Capabilities::UNKNOWN).unwrap().learned, first);
}
