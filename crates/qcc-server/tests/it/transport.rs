//! How providers are reached: over TLS with roots of the user's, over HTTP/2 where they offer it, through a proxy, on
//! connections that are opened ahead, used again and never more than allowed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request as HttpRequest, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qcc_testkit::replies::{Stream, message, message_json, stream};
use qcc_testkit::{Connection, Ended, Gate, Refusing, Reply, Request, Script, Upstream};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{Running, for_message, for_stream, pass_time, providers};

/// A certificate for loopback that no system trusts, and the file that makes it trusted.
struct Certificate {
    folder: TempDir,
    made: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Certificate {
    fn new() -> Self {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let certificate =
            Self { folder: tempfile::tempdir().unwrap(), made: rcgen::generate_simple_self_signed(names).unwrap() };
        std::fs::write(certificate.ca_file(), certificate.made.cert.pem()).unwrap();
        certificate
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn acceptor(&self, protocol: &str) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// A provider's entry that trusts this certificate.
    fn trusting(&self, name: &str, url: &str) -> String {
        let entry = providers(&[(name, url.to_owned())]);
        entry.replace("auth_value", &format!("ca_file: '{}', auth_value", self.ca_file().display()))
    }
}

/// TLS in front of a scripted provider.
async fn tls_in_front(certificate: &Certificate, upstream: SocketAddr) -> SocketAddr {
    let acceptor = certificate.acceptor("http/1.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(upstream).await.unwrap();
                drop(copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    address
}

#[tokio::test]
async fn a_provider_behind_a_ca_of_the_users_own_is_reached_by_name_and_by_address() {
    let certificate = Certificate::new();
    let upstream = Upstream::start(message_json("over TLS")).await.unwrap();
    let address = tls_in_front(&certificate, upstream.addr()).await;
    for url in [format!("https://localhost:{}", address.port()), format!("https://{address}")] {
        let mut running = Running::start(&certificate.trusting("one", &url)).await;
        running.event("provider_warmed").await;
        assert_eq!(running.ask(&for_message()).await.said(), "over TLS", "{url}");
    }
    assert_eq!(upstream.posts()[0].header("x-api-key"), Some("key-one"));
}

#[tokio::test]
async fn an_untrusted_certificate_is_the_providers_fault_and_the_next_one_answers() {
    let certificate = Certificate::new();
    let (one, two) =
        (Upstream::start(message_json("never")).await.unwrap(), Upstream::start(message_json("hi")).await.unwrap());
    let address = tls_in_front(&certificate, one.addr()).await;
    let list = [("one", format!("https://{address}")), ("two", two.url())];
    let mut running = Running::start(&providers(&list)).await;
    assert_eq!(running.ask(&for_message()).await.said(), "hi");
    let failed = running.event("attempt_failed").await;
    assert!(failed["error"].as_str().unwrap().contains("certificate"), "{failed}");
    assert_eq!(one.requests().len(), 0, "no credential goes to who cannot prove who it is");
}

#[tokio::test]
async fn who_reaches_for_an_untrusted_certificate_is_told_of_the_ca_file() {
    let certificate = Certificate::new();
    let upstream = Upstream::start(message_json("never")).await.unwrap();
    let address = tls_in_front(&certificate, upstream.addr()).await;
    let reach = async |text: &str| {
        let loaded = qcc_config::parse(text, std::path::Path::new("config.yaml"), &|_| None).unwrap();
        qcc_server::reach(&loaded).await.remove(0)
    };
    let refused = reach(&providers(&[("one", format!("https://{address}"))])).await;
    assert_eq!((refused.ok, refused.status), (false, None));
    assert!(refused.hint.as_ref().is_some_and(|hint| hint.contains("ca_file")), "{refused:?}");
    let trusted = reach(&certificate.trusting("one", &format!("https://{address}"))).await;
    assert_eq!((trusted.ok, trusted.status), (true, Some(200)), "{trusted:?}");
    assert_eq!(qcc_server::certificates_in(&certificate.ca_file()), Ok(1));
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named() {
    let certificate = Certificate::new();
    let upstream = Upstream::start(message_json("never")).await.unwrap();
    let address = tls_in_front(&certificate, upstream.addr()).await;
    std::fs::write(certificate.ca_file(), "no certificate").unwrap();
    let running = Running::start(&certificate.trusting("one", &format!("https://{address}"))).await;
    let answer = running.ask(&for_message()).await;
    crate::support::assert_refused(&answer, 503, "api_error");
    assert!(answer.text().contains("ca.pem"), "{}", answer.text());
}

/// What an HTTP/2 provider saw: version, authority and names of the headers of every request.
type Seen = Arc<Mutex<Vec<(Version, String, Vec<String>)>>>;

/// A provider that speaks HTTP/2 only.
async fn http2(certificate: &Certificate) -> (SocketAddr, Seen, Arc<Mutex<u32>>) {
    let acceptor = certificate.acceptor("h2");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, connections) = (Seen::default(), Arc::new(Mutex::new(0)));
    let (noted, counted) = (Arc::clone(&seen), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| serve(request, Arc::clone(&noted)));
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (address, seen, connections)
}

async fn serve(request: HttpRequest<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let names = request.headers().keys().map(ToString::to_string).collect();
    seen.lock().unwrap().push((request.version(), authority, names));
    let body = request.into_body().collect().await?.to_bytes();
    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    if asked["stream"] == true {
        let events = Full::new(Stream::text(["Hel", "lo"]).body());
        return Ok(Response::builder().header("content-type", "text/event-stream").body(events).unwrap());
    }
    let text = message("Hello").to_string();
    Ok(Response::builder().header("content-type", "application/json").body(Full::new(text.into())).unwrap())
}

#[tokio::test]
async fn a_provider_that_offers_http_2_is_asked_over_one_connection_of_it() {
    let certificate = Certificate::new();
    let (address, seen, connections) = http2(&certificate).await;
    let mut running = Running::start(&certificate.trusting("one", &format!("https://{address}"))).await;
    running.event("provider_warmed").await;
    assert_eq!(running.ask(&for_stream()).await.body, Stream::text(["Hel", "lo"]).body());
    assert_eq!(running.ask(&for_message()).await.said(), "Hello");
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_stream()).await.unwrap();
        clients.push(client);
    }
    for mut client in clients {
        let answer = client.receive().await.unwrap();
        assert_eq!((answer.said().as_str(), answer.ended), ("Hello", Ended::Clean));
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 10);
    for (version, authority, names) in seen.iter() {
        assert_eq!((*version, authority), (Version::HTTP_2, &address.to_string()));
        for hop in ["host", "connection", "transfer-encoding"] {
            assert!(!names.iter().any(|name| name == hop), "{hop} has no place in HTTP/2");
        }
    }
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_http_2_provider_that_hangs_up_at_once_is_left_and_not_dialled_for_ever() {
    let certificate = Certificate::new();
    let acceptor = certificate.acceptor("h2");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dialled = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&dialled);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            drop(acceptor.accept(stream).await);
        }
    });
    let two = Upstream::start(message_json("hi")).await.unwrap();
    let entry = certificate.trusting("one", &format!("https://{address}"));
    let entry = format!("{entry}  - {{name: two, base_url: '{}', auth_value: k}}\n", two.url());
    let running = Running::start(&entry).await;
    assert_eq!(running.ask(&for_message()).await.said(), "hi");
    let dialled = *dialled.lock().unwrap();
    assert!(dialled <= 4, "{dialled} connections for one request");
}

/// Through this proxy, with these credentials in its address.
fn through(proxy: SocketAddr, user: &str, url: &str) -> String {
    providers(&[("one", url.to_owned())]).replace("auth_value", &format!("proxy: 'http://{user}{proxy}', auth_value"))
}

#[tokio::test]
async fn http_goes_to_the_proxy_in_absolute_form() {
    let proxy = Upstream::start(message_json("through")).await.unwrap();
    let running = Running::start(&through(proxy.addr(), "", "http://provider.example/base")).await;
    let answer = running.ask(&Request { path: "/v1/messages?beta=true".to_owned(), ..for_message() }).await;
    assert_eq!(answer.said(), "through");
    let received = &proxy.posts()[0];
    assert_eq!(received.path, "http://provider.example/base/v1/messages?beta=true");
    assert_eq!(received.header("host"), Some("provider.example"));
    assert_eq!(received.header("proxy-authorization"), None);
}

/// `user:pass word`, as a proxy wants it (RFC 7617).
const BASIC: &str = "Basic dXNlcjpwYXNzIHdvcmQ=";

#[tokio::test]
async fn http_through_a_proxy_carries_the_credentials_of_the_proxy() {
    let script = Script::new(|received, _| match received.header("proxy-authorization") {
        Some(BASIC) => message_json("through"),
        _ => Reply::new().write("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
    });
    let proxy = Upstream::start(script).await.unwrap();
    let running = Running::start(&through(proxy.addr(), "user:pass%20word@", "http://provider.example")).await;
    let answer = running.ask(&for_message().header("proxy-authorization", "Basic of-the-client")).await;
    assert_eq!(answer.said(), "through");
}

/// A proxy that opens every tunnel to `target`, and the heads that it was asked with.
async fn tunnels(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(tunnel(stream, target, Arc::clone(&noted)));
        }
    });
    (address, heads)
}

async fn tunnel(mut outside: TcpStream, target: SocketAddr, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if outside.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let fits = !head.contains("proxy-authorization") || head.contains(&BASIC.to_ascii_lowercase());
    heads.lock().unwrap().push(head);
    if !fits {
        drop(outside.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await);
        return;
    }
    outside.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    let mut inside = TcpStream::connect(target).await.unwrap();
    drop(copy_bidirectional(&mut outside, &mut inside).await);
}

#[tokio::test]
async fn https_goes_through_a_tunnel_of_the_proxy_and_stays_secret_to_it() {
    let certificate = Certificate::new();
    let upstream = Upstream::start(message_json("through")).await.unwrap();
    let tls = tls_in_front(&certificate, upstream.addr()).await;
    let (proxy, heads) = tunnels(tls).await;
    for (user, authorized) in [("", false), ("user:pass%20word@", true)] {
        let entry = certificate.trusting("one", "https://localhost:1234");
        let entry = entry.replace("auth_value", &format!("proxy: 'http://{user}{proxy}', auth_value"));
        let running = Running::start(&entry).await;
        assert_eq!(running.ask(&for_message()).await.said(), "through");
        let head = heads.lock().unwrap().pop().unwrap();
        assert!(head.starts_with("connect localhost:1234 http/1.1\r\n"), "{head}");
        assert_eq!(head.contains("proxy-authorization"), authorized, "{head}");
        assert!(!head.contains("key-one"), "{head}");
    }
    assert_eq!(upstream.posts()[0].path, "/v1/messages");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_without_its_password() {
    let (closed, upstream) = (Refusing::new().unwrap(), Upstream::start(message_json("never")).await.unwrap());
    let (wrong, _heads) = tunnels(upstream.addr()).await;
    for (proxy, url) in
        [(closed.addr(), "http://a.example"), (closed.addr(), "https://a.example"), (wrong, "https://a.example")]
    {
        let mut running = Running::start(&through(proxy, "user:hidden@", url)).await;
        let answer = running.ask(&for_message()).await;
        crate::support::assert_refused(&answer, 503, "api_error");
        let failed = running.event("attempt_failed").await;
        assert!(!answer.text().contains("hidden") && !failed.to_string().contains("hidden"), "{failed}");
    }
    assert_eq!(upstream.opened(), 0);
}

#[tokio::test]
async fn a_proxy_concerns_its_own_provider_alone() {
    let closed = Refusing::new().unwrap();
    let direct = Upstream::start(message_json("direct")).await.unwrap();
    let entry = through(closed.addr(), "", "http://a.example");
    let running =
        Running::start(&format!("{entry}  - {{name: two, base_url: '{}', auth_value: k}}\n", direct.url())).await;
    assert_eq!(running.ask(&for_message()).await.said(), "direct");
    assert_eq!(direct.posts()[0].path, "/v1/messages");
}

#[tokio::test]
async fn most_requests_in_a_row_use_a_connection_again() {
    let whole = message_json("hi");
    let script = Script::new(move |received, _| match received.json()["stream"] == true {
        true => stream(["hi"]),
        false => whole.clone(),
    });
    let upstream = Upstream::start(script).await.unwrap();
    let running = Running::with(&[("one", &upstream)], "").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    for number in 0..40 {
        client.send(&if number % 2 == 0 { for_stream() } else { for_message() }).await.unwrap();
        assert_eq!(client.receive().await.unwrap().said(), "hi");
    }
    assert_eq!(upstream.posts().len(), 40);
    assert!(upstream.opened() <= 12, "{} connections for 40 requests in a row", upstream.opened());
}

#[tokio::test]
async fn a_connection_is_opened_ahead_and_nothing_is_sent_over_it() {
    let (one, refusing) = (Upstream::start(message_json("hi")).await.unwrap(), Refusing::new().unwrap());
    let list = providers(&[("one", one.url()), ("refusing", refusing.url())]);
    let mut running = Running::start(&list).await;
    assert_eq!(running.event("provider_warmed").await["provider"], "one");
    assert_eq!(one.connected(1).await, 1);
    assert_eq!(one.requests().len(), 0, "not a byte that could cost money");
    assert_eq!(running.standing("refusing").await, "closed", "nobody is charged for it");
    assert_eq!(running.ask(&for_message()).await.said(), "hi");
    assert_eq!((one.opened(), one.posts()[0].connection), (1, 1), "the first request uses it");
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_ahead_does_not_delay_the_start() {
    let refusing = Refusing::new().unwrap();
    let mut running = Running::start(&providers(&[("one", refusing.url())])).await;
    assert_eq!(running.ask(&Request::get("/ready")).await.status, 200);
    assert_eq!(running.event("provider_unreached").await["provider"], "one");
}

#[tokio::test]
async fn no_more_requests_than_allowed_run_at_one_host() {
    let gate = Gate::new();
    let upstream = Upstream::start(Stream::text(["hi"]).gated(4, &gate).reply()).await.unwrap();
    let running = Running::with(&[("one", &upstream)], "pool: {max_per_host: 2}").await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_stream()).await.unwrap();
        clients.push(client);
    }
    for more in 2..5 {
        upstream.wait_for(more).await;
        // An exchange gives every task that could go on its turn.
        assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
        assert_eq!(upstream.posts().len(), more, "a committed stream counts until its end");
        gate.admit(1);
    }
    gate.open();
    for mut client in clients {
        assert_eq!(client.receive().await.unwrap().said(), "hi");
    }
    assert_eq!(upstream.posts().len(), 5);
    assert!(json!(upstream.opened()).as_u64() <= Some(5));
}

#[tokio::test]
async fn waiting_for_a_connection_of_the_host_is_not_the_time_of_the_provider() {
    let gate = Gate::new();
    let upstream = Upstream::start(Stream::text(["hi"]).gated(4, &gate).reply()).await.unwrap();
    let more = "pool: {max_per_host: 1}\ntimeouts: {first_byte: 30s, idle: 10m, stall: 10m}\n";
    let mut running = Running::with(&[("one", &upstream)], more).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_stream()).await.unwrap();
        clients.push(client);
    }
    clients[0].receive_head().await.unwrap();
    // An exchange gives every task that could go on its turn.
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    pass_time(Duration::from_secs(60)).await;
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    gate.open();
    assert_eq!(clients.remove(1).receive().await.unwrap().said(), "hi");
    let rows = [running.row().await, running.row().await];
    assert!(rows.iter().all(|row| row["verdict"] == "done" && row["attempts"] == 1), "{rows:?}");
    assert_eq!(running.standing("one").await, "closed");
}

#[tokio::test]
async fn a_proxy_whose_address_is_https_is_spoken_to_over_tls() {
    let certificate = Certificate::new();
    let upstream = Upstream::start(message_json("through")).await.unwrap();
    let (tunnels, heads) = tunnels(tls_in_front(&certificate, upstream.addr()).await).await;
    let asked = Upstream::start(message_json("asked")).await.unwrap();
    for (behind, url, said) in
        [(tunnels, "https://localhost:1234", "through"), (asked.addr(), "http://provider.example", "asked")]
    {
        let proxy = tls_in_front(&certificate, behind).await;
        let entry = certificate.trusting("one", url);
        let entry = entry.replace("auth_value", &format!("proxy: 'https://user:pass%20word@{proxy}', auth_value"));
        let running = Running::start(&entry).await;
        assert_eq!(running.ask(&for_message()).await.said(), said);
    }
    assert!(heads.lock().unwrap()[0].starts_with("connect localhost:1234 http/1.1\r\n"));
    assert_eq!(asked.posts()[0].header("proxy-authorization"), Some(BASIC));
}

/// A SOCKS 5 proxy (RFC 1928) that leads everything to `target`, and the names that it was asked for.
async fn socks(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let names = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&names);
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let noted = Arc::clone(&noted);
            tokio::spawn(async move {
                let mut hello = [0; 2];
                outside.read_exact(&mut hello).await.unwrap();
                let mut methods = vec![0; hello[1].into()];
                outside.read_exact(&mut methods).await.unwrap();
                outside.write_all(&[5, 0]).await.unwrap();
                let mut head = [0; 5];
                outside.read_exact(&mut head).await.unwrap();
                assert_eq!(head[3], 3, "a name, which only the proxy may resolve");
                let mut rest = vec![0; usize::from(head[4]) + 2];
                outside.read_exact(&mut rest).await.unwrap();
                noted.lock().unwrap().push(String::from_utf8_lossy(&rest[..rest.len() - 2]).into_owned());
                outside.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
                let mut inside = TcpStream::connect(target).await.unwrap();
                drop(copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    (address, names)
}

#[tokio::test]
async fn a_socks_proxy_is_given_the_name_and_the_provider_the_plain_request() {
    let upstream = Upstream::start(message_json("through")).await.unwrap();
    let (proxy, names) = socks(upstream.addr()).await;
    let entry = through(proxy, "", "http://provider.example").replace("proxy: 'http:", "proxy: 'socks5h:");
    let running = Running::start(&entry).await;
    assert_eq!(running.ask(&for_message()).await.said(), "through");
    assert_eq!(upstream.posts()[0].path, "/v1/messages");
    assert_eq!(names.lock().unwrap()[0], "provider.example");
}

/// The name of the test below, and the variable by which it knows its own child.
const BY_ENVIRONMENT: (&str, &str) =
    ("transport::a_proxy_of_the_environment_is_used_but_where_no_proxy_says_so", "QCC_TEST_DIRECT");

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_but_where_no_proxy_says_so() {
    let (name, direct) = BY_ENVIRONMENT;
    if let Ok(direct) = std::env::var(direct) {
        let list = [("one", "http://provider.example".to_owned())];
        assert_eq!(Running::start(&providers(&list)).await.ask(&for_message()).await.said(), "through");
        assert_eq!(Running::start(&providers(&[("one", direct)])).await.ask(&for_message()).await.said(), "direct");
        return;
    }
    let proxy = Upstream::start(message_json("through")).await.unwrap();
    let upstream = Upstream::start(message_json("direct")).await.unwrap();
    // In a process of its own: the environment of this one belongs to all tests.
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    for variable in ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
        child.env(variable, proxy.url());
    }
    let child = child.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").env(direct, upstream.url());
    let done = child.args(["--exact", name, "--nocapture"]).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(proxy.posts()[0].path, "http://provider.example/v1/messages");
    assert_eq!((proxy.posts().len(), upstream.posts().len()), (1, 1));
}
