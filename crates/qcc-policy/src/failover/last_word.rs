//! What is said when nothing more can be tried. All candidates of the plan count, with what each said last or why it is
//! out, also those that the last walk left aside: one provider that lacks the model is not all of them.

use std::time::{Duration, Instant};

use super::{Failover, Final, Step};
use crate::classify::{Blame, Reason};
use crate::cooldown::Standing;

impl Failover {
    /// The final word.
    pub(super) fn last_word(&self, standing: &mut dyn FnMut(usize) -> Standing, now: Instant) -> Step {
        let mut wait: Option<Duration> = None;
        let (mut throttled, mut missing, mut forbidden) = (true, true, true);
        for (candidate, seat) in self.seats.iter().enumerate() {
            let standing = standing(candidate);
            let blame = match seat.last {
                Some((blame, _)) => Some(blame),
                None => standing_blame(standing),
            };
            throttled &= blame == Some(Blame::Load);
            missing &= blame == Some(Blame::Model);
            forbidden &= matches!(blame, Some(Blame::Credential | Blame::Quota | Blame::Permission | Blame::Request));
            let due = match standing {
                Standing::Admissible => Duration::ZERO,
                Standing::Out { until, .. } => until.saturating_duration_since(now),
            };
            wait = Some(wait.map_or(due, |least| least.min(due)));
        }
        if missing && let Some(candidate) = self.last_missing {
            return Step::Answer { candidate };
        }
        Step::GiveUp(if forbidden {
            Final::Forbidden
        } else if throttled {
            let wait = wait.unwrap_or_default();
            Final::Throttled { wait }
        } else {
            Final::Unavailable
        })
    }
}

/// Whom a candidate blames that was never tried.
fn standing_blame(standing: Standing) -> Option<Blame> {
    match standing {
        Standing::Admissible => None,
        Standing::Out { reason, .. } => Some(match reason {
            Reason::Fault | Reason::ModelFault => Blame::Provider,
            Reason::Throttled | Reason::Limited => Blame::Load,
            Reason::Credential | Reason::ClientCredential => Blame::Credential,
            Reason::Quota => Blame::Quota,
            Reason::Permission => Blame::Permission,
            Reason::ModelMissing => Blame::Model,
            Reason::Unfit => Blame::Request,
        }),
    }
}
