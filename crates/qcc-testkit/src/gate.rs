//! A gate that a scripted reply waits at until the test opens it. It replaces every sleep: the test decides the moment,
//! and opening the gate before anybody waits is not lost.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A closed gate. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that lets nobody through yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everybody through from now on.
    pub fn open(&self) {
        self.0.close();
    }

    /// Lets `count` waiters through, also those that come later.
    pub fn admit(&self, count: usize) {
        self.0.add_permits(count);
    }

    /// Waits until the gate is open or a place was given by [`Gate::admit`].
    pub async fn pass(&self) {
        // An error means that the semaphore is closed, which is what "open for everybody" is here.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
