//! Where Claude Code comes from: a folder that was named, or npm and a temporary folder. The newest version is taken,
//! since that is what users have.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

/// The package.
const PACKAGE: &str = "@anthropic-ai/claude-code";

/// It holds a native binary of some 200 MB, which may come over a slow line.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// An installed Claude Code.
pub(crate) struct Claude {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
    _folder: Option<TempDir>,
}

/// What the search for it ended with.
pub(crate) enum Found {
    Claude(Claude),
    /// It cannot be had here, and why.
    Nowhere(String),
}

/// Finds it or installs it.
pub(crate) async fn claude() -> io::Result<Found> {
    let named = std::env::var_os("QCC_E2E_CLAUDE_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let (folder, temporary) = match named {
        Some(folder) => (std::path::absolute(folder)?, None),
        None => {
            let temporary = TempDir::new()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let program = folder.join("node_modules/.bin/claude");
    if !program.exists()
        && let Err(why) = install(&folder).await
    {
        return Ok(Found::Nowhere(why));
    }
    let output = Command::new(&program).arg("--version").env("HOME", &folder).output().await;
    match output {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok(Found::Claude(Claude { program, version, _folder: temporary }))
        }
        Ok(output) => Ok(Found::Nowhere(format!("Claude Code does not run here: {}", error_line(&output.stderr)))),
        Err(error) => Ok(Found::Nowhere(format!("Claude Code cannot be run here: {error}"))),
    }
}

async fn install(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(folder).arg(PACKAGE).kill_on_drop(true);
    match timeout(INSTALL_LIMIT, npm.output()).await {
        Err(_) => Err(format!("npm did not install {PACKAGE} within {} min", INSTALL_LIMIT.as_secs() / 60)),
        Ok(Err(error)) => Err(format!("npm cannot be run: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(format!("npm could not install {PACKAGE}: {}", error_line(&output.stderr))),
    }
}

/// The line that says most: npm puts warnings before its error and a list of log files after it.
fn error_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find(|line| line.contains("error")).or_else(|| text.lines().next());
    line.unwrap_or("it said nothing").to_owned()
}
