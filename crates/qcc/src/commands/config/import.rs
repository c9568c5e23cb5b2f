//! `qcc config import FILE`: another file of the same format in place of the configuration. Nothing is written unless all
//! of it may be used. With `--from` what another program's file describes is added instead.

mod env;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use qcc_config::edit::Document;
use qcc_config::{Changed, ConfigError, Problem};
use serde_json::{Value, json};

use crate::cli::{Import, ImportKind};
use crate::context::{Context, variable};
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::output::harmless;
use crate::table::{Cell, table};

use super::{diff, file, name};

/// Bytes of the largest configuration that is read anywhere.
const LARGEST: u64 = 4 * 1024 * 1024;

pub(super) fn run(context: &Context, import: &Import) -> Outcome {
    match (import.from, &import.file) {
        (Some(ImportKind::Env), file) => env::run(context, file.as_deref(), import.dry_run),
        (None, Some(file)) => replace(context, file, import.dry_run),
        (None, None) => Err(Failure::usage("no file is named", "`qcc config import FILE`, or `--from env`")),
    }
}

fn replace(context: &Context, path: &Path, dry_run: bool) -> Outcome {
    let (text, source) = text(path)?;
    if text.trim().is_empty() {
        let hint = "a configuration without providers is possible: write `{}`";
        return Err(Failure::usage(format!("{source} is empty"), hint));
    }
    // Faults of the shape are told with the lines of the file that was read.
    Document::parse(Path::new(&source), &text)?;
    let what = format!("config import {}", harmless(&source));
    let changed = edits::editor(context).replace(&what, &text, true, dry_run, edits::now(), &variable);
    let changed = changed.map_err(|error| told(error, &text, &source))?;
    let about = json!({ "source": source, "dry_run": dry_run, "diff": diff::document(&changed.diff) });
    if !context.output.json {
        diff::show(context, &changed.diff)?;
    }
    if dry_run {
        return would(context, &source, &changed, about);
    }
    let done = format!("{} holds what was in {}", file(context), harmless(&source));
    let outcome = edits::tell(context, &changed, &done, about);
    if changed.version.is_some() {
        context.output.talk("undo: `qcc config rollback`");
    }
    outcome
}

/// What an import would change that was only tried.
fn would(context: &Context, source: &str, changed: &Changed, about: Value) -> Outcome {
    let output = context.output;
    let differs = !changed.diff.lines.is_empty();
    if output.json {
        let mut document = json!({ "changed": false, "would_change": differs, "file": context.locations.config });
        if let (Some(all), Value::Object(about)) = (document.as_object_mut(), about) {
            all.extend(about);
        }
        output.document(&document)?;
        return Ok(OK);
    }
    let mark = table(&[vec![Cell::mark(true)]]);
    let verb = if differs { "would change" } else { "would not change" };
    output.data(format_args!("{mark} {} is valid and {verb} {}", harmless(source), file(context)))?;
    Ok(OK)
}

/// Faults of the text are told with the lines that they have there.
fn told(error: ConfigError, text: &str, source: &str) -> ConfigError {
    let path = Path::new(source);
    if error.problems.iter().any(|problem| problem.line.is_some()) {
        return ConfigError { path: path.to_owned(), ..error };
    }
    let same = |own: &Problem| error.problems.iter().any(|problem| problem.message.starts_with(&own.message));
    match qcc_config::parse(text, path, &variable) {
        Err(own) if own.problems.iter().any(same) => own,
        _ => error,
    }
}

/// The text, and what to call where it came from.
fn text(path: &Path) -> Result<(String, String), Failure> {
    let mut bytes = Vec::new();
    let source = if path == Path::new("-") { "standard input".to_owned() } else { name(path) };
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::file("read", Path::new(&source), &error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("{source} is not UTF-8 text"), "save it in the encoding UTF-8"))?;
    Ok((text, source))
}
