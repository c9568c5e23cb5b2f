//! A request that waited and goes through its plan again: what it may try anew, and what it remembers.

use super::*;

#[test]
fn the_same_unexplained_refusal_in_a_later_walk_confirms_the_first_one() {
    let mut story = Story::new(&[1, 2], limits()).put_out(1, &refused(500));
    story.failover = story.failover.patient();
    assert_eq!(story.play(&[&[refused(418)], &[]]), (vec![(0, 0), (0, 100)], UNAVAILABLE));
    assert!(story.is_out(0));
    story.failover.again(vec![1], false);
    assert_eq!(story.play(&[&[], &[refused(418)]]), (vec![(1, 0)], answer(1)));
    assert!(!story.is_out(0), "the request is at fault");
}

#[test]
fn a_provider_is_charged_once_for_the_same_unexplained_refusal_of_one_request() {
    let mut story = Story::new(&[1], limits());
    story.next();
    assert_eq!(story.record(0, &refused(418)).charges.len(), 1);
    story.failover.again(vec![0], false);
    story.next();
    assert_eq!(story.record(0, &refused(418)).charges, []);
    story.failover.again(vec![0], false);
    story.next();
    assert_eq!(story.record(0, &refused(409)).charges.len(), 1, "another one is news");
}

#[test]
fn everybody_may_be_tried_again_in_the_order_of_the_new_walk() {
    let mut story = Story::new(&[1, 2, 3], Limits { same_provider: 0, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    story.play(&[down, down, down]);
    story.cooldowns.clear(ProviderId(1));
    story.cooldowns.clear(ProviderId(3));
    story.failover.again(vec![2, 0, 1], true);
    assert_eq!(story.play(&[down, down, down]), (vec![(2, 0), (0, 0)], UNAVAILABLE));
}

#[test]
fn a_walk_along_one_candidate_tries_that_one_alone_although_it_is_out() {
    let mut story = Story::new(&[1, 2], Limits { same_provider: 0, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    story.play(&[down, down]);
    story.failover.again(vec![1], false);
    assert_eq!(story.next(), Step::Try { candidate: 1, wait: Duration::ZERO, anyway: true });
    story.record(1, &Outcome::Done);
    assert_eq!(story.next(), answer(1));
}

#[test]
fn the_last_walk_begins_with_those_that_have_not_failed_this_request() {
    let mut story = Story::new(&[1, 2], limits()).put_out(1, &refused(500));
    story.failover = story.failover.patient();
    assert_eq!(story.play(&[&[SLOW], &[]]), (vec![(0, 0)], UNAVAILABLE));
    story.cooldowns.clear(ProviderId(1));
    story = story.put_out(0, &Outcome::Refused(Refusal { retry_after: Some(secs(2)), ..Refusal::of(429) }));
    story.failover.again(vec![0, 1], false);
    assert_eq!(story.play(&[&[SLOW], &[Outcome::Done]]), (vec![(1, 0)], answer(1)), "although the other is due first");
}

#[test]
fn a_connection_that_dies_on_a_try_by_force_is_repeated_at_once() {
    let mut story = Story::new(&[1], limits()).put_out(0, &refused(500));
    assert_eq!(story.play(&[&[DIED, Outcome::Done]]), (vec![(0, 0), (0, 0)], answer(0)));
    let mut story = Story::new(&[1], limits()).put_out(0, &refused(403));
    assert_eq!(story.play(&[&[DIED, Outcome::Done]]), (vec![(0, 0), (0, 0)], answer(0)));
}

#[test]
fn repeats_are_bounded_over_all_walks_of_a_request() {
    let mut story = Story::new(&[1], Limits { same_provider: 9, max_attempts: 3, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    assert_eq!(story.play(&[down]).0.len(), 3);
    story.cooldowns.clear(ProviderId(1));
    story.failover.again(vec![0], true);
    assert_eq!(story.play(&[down]).0.len(), 1, "its turn, and no repeat");
}

#[test]
fn one_candidate_without_the_model_is_not_the_last_word_of_all() {
    let mut story = Story::new(&[1, 2], limits());
    story.play(&[&[refused(500)], &[refused(500)]]);
    story.failover.again(vec![1], false);
    assert_eq!(story.play(&[&[], &[refused(404)]]), (vec![(1, 0)], UNAVAILABLE));
}

#[test]
fn an_answer_stays_the_end() {
    let mut story = Story::new(&[1, 2], limits());
    assert_eq!(story.play(&[&[refused(400)], &[]]).1, answer(0));
    story.failover.again(vec![0, 1], true);
    assert_eq!(story.next(), answer(0));
}

#[test]
fn a_try_that_did_not_begin_is_not_a_try() {
    let mut story = Story::new(&[1, 2], Limits { max_attempts: 2, ..limits() });
    assert_eq!(story.next(), first(0));
    story.failover.not_begun();
    assert_eq!(story.next(), first(0), "it is as good as before");
    story.failover.not_begun();
    let busy = Outcome::Refused(Refusal::of(429));
    let mut story = story.put_out(0, &busy);
    assert_eq!(story.next(), first(1));
    story.record(1, &refused(500));
    assert_eq!(story.next(), Step::Try { candidate: 0, wait: Duration::ZERO, anyway: true });
    assert_eq!(story.failover.tries, 2);
}
