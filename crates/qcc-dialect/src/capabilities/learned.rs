//! What providers said of their models by refusing something, kept for a day: a provider that is updated takes tomorrow
//! what it refuses today.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::Capabilities;

/// How long a lesson is kept.
const KEPT: Duration = Duration::from_hours(24);

/// Most models at providers of which something is kept; past them the lesson that ends first goes.
const MAX_MODELS: usize = 1_000;

/// What was learned, by provider (whatever names one) and model as sent.
#[derive(Debug, Clone)]
pub struct Learned<P> {
    models: HashMap<(P, String), Lesson>,
}

#[derive(Debug, Clone, Copy)]
struct Lesson {
    capabilities: Capabilities,
    until: Instant,
}

impl<P> Default for Learned<P> {
    fn default() -> Self {
        Self { models: HashMap::new() }
    }
}

impl<P: Eq + Hash + Clone> Learned<P> {
    /// Adds to what is known. The day of all that is known of this model begins anew: a provider that refuses one thing
    /// has had the chance to take the others.
    pub fn learn(&mut self, provider: P, model: &str, learned: &Capabilities, now: Instant) {
        let known = self.of(&provider, model, now);
        let lesson = Lesson { capabilities: learned.or(&known), until: now + KEPT };
        self.models.insert((provider, model.to_owned()), lesson);
        if self.models.len() > MAX_MODELS {
            self.models.retain(|_, lesson| lesson.until > now);
        }
        while self.models.len() > MAX_MODELS {
            let Some(first) = self.models.iter().min_by_key(|(_, lesson)| lesson.until) else { break };
            let first = first.0.clone();
            self.models.remove(&first);
        }
    }

    /// What is known of a model; nothing where nothing was learned, or a day has passed since.
    #[must_use]
    pub fn of(&self, provider: &P, model: &str, now: Instant) -> Capabilities {
        let lesson = self.models.get(&(provider.clone(), model.to_owned()));
        lesson.filter(|lesson| lesson.until > now).map(|lesson| lesson.capabilities).unwrap_or_default()
    }

    /// How many models something is kept of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }
}
