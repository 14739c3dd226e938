//! `defrost explain [CODE]`: what a code or a word means, and what to do about it.

use super::args::ExplainArgs;
use super::exit::{Exit, Failure};
use crate::job::nearest;
use crate::ui::{entry, explained, explained_json, listed, listed_json, names};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let text = match &args.code {
        None if args.json => listed_json(),
        None => listed(),
        Some(code) => {
            let (entry, name) = entry(code.trim()).ok_or_else(|| unknown(code))?;
            if args.json { explained_json(entry, name) + "\n" } else { explained(entry, name) }
        }
    };
    super::out(text.as_bytes())?;
    Ok(Exit::Done)
}

fn unknown(code: &str) -> Failure {
    let number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let hint = match nearest(code, names()) {
        // A number is near to no other in meaning.
        _ if number(code.trim()) => {
            let known: Vec<&str> = names().filter(|name| number(name)).collect();
            format!("the exit codes and HTTP statuses that are known: {}", known.join(", "))
        }
        Some(name) => format!("did you mean `{name}`? `defrost explain` lists all that are known"),
        None => "`defrost explain` lists all that are known; of a code that is not among them the error's own message \
                 and the vendor's documentation tell more"
            .to_owned(),
    };
    Failure::usage(format!("`{code}` is no code or word that defrost knows"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_put_right() {
        assert!(unknown("RestoreAlredyInProgress").hint.unwrap().contains("`RestoreAlreadyInProgress`"));
        let told = unknown("9").hint.unwrap();
        assert!(
            !told.contains("did you mean") && told.contains(" 0, 1, 2,") && told.contains(", 503"),
            "{told}"
        );
        assert!(!unknown("Xyzzy").hint.unwrap().contains("did you mean"));
    }

    #[test]
    fn every_exit_code_is_explained() {
        for exit in Exit::ALL {
            assert!(entry(&(exit as u8).to_string()).is_some(), "{exit:?}");
        }
    }
}
