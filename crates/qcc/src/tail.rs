//! Reads a log from its end, across the files that rotation left behind, and goes on reading as it grows.
//!
//! A line counts once its line end is written. Reading backwards touches only what is shown, however large the files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes read at a time.
const BLOCK: u64 = 64 * 1024;

/// The last `want` lines that `keep` accepts, oldest first, and a follower that goes on behind them.
///
/// # Errors
/// When a file exists but cannot be read.
pub(crate) fn last(log: &Path, want: usize, keep: &dyn Fn(&str) -> bool) -> io::Result<(Vec<String>, Follower)> {
    let mut lines = Vec::new();
    let current = match File::open(log) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut follower = Follower { path: log.to_owned(), file: None, at: 0 };
    if let Some(file) = current {
        let mut backward = Backward::new(file.try_clone()?)?;
        follower.at = backward.end;
        follower.file = Some(file);
        backward.collect(want, keep, &mut lines)?;
    }
    for rotated in (1..).map(|number| rotated(log, number)) {
        if lines.len() >= want || !rotated.exists() {
            break;
        }
        Backward::new(File::open(&rotated)?)?.collect(want, keep, &mut lines)?;
    }
    lines.reverse();
    Ok((lines, follower))
}

/// Where the log writer moves a full file: `qcc.log.1` is the newest.
fn rotated(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// A file read line by line from its end.
struct Backward {
    file: File,
    /// Behind the last complete line.
    end: u64,
    /// What lies before this is not read yet.
    start: u64,
    /// Complete lines that were read but not given out, without the line end of the last one.
    buffer: Vec<u8>,
    done: bool,
}

// === impl Backward ===

impl Backward {
    fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut backward = Self { file, end: 0, start: length, buffer: Vec::new(), done: false };
        while backward.start > 0 && !backward.buffer.contains(&b'\n') {
            backward.read_block()?;
        }
        let Some(last) = backward.buffer.iter().rposition(|byte| *byte == b'\n') else {
            backward.done = true;
            return Ok(backward);
        };
        backward.end = backward.start + last as u64 + 1;
        backward.buffer.truncate(last);
        Ok(backward)
    }

    fn read_block(&mut self) -> io::Result<()> {
        let size = BLOCK.min(self.start);
        self.start -= size;
        let mut block = Vec::new();
        self.file.seek(SeekFrom::Start(self.start))?;
        Read::by_ref(&mut self.file).take(size).read_to_end(&mut block)?;
        block.append(&mut self.buffer);
        self.buffer = block;
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if self.done {
                return Ok(None);
            }
            let line = match self.buffer.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => {
                    let line = self.buffer.split_off(at + 1);
                    self.buffer.truncate(at);
                    line
                }
                None if self.start == 0 => {
                    self.done = true;
                    std::mem::take(&mut self.buffer)
                }
                None => {
                    self.read_block()?;
                    continue;
                }
            };
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }

    fn collect(&mut self, want: usize, keep: &dyn Fn(&str) -> bool, lines: &mut Vec<String>) -> io::Result<()> {
        while lines.len() < want {
            match self.next_line()? {
                Some(line) if keep(&line) => lines.push(line),
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }
}

/// Reads on where the log grows, and changes over to the new file when the old one was moved away.
pub(crate) struct Follower {
    path: PathBuf,
    file: Option<File>,
    /// Behind the last line that was given out.
    at: u64,
}

// === impl Follower ===

impl Follower {
    /// Complete lines that were written since the last time.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) fn fresh(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        // The old file first: its last lines were written before it was moved.
        let moved = self.is_moved();
        self.read_on(&mut lines)?;
        if moved {
            self.file = match File::open(&self.path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            self.at = 0;
            self.read_on(&mut lines)?;
        }
        Ok(lines)
    }

    /// Whether another file than ours stands in its place.
    fn is_moved(&self) -> bool {
        let Ok(there) = std::fs::metadata(&self.path) else { return false };
        match self.file.as_ref().map(File::metadata) {
            Some(Ok(ours)) => (ours.dev(), ours.ino()) != (there.dev(), there.ino()),
            _ => true,
        }
    }

    fn read_on(&mut self, lines: &mut Vec<String>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if file.metadata()?.len() < self.at {
            // Emptied in place, by hand.
            self.at = 0;
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        self.at += last as u64 + 1;
        lines.extend(bytes[..last].split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
