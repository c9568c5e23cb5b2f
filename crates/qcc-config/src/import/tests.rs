//! What the variables of claude-code-proxy mean here, and what of a `.env` file is read.

use std::collections::BTreeMap;

use super::*;
use crate::env_of;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn of_environment(pairs: &[(&str, &str)]) -> Result<Described, String> {
    Variables::of_environment(&env_of(&environment(pairs))).provider().map_err(|unfit| unfit.message)
}

fn of_file(text: &str, pairs: &[(&str, &str)]) -> Result<Described, String> {
    let variables = Variables::of_file(text, &env_of(&environment(pairs))).map_err(|unfit| unfit.message)?;
    variables.provider().map_err(|unfit| unfit.message)
}

fn models(described: &Described) -> Vec<(&str, &str)> {
    described.models.iter().map(|(glob, name)| (glob.as_str(), name.as_str())).collect()
}

#[test]
fn opus_sonnet_and_haiku_become_big_middle_and_small() {
    let described = of_environment(&[
        ("OPENAI_API_KEY", "sk-hidden"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1"),
        ("BIG_MODEL", "big"),
        ("MIDDLE_MODEL", "middle"),
        ("SMALL_MODEL", "small"),
    ])
    .unwrap();
    assert_eq!((described.name, described.dialect), ("openai", Dialect::Openai));
    assert_eq!(described.base_url, "http://127.0.0.1:11434/v1");
    assert_eq!(described.key.expose(), "${OPENAI_API_KEY}");
    let wanted = [("*opus*", "big"), ("*sonnet*", "middle"), ("*haiku*", "small"), ("claude*", "big")];
    assert_eq!(models(&described), wanted);
}

#[test]
fn without_a_middle_model_sonnet_is_big_and_an_empty_value_is_none() {
    let described = of_environment(&[
        ("OPENAI_API_KEY", "k"),
        ("OPENAI_BASE_URL", " "),
        ("BIG_MODEL", "big"),
        ("MIDDLE_MODEL", ""),
        ("SMALL_MODEL", "small"),
    ])
    .unwrap();
    assert_eq!(models(&described)[1], ("*sonnet*", "big"));
    assert_eq!(described.base_url, "https://api.openai.com/v1");
}

#[test]
fn the_preferred_vendor_is_taken_and_else_the_first_with_a_key() {
    let keys = [("OPENAI_API_KEY", "a"), ("GEMINI_API_KEY", "b"), ("ANTHROPIC_API_KEY", "c")];
    let models = [("BIG_MODEL", "gemini-3-pro"), ("SMALL_MODEL", "gemini-3-flash")];
    let with = |preferred: &str| {
        let all = [&keys[..], &models[..], &[("PREFERRED_PROVIDER", preferred)]].concat();
        of_environment(&all).map(|described| (described.name, described.key.expose().to_owned()))
    };
    assert_eq!(with("Google"), Ok(("gemini", "${GEMINI_API_KEY}".to_owned())));
    assert_eq!(with("anthropic"), Ok(("anthropic", "${ANTHROPIC_API_KEY}".to_owned())));
    assert_eq!(with("").map(|(name, _)| name), Ok("openai"));
    assert_eq!(with("bedrock"), Err("PREFERRED_PROVIDER names no vendor that is known".to_owned()));
    let all = [&keys[1..], &models[..]].concat();
    assert_eq!(of_environment(&all).map(|described| described.name), Ok("gemini"));
}

#[test]
fn anthropics_models_keep_their_names_as_in_the_proxy() {
    let described = of_environment(&[("ANTHROPIC_API_KEY", "k"), ("BIG_MODEL", "big")]).unwrap();
    assert_eq!((described.base_url.as_str(), models(&described)), ("https://api.anthropic.com", Vec::new()));
}

#[test]
fn what_is_missing_or_has_no_counterpart_is_told_by_its_name() {
    let key = ("OPENAI_API_KEY", "k");
    let none = "there is no key: neither OPENAI_API_KEY, GEMINI_API_KEY nor ANTHROPIC_API_KEY is set";
    for (pairs, told) in [
        (&[("BIG_MODEL", "big")] as &[_], none),
        (&[("PREFERRED_PROVIDER", "google"), key], "GEMINI_API_KEY is not set"),
        (&[key], "BIG_MODEL is not set"),
        (&[key, ("BIG_MODEL", "big")], "SMALL_MODEL is not set"),
        (
            &[key, ("OPENAI_BASE_URL", "https://a.openai.azure.com/openai/deployments/x")],
            "OPENAI_BASE_URL is an address of one deployment at Azure, which qcc cannot ask",
        ),
        (
            &[("GEMINI_API_KEY", "k"), ("USE_VERTEX_AUTH", "True")],
            "USE_VERTEX_AUTH asks for Vertex AI, to which qcc cannot sign in",
        ),
        (
            &[("GEMINI_API_KEY", "k"), ("BIG_MODEL", "gemini-3-pro"), ("SMALL_MODEL", "gpt-5-mini")],
            "SMALL_MODEL is no model of Gemini's: it does not begin with gemini or gemma",
        ),
    ] {
        assert_eq!(of_environment(pairs).err().as_deref(), Some(told), "{pairs:?}");
    }
}

#[test]
fn a_file_brings_the_key_itself_and_what_else_it_says_is_named() {
    let text = "
# a comment
OPENAI_API_KEY=\"sk-${\"   # not a reference
export BIG_MODEL = big # the large one
SMALL_MODEL='small#1'
PORT=8082
HOST
";
    let refused = of_file(text, &[]).err();
    assert_eq!(refused.as_deref(), Some("line 3 has `${...}` within its value"));
    let described = of_file(&text.replace("sk-${", "sk-hidden"), &[]).unwrap();
    assert_eq!(described.key.expose(), "sk-hidden");
    assert_eq!(models(&described)[2], ("*haiku*", "small#1"));
    assert_eq!(described.left_out, ["PORT"]);
}

#[test]
fn a_reference_in_a_file_is_looked_up_there_and_then_in_the_environment() {
    let text = "BASE=big\nBIG_MODEL=${BASE}\nSMALL_MODEL=${BIG_MODEL}\nOPENAI_API_KEY=${TEAM_KEY}\n";
    let described = of_file(text, &[("TEAM_KEY", "sk-hidden")]).unwrap();
    assert_eq!(described.key.expose(), "${TEAM_KEY}", "it stays where it is");
    assert_eq!(models(&described)[2], ("*haiku*", "big"));
    let refused = of_file(&format!("LOG=${{NOTHING}}\n{text}"), &[]).err();
    let told = "OPENAI_API_KEY refers to TEAM_KEY, which is set neither before it nor in the environment";
    assert_eq!(refused.as_deref(), Some(told));
}

#[test]
fn values_are_read_as_python_dotenv_reads_them() {
    for (line, value) in [
        ("A=b", "b"),
        ("A = b c ", "b c"),
        ("A=b#c", "b#c"),
        ("A=b # c", "b"),
        ("A=# c", ""),
        ("A=", ""),
        ("A=\"b # c\" # d", "b # c"),
        (r#"A="b\"\n\\\d""#, "b\"\n\\\\d"),
        (r"A='b\'\n'", "b'\\n"),
        ("export A=b=c", "b=c"),
    ] {
        let read = dotenv::assignments(line).unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(read, [("A", value)], "{line}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_number_and_never_shown() {
    for line in ["sk-hidden", "1A=sk-hidden", "A=\"sk-hidden", "A='sk-hidden' more", "A=sk-hidden${B}", "=sk-hidden"] {
        let fault = dotenv::assignments(&format!("B=c\n{line}\n")).err().unwrap();
        assert!(fault.message.starts_with("line 2 "), "{line}: {}", fault.message);
        assert!(!format!("{fault:?}").contains("hidden"), "{fault:?}");
    }
}

#[test]
fn a_later_line_wins() {
    let text = "BIG_MODEL=one\nSMALL_MODEL=s\nOPENAI_API_KEY=k\nBIG_MODEL=two\n";
    assert_eq!(models(&of_file(text, &[]).unwrap())[0], ("*opus*", "two"));
}
