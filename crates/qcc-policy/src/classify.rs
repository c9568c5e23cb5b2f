//! Blame: whose fault an outcome is, what follows for the request, and who is charged for it. One table, decided once,
//! so that the log, the cooldowns and the failover can never disagree.
//!
//! The order of evidence: what the body is about, then whether a web page answered, then the status. A page is not the
//! API's word, so a 403 or 404 page is the provider's fault and says nothing about the permission or the model.

use std::fmt;
use std::time::Duration;

use crate::outcome::{Failure, Outcome, Phase, Refusal, Topic};

/// A 429 without a stated wait. Long enough to outlast a per-second limit, short against a per-minute one.
pub const THROTTLE_DEFAULT: Duration = Duration::from_secs(30);
/// The least wait after a 429: `retry-after: 0` would bring the next request into the same limit.
pub const THROTTLE_LEAST: Duration = Duration::from_secs(1);
/// The longest wait that a 429 may ask for; more is a mistake or a quota.
pub const THROTTLE_MOST: Duration = Duration::from_hours(24);
/// A spent quota without a stated date: then it is looked at again.
pub const QUOTA_DEFAULT: Duration = Duration::from_hours(1);
/// The farthest stated return that is believed: monthly limits return within it.
pub const QUOTA_MOST: Duration = Duration::from_hours(31 * 24);
/// A refused credential: after this time one request may find out whether it is accepted again.
pub const CREDENTIAL_RECHECK: Duration = Duration::from_mins(30);
/// A permission that was refused for a model.
pub const PERMISSION_TERM: Duration = Duration::from_mins(10);
/// A model that a provider does not serve. As long as a permission: relays add and remove models while running, and
/// finding out costs one fast, free 404.
pub const MODEL_TERM: Duration = Duration::from_mins(10);

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// Nothing went wrong, or nothing that anybody could have known.
    Nobody,
    /// The request itself: every provider would refuse it, or this one cannot be asked it.
    Request,
    /// The credential was refused.
    Credential,
    /// The credential's quota or money is used up.
    Quota,
    /// The credential may not do this.
    Permission,
    /// The provider does not serve the model.
    Model,
    /// Too many requests: the provider throttles us (429), which is not a failure of it.
    Load,
    /// The provider, or the way to it.
    Provider,
    /// The client left.
    Client,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Request => "request",
            Self::Credential => "credential",
            Self::Quota => "quota",
            Self::Permission => "permission",
            Self::Model => "model",
            Self::Load => "load",
            Self::Provider => "provider",
            Self::Client => "client",
        })
    }
}

/// What follows for the request. After commit nothing can follow: the caller then heeds only the charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Over: the answer went down, or nobody waits for one.
    Finish,
    /// This answer goes down verbatim, at once.
    Answer,
    /// Another candidate may do better.
    Failover {
        /// Whether the same provider may be asked again.
        repeat: Repeat,
    },
}

/// Whether the same provider may be asked again in this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// At once and before any other candidate: the connection died before an answer.
    AtOnce,
    /// When nothing else is left.
    Last,
    /// Not at all: it would take as long, or be refused, again.
    Never,
}

/// How widely a charge counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The provider, for everybody.
    Provider,
    /// The provider with this credential: the pooled one, or one client's own.
    Credential,
    /// The provider with this credential and this model.
    Model,
}

/// Why a provider is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It failed.
    Fault,
    /// It failed with this model, in a way that other models of it may not share.
    ModelFault,
    /// It throttles: out by its own word.
    Throttled,
    /// It is at a limit that the user set, or that it announced. Never charged: the limit itself says so.
    Limited,
    /// Our credential was refused.
    Credential,
    /// The quota of our credential is used up.
    Quota,
    /// The client's own credential was refused or is used up. Unlike ours it may be tried anyway: the refusal is the
    /// client's to hear, and it may have paid since.
    ClientCredential,
    /// It forbids this model.
    Permission,
    /// It does not serve this model.
    ModelMissing,
    /// This request cannot be put to it as it is meant. Never charged: the next one may be put.
    Unfit,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Fault,
        Self::ModelFault,
        Self::Throttled,
        Self::Limited,
        Self::Credential,
        Self::Quota,
        Self::ClientCredential,
        Self::Permission,
        Self::ModelMissing,
        Self::Unfit,
    ];

    /// How widely a charge for this reason counts.
    pub fn scope(self) -> Scope {
        match self {
            Self::Fault | Self::Limited => Scope::Provider,
            Self::Throttled | Self::Credential | Self::Quota | Self::ClientCredential => Scope::Credential,
            // Which models may be used is a matter of the account behind the credential.
            Self::ModelFault | Self::Permission | Self::ModelMissing | Self::Unfit => Scope::Model,
        }
    }

    /// Whether a provider that is out for this may be tried all the same when nothing better is left. Not with a
    /// credential of ours that is refused or empty: the answer is known, and asking on may get an account locked. Nor where
    /// the request cannot be put: there is nothing to send.
    pub fn may_be_tried_anyway(self) -> bool {
        match self {
            Self::Credential | Self::Quota | Self::Limited | Self::Unfit => false,
            Self::Fault
            | Self::ModelFault
            | Self::Throttled
            | Self::ClientCredential
            | Self::Permission
            | Self::ModelMissing => true,
        }
    }

    /// Whether its return is a guess: a breaker's, which time alone opens.
    pub fn is_guess(self) -> bool {
        matches!(self, Self::Fault | Self::ModelFault)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fault => "fault",
            Self::ModelFault => "model_fault",
            Self::Throttled => "throttled",
            Self::Limited => "limited",
            Self::Credential => "credential",
            Self::Quota => "quota",
            Self::ClientCredential => "client_credential",
            Self::Permission => "permission",
            Self::ModelMissing => "model_missing",
            Self::Unfit => "unfit",
        })
    }
}

/// How long a charge lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// As long as the configuration says for a provider's fault (`breaker.open_initial`).
    Configured,
    /// As stated by the provider, or by a constant of this module.
    For(Duration),
}

/// What an outcome costs the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Nothing.
    None,
    /// It is left out.
    Out {
        /// Why; this also says how widely, see [`Reason::scope`].
        reason: Reason,
        /// For how long.
        how_long: Term,
    },
}

impl Charge {
    /// A charge for a fault of the provider.
    pub const FAULT: Self = Self::Out { reason: Reason::Fault, how_long: Term::Configured };
    /// The same for one that may concern the model alone: the provider was there and took the request.
    pub const MODEL_FAULT: Self = Self::Out { reason: Reason::ModelFault, how_long: Term::Configured };

    fn out(reason: Reason, how_long: Duration) -> Self {
        Self::Out { reason, how_long: Term::For(how_long) }
    }
}

/// What we make of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whose fault it is.
    pub blame: Blame,
    /// What follows for the request.
    pub next: Next,
    /// What it costs the provider.
    pub charge: Charge,
}

impl Verdict {
    /// The request itself is at fault: its refusal goes down, nobody is charged.
    pub(crate) const REQUEST: Self = Self { blame: Blame::Request, next: Next::Answer, charge: Charge::None };

    fn finish(blame: Blame) -> Self {
        Self { blame, next: Next::Finish, charge: Charge::None }
    }

    fn fault(repeat: Repeat) -> Self {
        Self { blame: Blame::Provider, next: Next::Failover { repeat }, charge: Charge::FAULT }
    }

    /// The provider was there, and failed at this model, as far as one attempt can tell.
    fn model_fault(repeat: Repeat) -> Self {
        Self { charge: Charge::MODEL_FAULT, ..Self::fault(repeat) }
    }

    fn refused(blame: Blame, charge: Charge) -> Self {
        Self { blame, next: Next::Failover { repeat: Repeat::Never }, charge }
    }
}

/// The kinds of refusal: one row each of the table in [`refused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Credential,
    Quota,
    Permission,
    Model,
    Throttle,
    Fault,
    /// A 5xx of the API itself.
    ModelFault,
    /// A 4xx that says nothing about its cause: the provider's fault until a second provider says the same.
    Unexplained,
}

/// Judges an outcome. `passthrough`: the attempt carried the client's own credential, so what the provider says about
/// that credential is the client's to hear, and no other client's or ours to pay for.
pub fn classify(outcome: &Outcome, passthrough: bool) -> Verdict {
    match outcome {
        Outcome::Done => Verdict::finish(Blame::Nobody),
        Outcome::ClientGone => Verdict::finish(Blame::Client),
        Outcome::Failed(failure) => failed(*failure),
        Outcome::Refused(refusal) => refused(refusal, passthrough),
    }
}

/// The status of an outcome that is a 4xx without a known cause. Two providers that agree on one have judged the
/// request, see [`crate::failover`].
pub(crate) fn unexplained(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Refused(refusal) => (kind(refusal) == Kind::Unexplained).then_some(refusal.status),
        Outcome::Done | Outcome::Failed(_) | Outcome::ClientGone => None,
    }
}

/// Whether a provider said that it is overloaded: then others of its host are presumed to be, too.
pub fn is_overload(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused(refusal) => {
            kind(refusal) == Kind::ModelFault && (refusal.status == 529 || refusal.topic == Topic::Overloaded)
        }
        Outcome::Done | Outcome::Failed(_) | Outcome::ClientGone => false,
    }
}

fn failed(failure: Failure) -> Verdict {
    match failure {
        Failure::DiedBeforeAnswer => Verdict::fault(Repeat::AtOnce),
        Failure::IdleDied => Verdict { blame: Blame::Nobody, charge: Charge::None, ..Verdict::fault(Repeat::AtOnce) },
        Failure::Connect | Failure::NotTheDialect => Verdict::fault(Repeat::Last),
        Failure::Truncated => Verdict::model_fault(Repeat::Last),
        // Another provider may be able to.
        Failure::Unfit => Verdict::refused(Blame::Request, Charge::None),
        // An impatient client must not put a provider out for the others.
        Failure::Timeout(Phase::Patience) => Verdict::refused(Blame::Client, Charge::None),
        Failure::Timeout(Phase::Connect) => Verdict::fault(Repeat::Never),
        Failure::Timeout(Phase::FirstByte | Phase::Idle | Phase::Stall | Phase::Response | Phase::Total) => {
            Verdict::model_fault(Repeat::Never)
        }
    }
}

fn refused(refusal: &Refusal, passthrough: bool) -> Verdict {
    let kind = kind(refusal);
    let verdict = match kind {
        Kind::Request => Verdict::REQUEST,
        Kind::Credential => Verdict::refused(
            Blame::Credential,
            Charge::out(credential_reason(Reason::Credential, passthrough), CREDENTIAL_RECHECK),
        ),
        Kind::Quota => Verdict::refused(
            Blame::Quota,
            Charge::out(credential_reason(Reason::Quota, passthrough), quota_term(refusal)),
        ),
        Kind::Permission => Verdict::refused(Blame::Permission, Charge::out(Reason::Permission, PERMISSION_TERM)),
        Kind::Model => Verdict::refused(Blame::Model, Charge::out(Reason::ModelMissing, MODEL_TERM)),
        Kind::Throttle => Verdict::refused(Blame::Load, Charge::out(Reason::Throttled, throttle_term(refusal))),
        Kind::ModelFault => Verdict::model_fault(Repeat::Last),
        Kind::Fault | Kind::Unexplained => Verdict::fault(Repeat::Last),
    };
    if passthrough && for_the_client(refusal, kind) {
        return Verdict { next: Next::Answer, ..verdict };
    }
    verdict
}

/// Whether a refusal of the client's own credential is the client's to hear. The page of a 403 is not: the credential
/// was never looked at.
fn for_the_client(refusal: &Refusal, kind: Kind) -> bool {
    match kind {
        Kind::Credential | Kind::Quota | Kind::Permission | Kind::Throttle => true,
        Kind::Request | Kind::Model | Kind::Fault | Kind::ModelFault | Kind::Unexplained => {
            matches!(refusal.status, 401 | 402 | 403 | 429) && !refusal.html
        }
    }
}

fn credential_reason(ours: Reason, passthrough: bool) -> Reason {
    if passthrough { Reason::ClientCredential } else { ours }
}

fn kind(refusal: &Refusal) -> Kind {
    let by_status = kind_by_status(refusal.status, refusal.html);
    match refusal.topic {
        Topic::None => by_status,
        Topic::Quota => Kind::Quota,
        Topic::ContextTooLong => Kind::Request,
        Topic::ModelMissing => Kind::Model,
        // A 429 keeps its own wait, whatever load it speaks of.
        Topic::Overloaded if by_status == Kind::Throttle => Kind::Throttle,
        Topic::Overloaded => Kind::ModelFault,
        Topic::Permission if refusal.html => by_status,
        // "Permission" is what many providers call a wrong key or an empty account; the status is clearer there.
        Topic::Permission => match by_status {
            Kind::Credential | Kind::Quota | Kind::Throttle => by_status,
            Kind::Request | Kind::Permission | Kind::Model | Kind::Fault | Kind::ModelFault | Kind::Unexplained => {
                Kind::Permission
            }
        },
    }
}

fn kind_by_status(status: u16, html: bool) -> Kind {
    match status {
        400 | 413 | 422 => Kind::Request,
        401 => Kind::Credential,
        402 => Kind::Quota,
        403 | 404 if html => Kind::Fault,
        403 => Kind::Permission,
        404 => Kind::Model,
        408 => Kind::Fault,
        429 => Kind::Throttle,
        400..=499 => Kind::Unexplained,
        // Redirects too: the address in the configuration is wrong, and a credential is not carried elsewhere.
        0..=399 => Kind::Fault,
        // What stands before the API answers with a page.
        500..=u16::MAX if html => Kind::Fault,
        500..=u16::MAX => Kind::ModelFault,
    }
}

fn throttle_term(refusal: &Refusal) -> Duration {
    refusal.retry_after.or(refusal.until).unwrap_or(THROTTLE_DEFAULT).clamp(THROTTLE_LEAST, THROTTLE_MOST)
}

/// A stated date counts. `retry-after` beside a spent quota is often the same few seconds as for a throttle, so it
/// can only lengthen our own hour.
fn quota_term(refusal: &Refusal) -> Duration {
    refusal
        .until
        .unwrap_or_else(|| refusal.retry_after.unwrap_or_default().max(QUOTA_DEFAULT))
        .clamp(THROTTLE_LEAST, QUOTA_MOST)
}

#[cfg(test)]
mod tests;
