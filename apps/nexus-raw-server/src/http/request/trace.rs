use actix_web::http::header::{HeaderMap, HeaderName};
use nexus_raw::{
    event::{RequestContext, RequestId, TraceId},
    system::random_bytes,
};

use crate::random;

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace context (W3C Trace Context) and the id of a request.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) context: RequestContext,
    sampled: bool,
}

impl Trace {
    /// Reads the headers; a missing, repeated or invalid value is replaced by a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (trace_id, sampled) = single(headers, &TRACEPARENT)
            .and_then(parse_traceparent)
            .unwrap_or_else(|| (random::fresh_trace_id(), false));
        let request_id = single(headers, &X_REQUEST_ID)
            .and_then(|text| RequestId::parse(text).ok())
            .unwrap_or_else(random::fresh_request_id);
        Self {
            context: RequestContext {
                trace_id,
                request_id,
            },
            sampled,
        }
    }

    /// Returns the `traceparent` of the response: the same trace, this service's span, the caller's
    /// sampling flag.
    pub(crate) fn traceparent(&self) -> String {
        let mut digits = [0; 16];
        // twice as many digits as bytes
        let span = match hex::encode_to_slice(random_bytes::<8>(), &mut digits) {
            Ok(()) => str::from_utf8(&digits).unwrap_or_default(),
            Err(_) => "",
        };
        let trace_id = self.context.trace_id.to_string();
        let flags = if self.sampled { "-01" } else { "-00" };
        ["00-", &trace_id, "-", span, flags].concat()
    }
}

/// Returns the value of a header that occurs exactly once, without optional white space (RFC 9110,
/// section 5.5).
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    values.next().is_none().then_some(text)
}

/// Parses `version "-" trace-id "-" parent-id "-" flags` (W3C Trace Context, section 3.2): of
/// version `00` nothing may follow, of later ones only after another `-`; `ff` is invalid.
fn parse_traceparent(text: &str) -> Option<(TraceId, bool)> {
    const SHAPE: &[u8; 55] = b"xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    let (known, rest) = text.split_at_checked(SHAPE.len())?;
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let shaped = known.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
        b'x' => lower_hex(byte),
        dash => byte == *dash,
    });
    if !shaped {
        return None;
    }
    // ASCII from here on
    let (version, parent) = (&known[..2], &known[36..52]);
    let ends = rest.is_empty() || (version != "00" && rest.starts_with('-'));
    if !ends || version == "ff" || parent.bytes().all(|byte| byte == b'0') {
        return None;
    }
    let flags = u8::from_str_radix(&known[53..], 16).ok()?;
    Some((TraceId::parse(&known[3..35]).ok()?, flags & 1 == 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_traceparent_of_this_or_a_later_version_is_taken() {
        for (text, sampled) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-00"), false),
            (format!("00-{TRACE}-00f067aa0ba902b7-fe"), false),
            (format!("01-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("cc-{TRACE}-00f067aa0ba902b7-01-what-will-be"), true),
        ] {
            let expected = (TraceId::parse(TRACE).unwrap(), sampled);
            assert_eq!(parse_traceparent(&text), Some(expected), "{text}");
        }
    }

    #[test]
    fn any_other_traceparent_is_replaced() {
        for bad in [
            String::new(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("01-{TRACE}-00f067aa0ba902b7-01.more"),
            format!("00-{TRACE}-00f067aa0ba902b7-1"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("0x-{TRACE}-00f067aa0ba902b7-01"),
            format!("00_{TRACE}_00f067aa0ba902b7_01"),
            format!("00-{TRACE}\u{e9}"),
        ] {
            assert_eq!(parse_traceparent(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_traceparent_has_the_shape_that_is_passed_on(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-\\PC{0,4})?|\\PC{0,60}") {
            if let Some((trace_id, _)) = parse_traceparent(&text) {
                prop_assert_eq!(trace_id.to_string(), &text[3..35]);
            }
        }
    }

    #[test]
    fn a_repeated_or_dangerous_request_id_is_replaced() {
        let name = X_REQUEST_ID;
        let mut headers = HeaderMap::new();
        headers.append(name.clone(), "r-1".parse().unwrap());
        assert_eq!(Trace::of(&headers).context.request_id.as_str(), "r-1");
        headers.append(name.clone(), "r-2".parse().unwrap());
        assert_eq!(Trace::of(&headers).context.request_id.as_str().len(), 36);
        headers.insert(name, "a;b".parse().unwrap());
        assert_eq!(Trace::of(&headers).context.request_id.as_str().len(), 36);
    }
}
