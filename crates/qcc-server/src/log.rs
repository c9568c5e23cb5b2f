//! Where events become lines: JSON in a file that is rotated, and coloured text on a terminal.
//!
//! A request hands its event to a bounded channel and goes on; one thread formats and writes. When the disk is slow the
//! channel fills and lines are left out and counted, so that no request ever waits for the disk. The thread gathers
//! lines for a moment before it writes, which keeps it from being woken for each of them.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use owo_colors::OwoColorize;
use qcc_config::{Level, LoggingSettings};
use serde::Serialize;
use serde_json::Value;

use crate::events::{Event, level_name};

/// Lines that may wait for the writer: over 100 ms at 30,000 requests a second.
const CHANNEL: usize = 4 * 1024;

/// How long lines are gathered before a write. Long enough to batch under load, short enough for `logs -f`.
const GATHER: Duration = Duration::from_millis(20);

/// The handle that the whole gateway logs through. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    to: To,
    level: std::sync::atomic::AtomicU8,
    dropped: AtomicU64,
}

enum To {
    Writer(SyncSender<Message>),
    /// Whoever emits calls this: for a simulation, where no other thread may take part.
    Here(Box<dyn Fn(&Event) + Send + Sync>),
}

enum Message {
    Line(SystemTime, Event),
    Flush(SyncSender<()>),
}

/// What is written where.
struct Sinks {
    file: Option<Rotated>,
    terminal: Option<Shown>,
    tap: Option<std::sync::mpsc::Sender<String>>,
}

/// How lines look on standard error.
#[derive(Clone, Copy)]
enum Shown {
    /// For a person, in colour or not.
    Readable { colour: bool },
    /// As in the file: whoever collects the output of a service reads JSON.
    Json,
}

impl Shown {
    fn here(colour: bool) -> Self {
        if io::stderr().is_terminal() { Self::Readable { colour } } else { Self::Json }
    }
}

/// A log file that is renamed to `.1`, `.2`... when it has grown to its limit.
struct Rotated {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    keep: u32,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    #[serde(flatten)]
    event: &'a Event,
}

// === impl Log ===

impl Log {
    /// Nothing is written.
    #[must_use]
    pub fn discard() -> Self {
        Self { inner: None }
    }

    /// JSON lines to `path`, created with mode 0600.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub fn to_file(path: &Path, settings: &LoggingSettings) -> io::Result<Self> {
        Self::start(Some(Rotated::open(path, settings)?), None, None, settings)
    }

    /// JSON lines to `path` and to standard error, readable ones there if it is a terminal, in `colour` or not.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub fn both(path: &Path, colour: bool, settings: &LoggingSettings) -> io::Result<Self> {
        Self::start(Some(Rotated::open(path, settings)?), Some(Shown::here(colour)), None, settings)
    }

    /// Lines to standard error only, readable if it is a terminal.
    ///
    /// # Errors
    /// When the writer thread cannot be started.
    pub fn to_terminal(colour: bool, settings: &LoggingSettings) -> io::Result<Self> {
        Self::start(None, Some(Shown::here(colour)), None, settings)
    }

    /// JSON lines to whoever holds the other end: the drill reads there what the gateway did.
    ///
    /// # Errors
    /// When the writer thread cannot be started.
    pub fn to_channel(tap: std::sync::mpsc::Sender<String>, settings: &LoggingSettings) -> io::Result<Self> {
        Self::start(None, None, Some(tap), settings)
    }

    /// Every event of level `info` and above to `hear`, at once and in the thread that emits it.
    pub(crate) fn here(hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let level = (Level::Info as u8).into();
        Self { inner: Some(Arc::new(Inner { to: To::Here(Box::new(hear)), level, dropped: AtomicU64::new(0) })) }
    }

    fn start(
        file: Option<Rotated>,
        terminal: Option<Shown>,
        tap: Option<std::sync::mpsc::Sender<String>>,
        settings: &LoggingSettings,
    ) -> io::Result<Self> {
        let (to_writer, lines) = sync_channel(CHANNEL);
        let to = To::Writer(to_writer);
        let inner = Arc::new(Inner { to, level: (settings.level as u8).into(), dropped: AtomicU64::new(0) });
        let weak = Arc::downgrade(&inner);
        let sinks = Sinks { file, terminal, tap };
        let _detached: JoinHandle<()> = std::thread::Builder::new().name("qcc-log".to_owned()).spawn(move || {
            write_lines(&lines, sinks, &|| weak.upgrade().map_or(0, |log| log.dropped.swap(0, Ordering::Relaxed)))
        })?;
        Ok(Self { inner: Some(inner) })
    }

    /// Hands an event over. Never waits: with a full channel the line is counted as dropped.
    pub fn emit(&self, event: Event) {
        let Some(inner) = &self.inner else { return };
        if (event.level() as u8) < inner.level.load(Ordering::Relaxed) {
            return;
        }
        match &inner.to {
            To::Here(hear) => hear(&event),
            To::Writer(writer) => {
                if writer.try_send(Message::Line(SystemTime::now(), event)).is_err() {
                    inner.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Changes the least level that is written.
    pub fn set_level(&self, level: Level) {
        if let Some(inner) = &self.inner {
            inner.level.store(level as u8, Ordering::Relaxed);
        }
    }

    /// Waits until everything emitted so far is written. Blocks: for the end of the process only.
    pub fn flush(&self) {
        let Some(inner) = &self.inner else { return };
        let To::Writer(writer) = &inner.to else { return };
        let (done, wait) = sync_channel(1);
        if writer.send(Message::Flush(done)).is_ok() {
            let _closed_means_written = wait.recv();
        }
    }
}

/// The writer thread: waits for a line, gathers a moment, writes all that came.
fn write_lines(lines: &Receiver<Message>, mut sinks: Sinks, dropped: &dyn Fn() -> u64) {
    let mut text = Vec::with_capacity(16 * 1024);
    while let Ok(first) = lines.recv() {
        let mut flushes = Vec::new();
        let mut next = Some(first);
        if matches!(next, Some(Message::Line(..))) {
            std::thread::park_timeout(GATHER);
        }
        while let Some(message) = next {
            match message {
                Message::Line(time, event) => sinks.format(time, &event, &mut text),
                Message::Flush(done) => flushes.push(done),
            }
            next = lines.try_recv().ok();
        }
        let lost = dropped();
        if lost > 0 {
            sinks.format(SystemTime::now(), &Event::LogDropped { lines: lost }, &mut text);
        }
        sinks.write(&mut text);
        for done in flushes {
            let _receiver_may_be_gone = done.send(());
        }
    }
}

// === impl Sinks ===

impl Sinks {
    fn format(&self, time: SystemTime, event: &Event, text: &mut Vec<u8>) {
        let line = Line { time: timestamp(time), level: level_name(event.level()), event };
        if serde_json::to_writer(&mut *text, &line).is_ok() {
            text.push(b'\n');
        }
    }

    /// Writes and empties `text`. A full disk loses lines, never a request.
    fn write(&mut self, text: &mut Vec<u8>) {
        if let Some(file) = &mut self.file {
            file.append(text);
        }
        if let Some(tap) = &self.tap {
            for line in String::from_utf8_lossy(text).lines() {
                let _reader_may_be_gone = tap.send(line.to_owned());
            }
        }
        if let Some(Shown::Json) = self.terminal {
            let _reader_may_be_gone = io::stderr().lock().write_all(text);
        }
        if let Some(Shown::Readable { colour }) = self.terminal {
            let shown: String = String::from_utf8_lossy(text)
                .lines()
                .filter_map(|line| render(line, colour))
                .fold(String::new(), |all, line| all + &line + "\n");
            let _terminal_may_be_gone = io::stderr().lock().write_all(shown.as_bytes());
        }
        text.clear();
    }
}

// === impl Rotated ===

impl Rotated {
    fn open(path: &Path, settings: &LoggingSettings) -> io::Result<Self> {
        let file = open_private(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, limit: settings.file_size, keep: settings.files })
    }

    fn append(&mut self, text: &[u8]) {
        if self.limit > 0 && self.size > 0 && self.size + text.len() as u64 > self.limit {
            self.rotate();
        }
        if self.file.write_all(text).is_ok() {
            self.size += text.len() as u64;
        }
    }

    /// `log.4` becomes `log.5` and so on; what falls off the end is gone. When that fails the file simply grows on.
    fn rotate(&mut self) {
        let numbered = |n: u32| PathBuf::from(format!("{}.{n}", self.path.display()));
        for n in (1..self.keep).rev() {
            let _may_not_exist = std::fs::rename(numbered(n), numbered(n + 1));
        }
        let moved =
            if self.keep == 0 { std::fs::remove_file(&self.path) } else { std::fs::rename(&self.path, numbered(1)) };
        if let (Ok(()), Ok(file)) = (moved, open_private(&self.path)) {
            self.file = file;
            self.size = 0;
        }
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn timestamp(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// A log line as a person reads it: time, level, what happened, then what is known about it. `None` when `line` is not
/// a JSON object.
#[must_use]
pub fn render(line: &str, colour: bool) -> Option<String> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let clock = text("time").get(11..19).unwrap_or_default();
    let level = text("level");
    let rest: Vec<String> = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "time" | "level" | "event"))
        .map(|(key, value)| match value {
            // Quoted and escaped: what a provider says must not steer the terminal.
            Value::String(text)
                if text.is_empty() || text.contains(|c: char| c == ' ' || c == '"' || c.is_control()) =>
            {
                format!("{key}={text:?}")
            }
            Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        })
        .collect();
    let what = text("event").replace('_', " ");
    let rest = rest.join(" ");
    if !colour {
        return Some(format!("{clock} {level:<5} {what:<18} {rest}"));
    }
    let tag = format!("{level:<5}");
    let tag = match level {
        "error" => tag.red().to_string(),
        "warn" => tag.yellow().to_string(),
        "info" => tag.green().to_string(),
        _ => tag.blue().to_string(),
    };
    Some(format!("{} {tag} {:<18} {}", clock.dimmed(), what.bold(), rest.dimmed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_cannot_steer_the_terminal() {
        let line =
            r#"{"time":"2026-11-20T10:00:00.000Z","level":"warn","event":"attempt_failed","error":"\u001b[2J","n":1}"#;
        let shown = render(line, false).unwrap();
        assert_eq!(shown, "10:00:00 warn  attempt failed     error=\"\\u{1b}[2J\" n=1");
    }

    #[test]
    fn what_is_no_object_is_no_line() {
        assert_eq!(render("half a li", true), None);
        assert_eq!(render("[1]", true), None);
    }
}
