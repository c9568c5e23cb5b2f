//! Something takes longer than a moment: what is under way is said, and unsaid when it is over.
//!
//! In the first second nothing is shown, because most things take less. After that a terminal gets one line that counts
//! the seconds and is erased at the end; a file or a pipe gets one plain line, once. It is talk, so it goes to standard
//! error also under `--json`. Whoever starts it says nothing else until it has ended.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use owo_colors::{OwoColorize, Style};

use crate::output::{Output, columns_of_talk, human};
use crate::table::fit;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two pictures of the spinner: it looks alive and costs nothing.
const PICTURE: Duration = Duration::from_millis(100);

/// The pictures. Each is one column wide.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// What a terminal understands as "erase this line and go to its start".
const ERASE: &str = "\r\u{1b}[2K";

/// Shown until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Gone once nothing more comes.
    words: Option<Sender<String>>,
    painter: Option<JoinHandle<()>>,
}

/// How the line is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Look {
    /// Drawn again and again, in at most this many columns.
    Redrawn { columns: usize, style: Style },
    /// Once.
    Plain,
}

// === impl Progress ===

impl Progress {
    /// From now on `what` is under way, such as `reaching 3 providers`.
    pub(crate) fn start(output: Output, what: impl Into<String>) -> Self {
        Self::with(io::stderr(), Look::of(output), PATIENCE, what.into())
    }

    fn with(out: impl Write + Send + 'static, look: Look, patience: Duration, what: String) -> Self {
        let (words, told) = channel();
        let paint = move || paint(out, look, patience, what, &told);
        // Without a thread there is no line, and the work goes on all the same.
        let painter = thread::Builder::new().name("progress".to_owned()).spawn(paint).ok();
        Self { words: Some(words), painter }
    }

    /// Says it in other words from now on.
    pub(crate) fn set(&self, what: impl Into<String>) {
        if let Some(words) = &self.words {
            let _painter_may_be_missing = words.send(what.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.words.take());
        if let Some(painter) = self.painter.take() {
            let _ended = painter.join();
        }
    }
}

// === impl Look ===

impl Look {
    fn of(output: Output) -> Self {
        let moves = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        if !moves {
            return Self::Plain;
        }
        let style = if output.colours_stderr() { Style::new().dimmed() } else { Style::new() };
        // A terminal that does not know its width has the one that terminals always had.
        Self::Redrawn { columns: columns_of_talk().unwrap_or(80), style }
    }
}

/// Until nobody holds the other end of `told`. Nothing is lost when the terminal goes away.
fn paint(mut out: impl Write, look: Look, patience: Duration, mut what: String, told: &Receiver<String>) {
    let started = Instant::now();
    let mut pictures = SPINNER.iter().cycle();
    let mut shown = false;
    loop {
        let wait = match (shown, look) {
            (false, _) => patience.saturating_sub(started.elapsed()),
            (true, Look::Redrawn { .. }) => PICTURE,
            (true, Look::Plain) => Duration::MAX,
        };
        match told.recv_timeout(wait) {
            Ok(words) => {
                what = words;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        shown = true;
        let line = match look {
            Look::Plain => format!("{what}\n"),
            Look::Redrawn { columns, style } => {
                let picture = pictures.next().copied().unwrap_or_default();
                // The last column stays free: many terminals go to the next line as soon as it is filled.
                let text = fit(&format!("{picture} {what}, {}", human(started.elapsed())), columns.saturating_sub(1));
                format!("{ERASE}{}", text.style(style))
            }
        };
        let _nobody_may_look = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
    if shown && look != Look::Plain {
        let _nobody_may_look = out.write_all(ERASE.as_bytes()).and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests;
