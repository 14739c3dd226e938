//! The words of the report: state of an object, action of a run, reason in one word.

/// Writes an enum of words once: the variants, their text, and the way back from text.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it stands in reports, logs and job files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The variant whose word is `text`, in any letter case.
            #[must_use]
            pub fn from_word(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use words;

words! {
    /// Where an object stands.
    State {
        /// Its class needs no restore.
        Readable = "readable",
        /// Must be restored before it can be read. The stores do not tell "never restored" from "lapsed".
        Archived = "archived",
        /// A restore was asked for and is not ready.
        Restoring = "restoring",
        /// A readable copy exists until `expires_at`.
        Restored = "restored",
        /// The listing still shows a copy whose date has passed.
        Expired = "expired",
        /// The listing does not tell and HEAD was not allowed.
        Unknown = "unknown",
        /// Named by a key list, or listed a moment ago, but not in the store.
        Missing = "missing",
    }
}

words! {
    /// What this run did to an object.
    Action {
        /// Nothing: none was needed or asked for.
        None = "none",
        /// A dry run that would have sent a restore request.
        Planned = "planned",
        /// The store accepted a restore (202).
        Requested = "requested",
        /// The store moved the expiry of a readable copy (200).
        Extended = "extended",
        /// A restore is running already: told by the listing (no request sent, `http_status`
        /// empty) or by the store's refusal (409 `RestoreAlreadyInProgress`).
        Already = "already",
        /// Left for a later run: budget, window, cap.
        Deferred = "deferred",
        /// The readable copy was given back before it lapsed.
        Released = "released",
        /// Wanted, but refused or not possible; `reason` and `error_code` tell why.
        Failed = "failed",
    }
}

words! {
    /// What deserves a second look, whatever was done about it.
    Flag {
        /// It has been restoring for longer than its tier promises.
        Stuck = "stuck",
        /// Its readable copy lapses soon.
        Expiring = "expiring",
    }
}

words! {
    /// Why, in one word.
    Reason {
        /// The storage class needs or allows no restore.
        Class = "class",
        /// A readable copy exists and lasts long enough.
        StillValid = "still_valid",
        /// The class does not offer the tier that was asked for.
        TierNotOffered = "tier_not_offered",
        /// The class does not allow that number of days.
        DaysOutOfRange = "days_out_of_range",
        /// The store denied the right.
        Denied = "denied",
        /// The object or version is not there any more.
        Gone = "gone",
        /// The store kept asking to slow down until the attempts ran out.
        Throttled = "throttled",
        /// The store has no capacity left for this kind of request.
        Quota = "quota",
        /// The store could not be reached, or kept failing, until the attempts ran out.
        Network = "network",
        /// The store refused the request as malformed or not legal; see `error_code`.
        Refused = "refused",
        /// The run's budget or cap is used up.
        Budget = "budget",
        /// Outside the working hours of the job.
        Window = "window",
        /// The run was stopped before its turn came.
        Interrupted = "interrupted",
        /// The key cannot be sent byte for byte by this client; nothing was sent.
        UnsafeKey = "unsafe_key",
    }
}
