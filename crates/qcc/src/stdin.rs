//! A secret from standard input, for `--api-key -`: a key on the command line would stay in the shell's history and be
//! seen by everybody who lists processes.

use std::io::{self, BufRead, IsTerminal};

use qcc_config::Secret;

use crate::failure::Failure;
use crate::output::Output;
use crate::prompt::Prompt;

/// The longest line that can be a secret, bytes. Keys have some hundred; a certificate piped by mistake has more.
const LONGEST: u64 = 64 * 1024;

/// One line of standard input, without white space around it. `what` says what is read, such as `the API key`. At a
/// terminal it is asked for, unseen, instead of waiting without a word.
///
/// # Errors
/// When nothing comes, or no single line of text; and when it is to be typed where nobody can be asked.
pub(crate) fn secret_line(output: Output, what: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return read(io::stdin().lock(), what);
    }
    match Prompt::new(output) {
        Some(prompt) => prompt.secret(&format!("{what}:")),
        None => Err(Failure::usage(format!("{what} is expected on standard input, which is a terminal"), hint())),
    }
}

fn read(input: impl BufRead, what: &str) -> Result<Secret, Failure> {
    let wrong = |why: &str| Failure::usage(format!("{what} is expected on standard input, {why}"), hint());
    let mut bytes = Vec::new();
    input.take(LONGEST + 1).read_until(b'\n', &mut bytes).map_err(|error| wrong(&format!("but: {error}")))?;
    if bytes.is_empty() {
        return Err(wrong("which ended before it came"));
    }
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("but its first line is longer than 64 KiB"));
    }
    let line = Secret::new(String::from_utf8(bytes).map_err(|_| wrong("but what came is not text"))?);
    let text = line.expose().trim();
    if text.is_empty() {
        return Err(wrong("but its first line is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong("but there are control characters in it"));
    }
    Ok(Secret::new(text))
}

fn hint() -> String {
    "pipe it in as one line: `printf %s \"$KEY\" | qcc ...`".to_owned()
}

#[cfg(test)]
mod tests;
