//! How large a request is, and what of it are images and documents. About how large it is when it is written, so that the room for it need not be made in steps: each would copy what
//! is there already.

use super::{Part, Request, Source, Tool};

/// What a message, a block or a tool has beside its text, in bytes.
const FRAME: usize = 96;

impl Request {
    /// Bytes of the body in any dialect, roughly: escapes are guessed.
    pub(crate) fn rough_size(&self) -> usize {
        let system: usize = self.system.iter().map(|text| FRAME + text.text.len()).sum();
        let turns: usize = self.turns.iter().map(|turn| FRAME + all(&turn.parts)).sum();
        let tools: usize = self.tools.iter().map(|tool| FRAME + of_tool(tool)).sum();
        let texts = system + turns + tools;
        1024 + texts + texts / 8
    }
}

/// What a request holds in base64, with its length there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Media {
    Image(usize),
    Document(usize),
}

impl Request {
    /// Shows every image and document that is in the request.
    pub(crate) fn files(&self, see: &mut dyn FnMut(Media)) {
        self.turns.iter().for_each(|turn| files(&turn.parts, see));
    }
}

fn files(parts: &[Part], see: &mut dyn FnMut(Media)) {
    for part in parts {
        match part {
            Part::Image(image) => {
                if let Source::Base64 { data, .. } = &image.source {
                    see(Media::Image(data.len()));
                }
            }
            Part::Document(document) => match &document.source {
                Source::Base64 { data, .. } => see(Media::Document(data.len())),
                Source::Parts(parts) => files(parts, see),
                Source::Url(_) | Source::File(_) | Source::Text(_) => {}
            },
            Part::ToolResult(result) => files(&result.parts, see),
            _ => {}
        }
    }
}

fn all(parts: &[Part]) -> usize {
    parts.iter().map(|part| FRAME + of_part(part)).sum()
}

fn of_part(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.text.len(),
        Part::Image(image) => of_source(&image.source),
        Part::Document(document) => of_source(&document.source),
        Part::SearchResult(found) => found.texts.iter().map(String::len).sum(),
        Part::Thinking(thought) => thought.text.len() + thought.signature.as_ref().map_or(0, String::len),
        Part::Redacted(data) => data.len(),
        Part::ToolUse(call) => call.input.text().len(),
        Part::ToolResult(result) => all(&result.parts),
        Part::Other { raw, .. } => raw.text().len(),
    }
}

fn of_source(source: &Source) -> usize {
    match source {
        Source::Base64 { data, .. } => data.len(),
        Source::Text(text) | Source::Url(text) | Source::File(text) => text.len(),
        Source::Parts(parts) => all(parts),
    }
}

fn of_tool(tool: &Tool) -> usize {
    match tool {
        Tool::Custom { description, schema, .. } => description.as_ref().map_or(0, String::len) + schema.text().len(),
        Tool::Other { raw, .. } => raw.text().len(),
    }
}
