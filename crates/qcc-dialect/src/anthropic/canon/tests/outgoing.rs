//! How requests of other dialects are written.

mod conversation;
mod steering;

use super::*;
use crate::canon::{
    Cache, Document, Effort, Format, Image, Losses, Role, Source, Thinking, Thought, Tool, ToolChoice, ToolResult,
    Turn, Unfit,
};

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn user(words: &str) -> Turn {
    turn(Role::User, vec![text(words)])
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult { id: id.to_owned(), parts, is_error: false, cache: None })
}

fn tool(name: &str, schema: &str) -> Tool {
    Tool::Custom { name: name.to_owned(), description: None, schema: raw(schema), strict: None, cache: None }
}

fn asking(turns: Vec<Turn>) -> Request {
    Request { turns, max_tokens: Some(20_000), ..Request::default() }
}

fn try_encode(request: &Request, model: &str) -> Result<(Value, Vec<String>), Unfit> {
    let mut losses = Losses::new();
    let body = encode_request(request, &Capabilities::of_model(model), model, &mut losses)?;
    let losses = losses.iter().map(ToString::to_string).collect();
    Ok((serde_json::from_slice(&body).unwrap(), losses))
}

fn encode(request: &Request, model: &str) -> (Value, Vec<String>) {
    try_encode(request, model).unwrap()
}

/// The messages in a line each, with the types of their blocks.
fn shape(body: &Value) -> Vec<String> {
    let of = |message: &Value| {
        let blocks = message["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap());
        format!("{}: {}", message["role"].as_str().unwrap(), blocks.collect::<Vec<_>>().join(" "))
    };
    body["messages"].as_array().unwrap().iter().map(of).collect()
}
