//! The one seam between what was seen on the wire and what policy knows: configuration, transport and dialect on one
//! side, outcomes on the other. Nothing is decided here.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use qcc_config::{Auth, Config, Limits, Profile, Provider, RouteTarget, Settings, Tier};
use qcc_dialect::anthropic::head;
use qcc_dialect::asker::Asker;
use qcc_dialect::canon::BadRequest;
use qcc_dialect::error::{self, ErrorFacts};
use qcc_dialect::{limits, wait};
use qcc_policy::affinity::AffinitySettings;
use qcc_policy::breaker;
use qcc_policy::engine::EngineSettings;
use qcc_policy::plan::{PlanCandidate, PlanEndpoint, PlanProfile, PlanProvider, PlanRoute, PlanTarget};
use qcc_policy::{Announced, Caps, Counter, FailbackSettings, HealthSettings, ProbeSettings, Strategy, Unified};
use qcc_policy::{Failure, Final, Outcome, Phase, PlanInput, ProviderId, Refusal, Router, Topic};

use crate::attempt::{Answer, Fault};
use crate::outside;
use crate::rescue::Failed;
use crate::upstream::connect::{ConnectTimeout, causes};
use crate::upstream::credential::{Barred, connection_listed, is_hop_by_hop};
use crate::upstream::{SendError, Upstream};

/// The plan for every model, from the configuration and the place of the pinned profile. Only providers that can be
/// called take part.
pub(crate) fn router(config: &Config, upstreams: &[std::sync::Arc<Upstream>], pinned: Option<usize>) -> Router {
    let callable: Vec<_> = upstreams.iter().map(|upstream| (upstream.name(), upstream.id)).collect();
    router_of(config, &callable, pinned)
}

/// The same without connections. `callable`: who can be called, in file order, with the number that stands for it.
pub(crate) fn router_of(config: &Config, callable: &[(&str, ProviderId)], pinned: Option<usize>) -> Router {
    let ids: HashMap<&str, ProviderId> = callable.iter().copied().collect();
    let places: HashMap<&str, usize> =
        config.profiles.iter().enumerate().map(|(place, profile)| (profile.name.as_str(), place)).collect();
    let endpoint = |endpoint: &qcc_config::Endpoint| {
        let provider = *ids.get(endpoint.provider.as_str())?;
        Some(PlanEndpoint { provider, priority: endpoint.priority, weight: endpoint.weight, enabled: endpoint.enabled })
    };
    let target = |target: &RouteTarget| match target {
        RouteTarget::Provider(name) => ids.get(name.as_str()).map(|id| PlanTarget::Provider(*id)),
        RouteTarget::Profile(name) => places.get(name.as_str()).map(|place| PlanTarget::Profile(*place)),
    };
    let candidate = |line: &qcc_config::RouteCandidate| {
        let model = line.model.as_deref().map(Into::into);
        Some(PlanCandidate { target: target(&line.target)?, model, priority: line.priority })
    };
    Router::new(&PlanInput {
        providers: callable.iter().map(|(_, id)| PlanProvider { id: *id, enabled: true }).collect(),
        profiles: config
            .profiles
            .iter()
            .map(|profile| PlanProfile {
                tier: profile.tier.map(|tier| match tier {
                    Tier::Primary => qcc_policy::plan::Tier::Primary,
                    Tier::Secondary => qcc_policy::plan::Tier::Secondary,
                    Tier::Fallback => qcc_policy::plan::Tier::Fallback,
                }),
                strategy: strategy(profile),
                key: key_of(&profile.name),
                endpoints: profile.endpoints.iter().filter_map(endpoint).collect(),
            })
            .collect(),
        routes: config
            .routes
            .iter()
            .map(|route| PlanRoute {
                glob: route.glob.clone(),
                candidates: route.candidates.iter().filter_map(candidate).collect(),
            })
            .collect(),
        pinned,
        auto: config.settings.failover.auto,
    })
}

/// What of the configuration the engine goes by.
pub(crate) fn engine_settings(settings: &Settings) -> EngineSettings {
    let own = settings.breaker;
    let breaker = breaker::Config {
        failure_threshold: own.failure_threshold,
        window: own.window,
        error_rate: own.error_rate,
        min_requests: own.min_requests,
        success_threshold: own.success_threshold,
        half_open_probes: own.half_open_probes,
        open_initial: own.open_initial,
        multiplier: own.multiplier,
        open_max: own.open_max,
        jitter: own.jitter,
        lease: Duration::ZERO,
    };
    let own = settings.affinity;
    let ttl = if own.enabled { own.ttl } else { Duration::ZERO };
    let qcc_config::FailoverSettings { recovery, cooldown, .. } = settings.failover;
    let affinity = AffinitySettings { ttl, max_sessions: own.max_sessions, recovery };
    let own = &settings.health;
    let health = HealthSettings { weight_adjustment: own.weight_adjustment, min_checks: own.min_checks };
    EngineSettings { breaker, affinity, health, failback: FailbackSettings { recovery, cooldown } }
}

/// When probes run. Without free ones there are none at all: who switches them off does not want to pay for others.
pub(crate) fn probe_settings(settings: &Settings) -> ProbeSettings {
    let own = &settings.health;
    let is_off = own.interval.is_zero();
    // A list of models, the conversation, and some time to spare.
    let lease = own.timeout.map_or(PROBE_LEASE, |timeout| timeout + PROBE_SPARE);
    ProbeSettings {
        interval: own.interval,
        conversation_interval: if is_off { Duration::ZERO } else { own.conversation_interval },
        daily_limit: own.daily_limit,
        lease,
    }
}

/// A probe that nothing else bounds is given up after this time.
const PROBE_LEASE: Duration = Duration::from_mins(10);

/// What a probe may take beside `health.timeout`.
const PROBE_SPARE: Duration = Duration::from_secs(15);

/// A provider's own limits.
pub(crate) fn caps(provider: &Provider) -> Caps {
    let Limits { rpm, tpm, concurrency } = provider.limits;
    Caps { rpm, tpm, concurrency }
}

/// A number for the host of an address: providers on one host may share its load.
pub(crate) fn host_of(provider: &Provider) -> u64 {
    let address = provider.base_url.parse::<http::Uri>().ok();
    let host = address.as_ref().and_then(http::Uri::host).unwrap_or(&provider.base_url);
    let mut hasher = DefaultHasher::new();
    host.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// What the headers of an answer say of the limits of the credential that was used, if anything.
pub(crate) fn announced(headers: &HeaderMap) -> Option<Announced> {
    if !headers.keys().any(|name| head::is_limit(name.as_str())) {
        return None;
    }
    let now = outside::unix_time();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let said = limits::rate_limits(&header, now);
    let counter =
        |counter: limits::Counter| Counter { limit: counter.limit, remaining: counter.remaining, reset: counter.reset };
    let window =
        |window: limits::Window| Unified { rejected: window.rejected, overage: window.overage, reset: window.reset };
    Some(Announced {
        requests: said.requests.map(counter),
        tokens: said.tokens.map(counter),
        input_tokens: said.input_tokens.map(counter),
        output_tokens: said.output_tokens.map(counter),
        unified: said.window.map(window),
    })
}

fn strategy(profile: &Profile) -> Strategy {
    match profile.strategy {
        qcc_config::Strategy::Priority => Strategy::Priority,
        qcc_config::Strategy::Weighted => Strategy::Weighted,
        qcc_config::Strategy::RoundRobin => Strategy::RoundRobin,
        qcc_config::Strategy::Random => Strategy::Random,
        qcc_config::Strategy::LeastInflight => Strategy::LeastInflight,
        qcc_config::Strategy::Latency => Strategy::Latency,
    }
}

/// The turns of a profile survive a reload under its name.
fn key_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// No answer's head came.
pub(crate) fn not_sent(error: &SendError) -> Fault {
    let failure = match error {
        SendError::Connect(cause) if cause.is::<ConnectTimeout>() => Failure::Timeout(Phase::Connect),
        SendError::Address(_) | SendError::Connect(_) => Failure::Connect,
        SendError::Exchange(cause) if cause.is_parse() => Failure::NotTheDialect,
        SendError::Idle(_) => Failure::IdleDied,
        SendError::Exchange(_) | SendError::Closed => Failure::DiedBeforeAnswer,
    };
    fault(failure, causes(error))
}

/// An error status, with whatever body came. `translated`: the dialect of the client, where the provider speaks another.
pub(crate) fn refused(parts: Parts, body: Bytes, translated: Option<Asker>) -> Fault {
    let facts = ErrorFacts::from_response(parts.status.as_u16(), &body);
    let now = outside::unix_time();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let retry_after = wait::retry_after(&header, now).or(facts.retry_after);
    let outcome = refusal(&facts, retry_after, now);
    let what = facts.to_string();
    let Some(asker) = translated else {
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        return Fault { outcome, what, answer: Some(answer), said: None };
    };
    let answer = Answer::said_to(asker, &facts);
    Fault { outcome, what, answer: Some(answer), said: Some(Box::new((facts, body))) }
}

/// A request that no provider would take, seen when it was to be put into other words.
pub(crate) fn bad_request(bad: &BadRequest, asker: Asker) -> Fault {
    bad_request_of(bad.to_string(), asker)
}

/// The same for a request of which this is wrong.
pub(crate) fn bad_request_of(what: String, asker: Asker) -> Fault {
    let facts = ErrorFacts::stated(400, "invalid_request_error".to_owned(), what.clone());
    let answer = Answer::said_to(asker, &facts);
    Fault { outcome: Outcome::Refused(Refusal::of(400)), what, answer: Some(answer), said: None }
}

/// An error inside a 200. Where the client has to hear it, it hears the status that it stands for, in the provider's own
/// words: `body` is the event's data, or the whole answer.
pub(crate) fn in_band(facts: &ErrorFacts, mut headers: HeaderMap, body: Bytes) -> Fault {
    let now = outside::unix_time();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = StatusCode::from_u16(facts.status).ok().map(|status| Answer { status, headers, body });
    Fault {
        outcome: refusal(facts, facts.retry_after, now),
        what: format!("an error under status 200: {facts}"),
        answer,
        said: None,
    }
}

/// The same from a provider of another dialect than the client's, which hears it as its own would say it.
pub(crate) fn in_band_to(asker: Asker, facts: &ErrorFacts) -> Fault {
    Fault { answer: Some(Answer::said_to(asker, facts)), ..in_band(facts, HeaderMap::new(), Bytes::new()) }
}

fn refusal(facts: &ErrorFacts, retry_after: Option<Duration>, now: Duration) -> Outcome {
    let topic = match facts.topic {
        error::Topic::None => Topic::None,
        error::Topic::Quota => Topic::Quota,
        error::Topic::ContextTooLong => Topic::ContextTooLong,
        error::Topic::ModelMissing => Topic::ModelMissing,
        error::Topic::Overloaded => Topic::Overloaded,
        error::Topic::Permission => Topic::Permission,
    };
    let until = facts.regain_at.map(|at| at.saturating_sub(now));
    Outcome::Refused(Refusal { status: facts.status, topic, html: facts.html, retry_after, until })
}

fn fault(failure: Failure, what: String) -> Fault {
    Fault { outcome: Outcome::Failed(failure), what, answer: None, said: None }
}

/// What a time-out means, for people.
pub(crate) fn timed_out(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "no connection within timeouts.connect",
        Phase::FirstByte => "no answer within timeouts.first_byte",
        Phase::Idle => "no bytes for timeouts.idle",
        Phase::Stall => "no content for timeouts.stall",
        Phase::Response => "no whole answer within timeouts.response",
        Phase::Total => "no answer within timeouts.total, or the 290 s that clients wait",
        Phase::Patience => "no answer within the little time that was left of what the client waits",
    }
}

/// The final word when no provider can be asked this as it is meant.
pub(crate) fn nobody_can(last: &str) -> Failed {
    Failed::Forbidden(format!(
        "No provider can be asked this: {last}. hint: leave it out of the request, add a provider that can, or set \
         `drop_server_tools` in a provider's capabilities where a tool may be left out"
    ))
}

/// The final word when nobody answered (DESIGN 3.5.10).
pub(crate) fn last_word(end: Final, attempts: u32, last: &str, barred: Option<Barred>, asker: Asker) -> Failed {
    let tried = match attempts {
        0 if last.is_empty() => "no provider could be tried".to_owned(),
        0 => format!("no provider could be tried; {last}"),
        1 => format!("1 attempt failed; {last}"),
        n => format!("{n} attempts failed; the last one: {last}"),
    };
    match end {
        Final::Unavailable => Failed::Unavailable(format!("No provider could answer: {tried}")),
        Final::Deadline => Failed::Unavailable(format!("No provider answered in time: {tried}")),
        Final::Throttled { wait } => {
            Failed::Throttled(format!("Every provider is throttled for another {} s", wait.as_secs().max(1)), wait)
        }
        Final::Forbidden => Failed::Forbidden(format!(
            "Every provider refuses this gateway's credential, has no quota left for it, or cannot be asked this: {tried}. hint: `qcc test` shows \
             which provider needs a new key or credit, `qcc explain` what each of them said"
        )),
        Final::NothingToTry => match barred {
            Some(barred) => no_credential(barred, asker),
            None => Failed::Unavailable(
                "No provider is configured for this model. hint: `qcc config validate` shows what takes part"
                    .to_owned(),
            ),
        },
    }
}

/// The final word when all providers take the client's own credential and there is none for them.
fn no_credential(barred: Barred, asker: Asker) -> Failed {
    let variable = match asker {
        Asker::Anthropic => "ANTHROPIC_API_KEY",
        Asker::OpenAi | Asker::Responses => "OPENAI_API_KEY",
    };
    Failed::Forbidden(match barred {
        Barred::OtherDialect => {
            "No provider can be used for this request: the client's own credential (passthrough) is not sent to providers \
             of another dialect than its own. hint: give the provider a key (auth_value)"
                .to_owned()
        }
        Barred::NoCredential => format!(
            "No provider can be used for this request: it carries no credential of the client's own, which the provider \
             needs (passthrough). hint: set {variable} for the client, or give the provider a key"
        ),
    })
}

/// An answer's headers as they go down.
pub(crate) fn headers_down(headers: &HeaderMap, provider: &Provider) -> HeaderMap {
    let pooled = provider.auth != Auth::Passthrough;
    let listed = connection_listed(headers);
    let mut down = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let private = name == http::header::SET_COOKIE || (pooled && head::is_rate_limit(name.as_str()));
        // What we decoded, we send decoded.
        let ours = is_hop_by_hop(name) || name == http::header::CONTENT_ENCODING || name.as_str().starts_with("x-qcc-");
        if !private && !ours && !listed.contains(name) {
            down.append(name.clone(), value.clone());
        }
    }
    down
}
