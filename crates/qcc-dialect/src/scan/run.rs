//! Decides how far a string goes on without anything to look at: the one loop that sees every byte.

/// How many leading bytes of a string's inside need no attention: no quote, backslash or control byte.
///
/// Names and lines of code end within some ten bytes, so eight bytes are tried at a time first. Base64 and
/// prose run on; there blocks are tested whole, in a form that the compiler turns into vector instructions.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    for _ in 0..8 {
        let Some(word) = bytes[run..].first_chunk() else { break };
        let hits = special_bytes(u64::from_le_bytes(*word));
        if hits != 0 {
            return run + hits.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    let (blocks, _) = bytes[run..].as_chunks::<64>();
    run += 64 * blocks.iter().take_while(|block| !has_special(block)).count();
    while let Some(word) = bytes[run..].first_chunk() {
        let hits = special_bytes(u64::from_le_bytes(*word));
        if hits != 0 {
            return run + hits.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + bytes[run..].iter().take_while(|&&byte| !is_special(byte)).count()
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// Without early exit, which would keep the loop from being vectorised.
#[inline]
fn has_special(block: &[u8; 64]) -> bool {
    block
        .iter()
        .fold(0, |found, &byte| found | u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20))
        != 0
}

/// Sets the high bit of each byte that needs attention. A borrow may also mark bytes above a true hit,
/// so only the lowest mark counts; the word is little-endian, so that one is the first.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    ((quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash) | control) & HIGH
}
