//! How the end-to-end tests run other people's programs: with nothing of the user's environment, with a limit of time,
//! and with their words kept. Both tests include this file.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How a program ended, with its words.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program under test: an example is target/PROFILE/examples/NAME, and it lies beside that folder.
pub(crate) fn program() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let profile = this.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("."));
    let program = profile.join("qcc");
    if !program.is_file() {
        let text = format!("there is no {}\nhint: run `cargo build` with the same profile first", program.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(program)
}

/// A program with nothing around it that was not put there. `folder` has the folders `home`, `qcc` and `project`.
pub(crate) fn clean(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", folder.join("home")).env("QCC_HOME", folder.join("qcc"));
    command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    command.current_dir(folder.join("project")).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it to its end, or until `limit`.
pub(crate) async fn finish(mut command: Command, limit: Duration) -> Result<Ran, String> {
    let name = command.as_std().get_program().display().to_string();
    match timeout(limit, command.output()).await {
        Err(_) => Err(format!("{name} was not done within {} s", limit.as_secs())),
        Ok(Err(error)) => Err(format!("{name} cannot be run: {error}")),
        Ok(Ok(output)) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok(Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
        }
    }
}
