use std::{error::Error, fmt, iter};

/// An error and what caused it, outermost first, on one line.
pub(crate) struct ErrorChain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        for cause in iter::successors(self.0.source(), |&error| error.source()) {
            write!(out, ": {cause}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use nexus_raw::ports::SinkError;

    use super::*;

    #[test]
    fn each_cause_is_named_once_outermost_first() {
        let error = SinkError::Unavailable {
            taken: 0,
            source: io::Error::other("the disk is full").into(),
        };
        assert_eq!(
            ErrorChain(&error).to_string(),
            "the event sink is unavailable: the disk is full"
        );
    }
}
