//! Decides what an error is about where its code, type or text says more than its status.
//!
//! One table, asked in the order of trust: code, then type, then text ("wording can change", as the
//! provider says of its texts). Texts of Chinese relays are among the most common of all.
//! A topic is a fact; whom it charges and what follows is policy.

/// What an error body is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Topic {
    /// Nothing that the status does not say.
    #[default]
    None,
    /// Money or quota is spent; waiting seconds will not help.
    Quota,
    /// The conversation does not fit the model.
    ContextTooLong,
    /// The provider does not serve this model.
    ModelMissing,
    /// Too much load at the provider, whoever asks.
    Overloaded,
    /// The credential may not do this, or not from here.
    Permission,
}

/// Codes, and types that relays use like codes.
const WORDS: &[(&str, Topic)] = &[
    ("enforced_spend_limit_reached", Topic::Quota),
    ("contract_spend_limit_reached", Topic::Quota),
    ("linked_organization_billing_unavailable", Topic::Quota),
    ("linked_organization_spend_limit_reached", Topic::Quota),
    ("billing_error", Topic::Quota),
    ("billing_hard_limit_reached", Topic::Quota),
    ("billing_not_active", Topic::Quota),
    ("payment_required", Topic::Quota),
    ("insufficient_quota", Topic::Quota),
    ("insufficient_user_quota", Topic::Quota),
    ("insufficient_balance", Topic::Quota),
    ("pre_consume_token_quota_failed", Topic::Quota),
    ("credit_balance_exhausted", Topic::Quota),
    ("organization_spend_limit_exceeded", Topic::Quota),
    ("project_spend_limit_exceeded", Topic::Quota),
    ("organization_usage_limit_exceeded", Topic::Quota),
    ("context_length_exceeded", Topic::ContextTooLong),
    ("token_limit_exceeded", Topic::ContextTooLong),
    ("string_too_long", Topic::ContextTooLong),
    ("model_not_found", Topic::ModelMissing),
    ("DeploymentNotFound", Topic::ModelMissing),
    ("overloaded_error", Topic::Overloaded),
    ("server_is_overloaded", Topic::Overloaded),
    ("provider_overloaded", Topic::Overloaded),
    ("compaction_unavailable", Topic::Overloaded),
    ("organization_on_hold", Topic::Permission),
    ("user_profile_billing_not_authorized", Topic::Permission),
    ("user_profile_not_billable", Topic::Permission),
    ("permission_error", Topic::Permission),
    ("permission_denied", Topic::Permission),
    ("UNAVAILABLE", Topic::Overloaded),
    ("FAILED_PRECONDITION", Topic::Permission),
    ("PUP_LIMITED_DISABLED", Topic::Permission),
];

/// Codes that name something else than the model as missing, or a throttle: the text must not overrule them.
const PLAIN: &[&str] = &[
    "file_expired",
    "thread_not_found",
    "storage_quota_exceeded",
    "ramp_limit_exceeded",
    "rate_limit_exceeded",
    "slow_down",
];

/// Texts, in lower case. The first that occurs decides.
const TEXTS: &[(&str, Topic)] = &[
    ("prompt is too long", Topic::ContextTooLong),
    ("exceed context limit", Topic::ContextTooLong),
    ("maximum context length", Topic::ContextTooLong),
    ("exceeds the maximum number of tokens", Topic::ContextTooLong),
    ("context_length_exceeded", Topic::ContextTooLong),
    ("exceeds the available context size", Topic::ContextTooLong),
    ("exceeds the context window", Topic::ContextTooLong),
    ("exceeded model token limit", Topic::ContextTooLong),
    ("range of input length should be", Topic::ContextTooLong),
    ("please reduce the length of the messages", Topic::ContextTooLong),
    ("you have reached your specified api usage limits", Topic::Quota),
    ("credit balance is too low", Topic::Quota),
    ("insufficient_quota", Topic::Quota),
    ("insufficient_user_quota", Topic::Quota),
    ("exceeded your current quota", Topic::Quota),
    ("insufficient quota", Topic::Quota),
    ("insufficient balance", Topic::Quota),
    ("insufficient credit", Topic::Quota),
    ("quota is not enough", Topic::Quota),
    ("spend limit reached", Topic::Quota),
    ("credits are depleted", Topic::Quota),
    ("spending cap", Topic::Quota),
    ("余额", Topic::Quota),
    ("额度", Topic::Quota),
    ("欠费", Topic::Quota),
    ("配额不足", Topic::Quota),
    ("配额已用", Topic::Quota),
    ("无可用渠道", Topic::ModelMissing),
    ("no available channel", Topic::ModelMissing),
    ("模型不存在", Topic::ModelMissing),
    ("不支持该模型", Topic::ModelMissing),
    ("不支持的模型", Topic::ModelMissing),
    ("model is not supported", Topic::ModelMissing),
    ("model not supported", Topic::ModelMissing),
    ("unsupported model", Topic::ModelMissing),
    ("unknown model", Topic::ModelMissing),
    ("no such model", Topic::ModelMissing),
    ("负载已饱和", Topic::Overloaded),
    ("负载过高", Topic::Overloaded),
    ("overloaded", Topic::Overloaded),
    ("at capacity", Topic::Overloaded),
    ("organization has been disabled", Topic::Permission),
    ("not available in your region", Topic::Permission),
    ("not available in your country", Topic::Permission),
    ("location is not supported", Topic::Permission),
    ("country, region, or territory not supported", Topic::Permission),
];

/// Farthest distance, in bytes, from the word "model" to "not found": a name lies between, not a story.
const MODEL_NAME_ROOM: usize = 120;

/// The topic of an error.
pub(crate) fn of(status: u16, code: Option<&str>, kind: Option<&str>, message: &str) -> Topic {
    for word in [code, kind].into_iter().flatten() {
        if PLAIN.contains(&word) {
            return Topic::None;
        }
        if let Some(&(_, topic)) = WORDS.iter().find(|(known, _)| *known == word) {
            return topic;
        }
    }
    let message = message.to_lowercase();
    if let Some(&(_, topic)) = TEXTS.iter().find(|(text, _)| message.contains(text)) {
        return topic;
    }
    // Refused keys, throttles and overloads speak of models too, but not of missing ones.
    if matches!(status, 400 | 403 | 404 | 422 | 500) && names_missing_model(status, &message) {
        return Topic::ModelMissing;
    }
    match status {
        402 => Topic::Quota,
        529 => Topic::Overloaded,
        _ => Topic::None,
    }
}

/// Whether a text in lower case says that a model is missing: "model: NAME" under 404, as Anthropic
/// writes, or "model NAME not found" in that order. "x is not supported by this model" is no such text.
fn names_missing_model(status: u16, message: &str) -> bool {
    if status == 404 && message.starts_with("model:") {
        return true;
    }
    message.match_indices("model").any(|(at, word)| {
        let after = &message[at + word.len()..];
        ["not found", "not exist", "not available", "no access", "not have access"]
            .iter()
            .any(|text| after.find(text).is_some_and(|distance| distance <= MODEL_NAME_ROOM))
    })
}
