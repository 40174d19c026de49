use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// One fault of a body, or of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// The faulty value, as a JSON pointer (RFC 6901); empty for the whole body. A parameter of a
    /// query is named as a member of a body is.
    #[schema(examples("/filename"))]
    pointer: String,
    /// The rule it breaks.
    detail: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// The fault of a member that is not there.
    pub(crate) fn absent(pointer: String) -> Self {
        Self::new(pointer, Self::REQUIRED)
    }

    /// The fault of a capture that the service's clock has not reached.
    pub(crate) fn captured_in_future() -> Self {
        Self::new("/captured_at", Self::IN_FUTURE)
    }

    const REQUIRED: &str = "is required";
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

/// Every fault of a body, or of a query, that was found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The value, unless there are faults.
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

/// Where the faults are, and how many; never what the caller sent there.
impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => out.write_str("1 fault was found"),
            several => write!(out, "{several} faults were found"),
        }
    }
}
