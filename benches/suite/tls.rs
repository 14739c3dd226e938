//! The bench's own store behind TLS, as every store of a vendor is.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The only name that its certificate is good for.
pub(crate) const HOST: &str = "localhost";

/// What speaks TLS, with a new certificate that its own holder has signed; it is left at `path`, for
/// the client to trust.
pub(crate) fn acceptor(path: &Path) -> Result<TlsAcceptor> {
    let pair = KeyPair::generate()?;
    let certificate = CertificateParams::new([HOST.to_owned()])?.self_signed(&pair)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    std::fs::write(path, certificate.pem()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
