//! A JSON file stays JSON, in the layout that it has.

use qcc_config::edit::Node;

use super::{after, append, changed, remove, set, texts};

const PRETTY: &str = "{
\t\"providers\": [
\t\t{
\t\t\t\"name\": \"a\",
\t\t\t\"base_url\": \"https:\\/\\/a.example\"
\t\t}
\t],
\t\"proxy\": { \"port\": 1, \"allowed_hosts\": [] }
}
";

#[test]
fn a_tall_file_stays_tall() {
    let new = texts([("name", "\u{1b}b\n"), ("base_url", "https://b.example")]);
    insta::assert_snapshot!(changed(PRETTY, &[append("providers", new)]), @r#"
      			"base_url": "https:\/\/a.example"
    + 		},
    + 		{
    + 			"name": "\u001bb\n",
    + 			"base_url": "https://b.example"
      		}
    "#);
    insta::assert_snapshot!(changed(PRETTY, &[append("profiles.p.endpoints", texts([("provider", "a")]))]), @r#"
      	],
    - 	"proxy": { "port": 1, "allowed_hosts": [] }
    + 	"proxy": { "port": 1, "allowed_hosts": [] },
    + 	"profiles": {
    + 		"p": {
    + 			"endpoints": [
    + 				{
    + 					"provider": "a"
    + 				}
    + 			]
    + 		}
    + 	}
      }
    "#);
    insta::assert_snapshot!(changed(PRETTY, &[set("providers.0.name", Node::text("yes"))]), @r#"
      		{
    - 			"name": "a",
    + 			"name": "yes",
      			"base_url": "https:\/\/a.example"
    "#);
    insta::assert_snapshot!(changed(PRETTY, &[remove("proxy")]), @r#"
      		}
    - 	],
    - 	"proxy": { "port": 1, "allowed_hosts": [] }
    + 	]
      }
    "#);
    insta::assert_snapshot!(changed(PRETTY, &[remove("providers.0")]), @r#"
      {
    - 	"providers": [
    - 		{
    - 			"name": "a",
    - 			"base_url": "https:\/\/a.example"
    - 		}
    - 	],
    + 	"providers": [],
      	"proxy": { "port": 1, "allowed_hosts": [] }
    "#);
}

#[test]
fn a_file_of_one_line_stays_one_line() {
    let tight = r#"{"providers":[{"name":"a","base_url":"b"}],"proxy":{"port":1}}"#;
    let edits = [
        append("providers", texts([("name", "c"), ("base_url", "d")])),
        set("retry.budget", Node::number(1)),
        set("proxy.port", Node::number(2)),
        remove("providers.0"),
    ];
    insta::assert_snapshot!(after(tight, &edits), @r#"{"providers":[{"name":"c","base_url":"d"}],"proxy":{"port":2},"retry":{"budget":1}}"#);
    let loose = tight.replace(':', ": ").replace(',', ", ");
    insta::assert_snapshot!(after(&loose, &edits), @r#"{"providers": [{"name": "c", "base_url": "d"}], "proxy": {"port": 2}, "retry": {"budget": 1}}"#);
}

#[test]
fn an_empty_json_file_is_filled_as_json() {
    insta::assert_snapshot!(after("{}\n", &[set("proxy.port", Node::number(1))]), @r#"
    {
      "proxy": {
        "port": 1
      }
    }
    "#);
    assert_eq!(after("{\"proxy\": {\"port\": 1}}\n", &[remove("proxy.port")]), "{}\n");
}

#[test]
fn json_with_comments_is_yaml_in_brackets() {
    let text = "{\n  # mine\n  \"proxy\": {\"port\": 1}, # here\n}\n";
    insta::assert_snapshot!(after(text, &[set("proxy.host", Node::text("::1")), set("retry.budget", Node::number(1))]), @r#"
    {
      # mine
      "proxy": {"port": 1, "host": "::1"}, # here
      "retry": {"budget": 1},
    }
    "#);
}
