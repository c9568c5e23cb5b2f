//! What is said when the command line cannot be understood: our form, over what clap found out.
//!
//! One `error:`, one `hint:` with the nearest right word or the help to read, then the usage of the command that was
//! meant. The arguments may be beyond parsing, so `--json` and `--color` are looked for among them as they came.

use std::error::Error as _;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error, ValueEnum};

use crate::cli::{Cli, Global, When};
use crate::failure::{Failure, USAGE};
use crate::output::{Output, harmless};

/// With more suggestions than this the help is the better one.
const MOST_SUGGESTED: usize = 3;

/// Ends the program that was called with `arguments`, its own name left out: with the help or the version when that was
/// asked for, else with what is wrong.
pub(crate) fn end(error: &Error, arguments: &[OsString]) -> ExitCode {
    let output = output(arguments);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away (`qcc --help | head -1`) is no reason to complain.
            let _reader_may_be_gone = error.print();
            return ExitCode::SUCCESS;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !output.json => {
            let _reader_may_be_gone = error.print();
        }
        _ => {
            let (failure, usage) = explain(error, arguments);
            output.failure(&failure);
            output.talk(usage);
        }
    }
    ExitCode::from(USAGE)
}

/// How to talk to somebody whose command line was not understood.
fn output(arguments: &[OsString]) -> Output {
    let ours: Vec<&str> =
        arguments.iter().take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str()).collect();
    let apart = ours.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]);
    let joined = ours.iter().filter_map(|argument| argument.strip_prefix("--color="));
    let color = apart.chain(joined).find_map(|word| When::from_str(word, true).ok()).unwrap_or(When::Auto);
    Output::new(&Global { config: None, json: ours.contains(&"--json"), color })
}

/// What is wrong and what to do, and the line that shows how the command is used.
fn explain(error: &Error, arguments: &[OsString]) -> (Failure, String) {
    let mut root = Cli::command();
    root.build();
    let meant = meant(&root, arguments);
    let hint = suggestion(error, &root, meant).unwrap_or_else(|| {
        let what = if meant.has_subcommands() { "lists its commands" } else { "shows how it is used" };
        format!("`{} --help` {what}", name(meant))
    });
    let usage = match error.get(ContextKind::Usage) {
        Some(usage) => usage.to_string(),
        None => meant.clone().render_usage().to_string(),
    };
    (Failure::usage(message(error, meant), hint), usage.replacen("Usage:", "usage:", 1))
}

/// The command that `arguments` lead to, as far as they can be followed.
fn meant<'a>(root: &'a Command, arguments: &[OsString]) -> &'a Command {
    let mut at = root;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str().and_then(|text| text.strip_prefix("--")) {
            Some("") => break,
            Some(option) if takes_value(at, option) => {
                arguments.next();
            }
            Some(_) => {}
            None => match at.find_subcommand(argument) {
                Some(next) => at = next,
                None if argument.to_string_lossy().starts_with('-') => {}
                None => break,
            },
        }
    }
    at
}

/// Whether the argument behind `--option` belongs to it.
fn takes_value(command: &Command, option: &str) -> bool {
    let mut known = command.get_arguments().filter(|argument| argument.get_long() == Some(option));
    known.any(|argument| argument.get_action().takes_values())
}

/// As it is typed: `qcc proxy`.
fn name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// What happened, in one line without a full stop.
fn message(error: &Error, meant: &Command) -> String {
    let word = |kind| error.get(kind).map(|value| format!("`{}`", harmless(&value.to_string())));
    let argument = || word(ContextKind::InvalidArg).unwrap_or_else(|| "an argument".to_owned());
    let value = || word(ContextKind::InvalidValue).unwrap_or_else(|| "this".to_owned());
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            format!("unknown command {}", word(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("`{}` needs to be told what to do", name(meant))
        }
        ErrorKind::UnknownArgument if argument().starts_with("`-") => format!("unknown option {}", argument()),
        ErrorKind::UnknownArgument => format!("unexpected argument {}", argument()),
        ErrorKind::InvalidValue if value() == "``" => format!("{} needs a value", argument()),
        ErrorKind::InvalidValue => format!("{} is not possible for {}", value(), argument()),
        ErrorKind::ValueValidation => {
            let why = error.source().map_or_else(String::new, |source| format!(": {source}"));
            format!("{} is not possible for {}{why}", value(), argument())
        }
        ErrorKind::MissingRequiredArgument => format!("{} is missing", all(error, ContextKind::InvalidArg).join(", ")),
        ErrorKind::ArgumentConflict => match all(error, ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == all(error, ContextKind::InvalidArg) => {
                format!("{} is given twice", argument())
            }
            prior => format!("{} cannot be given together with {}", argument(), prior.join(", ")),
        },
        _ => rendered(error),
    }
}

/// Clap's own words: the first paragraph in one line.
fn rendered(error: &Error) -> String {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every word that clap has under `kind`, in backticks.
fn all(error: &Error, kind: ContextKind) -> Vec<String> {
    words(error, kind).iter().map(|word| format!("`{}`", harmless(word))).collect()
}

fn words(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        Some(ContextValue::StyledStrs(words)) => words.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The right word, where one is near enough.
fn suggestion(error: &Error, root: &Command, meant: &Command) -> Option<String> {
    let did_you_mean = |right: &str| format!("did you mean `{right}`?");
    if let Some(typed) = words(error, ContextKind::InvalidSubcommand).first() {
        let elsewhere = elsewhere(root, typed);
        if !elsewhere.is_empty() {
            return Some(did_you_mean(&elsewhere.join("` or `")));
        }
        // The nearest stands last. Hidden commands are not for people.
        let near = words(error, ContextKind::SuggestedSubcommand).into_iter().rev();
        let mut visible = near.filter_map(|near| meant.find_subcommand(near)).filter(|near| !near.is_hide_set());
        return visible.next().map(|near| did_you_mean(name(near)));
    }
    let possible = words(error, ContextKind::ValidValue).join(", ");
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedValue].into_iter().flat_map(|kind| words(error, kind));
    match (near.last(), possible.is_empty()) {
        (Some(near), true) => Some(did_you_mean(&near)),
        (Some(near), false) => Some(format!("{} possible are {possible}", did_you_mean(&near))),
        (None, false) => Some(format!("possible are {possible}")),
        // Sentences of clap, such as how to pass on what looks like an option.
        (None, true) => words(error, ContextKind::Suggested).first().map(|tip| tip.replace('\'', "`")),
    }
}

/// Commands of this very name that stand elsewhere: `start` is `qcc proxy start`. None when there are too many to help.
fn elsewhere(root: &Command, typed: &str) -> Vec<String> {
    let groups = std::iter::once(root).chain(root.get_subcommands().filter(|group| !group.is_hide_set()));
    let found =
        groups.filter_map(|group| group.get_subcommands().find(|it| it.get_name() == typed && !it.is_hide_set()));
    let found: Vec<String> = found.map(|command| name(command).to_owned()).collect();
    if found.len() > MOST_SUGGESTED { Vec::new() } else { found }
}

#[cfg(test)]
mod tests;
