//! A home for one test: a temporary `QCC_HOME`, commands that run in it, and words made comparable.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// A configuration with one provider that nobody calls, at a port that the system chooses.
pub(crate) const PLAIN: &str = "
proxy: {port: 0}
providers:
  - {name: relay, type: anthropic, base_url: 'http://127.0.0.1:9/relay', auth_value: sk-hidden}
";

pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

/// How a command ended, with its words.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn with(config: &str) -> Self {
        let home = Self::empty();
        home.write(config);
        home
    }

    pub(crate) fn write(&self, config: &str) {
        fs::write(self.path("config.yaml"), config.trim_start()).unwrap();
        self.mode("config.yaml", 0o600);
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program with nothing around it that the test did not put there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("QCC_HOME", self.dir.path()).env("QCC", env!("CARGO_BIN_EXE_qcc"));
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        // Coverage of the started programs, where it is measured.
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        command
    }

    pub(crate) fn qcc(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(env!("CARGO_BIN_EXE_qcc")).args(arguments).output().unwrap())
    }

    /// A shell script in which `$QCC` is the program.
    pub(crate) fn sh(&self, script: &str) -> Ended {
        Ended::of(self.command("sh").args(["-c", script]).output().unwrap())
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Guarded {
        let mut command = self.command(env!("CARGO_BIN_EXE_qcc"));
        Guarded(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.qcc(&[arguments, &["--json"]].concat());
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err))
    }

    pub(crate) fn pid(&self) -> i32 {
        self.json(&["proxy", "status"])["pid"].as_i64().unwrap().try_into().unwrap()
    }

    /// The words with everything in them replaced that differs from run to run.
    pub(crate) fn stable(&self, text: &str) -> String {
        let text = text.replace(&self.dir.path().display().to_string(), "[home]");
        let text = text.replace(env!("CARGO_PKG_VERSION"), "[version]");
        [
            (r"(127\.0\.0\.1):\d+", "$1:[port]"),
            (r"port \d+", "port [port]"),
            (r"(pid|kill) \d+", "$1 [pid]"),
            (r"up \d+\w+", "up [time]"),
        ]
        .iter()
        .fold(text, |text, (pattern, stable)| Regex::new(pattern).unwrap().replace_all(&text, *stable).into_owned())
    }
}

/// Whatever a test started in its home is ended by the pid in the home's own file.
impl Drop for Home {
    fn drop(&mut self) {
        let stopped = self.qcc(&["proxy", "stop"]);
        assert!(thread::panicking() || stopped.code == Some(0), "{}", stopped.err);
    }
}

/// A child that does not outlive its test.
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// What a running child writes, line by line. A line that never comes fails the test instead of hanging it.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (read, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| read.send(line))
        });
        Self(lines)
    }

    /// Everything up to and including the first line that contains `wanted`.
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        loop {
            let line = self.0.recv_timeout(Duration::from_secs(30));
            let line = line.unwrap_or_else(|error| panic!("no line with {wanted:?} ({error}), only:\n{seen}"));
            seen += &format!("{line}\n");
            if line.contains(wanted) {
                return seen;
            }
        }
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Both streams and the exit code, for a snapshot.
    pub(crate) fn shown(&self, home: &Home) -> String {
        let part = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {name}\n{}", home.stable(text)) }
        };
        format!("exit {}\n{}{}", self.code.unwrap_or(-1), part("stdout", &self.out), part("stderr", &self.err))
    }
}
