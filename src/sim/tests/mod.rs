//! Tests that need more than one file: rules, whole answers through a socket, faults.

mod calls;
mod ground;
mod restore;

/// The headers that sign a request.
fn signed(_server: &super::Server, _line: &str, _headers: &str, _body: &str) -> String {
    "Authorization: defrost-sim\r\n".to_owned()
}
