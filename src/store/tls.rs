//! stub
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
}
