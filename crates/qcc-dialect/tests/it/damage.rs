//! Golden files, whole and damaged, through every fuzz target. The damage is drawn from a seed, so that a failure comes
//! again; `QCC_FUZZ_ROUNDS` asks for more of it, and each round goes on where the one before has ended.

use std::fs;
use std::path::Path;

use super::targets::TARGETS;

/// Damaged copies of each file for each target that it is for.
const ROUNDS: u64 = 12;

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 22] = [
    b"",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\ud83d",
    b"\\u0000",
    b"\xff",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"data: ",
    b"data: [DONE]\n\n",
    b"event: error\n",
];

struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    /// Some damage: bytes replaced, cut out or told twice, also from another file; up to three times.
    fn damage(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let end = bytes.len().min(at + self.below(40));
            let piece = match self.below(4) {
                0 => bytes[at..end].repeat(2),
                1 => {
                    let from = self.below(other.len() + 1);
                    other[from..other.len().min(from + self.below(200))].to_vec()
                }
                _ => PIECES[self.below(PIECES.len())].to_vec(),
            };
            bytes.splice(at..end, piece);
        }
    }
}

/// All golden inputs of a kind, by the beginning of the folder and the ending of the name; in order, as seeds depend on it.
fn golden(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut paths: Vec<_> = ["asked", "client", "request", "stream", "answered", "response"]
        .iter()
        .filter_map(|kind| fs::read_dir(root.join(kind)).ok())
        .flat_map(|files| files.map(|file| file.unwrap().path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What a target reads, with the bytes before it that choose among providers and clients.
fn inputs(target: &str) -> (usize, Vec<Vec<u8>>) {
    match target.split_once('_') {
        Some((dialect, "stream")) => (2, golden(dialect, ".sse")),
        Some((dialect, "whole")) => (1, golden(dialect, ".json")),
        Some((dialect, _)) => (0, golden(dialect, ".json")),
        None if target == "sse" => {
            (1, ["anthropic", "openai", "gemini", "responses"].map(|of| golden(of, ".sse")).concat())
        }
        None => (0, ["anthropic", "openai", "responses"].map(|of| golden(of, ".json")).concat()),
    }
}

#[test]
fn no_damage_to_a_golden_file_breaks_what_holds_for_any_bytes() {
    let rounds = std::env::var("QCC_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    for (name, target) in TARGETS {
        let (choices, files) = inputs(name);
        assert!(files.len() > 5, "{name}: the golden files were not found");
        let mut draws = Draws(name.bytes().map(u64::from).sum());
        for round in 0..=rounds {
            for file in &files {
                let mut data: Vec<u8> = (0..choices).map(|_| u8::try_from(draws.below(256)).unwrap()).collect();
                let mut bytes = file.clone();
                if round > 0 {
                    let other = &files[draws.below(files.len())];
                    draws.damage(&mut bytes, other);
                }
                data.extend(bytes);
                let held = std::panic::catch_unwind(|| target(&data));
                assert!(held.is_ok(), "{name} is broken by {:?}", String::from_utf8_lossy(&data));
            }
        }
    }
}
