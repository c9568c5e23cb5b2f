//! A request that nobody answers, and one whose session's own provider is back in a moment: for whom it waits, and what
//! came of it.

use std::time::{Duration, Instant};

use qcc_policy::affinity::Bound;
use qcc_policy::hold::may_hold;
use qcc_policy::{Absence, ProviderId, Reason, Standing};

use super::Journey;
use super::stop::Stop;
use crate::ingress::recognise::Kind;
use crate::room::{Place, Turn};
use crate::state::now;

/// The provider that a session waits for rather than lose its prompt cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) provider: ProviderId,
    pub(super) until: Instant,
}

/// What came of waiting.
pub(super) enum Waited {
    /// It goes on.
    Turn(Turn),
    /// Waiting would not help.
    NoUse,
    /// It has waited long enough, or there is no room.
    Over,
}

impl Journey {
    pub(super) fn may_wait(&self) -> bool {
        !self.max_wait.is_zero() && self.asked.kind != Kind::CountTokens
    }

    /// Those that a turn in the waiting room is for: its provider first; as a trial, that one alone.
    pub(super) fn way_to(&self, turn: Turn) -> Vec<usize> {
        let is_his = |&stop: &usize| self.stops[stop].upstream.id == turn.provider;
        let (mut way, others): (Vec<usize>, Vec<usize>) = (0..self.stops.len()).partition(is_his);
        if !turn.trial {
            way.extend(others);
        }
        way
    }

    /// Waits for a provider to come back. `asked`: the walk before began to ask somebody.
    pub(super) async fn wait(&mut self, place: &mut Option<Place>, asked: bool) -> Waited {
        let since = now();
        let mut over = false;
        if let Some(place) = place {
            over = !place.again(self.absences(), asked);
        } else {
            let before: Vec<Standing> = self.stops.iter().map(Stop::stands).collect();
            if !may_hold(before.iter().copied(), self.max_wait, since) {
                return Waited::NoUse;
            }
            *place = Place::take(&self.state, self.absences(), self.asked.deadline.at.into_std());
            let is_back = |(stop, before): (&Stop, &Standing)| {
                *before != Standing::Admissible && stop.stands() == Standing::Admissible
            };
            // Whoever came back while the place was taken told a room in which nobody was.
            if let Some(place) = place
                && self.stops.iter().zip(&before).any(is_back)
            {
                over = !place.again(self.absences(), false);
            }
        }
        // With the room full, who is out is asked all the same, rather than refusing unasked.
        let Some(place) = place.as_mut() else { return Waited::NoUse };
        if over {
            return Waited::Over;
        }
        let turn = place.turn().await;
        let held = now().saturating_duration_since(since);
        self.exchange.note(|row| *row.held_ms.get_or_insert_default() += held);
        turn.map_or(Waited::Over, Waited::Turn)
    }

    /// How every candidate stands, as the waiting room wants to know it.
    pub(super) fn absences(&self) -> Vec<Absence> {
        let absence = |stop: &Stop| Absence::new(&stop.charged.target, stop.stands(), now());
        self.stops.iter().map(absence).collect()
    }
}

/// Whom the session waits for: only somebody who said when it is back. The end of a breaker's time is a guess.
pub(super) fn own(stops: &[Stop], bound: &Bound, max_wait: Duration) -> Option<Own> {
    let stop = stops.iter().find(|stop| stop.upstream.id == bound.provider)?;
    let Standing::Out { until, reason: Reason::Throttled | Reason::Limited } = stop.charged.standing() else {
        return None;
    };
    let wait = until.saturating_duration_since(now());
    bound.is_worth_waiting_for(wait, max_wait).then_some(Own { provider: bound.provider, until })
}
