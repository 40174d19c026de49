use std::time::{Duration, UNIX_EPOCH};

use nexus_raw::{ports::BoxError, time::Timestamp};
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

/// The longest that a receiver can have us wait: one that asks for a year is asked again today.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// What the receiver's answer means for the event.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken,
    NotTaken(NotTaken),
}

/// Why an event was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// It never will be.
    Refused(BoxError),
    /// The receiver stumbled over it, and may not the next time.
    Failed(BoxError),
    /// Not now; `rest`: not before that time has passed.
    Unavailable {
        reason: BoxError,
        rest: Option<Duration>,
    },
}

impl Verdict {
    /// Only an answer about the event itself refuses it. That it failed, and not the receiver as a
    /// whole, is what 500 and its like say: 502, 503 and 504 come from what stands before the
    /// receiver, or of its own state. A wrong path, a withdrawn right or a
    /// receiver that is gone says nothing of the event: an operator can mend it, and nothing was
    /// lost meanwhile.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let reason: BoxError = format!("the receiver answered {}", status.as_u16()).into();
        match status {
            status if status.is_success() => Self::Taken,
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Self::NotTaken(NotTaken::Refused(reason)),
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::NotTaken(NotTaken::Unavailable {
                reason,
                rest: rest_of(headers, now),
            }),
            status if status.is_server_error() => Self::NotTaken(NotTaken::Failed(reason)),
            // "the sender SHOULD refrain from sending any further notifications" (HTTP web hooks
            // for event delivery, section 2.2)
            StatusCode::GONE => Self::NotTaken(NotTaken::Unavailable {
                reason,
                rest: Some(LONGEST_REST),
            }),
            _ => Self::NotTaken(NotTaken::Unavailable {
                reason,
                rest: rest_of(headers, now),
            }),
        }
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3). A date is as good as both
/// clocks are; whatever it says, it holds nothing up for longer than [`LONGEST_REST`].
fn rest_of(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit());
    let rest = if is_number {
        Duration::from_secs(after.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(after).ok()?;
        let date = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let now = u64::try_from(now.as_unix_seconds()).unwrap_or(0);
        Duration::from_secs(date.saturating_sub(now))
    };
    Some(rest.min(LONGEST_REST))
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
                Verdict::NotTaken(NotTaken::Refused(_))
            );
            assert_eq!(refused, [400, 413, 415, 422].contains(&status), "{status}");
            let failed = matches!(
                verdict(status, None),
                Verdict::NotTaken(NotTaken::Failed(_))
            );
            let is_failure = status >= 500 && ![502, 503, 504].contains(&status);
            assert_eq!(failed, is_failure, "{status}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_rest_of_up_to_five_minutes() {
        for (asked, given) in [
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
                let Verdict::NotTaken(NotTaken::Unavailable { rest, .. }) = verdict(status, asked)
                else {
                    panic!("{status}")
                };
                assert_eq!(rest, given.map(Duration::from_secs), "{asked:?}");
            }
        }
    }

    #[test]
    fn a_receiver_that_is_gone_is_asked_rarely() {
        let Verdict::NotTaken(NotTaken::Unavailable { rest, .. }) = verdict(410, None) else {
            panic!()
        };
        assert_eq!(rest, Some(LONGEST_REST));
    }
}
