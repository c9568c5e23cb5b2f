//! Connecting and giving back, over bytes: exactly where nobody edited, key by key where somebody did.

use super::*;

const URL: &str = "http://127.0.0.1:7860";

const RELAY: &str = r#"{
  "model": "opus",
  "env": {
    "ANTHROPIC_BASE_URL": "https://relay.example",
    "ANTHROPIC_API_KEY": "sk-relay",
    "DISABLE_TELEMETRY": "1"
  }
}
"#;

fn keys(url: &str) -> Vec<(String, Option<String>)> {
    vec![
        ("ANTHROPIC_BASE_URL".to_owned(), Some(url.to_owned())),
        ("ANTHROPIC_AUTH_TOKEN".to_owned(), Some("proxy-managed".to_owned())),
        ("ANTHROPIC_API_KEY".to_owned(), None),
    ]
}

fn connected(before: Option<&str>) -> Connect {
    let before = before.map(|text| text.as_bytes().to_vec());
    connect(before, URL, keys(URL), "name", Vec::new()).unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Gives back after `edit` was made to the connected file.
fn back(before: Option<&str>, edit: impl Fn(String) -> String) -> Undo {
    let plan = connected(before);
    let now = edit(text(&plan.after));
    undo(Some(now.as_bytes()), &plan.connection, plan.before.as_deref()).unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn after(undo: &Undo) -> String {
    text(undo.after.as_deref().unwrap())
}

#[test]
fn what_was_there_is_replaced_and_remembered() {
    let plan = connected(Some(RELAY));
    insta::assert_snapshot!(text(&plan.after), @r#"
    {
      "model": "opus",
      "env": {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:7860",
        "DISABLE_TELEMETRY": "1",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed"
      }
    }
    "#);
    let originals: Vec<_> = plan.connection.keys.iter().map(|key| key.original.as_deref()).collect();
    assert_eq!(originals, [Some("https://relay.example"), None, Some("sk-relay")]);
}

#[test]
fn a_file_that_nobody_edited_comes_back_byte_for_byte() {
    for before in [RELAY, "", "\u{feff}{\"env\":{}}", "{ /* odd */ \"a\":1 , }\r\n", "{\"a\":[1,2]}"] {
        let undone = back(Some(before), |text| text);
        assert_eq!((undone.how, after(&undone)), (How::Exact, before.to_owned()));
    }
}

#[test]
fn a_file_that_was_not_there_is_removed_again() {
    let undone = back(None, |text| text);
    assert_eq!((undone.how, undone.after), (How::Removed, None));
    let tidied = back(None, |text| text.replace('\n', ""));
    assert_eq!((tidied.how, tidied.after), (How::Removed, None), "a new format is nobody's setting");
    let used = back(None, |text| text.replacen('{', "{\n  \"model\": \"opus\",", 1));
    assert_eq!((used.how, after(&used)), (How::Merged, "{\n  \"model\": \"opus\"\n}\n".to_owned()));
}

#[test]
fn an_edit_beside_ours_stays_and_ours_come_back_to_their_places() {
    let undone = back(Some(RELAY), |text| text.replace("\"opus\"", "\"sonnet\"").replace("\"1\"", "\"0\""));
    assert_eq!(undone.how, How::Merged);
    assert_eq!(after(&undone), RELAY.replace("\"opus\"", "\"sonnet\"").replace("\"1\"", "\"0\""));
    assert_eq!(undone.back, ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"]);
    assert!(undone.kept.is_empty() && undone.lost.is_empty());
}

#[test]
fn a_variable_that_the_user_changed_stays_and_is_named() {
    let undone = back(Some(RELAY), |text| text.replace(URL, "https://new.example"));
    insta::assert_snapshot!(after(&undone), @r#"
    {
      "model": "opus",
      "env": {
        "ANTHROPIC_BASE_URL": "https://new.example",
        "ANTHROPIC_API_KEY": "sk-relay",
        "DISABLE_TELEMETRY": "1"
      }
    }
    "#);
    assert_eq!((undone.kept, undone.lost), (vec![BASE_URL.to_owned()], vec![BASE_URL.to_owned()]));
    let no_text = back(Some("{}"), |text| text.replace("\"proxy-managed\"", "7"));
    assert_eq!((no_text.kept, no_text.lost), (vec![AUTH_TOKEN.to_owned()], Vec::new()));
}

#[test]
fn a_variable_that_the_user_took_out_stays_out() {
    let undone = back(Some("{\"env\": {}}"), |_| "{\"env\": {}}".to_owned());
    assert_eq!((after(&undone).as_str(), undone.kept.len()), ("{\"env\": {}}", 0));
    let undone = back(Some(RELAY), |_| "{}".to_owned());
    assert_eq!(undone.kept, [BASE_URL, API_KEY].map(str::to_owned)[..1], "only what was ours and is gone");
    assert!(after(&undone).contains("sk-relay"));
}

#[test]
fn an_env_that_was_ours_alone_goes_and_one_with_more_stays() {
    let spaced = |text: String| format!("{text}\n");
    assert_eq!(after(&back(Some("{\n  \"a\": 1\n}\n"), spaced)), "{\n  \"a\": 1\n}\n\n");
    let more = back(Some("{\n  \"a\": 1\n}\n"), |text| text.replacen("\"env\": {", "\"env\": {\n    \"X\": \"y\",", 1));
    assert_eq!(after(&more), "{\n  \"a\": 1,\n  \"env\": {\n    \"X\": \"y\"\n  }\n}\n");
}

#[test]
fn a_file_that_is_gone_needs_nothing_but_says_what_does_not_come_back() {
    let plan = connected(Some(RELAY));
    let undone = undo(None, &plan.connection, plan.before.as_deref()).unwrap_or_else(|_| panic!());
    assert_eq!((undone.how, undone.after, undone.lost.len()), (How::Gone, None, 2));
}

#[test]
fn without_its_copy_the_file_is_still_given_back_key_by_key() {
    let plan = connected(Some(RELAY));
    for copy in [None, Some(b"spoilt".as_slice())] {
        let undone = undo(Some(&plan.after), &plan.connection, copy).unwrap_or_else(|_| panic!());
        assert_eq!(undone.how, How::Merged);
        let values: serde_json::Value = serde_json::from_str(&after(&undone)).unwrap();
        assert_eq!(values, serde_json::from_str::<serde_json::Value>(RELAY).unwrap());
    }
}

#[test]
fn a_file_that_is_no_json_any_more_is_a_fault() {
    let plan = connected(Some(RELAY));
    assert!(undo(Some(b"{"), &plan.connection, plan.before.as_deref()).is_err());
}

#[test]
fn a_new_address_keeps_what_was_there_first() {
    let first = connected(Some(RELAY));
    let edited = text(&first.after).replace("\"opus\"", "\"sonnet\"");
    let known = Some((&first.connection, first.before.as_deref()));
    let before = without(Some(edited.as_bytes()), known, "http://127.0.0.1:9000").unwrap_or_else(|_| panic!());
    let url = "http://127.0.0.1:9000";
    let second = connect(before, url, keys(url), "name", Vec::new()).unwrap_or_else(|_| panic!());
    assert!(text(&second.after).contains(url) && text(&second.after).contains("sonnet"));
    let undone = undo(Some(&second.after), &second.connection, second.before.as_deref()).unwrap_or_else(|_| panic!());
    assert_eq!((undone.how, after(&undone)), (How::Exact, RELAY.replace("\"opus\"", "\"sonnet\"")));
}

#[test]
fn an_address_of_ours_that_nobody_remembers_is_nothing_to_come_back_to() {
    let lost = connected(Some("{\n  \"a\": 1\n}\n")).after;
    let before = without(Some(&lost), None, URL).unwrap_or_else(|_| panic!());
    assert_eq!(text(&before.unwrap()).split_whitespace().collect::<String>(), r#"{"a":1,"env":{}}"#);
    let other = without(Some(RELAY.as_bytes()), None, URL).unwrap_or_else(|_| panic!());
    assert_eq!(text(&other.unwrap()), RELAY);
    let adopted = adopt(&lost, |url| url == URL).unwrap_or_else(|_| panic!()).unwrap();
    assert!(!after(&adopted).contains("proxy-managed") && !after(&adopted).contains(URL));
    assert!(adopt(RELAY.as_bytes(), |url| url == URL).is_ok_and(|undo| undo.is_none()));
}
