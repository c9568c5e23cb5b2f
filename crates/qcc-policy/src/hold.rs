//! The waiting room: requests that nobody can answer at the moment wait for a provider to come back, instead of being
//! refused. A client bears minutes of silence better than errors: it retries a refusal a few times, then it gives up.
//!
//! The rules:
//! - The line is in order of arrival. Who is sent and comes back without having asked, because others took the room, has
//!   its old place. Who asked and has no answer goes behind all who have asked less often: what failed it may be its own,
//!   such as the little time that it had left, and must not keep the line from a provider that is well.
//! - Every provider that somebody waits for has a gate, and every model that alone is out on it. A gate opens when the provider's time is over, when somebody
//!   says so ([`Hold::open`]: an answer to other traffic, a half-open breaker, `endpoint enable`), or by an answer to
//!   somebody from the line.
//! - Through an open gate goes one, until it is proven by an answer; then [`PROVEN`], and one more with every answer:
//!   twice as many with every round, so that the whole line does not fall on a provider that has just got up. Who comes
//!   back from a provider that is out shuts the gate; from one that is not out, it halves the number.
//! - A provider may have answered and be out all the same, until that answer has come to its end and further ones have:
//!   it is not *settled*. That can take minutes, so meanwhile the line goes there as trials, the next one as soon as the
//!   one before is being answered.
//! - While a gate is shut for a fault, whose end is only our guess, one of the line goes there as a trial: after
//!   [`FIRST_TRIAL`], then twice as long, at most [`LONGEST_PAUSE`]. Only to the provider that is due first, the others after
//!   it in turn, and one at a time for the whole line; while that one hangs, the next provider has its turn. A provider that announced its
//!   return is not tried before: that would renew its limit, and the line waits only for what returns in time.
//! - Nobody waits past `max_wait`, nor past five sixths of the time that its request had left when it came: the rest is
//!   for a last look at everybody, so that nobody is refused unasked.
//!
//! What a request could not use for reasons of its own (a model that is missing, the client's own credential, a failure
//! that did not put the provider out) is its own matter: it shuts no gate and an open gate does not end it.
//!
//! There are no counters to go wrong: who left is not in the line, and with the last one everything is forgotten. A poll
//! reads the whole line once; that is cheap for as many requests as a gateway can keep in memory, and only held ones
//! pay for it.
//!
//! # How a server drives it
//!
//! One mutex around the `Hold` and a map from ticket to `oneshot::Sender<HoldEvent>`; one `Notify`; one task.
//!
//! - A request whose plan is exhausted, and for which [`may_hold`] says yes, calls [`Hold::enter`] with the
//!   [`Absence`] of every candidate, leaves its sender, and keeps a guard that calls [`Hold::leave`] when dropped. It
//!   looks at the standings once more and calls [`Hold::update`] if one is admissible that was not: it may have come
//!   back in between. Then it notifies the task and awaits its receiver.
//! - The task, for ever: [`Hold::poll`], every event to its sender (a failed send: [`Hold::leave`]), then wait for the
//!   notification or [`Hold::next_deadline`].
//! - At [`HoldEvent::Go`] the request runs its plan anew, the named provider first; as a trial that one alone, although
//!   it is out (a forced attempt of the breaker). At the first semantic event it calls [`Hold::answered`]; without an
//!   answer [`Hold::update`] with the new absences, and awaits a new receiver. At [`HoldEvent::Over`], or when `update`
//!   says no, it asks everybody once more, who is out too, and then gives its final word. The request's own refusal (a
//!   400) is an answer like any other.
//! - Whatever makes a provider admissible that was not calls [`Hold::open`]: an answer, a charge taken back, a lease or
//!   room that comes free. So does a reload, for all. Every one of these calls is followed by a notification of the
//!   task.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::later;
use crate::outcome::ProviderId;

mod gate;
mod words;

use gate::{Gate, pause};
use words::Door;
pub use words::{Absence, Entry, HoldEvent, Ticket, may_hold};

/// From the moment that nobody is left until the first trial.
pub const FIRST_TRIAL: Duration = Duration::from_secs(5);
/// Between two trials of one provider, at most.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Requests sent at once to a provider that has just answered one: what a person with a few subagents has under way.
pub const PROVEN: u32 = 8;

#[derive(Debug, Clone)]
struct Waiter {
    /// The end of its patience.
    until: Instant,
    /// The request's own end. Who was sent and is not back by then never will be.
    deadline: Instant,
    /// In plan order.
    absences: Vec<Absence>,
    sent: Option<Sent>,
    /// How often it was sent, and asked in vain.
    tries: u32,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    door: Door,
    trial: bool,
}

/// Everybody who waits.
#[derive(Debug, Clone)]
pub struct Hold {
    max_wait: Duration,
    max_waiters: usize,
    arrivals: u64,
    line: BTreeMap<u64, Waiter>,
    gates: BTreeMap<Door, Gate>,
}

impl Waiter {
    /// Where it would go as a trial: of the providers whose return is a guess and to which nobody is under way, the one
    /// with the fewest trials, then the one that is due first. Not where one has proven itself: it has a turn there.
    fn aim(&self, gates: &BTreeMap<Door, Gate>, now: Instant) -> Option<Door> {
        let gate = |absence: &Absence| gates.get(&absence.door);
        if self.absences.iter().any(|absence| absence.shared && gate(absence).is_some_and(Gate::is_proven)) {
            return None;
        }
        let ready = self.absences.iter().filter(|absence| absence.guess && (absence.shared || absence.until <= now));
        let due = ready.filter_map(|absence| {
            let gate = gate(absence).filter(|gate| gate.is_shut() && gate.running == 0)?;
            let until = if absence.shared { gate.until } else { absence.until };
            Some(((gate.trials, until), absence.door))
        });
        due.min_by_key(|(key, _)| *key).map(|(_, door)| door)
    }

    /// Through which open gate it can go now.
    fn way(&self, gates: &BTreeMap<Door, Gate>, now: Instant) -> Option<Sent> {
        let back = self.absences.iter().filter(|absence| absence.shared || absence.until <= now);
        let mut open = back.filter_map(|absence| {
            let gate = gates.get(&absence.door).filter(|gate| gate.has_room())?;
            Some(Sent { door: absence.door, trial: gate.is_unsettled() })
        });
        open.next()
    }

    /// Where it can go now as the trial of a gate that is shut.
    fn trial(&self, gates: &mut BTreeMap<Door, Gate>, now: Instant) -> Option<Sent> {
        let door = self.aim(gates, now)?;
        let at = gates.get_mut(&door)?.trial_at(now);
        (at <= now).then_some(Sent { door, trial: true })
    }

    /// When it has to be looked at again if nothing happens before.
    fn next_deadline(&self, gates: &BTreeMap<Door, Gate>, now: Instant) -> Instant {
        if self.sent.is_some() {
            return self.deadline;
        }
        let own = self.absences.iter().filter(|absence| !absence.shared && absence.until > now);
        let trial = self.aim(gates, now).and_then(|door| gates.get(&door));
        let trial = trial.map(|gate| gate.next_trial.unwrap_or(now));
        own.map(|absence| absence.until).chain(trial).fold(self.until, Instant::min)
    }
}

impl Hold {
    /// Nobody waits. `max_wait`: the longest wait; zero: nobody is held. `max_waiters`: how many at once.
    pub fn new(max_wait: Duration, max_waiters: usize) -> Self {
        Self { max_wait, max_waiters, arrivals: 0, line: BTreeMap::new(), gates: BTreeMap::new() }
    }

    /// New limits, as after a reload. Who waits already keeps its own.
    pub fn configure(&mut self, max_wait: Duration, max_waiters: usize) {
        self.max_wait = max_wait;
        self.max_waiters = max_waiters;
    }

    /// Asks for a place in the line. `absences`: of every candidate, in plan order. `deadline`: of the request.
    pub fn enter(&mut self, absences: Vec<Absence>, deadline: Instant, now: Instant) -> Entry {
        if self.max_wait.is_zero() || self.line.len() >= self.max_waiters {
            return Entry::Full;
        }
        let ticket = Ticket(self.arrivals);
        self.arrivals += 1;
        let left = deadline.saturating_duration_since(now);
        let until = later(now, self.max_wait.min(left / 6 * 5));
        let mut waiter = Waiter { until, deadline, absences, sent: None, tries: 0 };
        for absence in &mut waiter.absences {
            // It was asked a moment ago and did not answer, whatever is said of it.
            if absence.until <= now {
                absence.until = later(now, FIRST_TRIAL);
                absence.shared = false;
            }
            self.hear(*absence, now);
        }
        self.line.insert(ticket.0, waiter);
        Entry::Held(ticket)
    }

    /// A waiter has looked again, or is back without an answer: what is said of its candidates now. `asked`: whether it
    /// began to ask somebody. Returns whether it still waits; if not, its ticket is void.
    pub fn update(&mut self, ticket: Ticket, mut absences: Vec<Absence>, asked: bool, now: Instant) -> bool {
        let Some(waiter) = self.line.get_mut(&ticket.0) else {
            return false;
        };
        let sent = waiter.sent.take();
        let own_pause = later(now, pause(waiter.tries));
        waiter.tries = waiter.tries.saturating_add(u32::from(asked));
        let waits = waiter.until > now;
        if let Some(gate) = sent.and_then(|sent| self.gates.get_mut(&sent.door)) {
            gate.come_back();
        }
        for absence in &mut absences {
            let Some(Sent { door, trial }) = sent.filter(|sent| sent.door.provider == absence.door.provider) else {
                self.hear(*absence, now);
                continue;
            };
            if door != absence.door
                && let Some(gate) = self.gates.get_mut(&door)
            {
                gate.fail(trial, now);
            }
            if !absence.shared || absence.until > now {
                self.shut(*absence, trial, now);
            } else if !asked {
                // Others had taken the room, and have left it since.
                self.hear(*absence, now);
            } else {
                // Not out, but it failed this request: others may have more luck there, this one has to pause.
                self.gate(*absence, now).fail(trial, now);
                absence.until = own_pause;
                absence.shared = false;
            }
        }
        if let Some(waiter) = self.line.get_mut(&ticket.0) {
            waiter.absences = absences;
        }
        if !waits {
            self.leave(ticket, now);
        }
        waits
    }

    /// A waiter got an answer from this provider. `settled`: the provider takes everybody again; else it stays out until
    /// further answers have come to their end. The ticket is void.
    pub fn answered(&mut self, ticket: Ticket, provider: ProviderId, settled: bool, now: Instant) {
        let absences = self.line.get(&ticket.0).map_or(&[][..], |waiter| &waiter.absences);
        let own =
            absences.iter().map(|absence| absence.door).filter(|door| door.provider == provider && door.model > 0);
        for door in own.chain([Door::of(provider)]) {
            if let Some(gate) = self.gates.get_mut(&door) {
                gate.prove(settled);
            }
        }
        self.leave(ticket, now);
    }

    /// A waiter is gone: its client left, or its request came to another end. Does nothing for a void ticket.
    pub fn leave(&mut self, ticket: Ticket, now: Instant) {
        let Some(waiter) = self.line.remove(&ticket.0) else {
            return;
        };
        if let Some(Sent { door, trial }) = waiter.sent
            && let Some(gate) = self.gates.get_mut(&door)
        {
            gate.come_back();
            // A trial without a result: the next one is not at once, or clients that leave would hurry it.
            if trial && gate.is_shut() {
                gate.wait(now);
            }
        }
        if self.line.is_empty() {
            self.gates.clear();
        }
    }

    /// A provider is admissible again. `settled`: for everybody; else, as with a breaker that is half-open, for a probe.
    pub fn open(&mut self, provider: ProviderId, settled: bool) {
        let every = Door::of(provider)..=Door { provider, model: u64::MAX };
        self.gates.range_mut(every).for_each(|(_, gate)| gate.open(settled));
    }

    /// Decides who goes on, in the order of the line; who is a trial; and whose wait is over.
    pub fn poll(&mut self, now: Instant) -> Vec<HoldEvent> {
        let mut events = self.end(now);
        for gate in self.gates.values_mut().filter(|gate| gate.is_shut() && gate.until <= now) {
            gate.open(true);
        }
        let waiting = self.line.iter_mut().filter(|(_, waiter)| waiter.sent.is_none());
        let mut waiting: Vec<(u64, &mut Waiter)> = waiting.map(|(&number, waiter)| (number, waiter)).collect();
        waiting.sort_by_key(|(_, waiter)| waiter.tries);
        waiting.retain_mut(|(number, waiter)| {
            let sent = waiter.way(&self.gates, now);
            events.extend(sent.map(|sent| go(*number, waiter, sent, &mut self.gates)));
            sent.is_none()
        });
        for (number, waiter) in waiting {
            if let Some(sent) = waiter.trial(&mut self.gates, now) {
                events.push(go(number, waiter, sent, &mut self.gates));
            }
        }
        events
    }

    /// When to poll next if nothing happens before. `None` while nobody waits. Always after `now` when it was just
    /// polled.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let gates = self.gates.values().filter(|gate| gate.is_shut()).map(|gate| gate.until);
        let waiters = self.line.values().map(|waiter| waiter.next_deadline(&self.gates, now));
        waiters.chain(gates).min().map(|due| due.max(now))
    }

    /// How many there are, sent ones that have no answer yet included.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Voids the tickets whose time is over. Who is under way needs no word: its own deadline ends it.
    fn end(&mut self, now: Instant) -> Vec<HoldEvent> {
        let is_over = |waiter: &Waiter| if waiter.sent.is_none() { waiter.until } else { waiter.deadline } <= now;
        let over: Vec<(Ticket, bool)> = self
            .line
            .iter()
            .filter(|(_, waiter)| is_over(waiter))
            .map(|(&number, waiter)| (Ticket(number), waiter.sent.is_none()))
            .collect();
        for (ticket, _) in &over {
            self.leave(*ticket, now);
        }
        over.into_iter().filter(|(_, waits)| *waits).map(|(ticket, _)| HoldEvent::Over { ticket }).collect()
    }

    /// What a waiter knows of a provider that it was not sent to.
    fn hear(&mut self, absence: Absence, now: Instant) {
        let gate = self.gate(absence, now);
        // An open gate is newer: that waiter looked before it was opened, or has to find out itself.
        if absence.shared && gate.is_shut() {
            gate.until = absence.until.max(gate.next_trial.filter(|_| absence.until <= now).unwrap_or(now));
        }
    }

    /// A waiter is back from a provider that is out.
    fn shut(&mut self, absence: Absence, trial: bool, now: Instant) {
        let gate = self.gate(absence, now);
        if absence.shared {
            gate.shut(absence.until, trial, now);
        }
    }

    /// The gate of a provider; a new one is shut where the provider is out for everybody.
    fn gate(&mut self, absence: Absence, now: Instant) -> &mut Gate {
        let until = if absence.shared { Some(absence.until) } else { None };
        self.gates.entry(absence.door).or_insert_with(|| Gate::new(until, now))
    }
}

fn go(number: u64, waiter: &mut Waiter, sent: Sent, gates: &mut BTreeMap<Door, Gate>) -> HoldEvent {
    waiter.sent = Some(sent);
    if let Some(gate) = gates.get_mut(&sent.door) {
        gate.running = gate.running.saturating_add(1);
        gate.trials = gate.trials.saturating_add(u32::from(gate.is_shut()));
    }
    HoldEvent::Go { ticket: Ticket(number), provider: sent.door.provider, trial: sent.trial }
}

#[cfg(test)]
mod tests;
