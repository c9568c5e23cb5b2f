//! Text that must not be printed. The type decides it, so that no log line, error or JSON document has to remember.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What stands in place of a secret wherever something is printed.
pub(crate) const REDACTED: &str = "[redacted]";

/// A credential or another value that may hold one. It prints as `[redacted]`, serializes as `[redacted]`, and its
/// memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the wire and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The first 64 bits of its SHA-256: names a credential in state and logs without giving it away.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

/// Compares without an early exit: how long it takes says nothing about where two keys of equal length differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        let difference = mine.iter().zip(theirs).fold(0, |sum, (a, b)| sum | (a ^ b));
        mine.len() == theirs.len() && std::hint::black_box(difference) == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}
