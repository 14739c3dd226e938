//! `[safety]`: when a run has had enough.

use super::super::flags::Overrides;
use super::super::layers::Layers;
use super::super::read;
use super::super::spec::Safety;
use super::text_flag;

/// `[safety]`.
pub(in super::super) fn safety(layers: &mut Layers<'_>, over: &Overrides) -> Safety {
    let default = Safety::default();
    let max_failures = layers.value("safety.max_failures", text_flag(over.max_failures.as_ref()), |value| {
        read::unless_none(value, read::share)
    });
    let same =
        layers.value("safety.max_same_refusals", text_flag(over.max_same_refusals.as_ref()), |value| {
            read::whole(value, 0..=u64::MAX, "refusals (0 for never)")
        });
    let confirm_over = layers.value("safety.confirm_over", text_flag(over.confirm_over.as_ref()), |value| {
        read::unless_none(value, read::size)
    });
    Safety {
        max_failures: max_failures.unwrap_or(default.max_failures),
        max_same_refusals: same.unwrap_or(default.max_same_refusals),
        confirm_over: confirm_over.unwrap_or(default.confirm_over),
    }
}
