//! Where a scenario is played: a temporary folder with a home for Claude Code, one for qcc and a project to work in.
//! Nothing of the user's environment gets in, and the gateway that was started ends with the stage.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::install::Claude;
use crate::run::{Ran, clean, finish};

/// A turn with a scripted provider takes seconds; the waits of Claude Code's own retries would not fit.
const TURN_LIMIT: Duration = Duration::from_secs(60);

/// The model that Claude Code asks for.
const MODEL: &str = "claude-opus-4-8";

/// A stage. The gateway on it, if one was started, is stopped when it is dropped.
pub(crate) struct Stage<'a> {
    folder: TempDir,
    qcc: &'a Path,
    claude: &'a Claude,
}

// === impl Stage ===

impl<'a> Stage<'a> {
    /// A stage without a configuration.
    pub(crate) fn bare(qcc: &'a Path, claude: &'a Claude) -> io::Result<Self> {
        let folder = TempDir::new()?;
        for name in ["home", "project", "qcc"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self { folder, qcc, claude })
    }

    /// A stage with these two providers.
    pub(crate) fn new(qcc: &'a Path, claude: &'a Claude, first: &str, second: &str) -> io::Result<Self> {
        let stage = Self::bare(qcc, claude)?;
        // The limits of the first are short, so that a silent provider does not take minutes.
        let text = format!(
            "proxy: {{port: 0, drain: 2s}}\nhealth: {{interval: 0s}}\n\
             providers:\n\
             - {{name: first, base_url: '{first}', auth_value: key-of-first, \
             timeouts: {{first_byte: 2s, idle: 2s, stall: 4s}}}}\n\
             - {{name: second, base_url: '{second}', auth_value: key-of-second}}\n"
        );
        std::fs::write(stage.folder.path().join("qcc/config.yaml"), text)?;
        Ok(stage)
    }

    /// Runs a command of qcc that must succeed. The words are separated by blanks.
    pub(crate) async fn qcc(&self, words: &str) -> Result<(), String> {
        let mut command = self.command(self.qcc);
        command.args(words.split(' '));
        let ran = finish(command, TURN_LIMIT).await?;
        if ran.code == Some(0) { Ok(()) } else { Err(format!("qcc {words}: {}{}", ran.out, ran.err)) }
    }

    /// The user's own settings of Claude Code.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join("home/.claude/settings.json")
    }

    /// Writes a file into the project and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join("project").join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Starts the gateway in the background and returns its address.
    pub(crate) async fn start(&self) -> Result<String, String> {
        let mut command = self.command(self.qcc);
        command.args(["proxy", "start", "--json"]);
        let ran = finish(command, TURN_LIMIT).await?;
        let document: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        match document["address"].as_str() {
            Some(address) if ran.code == Some(0) => Ok(address.to_owned()),
            _ => Err(format!("qcc did not start: {}{}", ran.out, ran.err)),
        }
    }

    /// Runs Claude Code against the gateway at this address.
    pub(crate) async fn claude(&self, address: &str, arguments: &[&str]) -> Result<Ran, String> {
        let mut command = self.command(&self.claude.program);
        command.env("ANTHROPIC_BASE_URL", address).env("ANTHROPIC_API_KEY", "proxy-managed");
        command.args(["--model", MODEL]).args(arguments);
        finish(command, TURN_LIMIT).await
    }

    /// Runs Claude Code with nothing that leads it to the gateway but its own settings.
    pub(crate) async fn bare_claude(&self, arguments: &[&str]) -> Result<Ran, String> {
        let mut command = self.command(&self.claude.program);
        command.args(["--model", MODEL]).args(arguments);
        finish(command, TURN_LIMIT).await
    }

    /// Runs Claude Code through `qcc run`, which starts the gateway and sets the variables itself.
    pub(crate) async fn qcc_run(&self, arguments: &[&str]) -> Result<Ran, String> {
        let mut command = self.command(self.qcc);
        command.args(["run", "--"]).arg(&self.claude.program).args(["--model", MODEL]).args(arguments);
        finish(command, TURN_LIMIT).await
    }

    fn command(&self, program: &Path) -> Command {
        clean(program, self.folder.path())
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // It ends the process whose id is in the stage's own file, and says so when there is none.
        let mut stop = self.command(self.qcc);
        stop.args(["proxy", "stop"]).stdout(Stdio::null()).stderr(Stdio::null());
        drop(stop.as_std_mut().status());
    }
}
