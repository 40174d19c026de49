use std::process::ExitCode;

/// How the command ends. The numbers are a contract: scripts branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// Anything that has no number of its own.
    Other = 1,
    /// The command line is wrong. clap ends with it too.
    Usage = 2,
    /// There is no such asset in this tenant and environment.
    NotFound = 3,
    /// The service or the store refused it, and would again.
    Refused = 4,
    /// No answer now; the same command may succeed later.
    Unavailable = 5,
    /// The token is missing rights, or proves nobody.
    Denied = 6,
}

/// The table of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  something else went wrong (a file, the output, an answer that is not the service's)
  2  the command line is wrong
  3  there is no such asset in this tenant and environment
  4  refused: the same command will be refused again
  5  unavailable: the same command may succeed later
  6  the token proves nobody, or gives no right to do this";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
