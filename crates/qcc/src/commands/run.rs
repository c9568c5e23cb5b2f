//! `qcc run -- COMMAND`: a command whose LLM traffic goes through the gateway, which is started if it has to be.
//!
//! The process becomes the command. So input, output, signals, job control and the exit code are the command's own, with
//! nothing in between that could get them wrong.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::ask;
use crate::cli::{Listen, Run};
use crate::context::{Context, variable};
use crate::daemon;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::variables::{Variables, takes_claudes};

/// What shells end with when there is no such command.
const NOT_FOUND: u8 = 127;
/// What shells end with when a command cannot be executed.
const NOT_EXECUTABLE: u8 = 126;

/// Switches that lead Claude Code around any base URL.
pub(super) const DETOURS: [&str; 2] = ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"];

pub(crate) fn run(context: &Context, run: &Run) -> Outcome {
    let [program, arguments @ ..] = run.command.as_slice() else {
        return Err(Failure::usage("there is no command to run", "`qcc run -- claude`"));
    };
    let loaded = context.load()?;
    let started = daemon::ensure(context, &Listen::default())?;
    let url = ask::url(started.address);
    let variables = Variables::new(&loaded.config, &url);
    if !started.already {
        context.output.talk(format_args!("qcc is running: {url}"));
    }
    warn_of_detours(context.output, &url);
    let mut command = Command::new(program);
    command.args(arguments);
    let pooled = !loaded.config.providers.iter().any(takes_claudes);
    if pooled && is_claude_code(program) {
        // Of a key in the environment it asks whether to use it, and after "No", which it recommends, it is not logged
        // in; of a token it asks nothing (measured with 2.1.197).
        command.env_remove("ANTHROPIC_API_KEY").envs(variables.for_child(&variable).into_iter().map(as_token));
    } else {
        command.envs(variables.for_child(&variable));
    }
    // Comes back only when it could not become the command.
    let error = command.exec();
    Err(not_run(&program.to_string_lossy(), &error))
}

fn is_claude_code(program: &OsStr) -> bool {
    Path::new(program).file_stem().is_some_and(|name| name == "claude")
}

fn as_token((name, value): (&'static str, String)) -> (&'static str, String) {
    (if name == "ANTHROPIC_API_KEY" { "ANTHROPIC_AUTH_TOKEN" } else { name }, value)
}

fn not_run(program: &str, error: &io::Error) -> Failure {
    let (message, hint, exit) = match error.kind() {
        io::ErrorKind::NotFound => {
            (format!("there is no command `{program}`"), "is it installed, and in a folder of PATH?", NOT_FOUND)
        }
        io::ErrorKind::PermissionDenied => (
            format!("`{program}` may not be executed"),
            "check its permissions: `chmod +x` makes a script a command",
            NOT_EXECUTABLE,
        ),
        _ => (
            format!("cannot run `{program}`: {error}"),
            "run it without qcc to see whether it works at all",
            NOT_EXECUTABLE,
        ),
    };
    Failure::Told { message, hint: Some(hint.to_owned()), exit }
}

/// What would silently lead the client past the gateway. Nothing is changed: these are the user's own choices.
pub(in crate::commands) fn warn_of_detours(output: Output, url: &str) {
    for file in settings_files() {
        if overrides(&file, url) {
            output.note(format_args!(
                "{} sets ANTHROPIC_BASE_URL, which wins over ours: Claude Code will not use qcc",
                file.display()
            ));
        }
    }
    for name in DETOURS {
        if variable(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false")) {
            output.note(format_args!("{name} is set: Claude Code will not use qcc"));
        }
    }
}

/// Where Claude Code reads an `env` block that beats the environment: the user's settings and those of this project.
pub(super) fn settings_files() -> Vec<PathBuf> {
    let home =
        variable("CLAUDE_CONFIG_DIR").map(PathBuf::from).or_else(|| Some(etcetera::home_dir().ok()?.join(".claude")));
    let user = home.map(|home| home.join("settings.json"));
    let project = ["settings.json", "settings.local.json"].map(|name| Path::new(".claude").join(name));
    user.into_iter().chain(project).collect()
}

fn overrides(file: &Path, url: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let Ok(settings) = serde_json::from_str::<Value>(&text) else { return false };
    settings["env"]["ANTHROPIC_BASE_URL"].as_str().is_some_and(|set| set.trim_end_matches('/') != url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_different_base_url_in_the_settings_is_a_detour() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("settings.json");
        let detour = |text: &str| {
            std::fs::write(&file, text).unwrap();
            overrides(&file, "http://127.0.0.1:7860")
        };
        assert!(detour(r#"{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere.example"}}"#));
        assert!(!detour(r#"{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:7860/"}}"#));
        assert!(!detour(r#"{"env": {}}"#));
        assert!(!detour("not JSON"));
    }

    #[test]
    fn a_missing_command_ends_like_in_a_shell() {
        assert_eq!(not_run("x", &io::Error::from(io::ErrorKind::NotFound)).exit(), 127);
        assert_eq!(not_run("x", &io::Error::from(io::ErrorKind::PermissionDenied)).exit(), 126);
    }
}
