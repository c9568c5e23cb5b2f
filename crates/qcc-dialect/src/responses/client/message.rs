//! A whole answer as a client expects it.

use bytes::Bytes;
use serde_json::Value;

use super::output::{Call, Head, Response, Stage, item_prefix, message as message_item, reasoning, redacted};
use crate::canon::{ClientTool, Losses, Message, Part, StopReason};

/// Writes an answer under the model's name as the client asked for it. `created` is in seconds since the Unix epoch;
/// `tools` are the request's `client_tools`. The caller makes sure that it is whole: that it has a stop reason and no
/// broken calls.
pub fn encode_message(
    message: &Message,
    model_as_asked: &str,
    id: &str,
    created: u64,
    tools: &[ClientTool],
    losses: &mut Losses,
) -> Bytes {
    let head = Head { id: id.to_owned(), model: model_as_asked.to_owned(), created };
    let mut output: Vec<Value> = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        let at = output.len();
        match part {
            Part::Text(said) => output.push(message_item(&head.item("msg", at), Some(&said.text))),
            Part::Thinking(thought) => output.push(reasoning(&head.item("rs", at), thought)),
            Part::Redacted(data) => output.push(redacted(&head.item("rs", at), data)),
            Part::ToolUse(used) => {
                let tool = tools.iter().find(|tool| tool.name == used.name);
                let call = Call { id: &head.item(item_prefix(tool), at), call_id: &used.id, name: &used.name, tool };
                output.push(call.item(Some(used.input.text())));
            }
            Part::Other { kind, .. } => losses.dropped(format!("content.{kind}")),
            Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => {
                losses.dropped("content");
            }
        }
    }
    let reason = message.stop.as_ref().map_or(&StopReason::EndTurn, |stop| &stop.reason);
    let response = Response::new(&head, &Stage::Ended(reason), &output, message.usage);
    crate::json::print::print(&response, 4096).expect("an answer of ours is printable")
}
