//! Against a socket that answers what it is told to.

use std::net::TcpListener;

use super::*;

fn answering(answer: &'static [u8]) -> (SocketAddr, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer).unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, served)
}

#[test]
fn the_status_and_the_body_come_back() {
    let (address, served) = answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}");
    let answer = get(address, "/ready", None).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"{}".as_slice()));
    let request = served.join().unwrap();
    assert_eq!(request, format!("GET /ready HTTP/1.0\r\nhost: {address}\r\naccept: application/json\r\n\r\n"));
}

#[test]
fn something_else_on_the_port_is_an_error() {
    let (address, _served) = answering(b"220 mail.example ESMTP\r\n\r\n");
    assert_eq!(get(address, "/", None).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_gateway_on_every_address_is_reached_over_loopback() {
    assert_eq!(url("0.0.0.0:7860".parse().unwrap()), "http://127.0.0.1:7860");
    assert_eq!(url("[::]:7860".parse().unwrap()), "http://[::1]:7860");
    assert_eq!(url("192.0.2.1:7860".parse().unwrap()), "http://192.0.2.1:7860");
}
