//! A process and what the kernel says about it and its children: CPU time in nanoseconds, and memory.
//!
//! Memory is the proportional set size where the kernel gives it: summed over nginx's processes it does not count their
//! shared pages twice, as a sum of resident sizes would.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

/// How a process is asked to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// `SIGTERM`: nginx's master then takes its workers along.
    Term,
    /// `SIGKILL`: at once, for what would wait for its streams.
    Kill,
}

/// A process that ends with this value.
pub(crate) struct Process {
    child: Child,
    goodbye: Goodbye,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command, goodbye: Goodbye) -> io::Result<Self> {
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {}: {error}", command.get_program().display()))
        })?;
        Ok(Self { child, goodbye })
    }

    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its end, when it has ended already.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// CPU time that it and its children have used.
    pub(crate) fn cpu(&self) -> Duration {
        family(self.child.id()).into_iter().map(cpu_of).sum()
    }

    /// Memory of it and its children, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        family(self.child.id()).into_iter().map(memory_of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = match (self.goodbye, pid) {
            (Goodbye::Term, Some(pid)) => kill_process(pid, Signal::TERM).is_ok(),
            _ => false,
        };
        if !asked {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

/// A process and all below it.
fn family(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        next += 1;
        for thread in threads(pid) {
            let children = fs::read_to_string(format!("{thread}/children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

fn threads(pid: u32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path().display().to_string()).collect()
}

/// The first field of `schedstat` is the time on a CPU in nanoseconds; `stat` would count in ticks of 10 ms.
fn cpu_of(pid: u32) -> Duration {
    let on_cpu = threads(pid).into_iter().filter_map(|thread| {
        let text = fs::read_to_string(format!("{thread}/schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(on_cpu.sum::<u64>())
}

fn memory_of(pid: u32) -> u64 {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    field("smaps_rollup", "Pss:").or_else(|| field("status", "VmRSS:")).unwrap_or_default() * 1024
}

/// Raises the limit of open files to the most that is allowed; children inherit it. 5,000 streams need 10,000 in a proxy.
pub(crate) fn raise_file_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Whether this process may change users, as nginx does by default when it may.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
