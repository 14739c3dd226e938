//! Request ids, in each vendor's shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::config::Dialect;
use super::super::generate::scramble;

/// The ids of one answer, in the vendor's shape.
pub(in crate::sim) fn request_ids(dialect: Dialect, serial: u64) -> (String, String) {
    match dialect {
        Dialect::Oss => (format!("{serial:016X}{:08X}", scramble(serial) >> 32), String::new()),
        Dialect::Cos => {
            let id = STANDARD.encode(format!("{:x}_{:x}", serial >> 32, serial & 0xffff_ffff));
            (id, STANDARD.encode(format!("{:016x}{:016x}", scramble(serial), scramble(!serial))))
        }
        Dialect::S3 => {
            let mut second = Vec::with_capacity(48);
            for n in 0..6 {
                second.extend_from_slice(&scramble(serial ^ n).to_be_bytes());
            }
            (format!("{serial:016X}"), STANDARD.encode(second))
        }
    }
}
