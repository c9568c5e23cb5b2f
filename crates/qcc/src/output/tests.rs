//! Durations and numbers as people read them, and text from outside.

use super::*;

#[test]
fn durations_have_at_most_two_units() {
    let shown: Vec<String> =
        [0, 59, 60, 250, 3_600, 7_380, 86_400, 442_800].map(|s| human(Duration::from_secs(s))).to_vec();
    assert_eq!(shown, ["0s", "59s", "1m", "4m 10s", "1h", "2h 3m", "1d", "5d 3h"]);
}

#[test]
fn one_thing_is_singular() {
    assert_eq!(["0 routes", "1 route", "2 routes"].to_vec(), [0, 1, 2].map(|n| count(n, "route")).to_vec());
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    assert_eq!(harmless("a\u{1b}[31mb\r\n"), "a\u{fffd}[31mb\u{fffd}\u{fffd}");
    assert_eq!(harmless("user\u{202e}txt.exe"), "user\u{fffd}txt.exe", "writing backwards hides what a name is");
}
