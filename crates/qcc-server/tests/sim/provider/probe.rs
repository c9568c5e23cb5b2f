//! How a provider answers the gateway's own requests, which no client asked for.

use qcc_testkit::replies::{Framing, head as http_head};
use serde_json::Value;

use super::*;
use crate::book::Probed;
use crate::speech::Said;
use crate::speech::trouble::Trouble;

impl Serving {
    /// Notes the request and answers it. `None`: the connection ends.
    pub(super) async fn probed(&mut self, head: &Head, nature: Nature) -> Option<Option<Received>> {
        let mut framing = Body::announced_by(head, Body::Length(0)).ok()?;
        let body = self.body(&mut framing).await?;
        let line = head.first_line.clone();
        {
            let mut book = lock(&self.providers.book);
            let at = book.clock.now();
            book.say(&format!("p{} is probed: {line}, {nature:?}", self.number));
            book.probes.push(Probed { provider: self.number, at, headers: head.headers.clone() });
        }
        pause(self.random.millis(5..1500)).await;
        let trouble = match nature {
            Nature::Silent | Nature::SilentAfterHead | Nature::Stalling | Nature::Pinging => {
                self.wait_until_gone().await;
                return None;
            }
            Nature::Failing(status) | Nature::Forbidding(status) | Nature::PageUnder(status) => {
                Some(Trouble::Fault(status))
            }
            Nature::Overloaded => Some(Trouble::Overloaded),
            Nature::Throttling(_) => Some(Trouble::Throttled(None)),
            Nature::Well | Nature::Trickling => None,
            _ => return None,
        };
        let dialect = self.dialect();
        let path = line.split(' ').nth(1).unwrap_or_default();
        let (status, media, said) = match trouble {
            Some(trouble) => (dialect.status(trouble), JSON, json(&dialect.refusal(trouble, "a probe is refused"))),
            None if line.starts_with("GET") => (200, JSON, json(&dialect.models(&MODELS))),
            None => {
                let (media, said) = told(dialect, &dialect.read(path, &body)?);
                (200, media, said)
            }
        };
        let headers = [("content-type", media)];
        let answer = [&http_head(status, &headers, Framing::ContentLength, said.len())[..], &said].concat();
        self.end.write_all(&answer).await.ok()?;
        Some(None)
    }
}

const JSON: &str = "application/json";

fn json(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// The code that has to be repeated: the last word of the question.
fn told(dialect: Dialect, question: &Question) -> (&'static str, Bytes) {
    let code = question.words.split_whitespace().next_back().unwrap_or_default().to_owned();
    let (id, model) = ("probed".to_owned(), question.model.clone());
    let said = Said { id, model, pieces: vec![code], ..Said::default() };
    if question.stream {
        ("text/event-stream", Bytes::from(dialect.stream(&said).concat()))
    } else {
        (JSON, json(&dialect.whole(&said)))
    }
}
