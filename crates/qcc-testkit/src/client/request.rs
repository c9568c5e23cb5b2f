//! A request as it goes over the wire: headers in the order and case given, and nothing added but what HTTP/1.1 needs
//! to be understood at all (`host`, and a length for a body).

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

use crate::wire;

/// A request to be sent.
///
/// A `host` or `content-length` header with an empty value is filled in when the request is sent, in its place. When
/// they are missing altogether they are added: `host` first, the length last.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names and values, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body as it goes out, chunk frames included if [`Request::chunked`] made them.
    pub body: Bytes,
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn post_json(path: &str, body: &Value) -> Self {
        Self::new("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    /// Adds a header after the others.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives a header another value in its place, or adds it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.headers.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Takes a header away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks of `size` bytes (0 counts as 1) instead of with a length.
    #[must_use]
    pub fn chunked(mut self, size: usize) -> Self {
        let mut framed = BytesMut::with_capacity(self.body.len() * 2);
        for part in self.body.chunks(size.max(1)) {
            framed.put_slice(&crate::replies::chunk(part));
        }
        framed.put_slice(b"0\r\n\r\n");
        self.body = framed.freeze();
        self.without("content-length").header("transfer-encoding", "chunked")
    }

    /// The first value of a header; the case of the name does not matter.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        wire::header(&self.headers, name)
    }

    /// The request line and the headers as they go to this address, with the blank line.
    #[must_use]
    pub fn head(&self, to: SocketAddr) -> Bytes {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if self.value("host").is_none() {
            text.push_str(&format!("host: {to}\r\n"));
        }
        for (name, value) in &self.headers {
            let filled = match value.as_str() {
                "" if name.eq_ignore_ascii_case("host") => to.to_string(),
                "" if name.eq_ignore_ascii_case("content-length") => self.body.len().to_string(),
                given => given.to_owned(),
            };
            text.push_str(&format!("{name}: {filled}\r\n"));
        }
        let framed = self.value("content-length").is_some() || self.value("transfer-encoding").is_some();
        if !framed && (!self.body.is_empty() || self.method == "POST") {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        Bytes::from(text)
    }

    /// Head and body as they go to this address.
    #[must_use]
    pub fn encoded(&self, to: SocketAddr) -> Bytes {
        Bytes::from([&self.head(to)[..], &self.body[..]].concat())
    }
}
