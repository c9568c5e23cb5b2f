//! What an answer to the free call says about the provider and about this machine's clock.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;

use super::*;

/// 1994-11-06 08:49:37, the example of RFC 9110.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const SECONDS: u64 = 784_111_777;

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&'static str, &str)| {
        (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    list.iter().map(header).collect()
}

#[test]
fn the_clock_is_ahead_by_a_positive_and_behind_by_a_negative_number_of_seconds() {
    let at = |seconds| skew(DATE, UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!([at(SECONDS), at(SECONDS + 90), at(SECONDS - 90)], [Some(0), Some(90), Some(-90)]);
}

#[test]
fn a_date_that_is_none_says_nothing() {
    assert_eq!(skew("yesterday", UNIX_EPOCH), None);
    assert_eq!(Answered::new(200, &headers(&[])).skew, None);
}

#[test]
fn the_date_of_a_stored_answer_says_nothing_about_now() {
    assert!(Answered::new(200, &headers(&[("date", DATE)])).skew.is_some());
    assert_eq!(Answered::new(200, &headers(&[("date", DATE), ("age", "86400")])).skew, None);
}

#[test]
fn a_web_page_is_not_the_api_whatever_its_status() {
    for status in [200, 401, 403, 404, 503] {
        let found = judge("one".to_owned(), &Answered::new(status, &headers(&[("content-type", "text/html")])), "u");
        assert_eq!((found.ok, found.detail.contains("web page")), (false, true), "{status}");
    }
    let json = judge("one".to_owned(), &Answered::new(200, &headers(&[("content-type", "application/json")])), "u");
    assert!(json.ok);
}

#[test]
fn a_redirect_is_told_as_one_although_it_comes_with_a_page() {
    let found = judge("one".to_owned(), &Answered::new(301, &headers(&[("content-type", "text/html")])), "u");
    assert!(found.detail.contains("redirects"));
}
