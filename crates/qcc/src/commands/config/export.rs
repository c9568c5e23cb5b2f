//! `qcc config export FILE`: a copy to keep or to pass on, which holds no secret unless it is asked for.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use qcc_config::redacted;
use serde_json::json;

use crate::cli::Export;
use crate::context::{Context, same_file};
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::output::{count, harmless};
use crate::table::{Cell, table};

use super::{REDACTED, file, name};

pub(super) fn run(context: &Context, export: &Export) -> Outcome {
    let document = edits::document(context)?;
    if !document.exists() {
        let message = format!("there is no configuration file {}", file(context));
        return Err(Failure::new(message, "make one: `qcc init` or `qcc add NAME`"));
    }
    let text = if export.with_secrets { document.text().to_owned() } else { redacted(&document) };
    let left_out = text.matches(REDACTED).count().saturating_sub(document.text().matches(REDACTED).count());
    let to_stdout = export.file == Path::new("-");
    if !to_stdout {
        if same_file(&export.file, &context.locations.config) {
            let message = "this is the configuration itself, which would lose its secrets";
            return Err(Failure::usage(message, "choose another file"));
        }
        write(&export.file, &text, export.force).map_err(|error| refused(&export.file, &error))?;
    }
    let output = context.output;
    if output.json {
        output.document(&json!({
            "file": if to_stdout { None } else { Some(&export.file) },
            "text": if to_stdout { Some(&text) } else { None },
            "redacted": left_out,
        }))?;
        return Ok(OK);
    }
    if to_stdout {
        output.raw(&text)?;
    } else {
        let mark = table(&[vec![Cell::mark(true)]]);
        output.data(format_args!("{mark} {} was written", harmless(&name(&export.file))))?;
    }
    if left_out > 0 {
        let without = count(left_out, "secret");
        output.note(format_args!(
            "written without {without}: `qcc config import` keeps what the file has, --with-secrets writes all"
        ));
    }
    Ok(OK)
}

/// Writes the file for its owner alone. One that exists is replaced in one step, and only with `force`.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if !force {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        return file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
            // Half a copy is worse than none.
            let _nothing_more_can_be_done = std::fs::remove_file(path);
        });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".qcc-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let message = format!("{} exists already", harmless(&name(path)));
        return Failure::new(message, "choose another name, or replace it with --force");
    }
    Failure::file("write", path, error)
}
