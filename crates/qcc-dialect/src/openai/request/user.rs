//! What stands in turns of the user: results of calls, and everything else.

use std::borrow::Cow;

use super::Pen;
use super::content::{Message, Piece, Url, carried};
use super::conversation::Pending;
use crate::canon::{Detail, Document, Image, Part, Role, Source, ToolResult, Turn, Unfit};
use crate::foreign::{blocks, plain, search_result, unfit};
use crate::openai::traits::Images;

/// The results of the calls before, and what is still to come.
pub(super) struct Results<'a> {
    pending: Vec<Pending>,
    attached: Vec<Piece<'a>>,
}

impl<'a> Results<'a> {
    pub(super) fn new(pending: Vec<Pending>) -> Self {
        Self { pending, attached: Vec::new() }
    }

    /// Writes the results of a turn. One that no call waits for is the user's word.
    pub(super) fn take(
        &mut self,
        turn: &'a Turn,
        messages: &mut Vec<Message<'a>>,
        pen: &mut Pen<'_>,
    ) -> Result<(), Unfit> {
        for part in &turn.parts {
            let Part::ToolResult(result) = part else { continue };
            match self.pending.iter().position(|call| call.id == result.id) {
                Some(at) => {
                    let sent = self.pending.remove(at).sent;
                    let piece = self.result(result, pen)?;
                    messages.push(Message { tool_call_id: Some(sent), ..Message::new("tool", vec![piece]) });
                }
                None => {
                    pen.losses.add("messages.content.tool_result", "sent as text where no call waits for it");
                    let piece = self.result(result, pen)?;
                    self.attached.push(Piece::text(format!("The result of the call {}:", result.id)));
                    self.attached.push(piece);
                }
            }
        }
        Ok(())
    }

    /// Calls without a result, and what results hold beside text: one message of the user after all of them.
    pub(super) fn finish(self) -> (Vec<Pending>, Vec<Piece<'a>>) {
        (self.pending, self.attached)
    }

    fn result(&mut self, result: &'a ToolResult, pen: &mut Pen<'_>) -> Result<Piece<'a>, Unfit> {
        let mut texts: Vec<Cow<'a, str>> = Vec::new();
        let mut announced = false;
        for part in &result.parts {
            for piece in pieces(part, pen)? {
                match piece {
                    Piece::Text { text, .. } => texts.push(text),
                    other => {
                        if !std::mem::replace(&mut announced, true) {
                            self.attached.push(Piece::text(format!("From the result of the call {}:", result.id)));
                        }
                        texts.push(Cow::Borrowed("[in the message of the user that follows]"));
                        self.attached.push(other);
                        pen.losses.add("messages.content.tool_result", "images and documents moved behind it");
                    }
                }
            }
        }
        let mut text = match texts.len() {
            1 => texts.remove(0),
            _ => Cow::Owned(texts.join("\n\n")),
        };
        if result.is_error {
            let said = if text.trim().is_empty() { "the tool failed and said nothing" } else { &text };
            text = Cow::Owned(format!("Error: {said}"));
        }
        Ok(Piece::Text { text, cache: carried(result.cache, pen) })
    }
}

/// All of a turn but results.
pub(super) fn rest<'a>(turn: &'a Turn, pen: &mut Pen<'_>) -> Result<Vec<Piece<'a>>, Unfit> {
    let mut all = Vec::new();
    for part in &turn.parts {
        match part {
            Part::ToolResult(_) => {}
            Part::Image(_) | Part::Document(_) if turn.role == Role::System => {
                return Err(unfit("messages.system", "the operator can only send text"));
            }
            _ => all.extend(pieces(part, pen)?),
        }
    }
    Ok(all)
}

fn pieces<'a>(part: &'a Part, pen: &mut Pen<'_>) -> Result<Vec<Piece<'a>>, Unfit> {
    Ok(match part {
        Part::Text(text) if text.text.trim().is_empty() => Vec::new(),
        Part::Text(text) => {
            vec![Piece::Text { text: Cow::Borrowed(&text.text), cache: carried(text.cache, pen) }]
        }
        Part::Image(image) => vec![self::image(image, pen)?],
        Part::Document(document) => self::document(document, pen)?,
        Part::SearchResult(found) => vec![Piece::text(search_result(found))],
        Part::Other { kind, raw } => blocks::text(kind, raw, pen.losses)?.map(Piece::text).into_iter().collect(),
        Part::Thinking(_) | Part::Redacted(_) | Part::ToolUse(_) | Part::ToolResult(_) => {
            pen.losses.add("messages.content", "dropped what only the model says from a turn of the user");
            Vec::new()
        }
    })
}

fn image<'a>(image: &'a Image, pen: &mut Pen<'_>) -> Result<Piece<'a>, Unfit> {
    carried(image.cache, pen);
    let images = pen.traits.images;
    let detail = image.detail.map(Detail::word);
    match &image.source {
        _ if images == Images::None => Err(unfit("messages.content.image", "the provider takes no images")),
        Source::Base64 { media_type, data } => Ok(Piece::Image { url: Url::Data { media_type, base64: data }, detail }),
        Source::Url(url) if images == Images::Fetched => Ok(Piece::Image { url: Url::Plain(url), detail }),
        Source::Url(_) => Err(unfit("messages.content.image", "the provider fetches no images from addresses")),
        Source::File(_) => Err(unfit("messages.content.image", "the file is in an account of another provider")),
        Source::Text(_) | Source::Parts(_) => Err(unfit("messages.content.image", "it has no bytes")),
    }
}

fn document<'a>(document: &'a Document, pen: &mut Pen<'_>) -> Result<Vec<Piece<'a>>, Unfit> {
    carried(document.cache, pen);
    if document.citations {
        pen.losses.dropped("messages.content.document.citations");
    }
    let about: Vec<&str> = [&document.title, &document.context].into_iter().flatten().map(String::as_str).collect();
    let mut all: Vec<Piece<'a>> =
        if about.is_empty() { Vec::new() } else { vec![Piece::text(format!("Document: {}", about.join("\n")))] };
    let file = |data| Piece::File { name: file_name(document.title.as_deref(), PDF), data };
    match &document.source {
        Source::Text(text) => all.push(Piece::text(text)),
        Source::Parts(parts) => {
            for part in parts {
                all.extend(pieces(part, pen)?);
            }
        }
        // Here files are PDFs.
        Source::Base64 { media_type, data } if media_type.starts_with("text/") => {
            let text =
                plain(data).ok_or_else(|| unfit("messages.content.document", "its text is not base64 of UTF-8"))?;
            all.push(Piece::text(text));
        }
        Source::Base64 { media_type, data } if pen.traits.files => {
            all.push(file(Url::Data { media_type, base64: data }));
        }
        Source::Url(url) if pen.traits.file_urls => all.push(file(Url::Plain(url))),
        Source::Base64 { .. } => return Err(unfit("messages.content.document", "the provider reads no files")),
        Source::Url(_) => return Err(unfit("messages.content.document", "the provider fetches no files")),
        Source::File(_) => {
            return Err(unfit("messages.content.document", "the file is in an account of another provider"));
        }
    }
    Ok(all)
}

/// What PDFs are called.
pub(crate) const PDF: &str = "application/pdf";

/// Vendors tell the kind of a file by its name.
pub(crate) fn file_name<'a>(title: Option<&'a str>, media_type: &str) -> Cow<'a, str> {
    const ENDINGS: &[(&str, &str)] = &[
        (PDF, ".pdf"),
        ("text/plain", ".txt"),
        ("text/markdown", ".md"),
        ("text/csv", ".csv"),
        ("text/html", ".html"),
        ("application/json", ".json"),
    ];
    let ending = ENDINGS.iter().find(|(kind, _)| *kind == media_type).map_or("", |(_, ending)| *ending);
    match title {
        Some(title) if title.to_ascii_lowercase().ends_with(ending) => Cow::Borrowed(title),
        title => Cow::Owned(format!("{}{ending}", title.unwrap_or("document"))),
    }
}
