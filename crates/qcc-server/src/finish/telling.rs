//! That a provider went out or came back, told to everybody who has to know: the log, the database, those who wait, and
//! whoever follows which profile leads.

use std::time::Duration;

use qcc_policy::breaker;
use qcc_policy::{ProviderId, Reason, Transition};
use qcc_store::{ProviderEventRow, Row};

use crate::events::Event;
use crate::state::{State, now};
use crate::trail::wall_clock;

impl State {
    /// A provider went out or came back: says so, keeps it, and has everybody who cares look.
    pub(crate) fn tell(&self, name: &str, news: Option<Transition>) {
        let Some(news) = news else { return };
        let provider = name.to_owned();
        match news {
            Transition::Out { provider: id, model, reason, term } => {
                self.keep(name, id, "out", model.clone(), reason, Some(term));
                self.log.emit(Event::ProviderCooled { provider, reason: reason.to_string(), lasts: term, model });
            }
            Transition::Back { provider: id, model, reason, .. } => {
                self.keep(name, id, "back", model.clone(), reason, None);
                self.back(id);
                self.log.emit(Event::ProviderRecovered { provider, reason: reason.to_string(), model });
            }
        }
        self.reconsider();
    }

    /// A provider may be asked again: those who wait hear of it.
    pub(crate) fn back(&self, provider: ProviderId) {
        if self.room.is_occupied() {
            let settled = self.engine().breaker(provider, now()) == breaker::Standing::Closed;
            self.room.open(provider, settled);
        }
    }

    /// Keeps that a provider went out or came back.
    fn keep(
        &self,
        name: &str,
        id: ProviderId,
        kind: &'static str,
        model: Option<String>,
        reason: Reason,
        term: Option<Duration>,
    ) {
        let at_ms = wall_clock();
        let failures = self.engine().failures_in_a_row(id, now());
        let term = term.map(|term| i64::try_from(term.as_millis()).unwrap_or(i64::MAX));
        self.history.write(Row::ProviderEvent(ProviderEventRow {
            at_ms,
            provider: name.to_owned(),
            model,
            kind: kind.into(),
            reason: Some(reason.to_string()),
            failures,
            next_try_ms: term.map(|term| at_ms.saturating_add(term)),
        }));
    }
}
