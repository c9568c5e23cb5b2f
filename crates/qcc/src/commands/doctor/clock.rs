//! The clock, against what providers say. A wrong one breaks TLS, and every wait until a stated time.

use std::time::Duration;

use qcc_server::Reach;

use crate::output::human;

use super::facts::Facts;
use super::finding::{Finding, Fix};

/// Beyond this certificates and signatures begin to fail (AWS and others allow 5 minutes).
const WRONG: u64 = 300;

/// Beyond this a clock is not kept by anybody.
const DOUBTFUL: u64 = 60;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    vec![judge(facts.reached.as_deref().unwrap_or_default())]
}

/// The provider that agrees best counts: a relay with a wrong clock of its own must not accuse this machine.
fn judge(reached: &[Reach]) -> Finding {
    let known = reached.iter().filter_map(|reach| Some((reach.skew?, reach.provider.as_str())));
    let Some((skew, provider)) = known.min_by_key(|(skew, _)| skew.unsigned_abs()) else {
        return Finding::skipped("no provider answered with its date");
    };
    let (by, way) = (human(Duration::from_secs(skew.unsigned_abs())), if skew > 0 { "ahead of" } else { "behind" });
    let message = format!("this machine is {by} {way} {provider}");
    match skew.unsigned_abs() {
        WRONG.. => Finding::problem(format!("{message}: TLS and stated waits fail"), fix()),
        DOUBTFUL.. => Finding::warning(message, fix()),
        _ => Finding::ok(format!("agrees with that of {provider}")),
    }
}

fn fix() -> Fix {
    if cfg!(target_os = "linux") {
        Fix::run("timedatectl set-ntp true")
    } else {
        Fix::sentence("let the system set its clock by the network")
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn reach(provider: &str, skew: Option<i64>) -> Reach {
        let provider = provider.to_owned();
        Reach { provider, ok: true, status: Some(200), ms: 1, detail: String::new(), hint: None, skew }
    }

    #[test]
    fn a_minute_is_a_warning_and_five_are_a_problem_both_ways() {
        let state = |skew| judge(&[reach("one", Some(skew))]).state;
        assert_eq!([0, 59, -59].map(state), [State::Ok; 3]);
        assert_eq!([60, 299, -60, -299].map(state), [State::Warning; 4]);
        assert_eq!([300, -300, i64::MIN].map(state), [State::Problem; 3]);
    }

    #[test]
    fn a_provider_with_a_wrong_clock_does_not_accuse_this_machine() {
        let found = judge(&[reach("wrong", Some(7200)), reach("right", Some(-2)), reach("silent", None)]);
        assert_eq!(found, Finding::ok("agrees with that of right"));
    }

    #[test]
    fn without_a_date_nothing_is_known() {
        assert_eq!(judge(&[]).state, State::Skipped);
        assert_eq!(judge(&[reach("one", None)]).state, State::Skipped);
    }
}
