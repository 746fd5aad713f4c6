//! Identifiers as swarmkit makes them: 25 characters of base 36. From a seed, so that the same
//! history gives the same IDs.

use std::fmt;

const LENGTH: usize = 25;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The ID of an object; a plain copy, because there are many.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id([u8; LENGTH]);

impl Id {
    /// Returns the ID if the text is one.
    pub(crate) fn parse(text: &str) -> Option<Id> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|b| DIGITS.contains(b)).then_some(Id(bytes))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns a number that belongs to this ID: for times that differ between tasks, and for the
    /// IDs of containers.
    pub(crate) fn number(&self, salt: u64) -> u64 {
        self.0.iter().fold(mixed(salt), |sum, byte| mixed(sum ^ u64::from(*byte)))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where new IDs come from.
#[derive(Debug, Clone)]
pub(crate) struct Ids(u64);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Ids(mixed(seed))
    }

    pub(crate) fn id(&mut self) -> Id {
        let (mut left, mut high) = (self.number(), self.number());
        Id(std::array::from_fn(|i| {
            if i == LENGTH / 2 {
                std::mem::swap(&mut left, &mut high);
            }
            let digit = DIGITS[usize::try_from(left % 36).unwrap_or(0)];
            left /= 36;
            digit
        }))
    }

    /// Returns the next number of the sequence (SplitMix64).
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_swarms_and_come_from_the_seed() {
        let (mut one, mut two, mut other) = (Ids::new(1), Ids::new(1), Ids::new(2));
        let id = one.id();
        assert_eq!(id, two.id());
        assert_ne!(id, other.id());
        assert_ne!(id, one.id());
        assert_eq!(Id::parse(id.as_str()), Some(id));
        assert_eq!(Id::parse("short"), None);
    }
}
