//! The fuzz targets over the golden files and damaged copies of them: what a stable toolchain can do of fuzzing.

#[cfg(test)]
mod damage;
#[cfg(test)]
#[path = "../../../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, dead_code, reason = "the fuzz crate, to which the file belongs, shows it to others")]
mod targets;
