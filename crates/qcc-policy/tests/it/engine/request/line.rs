//! The way of a request that nobody answers: into the waiting room, out of it, and to its end.

use std::time::Duration;

use qcc_policy::hold::may_hold;
use qcc_policy::{Absence, Entry, Final, HoldEvent, ProviderId, Reason, Standing};

use super::{Request, TOLERANCE};
use crate::engine::nature::SLOWEST;
use crate::engine::world::{TOKENS, World};

impl World {
    /// As the server's `Journey::travel` after a walk that ended without an answer.
    pub(super) fn wait(&mut self, id: usize, mut request: Request, end: Final) {
        let now = self.now;
        let targets = request.stops.iter().map(|stop| &stop.target);
        let standings: Vec<Standing> = targets.map(|target| self.engine.standing(target, TOKENS, now)).collect();
        let pairs = request.stops.iter().zip(&standings);
        let absences: Vec<_> = pairs.map(|(stop, standing)| Absence::new(&stop.target, *standing, now)).collect();
        if let Some(place) = request.place {
            let waits = self.hold.update(place, absences, !request.tried.is_empty(), now);
            self.poll_at(now);
            return if waits { self.stay(id, request) } else { self.look_again(id, request) };
        }
        if may_hold(standings, request.max_wait, now)
            && let Entry::Held(place) = self.hold.enter(absences, request.deadline, now)
        {
            self.counts.held += 1;
            (request.place, request.entered) = (Some(place), now);
            self.tickets.insert(place, id);
            self.poll_at(now);
            return self.stay(id, request);
        }
        if !request.patient {
            return self.give_up(request, end);
        }
        let all = (0..request.stops.len()).collect();
        request.set_out(all, false);
        self.walk(id, request);
    }

    fn stay(&mut self, id: usize, request: Request) {
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
            HoldEvent::Over { .. } => self.look_again(id, request),
            HoldEvent::Go { provider, trial, .. } => {
                let way = request.way_to(provider, trial);
                request.set_out(way, !trial);
                self.walk(id, request);
            }
        }
    }

    /// It has waited long enough. Who is out is asked all the same, rather than refusing unasked.
    fn look_again(&mut self, id: usize, mut request: Request) {
        let all = (0..request.stops.len()).collect();
        request.last = true;
        request.set_out(all, false);
        self.walk(id, request);
    }

    pub(in crate::engine) fn leave(&mut self, request: Request) {
        self.counts.gone += 1;
        self.end(request, "leaves");
    }

    pub(super) fn give_up(&mut self, request: Request, end: Final) {
        self.counts.failed += 1;
        assert!(self.now <= request.deadline + TOLERANCE, "it ends by its deadline");
        let mut well = Vec::new();
        for stop in &request.stops {
            let standing = self.engine.standing(&stop.target, TOKENS, self.now);
            // Not by the provider's own word of a moment ago, which is believed as long as it says.
            let is_shut = matches!(standing, Standing::Out { reason: Reason::Credential | Reason::Quota, .. });
            if !is_shut && self.could_answer(&request, stop.target.provider) {
                well.push((stop.target.provider, standing));
            }
        }
        self.counts.able += u64::from(!well.is_empty());
        self.counts.lost += u64::from(!well.is_empty());
        if request.place.is_some() {
            self.note_wait(&request);
        }
        self.say(|| format!("{} well: {well:?}", if well.is_empty() { "    " } else { "LOST" }));
        self.end(request, &format!("fails: {end:?}"));
    }

    /// Whether that provider was well all the time, for this request, with time enough.
    pub(super) fn could_answer(&self, request: &Request, id: ProviderId) -> bool {
        let (from, to) = (request.began.duration_since(self.epoch), self.since());
        let has_time = request.deadline.duration_since(request.began) > 3 * SLOWEST;
        let is_prompt = self.setting.upstreams[id.0 as usize].script.is_prompt(from, to);
        has_time && is_prompt && self.suits(request, id) && !request.was_cut_off(id)
    }

    /// Whether that provider answers this request when it is well.
    fn suits(&self, request: &Request, id: ProviderId) -> bool {
        let number = id.0 as usize;
        let served = self.setting.upstreams[number].lacks.is_none_or(|model| model as u64 != request.key.model);
        let provider = &self.providers[number];
        let limited = provider.is_limited() || provider.announced.is_some_and(|until| until > request.began);
        request.bad.is_none() && served && !limited
    }

    /// Notes for how long it waited although somebody was well whose return nobody had announced for later.
    pub(super) fn note_wait(&mut self, request: &Request) {
        let entered = request.entered.duration_since(self.epoch);
        let well_since = |id: ProviderId| {
            let since = self.setting.upstreams[id.0 as usize].script.healthy_since(self.since());
            since.filter(|_| self.suits(request, id) && self.providers[id.0 as usize].refused_at.is_none())
        };
        let first = request.stops.iter().filter_map(|stop| well_since(stop.target.provider)).min();
        let needless = first.map_or(Duration::ZERO, |first| self.since().saturating_sub(first.max(entered)));
        self.counts.waits += 1;
        self.counts.needless_ms += needless.as_millis() as u64;
        self.counts.long_waits += u64::from(needless > Duration::from_secs(30));
    }

    pub(super) fn end(&mut self, mut request: Request, how: &str) {
        self.say(|| format!("    the one of {} {how}", request.session));
        let at = self.clock();
        for stop in &mut request.stops {
            self.let_go(stop, at);
        }
        self.audit(&request);
        if let Some(place) = request.place.take() {
            self.tickets.remove(&place);
            self.hold.leave(place, self.now);
            self.poll_at(self.now);
        }
        self.finished(request.session);
    }
}
