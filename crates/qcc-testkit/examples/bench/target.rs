//! What the load is sent to: the mock provider itself, nginx before it, or qcc before it, each configured as its
//! operator would for this traffic, with access logging on.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use qcc_testkit::{Request, exchange};
use tempfile::TempDir;

use crate::ask::Dialect;
use crate::process::{Goodbye, Process, is_root};

/// How long a proxy may take to start.
const START_LIMIT: Duration = Duration::from_secs(15);

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Direct,
    Nginx,
    Qcc,
}

impl Kind {
    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Qcc => "qcc",
        }
    }
}

/// The mock provider and the programs that were found.
pub(crate) struct Setup {
    mock: SocketAddr,
    _mock: Process,
    nginx: Option<PathBuf>,
    qcc: PathBuf,
}

impl Setup {
    /// Starts the mock provider and looks for the programs.
    pub(crate) async fn new() -> io::Result<Self> {
        let this = std::env::current_exe()?;
        // This example is target/release/examples/bench; the program lies beside that folder.
        let release = this.parent().and_then(Path::parent).unwrap_or_else(|| Path::new(".")).to_owned();
        let mut command = Command::new(&this);
        command.arg("upstream").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut mock = Process::start(&mut command, Goodbye::Kill)?;
        let mut line = String::new();
        if let Some(out) = mock.child().stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let addr = line.trim().parse().map_err(|_| io::Error::other("the mock provider did not start"))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let nginx = std::env::split_paths(&path).map(|folder| folder.join("nginx")).find(|file| file.is_file());
        Ok(Self { mock: addr, _mock: mock, nginx, qcc: release.join("qcc") })
    }

    /// What can be measured here, in the order of each round.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Direct];
        kinds.extend(self.nginx.as_ref().map(|_| Kind::Nginx));
        kinds.extend(self.qcc.is_file().then_some(Kind::Qcc));
        kinds
    }

    /// What is missing and how to get it.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.nginx.is_none() {
            missing.push("nginx is not in PATH: its column is left out\nhint: apt-get install nginx-light".to_owned());
        }
        if !self.qcc.is_file() {
            missing.push(format!(
                "{} is missing: its column is left out\nhint: cargo build --release",
                self.qcc.display()
            ));
        }
        missing
    }

    /// What the programs say about their versions.
    pub(crate) fn versions(&self) -> Vec<String> {
        let mut versions = Vec::new();
        if let Some(nginx) = &self.nginx {
            versions.extend(said(Command::new(nginx).arg("-v")));
        }
        if self.qcc.is_file() {
            versions.extend(said(Command::new(&self.qcc).arg("--version")));
        }
        versions
    }

    /// Starts a fresh one before a provider of this dialect, and waits until it answers.
    pub(crate) async fn start(&self, kind: Kind, provider: Dialect) -> io::Result<Target> {
        let began = Instant::now();
        let folder = tempfile::tempdir()?;
        let (addr, process) = match kind {
            Kind::Direct => (self.mock, None),
            Kind::Nginx => {
                let addr = free_address()?;
                let mut command = Command::new(self.nginx.as_deref().unwrap_or_else(|| Path::new("nginx")));
                nginx(&mut command, folder.path(), addr, self.mock)?;
                (addr, Some(Process::start(&mut command, Goodbye::Term)?))
            }
            Kind::Qcc => {
                let addr = free_address()?;
                let mut command = Command::new(&self.qcc);
                qcc(&mut command, folder.path(), addr, self.mock, provider)?;
                (addr, Some(Process::start(&mut command, Goodbye::Kill)?))
            }
        };
        let mut target = Target { addr, process, ready: Duration::ZERO, folder };
        target.wait_until_ready(began).await?;
        Ok(target)
    }
}

/// A running target. It ends, and its folder goes, with this value.
pub(crate) struct Target {
    /// Where the load goes.
    pub(crate) addr: SocketAddr,
    /// The proxy; the mock itself is not looked at.
    pub(crate) process: Option<Process>,
    /// From the start of the process to the first 200.
    pub(crate) ready: Duration,
    folder: TempDir,
}

impl Target {
    async fn wait_until_ready(&mut self, began: Instant) -> io::Result<()> {
        loop {
            if exchange(self.addr, &Request::get("/ready")).await.is_ok_and(|answer| answer.status == 200) {
                self.ready = began.elapsed();
                return Ok(());
            }
            let ended = match &mut self.process {
                Some(process) => process.ended()?,
                None => None,
            };
            if ended.is_some() || began.elapsed() > START_LIMIT {
                let said = std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default();
                return Err(io::Error::other(format!("it did not become ready ({ended:?}):\n{said}")));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).lines().next()?.trim().to_owned())
}

/// An address that is free now. The gap until the proxy takes it does not matter on a machine that runs a benchmark.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Sends what it says to files: a terminal would slow down whoever logs more.
fn quietly(command: &mut Command, folder: &Path) -> io::Result<()> {
    let out = std::fs::File::create(folder.join("stdout"))?;
    let err = std::fs::File::create(folder.join("stderr"))?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    Ok(())
}

fn nginx(command: &mut Command, folder: &Path, addr: SocketAddr, mock: SocketAddr) -> io::Result<()> {
    let user = if is_root() { "user root;" } else { "" };
    let dir = folder.display();
    let config = format!(
        "daemon off; {user} worker_processes 2; worker_rlimit_nofile 20000; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    client_max_body_size 64m; client_body_buffer_size 16m;
    keepalive_requests 100000000; tcp_nodelay on;
    upstream mock {{ server {mock}; keepalive 512; keepalive_requests 100000000; }}
    server {{
        listen {addr} backlog=4096;
        location / {{
            proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\";
            proxy_set_header x-api-key bench-key; proxy_buffering off; proxy_read_timeout 600s;
        }}
    }}
}}
"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config)?;
    command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(file);
    quietly(command, folder)
}

fn qcc(command: &mut Command, folder: &Path, addr: SocketAddr, mock: SocketAddr, provider: Dialect) -> io::Result<()> {
    let (port, dialect) = (addr.port(), provider.name());
    let config = format!(
        "providers:\n  - name: mock\n    type: {dialect}\n    base_url: http://{mock}\n    auth_type: api_key\n    \
         auth_value: bench-key\nproxy:\n  port: {port}\n"
    );
    std::fs::write(folder.join("config.yaml"), config)?;
    restrict(&folder.join("config.yaml"))?;
    for name in ["QCC_CONFIG", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.env("QCC_HOME", folder).args(["proxy", "start", "--foreground"]);
    quietly(command, folder)
}

/// The file holds a credential, and a wider mode would be worth a warning.
fn restrict(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}
