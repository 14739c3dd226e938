//! stub
use super::dialect::Credentials;
use std::sync::Arc;
/// stub
#[derive(Debug)]
pub struct CredentialSource;
/// stub
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct CredentialError;
impl CredentialSource {
    /// stub
    pub async fn get(&self) -> Result<Arc<Credentials>, CredentialError> {
        Err(CredentialError)
    }
    /// stub
    pub async fn renew(&self, _s: &Credentials) -> Result<Arc<Credentials>, CredentialError> {
        Err(CredentialError)
    }
}
