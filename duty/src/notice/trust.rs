//! Whom to trust when a receiver shows its certificate: the authorities of the machine, and those
//! of a file that the configuration names.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::send::Refusal;

/// Returns the TLS settings of a client.
pub(super) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, Refusal> {
    let mut roots = RootCertStore::empty();
    // A machine without authorities can still reach receivers that need none, or a private one.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in certificates(ca_file)? {
        roots.add(certificate).map_err(|e| Refusal::refused(format!("`ca_file`: {e}")))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| Refusal::refused(format!("TLS can't be set up: {e}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Returns the certificates of a PEM file.
pub(super) fn certificates(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let bad = |why: String| Refusal::refused(format!("{}: {why}", file.display()));
    let found = CertificateDer::pem_file_iter(file).map_err(|e| bad(e.to_string()))?;
    let found: Result<Vec<_>, _> = found.collect();
    match found {
        Ok(found) if found.is_empty() => Err(bad("there is no certificate in it".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(bad(error.to_string())),
    }
}
