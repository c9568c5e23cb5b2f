//! Placeholder heading, written with the crate.
