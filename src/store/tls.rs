//! The one TLS stack: rustls over ring, with the machine's own roots.
//!
//! On Linux the roots come from the system's store; `SSL_CERT_FILE` and `SSL_CERT_DIR` name another
//! one, as the verifier itself reads them. `AWS_CA_BUNDLE` adds to it, see [`extra_roots`].

use super::credentials::{CredentialError, Environment};

/// A client builder that is ready for TLS. Redirects are off: a signature is good for one host
/// only, and a redirect could carry a token elsewhere.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("defrost/", env!("CARGO_PKG_VERSION")))
}

/// The certificates of `AWS_CA_BUNDLE`, to be passed to
/// [`tls_certs_merge`](reqwest::ClientBuilder::tls_certs_merge); empty if it is not set.
///
/// # Errors
/// [`CredentialError::File`] if the bundle is missing, unreadable or holds no certificate: going
/// on without it would only fail later, with a message about an unknown issuer.
pub(crate) fn extra_roots(environment: &Environment) -> Result<Vec<reqwest::Certificate>, CredentialError> {
    const NAME: &str = "AWS_CA_BUNDLE";
    let Some(named) = environment.var(NAME) else { return Ok(Vec::new()) };
    let fault = |why: &str| CredentialError::File { path: named.to_owned(), line: None, why: why.to_owned() };
    let text =
        environment.read(named)?.ok_or_else(|| fault("AWS_CA_BUNDLE names it, but it does not exist"))?;
    match reqwest::Certificate::from_pem_bundle(text.as_bytes()) {
        Ok(roots) if !roots.is_empty() => Ok(roots),
        _ => Err(fault("AWS_CA_BUNDLE names it, but it holds no PEM certificate")),
    }
}

/// What TLS made a request fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsFault {
    /// The server's certificate is not accepted.
    Untrusted,
    /// What the server speaks is not TLS.
    NotTls,
    /// Anything else.
    Other,
}

/// What TLS made the request of `error` fail; `None` if it was not TLS.
pub(crate) fn fault(error: &(dyn std::error::Error + 'static)) -> Option<TlsFault> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(match found {
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                    TlsFault::Untrusted
                }
                rustls::Error::InvalidMessage(_) => TlsFault::NotTls,
                _ => TlsFault::Other,
            });
        }
        // An I/O error leaves itself out of the chain: its source is the source of what it wraps.
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_built_more_than_once() {
        client_builder().build().unwrap();
        client_builder().build().unwrap();
    }

    #[test]
    fn a_bundle_that_is_not_one_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("roots.pem");
        std::fs::write(&path, "not a certificate").unwrap();
        let named =
            |path: &std::path::Path| Environment::new([("AWS_CA_BUNDLE", path.to_str().unwrap())], None);
        for bad in [path.clone(), home.path().join("missing.pem")] {
            let error = extra_roots(&named(&bad)).unwrap_err().to_string();
            assert!(error.contains(bad.to_str().unwrap()) && error.contains("AWS_CA_BUNDLE"), "{error}");
        }
        assert!(extra_roots(&Environment::new([("X", "y")], None)).unwrap().is_empty());
    }
}
