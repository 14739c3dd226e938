//! What a store decides on a restore request: the vendors' rules, pure.

use super::class::{Tier, Vault};
use super::config::{Dialect, Extension, Quirks};
use super::mark::{Mark, Phase, expiry};
use super::version::Version;
use super::wire::ask::{Body, Node};
use super::wire::date::Secs;
use super::wire::fail::Wrong;

const DAY: Secs = 86_400;

/// What a body asks for, once it has passed the vendor's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    days: u32,
    tier: Tier,
}

/// How a request was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 202.
    Accepted(Mark),
    /// 200.
    Extended(Mark),
    /// Refused.
    Refused(Wrong),
}

/// Decides on `body` for `version` at `now`, in the order class, body, state.
pub(super) fn decide(
    dialect: Dialect,
    quirks: &Quirks,
    version: &Version<'_>,
    body: &Body,
    now: Secs,
) -> Verdict {
    let refused = Verdict::Refused;
    if version.symlink.is_some() {
        return refused(Wrong::NotArchived);
    }
    let tiering = version.class.is_tiering();
    let Some(vault) = version.vault(dialect, now) else {
        let active = tiering && dialect == Dialect::S3;
        return refused(if active { Wrong::ActiveTier } else { Wrong::NotArchived });
    };
    let ask = match read(dialect, vault, tiering, body) {
        Ok(ask) => ask,
        Err(wrong) => return refused(wrong),
    };
    let Some(takes) = vault.ready_after(ask.tier) else { return refused(Wrong::TierNotOffered) };
    let takes = scaled(takes, quirks.ready_scale);
    let fresh = |ready: Secs| Mark {
        tier: ask.tier,
        days: ask.days,
        asked: now,
        ready,
        expires: if tiering { None } else { Some(expiry(dialect, ready, ask.days)) },
    };
    // Source: S3 RestoreObject page. A copy that is there takes no retrieval, and so no capacity.
    let retrieves = !matches!(version.phase(now), Phase::Ready(_));
    if quirks.no_expedited && dialect == Dialect::S3 && ask.tier == Tier::Expedited && retrieves {
        return refused(Wrong::NoCapacity);
    }
    match version.phase(now) {
        Phase::Frozen | Phase::Lapsed(_) | Phase::Online(_) => Verdict::Accepted(fresh(now + takes)),
        Phase::Running(mark) => {
            let faster = ask.tier < mark.tier && !quirks.no_upgrade;
            match dialect {
                // Source: zh RestoreObject page: a higher priority is taken for CA and DCA.
                Dialect::Oss if vault == Vault::OssArchive => refused(Wrong::Running),
                Dialect::Oss if faster => Verdict::Accepted(fresh(mark.ready.min(now + takes))),
                Dialect::Oss if ask.tier > mark.tier => refused(Wrong::Slower),
                // Source: POST Object restore page: repeats on DEEP_ARCHIVE are merged to the fastest.
                Dialect::Cos if faster && vault == Vault::CosDeep => {
                    Verdict::Accepted(fresh(mark.ready.min(now + takes)))
                }
                // Source: S3 "Upgrading the speed of an in-progress restore": the days must not change.
                Dialect::S3 if faster && ask.days == mark.days => {
                    Verdict::Accepted(fresh(mark.ready.min(now + takes)))
                }
                Dialect::Oss | Dialect::Cos | Dialect::S3 => refused(Wrong::Running),
            }
        }
        Phase::Ready(mark) => {
            let anew = expiry(dialect, now, ask.days);
            let expires = if dialect == Dialect::Oss && quirks.extension == Extension::Add {
                let sum = mark.expires.unwrap_or(now) + Secs::from(ask.days) * DAY;
                sum.min(mark.ready + Secs::from(vault.max_days()) * DAY)
            } else {
                anew
            };
            Verdict::Extended(Mark { expires: Some(expires), days: ask.days, ..mark })
        }
    }
}

/// Decides on the release of the copy of `version` at `now`: the mark that it leaves, if it was there.
/// Source: OSS CleanRestoredObject page, read 2026-11, which names no answer for an online class.
pub(super) fn clean(dialect: Dialect, version: &Version<'_>, now: Secs) -> (Option<Mark>, Result<(), Wrong>) {
    if version.symlink.is_some() || version.vault(dialect, now).is_none() {
        return (None, Err(Wrong::NotArchived));
    }
    match version.phase(now) {
        Phase::Ready(mark) => (Some(Mark { expires: Some(now), ..mark }), Ok(())),
        Phase::Running(_) => (None, Err(Wrong::NotFinished)),
        Phase::Frozen | Phase::Lapsed(_) | Phase::Online(_) => (None, Err(Wrong::Stale)),
    }
}

/// `takes` by the factor of a quirk.
fn scaled(takes: Secs, factor: Option<f64>) -> Secs {
    match factor {
        Some(f) if f.is_finite() && f >= 0.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most two days by a factor; `as` saturates"
            )]
            let seconds = (takes as f64 * f) as Secs;
            seconds.min(Secs::from(u32::MAX))
        }
        _ => takes,
    }
}

/// Reads a body by the vendor's rules for the class.
fn read(dialect: Dialect, vault: Vault, tiering: bool, body: &Body) -> Result<Ask, Wrong> {
    let root = match (body, dialect) {
        // Source: OSS RestoreObject page: one day, and the standard priority.
        (Body::Empty, Dialect::Oss) => return Ok(Ask { days: 1, tier: Tier::Standard }),
        (Body::Empty, _) => return Err(Wrong::NoBody),
        (Body::Broken, _) => return Err(Wrong::Malformed("0016-00000706")),
        (Body::Root(root), _) if root.name != "RestoreRequest" => {
            return Err(Wrong::Malformed("0016-00000706"));
        }
        (Body::Root(root), _) => root,
    };
    let mut days = None;
    let mut tier = None;
    let job = match dialect {
        Dialect::Oss => "JobParameters",
        Dialect::Cos => "CASJobParameters",
        Dialect::S3 => "GlacierJobParameters",
    };
    for child in &root.children {
        match child.name.as_str() {
            "Days" if days.is_none() => days = Some(child),
            // Source: OSS error page 0016-00000707.
            "Days" => return Err(Wrong::Malformed("0016-00000707")),
            name if name == job && tier.is_none() && vault != Vault::OssArchive => {
                tier = Some(read_tier(child)?);
            }
            "GlacierJobParameters" => return Err(Wrong::Malformed("0016-00000709")),
            "OutputLocation" => return Err(Wrong::Malformed("0016-00000710")),
            "Type" => return Err(Wrong::Malformed("0016-00000713")),
            _ => return Err(Wrong::Malformed("0016-00000714")),
        }
    }
    let tier = match tier.flatten() {
        None => Tier::Standard,
        Some(word) => Tier::from_wire(word).ok_or(match dialect {
            Dialect::S3 => Wrong::Malformed(""),
            Dialect::Oss | Dialect::Cos => Wrong::TierNotOffered,
        })?,
    };
    let days = match (days, dialect) {
        (Some(_), Dialect::S3) if tiering => return Err(Wrong::DaysForbidden),
        (_, Dialect::S3 | Dialect::Cos) if tiering => 0,
        (None, Dialect::S3) => return Err(Wrong::Malformed("")),
        (None, _) => return Err(Wrong::Days(vault)),
        (Some(node), _) => {
            let number = node.text.parse::<u32>().ok().filter(|n| (1..=vault.max_days()).contains(n));
            number.ok_or(if dialect == Dialect::S3 { Wrong::Malformed("") } else { Wrong::Days(vault) })?
        }
    };
    Ok(Ask { days, tier })
}

/// The tier that a job element names, if it names one.
fn read_tier(job: &Node) -> Result<Option<&str>, Wrong> {
    match job.children.as_slice() {
        [] => Ok(None),
        [tier] if tier.name == "Tier" => Ok(Some(tier.text.as_str())),
        _ => Err(Wrong::Malformed("0016-00000714")),
    }
}
