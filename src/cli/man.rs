//! `defrost man [VERB]`: manual pages, made of the help.

use super::args::{ManArgs, man_pages};
use super::exit::{Exit, Failure};

pub(super) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let own = |error: anyhow::Error| {
        Failure::new(Exit::OwnFiles, error, "make room or rights for it, or name another folder")
    };
    let pages = man_pages().map_err(|error| own(error.into()))?;
    if let Some(folder) = &args.out {
        let what = || format!("cannot write manual pages into `{}`", folder.display());
        let told = |error: std::io::Error| own(anyhow::Error::new(error).context(what()));
        std::fs::create_dir_all(folder).map_err(told)?;
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).map_err(told)?;
        }
        return Ok(Exit::Done);
    }
    let name = args.verb.as_ref().map_or_else(|| "defrost.1".to_owned(), |verb| format!("defrost-{verb}.1"));
    let Some((_, text)) = pages.iter().find(|(known, _)| *known == name) else {
        let verbs: Vec<&str> =
            pages.iter().filter_map(|(name, _)| name.strip_prefix("defrost-")?.strip_suffix(".1")).collect();
        let verb = args.verb.clone().unwrap_or_default();
        let near = crate::job::nearest(&verb, verbs.iter().copied());
        let hint = near.map_or_else(
            || format!("it can be {}", verbs.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Failure::usage(format!("there is no verb `{verb}`"), hint));
    };
    super::out(text)?;
    Ok(Exit::Done)
}
