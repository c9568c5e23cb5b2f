//! The way of a request that nobody answers: into the waiting room, out of it, and to its end.

use qcc_policy::breaker;
use qcc_policy::hold::may_hold;
use qcc_policy::{Absence, Caps, Entry, Final, HoldEvent, Reason, Standing};

use super::Request;
use crate::engine::world::{TOKENS, World};

impl World {
    pub(super) fn wait(&mut self, id: usize, mut request: Request, end: Final) {
        let now = self.now;
        let targets = request.stops.iter().map(|stop| &stop.target);
        let standings: Vec<Standing> = targets.map(|target| self.engine.standing(target, TOKENS, now)).collect();
        let pairs = request.stops.iter().zip(&standings);
        let absences: Vec<_> =
            pairs.map(|(stop, standing)| Absence::new(stop.target.provider, None, *standing, now)).collect();
        let waits = match request.place {
            Some(place) => self.hold.update(place, absences, now),
            None if !may_hold(standings, self.setting.max_wait, now) => {
                if request.patient {
                    let all = (0..request.stops.len()).collect();
                    self.set_out(&mut request, all, false);
                    return self.walk(id, request);
                }
                false
            }
            None => match self.hold.enter(absences, request.deadline, now) {
                Entry::Full => false,
                Entry::Held(place) => {
                    request.place = Some(place);
                    self.tickets.insert(place, id);
                    true
                }
            },
        };
        self.poll_at(now);
        if !waits {
            return self.look_again(id, request, end);
        }
        self.say(|| format!("{id:3} waits"));
        self.requests.insert(id, request);
    }

    pub(in crate::engine) fn send(&mut self, event: HoldEvent) {
        let (HoldEvent::Go { ticket, .. } | HoldEvent::Over { ticket }) = event;
        let id = self.tickets[&ticket];
        let mut request = self.requests.remove(&id).expect("who waits has not ended");
        assert!(request.running.is_none(), "who is under way waits for nothing");
        self.say(|| format!("{id:3} {event:?}"));
        match event {
            HoldEvent::Over { .. } => self.look_again(id, request, Final::Unavailable),
            HoldEvent::Go { provider, trial, .. } => {
                let is_his = |stop: &usize| request.stops[*stop].target.provider == provider;
                let (mut way, others): (Vec<_>, Vec<_>) = (0..request.stops.len()).partition(is_his);
                if !trial {
                    way.extend(others);
                }
                self.set_out(&mut request, way, !trial);
                self.walk(id, request);
            }
        }
    }

    /// It has waited long enough, but somebody may be back of whom nobody told the line.
    fn look_again(&mut self, id: usize, mut request: Request, end: Final) {
        let now = self.now;
        let mut targets = request.stops.iter().map(|stop| &stop.target);
        let is_back = targets.any(|target| self.engine.standing(target, TOKENS, now) == Standing::Admissible);
        if request.place.is_none() || request.last || !is_back {
            return self.give_up(request, end);
        }
        request.last = true;
        let all = (0..request.stops.len()).collect();
        self.set_out(&mut request, all, true);
        self.walk(id, request);
    }

    pub(in crate::engine) fn leave(&mut self, request: Request) {
        self.counts.gone += 1;
        self.end(request, "leaves");
    }

    pub(super) fn give_up(&mut self, request: Request, end: Final) {
        self.counts.failed += 1;
        assert!(self.now <= request.deadline, "it ends by its deadline");
        let (from, to) = (request.began.duration_since(self.epoch), self.since());
        let fair = request.bad.is_none() && request.patience.is_none() && end != Final::Deadline;
        let mut well = Vec::new();
        for stop in request.stops.iter().filter(|_| fair) {
            let id = stop.target.provider;
            let provider = &self.providers[id.0 as usize];
            let out = self.engine.standing(&stop.target, TOKENS, self.now);
            // Its wait ended while somebody else was finding out whether it is back.
            let is_tried = provider.running > 0 && self.engine.breaker(id, self.now) != breaker::Standing::Closed;
            let is_shut = is_tried || matches!(out, Standing::Out { reason: Reason::Credential | Reason::Quota, .. });
            if !is_shut && provider.caps == Caps::default() && provider.script.is_well(from, to) {
                well.push((id, out));
            }
        }
        if request.place.is_none() && !self.setting.max_wait.is_zero() && !well.is_empty() {
            // The room was full: refused unasked, as the limit says.
            self.counts.turned_away += 1;
            well.clear();
        }
        self.counts.lost += u64::from(!well.is_empty());
        self.say(|| format!("{} well: {well:?}", if well.is_empty() { "    " } else { "LOST" }));
        self.end(request, &format!("fails: {end:?}"));
    }

    pub(super) fn end(&mut self, mut request: Request, how: &str) {
        self.say(|| format!("    the one of {} {how}", request.session));
        for stop in &mut request.stops {
            self.let_go(stop);
        }
        if let Some(place) = request.place.take() {
            self.tickets.remove(&place);
            self.hold.leave(place, self.now);
            self.poll_at(self.now);
        }
        self.finished(request.session);
    }
}
