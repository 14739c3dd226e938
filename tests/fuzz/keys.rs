//! Keys: what is sent, and what is shown, leads back to the same bytes.

use defrost::pipeline::report::shown_key;
use defrost::store::dialect::encoding::{folds, path, query};

use super::Target;
use crate::support::decoded;

pub(super) struct Keys;

impl Target for Keys {
    fn name(&self) -> String {
        "keys".to_owned()
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        vec![
            b"logs/2024/01/a.gz".to_vec(),
            "d\u{fc}/\u{1f600} +%2F&=?#".as_bytes().to_vec(),
            b"a/../b/./c//d".to_vec(),
            b"\xff\xfe\x00\x01\n\r\t\"',;".to_vec(),
        ]
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "..", "/", "./", "%2e", "%2F", "%", "+", " ", "\\", "\u{0}", "\u{85}", "\u{fc}", "?", "#", "&",
            "=", "\"",
        ]
    }

    fn run(&mut self, input: &[u8]) -> bool {
        for text in [path(input), query(input)] {
            assert_eq!(decoded(&text), input);
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
            assert!(text.bytes().all(legal), "{text}");
        }
        assert!(!query(input).contains('/'));
        // A folder of dots is one that a URL would fold away, however it is written.
        let dots = input.split(|b| *b == b'/').any(|part| part == b"." || part == b"..");
        assert_eq!(folds(&format!("/{}", path(input))), dots);
        let (shown, is_encoded) = shown_key(input);
        assert!(!shown.contains(char::is_control));
        let back = if is_encoded { decoded(&shown) } else { shown.as_bytes().to_vec() };
        assert_eq!(back, input);
        true
    }
}
