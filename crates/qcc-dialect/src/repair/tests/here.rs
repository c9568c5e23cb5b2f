//! What is put better for one request alone, and learned of nobody.

use super::*;

/// Cases 10 and 14: thinking that the account which is asked has not signed goes missing, once.
#[test]
fn thinking_that_a_provider_does_not_know_as_its_own_is_left_out_of_a_repeat() {
    for said in [
        anthropic("messages.1.content.0: Invalid `signature` in `thinking` block"),
        anthropic(
            "messages.3.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.",
        ),
        text("Corrupted thought signature."),
        openai("The encrypted content gAAA...DQ== could not be verified.", "", "invalid_encrypted_content"),
        openai("Item 'rs_1' of type 'reasoning' was provided without its required following item.", "input", ""),
    ] {
        let repair = ask(400, &said, &everything(), &Capabilities::UNKNOWN).expect(&said);
        assert_eq!((repair.here, repair.learned), (without(Member::Reasoning), Capabilities::UNKNOWN), "{said}");
        assert_eq!(ask(400, &said, &everything(), &repair.here), None, "{said}");
        assert_eq!(ask(400, &said, &bare(), &Capabilities::UNKNOWN), None, "{said}");
    }
}

/// Case 57: an answer whose limit alone is too much is asked for again with what room there is, and nothing is learned.
#[test]
fn an_answer_gives_way_to_the_prompt_where_both_together_are_too_long() {
    let asked = |max_tokens: u64| Request { max_tokens: Some(max_tokens), ..bare() };
    let table = [
        (
            "This model's maximum context length is 32768 tokens. However, you requested 37000 tokens (5000 in the messages, 32000 in the completion). Please reduce the length of the messages or completion.",
            32_000,
            32_768 - 5_000 - 128,
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens and your request has 5000 input tokens (32000 > 32768 - 5000).",
            32_000,
            32_768 - 5_000 - 128,
        ),
        (
            "Requested token count exceeds the model's maximum context length of 32768 tokens. You requested a total of 37000 tokens: 5000 tokens from the input messages and 32000 tokens for the completion.",
            32_000,
            32_768 - 5_000 - 128,
        ),
        (
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 150000 tokens (100000 of text input, 18000 of tool input, 32000 in the output).",
            32_000,
            131_072 - 118_000 - 512,
        ),
        (
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again",
            21_333,
            200_000 - 188_240 - 781,
        ),
    ];
    for (said, sent, room) in table {
        let repair = ask(400, &text(said), &asked(sent), &Capabilities::UNKNOWN).expect(said);
        assert_eq!((repair.here.max_output, repair.learned), (Some(room), Capabilities::UNKNOWN), "{said}");
        assert!(repair.loss.how.ends_with("the prompt leaves no more room"), "{}", repair.loss);
        assert_eq!(ask(400, &text(said), &asked(sent), &repair.here), None, "it is done once: {said}");
        let clamped = known(|known| known.max_output = Some(sent));
        assert_eq!(ask(400, &text(said), &asked(1_000_000), &clamped).unwrap().here, repair.here, "{said}");
    }
    for (said, sent) in [
        ("prompt is too long: 210000 tokens > 200000 maximum", 32_000),
        (
            "This model's maximum context length is 32768 tokens. However, you requested 72000 tokens (40000 in the messages, 32000 in the completion).",
            32_000,
        ),
        (
            "This model's maximum context length is 32768 tokens. However, you requested 63000 tokens (31000 in the messages, 32000 in the completion).",
            32_000,
        ),
        (
            "This model's maximum context length is 32768 tokens. However, your messages resulted in 40000 tokens.",
            32_000,
        ),
        ("maximum context length is", 32_000),
        ("context", 0),
    ] {
        assert_eq!(ask(400, &text(said), &asked(sent), &Capabilities::UNKNOWN), None, "{said}");
    }
}
