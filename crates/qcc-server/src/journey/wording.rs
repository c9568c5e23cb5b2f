//! The request in the words of a provider of another dialect.

use qcc_dialect::canon::Part;
use qcc_dialect::translate::{NotSent, Question};

use super::Journey;
use super::stop::Stop;
use crate::attempt::{Put, Wording, put};
use crate::ingress::recognise::Kind;
use crate::outside;

impl Journey {
    /// What was thought before a call of the conversation, for a provider that wants it back.
    pub(super) fn recalled(&self) -> impl Fn(&str) -> Option<Vec<Part>> + Sync {
        |call| self.state.thoughts.of(self.asked.session.key, call)
    }

    pub(super) fn wording<'a>(
        &'a self,
        stop: &'a Stop,
        recalled: &'a (dyn Fn(&str) -> Option<Vec<Part>> + Sync),
    ) -> Wording<'a> {
        let question = Question {
            asker: self.asked.asker,
            body: &self.asked.body.bytes,
            model: stop.model.as_deref(),
            request_id: self.exchange.request_id(),
            created: outside::unix_time().as_secs(),
            recalled,
        };
        let sent_model = stop.model.as_deref().unwrap_or(&self.asked.envelope.model_name);
        Wording { question, sent_model, lessons: &self.state.lessons }
    }

    /// The request in the words of a provider of another dialect; before anybody is asked, for it may turn out that this
    /// one cannot be.
    pub(super) fn put(&self, stop: usize) -> Result<Option<Put>, NotSent> {
        let stop = &self.stops[stop];
        if self.asked.kind == Kind::CountTokens || stop.upstream.tongue.is_of(self.asked.asker) {
            return Ok(None);
        }
        put(&stop.upstream, &self.wording(stop, &self.recalled())).map(Some)
    }
}
