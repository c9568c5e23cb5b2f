//! The whole table, row by row, and the few rules that cut across it.

use super::*;
use crate::outcome::Phase;
use crate::testing::{about, refused, secs};

const OURS: bool = false;
const CLIENTS: bool = true;

fn page(status: u16) -> Outcome {
    Outcome::Refused(Refusal { html: true, ..Refusal::of(status) })
}

fn failover(repeat: Repeat) -> Next {
    Next::Failover { repeat }
}

fn row(outcome: &Outcome) -> (Blame, Next, Option<Reason>) {
    let verdict = classify(outcome, OURS);
    let reason = match verdict.charge {
        Charge::None => None,
        Charge::Out { reason, .. } => Some(reason),
    };
    (verdict.blame, verdict.next, reason)
}

fn term(outcome: &Outcome) -> Option<Duration> {
    match classify(outcome, OURS).charge {
        Charge::None => None,
        Charge::Out { how_long, .. } => match how_long {
            Term::Configured => None,
            Term::For(term) => Some(term),
        },
    }
}

const FAULT: (Blame, Next, Option<Reason>) =
    (Blame::Provider, Next::Failover { repeat: Repeat::Last }, Some(Reason::Fault));
const MODEL_FAULT: (Blame, Next, Option<Reason>) =
    (Blame::Provider, Next::Failover { repeat: Repeat::Last }, Some(Reason::ModelFault));
const REQUEST: (Blame, Next, Option<Reason>) = (Blame::Request, Next::Answer, None);
const MODEL: (Blame, Next, Option<Reason>) =
    (Blame::Model, Next::Failover { repeat: Repeat::Never }, Some(Reason::ModelMissing));
const QUOTA: (Blame, Next, Option<Reason>) =
    (Blame::Quota, Next::Failover { repeat: Repeat::Never }, Some(Reason::Quota));
const PERMISSION: (Blame, Next, Option<Reason>) =
    (Blame::Permission, Next::Failover { repeat: Repeat::Never }, Some(Reason::Permission));
const CREDENTIAL: (Blame, Next, Option<Reason>) =
    (Blame::Credential, Next::Failover { repeat: Repeat::Never }, Some(Reason::Credential));
const THROTTLE: (Blame, Next, Option<Reason>) =
    (Blame::Load, Next::Failover { repeat: Repeat::Never }, Some(Reason::Throttled));

#[test]
fn every_status_that_clients_meet_has_its_row() {
    let table = [
        (400, REQUEST),
        (401, CREDENTIAL),
        (402, QUOTA),
        (403, PERMISSION),
        (404, MODEL),
        (408, FAULT),
        (409, FAULT),
        (410, FAULT),
        (413, REQUEST),
        (418, FAULT),
        (422, REQUEST),
        (429, THROTTLE),
        (431, FAULT),
        (499, FAULT),
        (500, MODEL_FAULT),
        (502, MODEL_FAULT),
        (503, MODEL_FAULT),
        (504, MODEL_FAULT),
        (520, MODEL_FAULT),
        (524, MODEL_FAULT),
        (529, MODEL_FAULT),
        (301, FAULT),
        (307, FAULT),
        (0, FAULT),
        (204, FAULT),
        (999, MODEL_FAULT),
        (u16::MAX, MODEL_FAULT),
    ];
    for (status, expected) in table {
        assert_eq!(row(&refused(status)), expected, "status {status}");
    }
}

#[test]
fn what_a_body_is_about_counts_more_than_its_status() {
    let table = [
        (400, Topic::Quota, QUOTA),
        (403, Topic::Quota, QUOTA),
        (429, Topic::Quota, QUOTA),
        (500, Topic::Quota, QUOTA),
        (400, Topic::ContextTooLong, REQUEST),
        (500, Topic::ContextTooLong, REQUEST),
        (400, Topic::ModelMissing, MODEL),
        (503, Topic::ModelMissing, MODEL),
        (503, Topic::Overloaded, MODEL_FAULT),
        (400, Topic::Overloaded, MODEL_FAULT),
        (529, Topic::Overloaded, MODEL_FAULT),
        (429, Topic::Overloaded, THROTTLE),
        (400, Topic::Permission, PERMISSION),
        (409, Topic::Permission, PERMISSION),
        (500, Topic::Permission, PERMISSION),
        (401, Topic::Permission, CREDENTIAL),
        (402, Topic::Permission, QUOTA),
        (429, Topic::Permission, THROTTLE),
    ];
    for (status, topic, expected) in table {
        assert_eq!(row(&about(status, topic)), expected, "{status} about {topic:?}");
    }
}

#[test]
fn a_web_page_is_not_the_words_of_an_api() {
    for status in [403, 404, 502] {
        assert_eq!(row(&page(status)), FAULT, "page under {status}");
    }
    let denied = Outcome::Refused(Refusal { html: true, topic: Topic::Permission, ..Refusal::of(403) });
    assert_eq!(row(&denied), FAULT);
}

#[test]
fn a_failure_without_an_answer_is_the_providers_and_where_it_took_the_request_perhaps_its_models() {
    let table = [
        (Failure::Connect, Repeat::Last, Reason::Fault),
        (Failure::DiedBeforeAnswer, Repeat::AtOnce, Reason::Fault),
        (Failure::NotTheDialect, Repeat::Last, Reason::Fault),
        (Failure::Truncated, Repeat::Last, Reason::ModelFault),
        (Failure::Timeout(Phase::Connect), Repeat::Never, Reason::Fault),
        (Failure::Timeout(Phase::FirstByte), Repeat::Never, Reason::ModelFault),
        (Failure::Timeout(Phase::Idle), Repeat::Never, Reason::ModelFault),
        (Failure::Timeout(Phase::Stall), Repeat::Never, Reason::ModelFault),
        (Failure::Timeout(Phase::Response), Repeat::Never, Reason::ModelFault),
        (Failure::Timeout(Phase::Total), Repeat::Never, Reason::ModelFault),
    ];
    for (failure, repeat, reason) in table {
        let expected = (Blame::Provider, failover(repeat), Some(reason));
        assert_eq!(row(&Outcome::Failed(failure)), expected, "{failure:?}");
    }
}

#[test]
fn only_the_api_itself_says_that_it_is_overloaded() {
    assert!(is_overload(&refused(529)));
    assert!(is_overload(&about(503, Topic::Overloaded)));
    assert!(is_overload(&about(400, Topic::Overloaded)));
    for other in [refused(503), page(529), about(429, Topic::Overloaded), about(529, Topic::Quota), Outcome::Done] {
        assert!(!is_overload(&other), "{other:?}");
    }
}

#[test]
fn an_idle_connection_that_died_is_nobodys_fault_and_is_repeated_at_once() {
    let died = Outcome::Failed(Failure::IdleDied);
    assert_eq!(row(&died), (Blame::Nobody, failover(Repeat::AtOnce), None));
}

#[test]
fn a_request_that_could_not_be_put_to_a_provider_costs_it_nothing() {
    let unfit = Outcome::Failed(Failure::Unfit);
    assert_eq!(row(&unfit), (Blame::Request, failover(Repeat::Never), None));
}

#[test]
fn a_success_and_a_gone_client_cost_nobody() {
    assert_eq!(row(&Outcome::Done), (Blame::Nobody, Next::Finish, None));
    assert_eq!(row(&Outcome::ClientGone), (Blame::Client, Next::Finish, None));
}

#[test]
fn a_throttle_lasts_as_stated_within_bounds() {
    let wait = |retry_after| term(&Outcome::Refused(Refusal { retry_after, ..Refusal::of(429) }));
    assert_eq!(wait(None), Some(secs(30)));
    assert_eq!(wait(Some(secs(0))), Some(secs(1)));
    assert_eq!(wait(Some(secs(17))), Some(secs(17)));
    assert_eq!(wait(Some(secs(86_400))), Some(secs(86_400)));
    assert_eq!(wait(Some(Duration::MAX)), Some(secs(86_400)));
    let until = Outcome::Refused(Refusal { until: Some(secs(600)), ..Refusal::of(429) });
    assert_eq!(term(&until), Some(secs(600)));
}

#[test]
fn a_quota_lasts_until_its_date_else_an_hour() {
    let spent = |retry_after, until| term(&Outcome::Refused(Refusal { retry_after, until, ..Refusal::of(402) }));
    assert_eq!(spent(None, None), Some(secs(3600)));
    assert_eq!(spent(None, Some(secs(200))), Some(secs(200)));
    assert_eq!(spent(Some(secs(5)), None), Some(secs(3600)));
    assert_eq!(spent(Some(secs(7200)), None), Some(secs(7200)));
    assert_eq!(spent(Some(secs(5)), Some(secs(9000))), Some(secs(9000)));
    assert_eq!(spent(None, Some(Duration::MAX)), Some(QUOTA_MOST));
}

#[test]
fn other_terms_are_fixed_and_a_fault_is_the_configurations() {
    assert_eq!(term(&refused(401)), Some(secs(30 * 60)));
    assert_eq!(term(&refused(403)), Some(secs(10 * 60)));
    assert_eq!(term(&refused(404)), Some(secs(10 * 60)));
    assert_eq!(classify(&refused(500), OURS).charge, Charge::MODEL_FAULT);
    assert_eq!(classify(&page(403), OURS).charge, Charge::FAULT);
}

#[test]
fn what_concerns_the_clients_own_credential_goes_to_the_client_verbatim() {
    let told = [
        refused(401),
        refused(402),
        refused(403),
        refused(429),
        about(400, Topic::Quota),
        about(429, Topic::Quota),
        about(403, Topic::ModelMissing),
    ];
    for outcome in told {
        assert_eq!(classify(&outcome, CLIENTS).next, Next::Answer, "{outcome:?}");
        let ours = classify(&outcome, OURS).next;
        assert_eq!(ours, failover(Repeat::Never), "{outcome:?}");
    }
}

#[test]
fn what_does_not_concern_the_clients_own_credential_fails_over_all_the_same() {
    for outcome in [refused(500), refused(529), refused(404), refused(409), page(403)] {
        let verdict = classify(&outcome, CLIENTS);
        assert_eq!(verdict, classify(&outcome, OURS), "{outcome:?}");
        assert_ne!(verdict.next, Next::Answer, "{outcome:?}");
    }
}

#[test]
fn only_a_credential_or_quota_of_ours_forbids_a_last_try() {
    for (outcome, passthrough, anyway) in [
        (refused(401), OURS, false),
        (refused(402), OURS, false),
        (refused(401), CLIENTS, true),
        (refused(402), CLIENTS, true),
        (refused(429), OURS, true),
        (refused(403), OURS, true),
        (refused(500), OURS, true),
    ] {
        match classify(&outcome, passthrough).charge {
            Charge::None => panic!("{outcome:?} costs something"),
            Charge::Out { reason, .. } => {
                assert_eq!(reason.may_be_tried_anyway(), anyway, "{outcome:?}");
            }
        }
    }
}

#[test]
fn only_a_4xx_without_a_known_cause_is_unexplained() {
    let unexplained: Vec<u16> = (0..=u16::MAX).filter(|&s| unexplained(&refused(s)).is_some()).collect();
    assert!(unexplained.iter().all(|status| (405..500).contains(status)));
    for known in [408, 413, 422, 429] {
        assert!(!unexplained.contains(&known), "{known}");
    }
    assert_eq!(unexplained.len(), 95 - 4);
    assert_eq!(super::unexplained(&about(409, Topic::Quota)), None);
    assert_eq!(super::unexplained(&about(418, Topic::Overloaded)), None);
}

#[test]
fn a_client_that_has_too_little_patience_charges_nobody() {
    let verdict = classify(&Outcome::Failed(Failure::Timeout(Phase::Patience)), false);
    assert_eq!(verdict.blame, Blame::Client);
    assert_eq!(verdict.next, Next::Failover { repeat: Repeat::Never });
    assert_eq!(verdict.charge, Charge::None);
}
