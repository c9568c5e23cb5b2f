//! Nasty settings files: what an edit leaves alone, what cannot be edited, and where it says so.

use super::*;

const ADDRESS: &str = "http://127.0.0.1:7860";

fn set(name: &str, value: &str) -> Change {
    Change { name: name.to_owned(), value: Some(value.to_owned()) }
}

fn unset(name: &str) -> Change {
    Change { name: name.to_owned(), value: None }
}

fn ours() -> Vec<Change> {
    vec![set("ANTHROPIC_BASE_URL", ADDRESS), set("ANTHROPIC_AUTH_TOKEN", "proxy-managed")]
}

fn read(text: &str) -> Settings {
    Settings::read(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// The file with our variables, and the same file with them taken out again.
fn there_and_back(text: &str) -> (String, String) {
    let before = read(text);
    let there = before.edited(&ours(), &[], false).unwrap_or_else(|fault| panic!("{fault:?}"));
    let back: Vec<Change> = ours()
        .iter()
        .map(|change| Change { name: change.name.clone(), value: before.get(&change.name).map(str::to_owned) })
        .collect();
    let back = there.edited(&back, &before.names(), !before.has_env()).unwrap_or_else(|fault| panic!("{fault:?}"));
    let text = |settings: &Settings| String::from_utf8(settings.bytes()).unwrap();
    (text(&there), text(&back))
}

fn fault(text: &str) -> String {
    let settings = Settings::read(text.as_bytes());
    let names = ["ANTHROPIC_BASE_URL".to_owned()];
    let fault = settings.and_then(|settings| settings.check(&names)).unwrap_err();
    let (line, column) = fault.at.unwrap_or_default();
    format!("{line}:{column} {}", fault.message)
}

#[test]
fn a_usual_file_gets_our_variables_behind_its_own_and_comes_back() {
    let text = r#"{
  "model": "opus",
  "env": {
    "DISABLE_TELEMETRY": "1"
  },
  "permissions": { "allow": ["Bash(git:*)"], "deny": [] }
}
"#;
    let (there, back) = there_and_back(text);
    insta::assert_snapshot!(there, @r#"
    {
      "model": "opus",
      "env": {
        "DISABLE_TELEMETRY": "1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:7860",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed"
      },
      "permissions": { "allow": ["Bash(git:*)"], "deny": [] }
    }
    "#);
    assert_eq!(back, text);
}

#[test]
fn comments_trailing_commas_tabs_and_blank_lines_stay() {
    let text = "// mine\n{\n\t/* a\n\t   b */\n\t\"env\": {\n\t\t// why\n\t\t\"A\": \"1\", // here\n\n\t\t\"B\": \"2\", /* and */\n\t},\n\n\t\"hooks\": {},\n}\n// end\n";
    let (there, back) = there_and_back(text);
    insta::assert_snapshot!(there.replace('\t', "  "), @r#"
    // mine
    {
      /* a
         b */
      "env": {
        // why
        "A": "1", // here

        "B": "2", /* and */
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:7860",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed",
      },

      "hooks": {},
    }
    // end
    "#);
    assert_eq!(back, text);
    assert_eq!(read(text).not_plain(), Some(1));
    assert_eq!(read("{\n\"a\": [1,\n],}").not_plain(), Some(2));
}

#[test]
fn a_replaced_value_keeps_its_place_and_comes_back_to_it() {
    let text = r#"{"env": {
    "A": "1",
    "ANTHROPIC_BASE_URL":   "https:\/\/relay.example",
    "ANTHROPIC_AUTH_TOKEN": "sk-\u00e9" , "B": "2" }}"#;
    let (there, back) = there_and_back(text);
    insta::assert_snapshot!(there, @r#"
    {"env": {
        "A": "1",
        "ANTHROPIC_BASE_URL":   "http://127.0.0.1:7860",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed" , "B": "2" }}
    "#);
    assert_eq!(back, text.replace(r"https:\/\/", "https://").replace(r"\u00e9", "é"));
}

#[test]
fn a_variable_that_was_taken_out_comes_back_between_its_neighbours() {
    let text = "{\n  \"env\": {\n    \"A\": \"1\",\n    \"ANTHROPIC_API_KEY\": \"k\",\n    \"B\": \"2\"\n  }\n}\n";
    let before = read(text);
    let there = before.edited(&[unset("ANTHROPIC_API_KEY")], &[], false).unwrap();
    assert!(!there.has("ANTHROPIC_API_KEY"));
    let back = there.edited(&[set("ANTHROPIC_API_KEY", "k")], &before.names(), false).unwrap();
    assert_eq!(String::from_utf8(back.bytes()).unwrap(), text);
    let first = read("{\n  \"env\": {\n    \"K\": \"k\",\n    \"A\": \"1\"\n  }\n}");
    let there = first.edited(&[unset("K")], &[], false).unwrap();
    let back = there.edited(&[set("K", "k")], &first.names(), false).unwrap();
    assert_eq!(back.names(), ["K", "A"]);
}

#[test]
fn line_ends_of_windows_and_the_byte_order_mark_stay() {
    let text = "\u{feff}{\r\n  \"model\": \"opus\",\r\n  \"env\": {\r\n    \"A\": \"1\"\r\n  }\r\n}\r\n";
    let (there, back) = there_and_back(text);
    assert!(there.starts_with("\u{feff}{\r\n"));
    assert_eq!(there.matches('\n').count(), there.matches("\r\n").count());
    assert_eq!(there.matches('\n').count(), text.matches('\n').count() + 2);
    assert_eq!(back, text);
}

#[test]
fn numbers_escapes_and_order_are_not_normalised() {
    let text = "{\n  \"z\": 1.0,\n  \"big\": 123456789012345678901234567890,\n  \"e\": 1E+2,\n  \"\\u0061\": \"\\u00e9\\/\",\n  \"env\": {}\n}";
    let (there, back) = there_and_back(text);
    for kept in ["1.0,", "123456789012345678901234567890,", "1E+2,", r#""\u0061": "\u00e9\/""#] {
        assert!(there.contains(kept), "{kept} in {there}");
    }
    assert_eq!(back, text);
}

#[test]
fn an_env_that_we_made_is_taken_out_and_one_that_was_empty_stays() {
    let (there, back) = there_and_back("{\n    \"model\": \"opus\"\n}\n");
    insta::assert_snapshot!(there, @r#"
    {
        "model": "opus",
        "env": {
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:7860",
            "ANTHROPIC_AUTH_TOKEN": "proxy-managed"
        }
    }
    "#);
    assert_eq!(back, "{\n    \"model\": \"opus\"\n}\n");
    assert_eq!(there_and_back("{\"env\": {}}").1.split_whitespace().collect::<String>(), "{\"env\":{}}");
}

#[test]
fn an_empty_file_becomes_one_with_our_variables() {
    for text in ["", "\n", "{}", "{ }\n", "\u{feff}"] {
        let (there, back) = there_and_back(text);
        assert_eq!(read(&there).names(), ["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"], "{text:?}");
        assert!(read(&back).is_empty(), "{text:?} came back as {back:?}");
    }
    assert!(!read("{ // mine\n}").is_empty());
    assert!(!read("{\"env\": {}}").is_empty());
}

#[test]
fn one_line_stays_valid() {
    let text = r#"{"a":[1,{"b":2}],"env":{"A":"1"},"c":"}"}"#;
    let (there, back) = there_and_back(text);
    assert_eq!(read(&there).get("A"), Some("1"));
    let plain: serde_json::Value = serde_json::from_str(&back).unwrap();
    assert_eq!(plain, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn what_is_no_place_for_variables_is_a_fault_with_its_line_and_column() {
    assert_eq!(fault("{\n  \"env\": {\n    \"A\": \n  }\n}"), "4:3 it is not JSON: unexpected close brace");
    assert_eq!(fault("{\n  \"a\": 1\n  \"b\": 2\n}"), "2:9 it is not JSON: expected comma");
    assert_eq!(fault("{'a': 1}"), "1:2 it is not JSON: single-quoted strings are not allowed");
    assert_eq!(fault("[]"), "1:1 its top level is not an object");
    assert_eq!(fault("\n\"text\""), "2:1 its top level is not an object");
    assert_eq!(fault("{\n  \"env\": []\n}"), "2:10 `env` is not an object");
    assert_eq!(fault("{\n  \"env\": null\n}"), "2:10 `env` is not an object");
    assert_eq!(fault("{\"env\": {}, \"é\": 1, \"env\": {}}"), "1:21 `env` stands there twice");
    assert_eq!(
        fault("{\"env\": {\n\"ANTHROPIC_BASE_URL\": \"a\",\n \"ANTHROPIC_BASE_URL\": \"b\"}}"),
        "3:2 `ANTHROPIC_BASE_URL` stands there twice"
    );
    assert_eq!(fault("{\"env\": {\n  \"ANTHROPIC_BASE_URL\": 7}}"), "2:25 `ANTHROPIC_BASE_URL` in `env` is not a text");
    assert_eq!(Settings::read(b"\xff\xfe{\0}\0").err().unwrap().message, "it is not UTF-8 text");
    let large = vec![b' '; LONGEST + 1];
    assert_eq!(Settings::read(&large).err().unwrap().message, "it is larger than 4 MiB");
}

#[test]
fn a_fault_in_a_variable_of_the_users_own_does_not_matter() {
    let settings = read("{\"env\": {\"A\": 7, \"B\": null, \"A\": 8}}");
    assert!(settings.check(&["ANTHROPIC_BASE_URL".to_owned()]).is_ok());
    let edited = settings.edited(&ours(), &[], false).unwrap();
    assert!(String::from_utf8(edited.bytes()).unwrap().contains("\"B\": null"));
}

#[test]
fn very_deep_nesting_is_a_fault_and_no_crash() {
    let deep = format!("{}{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    assert!(Settings::read(deep.as_bytes()).is_err());
}
