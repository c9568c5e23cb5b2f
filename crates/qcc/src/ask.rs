//! Asks the running gateway something over HTTP. HTTP/1.0 on a plain socket is all it takes: the answer is short and
//! ends with the connection, and a stuck gateway must not hang the terminal.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use qcc_config::Secret;
use serde_json::Value;

/// Time for connecting, and usually for each wait after that. The gateway is on this machine and answers from memory.
const LIMIT: Duration = Duration::from_secs(3);

/// More than any answer of the gateway to `GET /providers`.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What the gateway said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// `GET path` of the gateway that listens on `address`.
///
/// # Errors
/// When nobody answers in time, or with something that is not HTTP.
pub(crate) fn get(address: SocketAddr, path: &str, key: Option<&Secret>) -> io::Result<Answer> {
    send(address, "GET", path, key, None, LIMIT)
}

/// `POST path` with a JSON document.
///
/// # Errors
/// As [`get`].
pub(crate) fn post(address: SocketAddr, path: &str, key: Option<&Secret>, body: &Value) -> io::Result<Answer> {
    post_within(LIMIT, address, path, key, body)
}

/// The same for what takes the gateway longer: each wait is at most `limit`.
///
/// # Errors
/// As [`get`].
pub(crate) fn post_within(
    limit: Duration,
    address: SocketAddr,
    path: &str,
    key: Option<&Secret>,
    body: &Value,
) -> io::Result<Answer> {
    send(address, "POST", path, key, Some(body), limit)
}

fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    key: Option<&Secret>,
    body: Option<&Value>,
    limit: Duration,
) -> io::Result<Answer> {
    let address = reachable(address);
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let key = key.map_or_else(String::new, |key| format!("x-api-key: {}\r\n", key.expose()));
    let body = body.map(Value::to_string).unwrap_or_default();
    let form = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
    };
    write!(stream, "{method} {path} HTTP/1.0\r\nhost: {address}\r\naccept: application/json\r\n{form}{key}\r\n{body}")?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let version = words.next()?;
    let status = words.next()?.parse().ok()?;
    version.starts_with("HTTP/1.").then(|| Answer { status, body: bytes[end + 4..].to_vec() })
}

/// Where a client on this machine reaches a gateway that listens on `address`: every address means loopback too.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

/// The base URL for clients on this machine.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

#[cfg(test)]
mod tests;
