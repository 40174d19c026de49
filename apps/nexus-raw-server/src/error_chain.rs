use std::error::Error;

use nexus_raw::ErrorChain;

/// An error and what it comes from, in one line.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    ErrorChain(error).to_string()
}
