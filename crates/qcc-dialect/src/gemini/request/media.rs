//! Images and documents: in the request, or at an address that Google fetches.

use std::borrow::Cow;

use super::content::{Blob, Data, File, Part, uncached};
use super::user::parts_of;
use super::{Pen, unfit};
use crate::canon::{Document, Image, Source, Unfit};

/// Kinds of images that are read, by what clients and addresses call them.
const IMAGES: &[(&str, &str, &str)] = &[
    ("image/png", "png", "image/png"),
    ("image/jpeg", "jpg", "image/jpeg"),
    ("image/jpg", "jpeg", "image/jpeg"),
    ("image/webp", "webp", "image/webp"),
    ("image/heic", "heic", "image/heic"),
    ("image/heif", "heif", "image/heif"),
];

/// Kinds of documents, alike. Those of a text are sent as what they are: plain ones.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    ("application/pdf", "pdf", "application/pdf"),
    ("text/plain", "txt", "text/plain"),
    ("text/markdown", "md", "text/plain"),
    ("text/csv", "csv", "text/csv"),
    ("text/html", "html", "text/html"),
    ("text/xml", "xml", "text/xml"),
];

/// Kinds that results of calls may hold.
pub(super) const IN_RESULTS: &[&str] = &["image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"];

const IMAGE: &str = "messages.content.image";
const DOCUMENT: &str = "messages.content.document";

pub(super) fn image<'a>(image: &'a Image, pen: &mut Pen<'_>) -> Result<Part<'a>, Unfit> {
    uncached(image.cache, pen);
    if image.detail.is_some() {
        pen.losses.dropped("messages.content.image.detail");
    }
    if pen.known.images == Some(false) {
        return Err(unfit(IMAGE, "the model takes no images"));
    }
    match &image.source {
        Source::Base64 { media_type, data } => match by_name(IMAGES, media_type) {
            Some(mime_type) => Ok(Part::new(Data::Inline(Blob { mime_type, data }))),
            None => Err(Unfit { what: IMAGE.into(), why: format!("Gemini reads no {media_type}").into() }),
        },
        Source::Url(url) => {
            // Google wants to be told what it fetches, and the client does not say.
            let Some(mime_type) = by_ending(IMAGES, url) else {
                return Err(unfit(IMAGE, "its address does not tell of which kind it is"));
            };
            fetched(url, mime_type, IMAGE, pen)
        }
        Source::File(_) => Err(unfit(IMAGE, "the file is in an account of another provider")),
        Source::Text(_) | Source::Parts(_) => Err(unfit(IMAGE, "it has no bytes")),
    }
}

pub(super) fn document<'a>(document: &'a Document, pen: &mut Pen<'_>) -> Result<Vec<Part<'a>>, Unfit> {
    uncached(document.cache, pen);
    if document.citations {
        pen.losses.dropped("messages.content.document.citations");
    }
    let about: Vec<&str> = [&document.title, &document.context].into_iter().flatten().map(String::as_str).collect();
    let mut all: Vec<Part<'a>> =
        if about.is_empty() { Vec::new() } else { vec![Part::text(format!("Document: {}", about.join("\n")))] };
    match &document.source {
        Source::Text(text) => all.push(Part::text(Cow::Borrowed(text.as_str()))),
        Source::Parts(parts) => {
            for part in parts {
                all.extend(parts_of(part, pen)?);
            }
        }
        _ if pen.known.documents == Some(false) => return Err(unfit(DOCUMENT, "the model reads no documents")),
        Source::Base64 { media_type, data } => match by_name(DOCUMENTS, media_type) {
            Some(mime_type) => all.push(Part::new(Data::Inline(Blob { mime_type, data }))),
            None => {
                return Err(Unfit { what: DOCUMENT.into(), why: format!("Gemini reads no {media_type}").into() });
            }
        },
        // Documents at addresses are PDFs where nothing else is said.
        Source::Url(url) => {
            all.push(fetched(url, by_ending(DOCUMENTS, url).unwrap_or("application/pdf"), DOCUMENT, pen)?);
        }
        Source::File(_) => return Err(unfit(DOCUMENT, "the file is in an account of another provider")),
    }
    Ok(all)
}

/// Google fetches what is openly on the web, for models since 2.5.
fn fetched<'a>(url: &'a str, mime_type: &'static str, what: &'static str, pen: &Pen<'_>) -> Result<Part<'a>, Unfit> {
    if !url.starts_with("https://") {
        return Err(unfit(what, "Gemini fetches only from addresses with https"));
    }
    if !pen.model.fetches() {
        return Err(unfit(what, "the model fetches nothing from addresses"));
    }
    Ok(Part::new(Data::File(File { mime_type, file_uri: url })))
}

type Kinds = [(&'static str, &'static str, &'static str)];

fn by_name(kinds: &Kinds, media_type: &str) -> Option<&'static str> {
    let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kinds.iter().find(|(name, ..)| *name == plain).map(|(.., sent)| *sent)
}

fn by_ending(kinds: &Kinds, url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    kinds.iter().find(|(_, known, _)| *known == ending).map(|(.., sent)| *sent)
}
