//! Which profile leads: the pin that somebody set by hand, and the history of changes. The order itself is the router's;
//! here is kept which profile led last, so that a change is noticed, named and written down once.
//!
//! It is looked at again when somebody's health changed and when a request succeeded in the turn of another profile than
//! the one that leads. Everything else costs a request one atomic load.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use qcc_policy::{Lead, ProviderId};
use qcc_store::{FailoverRow, Row, Who};

use super::{Snapshot, State, lock, now};
use crate::events::Event;
use crate::trail::wall_clock;

/// No profile.
const NONE: usize = usize::MAX;

/// The reason of a way back.
pub(crate) const RECOVERED: &str = "recovered";

/// The pin and the profile that leads.
pub(super) struct Leading {
    marks: Mutex<Marks>,
    /// Place of the profile that leads in the snapshot in force. A request of an older snapshot may mean another profile
    /// by it; then it makes us look once too often, or once too late.
    place: AtomicUsize,
    /// One switch after the other, so that the database holds what is in force.
    switching: Mutex<()>,
}

struct Marks {
    /// As asked for, also where there is no such profile now.
    pin: Option<String>,
    /// The profile that leads.
    leader: Option<String>,
    /// The time of the latest change, as in the history.
    changed_ms: i64,
}

/// The pin, for whoever asks.
pub(crate) struct Pin {
    /// The profile that is tried before all tiers.
    pub(crate) profile: Option<String>,
    /// A pin on a profile that does not exist now.
    pub(crate) ignored: Option<String>,
    /// Whether a restart keeps it; else why not.
    pub(crate) kept: Result<(), String>,
}

/// A profile was named that does not exist.
pub(crate) struct NoProfile {
    /// Those that do.
    pub(crate) known: Vec<String>,
}

/// What made us look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Health,
    Config,
    Start,
}

// === impl Leading ===

impl Leading {
    pub(super) fn new(pin: Option<String>) -> Self {
        Self {
            marks: Mutex::new(Marks { pin, leader: None, changed_ms: 0 }),
            place: AtomicUsize::new(NONE),
            switching: Mutex::new(()),
        }
    }
}

// === impl State ===

impl State {
    /// The profile whose endpoint would be tried first now.
    pub(crate) fn leader(&self, snapshot: &Snapshot) -> Option<Lead> {
        self.engine().lead(&snapshot.router, now())
    }

    /// Whether a request that succeeded in the turn of `profile` says that another one leads than we know.
    pub(crate) fn is_led_elsewhere(&self, profile: Option<usize>) -> bool {
        profile.is_some_and(|place| place != self.leading.place.load(Ordering::Relaxed))
    }

    /// Somebody's health changed, so another profile may lead.
    pub(crate) fn reconsider(&self) {
        if !self.snapshot().config.profiles.is_empty() {
            self.follow(&mut self.marks(), Cause::Health);
        }
    }

    /// Takes up what an earlier run left.
    pub(super) fn resume(&self, leader: Option<String>) {
        let mut marks = self.marks();
        self.snapshot.store(self.snapshot().with_pin(marks.pin.as_deref()).into());
        self.tell_ignored(&marks);
        let snapshot = self.snapshot();
        // Without a history the first leader is no change.
        marks.leader = leader.or_else(|| Some(name_of(&snapshot, self.leader(&snapshot)?.profile)?.to_owned()));
        self.follow(&mut marks, Cause::Start);
    }

    /// Puts a snapshot into force, with the pin on it.
    pub(super) fn put(&self, snapshot: &Snapshot) {
        let mut marks = self.marks();
        let was_in_force = self.snapshot().pinned.is_some();
        self.snapshot.store(snapshot.with_pin(marks.pin.as_deref()).into());
        if was_in_force {
            self.tell_ignored(&marks);
        } else if self.snapshot().pinned.is_some() {
            // The profile of the pin is there again, and means everybody.
            self.engine().switch(now());
            self.keeping.hurry();
        }
        self.follow(&mut marks, Cause::Config);
    }

    /// The pin as it is. May wait for the disk.
    pub(crate) fn pin(&self) -> Pin {
        let (pin, in_force) = {
            let marks = self.marks();
            (marks.pin.clone(), self.snapshot().pinned.is_some())
        };
        let kept = self.history.keeps(pin.as_deref());
        let (profile, ignored) = if in_force { (pin, None) } else { (None, pin) };
        Pin { profile, ignored, kept }
    }

    /// Pins a profile, or none. It is in force before it is kept. May wait for the disk.
    ///
    /// # Errors
    /// When there is no such profile; then nothing changes.
    pub(crate) fn switch(&self, wanted: Option<&str>) -> Result<Pin, NoProfile> {
        let _one_at_a_time = lock(&self.leading.switching);
        let config = &self.snapshot().config;
        if wanted.is_some_and(|wanted| config.profiles.iter().all(|profile| profile.name != wanted)) {
            return Err(NoProfile { known: config.profiles.iter().map(|profile| profile.name.clone()).collect() });
        }
        let profile = wanted.map(str::to_owned);
        let same = self.marks().pin == profile;
        if same && self.history.keeps(wanted).is_ok() {
            return Ok(Pin { profile, ignored: None, kept: Ok(()) });
        }
        let row = self.aim(profile.clone());
        let kept = self.history.keep(wanted, &row);
        Ok(Pin { profile, ignored: None, kept })
    }

    /// Puts a pin into force and gives its row.
    fn aim(&self, wanted: Option<String>) -> FailoverRow {
        let mut marks = self.marks();
        let snapshot = self.snapshot().with_pin(wanted.as_deref());
        let next = self.leader(&snapshot).and_then(|lead| name_of(&snapshot, lead.profile));
        let to = wanted.as_deref().or(next).or(marks.leader.as_deref()).map(str::to_owned);
        let reason = if wanted.is_some() { "pinned" } else { "unpinned" };
        marks.pin = wanted;
        self.snapshot.store(snapshot.into());
        // Whoever switches means everybody, also conversations that are warm elsewhere.
        self.engine().switch(now());
        self.keeping.hurry();
        let row = self.change(&mut marks, to, reason.to_owned(), Who::Manual);
        self.follow(&mut marks, Cause::Health);
        row
    }

    /// Notes the profile that leads now, if it is another one and can be asked. While all are out nobody takes over.
    fn follow(&self, marks: &mut Marks, cause: Cause) {
        let snapshot = self.snapshot();
        let before = marks.leader.as_deref().and_then(|name| snapshot.profile(name));
        let next = self.leader(&snapshot).filter(|lead| lead.admissible).map(|lead| lead.profile);
        if let Some(next) = next
            && before != Some(next)
        {
            let reason = match (cause, before) {
                (Cause::Start, _) => "restarted".to_owned(),
                (Cause::Config, _) | (_, None) => "the configuration changed".to_owned(),
                (Cause::Health, Some(before)) if snapshot.router.is_before(next, before) => RECOVERED.to_owned(),
                (Cause::Health, Some(before)) => self.why_left(&snapshot, before),
            };
            let to = name_of(&snapshot, next).map(str::to_owned);
            let row = self.change(marks, to, reason, Who::Automatic);
            self.history.write(Row::Failover(row));
        }
        let place = marks.leader.as_deref().and_then(|name| snapshot.profile(name));
        self.leading.place.store(place.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// Notes who leads, and says so in the log.
    fn change(&self, marks: &mut Marks, to: Option<String>, reason: String, who: Who) -> FailoverRow {
        let from = std::mem::replace(&mut marks.leader, to.clone());
        self.log.emit(Event::ProfileSwitched {
            from: from.clone(),
            to: to.clone(),
            reason: reason.clone(),
            who: who.name(),
        });
        // Rows may be written in another order than they were made, within a millisecond too: the time tells it.
        marks.changed_ms = wall_clock().max(marks.changed_ms + 1);
        FailoverRow { at_ms: marks.changed_ms, from, to, reason, who }
    }

    /// What put out the last provider of a profile.
    fn why_left(&self, snapshot: &Snapshot, place: usize) -> String {
        let endpoints = snapshot.config.profiles.get(place).map(|profile| profile.endpoints.as_slice());
        let members: Vec<(ProviderId, &str)> = endpoints
            .unwrap_or_default()
            .iter()
            .filter_map(|endpoint| snapshot.upstream_named(&endpoint.provider))
            .map(|upstream| (upstream.id, upstream.name()))
            .collect();
        let absent = self.engine().absent(now());
        let whole = absent.iter().filter(|out| out.model.is_none() && out.fingerprint.is_none());
        let named = whole.filter_map(|out| {
            let (_, name) = members.iter().find(|(id, _)| *id == out.provider)?;
            Some((out.since, *name, out.reason))
        });
        named
            .max_by_key(|(since, ..)| *since)
            .map_or_else(|| "no usable endpoint".to_owned(), |(_, name, reason)| format!("{name}: {reason}"))
    }

    fn tell_ignored(&self, marks: &Marks) {
        if let Some(pin) = &marks.pin
            && self.snapshot().pinned.is_none()
        {
            self.log.emit(Event::PinIgnored { profile: pin.clone() });
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        lock(&self.leading.marks)
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// The place of a profile.
    pub(crate) fn profile(&self, name: &str) -> Option<usize> {
        self.config.profiles.iter().position(|profile| profile.name == name)
    }

    /// The same with this pin, as far as there is such a profile.
    fn with_pin(&self, pin: Option<&str>) -> Self {
        let pinned = pin.and_then(|name| self.profile(name));
        Self {
            config: self.config.clone(),
            from_file: self.from_file,
            upstreams: self.upstreams.clone(),
            pinned,
            router: crate::observe::router(&self.config, &self.upstreams, pinned),
            limits: self.limits,
        }
    }
}

fn name_of(snapshot: &Snapshot, place: usize) -> Option<&str> {
    snapshot.config.profiles.get(place).map(|profile| profile.name.as_str())
}
