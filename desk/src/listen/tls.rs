//! TLS from certificate files. They are read again when they change: a certificate that is renewed
//! every two months must not need a restart.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use windlass_engine::secret::{KeyError, not_for_others};

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path} can't be read: {error}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others can read the key.
    #[error(transparent)]
    Exposed(#[from] KeyError),
    /// A file holds something else.
    #[error("{path} holds no {expected} in PEM: {error}", path = .path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// Why not.
        error: String,
    },
    /// The two don't fit together, or are of a kind that is not supported.
    #[error("the certificate and its key can't be used: {0}")]
    Unfit(rustls::Error),
}

/// Returns what speaks TLS with these files.
///
/// # Errors
/// If they can't be read, or don't fit together.
pub(crate) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let files = Files { cert: cert.to_owned(), key: key.to_owned() };
    let held = Held { key: files.read()?, changed: files.changed(), looked: Instant::now() };
    let resolver = Renewing { files, held: Mutex::new(held) };
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unfit)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn read(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| TlsError::File { path: path.to_owned(), error })
        };
        let unfit = |path: &Path, expected, error: &dyn std::fmt::Display| TlsError::Pem {
            path: path.to_owned(),
            expected,
            error: error.to_string(),
        };
        let certs = CertificateDer::pem_slice_iter(&read(&self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| unfit(&self.cert, "certificate", &e))?;
        if certs.is_empty() {
            return Err(unfit(&self.cert, "certificate", &"it has none"));
        }
        if let Err(error @ KeyError::Exposed { .. }) = not_for_others(&self.key) {
            return Err(error.into());
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|e| unfit(&self.key, "private key", &e))?;
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(certs, key, &provider).map_err(TlsError::Unfit)?;
        Ok(Arc::new(key))
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
    }
}

#[derive(Debug)]
struct Held {
    key: Arc<CertifiedKey>,
    changed: [Option<SystemTime>; 2],
    looked: Instant,
}

/// Hands out the certificate, and reads it again when the files are new.
#[derive(Debug)]
struct Renewing {
    files: Files,
    held: Mutex<Held>,
}

impl Renewing {
    fn current(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(held.looked) >= LOOK_EVERY {
            held.looked = now;
            let changed = self.files.changed();
            if changed != held.changed {
                match self.files.read() {
                    Ok(key) => (held.key, held.changed) = (key, changed),
                    // Half written, perhaps: the old one serves until the new one is whole.
                    Err(error) => tracing::error!(%error, "the new certificate is not used"),
                }
            }
        }
        held.key.clone()
    }
}

impl ResolvesServerCert for Renewing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(files: &Files) -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o600)).unwrap();
        made.cert.der().to_vec()
    }

    #[test]
    fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files { cert: directory.path().join("c"), key: directory.path().join("k") };
        let first = write(&files);
        // A moment that no file has: whatever is written next is new.
        let held =
            Held { key: files.read().unwrap(), changed: [None, None], looked: Instant::now() };
        let renewing = Renewing { files, held: Mutex::new(held) };
        let (soon, later) = (Instant::now(), Instant::now() + LOOK_EVERY);
        let shown = |now| renewing.current(now).cert[0].to_vec();

        let second = write(&renewing.files);
        assert_eq!(shown(soon), first);
        assert_eq!(shown(later), second);
        std::fs::write(&renewing.files.cert, "half of a certif").unwrap();
        renewing.held.lock().unwrap().changed = [None, None];
        assert_eq!(shown(later + LOOK_EVERY), second);
    }
}
