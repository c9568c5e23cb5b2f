//! Names of calls on their way to the client and back.

use proptest::prelude::*;

use super::super::ids::{escape, unescape};

/// Case 16: names that Anthropic refuses, and that their vendors have to get back.
#[test]
fn a_foreign_name_of_a_call_is_written_in_legal_characters() {
    let table = [
        ("toolu_01AbC-9", "toolu_01AbC-9"),
        ("functions.bash:0", "qcc-functions-2ebash-3a0"),
        ("call_x|fc_y", "qcc-call_x-7cfc_y"),
        ("é", "qcc--c3-a9"),
        ("", "qcc-"),
    ];
    for (foreign, legal) in table {
        assert_eq!(escape(foreign), legal);
    }
}

#[test]
fn a_name_that_only_looks_escaped_stays() {
    for name in ["qcc-plain", "qcc-7", "qcc-a-", "qcc--zz", "toolu_1"] {
        assert_eq!(unescape(name), None, "{name}");
        assert_eq!(escape(name), name);
    }
}

proptest! {
    #[test]
    fn every_name_comes_back(name in "(qcc-)?[-a-z2e.:é|_]{0,12}") {
        let escaped = escape(&name);
        prop_assert!(!escaped.is_empty());
        prop_assert!(escaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
        prop_assert_eq!(unescape(&escaped).unwrap_or_else(|| escaped.to_string()), name);
    }
}
