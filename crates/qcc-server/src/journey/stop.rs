//! A candidate of a request's plan: whether it can be asked at all, whether it may be now, and what came of asking it.

use std::sync::Arc;
use std::time::Duration;

use qcc_policy::engine::Target;
use qcc_policy::{Candidate, Reason, Standing};

use super::Asked;
use crate::attempt::Answer;
use crate::finish::Charged;
use crate::ingress::recognise::Kind;
use crate::state::{Snapshot, State, now};
use crate::trail::{self, Trail};
use crate::upstream::Upstream;
use crate::upstream::credential::Barred;

/// A candidate of the plan that can be asked, and what came of it.
pub(super) struct Stop {
    pub(super) upstream: Arc<Upstream>,
    /// The model that goes up, where it is not the one asked for.
    pub(super) model: Option<String>,
    pub(super) charged: Charged,
    /// The profile in whose turn it is asked.
    pub(super) via: Option<String>,
    /// Its latest try, by its place in the trail.
    pub(super) tried: Option<usize>,
    /// Why it was passed over, as the trail has it.
    pub(super) skipped: Option<Reason>,
    /// The request cannot be put to it as it is meant.
    pub(super) unfit: bool,
    /// Its last answer, in case that it has to be passed on.
    pub(super) answer: Option<Answer>,
}

/// Why a candidate takes no part in a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum LeftOut {
    /// By the credential that it needs.
    Barred(Barred),
    /// Tokens are to be counted, and it does not count.
    CountsNothing,
}

impl LeftOut {
    /// For people.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Barred(barred) => barred.why(),
            Self::CountsNothing => "providers of its type do not count tokens",
        }
    }
}

/// Whom a try concerns. `model`: as sent, where it is not the one asked for.
pub(super) fn target_of(upstream: &Upstream, model: Option<&str>, asked: &Asked) -> Target {
    Target {
        provider: upstream.id,
        model: model.unwrap_or(&asked.envelope.model_name).into(),
        fingerprint: asked.inbound.fingerprint(&upstream.provider),
    }
}

impl Stop {
    /// A candidate, whom `upstream` is.
    ///
    /// # Errors
    /// Why it cannot be asked this at all.
    pub(super) fn new(
        state: &Arc<State>,
        snapshot: &Snapshot,
        candidate: &Candidate,
        upstream: &Arc<Upstream>,
        asked: &Asked,
    ) -> Result<Self, LeftOut> {
        let upstream = Arc::clone(upstream);
        if let Some(barred) = asked.inbound.barred(asked.asker, &upstream.provider) {
            return Err(LeftOut::Barred(barred));
        }
        if asked.kind == Kind::CountTokens && !upstream.tongue.counts() {
            return Err(LeftOut::CountsNothing);
        }
        let model = upstream.model_for(&asked.envelope.model_name, candidate.model.as_deref());
        let target = target_of(&upstream, model.as_deref(), asked);
        let session = (asked.conversation(), asked.session.long_cache);
        // Four bytes a token: what a limit needs is the size, and the answer's own count corrects it.
        let tokens = asked.body.bytes.len() as u64 / 4;
        let charged = Charged::new(state, upstream.name(), target, candidate.profile, Some(session), tokens);
        let charged = if asked.kind == Kind::CountTokens { charged.uncounted() } else { charged };
        let profile = candidate.profile.and_then(|place| snapshot.config.profiles.get(place));
        let via = profile.map(|profile| profile.name.clone());
        Ok(Self { upstream, model, charged, via, tried: None, skipped: None, unfit: false, answer: None })
    }

    /// Whether it may be tried now.
    pub(super) fn stands(&self) -> Standing {
        if self.unfit {
            // It will be tomorrow what it is now: nothing to wait for.
            return Standing::Out { until: now() + Duration::from_hours(24), reason: Reason::Unfit };
        }
        self.charged.standing()
    }

    /// The request cannot be put to it, for this reason: it is not asked.
    pub(super) fn passed_over(&mut self, why: &str, trail: Option<&mut Trail>) {
        self.unfit = true;
        self.skipped = Some(Reason::Unfit);
        if let Some(trail) = trail {
            trail.skip(self.upstream.name(), self.via.as_deref(), why.to_owned());
        }
    }

    /// Whether it may be tried in a walk. Passing over somebody who was not tried yet is worth a note, once for each reason.
    pub(super) fn standing(&mut self, trail: Option<&mut Trail>) -> Standing {
        let standing = self.stands();
        if let (Standing::Out { until, reason }, Some(trail)) = (standing, trail)
            && self.tried.is_none()
            && self.skipped.replace(reason) != Some(reason)
        {
            trail.skip(self.upstream.name(), self.via.as_deref(), trail::out(reason, until));
        }
        standing
    }
}
