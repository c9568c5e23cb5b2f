//! `qcc completions SHELL`: the script that lets a shell complete commands and options of this very version.

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::{Generator, aot};
use clap_complete_nushell::Nushell;
use serde_json::json;

use crate::cli::{Cli, CompletionShell, Completions};
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};

pub(crate) fn run(context: &Context, completions: &Completions) -> Outcome {
    let script = script(completions.shell)?;
    if context.output.json {
        context.output.document(&json!({ "shell": shell_name(completions.shell), "script": script }))?;
    } else {
        context.output.data(script.trim_end())?;
    }
    Ok(OK)
}

fn shell_name(shell: CompletionShell) -> Option<String> {
    Some(shell.to_possible_value()?.get_name().to_owned())
}

fn script(shell: CompletionShell) -> Result<String, Failure> {
    let mut command = visible();
    command.set_bin_name("qcc");
    command.build();
    let written = match shell {
        CompletionShell::Bash => write(&aot::Bash, &command),
        CompletionShell::Zsh => write(&aot::Zsh, &command),
        CompletionShell::Fish => write(&aot::Fish, &command),
        CompletionShell::Powershell => write(&aot::PowerShell, &command),
        CompletionShell::Elvish => write(&aot::Elvish, &command),
        CompletionShell::Nu => write(&Nushell, &command),
    };
    written.ok_or_else(|| Failure::bare("the completions could not be written"))
}

fn write(shell: &impl Generator, command: &Command) -> Option<String> {
    let mut script = Vec::new();
    shell.try_generate(command, &mut script).ok()?;
    String::from_utf8(script).ok()
}

/// All of qcc without the commands that are not for people: the generators would offer them.
fn visible() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("qcc")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(all.get_arguments().cloned())
        .subcommands(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all commands at any depth, and whether each can be seen.
    fn names(command: &Command, seen: bool) -> Vec<(String, bool)> {
        let each = command.get_subcommands().flat_map(|sub| {
            let seen = seen && !sub.is_hide_set();
            [vec![(sub.get_name().to_owned(), seen)], names(sub, seen)].concat()
        });
        each.collect()
    }

    #[test]
    fn every_visible_command_can_be_completed_in_every_shell_and_no_hidden_one() {
        for shell in CompletionShell::value_variants() {
            let script = script(*shell).unwrap();
            for (name, seen) in names(&Cli::command(), true) {
                assert_eq!(script.contains(&name), seen, "{name} for {shell:?}");
            }
            for option in ["foreground", "version"] {
                assert!(script.contains(option), "{option} for {shell:?}");
            }
        }
    }
}
