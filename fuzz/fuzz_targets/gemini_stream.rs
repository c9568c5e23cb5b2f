//! See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qcc_fuzz::run("gemini_stream", data));
