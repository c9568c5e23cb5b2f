//! Who holds the port that we wanted: the system knows, and "address in use" alone helps nobody.
//!
//! Linux tells it in two steps: `/proc/net/tcp` names the inode of the listening socket, `/proc/PID/fd` names the
//! process that has it open. Other users' processes show only the first. Elsewhere nothing is known.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::failure::Failure;
use crate::output::harmless;

/// The state of a listening socket in `/proc/net/tcp` (`TCP_LISTEN` in the kernel's `tcp_states.h`).
const LISTENING: &str = "0A";

/// Command lines are shown for recognition, not in full.
const SHOWN: usize = 80;

/// The process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// Its command line, shortened and harmless.
    pub(crate) command: String,
    /// It is a qcc too.
    pub(crate) is_qcc: bool,
}

/// The failure to listen on `address`, with the name of who does.
pub(crate) fn taken(address: SocketAddr) -> Failure {
    let other = "choose another port with --port N, or set proxy.port in the configuration";
    let (by, hint) = match holder(address) {
        Some(holder) if holder.is_qcc => (
            format!("another qcc (pid {})", holder.pid),
            format!("stop it with `qcc proxy stop` under its own QCC_HOME or with `kill {}`, or {other}", holder.pid),
        ),
        Some(holder) => (format!("pid {} ({})", holder.pid, holder.command), other.to_owned()),
        None => ("a process that cannot be seen from here".to_owned(), other.to_owned()),
    };
    Failure::new(format!("port {} on {} is taken by {by}", address.port(), address.ip()), hint)
}

/// The process that listens on `address`, or on all addresses at its port.
pub(crate) fn holder(address: SocketAddr) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listeners(&table, address))
        .collect();
    let sockets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|pid| has_open(*pid, &sockets)).map(describe)
}

fn has_open(pid: u32, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

fn describe(pid: u32) -> Holder {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    let is_qcc = program == "qcc";
    // Credentials are sometimes given as arguments, so of a stranger's command line only the beginning is shown.
    let shown: String = words.iter().take(2).cloned().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    Holder { pid, command: harmless(&shown), is_qcc }
}

/// Inodes of the sockets of one `/proc/net/tcp*` table that keep others from listening on `wanted`.
fn listeners(table: &str, wanted: SocketAddr) -> Vec<String> {
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?;
        let (ip, port) = local.split_once(':')?;
        let conflicts = state == LISTENING
            && u16::from_str_radix(port, 16).ok()? == wanted.port()
            && overlap(address(ip)?, wanted.ip());
        conflicts.then(|| inode.to_owned())
    };
    table.lines().filter_map(row).collect()
}

/// Addresses stand there as 32-bit words in the byte order of the machine, in hexadecimal.
fn address(hex: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..hex.len())
        .step_by(8)
        .map(|at| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes))
        .collect();
    match words?.as_slice() {
        [v4] => Some(Ipv4Addr::from(*v4).into()),
        v6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(v6.concat()).ok()?).to_canonical()),
    }
}

fn overlap(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}

#[cfg(test)]
mod tests;
