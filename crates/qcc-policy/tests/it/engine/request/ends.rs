//! How attempts end, and what that changes: successes, breaks, charges and refunds, as the server's `Charged`.

use std::time::{Duration, Instant};

use qcc_policy::engine::Target;
use qcc_policy::{Announced, Billed, Counter, ProviderId, Recorded, Standing, classify};

use super::bills::{self, Bill};
use super::{CACHED, Request, Stop};
use crate::engine::world::{TOKENS, World};

impl World {
    /// A provider said that it is overloaded: others of its host come last.
    pub(super) fn presume(&mut self, request: &mut Request, stop: usize, at: Instant) {
        let Request { stops, failover, key, .. } = request;
        self.engine.overloaded(stops[stop].target.provider, key.model, at);
        failover.defer(|candidate| self.engine.is_presumed_loaded(stops[candidate].target.provider, key.model, at));
    }

    /// The headers of an answer may say what is left of a limit.
    pub(super) fn hear(&mut self, target: &Target, at: Instant) {
        if !self.setting.upstreams[target.provider.0 as usize].announces || self.random.percent(80) {
            return;
        }
        let (remaining, reset) = (self.random.below(4), self.random.millis(30_000));
        let requests = Some(Counter { limit: Some(50), remaining, reset });
        let said = Announced { requests, ..Announced::default() };
        self.say(|| format!("       {:?} announces {remaining} for {reset:?}", target.provider));
        self.engine.announced(target, &said, at);
        let until = self.now + reset + Duration::from_secs(1);
        let provider = self.provider(target.provider);
        provider.announced = provider.announced.max(Some(until));
    }

    /// As the server's `Charged::broke`.
    pub(super) fn break_off(&mut self, mut request: Request, stop: usize, bill: Bill, at: Instant) {
        self.counts.broken += 1;
        let charge = classify(&bill.outcome, false).charge;
        request.bills.push(bill);
        self.fail(&mut request.stops[stop], true, at);
        let provider = request.stops[stop].target.provider;
        self.engine.broke_off(request.key, provider, at);
        self.broken.insert(request.key.session, (provider, self.now + Duration::from_mins(1)));
        self.charge(&mut request, Billed { candidate: stop, charge }, at);
        self.end(request, "breaks");
    }

    pub(super) fn succeed(&mut self, request: &mut Request, stop: usize, began: Instant, at: Instant) {
        let stop = &mut request.stops[stop];
        let Some((number, attempt)) = stop.attempt.take() else { return };
        let id = stop.target.provider;
        self.counts.answered += 1;
        let (from, to) = (request.began.duration_since(self.epoch), self.since());
        let is_prompt = |home: &ProviderId| self.setting.upstreams[home.0 as usize].script.is_prompt(from, to);
        // Its own connection may have died, and a repeat may not have been allowed.
        request.home = request.home.filter(|home| !request.impatient && request.bills.is_empty() && is_prompt(home));
        self.counts.at_home += u64::from(request.home.is_some());
        self.counts.stayed += u64::from(request.home == Some(id));
        let now = self.now;
        self.provider(id).end(now);
        self.provider(id).give_back(number);
        let session = Some((request.key, CACHED, false));
        let target = stop.target.clone();
        let (news, moved) =
            self.change(&target, at, |engine| engine.succeed(attempt, &target, session, Some(TOKENS), at));
        if self.setting.skew == 0 {
            let from = self.homes.get(&request.key).map(|(home, _)| *home);
            assert!(moved.is_none_or(|moved| Some(moved.from) == from && moved.to == id));
        }
        if self.provider(id).forgotten.is_none_or(|forgotten| began >= forgotten) {
            self.homes.insert(request.key, (id, now));
        }
        // As the server: an answer to anybody says that it is there.
        if self.engine.standing(&target, TOKENS, at) == Standing::Admissible {
            self.open(&target);
        }
        self.told(&target, news.as_ref());
    }

    /// The attempt under way ends without success.
    pub(super) fn fail(&mut self, stop: &mut Stop, failed: bool, at: Instant) {
        if let Some((number, attempt)) = stop.attempt.take() {
            let now = self.now;
            self.provider(stop.target.provider).end(now);
            let spent = self.change(&stop.target, at, |engine| engine.end(attempt, failed, None, at));
            stop.spent = Some((number, spent));
        }
    }

    pub(super) fn settle(&mut self, request: &mut Request, recorded: &Recorded, at: Instant) {
        for billed in &recorded.charges {
            self.charge(request, *billed, at);
        }
        for refund in &recorded.refunds {
            let stop = &request.stops[refund.candidate];
            let known = stop.billed.iter().find(|(when, ..)| *when == refund.charged_at);
            let (_, number, spent) = known.expect("only what was charged is refunded");
            let (target, charge, charged_at) = (&stop.target, refund.charge, refund.charged_at);
            let news = self.change(target, at, |engine| engine.refund(spent, target, charge, charged_at, at));
            bills::note(&mut request.bills, *number, |bill| bill.refunded += 1);
            self.charged(target.provider, charge, at, true);
            self.told(target, news.as_ref());
        }
    }

    /// What was withheld for a repeat that does not come.
    pub(super) fn pay(&mut self, request: &mut Request, at: Instant) {
        if let Some(billed) = request.failover.owed() {
            self.charge(request, billed, at);
        }
    }

    pub(super) fn charge(&mut self, request: &mut Request, billed: Billed, at: Instant) {
        let draw = self.random.draw();
        let Billed { candidate, charge } = billed;
        let stop = &mut request.stops[candidate];
        let (number, mut spent) = stop.spent.expect("a charge follows an attempt");
        let id = stop.target.provider;
        self.provider(id).give_back(number);
        let target = &stop.target;
        let news = self.change(target, at, |engine| engine.charge(&mut spent, target, charge, draw, at));
        stop.spent = Some((number, spent));
        stop.billed.push((at, number, spent));
        bills::note(&mut request.bills, number, |bill| bill.charged += 1);
        self.charged(id, charge, at, false);
        self.told(target, news.as_ref());
    }

    /// What is dropped with a candidate, or begun anew.
    pub(super) fn let_go(&mut self, stop: &mut Stop, at: Instant) {
        self.fail(stop, false, at);
        if let Some((number, spent)) = &mut stop.spent {
            let (number, id) = (*number, stop.target.provider);
            self.provider(id).give_back(number);
            self.change(&stop.target, at, |engine| engine.release(spent, &stop.target));
        }
    }
}
