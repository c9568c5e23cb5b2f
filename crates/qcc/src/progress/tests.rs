//! When something is shown, how, and that nothing of it stays.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A stream whose other end is the test.
struct Wire(Sender<String>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Far more than a test lasts.
const FOREVER: Duration = Duration::from_secs(3_600);

const REDRAWN: Look = Look::Redrawn { columns: 24, style: Style::new() };

fn start(look: Look, patience: Duration) -> (Progress, Receiver<String>) {
    let (wire, seen) = channel();
    (Progress::with(Wire(wire), look, patience, "reaching 3 providers".to_owned()), seen)
}

fn next(seen: &Receiver<String>) -> String {
    seen.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn what_is_over_before_patience_ends_is_not_mentioned() {
    for look in [REDRAWN, Look::Plain] {
        let (progress, seen) = start(look, FOREVER);
        drop(progress);
        assert!(seen.recv().is_err(), "{look:?}");
    }
}

#[test]
fn on_a_terminal_one_line_is_redrawn_in_its_width_and_erased_at_the_end() {
    let (progress, seen) = start(REDRAWN, Duration::ZERO);
    let first = next(&seen);
    assert_eq!(first, format!("{ERASE}⠋ reaching 3 providers…"));
    assert_eq!(next(&seen), format!("{ERASE}⠙ reaching 3 providers…"));
    drop(progress);
    assert_eq!(seen.iter().last().unwrap(), ERASE);
}

#[test]
fn elsewhere_one_plain_line_is_written_once() {
    let (progress, seen) = start(Look::Plain, Duration::ZERO);
    assert_eq!(next(&seen), "reaching 3 providers\n");
    progress.set("reaching 2 providers");
    drop(progress);
    assert!(seen.recv().is_err(), "nothing more, and nothing erased");
}

#[test]
fn new_words_replace_the_old_ones() {
    let (progress, seen) = start(REDRAWN, Duration::ZERO);
    next(&seen);
    progress.set("two left");
    while !next(&seen).contains("two left, ") {}
}

#[test]
fn a_terminal_that_went_away_does_not_stop_the_work() {
    let (progress, seen) = start(REDRAWN, Duration::ZERO);
    drop(seen);
    drop(progress);
}
