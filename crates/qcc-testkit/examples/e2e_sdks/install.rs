//! Where the clients come from: a folder that was named, or a temporary one, filled from PyPI and npm. Versions are
//! pinned: what changes between two runs is qcc and nothing else.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

/// The drivers, which import the SDKs from the folder that they lie in.
const DRIVERS: [(&str, &str); 8] = [
    ("common.py", include_str!("drivers/common.py")),
    ("anthropic_messages.py", include_str!("drivers/anthropic_messages.py")),
    ("openai_chat.py", include_str!("drivers/openai_chat.py")),
    ("openai_responses.py", include_str!("drivers/openai_responses.py")),
    ("common.mjs", include_str!("drivers/common.mjs")),
    ("anthropic_messages.mjs", include_str!("drivers/anthropic_messages.mjs")),
    ("openai_chat.mjs", include_str!("drivers/openai_chat.mjs")),
    ("openai_responses.mjs", include_str!("drivers/openai_responses.mjs")),
];

/// Some of the packages hold a native binary of some 200 MB, which may come over a slow line.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registry {
    PyPi,
    Npm,
}

/// A package in the version that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) registry: Registry,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// The folder with the clients.
pub(crate) struct Folder {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl Folder {
    /// The folder that `QCC_E2E_SDKS_DIR` names, or a temporary one; the drivers are in it.
    pub(crate) fn open() -> io::Result<Self> {
        let named = std::env::var_os("QCC_E2E_SDKS_DIR").filter(|folder| !folder.is_empty());
        let (path, temporary) = match named {
            Some(folder) => (std::path::absolute(folder)?, None),
            None => {
                let temporary = TempDir::new()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        std::fs::create_dir_all(path.join("drivers"))?;
        for (name, text) in DRIVERS {
            std::fs::write(path.join("drivers").join(name), text)?;
        }
        Ok(Self { path, _temporary: temporary })
    }

    /// Has this package in it, now if not before.
    ///
    /// # Errors
    /// Why it cannot be had here.
    pub(crate) async fn get(&self, package: &Package) -> Result<(), String> {
        if self.has(package) {
            return Ok(());
        }
        match package.registry {
            Registry::PyPi => self.pip(package).await,
            Registry::Npm => self.npm(package).await,
        }
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.path.join("venv/bin/python")
    }

    /// A program that a package of npm brought along.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.path.join("node_modules/.bin").join(name)
    }

    pub(crate) fn driver(&self, name: &str) -> PathBuf {
        self.path.join("drivers").join(name)
    }

    fn has(&self, package: &Package) -> bool {
        match package.registry {
            Registry::PyPi => {
                let library = std::fs::read_dir(self.path.join("venv/lib")).into_iter().flatten().flatten();
                let info = format!("site-packages/{}-{}.dist-info", package.name, package.version);
                library.map(|python| python.path().join(&info)).any(|info| info.is_dir())
            }
            Registry::Npm => {
                let manifest = self.path.join("node_modules").join(package.name).join("package.json");
                let text = std::fs::read_to_string(manifest).unwrap_or_default();
                serde_json::from_str::<Value>(&text).is_ok_and(|manifest| manifest["version"] == package.version)
            }
        }
    }

    async fn pip(&self, package: &Package) -> Result<(), String> {
        if !self.python().exists() {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(self.path.join("venv"));
            install(venv, "python3 -m venv").await?;
        }
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.arg(format!("{}=={}", package.name, package.version));
        install(pip, &format!("pip install {}", package.name)).await
    }

    async fn npm(&self, package: &Package) -> Result<(), String> {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--save-exact", "--prefix"]).arg(&self.path);
        npm.arg(format!("{}@{}", package.name, package.version));
        install(npm, &format!("npm install {}", package.name)).await
    }
}

async fn install(mut command: Command, name: &str) -> Result<(), String> {
    match timeout(INSTALL_LIMIT, command.kill_on_drop(true).output()).await {
        Err(_) => Err(format!("`{name}` was not done within {} min", INSTALL_LIMIT.as_secs() / 60)),
        Ok(Err(error)) => Err(format!("`{name}` cannot be run: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(format!("`{name}` failed: {}", error_line(&output.stderr))),
    }
}

/// The line that says most: warnings come before it and a list of log files after it.
fn error_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find(|line| line.to_lowercase().contains("error")).or_else(|| text.lines().next());
    line.unwrap_or("it said nothing").to_owned()
}

/// Where a program is.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
