//! What is known of a model holds in whatever dialect a request is written.

use serde_json::{Value, json};

use super::*;
use crate::anthropic::canon::decode_request;
use crate::canon::{Json, Losses, Request, Unfit};
use crate::openai::Vendor;
use crate::{anthropic, gemini, openai, responses};

fn request() -> Request {
    let body = json!({
        "model": "m", "max_tokens": 9000, "temperature": 0.5, "top_p": 0.9, "metadata": {"user_id": "u"},
        "thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}, "stop_sequences": ["x"],
        "messages": [{"role": "user", "content": "one two three four"}],
    });
    let mut request = decode_request(body.to_string().as_bytes()).unwrap();
    request.others = vec![("prompt_cache_key".to_owned(), Json::from_text("\"k\"".to_owned()).unwrap())];
    request
}

/// The request in each dialect, with its losses.
fn written(known: &Capabilities) -> [Result<(Value, Vec<String>), Unfit>; 4] {
    let request = request();
    let read = |body: &[u8], losses: &Losses| {
        (serde_json::from_slice(body).unwrap(), losses.iter().map(ToString::to_string).collect())
    };
    let mut losses = [(); 4].map(|()| Losses::new());
    let [first, second, third, fourth] = &mut losses;
    let traits = Vendor::Unknown.traits();
    [
        anthropic::canon::encode_request(&request, known, "m", first).map(|body| read(&body, first)),
        openai::encode_request(&request, &traits, known, "m", second).map(|sent| read(&sent.body, second)),
        responses::encode_request(&request, known, "m", third).map(|sent| read(&sent.body, third)),
        gemini::encode_request(&request, known, "gemini-3-pro", fourth).map(|sent| read(&sent.body, fourth)),
    ]
}

#[test]
fn no_encoder_writes_what_is_refused_and_all_name_it() {
    let members = [Member::TopP, Member::User, Member::PromptCacheKey];
    let known = Capabilities {
        max_output: Some(5_000),
        thinking: Some(Thinks::Adaptive),
        refused: Refused::these(&members),
        stop: Some(false),
        ..Default::default()
    };
    for (at, sent) in written(&known).into_iter().enumerate() {
        let (body, losses) = sent.unwrap();
        let text = body.to_string();
        for name in ["top_p", "topP", "user_id", "safety_identifier", "prompt_cache_key", "stop_sequences", "\"stop\""]
        {
            assert!(!text.contains(name), "{at} {name}: {text}");
        }
        assert!(text.contains("5000"), "{at}: {text}");
        for lost in ["top_p: dropped", "prompt_cache_key: dropped", "max_tokens: clamped to 5000"] {
            assert!(losses.iter().any(|loss| loss == lost), "{at} {lost}: {losses:?}");
        }
        for lost in ["stop", "user"] {
            assert!(losses.iter().any(|loss| loss.contains(lost)), "{at} {lost}: {losses:?}");
        }
    }
}

#[test]
fn no_encoder_writes_an_effort_that_the_model_does_not_know() {
    let efforts = Efforts::these([Effort::Low, Effort::High]);
    let known = Capabilities { thinking: Some(Thinks::Adaptive), efforts: Some(efforts), ..Default::default() };
    let [anthropic, openai, responses, _] = written(&known).map(|sent| sent.unwrap().0);
    assert_eq!(anthropic["output_config"]["effort"], "high");
    assert_eq!(openai["reasoning_effort"], "high");
    assert_eq!(responses["reasoning"]["effort"], "high");
    let untold = Capabilities { effort: Some(false), ..known };
    for sent in written(&untold) {
        let (body, losses) = sent.unwrap();
        assert!(!body.to_string().contains("\"high\""), "{body}");
        assert!(losses.iter().any(|loss| loss.contains("effort")), "{losses:?}");
    }
}

#[test]
fn no_encoder_writes_a_prompt_that_the_model_has_no_room_for() {
    let small = Capabilities { context: Some(3), ..Default::default() };
    for sent in written(&small) {
        let refused = sent.unwrap_err();
        assert!(refused.is_too_long());
        assert_eq!(refused.to_string(), "messages: prompt is too long: 4 tokens > 3 maximum");
    }
    let enough = Capabilities { context: Some(4), ..Default::default() };
    assert!(written(&enough).iter().all(Result::is_ok));
}
