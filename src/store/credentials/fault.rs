//! Why there are no credentials. Nothing here ever holds a secret, or the content of a file.

/// No usable credentials: what was looked at, or which source is broken, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Every source was looked at, and none had any.
    #[error("no credentials for {store}: looked at {looked}")]
    NotFound {
        /// The store, as people call it.
        store: &'static str,
        /// The sources in the order they were asked, with what each said, if it said anything.
        looked: String,
        /// What would help.
        way_out: &'static str,
    },
    /// One of two variables that belong together is missing.
    #[error("`{set}` is set but `{missing}` is not")]
    HalfSet {
        /// The variable that is set.
        set: String,
        /// The one that is not.
        missing: String,
    },
    /// A file is there, but cannot be read or parsed.
    #[error("cannot read `{path}`{}: {why}", line.map(|n| format!(" at line {n}")).unwrap_or_default())]
    File {
        /// Its path.
        path: String,
        /// The line, counted from 1, if known.
        line: Option<usize>,
        /// What is wrong with it; never its content.
        why: String,
    },
    /// The profile that was asked for stands nowhere.
    #[error("no profile `{profile}`: looked at {looked}")]
    NoProfile {
        /// The profile's name.
        profile: String,
        /// The files that could have held it.
        looked: String,
    },
    /// A profile is there, but cannot be used as it stands.
    #[error("profile `{profile}` in {file} cannot be used: {why}")]
    Profile {
        /// The profile's name.
        profile: String,
        /// Where it stands.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A source is set up, but refused or failed.
    #[error("{origin} gave no credentials: {why}")]
    Refused {
        /// The source.
        origin: String,
        /// What it said, without anything that it was told.
        why: String,
    },
    /// The store says the token has lapsed, and the source still holds the same one.
    #[error("the security token from {origin} has lapsed")]
    Lapsed {
        /// The source.
        origin: String,
    },
}

impl CredentialError {
    /// The way out.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { way_out, .. } => way_out,
            Self::HalfSet { .. } => "set both variables or neither",
            Self::File { .. } | Self::Profile { .. } => "mend it, or take keys from the environment",
            Self::NoProfile { .. } => "name another with --profile, or set it up with the vendor's own tool",
            Self::Refused { .. } => "mend that source, or take keys from the environment",
            Self::Lapsed { .. } => "renew it there, then run the same line again",
        }
    }
}
