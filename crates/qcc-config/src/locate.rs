//! Where the files are. One answer for every command, so that `qcc proxy stop` finds what `qcc proxy start` wrote.

use std::path::{Path, PathBuf};

use crate::Env;

/// The files that one installation uses. All paths are absolute where the current folder is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    /// The configuration file; it need not exist.
    pub config: PathBuf,
    /// The folder of everything that the gateway writes; it need not exist.
    pub state_dir: PathBuf,
    /// The log file in [`state_dir`](Self::state_dir).
    pub log: PathBuf,
    /// The file that names the running gateway, in [`state_dir`](Self::state_dir).
    pub pid: PathBuf,
    /// The database in [`state_dir`](Self::state_dir); `storage.path` of the configuration wins over it.
    pub database: PathBuf,
}

/// Finds the files. The configuration file is the first of `flag` (`--config`), `QCC_CONFIG`, `config.yaml` in
/// `QCC_HOME`, `$XDG_CONFIG_HOME/qcc/config.yaml` and `~/.config/qcc/config.yaml`. The state folder is `QCC_HOME`,
/// `$XDG_STATE_HOME/qcc` or `~/.local/state/qcc`. Empty variables count as unset.
#[must_use]
pub fn locate(flag: Option<&Path>, env: Env<'_>) -> Locations {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("QCC_HOME").map(absolute);
    let config = flag
        .map(Path::to_owned)
        .or_else(|| set("QCC_CONFIG"))
        .map(absolute)
        .or_else(|| home.as_ref().map(|home| home.join("config.yaml")))
        .unwrap_or_else(|| base(&set, "XDG_CONFIG_HOME", ".config").join("qcc/config.yaml"));
    let state_dir = home.unwrap_or_else(|| base(&set, "XDG_STATE_HOME", ".local/state").join("qcc"));
    Locations {
        config,
        log: state_dir.join("qcc.log"),
        pid: state_dir.join("qcc.pid"),
        database: state_dir.join("qcc.db"),
        state_dir,
    }
}

/// The XDG base directory rules say that a relative path in their variables is invalid and must be ignored.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn base(set: &dyn Fn(&str) -> Option<PathBuf>, variable: &str, fallback: &str) -> PathBuf {
    set(variable).filter(|path| path.is_absolute()).unwrap_or_else(|| {
        // Services often run without HOME; the user database then still knows the folder.
        let home = set("HOME").or_else(std::env::home_dir).unwrap_or_default();
        absolute(home.join(fallback))
    })
}

/// A background process changes its folder, so a path must not depend on it.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
