use std::{error::Error, fmt::Write};

/// An error and what it comes from, in one line.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // writing to a string does not fail
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn each_cause_is_told_once_after_what_it_caused() {
        let inner = std::io::Error::other("inner");
        assert_eq!(error_chain(&Outer(inner)), "outer: inner");
    }
}
