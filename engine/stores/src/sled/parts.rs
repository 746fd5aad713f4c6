//! Long values in parts.
//!
//! sled keeps some 16 values to a page, and writes a page of 128 KiB or more to a file of its own,
//! which it never syncs. Values of at most [`PART`] bytes keep pages below that. A value begins
//! with a byte that says how it is kept:
//!
//! | first byte | then |
//! |---|---|
//! | 0 | the value |
//! | 1 | its length (8 bytes, big-endian) and its SHA-256; the bytes are in the tree `parts` |
//!
//! The parts are written before the value that names them, so that whatever a crash leaves of a
//! value that was not synced, it is either whole or not there.

use sha2::{Digest, Sha256};

/// Bytes of a part: 17 of them, with their keys, stay well below 128 KiB.
pub(super) const PART: usize = 4096;

const WHOLE: u8 = 0;
const IN_PARTS: u8 = 1;

/// Keeps a value under a key: returns what goes into the tree, after its parts, if it has any.
///
/// `id` tells trees apart. `keep` is given the key and the bytes of each part.
///
/// # Errors
/// Those of `keep`.
pub(super) fn split<E>(
    id: u8,
    key: &[u8],
    value: &[u8],
    mut keep: impl FnMut(Vec<u8>, &[u8]) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    if value.len() <= PART {
        return Ok([&[WHOLE], value].concat());
    }
    for (number, part) in value.chunks(PART).enumerate() {
        keep(part_key(id, key, number), part)?;
    }
    let length = value.len() as u64;
    Ok([&[IN_PARTS][..], &length.to_be_bytes(), &Sha256::digest(value)].concat())
}

/// Returns the value that `kept` stands for. `part` returns the bytes kept under a part's key.
///
/// # Errors
/// Those of `part`; inside, what is missing or changed.
pub(super) fn join<E>(
    id: u8,
    key: &[u8],
    kept: &[u8],
    mut part: impl FnMut(Vec<u8>) -> Result<Option<Vec<u8>>, E>,
) -> Result<Result<Vec<u8>, String>, E> {
    let head = match kept.split_first() {
        Some((&WHOLE, value)) => return Ok(Ok(value.to_vec())),
        Some((&IN_PARTS, head)) => head.split_first_chunk::<8>(),
        _ => None,
    };
    let Some((length, hash)) = head else {
        return Ok(Err("a value has no form that is known".to_owned()));
    };
    let length = u64::from_be_bytes(*length);
    let mut value = Vec::new();
    for number in 0.. {
        if value.len() as u64 >= length {
            break;
        }
        let Some(bytes) = part(part_key(id, key, number))? else {
            return Ok(Err(format!("part {number} of a value is missing")));
        };
        value.extend_from_slice(&bytes);
    }
    if Sha256::digest(&value)[..] != *hash {
        return Ok(Err("the parts of a value don't belong together".to_owned()));
    }
    Ok(Ok(value))
}

/// Returns the keys of the parts of what `kept` stands for.
pub(super) fn keys(id: u8, key: &[u8], kept: &[u8]) -> Vec<Vec<u8>> {
    let head = kept.strip_prefix(&[IN_PARTS]).and_then(|head| head.first_chunk::<8>());
    let length = head.map_or(0, |length| u64::from_be_bytes(*length));
    let parts = length.div_ceil(PART as u64);
    (0..parts).map(|number| part_key(id, key, number as usize)).collect()
}

fn part_key(id: u8, key: &[u8], number: usize) -> Vec<u8> {
    [&[id], key, &(number as u64).to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn values_of_every_length_come_back_and_a_lost_part_shows() {
        for length in [0, 1, PART, PART + 1, 3 * PART, 3 * PART + 7] {
            let value: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut parts = BTreeMap::new();
            let keep = |key, part: &[u8]| {
                parts.insert(key, part.to_vec());
                Ok::<_, Infallible>(())
            };
            let kept = split(1, b"key", &value, keep).unwrap();
            let named = keys(1, b"key", &kept);
            assert_eq!(named, parts.keys().cloned().collect::<Vec<_>>());
            let get = |key| Ok::<_, Infallible>(parts.get(&key).cloned());
            assert_eq!(join(1, b"key", &kept, get).unwrap(), Ok(value));
            if parts.pop_last().is_some() {
                let get = |key| Ok::<_, Infallible>(parts.get(&key).cloned());
                assert!(join(1, b"key", &kept, get).unwrap().is_err());
            }
        }
    }
}
