//! What a document says of a file.

use std::path::Path;

use super::*;

fn document(text: &str) -> Document {
    Document::parse(Path::new("config.yaml"), text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `profiles.a.endpoints.0`
fn path(dotted: &str) -> Vec<Step> {
    let step = |step: &str| step.parse().map_or_else(|_| Step::from(step), Step::Item);
    dotted.split('.').filter(|step| !step.is_empty()).map(step).collect()
}

#[test]
fn scalars_keep_the_text_that_was_written() {
    let document = document("breaker: {error_rate: 0.50, jitter: 1e3}\nproxy:\n  port: '7860'\n  host: |\n    ::1\n");
    let at = |dotted: &str| document.get(&path(dotted)).cloned();
    assert_eq!(at("breaker.error_rate"), Some(Node::Scalar { kind: Kind::Number, text: "0.50".to_owned() }));
    assert_eq!(at("breaker.jitter"), Some(Node::Scalar { kind: Kind::Number, text: "1e3".to_owned() }));
    assert_eq!(at("proxy.port"), Some(Node::text("7860")));
    assert_eq!(at("proxy.host"), Some(Node::text("::1\n")));
    assert_eq!(at("proxy.nothing"), None);
    assert_eq!(document.line(&path("proxy.port")), Some(3));
}
