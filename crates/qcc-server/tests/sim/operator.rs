//! Somebody at the admin API: pins a profile, ends the pin, resets a provider, looks at a page.

use bytes::BytesMut;
use qcc_server::testing::Door;
use qcc_testkit::wire::{Body, Taken, take_head};
use tokio::io::AsyncWriteExt;

use crate::book::{Shared, lock};
use crate::net::{Clock, Line, connection};
use crate::random::Random;

/// Asks for one thing. Every answer has to be a 200 or say why not.
pub(crate) async fn act(door: &Door, book: &Shared, clock: &Clock, random: &mut Random) {
    let (providers, profiles, key) = {
        let book = lock(book);
        let setting = book.setting();
        (setting.providers.len(), setting.profiles.len(), setting.client_keys.first().cloned())
    };
    let (method, path, body) = match random.below(6) {
        0 | 1 if profiles > 0 => {
            let profile = random.index(profiles);
            ("POST", "/api/pin".to_owned(), format!("{{\"profile\":\"profile{profile}\"}}"))
        }
        2 => ("POST", "/api/pin".to_owned(), "{\"profile\":null}".to_owned()),
        3 => ("POST", format!("/api/providers/p{}/reset", random.index(providers)), String::new()),
        4 => ("GET", "/health".to_owned(), String::new()),
        _ => ("GET", "/providers".to_owned(), String::new()),
    };
    lock(book).say(&format!("the operator: {method} {path} {body}"));
    let key = key.map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{key}Content-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let (mut near, far) = connection(Line::any(random), Line::any(random), clock, random);
    door.connect(Box::new(far));
    near.write_all(text.as_bytes()).await.expect("somebody listens");
    let mut buffer = BytesMut::new();
    let head = loop {
        if let Some(head) = take_head(&mut buffer).expect("it is HTTP") {
            break head;
        }
        assert_ne!(near.fill(&mut buffer).await.expect("it is answered"), 0, "{path} is answered");
    };
    assert!(head.first_line.contains(" 200 "), "{method} {path}: {}", head.first_line);
    let mut framing = Body::announced_by(&head, Body::UntilClose).expect("it is framed");
    let mut said = BytesMut::new();
    loop {
        match framing.take(&mut buffer).expect("it is framed") {
            Taken::End => break,
            Taken::Data(data) => said.extend_from_slice(&data),
            Taken::NeedsMore => _ = near.fill(&mut buffer).await.expect("it is whole"),
        }
    }
    assert!(!String::from_utf8_lossy(&said).contains("sk-"), "{path} shows a secret");
    lock(book).say(&format!("the operator hears {} bytes", said.len()));
}
