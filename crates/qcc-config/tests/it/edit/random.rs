//! Random edits of random files: each is made exactly, and undone it leaves the file as it was.

use proptest::prelude::*;
use qcc_config::edit::{Document, Edit, Kind, Node};

use super::writer::{Choices, GLOBS, Sample, sample};
use super::{append, document, remove, set};

/// Values that a careless writer would get wrong.
const TEXTS: &[&str] = &[
    "plain",
    "",
    "yes",
    "1.0",
    "007",
    "a: b",
    "a #b",
    "#",
    "@at",
    "*star",
    "&and",
    "!bang",
    "%per",
    "`tick",
    "- dash",
    "-",
    "?",
    "{a}",
    "[a]",
    "a, b",
    "it's",
    "say \"x\"",
    "back\\slash",
    "two\nlines",
    " lead",
    "trail ",
    "中文",
    "null",
    "~",
    "${VAR}",
    "12:30",
    "2020-01-02",
    "0x1F",
    "1_000",
    "<<",
    "=",
    "|",
    ">",
    "tab\there",
    "\u{1b}",
    "\u{85}",
    "'",
    "\"",
    "---",
    "...",
    "true",
    "http://[::1]:80/",
    "key:",
    ": x",
    "e\u{301}",
    "\u{feff}x",
    "😀",
];

struct Case {
    edit: Edit,
    /// Takes away what the edit added.
    undo: Option<Edit>,
}

fn case(choices: &mut Choices<'_>, sample: &Sample, before: &Document) -> Case {
    let text = Node::text(choices.one(TEXTS));
    let new = |edit, undo: &str| Case { edit, undo: Some(remove(undo)) };
    let only = |edit| Case { edit, undo: None };
    let provider = || Node::map([("name", text.clone()), ("base_url", Node::text("https://n.example"))]);
    let endpoint = || Node::map([("provider", text.clone()), ("weight", Node::number(7))]);
    let some = |choices: &mut Choices<'_>, count: usize| choices.of(count.max(1));
    match choices.of(16) {
        0 => new(append("providers", provider()), &format!("providers.{}", sample.providers)),
        1 if !sample.profiles.is_empty() => {
            let index = some(choices, sample.profiles.len());
            let list = format!("profiles.q{index}.endpoints");
            new(append(&list, endpoint()), &format!("{list}.{}", sample.profiles[index]))
        }
        2 => {
            let endpoints = Node::List(vec![endpoint(), Node::map([("provider", Node::text("x"))])]);
            new(
                set("profiles.new", Node::map([("tier", Node::text("backup")), ("endpoints", endpoints)])),
                "profiles.new",
            )
        }
        3 if !sample.routes.is_empty() => {
            let index = some(choices, sample.routes.len());
            let list = format!("model_routes.{}", GLOBS[index]);
            let entry = Node::map([("provider", text.clone())]);
            new(append(&list, entry), &format!("{list}.{}", sample.routes[index]))
        }
        4 => new(append("model_routes.*new*", Node::map([("profile", text.clone())])), "model_routes.*new*"),
        5 => new(set("breaker.window", Node::text("30s")), "breaker.window"),
        6 => {
            let hosts = before.get(&super::path("proxy.allowed_hosts"));
            let count = if let Some(Node::List(hosts)) = hosts { hosts.len() } else { 0 };
            new(append("proxy.allowed_hosts", text.clone()), &format!("proxy.allowed_hosts.{count}"))
        }
        7 if sample.providers > 0 => {
            let index = some(choices, sample.providers);
            new(
                set(&format!("providers.{index}.headers.X-New"), text.clone()),
                &format!("providers.{index}.headers.X-New"),
            )
        }
        8 if sample.providers > 0 => {
            only(set(&format!("providers.{}.name", some(choices, sample.providers)), text.clone()))
        }
        9 if sample.providers > 0 => {
            let index = some(choices, sample.providers);
            only(set(&format!("providers.{index}.enabled"), Node::bool(false)))
        }
        10 => only(set("proxy.port", Node::number(9))),
        11 if sample.providers > 0 => {
            let index = some(choices, sample.providers);
            let key = choices.one(&["health_model", "headers.X-A", "base_url"]);
            only(set(&format!("providers.{index}.{key}"), text.clone()))
        }
        12 => only(remove(&format!("providers.{}", some(choices, sample.providers)))),
        13 => only(remove(choices.one(&[
            "profiles.q0",
            "profiles.q1",
            "profiles",
            "proxy",
            "proxy.port",
            "model_routes",
        ]))),
        14 => {
            let item = choices.one(&["profiles.q0.endpoints.0", "profiles.q1.endpoints.0", "profiles.q0.tier"]);
            only(remove(item))
        }
        _ => {
            let index = some(choices, sample.providers);
            let key = choices.one(&["enabled", "headers", "headers.X-A", "headers.X-B", "health_model"]);
            only(remove(&format!("providers.{index}.{key}")))
        }
    }
}

/// What every comment is about, in file order.
fn comments(text: &str) -> Vec<String> {
    let named = text.split('«').skip(1).filter_map(|rest| rest.split_once('»'));
    named.map(|(name, _)| name.to_owned()).collect()
}

fn dotted(edit: &Edit) -> String {
    let (Edit::Set { path, .. } | Edit::Append { path, .. } | Edit::Remove { path }) = edit;
    let step = |step: &qcc_config::edit::Step| match step {
        qcc_config::edit::Step::Key(key) => key.clone(),
        qcc_config::edit::Step::Item(index) => index.to_string(),
    };
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// Comments are kept in order; only a removal may take some, and only such as are about what goes.
fn check_comments(edit: &Edit, before: &str, after: &str) {
    let path = dotted(edit);
    let mut left = comments(after).into_iter().peekable();
    for comment in comments(before) {
        if left.next_if_eq(&comment).is_some() {
            continue;
        }
        let (about, _) = comment.rsplit_once('/').unwrap();
        // A section that would be left empty goes too.
        let related = about.starts_with(&path) || !about.is_empty() && path.starts_with(about);
        assert!(related && !matches!(edit, Edit::Append { .. }), "{edit:?} lost {comment}\n{before}\n=====\n{after}");
    }
    assert_eq!(left.next(), None, "{edit:?}\n{before}\n=====\n{after}");
}

/// Lines that are not involved stay byte for byte: at most one old line is changed by an addition.
fn check_lines(edit: &Edit, before: &str, after: &str) {
    if matches!(edit, Edit::Remove { .. } | Edit::Set { .. }) {
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |(left, right): &(&&str, &&str)| left == right;
    let above = old.iter().zip(&new).take_while(same).count();
    let below = old[above..].iter().rev().zip(new[above..].iter().rev()).take_while(same).count();
    let changed = &old[above..old.len() - below];
    assert!(changed.len() <= 1, "{edit:?} changed {changed:?}\n{before}\n=====\n{after}");
}

/// Without what is empty: a section that was empty before may be gone afterwards.
fn full(node: &Node) -> Option<Node> {
    match node {
        Node::Null => None,
        Node::Map(entries) => {
            let full: Vec<(String, Node)> =
                entries.iter().filter_map(|(key, value)| Some((key.clone(), full(value)?))).collect();
            (!full.is_empty()).then_some(Node::Map(full))
        }
        Node::List(items) => (!items.is_empty()).then(|| Node::List(items.iter().filter_map(full).collect())),
        Node::Scalar { .. } => Some(node.clone()),
    }
}

fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let sample = sample(&mut choices);
    let before = document(&sample.text);
    let Case { edit, undo } = case(&mut choices, &sample, &before);
    let after = before.edited(std::slice::from_ref(&edit));
    let after = match after {
        Ok(after) => after,
        // A value that does not belong there, or a path through one.
        Err(error) if error.to_string().contains("with this edit") => return,
        Err(error) => panic!("{edit:?}\n{}\n{error}", sample.text),
    };
    check_comments(&edit, before.text(), after.text());
    check_lines(&edit, before.text(), after.text());
    let read: serde_json::Value = serde_saphyr::from_str(after.text().trim_start_matches('\u{feff}')).unwrap();
    assert_eq!(read, json(after.get(&[]).unwrap()), "{}", after.text());
    if let Some(undo) = undo {
        let undone = after.edited(&[undo]).unwrap_or_else(|error| panic!("{edit:?}\n{}\n{error}", after.text()));
        let tree = |document: &Document| document.get(&[]).and_then(full);
        assert_eq!(tree(&undone), tree(&before), "{edit:?}\n{}", before.text());
        assert_eq!(
            comments(undone.text()),
            comments(before.text()),
            "{edit:?}\n{}\n=====\n{}\n=====\n{}",
            before.text(),
            after.text(),
            undone.text()
        );
    }
}

fn json(node: &Node) -> serde_json::Value {
    match node {
        Node::Null => serde_json::Value::Null,
        Node::Scalar { kind: Kind::Text, text } => text.as_str().into(),
        Node::Scalar { text, .. } => serde_json::from_str(text).unwrap(),
        Node::List(items) => items.iter().map(json).collect(),
        Node::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// A JSON file looks afterwards as if the same program had written it.
fn check_json(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let sample = sample(&mut choices);
    let pretty = choices.coin();
    let layout = |value: &serde_json::Value| match pretty {
        true => format!("{value:#}\n"),
        false => format!("{value}\n"),
    };
    let value = json(document(&sample.text).get(&[]).unwrap());
    let before = document(&layout(&if value.is_null() { serde_json::json!({}) } else { value }));
    let Case { edit, undo } = case(&mut choices, &sample, &before);
    let Ok(after) = before.edited(std::slice::from_ref(&edit)).map_err(|error| {
        assert!(error.to_string().contains("with this edit"), "{edit:?}\n{}\n{error}", before.text());
    }) else {
        return;
    };
    let value: serde_json::Value = serde_json::from_str(after.text()).unwrap();
    assert_eq!(value, json(after.get(&[]).unwrap()));
    // Some characters are escaped that need not be; and `{}` does not show how a program would go on.
    let written = layout(&value).replace('\u{85}', "\\u0085").replace('\u{feff}', "\\ufeff");
    let is_from_nothing = before.text() == "{}\n";
    assert!(is_from_nothing || after.text() == written, "{edit:?}\n{}\n{}", before.text(), after.text());
    if let Some(undo) = undo {
        let undone = after.edited(&[undo]).unwrap_or_else(|error| panic!("{edit:?}\n{}\n{error}", after.text()));
        assert_eq!(undone.get(&[]).and_then(full), before.get(&[]).and_then(full));
    }
}

/// Pieces that make a file odd.
const ODD: &[&str] = &[
    "? ",
    "&a ",
    "*a",
    "!!str ",
    "- ",
    "# ",
    " #",
    "  ",
    "\n",
    "\n\n",
    "|\n",
    ">+\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "'",
    "<<: *slow\n",
    "---\n",
    "...\n",
    "\t",
    "~",
    "\r\n",
    "null",
    "\\",
];

/// A file in which pieces were put in, taken out and moved about, if it still is a configuration.
fn odd(choices: &mut Choices<'_>) -> Option<Document> {
    let mut lines: Vec<String> = super::MAIN.lines().map(|line| format!("{line}\n")).collect();
    for _ in 0..=choices.of(4) {
        let at = choices.of(lines.len());
        match choices.of(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, choices.one(&["# new\n", "\n", "    # new\n", "      x: y\n"]).to_owned()),
            _ => {
                let line = &mut lines[at];
                let places: Vec<usize> = line.char_indices().map(|(place, _)| place).collect();
                line.insert_str(choices.one(&places), choices.one(ODD));
            }
        }
    }
    Document::parse(std::path::Path::new("config.yaml"), &lines.concat()).ok()
}

/// Whatever the file is, an edit is made exactly or not at all.
fn check_odd(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let Some(before) = odd(&mut choices) else { return };
    let sample = Sample { text: String::new(), providers: 3, profiles: vec![2, 1], routes: vec![1, 1] };
    let Case { edit, .. } = case(&mut choices, &sample, &before);
    if let Ok(after) = before.edited(&[edit]) {
        // A name may be a word that older YAML takes for a truth value; read as a name it is none.
        let options = serde_saphyr::options! { strict_booleans: true };
        let read: serde_json::Value = serde_saphyr::from_str_with_options(after.text(), options).unwrap();
        assert_eq!(read, json(after.get(&[]).unwrap()), "{}", after.text());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_edit_of_an_ordinary_file_is_exact_and_can_be_undone(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn an_edit_of_a_json_file_leaves_it_as_its_program_writes_it(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_json(&bytes);
    }

    #[test]
    fn an_edit_of_an_odd_file_is_exact_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        check_odd(&bytes);
    }
}
