//! Bytes that grow without leaving copies of themselves behind.

use std::io::{self, Write};
use std::ops::Deref;

use zeroize::Zeroizing;

/// Text on its way in or out that may hold secret values. A vector that grows gives its old memory
/// back as it is; this one wipes it first, and the rest when it is dropped.
#[derive(Default)]
pub struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// Adds bytes at the end.
    pub fn extend(&mut self, more: &[u8]) {
        let needed = self.0.len() + more.len();
        if needed > self.0.capacity() {
            let room = needed.max(2 * self.0.capacity());
            let mut wider = Zeroizing::new(Vec::with_capacity(room));
            wider.extend_from_slice(&self.0);
            // The narrower one is wiped as it is dropped.
            self.0 = wider;
        }
        self.0.extend_from_slice(more);
    }
}

impl Deref for SecretBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_piece_by_piece_is_there_as_a_whole() {
        let mut buffer = SecretBuffer::default();
        let pieces: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; usize::from(n)]).collect();
        pieces.iter().for_each(|piece| buffer.extend(piece));
        assert_eq!(&*buffer, pieces.concat());
    }
}
