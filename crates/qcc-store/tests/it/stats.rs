//! What requests and tries add up to.

use qcc_store::{AttemptOutcome, AttemptRow, LastError, ProviderStats, RequestRecord, Spread, Stats, Tokens};

use crate::support::{Place, answered, tried};

const HOUR: i64 = 3_600_000;

/// The beginning of an hour of 2025.
const NOW: i64 = 489_898 * HOUR;

fn of<'a>(stats: &'a Stats, name: &str) -> &'a ProviderStats {
    stats.providers.iter().find(|stats| stats.provider == name).unwrap()
}

/// A request that `bad` failed and `good` answered.
fn failed_over(id: &str, at_ms: i64, outcome: AttemptOutcome, reason: Option<&str>) -> RequestRecord {
    let mut record = answered(id, at_ms, "good");
    record.attempts[0].started_ms = 20;
    let failed = AttemptRow { took_ms: 5, reason: reason.map(str::to_owned), ..tried("bad", outcome) };
    record.attempts.insert(0, failed);
    record
}

#[test]
fn an_empty_database_has_no_traffic() {
    let stats = Place::empty().open().stats(NOW + 1).unwrap();
    assert_eq!(stats, Stats { since_ms: NOW, verdicts: Vec::new(), providers: Vec::new() });
}

#[test]
fn a_provider_is_judged_by_its_tries_even_if_others_answered() {
    let place = Place::with([
        failed_over("1", NOW, AttemptOutcome::Failure, Some("refused")),
        failed_over("2", NOW, AttemptOutcome::Throttled, None),
        failed_over("3", NOW, AttemptOutcome::Uncharged, Some("the client left")),
        failed_over("4", NOW, AttemptOutcome::Skipped, Some("cooling down")),
    ]);
    let stats = place.open().stats(NOW).unwrap();
    let names: Vec<&str> = stats.providers.iter().map(|stats| stats.provider.as_str()).collect();
    assert_eq!(names, ["bad", "good"]);
    let (bad, good) = (&of(&stats, "bad").traffic, &of(&stats, "good").traffic);
    assert_eq!((bad.requests, bad.successes, bad.failures, bad.throttled), (3, 0, 2, 1));
    assert_eq!((good.requests, good.successes, good.failures, good.throttled), (4, 4, 0, 0));
    assert_eq!((bad.success_rate(), good.success_rate()), (Some(0.0), Some(1.0)));
    assert_eq!(stats.verdicts, [("done".to_owned(), 4)]);
}

#[test]
fn a_provider_that_nothing_was_charged_to_has_no_success_rate() {
    let place = Place::with([failed_over("1", NOW, AttemptOutcome::Uncharged, None)]);
    assert_eq!(of(&place.open().stats(NOW).unwrap(), "bad").traffic.success_rate(), None);
}

#[test]
fn fast_failures_do_not_make_a_provider_look_fast() {
    let mut whole = answered("1", NOW, "good");
    whole.attempts[0].first_event_ms = Some(400);
    let place = Place::with([whole, failed_over("2", NOW, AttemptOutcome::Failure, None)]);
    let stats = place.open().stats(NOW).unwrap();
    let spread = |count, ms, middle| Some(Spread { count, average_ms: ms, p50_ms: middle, p95_ms: middle });
    assert_eq!(of(&stats, "bad").traffic.latency, None);
    assert_eq!(of(&stats, "good").traffic.latency, spread(2, 1000, 1000));
    assert_eq!(of(&stats, "good").traffic.first_event, spread(1, 400, 404));
}

#[test]
fn percentiles_are_those_of_all_hours_together() {
    let place = Place::with((1..=100).map(|n: i64| {
        let mut record = answered(&n.to_string(), NOW + n % 5 * HOUR, "a");
        record.attempts[0].took_ms = n.unsigned_abs() * 100;
        record
    }));
    let stats = place.open().stats(NOW).unwrap();
    let latency = of(&stats, "a").traffic.latency.unwrap();
    assert_eq!((latency.count, latency.average_ms), (100, 5050));
    assert!(latency.p50_ms.abs_diff(5000) <= 5000 / 64 && latency.p95_ms.abs_diff(9500) <= 9500 / 64, "{latency:?}");
}

#[test]
fn tokens_are_summed_where_they_were_counted() {
    let mut record = failed_over("1", NOW, AttemptOutcome::Failure, None);
    record.request.input_tokens = Some(100);
    record.request.output_tokens = Some(7);
    record.request.cache_read_tokens = Some(800);
    record.request.cache_write_tokens = Some(100);
    let stats = Place::with([record.clone(), record]).open().stats(NOW).unwrap();
    let told = of(&stats, "good").traffic.tokens;
    assert_eq!(told, Tokens { input: 200, output: 14, cache_read: 1600, cache_write: 200 });
    assert_eq!(told.cache_share(), Some(0.8));
    assert_eq!((of(&stats, "bad").traffic.tokens, Tokens::default().cache_share()), (Tokens::default(), None));
}

#[test]
fn the_last_error_is_the_latest_one_in_whatever_order_requests_end() {
    let place = Place::with([
        failed_over("1", NOW + 50, AttemptOutcome::Failure, Some("the later")),
        failed_over("2", NOW + 10, AttemptOutcome::Failure, Some("the earlier")),
        failed_over("3", NOW - HOUR, AttemptOutcome::Failure, Some("an hour before")),
        failed_over("4", NOW + 60, AttemptOutcome::Uncharged, Some("not its fault")),
    ]);
    let stats = place.open().stats(NOW - HOUR).unwrap();
    let error = LastError { at_ms: NOW + 50, text: "the later".to_owned() };
    assert_eq!(of(&stats, "bad").last_error.as_ref(), Some(&error));
    assert_eq!(of(&stats, "good").last_error, None);
}

#[test]
fn hours_are_told_apart_and_counted_whole() {
    let at = [NOW - 1, NOW, NOW + HOUR - 1, NOW + 2 * HOUR];
    let place = Place::with((0..).zip(at).map(|(n, at): (u32, i64)| answered(&n.to_string(), at, "a")));
    let stats = place.open().stats(NOW + HOUR / 2).unwrap();
    let hours: Vec<(i64, u64)> =
        of(&stats, "a").hours.iter().map(|hour| (hour.at_ms - NOW, hour.traffic.requests)).collect();
    assert_eq!((stats.since_ms, hours), (NOW, vec![(0, 2), (2 * HOUR, 1)]));
    assert_eq!((of(&stats, "a").traffic.requests, stats.verdicts), (3, vec![("done".to_owned(), 3)]));
}

#[test]
fn a_try_belongs_to_the_hour_in_which_it_began() {
    let mut record = failed_over("1", NOW - 10, AttemptOutcome::Failure, None);
    record.request.output_tokens = Some(5);
    let stats = Place::with([record]).open().stats(NOW - HOUR).unwrap();
    let hour = |name| of(&stats, name).hours.iter().map(|hour| hour.at_ms).collect::<Vec<_>>();
    assert_eq!((hour("bad"), hour("good")), (vec![NOW - HOUR], vec![NOW]));
    assert_eq!(of(&stats, "good").hours[0].traffic.tokens.output, 5);
}

#[test]
fn a_clock_before_1970_has_hours_too() {
    let place = Place::with([answered("1", -1, "a"), answered("2", i64::MIN, "a")]);
    let stats = place.open().stats(i64::MIN).unwrap();
    assert_eq!(of(&stats, "a").hours.last().unwrap().at_ms, -HOUR);
    assert_eq!(of(&stats, "a").traffic.requests, 2);
}

#[test]
fn one_provider_is_told_with_its_latest_tries() {
    let mut first = failed_over("1", NOW, AttemptOutcome::Failure, Some("refused"));
    first.request.output_tokens = Some(5);
    first.attempts[1].model = Some("other".to_owned());
    let place = Place::with([
        first,
        failed_over("2", NOW + 1, AttemptOutcome::Skipped, None),
        failed_over("3", NOW + 2, AttemptOutcome::Throttled, None),
        answered("0", NOW - HOUR, "bad"),
    ]);
    let store = place.open();
    let bad = store.metrics("bad", NOW + 5, 10).unwrap();
    assert_eq!(bad.stats.as_ref(), Some(of(&store.stats(NOW).unwrap(), "bad")));
    let tries: Vec<_> = bad.recent.iter().map(|row| (row.request_id.as_str(), row.at_ms - NOW, row.outcome)).collect();
    assert_eq!(tries, [("3", 2, AttemptOutcome::Throttled), ("1", 0, AttemptOutcome::Failure)]);
    assert_eq!((bad.recent[1].reason.as_deref(), bad.recent[1].tokens), (Some("refused"), None));
    let good = store.metrics("good", NOW, 1).unwrap();
    assert_eq!((good.recent.len(), good.recent[0].model.as_str()), (1, "claude-x"));
    let oldest = store.metrics("good", NOW, 10).unwrap().recent.pop().unwrap();
    assert_eq!((oldest.model.as_str(), oldest.tokens.unwrap().output), ("other", 5));
}

#[test]
fn a_provider_without_traffic_has_empty_metrics() {
    let place = Place::with([answered("1", NOW, "a")]);
    let metrics = place.open().metrics("b", NOW, 10).unwrap();
    assert_eq!((metrics.stats, metrics.recent.len(), metrics.since_ms), (None, 0, NOW));
}
