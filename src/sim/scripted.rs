//! The answer that a rule puts in place of the true one.

use super::auth::Denial;
use super::bucket::Bucket;
use super::fault::{Fault, FaultKind};
use super::wire::date::Secs;
use super::wire::denial::denial;
use super::wire::fail::{Fail, Wrong, refusal};
use super::wire::reply::Reply;

/// The answer that a rule puts in place of the true one, if it does.
pub(super) fn scripted(bucket: &Bucket, fault: &Fault, now: Secs) -> Option<Result<Reply, Fail>> {
    let word = |wrong| {
        let mut fail = refusal(bucket.dialect, wrong, &bucket.name);
        if let Some(code) = &fault.code {
            fail.code.clone_from(code);
        }
        fail
    };
    Some(Err(match fault.kind {
        FaultKind::SlowDown => word(Wrong::SlowDown),
        FaultKind::NoCapacity => word(Wrong::NoCapacity),
        FaultKind::Internal => word(Wrong::Internal),
        FaultKind::ErrorIn200 => Fail { status: 200, ..word(Wrong::Internal) },
        FaultKind::Error => {
            let code = fault.code.clone().unwrap_or_else(|| "InternalError".to_owned());
            word(Wrong::Scripted(fault.status.unwrap_or(500), code))
        }
        FaultKind::ExpiredToken => denial(bucket.dialect, Denial::ExpiredToken),
        FaultKind::Skewed => {
            denial(bucket.dialect, Denial::Skewed { request_time: now - 3600, server_time: now })
        }
        FaultKind::Bare503 => {
            let reply = Reply::new(503);
            return Some(Ok(match fault.retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }));
        }
        FaultKind::Answer => {
            let body = fault.body.clone().unwrap_or_default().into_bytes();
            let reply = Reply { body, ..Reply::new(fault.status.unwrap_or(200)) };
            return Some(Ok(match fault.retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }));
        }
        FaultKind::Redirect => {
            let place = fault.location.as_deref().unwrap_or("/");
            return Some(Ok(Reply::new(fault.status.unwrap_or(307)).with("location", place)));
        }
        FaultKind::Edit
        | FaultKind::Utf16
        | FaultKind::Oversize
        | FaultKind::Overstated
        | FaultKind::Understated
        | FaultKind::Drip
        | FaultKind::Disorder
        | FaultKind::Stray
        | FaultKind::Reset
        | FaultKind::LostAnswer
        | FaultKind::Cut
        | FaultKind::Stall
        | FaultKind::Slow
        | FaultKind::Torn
        | FaultKind::RepeatToken
        | FaultKind::EmptyPage => return None,
    }))
}
