//! The service's problem details (RFC 9457), with a hint for each.

use std::{fmt, time::Duration};

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
            // the same command succeeds once the upload is complete, or begins a new upload
            (_, "verification-pending" | "object-not-uploaded" | "upload-expired")
            | (408 | 429 | 502..=504, _) => Exit::Unavailable,
            // what was stored is not what was sent; a new upload has another object, and a new key
            (_, "object-mismatch" | "idempotency-key-reused") => Exit::Other,
            (401 | 403, _) => Exit::Denied,
            (404, "asset-not-found") | (410, "asset-erased") => Exit::NotFound,
            (400..=499, _) => Exit::Refused,
            _ => Exit::Other,
        }
    }

    /// Returns whether a retry of the same request may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 502..=504)
    }

    /// Returns whether an upload that is registered can never be, after this.
    pub(crate) fn ends_upload(&self) -> bool {
        matches!(self.code.as_str(), "upload-expired" | "object-mismatch")
    }

    /// Returns whether the faults say all that title and detail say.
    pub(crate) fn is_of_fields(&self) -> bool {
        self.status == 422 && !self.errors.is_empty()
    }

    /// Returns whether the service is still hashing the object.
    pub(crate) fn is_verification_pending(&self) -> bool {
        self.code == "verification-pending"
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "malformed-request" => {
                "check the tenant and the environment; otherwise this command and the server have different versions"
            }
            "unauthenticated" => {
                "the token has expired, or is not for this server; set NEXUS_RAW_TOKEN to a new one (in embedded mode: nexus-raw token); nexus-raw whoami prints when it ends"
            }
            "forbidden" => {
                "reading requires membership of the tenant, getting requires its role owner, admin or member, putting, registering, aborting, verifying and stating facts owner or admin; check --tenant, or request a token with that role"
            }
            "asset-not-found" => {
                "an asset is found only in its own tenant and environment, and read only after its registration; check the id, --tenant and --env"
            }
            "route-not-found" | "method-not-allowed" => {
                "check --server; or the server is older than this command"
            }
            "asset-conflict" => {
                "the asset is registered with other metadata, or what is stated differs from what was declared at its upload; a registered asset never changes: state a fact of it, or put the file as another asset"
            }
            "asset-erased" => "its content and metadata were erased, and do not come back",
            "object-not-uploaded" => {
                "upload what is missing and register the asset again, or put the file again"
            }
            "verification-pending" => "the service is still working on this asset; try again later",
            "upload-expired" | "object-mismatch" | "idempotency-key-reused" => "put the file again",
            "unsupported-media-type" => {
                "this command and the server have different versions, or something between them changes requests"
            }
            "validation-failed" => "change what is named above; nothing was written",
            "payload-too-large" => "send less: fewer or shorter labels and parents",
            "rate-limited" => "too many requests were sent; wait, and send fewer at once",
            "request-timeout"
            | "storage-unavailable"
            | "catalog-unavailable"
            | "identity-unavailable"
            | "sink-unavailable" => "this error is temporary; try again later",
            "internal" | "log-forked" => {
                "report this to the operator of the service, with the trace id"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Problem {
    /// Writes what is wrong: the faults of fields rather than a title that is the same for all.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.as_slice() {
            [fault] if self.is_of_fields() => write!(out, "{fault}")?,
            faults if self.is_of_fields() => write!(out, "{} faults", faults.len())?,
            _ => out.write_str(&self.title)?,
        }
        write!(out, " ({} {})", self.status, self.code)
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.pointer.as_str() {
            "" => "the whole body",
            pointer => pointer,
        };
        write!(out, "{place}: {}", self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the same command may end otherwise by itself.
    const REPEAT: [&str; 4] = [
        "again later",
        "put the file again",
        "wait, and",
        "register the asset again",
    ];

    fn problem(status: u16, code: &str) -> Problem {
        Problem {
            status,
            code: code.to_owned(),
            title: "T".to_owned(),
            detail: None,
            trace_id: None,
            errors: vec![],
            retry_after: None,
            location: None,
        }
    }

    #[test]
    fn every_problem_has_its_exit_code_and_a_hint_that_agrees() {
        for (status, code, expected) in [
            (400, "malformed-request", Exit::Refused),
            (401, "unauthenticated", Exit::Denied),
            (403, "forbidden", Exit::Denied),
            (404, "asset-not-found", Exit::NotFound),
            (404, "route-not-found", Exit::Refused),
            (405, "method-not-allowed", Exit::Refused),
            (408, "request-timeout", Exit::Unavailable),
            (409, "asset-conflict", Exit::Refused),
            (409, "object-not-uploaded", Exit::Unavailable),
            (409, "verification-pending", Exit::Unavailable),
            (410, "upload-expired", Exit::Unavailable),
            (410, "asset-erased", Exit::NotFound),
            (413, "payload-too-large", Exit::Refused),
            (415, "unsupported-media-type", Exit::Refused),
            (422, "validation-failed", Exit::Refused),
            (422, "object-mismatch", Exit::Other),
            (422, "idempotency-key-reused", Exit::Other),
            (429, "rate-limited", Exit::Unavailable),
            (500, "internal", Exit::Other),
            (503, "storage-unavailable", Exit::Unavailable),
            (503, "catalog-unavailable", Exit::Unavailable),
            (503, "sink-unavailable", Exit::Unavailable),
            (503, "identity-unavailable", Exit::Unavailable),
            (503, "log-forked", Exit::Unavailable),
        ] {
            let problem = problem(status, code);
            assert_eq!(problem.exit(), expected, "{code}");
            let hint = problem.hint().unwrap();
            let repeats = REPEAT.iter().any(|it| hint.contains(it));
            match expected {
                Exit::Unavailable => assert!(repeats || code == "log-forked", "{code}: {hint}"),
                Exit::Other => {}
                _ => assert!(!repeats, "{code}: {hint}"),
            }
        }
    }

    /// A retry at once helps against what passes at once alone.
    #[test]
    fn a_request_is_repeated_by_the_command_only_if_it_may_succeed_at_once() {
        for (status, code, expected) in [
            (408, "request-timeout", true),
            (429, "rate-limited", true),
            (503, "storage-unavailable", true),
            (409, "object-not-uploaded", false),
            (409, "verification-pending", false),
            (410, "upload-expired", false),
            (422, "object-mismatch", false),
            (500, "internal", false),
        ] {
            assert_eq!(problem(status, code).is_transient(), expected, "{code}");
        }
    }

    #[test]
    fn faults_of_fields_are_shown_instead_of_the_title() {
        let fault = |pointer: &str| FieldFault {
            pointer: pointer.to_owned(),
            detail: "is bad".to_owned(),
        };
        for (status, pointers, expected) in [
            (422, &[][..], "T (422 c)"),
            (422, &["/a"], "/a: is bad (422 c)"),
            (422, &[""], "the whole body: is bad (422 c)"),
            (422, &["/a", "/b"], "2 faults (422 c)"),
            (409, &["/parts/1"], "T (409 c)"),
        ] {
            let errors = pointers.iter().map(|it| fault(it)).collect();
            let problem = Problem {
                errors,
                ..problem(status, "c")
            };
            assert_eq!(problem.to_string(), expected);
        }
    }
}
