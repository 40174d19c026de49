//! The service's problem details (RFC 9457), with a hint for each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// A problem returned by the service. Unknown fields of another version are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) detail: Option<String>,
    #[serde(default)]
    pub(crate) trace_id: Option<String>,
    /// The faults of the request body.
    #[serde(default)]
    pub(crate) errors: Vec<FieldFault>,
    /// The `Retry-After` header.
    #[serde(skip)]
    pub(crate) retry_after: Option<Duration>,
    /// The `Location` header: the record that is in the way.
    #[serde(skip)]
    pub(crate) location: Option<String>,
}

/// A fault of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct FieldFault {
    /// The JSON pointer (RFC 6901) of the field; empty for the whole body.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn exit(&self) -> Exit {
        match (self.status, self.code.as_str()) {
            (_, "verification-pending") | (408 | 429 | 502..=504, _) => Exit::Unavailable,
            (401 | 403, _) => Exit::Denied,
            (404, "asset-not-found") | (410, "asset-erased") => Exit::NotFound,
            (400..=499, _) => Exit::Refused,
            _ => Exit::Other,
        }
    }

    /// Returns whether the service is still hashing the object.
    pub(crate) fn is_verification_pending(&self) -> bool {
        self.code == "verification-pending"
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "malformed-request" => {
                "check --tenant and --env; otherwise this command and the server have different versions"
            }
            "unauthenticated" => {
                "the token has expired, or is not for this server; set NEXUS_RAW_TOKEN to a new one (in embedded mode: nexus-raw token)"
            }
            "forbidden" => {
                "reading requires membership of the tenant, getting requires its role owner, admin or member, putting, verifying and stating facts owner or admin; check --tenant, or request a token with that role"
            }
            "asset-not-found" => {
                "an asset is found only in its own tenant and environment, after its registration; check the id, --tenant and --env"
            }
            "route-not-found" | "method-not-allowed" => {
                "check --server; or the server is older than this command"
            }
            "asset-conflict" => "a registered asset never changes; a new put creates a new asset",
            "object-not-uploaded" | "upload-expired" | "object-mismatch" => "put the file again",
            "validation-failed" => "change what is named above; nothing was written",
            "payload-too-large" => "send less: fewer or shorter labels and parents",
            "rate-limited" => "too many requests were sent; wait, and send fewer at once",
            "request-timeout"
            | "storage-unavailable"
            | "catalog-unavailable"
            | "identity-unavailable"
            | "sink-unavailable" => "this error is temporary; try again later",
            "internal" => "report this to the operator of the service, with the trace id",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(status: u16, code: &str) -> Exit {
        Problem {
            status,
            code: code.to_owned(),
            title: String::new(),
            detail: None,
            trace_id: None,
            errors: vec![],
            retry_after: None,
            location: None,
        }
        .exit()
    }

    #[test]
    fn every_problem_has_its_exit_code() {
        for (status, code, expected) in [
            (400, "malformed-request", Exit::Refused),
            (401, "unauthenticated", Exit::Denied),
            (403, "forbidden", Exit::Denied),
            (404, "asset-not-found", Exit::NotFound),
            (404, "route-not-found", Exit::Refused),
            (405, "method-not-allowed", Exit::Refused),
            (408, "request-timeout", Exit::Unavailable),
            (409, "asset-conflict", Exit::Refused),
            (409, "object-not-uploaded", Exit::Refused),
            (409, "verification-pending", Exit::Unavailable),
            (410, "upload-expired", Exit::Refused),
            (410, "asset-erased", Exit::NotFound),
            (413, "payload-too-large", Exit::Refused),
            (415, "unsupported-media-type", Exit::Refused),
            (422, "validation-failed", Exit::Refused),
            (422, "object-mismatch", Exit::Refused),
            (422, "idempotency-key-reused", Exit::Refused),
            (429, "rate-limited", Exit::Unavailable),
            (500, "internal", Exit::Other),
            (503, "storage-unavailable", Exit::Unavailable),
            (503, "catalog-unavailable", Exit::Unavailable),
            (503, "identity-unavailable", Exit::Unavailable),
        ] {
            assert_eq!(exit(status, code), expected, "{code}");
        }
    }
}
