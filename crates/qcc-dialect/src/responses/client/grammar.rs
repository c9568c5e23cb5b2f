//! Checks that a stream is one that clients of Responses take: every rule of its streams, strictly, as far as one can see
//! from outside. Every stream that is written in tests goes through it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sse::{Splitter, fields};

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With `response.completed` or `response.incomplete`.
    Whole,
    /// With `response.failed`.
    Error,
    /// Somewhere.
    Cut,
}

/// Checks whole events one after the other, from the first on.
pub(crate) fn check(stream: &[u8]) -> Result<End, String> {
    let mut splitter = Splitter::new();
    let batch = splitter.push(Bytes::copy_from_slice(stream));
    if !splitter.finish().is_empty() {
        return Err("half an event at the end".to_owned());
    }
    let mut grammar = Grammar::default();
    // Comments are no events.
    for (at, event) in batch.events().filter(|event| event[0] != b':').enumerate() {
        grammar.event(at, event).map_err(|why| format!("event {at}: {why}\n{}", String::from_utf8_lossy(event)))?;
    }
    Ok(grammar.end.unwrap_or(End::Cut))
}

#[derive(Default)]
struct Grammar {
    /// `id`, `created_at` and `model` of the first response.
    head: Option<[Value; 3]>,
    open: Option<Open>,
    /// Items that are done.
    output: Vec<Value>,
    end: Option<End>,
}

/// The open item: as it began, the open part of it, and what its pieces say.
struct Open {
    item: Value,
    part: bool,
    said: String,
    /// Whether the end of its text was told.
    told: bool,
}

type Checked = Result<(), String>;

fn need(holds: bool, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

impl Grammar {
    fn event(&mut self, at: usize, event: &[u8]) -> Checked {
        let fields = fields(event);
        let name = String::from_utf8_lossy(fields.event.unwrap_or_default()).into_owned();
        let data: Value = serde_json::from_slice(&fields.data).map_err(|cause| cause.to_string())?;
        need(event.ends_with(b"\n\n") && !fields.stray, "not one frame")?;
        need(data["type"] == name.as_str(), "the name is not the type")?;
        need(data["sequence_number"] == at, "the number is not the place")?;
        need(self.end.is_none(), "something follows the end")?;
        match (at, name.as_str()) {
            (0, "response.created") | (1, "response.in_progress") => {
                self.response(&data["response"], "in_progress")?;
                need(data["response"]["usage"].is_null(), "counts at the beginning")
            }
            (0 | 1, _) => Err("it does not begin as it should".to_owned()),
            (_, "response.completed") => self.end(&data["response"], "completed"),
            (_, "response.incomplete") => self.end(&data["response"], "incomplete"),
            (_, "response.failed") => {
                self.end = Some(End::Error);
                let error = &data["response"]["error"];
                need(error["code"].is_string() && error["message"].is_string(), "an error that says nothing")?;
                self.response(&data["response"], "failed")
            }
            (_, "response.output_item.added") => self.added(&data),
            (_, "response.output_item.done") => self.done(&data),
            (_, name) => self.inside(name, &data),
        }
    }

    fn response(&mut self, response: &Value, status: &str) -> Checked {
        need(response["object"] == "response" && response["status"] == status, "another kind or status")?;
        let head = ["id", "created_at", "model"].map(|name| response[name].clone());
        need(head[0].is_string() && head[1].is_u64() && head[2].is_string(), "no id, time or model")?;
        need(*self.head.get_or_insert_with(|| head.clone()) == head, "another id, time or model")?;
        need(response["output"] == json!(self.output), "the output is not what was done")?;
        let members = ["error", "incomplete_details", "instructions", "metadata", "tool_choice", "tools", "text"];
        need(members.iter().all(|member| response.get(member).is_some()), "a member that clients need is missing")
    }

    fn end(&mut self, response: &Value, status: &str) -> Checked {
        self.end = Some(End::Whole);
        need(self.open.is_none(), "within an item")?;
        let reason = response["incomplete_details"]["reason"].is_string();
        need(reason == (status == "incomplete"), "a reason where there is none, or none where there is")?;
        let count = |name: &str| response["usage"][name].as_u64().ok_or_else(|| format!("no {name}"));
        let all = count("input_tokens")?.saturating_add(count("output_tokens")?);
        need(all == count("total_tokens")?, "the sum is wrong")?;
        let whole = |item: &Value| item["status"] != "incomplete";
        need(status == "incomplete" || self.output.iter().all(whole), "a call that was cut")?;
        self.response(response, status)
    }

    fn added(&mut self, data: &Value) -> Checked {
        need(self.open.is_none(), "an item within another")?;
        need(data["output_index"] == self.output.len(), "the index jumps")?;
        let item = data["item"].clone();
        let has = |name: &str| item[name].as_str().is_some_and(|text| !text.is_empty());
        need(has("id"), "no id")?;
        let others = |name: &str| self.output.iter().all(|other| other.get(name).is_none_or(|id| *id != item[name]));
        need(others("id"), "an id twice")?;
        match item["type"].as_str().unwrap_or_default() {
            "message" => need(item["content"] == json!([]) && item["role"] == "assistant", "it does not begin empty")?,
            "reasoning" => need(item["summary"].is_array(), "no summary")?,
            "function_call" => need(item["arguments"] == "", "it does not begin empty")?,
            "custom_tool_call" => need(item["input"] == "", "it does not begin empty")?,
            _ => return Err("an item that answers do not have".to_owned()),
        }
        if item["type"].as_str().is_some_and(|kind| kind.ends_with("call")) {
            need(has("call_id") && has("name") && others("call_id"), "a call without a name of its own")?;
        }
        self.open = Some(Open { item, part: false, said: String::new(), told: false });
        Ok(())
    }

    fn inside(&mut self, name: &str, data: &Value) -> Checked {
        let open = self.open.as_mut().ok_or("no item is open")?;
        need(data["item_id"] == open.item["id"], "another item's")?;
        need(data["output_index"] == self.output.len(), "another index")?;
        let kind = open.item["type"].as_str().unwrap_or_default();
        let piece = || data["delta"].as_str().ok_or_else(|| "no content".to_owned());
        match (kind, name) {
            ("message", "response.content_part.added") | ("reasoning", "response.reasoning_summary_part.added") => {
                need(!std::mem::replace(&mut open.part, true), "a part within another")
            }
            ("message", "response.output_text.delta") | ("reasoning", "response.reasoning_summary_text.delta") => {
                open.said.push_str(piece()?);
                need(open.part && !open.told, "no part is open")
            }
            ("function_call", "response.function_call_arguments.delta")
            | ("custom_tool_call", "response.custom_tool_call_input.delta") => {
                open.said.push_str(piece()?);
                need(!open.told, "after its end")
            }
            ("message", "response.output_text.done") | ("reasoning", "response.reasoning_summary_text.done") => {
                open.told = true;
                need(data["text"] == *open.said, "the text is not its pieces")
            }
            ("function_call", "response.function_call_arguments.done") => {
                open.told = true;
                need(data["arguments"] == *open.said, "the input is not its pieces")
            }
            ("custom_tool_call", "response.custom_tool_call_input.done") => {
                open.told = true;
                need(data["input"] == *open.said, "the input is not its pieces")
            }
            ("message", "response.content_part.done") | ("reasoning", "response.reasoning_summary_part.done") => {
                need(std::mem::take(&mut open.part) && open.told, "no part is open")?;
                need(data["part"]["text"] == *open.said, "the part is not its pieces")
            }
            _ => Err("an event that this item does not have".to_owned()),
        }
    }

    fn done(&mut self, data: &Value) -> Checked {
        let open = self.open.take().ok_or("no item is open")?;
        let item = &data["item"];
        need(data["output_index"] == self.output.len(), "another index")?;
        let same = ["id", "type", "call_id", "name"].iter().all(|name| item.get(name) == open.item.get(name));
        need(same && !open.part, "another item, or its part is open")?;
        let said = match item["type"].as_str().unwrap_or_default() {
            "message" => &item["content"][0]["text"],
            "reasoning" if open.said.is_empty() => &json!(""),
            "reasoning" => &item["summary"][0]["text"],
            "function_call" => &item["arguments"],
            _ => &item["input"],
        };
        need(*said == *open.said, "it is not its pieces")?;
        need(open.told || open.said.is_empty(), "its end was not told")?;
        if item["type"] == "function_call" && item["status"] == "completed" {
            let input: Option<Value> = serde_json::from_str(&open.said).ok();
            need(input.is_none_or(|input| input.is_object()), "the input of a call is no object")?;
        }
        self.output.push(item.clone());
        Ok(())
    }
}

#[test]
fn streams_outside_the_grammar_are_found() {
    use super::Encoder;
    use crate::canon::{Block, Delta, Event, Stop, StopReason};
    let written = |end: Option<Event>| {
        let call = Block::ToolUse { id: "call_1".to_owned(), name: "read".to_owned() };
        let events = [
            Event::Start { id: None, model: None },
            Event::Open(Block::Text),
            Event::Delta(Delta::Text("Hi".to_owned())),
            Event::Close,
            Event::Open(call),
            Event::Delta(Delta::Input("{}".to_owned())),
            Event::Close,
            Event::Stop(Stop { reason: StopReason::ToolUse, sequence: None }),
        ];
        let (mut encoder, mut out) = (Encoder::new("m", "resp_1", 7, Vec::new()), bytes::BytesMut::new());
        events.iter().chain(end.as_ref()).for_each(|event| encoder.push(event, &mut out));
        String::from_utf8(out.to_vec()).unwrap()
    };
    let fault = Event::Fault { status: 500, kind: String::new(), message: "x".to_owned() };
    assert_eq!(check(written(Some(fault)).as_bytes()), Ok(End::Error));
    assert_eq!(check(written(None).as_bytes()), Ok(End::Cut));
    let whole = written(Some(Event::End));
    assert_eq!(check(whole.as_bytes()), Ok(End::Whole));
    let frames: Vec<&str> = whole.split_inclusive("\n\n").collect();
    for left_out in 0..frames.len() - 1 {
        // Numbered anew, so that another rule than that of the numbers finds it.
        let kept = (0..frames.len()).filter(|at| *at != left_out).map(|at| (at, frames[at])).enumerate();
        let number = |at: usize| format!("\"sequence_number\":{at}");
        let rest: String = kept.map(|(to, (at, frame))| frame.replace(&number(at), &number(to))).collect();
        assert!(check(rest.as_bytes()).is_err(), "{rest}");
    }
    for (right, wrong) in [
        ("\"sequence_number\":3", "\"sequence_number\":4"),
        ("\"output_index\":1", "\"output_index\":0"),
        ("\"delta\":\"Hi\"", "\"delta\":\"Ho\""),
        ("\"arguments\":\"{}\"", "\"arguments\":\"[]\""),
        ("\"call_id\":\"call_1\"", "\"call_id\":\"\""),
        ("\"status\":\"completed\",\"background\"", "\"status\":\"failed\",\"background\""),
        ("\"total_tokens\":0", "\"total_tokens\":1"),
        ("\"created_at\":7", "\"created_at\":\"7\""),
        ("event: response.completed", "event: response.done"),
    ] {
        assert!(whole.contains(right), "{right}");
        assert!(check(whole.replace(right, wrong).as_bytes()).is_err(), "{wrong}");
    }
}
