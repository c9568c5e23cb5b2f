//! The waiting room: requests that nobody can answer at the moment, and the task that sends them on. Whose turn it is, and
//! where to, is policy's to say ([`Hold`]); this wakes them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use qcc_policy::engine::Target;
use qcc_policy::{Absence, Entry, Hold, HoldEvent, ProviderId, Ticket};
use tokio::sync::{Notify, oneshot};

use crate::state::{State, now};

/// Everybody who waits.
pub(crate) struct Room {
    inside: Mutex<Inside>,
    /// Whether anybody may be inside. All that a request pays for while nobody waits.
    occupied: AtomicBool,
    /// Something changed that the task does not know.
    news: Notify,
}

struct Inside {
    hold: Hold,
    waiting: BTreeMap<Ticket, oneshot::Sender<HoldEvent>>,
    /// A task is there. It ends with the last waiter.
    tended: bool,
}

/// A place in the room. Dropped, its request has gone.
pub(crate) struct Place {
    state: Arc<State>,
    ticket: Ticket,
    turn: oneshot::Receiver<HoldEvent>,
}

/// Where a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) provider: ProviderId,
    /// It is still out, and this request alone finds out whether it is back.
    pub(crate) trial: bool,
}

// === impl Room ===

impl Room {
    pub(crate) fn new(hold: Hold) -> Self {
        let inside = Inside { hold, waiting: BTreeMap::new(), tended: false };
        Self { inside: Mutex::new(inside), occupied: AtomicBool::new(false), news: Notify::new() }
    }

    /// Whether it is worth telling who came back.
    pub(crate) fn is_occupied(&self) -> bool {
        self.occupied.load(Ordering::Relaxed)
    }

    /// Works on the rules, and has the task look at what came of it.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Hold) -> T) -> T {
        let changed = change(&mut self.inside().hold);
        self.news.notify_one();
        changed
    }

    /// A provider is back, as other traffic says. `settled`: for everybody, not only for a probe.
    pub(crate) fn open(&self, provider: ProviderId, settled: bool) {
        if self.is_occupied() {
            self.with(|hold| hold.open(provider, settled));
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends on whose turn it is. Returns when to look again, or `None` with nobody left.
    fn tend(&self) -> Option<Instant> {
        let mut inside = self.inside();
        let Inside { hold, waiting, tended } = &mut *inside;
        for event in hold.poll(now()) {
            let (HoldEvent::Go { ticket, .. } | HoldEvent::Over { ticket }) = event;
            let sent = waiting.remove(&ticket).is_some_and(|waiter| waiter.send(event).is_ok());
            if !sent {
                hold.leave(ticket, now());
            }
        }
        *tended = !hold.is_empty();
        self.occupied.store(*tended, Ordering::Relaxed);
        tended.then(|| hold.next_deadline(now()).unwrap_or_else(now))
    }
}

// === impl Place ===

impl Place {
    /// Takes a place. `None`: the room is full, or holding is off.
    pub(crate) fn take(state: &Arc<State>, absences: Vec<Absence>, deadline: Instant) -> Option<Self> {
        let (tell, turn) = oneshot::channel();
        let mut inside = state.room.inside();
        let Entry::Held(ticket) = inside.hold.enter(absences, deadline, now()) else { return None };
        inside.waiting.insert(ticket, tell);
        // Whoever takes the lock of the engine after this sees it: the request looks at everybody once more.
        state.room.occupied.store(true, Ordering::Relaxed);
        if !std::mem::replace(&mut inside.tended, true) {
            let state = Arc::clone(state);
            tokio::spawn(async move { tend(&state).await });
        }
        drop(inside);
        state.room.news.notify_one();
        Some(Self { state: Arc::clone(state), ticket, turn })
    }

    /// Came back without an answer, and waits again. `asked`: it began to ask somebody. `false`: it has waited long
    /// enough.
    pub(crate) fn again(&mut self, absences: Vec<Absence>, asked: bool) -> bool {
        let (tell, turn) = oneshot::channel();
        let mut inside = self.state.room.inside();
        if !inside.hold.update(self.ticket, absences, asked, now()) {
            return false;
        }
        inside.waiting.insert(self.ticket, tell);
        drop(inside);
        self.turn = turn;
        self.state.room.news.notify_one();
        true
    }

    /// Waits for its turn. `None`: its time is over, or the gateway ends.
    pub(crate) async fn turn(&mut self) -> Option<Turn> {
        match (&mut self.turn).await {
            Ok(HoldEvent::Go { provider, trial, .. }) => Some(Turn { provider, trial }),
            Ok(HoldEvent::Over { .. }) | Err(_) => None,
        }
    }

    /// Its answer has begun: the provider is back.
    pub(crate) fn answered(&self, target: &Target) {
        let settled = self.state.engine().is_settled(target, now());
        self.state.room.with(|hold| hold.answered(self.ticket, target.provider, settled, now()));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ticket = self.ticket;
        let mut inside = self.state.room.inside();
        inside.waiting.remove(&ticket);
        inside.hold.leave(ticket, now());
        drop(inside);
        self.state.room.news.notify_one();
    }
}

/// Looks after the room until it is empty.
async fn tend(state: &State) {
    while let Some(due) = state.room.tend() {
        tokio::select! {
            biased;
            () = state.room.news.notified() => {}
            () = tokio::time::sleep_until(due.into()) => {}
        }
    }
}
