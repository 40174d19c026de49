use std::time::{Duration, UNIX_EPOCH};

use nexus_raw::{ports::BoxError, time::Timestamp};
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

/// The longest accepted `Retry-After`, so that a receiver cannot stop delivery for long.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

/// The meaning of the receiver's response for the event.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken,
    NotTaken(PostError),
}

/// Why an event was not taken.
#[derive(Debug)]
pub(super) enum PostError {
    /// The receiver will never take it.
    Refused(BoxError),
    /// The receiver failed on it and may take it later.
    Failed(BoxError),
    /// The receiver cannot take events now, nor before `retry_after`.
    Unavailable {
        reason: BoxError,
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// Classifies a response. Only a status about the event itself refuses it. 5xx is a failure on
    /// this event, except 502, 503 and 504, which come from a proxy or from the receiver's state.
    /// A wrong path, a missing permission or a receiver that is gone is not about the event: an
    /// operator can fix it, and no event is lost meanwhile.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let reason: BoxError = format!("receiver answered {}", status.as_u16()).into();
        match status {
            status if status.is_success() => Self::Taken,
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Self::NotTaken(PostError::Refused(reason)),
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::NotTaken(PostError::Unavailable {
                reason,
                retry_after: retry_after(headers, now),
            }),
            status if status.is_server_error() => Self::NotTaken(PostError::Failed(reason)),
            // "the sender SHOULD refrain from sending any further notifications" (HTTP web hooks
            // for event delivery, section 2.2)
            StatusCode::GONE => Self::NotTaken(PostError::Unavailable {
                reason,
                retry_after: Some(MAX_RETRY_AFTER),
            }),
            _ => Self::NotTaken(PostError::Unavailable {
                reason,
                retry_after: retry_after(headers, now),
            }),
        }
    }
}

/// Reads `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3). A date depends on both
/// clocks; the result is at most [`MAX_RETRY_AFTER`].
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit());
    let delay = if is_number {
        Duration::from_secs(after.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(after).ok()?;
        let date = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let now = u64::try_from(now.as_unix_seconds()).unwrap_or(0);
        Duration::from_secs(date.saturating_sub(now))
    };
    Some(delay.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    fn verdict(status: u16, retry_after: Option<&'static str>) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        Verdict::of(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            sample::now(),
        )
    }

    #[test]
    fn every_success_takes_the_event() {
        for status in [200, 201, 202, 204, 299] {
            assert!(matches!(verdict(status, None), Verdict::Taken), "{status}");
        }
    }

    #[test]
    fn only_an_answer_about_the_event_refuses_it() {
        for status in 300..=599 {
            let refused = matches!(
                verdict(status, None),
                Verdict::NotTaken(PostError::Refused(_))
            );
            assert_eq!(refused, [400, 413, 415, 422].contains(&status), "{status}");
            let failed = matches!(
                verdict(status, None),
                Verdict::NotTaken(PostError::Failed(_))
            );
            let is_failure = status >= 500 && ![502, 503, 504].contains(&status);
            assert_eq!(failed, is_failure, "{status}");
        }
    }

    #[test]
    fn a_receiver_may_request_a_pause_of_up_to_five_minutes() {
        for (requested, given) in [
            (None, None),
            (Some("7"), Some(7)),
            (Some("0"), Some(0)),
            (Some("301"), Some(300)),
            (Some("99999999999999999999999"), Some(300)),
            (Some("-1"), None),
            (Some("1.5"), None),
            (Some(""), None),
            // the sample's time is 2026-11-24T01:00:00Z
            (Some("Tue, 24 Nov 2026 01:00:07 GMT"), Some(7)),
            (Some("Tuesday, 24-Nov-26 01:01:00 GMT"), Some(60)),
            (Some("Tue Nov 24 01:00:00 2026"), Some(0)),
            (Some("Mon, 23 Nov 2026 01:00:00 GMT"), Some(0)),
            (Some("Fri, 27 Nov 2026 11:00:00 GMT"), Some(300)),
            (Some("Tue, 24 Nov 2026 01:00:07 CET"), None),
            (Some("soon"), None),
        ] {
            for status in [429, 503] {
                let Verdict::NotTaken(PostError::Unavailable { retry_after, .. }) =
                    verdict(status, requested)
                else {
                    panic!("{status}")
                };
                assert_eq!(retry_after, given.map(Duration::from_secs), "{requested:?}");
            }
        }
    }

    #[test]
    fn a_receiver_that_is_gone_is_tried_rarely() {
        let Verdict::NotTaken(PostError::Unavailable { retry_after, .. }) = verdict(410, None)
        else {
            panic!()
        };
        assert_eq!(retry_after, Some(MAX_RETRY_AFTER));
    }
}
