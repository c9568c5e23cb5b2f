//! What users, operators and tools say: text, images and files. Results of calls hold the same, so nothing has to be moved
//! out of them.

use std::borrow::Cow;

use super::items::{Output, Piece, Url};
use super::{Pen, unfit};
use crate::canon::{Cache, Detail, Document, Image, Part, Source, ToolResult, Unfit};
use crate::foreign::{blocks, search_result};
use crate::openai::request::user;

/// A breakpoint of the prompt cache has no place here: the provider caches by itself.
pub(super) fn cached(cache: Option<Cache>, pen: &mut Pen<'_>) {
    if cache.is_some() {
        pen.losses.add("cache_control", "left to the provider");
    }
}

/// A part as it is sent; may be nothing.
pub(super) fn pieces<'a>(part: &'a Part, pen: &mut Pen<'_>) -> Result<Vec<Piece<'a>>, Unfit> {
    Ok(match part {
        Part::Text(text) => {
            cached(text.cache, pen);
            if text.text.trim().is_empty() { Vec::new() } else { vec![Piece::text(&text.text)] }
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
    const WHERE: &str = "messages.content.image";
    cached(image.cache, pen);
    if pen.capabilities.images == Some(false) {
        return Err(unfit(WHERE, "the model reads no images"));
    }
    let image_url = match &image.source {
        Source::Base64 { media_type, data } => Url::Data { media_type, base64: data },
        Source::Url(url) => Url::Plain(url),
        Source::File(_) => return Err(unfit(WHERE, "the file is in an account of another provider")),
        Source::Text(_) | Source::Parts(_) => return Err(unfit(WHERE, "it has no bytes")),
    };
    Ok(Piece::InputImage { image_url, detail: image.detail.map_or("auto", Detail::word) })
}

fn document<'a>(document: &'a Document, pen: &mut Pen<'_>) -> Result<Vec<Piece<'a>>, Unfit> {
    const WHERE: &str = "messages.content.document";
    cached(document.cache, pen);
    if document.citations {
        pen.losses.dropped("messages.content.document.citations");
    }
    let is_file = matches!(&document.source, Source::Base64 { .. } | Source::Url(_));
    if is_file && pen.capabilities.documents == Some(false) {
        return Err(unfit(WHERE, "the model reads no files"));
    }
    // A file in the request tells its title by its name.
    let title = document.title.as_ref().filter(|_| !matches!(&document.source, Source::Base64 { .. }));
    let about: Vec<&str> = [title, document.context.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let mut all = match about.is_empty() {
        true => Vec::new(),
        false => vec![Piece::text(format!("Document: {}", about.join("\n")))],
    };
    match &document.source {
        Source::Text(text) => all.push(Piece::text(text)),
        Source::Parts(parts) => {
            for part in parts {
                all.extend(pieces(part, pen)?);
            }
        }
        Source::Base64 { media_type, data } => {
            let name = user::file_name(document.title.as_deref(), media_type);
            let file_data = Some(Url::Data { media_type, base64: data });
            all.push(Piece::InputFile { filename: Some(name), file_data, file_url: None });
        }
        Source::Url(url) => all.push(Piece::InputFile { filename: None, file_data: None, file_url: Some(url) }),
        Source::File(_) => return Err(unfit(WHERE, "the file is in an account of another provider")),
    }
    Ok(all)
}

/// What came of a call. There is no member for a failure, so it is said in words.
pub(super) fn output<'a>(result: &'a ToolResult, pen: &mut Pen<'_>) -> Result<Output<'a>, Unfit> {
    cached(result.cache, pen);
    let mut all = Vec::new();
    for part in &result.parts {
        all.extend(pieces(part, pen)?);
    }
    if result.is_error {
        let said = match all.first_mut() {
            Some(Piece::InputText { text }) => {
                *text = Cow::Owned(format!("Error: {text}"));
                true
            }
            _ => false,
        };
        if !said {
            all.insert(0, Piece::text("Error: the tool failed and said nothing"));
        }
    }
    let texts: Option<Vec<&str>> = all.iter().map(plain).collect();
    Ok(match (texts, all.len()) {
        (Some(_), 1) => match all.remove(0) {
            Piece::InputText { text } => Output::Text(text),
            other => Output::List(vec![other]),
        },
        // Texts alone are one: not every server of this dialect takes a list.
        (Some(texts), _) => Output::Text(Cow::Owned(texts.join("\n\n"))),
        (None, _) => Output::List(all),
    })
}

fn plain<'p>(piece: &'p Piece<'_>) -> Option<&'p str> {
    match piece {
        Piece::InputText { text } => Some(text),
        _ => None,
    }
}
