//! A reader of the INI files of the vendors' tools, which names the line that it cannot read.
//!
//! What they have in common: `[section]`, `key = value` (coscmd, being Python, also takes
//! `key: value`), comments that begin with `#` or `;`. Keys are compared without letter case. An
//! indented pair under a key without value belongs to it, as in the `[services …]` sections of the
//! AWS files: it is kept as `key.inner`.

use std::collections::BTreeMap;

use super::{CredentialError, Environment};

/// One section: keys in lower case, values trimmed; empty values are left out.
pub(super) type Section = BTreeMap<String, String>;

/// All sections by name.
pub(super) type Sections = BTreeMap<String, Section>;

/// The sections of the file at `path`; `None` if there is no such file.
pub(super) fn load(environment: &Environment, path: &str) -> Result<Option<Sections>, CredentialError> {
    let Some(text) = environment.read(path)? else { return Ok(None) };
    parse(&text).map(Some).map_err(|(line, why)| CredentialError::File {
        path: path.to_owned(),
        line: Some(line),
        why: why.to_owned(),
    })
}

/// The sections of `text`, or the first line that makes no sense.
fn parse(text: &str) -> Result<Sections, (usize, &'static str)> {
    let mut sections = Sections::new();
    let mut current: Option<String> = None;
    // The key that an indented pair belongs to, while its value is empty.
    let mut parent: Option<String> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or((number, "the section name is not closed by `]`"))?;
            // A name with spaces may be quoted: [profile "my own"].
            let name = name.replace(['"', '\''], "");
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            sections.entry(name.clone()).or_default();
            current = Some(name);
            parent = None;
            continue;
        }
        let Some(section) = current.as_ref().and_then(|name| sections.get_mut(name)) else {
            return Err((number, "a line stands before the first [section]"));
        };
        let (key, value) = content
            .split_once(['=', ':'])
            .ok_or((number, "the line is neither `[section]` nor `key = value`"))?;
        let (mut key, value) = (key.trim().to_lowercase(), value.trim());
        if key.is_empty() {
            return Err((number, "the key is missing before `=`"));
        }
        if line.starts_with([' ', '\t']) {
            if let Some(parent) = &parent {
                key = format!("{parent}.{key}");
            }
        } else {
            parent = value.is_empty().then(|| key.clone());
        }
        if !value.is_empty() {
            section.insert(key, value.to_owned());
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_write_is_read() {
        let text = "\u{feff}# a comment\n[default]\naws_access_key_id = AK\nAWS_Secret_Access_Key=S=K:x\n\
                    empty =\n\n[profile  \"my own\"] ; why\nregion: eu-west-1\ns3 =\n  endpoint_url = http://h:9\n  \
                    max = 3\nrole_arn = arn:aws:iam::1:role/r\n[default]\nregion = us-east-1\n";
        let sections = parse(text).unwrap();
        let expected = [
            (
                "default",
                vec![
                    ("aws_access_key_id", "AK"),
                    ("aws_secret_access_key", "S=K:x"),
                    ("region", "us-east-1"),
                ],
            ),
            (
                "profile my own",
                vec![
                    ("region", "eu-west-1"),
                    ("role_arn", "arn:aws:iam::1:role/r"),
                    ("s3.endpoint_url", "http://h:9"),
                    ("s3.max", "3"),
                ],
            ),
        ];
        let expected: Sections = expected
            .into_iter()
            .map(|(name, pairs)| {
                let pairs = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                (name.to_owned(), pairs)
            })
            .collect();
        assert_eq!(sections, expected);
    }

    #[test]
    fn the_line_that_makes_no_sense_is_counted_and_not_shown() {
        for (text, line) in
            [("[a]\nk = v\nsecret\n", 3), ("\nk = v\n", 2), ("[a\nk = v", 1), ("[a]\n\n = v", 3)]
        {
            assert_eq!(parse(text).unwrap_err().0, line, "{text}");
        }
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("f"), "[a]\nhush-hush\n").unwrap();
        let env = Environment::new([], Some(home.path().to_owned()));
        assert_eq!(
            load(&env, "~/f").unwrap_err().to_string(),
            "cannot read `~/f` at line 2: the line is neither `[section]` nor `key = value`"
        );
        assert_eq!(load(&env, "~/none").unwrap(), None);
    }
}
