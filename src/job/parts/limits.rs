//! `[limits]`: bounds on requests.

use super::super::flags::Overrides;
use super::super::layers::Layers;
use super::super::read;
use super::super::spec::Limits;
use super::text_flag;
use crate::model::Provider;

/// Restore requests in flight: enough for 80 a second at 400 ms each.
const CONCURRENCY: u32 = 32;
/// List requests in flight. At 50 ms a page this is some 300,000 keys a second, of which the rate
/// below leaves 100,000.
const LIST_CONCURRENCY: u32 = 16;
/// Restore requests a second on COS, which allows 100 a second and bucket (source: COS limits page,
/// read 2026-11), and on OSS, which restores 100 DeepColdArchive objects a second and account on the
/// mean (500 of ColdArchive), takes more all the same, and serves them late without a word (source:
/// OSS "Limits and performance metrics" page, read 2026-11).
const RESTORE_RATE: u32 = 80;
/// Restore requests a second on S3, which allows 1,000 a second and account. Source: S3 "Restoring an
/// archived object" page, read 2026-11.
const S3_RESTORE_RATE: u32 = 800;
/// List requests a second: 100,000 keys a second, a tenth of what COS allows.
const LIST_RATE: u32 = 100;
/// HEAD requests a second.
const HEAD_RATE: u32 = 200;
/// Attempts for one request.
const MAX_ATTEMPTS: u32 = 8;
/// Bounds of what a job may ask for; beyond them lies a slip, not a wish.
const MOST_IN_FLIGHT: u64 = 4096;
/// Each list request in flight holds a page in memory, up to a megabyte.
const MOST_LISTS: u64 = 256;
const MOST_A_SECOND: u64 = 100_000;
const MOST_ATTEMPTS: u64 = 100;

/// `[limits]`.
pub(in super::super) fn limits(
    layers: &mut Layers<'_>,
    over: &Overrides,
    provider: Option<Provider>,
) -> Limits {
    let restore_rate = if provider == Some(Provider::S3) { S3_RESTORE_RATE } else { RESTORE_RATE };
    let mut number =
        |key: &str, flag: &Option<String>, most: u64, default: u32, is_rate: bool, unit: &str| {
            layers
                .value(key, text_flag(flag.as_ref()), |value| {
                    let number = if is_rate {
                        read::rate(value, 1..=most)
                    } else {
                        read::whole(value, 1..=most, unit)
                    };
                    number.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
                })
                .unwrap_or(default)
        };
    let concurrency =
        number("limits.concurrency", &over.concurrency, MOST_IN_FLIGHT, CONCURRENCY, false, "requests");
    Limits {
        concurrency,
        head_concurrency: number(
            "limits.head_concurrency",
            &over.head_concurrency,
            MOST_IN_FLIGHT,
            concurrency,
            false,
            "requests",
        ),
        list_concurrency: number(
            "limits.list_concurrency",
            &over.list_concurrency,
            MOST_LISTS,
            LIST_CONCURRENCY,
            false,
            "requests",
        ),
        restore_rate: number(
            "limits.restore_rate",
            &over.restore_rate,
            MOST_A_SECOND,
            restore_rate,
            true,
            "",
        ),
        list_rate: number("limits.list_rate", &over.list_rate, MOST_A_SECOND, LIST_RATE, true, ""),
        head_rate: number("limits.head_rate", &over.head_rate, MOST_A_SECOND, HEAD_RATE, true, ""),
        max_attempts: number(
            "limits.max_attempts",
            &over.max_attempts,
            MOST_ATTEMPTS,
            MAX_ATTEMPTS,
            false,
            "attempts",
        ),
    }
}
