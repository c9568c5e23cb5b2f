//! A gzip body without a compressor: stored blocks (RFC 1951 3.2.4) in a gzip member (RFC 1952). Every decoder reads
//! them, and the program that ships the drill does not grow by a compression library.

/// Largest stored block: its length field has 16 bits.
const MAX_BLOCK: usize = 0xffff;

/// Wraps `data` as one gzip member.
#[must_use]
pub fn gzip(data: &[u8]) -> Vec<u8> {
    // Magic, method 8 (deflate), no flags, no time, no extra flags, unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = data.chunks(MAX_BLOCK).peekable();
    if blocks.peek().is_none() {
        stored_block(&mut out, &[], true);
    }
    while let Some(block) = blocks.next() {
        stored_block(&mut out, block, blocks.peek().is_none());
    }
    out.extend_from_slice(&crc32(data).to_le_bytes());
    // The format keeps the length modulo 2^32.
    #[expect(clippy::cast_possible_truncation, reason = "RFC 1952 wants exactly this")]
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out
}

fn stored_block(out: &mut Vec<u8>, block: &[u8], last: bool) {
    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
    out.push(u8::from(last));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(block);
}

/// CRC-32 of RFC 1952, bit by bit: test bodies are small.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::{crc32, gzip};

    #[test]
    fn the_checksum_is_that_of_the_format() {
        // The check value that CRC catalogues give for CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_body_longer_than_a_block_becomes_several_and_only_the_last_says_so() {
        let body = vec![b'a'; 0xffff + 2];
        let zipped = gzip(&body);
        assert_eq!(zipped[10], 0, "the first block is not the last");
        assert_eq!(zipped[10 + 5 + 0xffff], 1, "the second is");
        assert_eq!(zipped.len(), 10 + 2 * 5 + body.len() + 8);
    }

    #[test]
    fn an_empty_body_has_one_empty_last_block() {
        assert_eq!(gzip(b"")[10..15], [1, 0, 0, 0xff, 0xff]);
    }
}
