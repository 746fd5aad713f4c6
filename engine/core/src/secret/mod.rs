//! Secret values: where they may live, and how they are kept from everything else.
//!
//! A value enters a run once, is sealed under a key of that run, and is opened only inside a step.
//! The key is wrapped by the master key and lies in a file of its own, not in the journal's store:
//! a log-structured store keeps deleted records on disk until it happens to rewrite them, a file
//! can be overwritten and unlinked. When the run ends the key goes, and with it every value.
//!
//! | what | where | how |
//! |---|---|---|
//! | value | memory of a step | [`Secret`], zeroised on drop |
//! | value | memory of its run, once a text was to be shown | the states of an automaton that finds it; the key that opens it is there too |
//! | sealed value | journal | XChaCha20-Poly1305 under the run key, bound to run and name |
//! | run key | `keys/<run>.key` | XChaCha20-Poly1305 under the master key, deleted at the end |
//! | master key | `master.key` (0600) or a systemd credential | 32 bytes, as hex |

mod keyring;
mod keys;
mod mac;
mod redact;
mod seal;

pub use keyring::{KeyCopies, Keyring, MasterKey};
pub use keys::{FileKeys, KeyError, KeyStore, MemoryKeys, not_for_others};
pub use seal::{SealError, SealedValues};
pub use windlass_journal::secret::{Secret, SecretBuffer, as_text};
