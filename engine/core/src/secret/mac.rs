//! HMAC-SHA256, for fingerprints and derived keys.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Returns the HMAC of the bytes.
pub(super) fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}
