//! How a vendor's own words about its thinking travel through clients of another dialect: sealed, as the signature of the
//! thinking, which clients give back unread.
//!
//! A sealed signature proves nothing to anybody else: whoever writes a request for a vendor that checks signatures must
//! leave out the thinking that has one of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What every sealed signature begins with; no vendor's base64 has a dot.
const MARK: &str = "qcc1.";

/// The signature under which thinking that nobody has signed goes to a client: it carries nothing but whence the thinking
/// came, so that it can be told from a vendor's own when the client gives it back.
pub const UNSIGNED: &str = "qcc1.unsigned.";

/// Seals what `owner`, a dialect, wants back.
#[must_use]
pub fn seal(owner: &str, words: &[u8]) -> String {
    format!("{MARK}{owner}.{}", URL_SAFE_NO_PAD.encode(words))
}

/// What [`seal`] was given. `None`: it was not sealed for this owner.
#[must_use]
pub fn unseal(owner: &str, signature: &str) -> Option<Vec<u8>> {
    let words = signature.strip_prefix(MARK)?.strip_prefix(owner)?.strip_prefix('.')?;
    URL_SAFE_NO_PAD.decode(words).ok()
}

/// Whether a signature was sealed, for any owner: then no vendor has signed it.
#[must_use]
pub fn is_sealed(signature: &str) -> bool {
    signature.starts_with(MARK)
}
