use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// One fault of a body, or of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// The JSON pointer (RFC 6901) to the invalid value; empty for the whole body. A query
    /// parameter is named like a member of a body.
    #[schema(examples("/filename"))]
    pointer: String,
    /// The broken rule.
    detail: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// Returns the fault of a missing member.
    pub(crate) fn absent(pointer: String) -> Self {
        Self::new(pointer, Self::REQUIRED)
    }

    /// Returns the fault of a capture time in the future.
    pub(crate) fn captured_in_future() -> Self {
        Self::new("/captured_at", Self::IN_FUTURE)
    }

    /// Returns the fault of the time of a scan in the future.
    pub(crate) fn scanned_in_future() -> Self {
        Self::new("/value/scanned_at", Self::IN_FUTURE)
    }

    /// Returns the fault of an upload by one request that S3 does not take in one.
    pub(crate) fn parts_needed() -> Self {
        Self::new("/multipart", Self::PARTS_NEEDED)
    }

    /// Returns the fault of an upload in parts without content.
    pub(crate) fn no_parts() -> Self {
        Self::new("/size_bytes", Self::NO_PARTS)
    }

    pub(crate) const PARTS_NEEDED: &str = "must be true for more than 5368709120 bytes";
    pub(crate) const NO_PARTS: &str = "must be at least 1 for an upload in parts";
    const REQUIRED: &str = "is required";
    pub(crate) const NO_CURSOR: &str = "must be the `next_cursor` of a page of this list";
    pub(crate) const IN_FUTURE: &str = "must not lie more than 5 minutes ahead of now";
}

#[cfg(test)]
impl Fault {
    pub(crate) fn parts(&self) -> (String, String) {
        (self.pointer.clone(), self.detail.clone())
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(crate) fn is_of_absence(&self) -> bool {
        self.detail == Self::REQUIRED
    }
}

/// The faults of a body or a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Returns the value, or the faults.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    pub(crate) fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl std::error::Error for Faults {}

/// Shows the pointers and the number of faults, never the values.
impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => out.write_str("1 fault was found"),
            several => write!(out, "{several} faults were found"),
        }
    }
}
