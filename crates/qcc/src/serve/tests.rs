//! What is said at the start, at the end, and when there is no start.

use std::io;

use qcc_config::Level;
use qcc_server::BannerProvider;

use super::*;

fn banner() -> Banner {
    let provider = |name: &str, usable| BannerProvider {
        name: name.to_owned(),
        dialect: "anthropic",
        base_url: format!("https://{name}.example"),
        usable,
    };
    Banner {
        version: "9.9.9",
        providers: vec![provider("official", true), provider("relay", false)],
        level: Level::Info,
        address: "http://127.0.0.1:7860".to_owned(),
        notices: Vec::new(),
    }
}

#[test]
fn the_banner_is_plain_where_frames_would_spoil_a_log() {
    insta::assert_snapshot!(banner_text(&banner(), false), @r"
    version    9.9.9
    providers  1 of 2 usable
      [✓] official (anthropic): https://official.example
      [✗] relay (anthropic): https://relay.example
    log level  info
    listening  http://127.0.0.1:7860
    ");
}

#[test]
fn the_frame_of_the_banner_is_straight() {
    let text = anstream::adapter::strip_str(&banner_text(&banner(), true)).to_string();
    insta::assert_snapshot!(text, @r"
    ╭─ qcc ────────────────────────────────────────────────╮
    │ version    9.9.9                                     │
    │ providers  1 of 2 usable                             │
    │   [✓] official (anthropic): https://official.example │
    │   [✗] relay (anthropic): https://relay.example       │
    │ log level  info                                      │
    │ listening  http://127.0.0.1:7860                     │
    ╰──────────────────────────────────────────────────────╯
    ");
}

#[test]
fn the_farewell_tells_how_running_requests_fared() {
    let told = |finished, cut| farewell(Some(Stopped { finished, cut }));
    assert_eq!(told(0, 0), "qcc has stopped");
    assert_eq!(told(1, 0), "qcc has stopped, 1 running request finished");
    assert_eq!(told(2, 3), "qcc has stopped, 2 running requests finished, 3 cut off after waiting");
    assert_eq!(farewell(None), "qcc has stopped at once");
}

#[test]
fn a_refused_address_comes_with_advice() {
    let refused = |kind| {
        let error = StartError::Bind { address: "127.0.0.1:80".to_owned(), source: io::Error::from(kind) };
        not_started(error, "127.0.0.1", 80).to_string()
    };
    assert!(refused(io::ErrorKind::PermissionDenied).contains("hint: ports below 1024"));
    assert!(refused(io::ErrorKind::AddrNotAvailable).contains("hint: this machine has no such address"));
    assert!(refused(io::ErrorKind::AddrInUse).contains("is taken by"));
}

#[test]
fn a_reason_that_brings_its_own_hint_keeps_it() {
    assert_eq!(told("no\nhint: yes").to_string(), "error: no\nhint: yes");
}
