//! What every command needs to know: where the files are, how to talk, and the configuration when it is wanted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use qcc_config::{Loaded, Locations};
use qcc_server::Source;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;

/// Variables that name files: they are made absolute for the background process, which works in `/`.
const PATH_VARIABLES: [&str; 2] = ["QCC_HOME", "QCC_CONFIG"];

/// The surroundings of a command.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) locations: Locations,
    /// The user named the file, so it has to exist.
    explicit: bool,
}

// === impl Context ===

impl Context {
    pub(crate) fn new(global: &Global, output: Output) -> Self {
        let locations = qcc_config::locate(global.config.as_deref(), &variable);
        let explicit = global.config.is_some() || variable("QCC_CONFIG").is_some_and(|value| !value.is_empty());
        Self { output, locations, explicit }
    }

    /// The same surroundings with the configuration file that a running gateway was started with.
    pub(crate) fn with_config(self, config: PathBuf) -> Self {
        let locations = Locations { config, ..self.locations };
        Self { locations, explicit: true, ..self }
    }

    /// Whether the user named the configuration file.
    pub(crate) fn is_explicit(&self) -> bool {
        self.explicit
    }

    /// The configuration file, when there is one or has to be one.
    pub(crate) fn config_in_use(&self) -> Option<&Path> {
        (self.explicit || self.locations.config.exists()).then_some(self.locations.config.as_path())
    }

    /// Reads and validates the configuration. Without a file the implicit provider is in force.
    ///
    /// # Errors
    /// When the file is not valid, or was named by the user and does not exist.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        match self.config_in_use() {
            Some(path) => self.load_file(path),
            None => Ok(qcc_config::implicit()),
        }
    }

    /// Reads and validates one file.
    ///
    /// # Errors
    /// When it is not valid or does not exist.
    pub(crate) fn load_file(&self, path: &Path) -> Result<Loaded, Failure> {
        if !path.exists() {
            let message = format!("there is no configuration file {}", path.display());
            return Err(Failure::new(
                message,
                "check the spelling; without a name the usual file is used, if there is one",
            ));
        }
        Ok(qcc_config::load(path, &variable)?)
    }

    /// What the gateway loads, and loads again on a reload.
    pub(crate) fn source(&self) -> Source {
        Source::Path(self.locations.config.clone())
    }

    /// Arguments that make another process of this program see the same files.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        if self.explicit { vec!["--config".into(), self.locations.config.clone().into()] } else { Vec::new() }
    }

    /// Variables that make another process of this program see the same files.
    pub(crate) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let set = |name| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| (name, absolute(Path::new(&value))))
        };
        PATH_VARIABLES.into_iter().filter_map(set).collect()
    }
}

/// A variable of this process. One that is not Unicode cannot be used in a configuration.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether two paths lead to one file, also over links. Of a file that does not exist the path counts.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// Fails only for an empty path or without a current directory; then it is used as it came, and the error is about it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
