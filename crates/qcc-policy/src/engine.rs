//! All of policy together, for a caller that serves requests: in which order the candidates of a request are asked, who
//! may be asked at this moment, and what follows for everybody from how an attempt ended.
//!
//! The way of a request: [`Engine::arrange`] gives its candidates, the session's own provider in front where that is
//! right; [`crate::failover::Failover`] walks them and asks [`Engine::standing`]; each try begins with [`Engine::begin`],
//! which looks once more, since others take the last room and the only probe in between, and ends, in whatever way, with [`Engine::end`] or [`Engine::succeed`]; what it is charged for goes through
//! [`Engine::charge`] and [`Engine::refund`].
//!
//! Each rule lives in its own module. Here is decided only what connects them: a provider's own fault is the breaker's,
//! everything that it announced or refused is a cooldown's, and both, with the limits, make up its standing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::affinity::{self, Affinity, AffinitySettings, Moved, Served, SessionKey};
use crate::breaker::{self, Breakers, Pass};
use crate::classify::{Charge, Reason, Scope, Term};
use crate::cooldown::{Cooldowns, Standing, Transition};
use crate::failback::{Failback, FailbackSettings};
use crate::health::{Evidence, HealthSettings, HealthTable};
use crate::later;
use crate::limit::{Announced, Caps, Limiters, Permit, Room};
use crate::load::{Ended, Loads, Running};
use crate::outcome::ProviderId;
use crate::overload::Overloads;
use crate::plan::{Candidate, Warning};
use crate::probe::Probes;
use crate::select::{Member, Order, Rotations};

mod arrange;
mod faults;
mod keep;
mod probing;
mod status;

pub use keep::{KeptProvider, KeptSessions};
pub use status::Absent;

use arrange::Glance;

pub use probing::{Check, Found, NoCheck, Said};

/// More providers than any configuration names; their breakers never make room.
const MOST_PROVIDERS: usize = 100_000;

/// How many models have breakers of their own. Only those that failed lately; clients choose the names.
const MOST_MODELS: usize = 4096;

/// What of the configuration decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineSettings {
    /// When a failing provider is left out.
    pub breaker: breaker::Config,
    /// How sessions stay with their provider.
    pub affinity: AffinitySettings,
    /// How weights follow health.
    pub health: HealthSettings,
    /// How a tier is returned to that was left.
    pub failback: FailbackSettings,
}

/// What a request brings to the choice.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The model that it asks for.
    pub model: &'a str,
    /// Its conversation with that model. `None`: it belongs to none, or sessions are not kept.
    pub session: Option<SessionKey>,
    /// Whether its answer may bind the session; not for counting tokens.
    pub binds: bool,
    /// Uniform over all of `u64`.
    pub draw: u64,
}

/// The candidates of a request, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arranged {
    /// In the order in which they are tried.
    pub candidates: Vec<Candidate>,
    /// Whom its session prefers, if anybody.
    pub bound: Option<affinity::Bound>,
    /// Whether something is odd about the plan.
    pub warning: Option<Warning>,
}

/// Who is tried, with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which provider.
    pub provider: ProviderId,
    /// The model as sent.
    pub model: Arc<str>,
    /// The client's own credential, where that is what goes up.
    pub fingerprint: Option<u64>,
}

/// An attempt under way. It has to end, also when its client leaves.
#[derive(Debug)]
#[must_use = "an attempt that is not ended counts as running for ever"]
pub struct Attempt {
    provider: ProviderId,
    began: Instant,
    /// From its beginning to its first semantic event.
    first_event: Option<Duration>,
    running: Running,
    permit: Permit,
    pass: Pass,
    /// Of the model's own breaker.
    model_pass: Option<Pass>,
}

/// What is left of an attempt that ended without success: a later charge or refund needs it.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    provider: ProviderId,
    pass: Pass,
    model_pass: Option<Pass>,
    /// Whether the breaker has heard of it.
    reported: bool,
}

/// Everything that outlives one request. One value serves all of them, behind a lock that is held for a moment.
#[derive(Debug)]
pub struct Engine {
    cooldowns: Cooldowns,
    breakers: Breakers<ProviderId>,
    /// Of models that fail while others of the provider are served.
    models: Breakers<(ProviderId, Arc<str>)>,
    failback: Failback,
    overloads: Overloads,
    limits: Limiters,
    loads: Loads,
    health: HealthTable,
    affinity: Affinity,
    turns: Rotations<(u64, u64)>,
    probes: Probes,
    /// Those whose free call took our credential once: only there a refusal of it says something.
    listed: BTreeSet<ProviderId>,
    /// By which model a check has closed a provider's breaker, and when.
    proofs: BTreeMap<ProviderId, (Arc<str>, Instant)>,
    /// Sessions whose answer broke off, with whose it was and until when it is asked last.
    broken: BTreeMap<u64, (ProviderId, Instant)>,
    /// Of whom something was learned since the last [`Engine::export`].
    changed: BTreeSet<ProviderId>,
    /// Kept for their memory.
    order: Order,
    members: Vec<Member>,
    /// How everybody looked last, by number.
    glances: Vec<Option<Glance>>,
}

impl Engine {
    /// Nothing has happened yet.
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            cooldowns: Cooldowns::new(Duration::ZERO),
            breakers: Breakers::new(settings.breaker, MOST_PROVIDERS),
            models: Breakers::new(settings.breaker, MOST_MODELS),
            failback: Failback::new(settings.failback),
            overloads: Overloads::new(),
            limits: Limiters::new(),
            loads: Loads::new(),
            health: HealthTable::new(settings.health),
            affinity: Affinity::new(settings.affinity),
            turns: Rotations::new(),
            probes: Probes::new(probing::OFF),
            listed: BTreeSet::new(),
            proofs: BTreeMap::new(),
            broken: BTreeMap::new(),
            changed: BTreeSet::new(),
            order: Order::new(),
            members: Vec::new(),
            glances: Vec::new(),
        }
    }

    /// New settings, as after a reload. What is known of everybody stays.
    pub fn configure(&mut self, settings: EngineSettings) {
        self.breakers.configure(settings.breaker);
        self.models.configure(settings.breaker);
        self.failback.configure(settings.failback);
        self.health.configure(settings.health);
        self.affinity.configure(settings.affinity);
        self.glances.clear();
    }

    /// A provider's own limits, as at start and after a reload.
    pub fn limit(&mut self, provider: ProviderId, caps: Caps) {
        self.touch(provider);
        self.limits.configure(provider, caps);
    }

    /// On which host a provider is, as at start and after a reload: the same number for the same host.
    pub fn place(&mut self, provider: ProviderId, host: u64) {
        self.overloads.place(provider, host);
    }

    /// Whether a candidate may be tried for a request of about so many tokens.
    pub fn standing(&mut self, target: &Target, tokens: u64, now: Instant) -> Standing {
        let cooling = self.cooldowns.standing(target.provider, Some(&target.model), target.fingerprint, now);
        let standing = merged(cooling, self.breaker_standing(target.provider, now));
        let standing = merged(standing, self.model_standing(target, now));
        let room = self.limits.admit(target.provider, lane(target), tokens, now);
        merged(standing, limited(room))
    }

    /// The same for a provider as a whole: no model, no client's credential, no tokens.
    pub fn provider_standing(&mut self, provider: ProviderId, now: Instant) -> Standing {
        let cooling = self.cooldowns.standing(provider, None, None, now);
        let standing = merged(cooling, self.breaker_standing(provider, now));
        merged(standing, limited(self.limits.admit(provider, 0, 0, now)))
    }

    fn model_standing(&self, target: &Target, now: Instant) -> Standing {
        let standing = self.model_key(target).map(|key| self.models.standing(&key, now));
        match standing.and_then(breaker::Standing::due) {
            Some(until) if until > now => Standing::Out { until, reason: Reason::ModelFault },
            _ => Standing::Admissible,
        }
    }

    /// The key of a model's own breaker, where any model has one.
    fn model_key(&self, target: &Target) -> Option<(ProviderId, Arc<str>)> {
        (!self.models.is_empty()).then(|| (target.provider, Arc::clone(&target.model)))
    }

    fn breaker_standing(&self, provider: ProviderId, now: Instant) -> Standing {
        match self.breakers.standing(&provider, now).due() {
            Some(until) if until > now => Standing::Out { until, reason: Reason::Fault },
            _ => Standing::Admissible,
        }
    }

    /// A try begins. `None`: it may not, since others took the last room or the only probe after somebody looked at the
    /// [standing](Self::standing). `anyway`: nothing better is left, so it may although the provider is out, unless that
    /// is for a limit or for a credential of ours, see [`Reason::may_be_tried_anyway`].
    pub fn begin(&mut self, target: &Target, tokens: u64, anyway: bool, now: Instant) -> Option<Attempt> {
        let provider = target.provider;
        if let Standing::Out { reason, .. } = self.standing(target, tokens, now)
            && !(anyway && reason.may_be_tried_anyway())
        {
            return None;
        }
        self.probes.wanted(provider, now);
        Some(self.attempt(target, tokens, now))
    }

    fn attempt(&mut self, target: &Target, tokens: u64, now: Instant) -> Attempt {
        let provider = target.provider;
        self.touch(provider);
        let pass = match self.breakers.admit(&provider, now) {
            Some(pass) => pass,
            None => self.breakers.admit_anyway(&provider, now),
        };
        let model_pass = self.model_key(target).map(|key| match self.models.admit(&key, now) {
            Some(pass) => pass,
            None => self.models.admit_anyway(&key, now),
        });
        Attempt {
            provider,
            began: now,
            first_event: None,
            running: self.loads.begin(provider, now),
            permit: self.limits.begin(provider, lane(target), tokens, now),
            pass,
            model_pass,
        }
    }

    /// Its first semantic event came. Not for an answer that is not streamed.
    pub fn first_event(&mut self, attempt: &mut Attempt, now: Instant) {
        self.touch(attempt.provider);
        let began = attempt.began;
        attempt.first_event.get_or_insert_with(|| now.saturating_duration_since(began));
        self.loads.first_event(&mut attempt.running, now);
    }

    /// A whole answer. `session` and what it left in the prompt cache, where it may bind; `tokens` as the provider
    /// counted them.
    pub fn succeed(
        &mut self,
        attempt: Attempt,
        target: &Target,
        session: Option<(SessionKey, u32, bool)>,
        tokens: Option<u64>,
        now: Instant,
    ) -> (Option<Transition>, Option<Moved>) {
        let Attempt { provider, began, first_event, running, permit, pass, model_pass } = attempt;
        self.learned(provider);
        self.loads.end(running, Ended::Well, now);
        self.limits.end(permit, tokens, now);
        let first_event = first_event.unwrap_or_else(|| now.saturating_duration_since(began));
        self.hear(provider, Evidence::Answered { first_event }, now);
        let closed = self.breakers.succeed(&provider, pass, now).and_then(|news| self.changed(provider, news, now));
        if closed.is_some() {
            self.failback.back(provider, now);
        }
        // Both have to hear of it.
        let model_closed = self.model_succeeds(target, model_pass, now);
        let closed = closed.or(model_closed);
        let back = self.cooldowns.succeed(provider, Some(&target.model), target.fingerprint, began, now);
        let moved = session.and_then(|(key, cached, long)| {
            self.affinity.succeed(key, Served { provider, cached, long, started: began }, now)
        });
        (closed.or(back), moved)
    }

    /// A try ended without a whole answer. `failed`: the provider failed or throttled; else it says nothing about it.
    pub fn end(&mut self, attempt: Attempt, failed: bool, tokens: Option<u64>, now: Instant) -> Spent {
        let Attempt { provider, running, permit, pass, model_pass, .. } = attempt;
        self.learned(provider);
        self.loads.end(running, if failed { Ended::Failed } else { Ended::Left }, now);
        self.limits.end(permit, tokens, now);
        Spent { provider, pass, model_pass, reported: false }
    }

    /// An answer broke off on its way down, so its client asks the same again at once. The same provider might stall for
    /// minutes again before its breaker knows better, so the session asks it last for a while.
    pub fn broke_off(&mut self, session: SessionKey, provider: ProviderId, now: Instant) {
        if self.broken.len() >= MOST_BROKEN {
            self.broken.retain(|_, (_, until)| *until > now);
            // A flood of broken sessions: whichever goes is asked as usual, no worse than before.
            if self.broken.len() >= MOST_BROKEN {
                self.broken.pop_first();
            }
        }
        self.broken.insert(session.session, (provider, later(now, BROKEN_FOR)));
    }

    /// Charges an attempt that has ended.
    pub fn charge(
        &mut self,
        spent: &mut Spent,
        target: &Target,
        charge: Charge,
        draw: u64,
        now: Instant,
    ) -> Option<Transition> {
        self.learned(spent.provider);
        match charge {
            Charge::None => None,
            Charge::Out { reason, how_long: Term::Configured } => {
                self.hear(spent.provider, Evidence::Fault, now);
                self.fail(spent, target, reason == Reason::ModelFault, draw, now)
            }
            Charge::Out { reason, how_long: Term::For(term) } => {
                self.release(spent, target);
                if reason == Reason::Throttled {
                    self.hear(spent.provider, Evidence::Throttled, now);
                }
                self.leave_alone(spent.provider, reason, term, now);
                if affinity::ends_bindings(reason, term) {
                    self.affinity.forget(spent.provider, now);
                }
                if is_of_the_whole(reason, target) {
                    self.failback.out(spent.provider, Some(later(now, term)), now);
                }
                self.cooldowns.charge(spent.provider, Some(&target.model), target.fingerprint, charge, now)
            }
        }
    }

    /// The attempt is not charged, or not with a fault: its lease, if it held one, is free again.
    pub fn release(&mut self, spent: &mut Spent, target: &Target) {
        self.touch(spent.provider);
        if !std::mem::replace(&mut spent.reported, true) {
            self.breakers.release(&spent.provider, spent.pass);
            self.release_model(spent, target);
        }
    }

    /// Takes a charge back that was applied at `charged_at`: the request was at fault.
    pub fn refund(
        &mut self,
        spent: &Spent,
        target: &Target,
        charge: Charge,
        charged_at: Instant,
        now: Instant,
    ) -> Option<Transition> {
        self.learned(spent.provider);
        self.loads.refund(spent.provider, now);
        if matches!(charge, Charge::Out { how_long: Term::Configured, .. }) {
            let news = self.breakers.refund(&spent.provider, spent.pass, charged_at, now);
            if news.is_some() {
                self.failback.forget(spent.provider);
            }
            return news.and_then(|news| self.changed(spent.provider, news, now));
        }
        self.cooldowns.refund(spent.provider, Some(&target.model), target.fingerprint, charge, charged_at, now)
    }

    /// Forgets everything that is held against a provider: somebody enabled it by hand. Returns how many things put it
    /// out.
    pub fn reset(&mut self, provider: ProviderId, now: Instant) -> usize {
        self.learned(provider);
        let cleared = self.cooldowns.clear(provider);
        let closed = self.breakers.reset(&provider, now).is_some();
        let is_out = |(of, report): (ProviderId, breaker::Report)| of == provider && report.out_for.is_some();
        let models = self.models.iter(now).map(|((of, _), report)| (*of, report)).filter(|one| is_out(*one)).count();
        self.models.forget(|(of, _)| *of == provider);
        self.failback.forget(provider);
        self.limits.clear(provider);
        self.loads.clear(provider, now);
        self.health.forget(provider);
        self.probes.proved(provider);
        self.probes.lift(provider, now);
        self.proofs.remove(&provider);
        cleared + models + usize::from(closed)
    }

    /// Somebody switched by hand: all sessions follow at once.
    pub fn switch(&mut self, now: Instant) {
        self.affinity.switch(now);
        self.changed.extend(self.failback.export(now).map(|(provider, _)| provider));
        self.failback.switch();
    }

    /// What the headers of an answer say of the provider's limits. Tells until when nothing remains, where that is news.
    pub fn announced(&mut self, target: &Target, said: &Announced, now: Instant) -> Option<Instant> {
        self.learned(target.provider);
        self.limits.observe(target.provider, lane(target), said, now)
    }
}

/// How long a provider is asked last by a session whose answer it broke off. Claude Code asks again within a second; other
/// clients within a few of them.
const BROKEN_FOR: Duration = Duration::from_mins(1);

/// Sessions that are remembered for that.
const MOST_BROKEN: usize = 4_096;

/// Turns are kept apart for so many hashes of models, not for every name that a client can invent.
const MODEL_TURNS: u64 = 0xf;

/// A credential of the client and a model have limits of their own.
fn lane(target: &Target) -> u64 {
    // A client that finds a collision shares a limit with itself.
    hashed(0xcbf2_9ce4_8422_2325 ^ target.fingerprint.unwrap_or(0), &target.model)
}

/// What stands for a model's name where that is too long to be kept.
pub(crate) fn model_hash(model: &str) -> u64 {
    hashed(0xcbf2_9ce4_8422_2325, model)
}

/// FNV-1a: short, and the same in every run.
fn hashed(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn limited(room: Room) -> Standing {
    match room {
        Room::Free => Standing::Admissible,
        Room::Out { until, .. } => Standing::Out { until, reason: Reason::Limited },
    }
}

fn merged(one: Standing, other: Standing) -> Standing {
    match other {
        Standing::Admissible => one,
        Standing::Out { until, reason } => one.with(until, reason),
    }
}

/// Whether a charge puts out the provider for everybody.
fn is_of_the_whole(reason: Reason, target: &Target) -> bool {
    match reason.scope() {
        Scope::Provider => true,
        Scope::Credential => target.fingerprint.is_none(),
        Scope::Model => false,
    }
}

fn fault(model: Option<&Arc<str>>) -> (Option<String>, Reason) {
    (model.map(|model| model.to_string()), if model.is_some() { Reason::ModelFault } else { Reason::Fault })
}

/// A breaker's change in the words of a cooldown, which are those of the log. That it is half-open is no news: it may be
/// asked once, and that answer is.
fn told(provider: ProviderId, model: Option<&Arc<str>>, news: breaker::Transition) -> Option<Transition> {
    let (model, reason) = fault(model);
    match news {
        breaker::Transition::Opened { term, .. } => Some(Transition::Out { provider, model, reason, term }),
        breaker::Transition::Closed { after, .. } => Some(Transition::Back { provider, model, reason, after }),
        breaker::Transition::HalfOpened => None,
    }
}

#[cfg(test)]
mod tests;
