//! Where scenarios are played: a temporary folder with a home, a project, and a gateway whose routes lead each scenario's
//! model to its providers. The gateway ends with the stage.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::run::{clean, finish};
use crate::scenario::{Actor, model};

/// Starting takes a second; a machine under load takes some more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A stage. The gateway on it, if one was started, is stopped when it is dropped.
pub(crate) struct Stage<'a> {
    folder: TempDir,
    qcc: &'a Path,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub(crate) fn new(qcc: &'a Path) -> io::Result<Self> {
        let folder = TempDir::new()?;
        for name in ["home", "project", "qcc"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self { folder, qcc })
    }

    /// Starts the gateway and returns its address. Each route is a glob of models and those who serve it, in order.
    pub(crate) async fn start(&self, routes: &[(&str, &[Actor])]) -> Result<String, String> {
        let text = config(routes);
        std::fs::write(self.folder.path().join("qcc/config.yaml"), text).map_err(|error| error.to_string())?;
        let mut command = self.command(self.qcc);
        command.args(["proxy", "start", "--json"]);
        let ran = finish(command, START_LIMIT).await?;
        let document: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        match document["address"].as_str() {
            Some(address) if ran.code == Some(0) => Ok(address.to_owned()),
            _ => Err(format!("qcc did not start: {}{}", ran.out, ran.err)),
        }
    }

    /// A program with nothing around it that was not put there.
    pub(crate) fn command(&self, program: &Path) -> Command {
        clean(program, self.folder.path())
    }

    /// A file of the home.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join("home").join(name)
    }

    /// A file of the project.
    pub(crate) fn project(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// What the gateway logged.
    pub(crate) fn log(&self) -> String {
        let mut command = self.command(self.qcc);
        command.args(["proxy", "logs"]).stdout(Stdio::piped());
        let output = command.as_std_mut().output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
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

/// Nobody waits for a provider to come back, and none is asked unless a client asks.
fn config(routes: &[(&str, &[Actor])]) -> String {
    let mut text = "proxy: {port: 0, drain: 2s}\nhealth: {interval: 0s}\nhold: {max_wait: 0}\nproviders:\n".to_owned();
    for actor in routes.iter().flat_map(|(_, actors)| *actors) {
        let url = actor.upstream.url();
        text += &format!(
            "- {{name: {name}, type: {kind}, base_url: '{url}', auth_value: key-of-{name}}}\n",
            name = actor.name,
            kind = actor.dialect.name()
        );
    }
    text += "model_routes:\n";
    for (glob, actors) in routes {
        text += &format!("  '{glob}':\n");
        for (index, actor) in actors.iter().enumerate() {
            let (name, model) = (&actor.name, model(actor.dialect));
            text += &format!("  - {{provider: {name}, model: {model}, priority: {}}}\n", index + 1);
        }
    }
    text
}
