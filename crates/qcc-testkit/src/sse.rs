//! Reads an event stream that a test received, leniently: it is for assertions, not for traffic.

use serde_json::Value;

/// One event: its name and its data lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field; empty when there was none.
    pub name: String,
    /// The `data:` lines, joined with line feeds.
    pub data: String,
}

impl Event {
    /// The data as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }
}

/// The whole events of a body; comments and a last half event are left out. Lines may end in LF or CR LF.
#[must_use]
pub fn events(body: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let Some((whole, _)) = text.rsplit_once("\n\n") else { return Vec::new() };
    whole.split("\n\n").filter_map(event).collect()
}

fn event(frame: &str) -> Option<Event> {
    let field = |line: &str, name: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim_start().to_owned());
    let name = frame.lines().find_map(|line| field(line, "event")).unwrap_or_default();
    let data: Vec<String> = frame.lines().filter_map(|line| field(line, "data")).collect();
    (!name.is_empty() || !data.is_empty()).then(|| Event { name, data: data.join("\n") })
}

/// The names of the events, in order.
#[must_use]
pub fn names(body: &[u8]) -> Vec<String> {
    events(body).into_iter().map(|event| event.name).collect()
}

/// All text that an Anthropic stream says, joined.
#[must_use]
pub fn text(body: &[u8]) -> String {
    events(body).iter().filter_map(|event| event.json()["delta"]["text"].as_str().map(str::to_owned)).collect()
}
