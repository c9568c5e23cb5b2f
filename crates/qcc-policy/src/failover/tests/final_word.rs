//! What is said when nothing more can be tried.

use super::*;

#[test]
fn the_last_404_goes_down_when_all_said_404_also_where_that_was_known() {
    let missing: &[Outcome] = &[refused(404)];
    let mut story = Story::new(&[1, 2], limits()).put_out(0, &refused(404));
    assert_eq!(story.play(&[missing, missing]), (vec![(1, 0), (0, 0)], answer(0)));
}

#[test]
fn throttled_everywhere_tells_the_shortest_wait() {
    let wait = |s| [Outcome::Refused(Refusal { retry_after: Some(secs(s)), ..Refusal::of(429) })];
    let mut story = Story::new(&[1, 2], limits());
    let (tries, end) = story.play(&[&wait(50), &wait(20)]);
    assert_eq!(tries.len(), 2);
    assert_eq!(end, Step::GiveUp(Final::Throttled { wait: secs(20) }));
}

#[test]
fn forbidden_needs_every_candidate_to_be_ours_to_repair() {
    let mut story = Story::new(&[1, 2, 3], limits()).put_out(1, &refused(402));
    let (tries, end) = story.play(&[&[refused(401)], &[Outcome::Done], &[refused(403)]]);
    assert_eq!((tries, end), (vec![(0, 0), (2, 0)], FORBIDDEN));
    for other in [404, 429, 500] {
        let mut story = Story::new(&[1, 2], limits());
        let (_, end) = story.play(&[&[refused(401)], &[refused(other)]]);
        assert_eq!(end, UNAVAILABLE, "401 and {other}");
    }
}

#[test]
fn an_empty_plan_is_its_own_final_word() {
    let mut story = Story::new(&[], limits());
    assert_eq!(story.next(), Step::GiveUp(Final::NothingToTry));
}

#[test]
fn the_deadline_stops_first_tries_and_waits_that_pass_it() {
    let mut story = Story::new(&[1], limits());
    story.deadline = story.now;
    assert_eq!(story.next(), Step::GiveUp(Final::Deadline));
    let mut story = Story::new(&[1], limits());
    story.next();
    story.record(0, &refused(500));
    story.deadline = story.now + Duration::from_millis(100);
    assert_eq!(story.next(), Step::GiveUp(Final::Deadline));
    assert_eq!(story.budget, u32::MAX, "a repeat without time takes nothing from the budget");
}

#[test]
fn a_passed_deadline_does_not_change_the_final_word_when_all_is_tried() {
    let mut story = Story::new(&[1], limits());
    story.next();
    story.record(0, &refused(401));
    story.deadline = story.now;
    assert_eq!(story.next(), FORBIDDEN);
}
